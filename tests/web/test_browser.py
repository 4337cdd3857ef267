"""The pages in a real Chromium: without scripts, without violations, for everybody's eyes and hands."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.web.axe import SCREENS, on_screen, violations
from tests.web.conftest import HOSTILE, ORG, Served

from trailbook.access.roles import ADMINISTRATOR
from trailbook.access.viewer import operator
from trailbook.administration.access import By, add_role, put_member
from trailbook.model import Item
from trailbook.web.pages.settings import PLACES

PAGE = f"/orgs/{ORG}/activity"
STATES = {
    "page": PAGE,
    "filtered": f"{PAGE}?category=roles&concerns=user/u-42&date=past-6-months&text=reader",
    "hostile": f"{PAGE}?outcome=denied",
    "empty": f"{PAGE}?category=salary&date=today",
    "broken": f"{PAGE}?date=someday&nonsense=1",
    "asking": f"{PAGE}?concerns=nobody",
    "hint": f"{PAGE}?view=new-hire",
    "about": f"{PAGE}/about",
    "bars": f"{PAGE}/bars?date=past-6-months&by=category",
    "bars of a range": f"{PAGE}/bars?date=past-6-months&range=choose",
    "no bars": f"{PAGE}/bars?actor=user/u-17",
    "values": f"{PAGE}/values?category=roles",
    "names": f"{PAGE}/values?by=concerns",
    "folded": f"{PAGE}?category=roles&group=together",
    "by day": f"{PAGE}?category=roles&group=day",
    "a person's": f"{PAGE}?actor=user/u-17",
    "item": f"{PAGE}/items/user/u-42",
    "hostile item": f"{PAGE}/items/role/r-x?order=asc",
    "nothing of an item": f"{PAGE}/items/user/u-42?category=salary",
    "no such item": f"{PAGE}/items/user/none",
    "views": f"{PAGE}/views",
    "trust": f"{PAGE}/trust",
    "overview": f"{PAGE}/overview",
    "exports": f"{PAGE}/exports",
    "not found": f"{PAGE}/none",
    "sign-in": "/sign-in?link=x",
    "reference": "/docs",
    "problem": "/problems/entry-invalid",
}
# A rule that is no part of WCAG: the combobox is an input that has both a list and, while it is used, the role that a
# list gives it.
NOT_ASKED = "aria-allowed-role"
# A browser itself reports that a page it was asked for came with 4xx; nothing else may be said.
EXPECTED = "the server responded with a status of 4"


@pytest.fixture(scope="module")
def cared(serve: Callable[..., Served]) -> Served:
    """A server with members, a role of its own and keys to show."""
    served = serve()
    by = By(served.deployment, operator(ORG))
    role = add_role(by, "Payroll " + "x" * 80, {"activity_log": "full"})
    put_member(by, Item(type="user", id="u-42", name="Bob Li"), [role.id])
    put_member(by, Item(type="user", id="u-long", name="Å" * 200), ["hr", "auditor"])
    return served


def settled(page: Page, dialog: str) -> None:
    """Wait until a dialog stands still: while it comes in, its colours are mixed with those behind it."""
    page.wait_for_function("s => document.querySelector(s).getAnimations().length === 0", arg=dialog)


def clean(page: Page, messages: list[str]) -> None:
    """No axe finding, nothing said on the console, nothing that scrolls sideways."""
    assert violations(page, NOT_ASKED) == []
    assert [text for text in messages if EXPECTED not in text] == []
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1]


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_every_state_is_accessible(visit: Callable[..., Page], scheme: str, width: int) -> None:
    """Axe finds nothing and the policy is never broken, light and dark, narrow and wide."""
    messages: list[str] = []
    page = visit(messages=messages, color_scheme=scheme, viewport={"width": width, "height": 800})
    for path in on_screen(STATES.values(), (scheme, width)):
        page.goto(path)
        clean(page, messages)
    page.goto(PAGE)
    page.click(".row a.when")
    page.wait_for_url("**/e/**")
    page.wait_for_selector(".panel dl.facts")
    clean(page, messages)
    page.go_back()
    expect(page.locator(".panel dl.facts")).to_have_count(0)
    for press, sheet in (("[data-help]", "#help"), ("[data-export]", "#export")):
        page.click(press)
        settled(page, sheet)
        clean(page, messages)
        page.keyboard.press("Escape")


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_the_settings_are_accessible(
    visit: Callable[..., Page], cared: Served, scheme: str, width: int
) -> None:
    """Every page of access, with its forms open, what was saved, refused, and shown once."""
    messages: list[str] = []
    page = visit(
        (ADMINISTRATOR,), messages, cared, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    for place in PLACES:
        page.goto(f"{PAGE}/settings/{place}")
        expect(page.locator("[aria-current=page]")).to_have_count(1)
        page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
        clean(page, messages)
    page.goto(f"{PAGE}/settings/keys")
    page.locator(".take input[name=name]").fill("Sync")
    page.locator(".take input[value=read]").check()
    page.locator(".take button").click()
    expect(page.locator("main [role=status] code")).to_contain_text("tb_")
    clean(page, messages)
    for form in ("withhold", "hours"):
        page.goto(f"{PAGE}/settings/organisation")
        page.locator(f"main form:has([name=do][value={form}]) button").click()
        page.wait_for_url("**saved=1")
        clean(page, messages)
    page.goto(f"{PAGE}/settings/members")
    page.locator(".take input[name=id]").fill("u 1")
    page.locator(".take input[name=name]").fill("\u202e")
    page.locator(".take button").click()
    expect(page.locator("main [role=alert]")).to_be_visible()
    clean(page, messages)


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
@pytest.mark.parametrize("level", ["none", None])
def test_refusals_are_accessible(
    visit: Callable[..., Page], scheme: str, width: int, level: str | None
) -> None:
    """The refusal and the signed-out page too."""
    messages: list[str] = []
    page = visit(level, messages=messages, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(PAGE)
    expected = "You need full access to Activity log" if level else "You are signed out"
    expect(page.locator("h1")).to_have_text(expected)
    clean(page, messages)


def test_axe_finds_what_is_wrong(visit: Callable[..., Page]) -> None:
    """The control of the above: with a label taken away, axe finds something."""
    page = visit()
    page.goto(PAGE)
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert [rule for rule, _ in violations(page, NOT_ASKED)] == ["html-has-lang"]


def test_axe_finds_one_pale_cell_among_thousands(visit: Callable[..., Page]) -> None:
    """The control of contrast, which is asked of one text of each kind: what alone looks different is a kind too."""
    page = visit()
    page.goto(STATES["reference"])
    cells = page.evaluate(
        """() => {
            const texts = [...document.querySelectorAll('td')].filter(cell => cell.firstChild?.nodeType === 3);
            texts[texts.length / 2 | 0].style.color = '#bbb';
            return texts.length;
        }"""
    )
    assert cells > 1000
    ((rule, (cell,)),) = violations(page, NOT_ASKED)
    assert rule == "color-contrast"
    assert "rgb(187, 187, 187)" in cell


def test_the_policy_stops_what_is_inline(visit: Callable[..., Page]) -> None:
    """The control: a script put into the page by hand does not run, and the console says why."""
    messages: list[str] = []
    page = visit(messages=messages)
    page.goto(PAGE)
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))"
    )
    assert any("Content Security Policy" in text for text in messages)
    assert page.title() == "Activity log · Trailbook"


def test_without_javascript(visit: Callable[..., Page]) -> None:
    """Filtering by form, turning pages, opening an entry and signing out need no script."""
    page = visit(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page.click("#f-date")
    page.check("input[name=date][value=past-12-months]")
    page.click("#f-category")
    page.check("input[name=category][value=roles]")
    page.fill("input[name=concerns]", "bob")
    page.click(".filters button.first")
    page.wait_for_url("**concerns=user/u-42**")
    expect(page.locator("#said")).to_have_text("Roles, about Bob Li, past 12 months")
    page.click("a[rel=next]")
    newest = page.locator(".row").first.get_attribute("id")
    page.click("a[rel=prev]")
    page.click("a[rel=next]")
    assert page.locator(".row").first.get_attribute("id") == newest
    page.click(".row a.when >> nth=0")
    expect(page.locator("dl.facts")).to_contain_text("Bob Li")
    page.click("text=Sign out")
    # Only a page that stands can be left: going back while the answer is under way is refused by the browser.
    expect(page.locator("h1")).to_have_text("Sign in")
    page.go_back()
    expect(page.locator("h1")).to_have_text("You are signed out")


def test_hostile_names_are_text(visit: Callable[..., Page]) -> None:
    """A script in a name is read as text, in isolation, and does not run."""
    page = visit()
    page.goto(STATES["hostile"])
    names = page.locator(".what bdi").all_inner_texts()
    assert HOSTILE in names
    assert page.title() == "Activity log · Trailbook"
    assert page.evaluate("getComputedStyle(document.querySelector('.what bdi')).unicodeBidi") == "isolate"


def test_keyboard(visit: Callable[..., Page]) -> None:
    """The first stop is the skip link, and it leads to the content; what has focus shows it."""
    page = visit()
    page.goto(PAGE)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the activity")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_phones_fold_the_filter(visit: Callable[..., Page]) -> None:
    """At 360 px the filter is folded away and opens by a press; where there is room it stands open."""
    narrow = visit(viewport={"width": 360, "height": 800})
    narrow.goto(PAGE)
    expect(narrow.locator("#f-date")).not_to_be_visible()
    narrow.click(".filters > summary")
    expect(narrow.locator("#f-date")).to_be_visible()
    wide = visit(viewport={"width": 1280, "height": 800})
    wide.goto(PAGE)
    expect(wide.locator("#f-date")).to_be_visible()


def test_targets_are_large_enough(visit: Callable[..., Page], served: Served) -> None:
    """What is pressed is 24 px or more each way, but for names inside a sentence."""
    page = visit(viewport={"width": 360, "height": 800})
    page.goto(f"{PAGE}?category=roles")
    page.click(".filters > summary")
    small = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input, select, summary')]
            .filter(e => !e.closest('.what') && !e.matches('.skip, [type=hidden]'))
            .filter(e => !e.closest('.plot'))  // the table beside them has the same links (WCAG 2.5.8, equivalent)
            .filter(e => e.checkVisibility({contentVisibilityAuto: true}))
            .map(e => [e.outerHTML.slice(0, 80), (e.closest('label') || e).getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([text]) => text)"""
    )
    assert small == []


