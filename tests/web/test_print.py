"""Printing: what a browser makes of a list as PDF holds the question, and exactly the entries of the page."""

import io
import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page
from pypdf import PdfReader
from tests.web.conftest import ORG

PAGE = f"/orgs/{ORG}/activity"
ASKED = "category=roles&concerns=user/u-42&date=past-6-months&outcome=success"


def printed(page: Page, path: str) -> str:
    """The text of the PDF, its blanks made even; the total has come before."""
    page.goto(path)
    if page.locator("#total").count():
        page.wait_for_function("() => /\\d/.test(document.querySelector('#total').textContent)")
    return printed_now(page)


def printed_now(page: Page) -> str:
    """The text of the PDF of what stands on the page."""
    made = PdfReader(io.BytesIO(page.pdf(format="A4")))
    return " ".join(" ".join(sheet.extract_text() for sheet in made.pages).split())


@pytest.mark.parametrize("group", ["", "&group=day", "&group=together"])
def test_a_list_on_paper(visit: Callable[..., Page], client: httpx.Client, group: str) -> None:
    """Filter in words, zone, count, time and page numbers; the entries of the page, each once, and no button."""
    page = visit(timezone_id="Europe/Oslo")
    text = printed(page, f"{PAGE}?{ASKED}{group}")
    listing = client.get(
        "entries", params={**dict(p.split("=") for p in ASKED.split("&")), "count": "true"}
    ).json()
    assert "Roles" in text
    assert "Bob Li" in text
    assert "past 6 months" in text
    assert f"{listing['count']} entries" in text
    assert "(Europe/Oslo)" in text
    assert re.search(r"nordlys · .* · Printed \d+ \w+ \d{4}, \d\d:\d\d, by Anna Berg", text)
    pages = int(re.findall(r"1 / (\d+)", text)[0])
    assert pages > 1
    assert f"{pages} / {pages}" in text
    rows = text.partition("by Anna Berg")[2]
    assert len(re.findall(r"\d\d:\d\d (?:Anna Berg|Kari Lie) ", rows)) == len(listing["entries"])
    assert re.search(r"[A-Z][a-z]+day \d{1,2} [A-Z][a-z]+ \d{4}", rows)
    at = 0
    for entry in listing["entries"]:
        sentence = " ".join(entry["sentence"].split())
        assert sentence in rows[at:]
        at = rows.index(sentence, at)
    for word in ("Show", "Export", "Older", "Sign out", "Save view", "Choose a range"):
        assert not re.search(rf"\b{word}\b", text)


def test_a_timeline_on_paper(visit: Callable[..., Page]) -> None:
    """An item's page prints the same way, without its form."""
    text = printed(visit(), f"{PAGE}/items/user/u-42?category=roles")
    assert "Bob Li" in text
    assert "newest first" not in text
    assert "Printed" in text
    assert "Only done by" not in text
    assert text.count("gave Bob Li the role") > 10


def test_an_entry_on_paper(visit: Callable[..., Page]) -> None:
    """Opened beside its list it prints by itself: what it says, who printed it, and nothing to press."""
    page = visit()
    page.goto(f"{PAGE}?category=roles")
    page.click(".row a.when")
    page.wait_for_selector("#panel dl.facts")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    text = printed_now(page)
    assert "Recorded by" in text
    assert "by Anna Berg" in text
    assert text.count("role.assigned") == 1
    for word in ("Activity log", "Older", "Close", "How to check"):
        assert word not in text
    page.wait_for_timeout(500)
    assert asked == []  # paper is narrower than the screen, which must not lead away from the list
    assert page.locator("#panel dl.facts").is_visible()
    with page.expect_navigation():
        page.set_viewport_size({"width": 700, "height": 800})
