"""Bars over time: equal to counting by hand, and never of a person."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import BOB, ORG, Served

from trailbook.access.viewer import Viewer
from trailbook.query import from_params, matches
from trailbook.web.pages.bars import looks_of

PAGE = f"/orgs/{ORG}/activity"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
PERSONS = ("actor=user/u-17", "actor.not=user/u-17", "by_or_about=user/u-17", "text=berg")
OURS = "category.not=activity_log&category.not=security"
FILTERS = (
    "category=roles",
    "category=roles&date=past-6-months&tz=America/New_York",
    f"date=this-month&{OURS}",
    f"from=2025-01-01&{OURS}",
    f"outcome=denied&outcome=success&date=past-12-months&{OURS}",
    f"date=today&{OURS}",
    "target=role/r-1",
    "concerns=user/u-42&category=roles",
)
_BAR = re.compile(r'<a id="b-\d+" href="([^"]+)" title="([^"]*): ([\d,]+) entr')
NUMBER = re.compile(r'class="n(?:umber)?">')
_OSLO = ZoneInfo("Europe/Oslo")
NEVER = "How much each person did is never counted."
NO_PAGING = ("view", "limit", "group", "order")


def number(text: str) -> int:
    return int(text.replace(",", ""))


def by_hand(served: Served, href: str) -> int:
    """How many entries a list has: every entry there is held against its filter."""
    pairs = [(n, v) for n, v in httpx.URL(unescape(href)).params.multi_items() if n not in NO_PAGING]
    zoned = pairs if any(name == "tz" for name, _ in pairs) else [*pairs, ("tz", "Europe/Oslo")]
    viewer = Viewer(org=ORG, item=BOB, activity_log="full")
    asked, now = from_params(zoned), served.log.clock()
    return sum(matches(asked, view, now) for view in served.log.views(from_params([]), viewer=viewer))


def _found(page: str) -> list[tuple[str, str, str]]:
    """The bars of the filter's own range; those before it show what is usual."""
    within = [bar for bar in page.split("<li") if bar.startswith(' class="in">')]
    return _BAR.findall("".join(within) if within else page)


@pytest.mark.parametrize("query", FILTERS)
@pytest.mark.parametrize("by", ["", "&by=category"])
def test_bars_equal_counting_by_hand(signed_in: httpx.Client, served: Served, query: str, by: str) -> None:
    """Each bar says exactly how many entries the list has that it leads to; together, those of the filter."""
    page = signed_in.get(f"{PAGE}/bars?{query}{by}").text
    bars = _BAR.findall(page)
    assert 0 < len(bars) <= 92
    assert sum(number(count) for _, _, count in _found(page)) == by_hand(served, f"{PAGE}?{query}")
    for href, _, count in bars[:3] + bars[-3:]:
        assert by_hand(served, href) == number(count), href
        listed = signed_in.get(unescape(href))
        assert listed.status_code == 200, href


def test_the_table_is_the_picture(signed_in: httpx.Client) -> None:
    """The table has each bar, its number first and then its categories, which add up."""
    page = signed_in.get(f"{PAGE}/bars?date=past-12-months&by=category&{OURS}").text
    bars = [number(count) for _, _, count in _BAR.findall(page)]
    rows = re.findall(r'<tr[^>]*><th scope="row">.*?</tr>', page)
    cells = [[number(n) for n in re.findall(r'class="number">([\d,]+)<', row)] for row in rows]
    assert [row[0] for row in cells if row[0]] == bars
    assert all(sum(parts) == whole for whole, *parts in cells)
    assert page.count("url(#look-") >= len(bars)


def test_a_range_is_two_bars(signed_in: httpx.Client, served: Served) -> None:
    """The first bar and then the last, in either order, without a script; the list has what lies between."""
    query = (
        "category=roles&date=this-month" if datetime.now(UTC).day > 3 else "category=roles&date=last-month"
    )
    chosen = signed_in.get(f"{PAGE}/bars?{query}&range=choose").text
    steps = [unescape(h) for h in re.findall(r'<a id="b-\d+" href="([^"]+)"', chosen)]
    assert all("/bars?" in href for href in steps)
    for first, last in ((0, 2), (2, 0)):
        again = signed_in.get(steps[first]).text
        ends = [unescape(h) for h in re.findall(r'<a id="b-\d+" href="([^"]+)"', again)]
        whole = sum(by_hand(served, href) for href in _plain(signed_in, query)[:3])
        assert by_hand(served, ends[last]) == whole
        assert 'aria-current="true"' in again
    for wrong in ("range=soon", "by=actor", "range=choose&range=choose"):
        assert signed_in.get(f"{PAGE}/bars?{query}&{wrong}").status_code == 422


def _plain(client: httpx.Client, query: str) -> list[str]:
    """The first bars' own addresses, days without entries as days of their own."""
    page = client.get(f"{PAGE}/bars?{query}&range=choose").text
    starts = re.findall(r"range=([^&\"]+)\" title", page)
    days = [httpx.QueryParams(f"a={start}")["a"] for start in starts]
    local = [datetime.fromisoformat(day).astimezone(_OSLO).date().isoformat() for day in days]
    return [f"{PAGE}?category=roles&from={day}&to={day}" for day in local]


