"""Exporting in a real browser: what the dialog offers, what it orders, and the list in which the files stand."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import ORG, Served
from tests.web.test_browser import clean, settled

from trailbook.access.roles import ADMINISTRATOR
from trailbook.access.viewer import operator
from trailbook.administration.access import By, add_role, put_member
from trailbook.model import Item

PAGE = f"/orgs/{ORG}/activity"
TUOMAS = Item(type="user", id="u-1", name="Tuomas Mäkelä")


@pytest.fixture(scope="module")
def company(serve: Callable[..., Served]) -> Served:
    """A server of its own, with a system administrator and a role that only reads."""
    served = serve()
    by = By(served.deployment, operator(ORG))
    put_member(by, TUOMAS, [ADMINISTRATOR])
    return served


def on_every_screen(page: Page, messages: list[str], dialog: str | None = None) -> None:
    """Clean at 1280 in light and dark, and at 360."""
    for scheme, width in (("dark", 360), ("dark", 1280), ("light", 1280)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        if dialog:
            settled(page, dialog)
        clean(page, messages)


def test_a_file_is_ordered_and_fetched(visit: Callable[..., Page], company: Served) -> None:
    """Cards say what is for whom, the button how many leave; every link of the list answers."""
    messages: list[str] = []
    page = visit(("hr",), messages, company)
    page.goto(f"{PAGE}?category=roles")
    counted = page.locator("#total")
    expect(counted).to_have_text(re.compile(r"\d+ entries"))  # it comes after the rows
    total = counted.inner_text()
    page.click("[data-export]")
    dialog = page.locator("#export")
    formats = dialog.locator("[name=format]")
    offered = ["xlsx", "pdf", "csv", "jsonl", "parquet", "bundle-inclusion", "bundle-closed"]
    assert formats.evaluate_all("all => all.map(each => each.value)") == offered
    for bundle in offered[5:]:
        card = dialog.locator(f".kind:has([value={bundle}])")
        expect(card.locator("input")).to_be_disabled()
        expect(card).to_contain_text("Not with your role. Ask Tuomas Mäkelä.")
    expect(dialog.locator("header")).to_have_text(re.compile(rf"Export\s*Roles\s*Holds {total}"))
    expect(dialog.locator(".first")).to_have_text(f"Export {total}")
    on_every_screen(page, messages, "#export")
    page.check("#export [value=pdf]")
    expect(dialog.locator(".tables")).to_be_hidden()
    page.check("#export [value=csv]")
    expect(page.locator("#export [name=preset]:checked")).to_have_value("hr")
    page.click("#export .tables summary")
    page.uncheck("#export .checks [value=id]")
    expect(page.locator("#export [name=preset]:checked")).to_have_value("")
    page.locator("#export summary", has_text="More choices").click()
    page.uncheck("#export [name=manifest]")
    expect(page.locator("#export [name=zip]")).to_be_disabled()
    page.check("#export [name=manifest]")
    page.check("#export [name=zip]")
    clean(page, messages)
    page.click("#export .first")
    page.wait_for_url("**/exports")
    line = page.locator("#exports li")
    for _ in range(100):
        company.deployment.signer().sign(ORG)  # a statement waits for the signed head
        page.wait_for_timeout(100)
        if line.locator(".do").count():
            break
    expect(line.locator("h2")).to_have_text("Roles")
    expect(line.locator("code")).to_have_text(re.compile(rf"roles-{ORG}\.zip"))
    expect(line).to_contain_text("CSV and its signed statement")
    expect(line.locator(".n")).to_have_text(total)
    job = page.request.get(f"/api/v1/orgs/{ORG}/exports").json()["exports"][0]
    assert (job["format"], job["preset"], job["zip"]) == ("csv", None, True)
    for href in line.locator("a").evaluate_all("all => all.map(each => each.href)"):
        assert page.request.get(href).status == 200
    on_every_screen(page, messages)
    page.click("#exports [data-drop]")
    expect(line.locator(".do")).to_have_count(0)
    clean(page, messages)


def test_who_may_not_export_is_told_who_may(visit: Callable[..., Page], company: Served) -> None:
    """Every card is shown and closed, nothing can be ordered, and what one may read can still be taken as it stands."""
    role = add_role(By(company.deployment, operator(ORG)), "Reads", {"activity_log": "full"})
    page = visit((role.id,), at=company)
    page.goto(f"{PAGE}?category=roles")
    page.click("[data-export]")
    expect(page.locator("#export .kind :enabled")).to_have_count(0)
    expect(page.locator("#export .kind").first).to_contain_text("Not with your role. Ask Tuomas Mäkelä.")
    expect(page.locator("#export .first")).to_be_disabled()
    page.click("#export [data-close]")
    expect(page.locator(".take a[href*='.csv']")).to_be_visible()