def test_a_key_is_named_for_restricted_categories_on_the_page(
    visit: Callable[..., Page], cared: Served
) -> None:
    """Ticked, saved, and read back; taken away again. What the key reads follows at once, and no other key's does."""
    credentials = cared.deployment.credentials
    issued = [credentials.new_key(ORG, name, ("read",)) for name in ("Cases", "Other")]
    page = visit((ADMINISTRATOR,), None, cared)

    def ticked(*, on: bool) -> None:
        page.goto(f"{PAGE}/settings/keys")
        item = page.locator(".cared > li", has_text=issued[0][0].id)
        item.locator("details", has_text="Restricted categories").locator("summary").click()
        item.get_by_label("Whistleblowing").set_checked(on)
        item.get_by_role("button", name="Save").click()
        page.wait_for_url("**saved=1")
        reads = page.locator(".cared > li", has_text=issued[0][0].id).locator("p.beside")
        expect(reads).to_contain_text("reads Whistleblowing") if on else expect(reads).not_to_contain_text(
            "reads"
        )
        box = page.locator(".cared > li", has_text=issued[0][0].id).get_by_label("Whistleblowing")
        expect(box).to_be_checked(checked=on)

    for on in (True, False):
        ticked(on=on)
        named = [credentials.credential(text).restricted for _, text in issued]
        assert named == [("whistleblowing",) if on else (), ()]
