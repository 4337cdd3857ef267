"""What the page adds where scripts run: the entry beside the list, what comes while one reads, and what fails."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import AGENT, ANNA, BOB, ORG, WEB, Served

from trailbook import Item

PAGE = f"/orgs/{ORG}/activity"
ROLES = f"{PAGE}?category=roles"


@pytest.fixture(scope="module")
def own(serve: Callable[..., Served]) -> Served:
    """A log of its own, where nobody else records."""
    return serve()


@pytest.fixture
def reader(own: Served, browser: Any) -> Any:
    """The page, opened by somebody in Oslo who may read it."""
    context = browser.new_context(
        base_url=own.base_url, timezone_id="Europe/Oslo", viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(own.link())
    page.click("main button")
    page.wait_for_url("**/activity?*")
    return page


def test_an_entry_opens_beside_the_list(reader: Page) -> None:
    """It covers nothing, has its own address, and is told apart; Esc, Close and Back alike lead back to its row."""
    reader.goto(ROLES)
    rows, panel = reader.locator(".row a.when"), reader.locator("#panel dl.facts")
    head, marked = reader.locator("#panel h2"), reader.locator(".row[aria-current=true]")
    rows.nth(1).focus()
    reader.keyboard.press("Enter")
    expect(head).to_be_focused()
    reader.wait_for_url("**/e/**")
    second, first_row = reader.url, rows.nth(1).locator("..")
    expect(first_row).to_have_attribute("aria-current", "true")
    places = [reader.locator(part).bounding_box() or {} for part in ("main", "#panel")]
    assert places[0]["x"] + places[0]["width"] < places[1]["x"]
    assert first_row.evaluate("row => row.offsetHeight") <= 48
    expect(reader.locator("#questions")).to_be_hidden()
    assert "Firefox on Linux" in panel.inner_text()
    assert AGENT not in reader.content()
    reader.click("#panel a[rel=next]")
    reader.wait_for_url(lambda url: "/e/" in url and url != second)
    expect(rows.nth(2).locator("..")).to_have_attribute("aria-current", "true")
    expect(head).to_be_focused()
    reader.keyboard.press("k")
    reader.wait_for_url(second)
    expect(marked).to_have_count(1)
    for leaves in (
        lambda: reader.keyboard.press("Escape"),
        lambda: reader.click("#panel [data-close]"),
        reader.go_back,
    ):
        leaves()
        expect(rows.nth(1)).to_be_focused()
        reader.wait_for_url(lambda url: url.endswith(ROLES))
        expect(panel).to_have_count(0)
        expect(marked).to_have_count(0)
        rows.nth(1).click()
        expect(panel).to_be_visible()
    reader.goto(second)
    expect(reader.locator("article.panel dl.facts")).to_be_visible()
    reader.click("[data-close]")
    reader.wait_for_url(lambda url: url.endswith(ROLES))


def test_where_there_is_no_room_an_entry_has_a_page(reader: Page) -> None:
    """Below 64 rem the row's link is followed; an entry that is open when the window grows narrow gets its page too."""
    reader.goto(ROLES)
    reader.click(".row a.when")
    reader.wait_for_selector("#panel dl.facts")
    reader.set_viewport_size({"width": 1000, "height": 900})
    expect(reader.locator("article.panel h1")).to_be_visible()
    reader.go_back()
    reader.locator(".row a.when").first.click()
    expect(reader.locator("article.panel h1")).to_be_visible()
    reader.go_back()
    reader.wait_for_url(lambda url: url.endswith(ROLES))


def test_a_press_on_a_question_shows_the_whole_page(reader: Page) -> None:
    """The list comes with its head in sight, wherever on the page one was."""
    reader.goto(ROLES)
    for down in (0, 400):
        reader.evaluate("down => scrollTo(0, down)", down)
        before = reader.url
        reader.locator("#questions nav a:not([aria-current])").nth(1 if down else 0).dispatch_event("click")
        reader.wait_for_url(lambda url, before=before: url != before)
        reader.wait_for_function("scrollY === 0")


