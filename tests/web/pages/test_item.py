"""An item's own page: everything by, to and about it, and nothing else."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape

import httpx
import pytest
from playwright.sync_api import Page
from tests.web.conftest import ANNA, BOB, KARI, ORG, WEB, Served, enter

from trailbook import Item, operator
from trailbook.model import Actor
from trailbook.query import from_params

PAGE = f"/orgs/{ORG}/activity"
BOBS = f"{PAGE}/items/user/u-42"
LONG_AGO = datetime(2025, 5, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def known(serve: Callable[..., Served]) -> Served:
    """A log in which Bob acts too, a role changes its name twice and is deleted, and one person is erased."""
    served = serve()
    log = served.log
    bob = Item(type="user", id=BOB.id, name=BOB.name)
    doing = {"type": "user", "id": BOB.id, "name": BOB.name, "kind": "person"}
    for at in range(60):
        log.record(
            "role.assigned",
            actor=Actor(**doing),
            target=Item(type="role", id="r-1", name="Reader"),
            concerns={"member": Item(type="user", id=f"u-other-{at}", name=f"Other {at}")},
            occurred_at=LONG_AGO,
            origin=WEB,
        )
    for name, action in (("Boss", "created"), ("Chief", "updated"), ("Head of all", "deleted")):
        role = Item(type="role", id="r/9 ö", name=name)
        log.record(f"role.{action}", actor=KARI, target=role, occurred_at=LONG_AGO, origin=WEB)
    gone = Item(type="user", id="u-gone", name="Gone Person")
    log.record(
        "role.assigned",
        actor=ANNA,
        target=Item(type="role", id="r-1", name="Reader"),
        concerns={"member": [bob, gone]},
        occurred_at=LONG_AGO,
        origin=WEB,
    )
    return served


@pytest.fixture(scope="module")
def reader(known: Served) -> Iterator[httpx.Client]:
    """A browser's HTTP, signed in."""
    with httpx.Client(base_url=known.base_url, timeout=60) as client:
        enter(client, known.link())
        yield client


def rows(client: httpx.Client, path: str | None) -> list[str]:
    """The entries of a page and of every older one."""
    ids: list[str] = []
    while path:
        answer = client.get(unescape(path))
        assert answer.status_code == 200, answer.text
        ids += re.findall(r'<li class="row" id="e-([^"]+)"', answer.text)
        older = re.search(r'rel="next" href="([^"]*)"', answer.text)
        path = older[1] if older else None
    return ids


@pytest.mark.parametrize("side", ["all", "by", "about"])
def test_the_timeline_is_the_filter(known: Served, reader: httpx.Client, side: str) -> None:
    """Every entry by, to and about it, in both orders, over as many pages as it takes."""
    field = {"all": "by_or_about", "by": "actor", "about": "concerns"}[side]
    query = from_params([(field, "user/u-42"), ("category", "roles")])
    ids = [row.id for row in known.log.rows(query, viewer=operator(ORG), lang="en")]
    assert len(ids) > 50
    asked = f"{BOBS}?side={side}&category=roles"
    assert sorted(rows(reader, asked)) == sorted(ids)
    assert rows(reader, f"{asked}&order=asc")[0] == rows(reader, asked)[-1]


def test_no_number_of_a_person(reader: httpx.Client) -> None:
    """Neither how many entries there are, nor any figure, stands on a person's page."""
    text = reader.get(f"{BOBS}?side=all").text.partition("<main")[2].partition("</main>")[0]
    assert not re.search(r"\d+ entr", text)
    assert "<svg class" not in text.replace('<svg class="icon"', "")
    assert "/bars" not in text
    assert "/values" not in text


