"""Where things stand in a real browser: rows first, each on its line, and nothing that moves them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import ANNA, BOB, KARI, ORG, WEB, Served
from tests.web.test_browser import clean

from trailbook import Item, demo

PAGE = f"/orgs/{ORG}/activity"
EVERYTHING = f"{PAGE}?view=all"
ROWS = """() => [...document.querySelectorAll('li.row')].map(row => row.getBoundingClientRect())
    .map(box => ({y: box.y, height: box.height, seen: box.top >= 0 && box.bottom <= innerHeight}))"""
# Width and height of the window, how many entries are fully visible at least, and how far down the first may stand.
DRAWN = ((1280, 860, 10, 340), (1920, 1000, 14, 340), (360, 780, 4, 420))
ONE_LINE = 48


@pytest.fixture(scope="module")
def busy(serve: Callable[..., Served]) -> Served:
    """A log of a busy hour: sentences of usual length, so many that they fill a window, of a host that shows items."""
    served = serve(folders=[demo.CATALOGUE])
    now = served.log.clock()
    for at in range(40):
        served.log.record(
            "role.assigned" if at % 2 else "role.unassigned",
            actor=ANNA if at % 3 else KARI,
            target=Item(type="role", id=f"r-{at % 4}", name="Safety representative"),
            concerns={"member": BOB},
            occurred_at=now - timedelta(minutes=at),
            origin=WEB,
        )
    return served


def rows(page: Page) -> list[dict[str, Any]]:
    measured: list[dict[str, Any]] = page.evaluate(ROWS)
    return measured


def test_rows_come_first(visit: Callable[..., Page], busy: Served) -> None:
    """As many as are drawn, on a line each, from where they are drawn on; as far down without a script."""
    pages = [visit(at=busy, java_script_enabled=script) for script in (True, False)]
    for width, height, least, lowest in DRAWN:
        tops = []
        for page in pages:
            page.set_viewport_size({"width": width, "height": height})
            page.goto(PAGE)
            if page is pages[0]:
                expect(page.locator("#total")).to_contain_text("entries")
                if width > 640:
                    expect(page.locator("#bars .plot")).to_be_visible()
            measured = rows(page)
            assert sum(row["seen"] for row in measured) >= least, (width, height)
            assert measured[0]["y"] <= lowest
            if width > 640:
                # But for the one with a name of two hundred letters.
                assert sum(row["height"] > ONE_LINE for row in measured) <= 1
            tops.append(measured[0]["y"])
        assert tops[0] == tops[1], f"what a script adds moves the rows at {width}"


def test_figures_that_are_withheld_move_nothing(visit: Callable[..., Page], busy: Served) -> None:
    """The line that stands for them is as high as they are."""
    page = visit(at=busy, viewport={"width": 1280, "height": 860})
    tops = []
    for query in ("category=roles", "actor=user/u-17"):
        page.goto(f"{PAGE}?{query}")
        tops.append(rows(page)[0]["y"])
    assert tops[0] == tops[1]
    expect(page.locator("#bars")).to_contain_text("found. How much each person did is never counted.")


def test_what_is_announced_moves_nothing(visit: Callable[..., Page], busy: Served) -> None:
    """Rows stay to the pixel; what the reader looks at meanwhile is no news to them, what others do is."""
    page = visit(at=busy, viewport={"width": 1280, "height": 860})
    for size in ({"width": 1280, "height": 860}, {"width": 360, "height": 780}):
        page.set_viewport_size(size)
        with page.expect_response("**/live?**"):
            page.goto(EVERYTHING)
        expect(page.locator("#total")).to_contain_text("entries")
        before = rows(page)
        other = page.context.new_page()
        other.goto(f"{PAGE}/items/user/u-42")
        other.close()
        busy.log.record("role.assigned", actor=KARI, target=BOB_ROLE, concerns={"member": BOB}, origin=WEB)
        expect(page.locator("#arrived")).to_have_text("1 new, show", timeout=10_000)
        assert rows(page) == before


BOB_ROLE = Item(type="role", id="r-1", name="Reader")


def test_the_whole_row_opens_the_entry(visit: Callable[..., Page], busy: Served) -> None:
    """Wherever it is pressed, but for a name, which adds a filter, and Open, which leads to the host."""
    page = visit(at=busy, viewport={"width": 1280, "height": 860})
    for share in (0.01, 0.62, 0.9):
        page.goto(f"{PAGE}?category=roles&outcome=success")
        row = page.locator("li.row").nth(3)
        box = row.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        page.wait_for_url("**/e/**")
    page.goto(f"{PAGE}?category=roles&outcome=success")
    assert row.locator("a.go").get_attribute("href") == "/hr/roles/r-1"
    at = row.locator("a.go").evaluate(
        "link => { const box = link.getBoundingClientRect();"
        " return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).closest('a').className; }"
    )
    assert at == "go"
    row.locator(".what a", has_text="Bob Li").click()
    page.wait_for_url("**concerns=user/u-42**")


def test_what_opens_over_the_rows(visit: Callable[..., Page], busy: Served) -> None:
    """Date with two days in place, values searched and without zeros, More without a word split; nothing moves."""
    messages: list[str] = []
    page = visit(messages=messages, at=busy, viewport={"width": 1280, "height": 860}, color_scheme="dark")
    page.goto(f"{PAGE}?category=roles")
    expect(page.locator("#bars .plot")).to_be_visible()
    before = rows(page)
    for opens in (
        "#f-date",
        "#f-category",
        "#f-more",
        ".tools .opt > summary",
        ".save > summary",
        ".twin > summary",
    ):
        page.click(opens)
        expect(page.locator(".pop:visible")).to_have_count(1)
        assert rows(page) == before, opens
        clean(page, messages)
        if opens == "#f-more":
            tall = "labels => labels.filter(label => label.getBoundingClientRect().height > 40).map(l => l.textContent)"
            assert page.eval_on_selector_all(".more-of .check, .more-of .lab, .more-of legend", tall) == []
        page.keyboard.press("Escape")
        assert page.locator("details:is(.cell, .opt)[open]").count() == 0
    page.click("#f-category")
    expect(page.locator("#c-category")).to_contain_text("without entries are not listed")
    page.fill("[data-find=c-category]", "røl")
    expect(page.locator("#c-category .check:visible")).to_have_count(0)
    page.fill("[data-find=c-category]", "rol")
    expect(page.locator("#c-category .check:visible")).to_contain_text(["Roles"])
    page.click("#f-more")
    page.click("#f-action")
    page.keyboard.type("away")
    page.click("u-option[value='action=role.unassigned']:visible")
    page.wait_for_url("**action=role.unassigned**")
    expect(page.locator("#said")).to_have_text("Roles, role taken away")
    page.click("#f-date")
    page.fill("#f-from", "2025-01-01")
    page.fill("#f-to", "2027-12-31")
    page.wait_for_url("**from=2025-01-01&to=2027-12-31**")
    expect(page.locator("#f-date")).to_contain_text("1 Jan 2025")
    page.locator("input[name=date][value=this-month]").click()
    page.wait_for_url(lambda url: "date=this-month" in url and "from=" not in url)
    expect(page.locator(".cell[open]")).to_have_count(0)
    page.click(".tools .opt > summary")
    page.check("input[name=group][value=day]")
    page.wait_for_url("**group=day**")