def test_a_chip_turns_and_goes(reader: Page) -> None:
    """One press says "is not", one takes the filter away; the address says the same, also after Back."""
    reader.goto(f"{ROLES}&outcome=denied")
    reader.click(".chip:has-text('Outcome') .flip")
    reader.wait_for_url("**outcome.not=denied**")
    expect(reader.locator("#said")).to_contain_text("outcome not: refused")
    reader.click(".chip:has-text('Outcome') .drop")
    reader.wait_for_url(lambda url: "outcome" not in url)
    reader.go_back()
    expect(reader.locator("#said")).to_contain_text("outcome not: refused")


def test_what_comes_is_announced_and_not_pushed_in(reader: Page, own: Served) -> None:
    """Rows stay where they are; pressing shows the new ones on top, marked; what does not fit says nothing."""
    with reader.expect_response("**/live?**"):
        reader.goto(ROLES)
    top = reader.locator(".row").first
    before = top.get_attribute("id")
    own.log.record("user.profile_updated", actor=ANNA, target=Item(type="user", id="u-17"), origin=WEB)
    for name in ("First", "Second"):
        target = Item(type="role", id=f"r-{name}", name=name)
        own.log.record("role.assigned", actor=ANNA, target=target, concerns={"member": BOB}, origin=WEB)
    expect(reader.locator("#arrived")).to_have_text("2 new, show", timeout=10_000)
    assert top.get_attribute("id") == before
    reader.click("#arrived")
    expect(reader.locator(".row.fresh")).to_have_count(2)
    expect(top).to_contain_text("Second")
    assert reader.locator(f"[id='{before}']").count() == 1


def test_paused_stays_paused(reader: Page, own: Served) -> None:
    """Pause is remembered and opens no stream; a range that is past never has one."""
    reader.goto(ROLES)
    with reader.expect_navigation():
        reader.click(".tools summary")
        reader.click("#pause")
    expect(reader.locator("#pause")).to_have_attribute("aria-pressed", "true")
    streams: list[str] = []
    reader.on("request", lambda request: streams.append(request.url) if "/live?" in request.url else None)
    reader.goto(f"{ROLES}&outcome=success")
    expect(reader.locator("#total")).to_contain_text("entries")
    reader.goto(f"{PAGE}?date=last-year")
    expect(reader.locator("#live")).to_have_count(0)
    assert streams == []


def test_rows_go_with_the_permission(reader: Page, own: Served) -> None:
    """Signed out in another tab, this one shows nothing a moment later."""
    with reader.expect_response("**/live?**"):
        reader.goto(ROLES)
    other = reader.context.new_page()
    other.goto(PAGE)
    other.click("text=Sign out")
    expect(reader.locator(".row")).to_have_count(0, timeout=10_000)
    expect(reader.locator("h1")).to_have_text("You are signed out")


def test_what_fails_leaves_the_rows(reader: Page) -> None:
    """Without a server the old rows stay, it is said in words, and trying again answers."""
    reader.goto(ROLES)
    reader.route("**/activity?*", lambda route: route.abort())
    reader.click("#f-date")
    reader.locator("input[name=date][value=past-12-months]").click()
    expect(reader.locator("#notice")).to_contain_text("could not be reached", timeout=60_000)
    assert reader.locator(".row").count() > 0
    reader.unroute("**/activity?*")
    reader.click("[data-retry]")
    reader.wait_for_url("**date=past-12-months**")
    expect(reader.locator("#notice")).to_be_empty()


def test_the_look_is_remembered(reader: Page) -> None:
    """Dark by choice, from the first paint of the next page."""
    reader.goto(ROLES)
    reader.select_option("[data-look]", "dark")
    reader.goto(PAGE)
    expect(reader.locator("html")).to_have_attribute("data-color-scheme", "dark")
    assert reader.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