def test_what_it_was_called(reader: httpx.Client) -> None:
    """Names of before are said, and that it is there no more; an id may hold anything."""
    text = reader.get(f"{PAGE}/items/role/r/9%20%C3%B6?side=all").text
    assert "<h1><bdi>Head of all</bdi></h1>" in text
    assert "No longer exists" in text
    assert re.findall(r"<dd><bdi>(.*?)</bdi></dd>", text) == ["Chief", "Boss"]
    assert "Earlier names" not in reader.get(f"{BOBS}?side=all").text


def test_what_is_forgotten_never_was(known: Served, reader: httpx.Client) -> None:
    """An erased person's page and one that never was are alike, and so is a type that is none."""
    assert reader.get(f"{PAGE}/items/user/u-gone?side=all").status_code == 200
    known.log.erase(Item(type="user", id="u-gone"), actor=ANNA, origin=WEB)
    answers = [
        reader.get(f"{PAGE}/items/{path}?side=all") for path in ("user/u-gone", "user/u-none", "thing/u-42")
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    pages = [re.sub(r"<code>.*?</code>", "", answer.text.partition("<main")[2]) for answer in answers]
    assert len(set(pages)) == 1


def test_who_read_is_folded(reader: httpx.Client) -> None:
    """The bare path leaves out the log's own entries and says so; one press shows them."""
    bare = reader.get(BOBS)
    assert (bare.status_code, bare.headers["location"]) == (303, f"{BOBS}?category.not=activity_log")
    folded = reader.get(bare.headers["location"]).text
    assert "searched the activity log" not in folded
    unfold = re.search(r'<a href="([^"]*)">Show that too', folded)
    assert unfold is not None
    assert "searched the activity log" in reader.get(unescape(unfold[1])).text


def test_bad_input_is_named(reader: httpx.Client) -> None:
    """A parameter that is none is said, and no rows are shown."""
    for asked, name in (
        ("side=left", "side"),
        ("date=someday", "date"),
        ("nonsense=1", "nonsense"),
        ("actor=user/u-1", "actor"),
    ):
        answer = reader.get(f"{BOBS}?{asked}")
        assert answer.status_code == 422
        assert name in answer.text.lower()
        assert '<li class="row"' not in answer.text
    assert reader.get(f"{BOBS}?side=all&date=&category=").status_code == 200


def test_nobody_without_the_permission(known: Served) -> None:
    """The same refusal as everywhere, whether the item exists or not."""
    with httpx.Client(base_url=known.base_url) as client:
        enter(client, known.link("none"))
        both = [client.get(path) for path in (BOBS, f"{PAGE}/items/user/u-none")]
    assert [answer.status_code for answer in both] == [403, 403]
    assert "Bob" not in both[0].text


def test_what_is_withheld_stays_so(known: Served, reader: httpx.Client) -> None:
    """An item that only entries of another category name is none for who does not see that category."""
    case = Item(type="case", id="case-7")
    known.log.record("case.opened", actor=KARI, target=case, occurred_at=LONG_AGO, origin=WEB)
    assert reader.get(f"{PAGE}/items/case/case-7?side=all").status_code == 404
    assert known.log.count(from_params([("target", "case/case-7")]), viewer=operator(ORG), lang="en")[0] == 1


def test_names_lead_there(visit: Callable[..., Page]) -> None:
    """Two presses from any name: it becomes a filter, and what it names has a timeline; an opened entry links too."""
    page = visit()
    page.goto(f"{PAGE}?category=roles")
    page.locator(".row .what a", has_text="Bob Li").first.click()
    page.get_by_role("link", name="Timeline of Bob Li").click()
    page.wait_for_url("**/items/user/u-42?category.not=activity_log")
    assert page.locator("h1").inner_text() == "Bob Li"
    page.locator(".row a.when").first.click()
    page.locator("#panel h2").wait_for()
    assert page.locator("#panel dd a[href*='/items/']").count() >= 2
    page.keyboard.press("Escape")
    page.select_option("select[name=side]", "by")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**side=by**")
    assert page.locator(".hint").inner_text().startswith("Nothing here")