@pytest.mark.parametrize("person", PERSONS)
def test_no_figures_of_a_person(signed_in: httpx.Client, person: str) -> None:
    """Where the filter names whose doing it is, no bar and no count is made; every door says why."""
    listed = signed_in.get(f"{PAGE}?{person}").text
    assert NEVER in listed
    assert re.search(rf"[\d,]+ entr(y|ies) found\. {NEVER}", listed)
    assert "/bars?" not in listed
    assert 'class="counts"' not in listed
    for door in ("bars", "bars?by=category", "values", "values?by=category", "values?by=concerns"):
        for headers in ({}, PARTIAL):
            path = f"{PAGE}/{door}{'&' if '?' in door else '?'}{person}"
            answer = signed_in.get(path, headers=headers)
            assert answer.status_code == 422, door
            assert NEVER in answer.text
            assert not _BAR.search(answer.text)
            assert not NUMBER.search(answer.text)
    others = signed_in.get(f"{PAGE}?category=roles").text
    assert "/bars?" in others
    assert 'class="counts"' in others


def test_about_a_person_from_a_week_on(signed_in: httpx.Client) -> None:
    """Bars about a person are weeks or longer; of anything else they are days."""
    about = signed_in.get(f"{PAGE}/bars?concerns=user/u-42&date=last-month").text
    other = signed_in.get(f"{PAGE}/bars?target=role/r-1&date=last-week").text
    week = signed_in.get(f"{PAGE}/bars?concerns=user/u-42&date=last-week").text
    assert "Entries a week" in about
    assert "Entries a week" in week
    assert "Entries a day" in other


def test_a_category_has_its_own_look() -> None:
    """Its colour and pattern are the same whatever else is shown, and no two shown together share one."""
    every = [f"c{at}" for at in range(20)]
    assert looks_of(["c3", "c1"], every) == looks_of(["c3", "c1", "c5"], every)[:2] == [3, 1]
    for named in (every[:8], ["c0", "c7", "c14"], ["c14", "c0", "c7", "c2"], ["c1", "unknown"]):
        looks = looks_of(named, every)
        assert len(set(looks)) == len(looks)
        assert set(looks) <= set(range(8))


def test_a_script_brings_bars_and_counts(visit: Callable[..., Page]) -> None:
    """Bars come after the rows and again with each filter; two presses choose a range; focus stays."""
    page = visit(viewport={"width": 1280, "height": 900})
    page.goto(f"{PAGE}?category=roles&date=past-6-months")
    bars = page.locator("#bars .plot a")
    expect(bars.first).to_be_visible()
    page.focus("#bars .skip")
    page.keyboard.press("Enter")
    expect(page.locator("#after-bars")).to_be_focused()
    assert "category=roles" in page.url
    page.click("#bars-stack")
    expect(page.locator("#bars .legend")).to_contain_text("Roles")
    expect(page.locator("#bars-stack")).to_be_focused()
    page.click("#f-date")
    page.locator("input[name=date][value=this-year]").click()
    page.wait_for_url("**date=this-year**")
    expect(page.locator("#bars .plot a").first).to_be_visible()
    page.click("#f-category")
    expect(page.locator("#c-category .n").first).to_be_visible()
    page.check("#c-category input[value=salary]")
    page.wait_for_url("**category=salary**")
    expect(page.locator("#c-category .n").first).to_be_visible()
    expect(page.locator("#c-category input[value=salary]")).to_be_focused()
    page.keyboard.press("Escape")
    page.click("#bars-choose")
    expect(page.locator("#bars .choosing")).to_be_visible()
    page.locator("#bars .plot a").nth(1).press("Enter")
    expect(page.locator("#bars .plot a[aria-current]")).to_have_count(1)
    page.locator("#bars .plot a").last.press("Enter")
    page.wait_for_url("**from=**to=**")
    page.click("#bars .twin summary")
    expect(page.locator("#bars table")).to_be_visible()


def test_without_a_script(visit: Callable[..., Page]) -> None:
    """Bars, counts, names, grouping and the overview are links and pages."""
    page = visit(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page.goto(f"{PAGE}?category=roles&date=past-6-months")
    page.click("#bars a")
    page.click("#bars-stack")
    page.click("#bars .twin summary")
    page.locator("#bars tbody a").last.click()
    expect(page.locator(".row").first).to_be_visible()
    page.click(".tools summary")
    page.click(".tools >> text=Totals")
    page.click('.names a[href*="outcome=denied"]')
    page.wait_for_url("**outcome=denied**")
    page.click(".tools summary")
    page.check("input[name=group][value=together]")
    page.click(".tools button.slim")
    page.wait_for_url("**group=together**")
    page.click("header >> text=Overview")
    expect(page.locator("h1")).to_have_text("Overview")
