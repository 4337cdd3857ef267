"""A row: its sentence in fragments, names cut and never marked up, and the addresses that a name adds."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from markupsafe import escape
from msgspec import structs
from tests.web.conftest import ORG, Served, vocabulary_of

from trailbook import operator
from trailbook.finding import Shown, ShownItem
from trailbook.query import from_params
from trailbook.web.http.texts import texts_of
from trailbook.web.pages.address import Address, read_address
from trailbook.web.pages.rows import LATE, MOST_NAME, Addresses, PageRow, Presenter, called, cut, row

HOME = f"/orgs/{ORG}/activity"


@pytest.fixture
def shown(served: Served) -> Shown:
    """An entry that names three items."""
    roles = from_params([("category", "roles"), ("outcome", "success")])
    return served.log.search(roles, viewer=operator(ORG), limit=1).entries[0]


def list_of(served: Served, *pairs: tuple[str, str]) -> Address:
    vocabulary = vocabulary_of(served.log.catalogue)
    return read_address(HOME, list(pairs), vocabulary=vocabulary, home_zone="Europe/Oslo")


def presenter_for(served: Served, state: Address | None = None, lang: str = "en") -> Presenter:
    addresses = None if state is None else Addresses(state)
    return Presenter(
        words=texts_of(lang),
        zone=ZoneInfo("Europe/Oslo"),
        catalogue=served.log.catalogue,
        addresses=addresses,
    )


def row_of(served: Served, shown: Shown, presenter: Presenter) -> PageRow:
    pieces = served.log.pieces(shown, viewer=operator(ORG), lang=presenter.words.lang)
    return row(shown, pieces, presenter)


def test_the_fragments_are_the_sentence(served: Served, shown: Shown) -> None:
    """Put together they say what the API says; the names among them are marked, each with its address."""
    page_row = row_of(served, shown, presenter_for(served, list_of(served)))
    assert "".join(fragment.text for fragment in page_row.fragments) == shown.sentence
    assert any(fragment.item and fragment.href for fragment in page_row.fragments)
    alone = row_of(served, shown, presenter_for(served))
    assert {fragment.href for fragment in alone.fragments} == {None}
    assert alone.href is None


@pytest.mark.parametrize("pairs", [(), (("category", "roles"),), (("actor", "user/u-9"), ("tz", "UTC"))])
@pytest.mark.parametrize("id_", ["u-17", "a&b", "user/-here-", "å ?"])
def test_the_address_that_a_name_adds(
    served: Served, shown: Shown, pairs: tuple[tuple[str, str], ...], id_: str
) -> None:
    """Worked out once for all rows, it is the one that the list itself would give; none where it is in the filter."""
    state = list_of(served, *pairs)
    item = structs.replace(shown.actor, type="user", id=id_)
    for field in ("actor", "concerns"):
        expected = escape(state.href(state.with_value(field, f"user/{id_}")))
        assert escape(Addresses(state).adding(field, item)) == expected
    held = list_of(served, ("actor", "user/u-17"))
    assert Addresses(held).adding("actor", structs.replace(item, id="u-17")) is None


def test_recorded_late(served: Served, shown: Shown) -> None:
    """More than an hour after it happened, the row says when; up to then it does not."""
    presenter, occurred = presenter_for(served), datetime.fromisoformat(shown.occurred_at)
    in_time = structs.replace(shown, recorded_at=(occurred + LATE).isoformat())
    late = structs.replace(shown, recorded_at=(occurred + LATE + timedelta(seconds=1)).isoformat())
    assert row_of(served, in_time, presenter).late is None
    assert row_of(served, late, presenter).late is not None


def test_a_name_is_cut_and_nothing_else() -> None:
    """As long as there is room it stays as it is, whatever it is made of."""
    assert cut("<b>" * (MOST_NAME // 3)) == "<b>" * (MOST_NAME // 3)
    assert len(cut("x" * (MOST_NAME + 1))) == MOST_NAME
    assert cut("x" * (MOST_NAME + 1)).endswith("…")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"name": "Bob Li"}, "Bob Li"),
        ({"name": None}, "Person u-42"),
        ({"name": None, "erased": True, "pseudonym": "k7"}, "Person k7"),
    ],
)
def test_what_an_item_is_called(
    served: Served, shown: Shown, changes: dict[str, str | bool | None], name: str
) -> None:
    """By its name, else by its type and id, and once erased by its pseudonym alone."""
    item: ShownItem = structs.replace(shown.target, type="user", id="u-42", **changes)
    assert called(item, presenter_for(served)) == name
