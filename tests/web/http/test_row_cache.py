"""Rows that were written out before: given again for the same entry on the same list, and for nothing else."""

from collections.abc import Hashable

import httpx
from markupsafe import Markup
from msgspec import structs
from tests.web.conftest import ANNA, ORG, WEB, Served, enter
from tests.web.test_html import opened

from trailbook import Item, Query, operator
from trailbook.finding.answers import Shown
from trailbook.finding.memo import Erasures
from trailbook.web.http.row_cache import MOST, Drawing, RowCache, RowList


def shown_in(served: Served) -> Shown:
    return served.log.search(Query(), viewer=operator(ORG), limit=1).entries[0]


class Pen:
    """Draws rows and counts them."""

    def __init__(self) -> None:
        self.cache = RowCache()
        self.erasures = Erasures()
        self.times = 0

    def rows(self, shown: Shown, erasures: Erasures | None = None, address: Hashable = "a") -> str:
        log = erasures or self.erasures
        return self.rows_at(RowList(log, log.count, address), shown)

    def rows_at(self, at: RowList, shown: Shown) -> str:
        rows = self.cache.recall(at, [shown])
        if shown.id not in rows:
            self.times += 1
            rows = {shown.id: Drawing("today", Markup(shown.sentence))}
        self.cache.keep(at, [shown], rows)
        return str(rows[shown.id].html)


def test_a_row_is_given_again_for_the_same_entry_on_the_same_list_alone(served: Served) -> None:
    """Another list, organisation or language, a new name, an erasure: each is drawn anew."""
    pen, shown = Pen(), shown_in(served)
    assert pen.rows(shown) == pen.rows(structs.replace(shown)) == shown.sentence
    assert pen.times == 1
    renamed = structs.replace(shown, sentence="Somebody else did it")
    assert pen.rows(renamed) == "Somebody else did it"
    pen.rows(shown, address="b")
    pen.rows(shown, erasures=Erasures())
    assert pen.times == 4
    pen.rows(renamed)
    pen.erasures.announce()
    pen.rows(renamed)
    assert pen.times == 5
    pen.rows(renamed)
    assert pen.times == 5


def test_rows_of_entries_that_were_read_before_an_erasure_are_not_kept(served: Served) -> None:
    """Whoever draws while somebody is erased leaves nothing behind; the control: without the erasure they do."""
    pen, shown = Pen(), shown_in(served)
    before = RowList(pen.erasures, pen.erasures.count, "a")
    pen.erasures.announce()
    pen.rows_at(before, shown)
    assert len(pen.cache._lists) == 0
    pen.rows(shown)
    assert len(pen.cache._lists) == 1


def test_only_so_many_lists_are_kept(served: Served) -> None:
    """What was asked for longest ago goes first."""
    pen, shown = Pen(), shown_in(served)
    for at in range(MOST + 1):
        pen.rows(shown, address=at)
    pen.rows(shown, address=MOST)
    assert pen.times == MOST + 1
    pen.rows(shown, address=0)
    assert pen.times == MOST + 2


def test_whoever_is_erased_is_so_on_the_next_page(served: Served) -> None:
    """A row that was written out with a name has the pseudonym when the same page is asked for again."""
    person, role = (
        Item(type="user", id="u-drawn", name="Tone Vang"),
        Item(type="role", id="r-9", name="Clerk"),
    )
    served.log.record("role.assigned", actor=ANNA, target=role, concerns={"member": person}, origin=WEB)
    address = f"/orgs/{ORG}/activity?target=role/r-9"
    with httpx.Client(base_url=served.base_url, timeout=30) as reader:
        enter(reader, served.link())
        assert "Tone Vang" in opened(reader, address).text
        assert "Tone Vang" in opened(reader, address).text
        served.log.erase(person, actor=ANNA, origin=WEB)
        page = opened(reader, address).text
    assert "Tone Vang" not in page
    assert "Clerk" in page
