"""Names typed by hand: one who has it, several, and nobody, with who may have been meant instead."""

import re
from collections.abc import Callable, Iterator
from html import unescape

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import ANNA, ORG, WEB, Served, enter

from trailbook import Item

PAGE = f"/orgs/{ORG}/activity"
ROLE = Item(type="role", id="r-twin", name="Payroll")
TWINS = {"member": [Item(type="user", id="twin-1", name="Tvilling Ås", hint="Technician, Field south"),
                    Item(type="user", id="twin-2", name="Tvilling Ås")]}  # fmt: skip


@pytest.fixture(scope="module")
def twins(serve: Callable[..., Served]) -> Served:
    """A log of its own with two of one name, of one of whom the host says something."""
    served = serve()
    for member in TWINS["member"]:
        served.log.record("role.assigned", actor=ANNA, target=ROLE, concerns={"member": member}, origin=WEB)
    return served


@pytest.fixture
def reader(twins: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=twins.base_url) as client:
        enter(client, twins.link())
        yield client


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def unknown(html: str) -> str:
    """What is said of names that nobody has."""
    return text_of("".join(re.findall(r'<div class="nobody".*?</div>', html, re.S)))


def test_one_who_has_the_name_is_meant(reader: httpx.Client) -> None:
    answer = reader.get(f"{PAGE}?category=roles&concerns=bob")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"{PAGE}?category=roles&concerns=user/u-42",
    )


def test_of_several_one_is_chosen(reader: httpx.Client) -> None:
    """Each beside what the host says of them today, else when they last appeared."""
    html = reader.get(f"{PAGE}?concerns=tvilling").text
    assert "Which “tvilling” did you mean?" in html
    rows = [text_of(row) for row in re.findall(r"<li>(<a [^>]*concerns=user/.*?)</li>", html, re.S)]
    assert rows[0] == "Tvilling Ås Technician, Field south"
    assert re.fullmatch(r"Tvilling Ås last seen \d+ \w+ 20\d\d · twin-2", rows[1])


def test_nobody_is_said_in_place(reader: httpx.Client) -> None:
    """The other filters stay and are answered, the name stays in its field, and near ones take its place."""
    html = reader.get(f"{PAGE}?category=roles&concerns=anna+brg").text
    assert unknown(html) == (
        "Nobody called “anna brg”. Did you mean Anna Berg?"
        " The list is shown without that name. Remove it"
    )  # fmt: skip
    assert f'href="{PAGE}?category=roles&amp;concerns=user/u-17"' in html
    assert 'name="concerns" value="anna brg"' in html
    assert 'class="row' in html
    near = unknown(reader.get(f"{PAGE}?category=roles&concerns=tviling+as").text)
    assert "Tvilling Ås (Technician, Field south) or Tvilling Ås (last seen" in near
    none = unknown(reader.get(f"{PAGE}?actor=xyzzy&concerns=qwerty").text)
    assert none.count("Nobody called") == 2
    assert "Did you mean" not in none
    assert unknown(reader.get(f"{PAGE}?category=roles&concerns=user/u-42").text) == ""  # the control


def test_what_the_host_says_stands_on_its_page_and_in_entries(reader: httpx.Client, twins: Served) -> None:
    """As what it says today, and of one of whom it says nothing there is nothing."""
    page = text_of(reader.get(f"{PAGE}/items/user/twin-1?side=all").text)
    assert "Technician, Field south, as the host says today" in page
    assert "host says" not in text_of(reader.get(f"{PAGE}/items/user/twin-2?side=all").text)
    html = reader.get(f"{PAGE}?concerns=user/twin-1&category=roles").text
    (entry,) = set(re.findall(rf"{PAGE}/e/([0-9a-f-]+)", html))
    facts = text_of(reader.get(f"{PAGE}/e/{entry}").text)
    assert "Technician, Field south" in facts
    assert "What stands beside a name is as the host says today." in facts
    assert "Field south" not in html  # a row is what was recorded
    with httpx.Client(base_url=twins.api, headers={"Authorization": f"Bearer {twins.keys['read']}"}) as api:
        items = api.get("/items?q=tvilling").json()
        whole = api.get(f"/entries/{entry}").text
    assert [item["hint"] for item in items] == ["Technician, Field south", None]
    assert [item["last_seen"] is None for item in items] == [True, False]
    assert "Field south" not in whole


def test_in_a_browser(visit: Callable[..., Page], twins: Served) -> None:
    """Typed, a name that nobody has offers near ones; entered, it is answered in place, and goes when one is chosen."""
    page = visit(at=twins, viewport={"width": 1280, "height": 860})
    page.goto(f"{PAGE}?category=roles")
    field = page.locator("#f-concerns")
    field.press_sequentially("tviling")
    rows = page.locator("u-option")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Nobody called “tviling”. Did you mean")
    expect(rows.first).to_contain_text("Technician, Field south")
    expect(rows.last).to_contain_text("last seen")
    field.press("Enter")
    page.wait_for_url("**concerns=tviling*")
    expect(page.locator(".nobody")).to_contain_text("Nobody called “tviling”. Did you mean Tvilling Ås")
    expect(field).to_have_value("tviling")
    page.locator(".nobody a").first.click()
    page.wait_for_url("**concerns=user/twin-1*")
    expect(page.locator(".nobody")).to_have_count(0)
    expect(field).to_have_value("")
    assert "category=roles" in page.url
