"""An item has its page whatever its id is, in each way that the page is served."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from msgspec import Struct
from playwright.sync_api import Browser
from tests.web.conftest import ANNA, ORG, PLENTY, Served, enter
from tests.web.hosts import HOSTS, PREFIX, served_at, signed_in_by_cookie
from tests.web.odd_ids import ODD, heading, name_of, recorded

from trailbook import Item, operator
from trailbook.administration.access import By, put_member
from trailbook.web import page_of
from trailbook.web.host import MountedPage
from trailbook.web.pages.address import item_of

PAGE = f"/orgs/{ORG}/activity"


class Place(Struct, frozen=True):
    """A page that is served: for whom, from which origin, below which path."""

    client: httpx.Client
    origin: str
    root: str


@pytest.fixture(scope="module")
def served(serve: Callable[..., Served]) -> Served:
    return serve(limits=PLENTY)


@pytest.fixture(scope="module")
def entries(served: Served) -> dict[str, str]:
    return recorded(served.log, ANNA)


@pytest.fixture(scope="module", params=["serve", *HOSTS])
def place(request: pytest.FixtureRequest, served: Served, entries: dict[str, str]) -> Iterator[Place]:
    if request.param == "serve":
        with httpx.Client(base_url=served.base_url, timeout=60) as client:
            enter(client, served.link())
            yield Place(client, served.base_url, "")
        return
    member = Item(type="user", id=ANNA.id, name=ANNA.name)
    put_member(By(served.deployment, operator(ORG)), member, ["auditor"])
    pages: list[MountedPage] = []

    def make(origin: str) -> object:
        viewer = signed_in_by_cookie(ORG)
        pages.append(
            MountedPage(served.deployment, base_url=f"{origin}{PREFIX}", viewer=viewer, limits=PLENTY)
        )
        return HOSTS[request.param](pages[0])

    with served_at(make) as origin, httpx.Client(cookies={"hr": ANNA.id}, timeout=60) as client:
        yield Place(client, origin, PREFIX)
    pages[0].close()


@pytest.mark.parametrize("id_", ODD)
def test_an_entry_leads_to_the_page_of_its_item(place: Place, entries: dict[str, str], id_: str) -> None:
    entry = f"{place.origin}{place.root}{PAGE}/e/{entries[id_]}"
    assert heading(place.client, place.origin, entry) == name_of(id_)


def test_so_it_does_in_a_browser(served: Served, entries: dict[str, str], browser: Browser) -> None:
    """A browser has rules of its own for dots, slashes and blanks in an address."""
    context = browser.new_context(base_url=served.base_url)
    page = context.new_page()
    page.goto(served.link())
    page.click("main button")
    page.wait_for_url(f"**{PAGE}*")
    for id_ in ODD:
        href = page_of(PAGE, "role", id_)
        page.goto(href)
        assert page.locator("h1").inner_text() == name_of(id_), href


def test_no_two_ids_have_one_address() -> None:
    written = {page_of("", "role", id_) for id_ in ODD}
    assert len(written) == len(ODD)
    assert all(address.isascii() and "//" not in address and "/../" not in address for address in written)


def test_an_item_that_is_not_there_has_no_page(place: Place) -> None:
    """The control; and a mark that stands for nothing leads where it would without it."""
    answer = place.client.get(f"{place.origin}{page_of(f'{place.root}{PAGE}', 'role', 'æ øø')}")
    assert answer.status_code == 404
    assert item_of("/role/~a") == item_of("role/a") == ("role", "a")
