"""A closed bundle in a real browser: chosen in the dialog or by its link, told, ordered, and told again in the list."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import ORG, Served
from tests.web.test_browser import clean, settled

from trailbook.access.viewer import operator
from trailbook.administration.access import By, add_role

DENIED = f"/orgs/{ORG}/activity?outcome=denied"
HOLDS = re.compile(r"Holds \d+ entries of all categories; \d+ outside your filter can be read by name\.")


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> tuple[Served, tuple[str, ...]]:
    """A server of its own, and roles that see everything there."""
    served = serve()
    categories = served.deployment.catalogue.categories
    restricted = [name for name, category in categories.items() if category.restricted]
    role = add_role(By(served.deployment, operator(ORG)), "Sees all", {}, categories=restricted)
    return served, ("system-administrator", role.id)


def test_the_dialog_tells_what_it_would_hold(
    visit: Callable[..., Page], company: tuple[Served, tuple[str, ...]]
) -> None:
    """Choosing it orders nothing yet; the dialog says both figures, and so does the list once it is ordered."""
    messages: list[str] = []
    page = visit(company[1], messages, company[0], viewport={"width": 320, "height": 800})
    page.goto(DENIED)
    page.click("[data-export]")
    expect(page.locator("#export input[value^=bundle]").first).to_have_value("bundle-inclusion")
    matching = page.locator("#export .first").inner_text()
    page.check("#export [value=bundle-closed]")
    notice = page.locator("#export-closed strong")
    expect(notice).to_have_text(HOLDS)
    words = notice.inner_text()
    count = words.split()[1]
    expect(page.locator("#export .first")).to_have_text(f"Export {count} entries")
    expect(page.locator("#export .count")).to_have_text(f"Holds {count} entries")
    assert matching != f"Export {count} entries"
    settled(page, "#export")
    clean(page, messages)
    page.check("#export [value=bundle-inclusion]")
    expect(page.locator("#export .first")).to_have_text(matching)
    expect(notice).to_be_hidden()
    page.check("#export [value=bundle-closed]")
    expect(notice).to_be_visible()
    page.click("#export .first")
    page.wait_for_url("**/exports")
    expect(page.locator("#exports .meta")).to_contain_text(["Proof of all"])
    expect(page.locator("#exports .n")).to_have_text(words)
    clean(page, messages)


def test_without_a_script_a_link_leads_there(
    visit: Callable[..., Page], company: tuple[Served, tuple[str, ...]]
) -> None:
    page = visit(company[1], at=company[0], java_script_enabled=False)
    page.goto(DENIED)
    page.click(".take a[href*=closed-bundle]")
    expect(page.locator("#held")).to_have_text(HOLDS)
    words = page.locator("#held").inner_text()
    page.click("main form .first")
    page.wait_for_url("**/exports")
    expect(page.locator("#exports li").first).to_contain_text(words)
