"""Saved views: by API and page, one's own and shared, with names that follow and nobody left in them."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.web.conftest import ANNA, BOB, KARI, ORG, OTHER, WEB, Served
from tests.web.test_browser import clean

from trailbook import Actor, Item, operator
from trailbook.administration import By, withhold
from trailbook.query import from_params

PAGE = f"/orgs/{ORG}/activity"
SAME = {"Sec-Fetch-Site": "same-origin"}
BOBS = {
    "name": "About Bob",
    "filter": {"concerns": "user/u-42", "category": ["roles"], "date": "past-6-months"},
}


def browser_of(served: Served, id_: str, org: str = ORG, role: str = "hr") -> httpx.Client:
    """Somebody's browser without the browser."""
    session = served.deployment.credentials.new_session(org, Item(type="user", id=id_, name=id_), [role])
    return httpx.Client(
        base_url=served.base_url, headers={"Cookie": f"__Host-trailbook={session}", **SAME}, timeout=60
    )


@pytest.fixture
def company(serve: Callable[..., Served]) -> Served:
    """A server of its own: views stay."""
    return serve()


@pytest.fixture
def anna(company: Served) -> Iterator[httpx.Client]:
    with browser_of(company, "u-17") as client:
        yield client


@pytest.fixture
def kari(company: Served) -> Iterator[httpx.Client]:
    with browser_of(company, "u-3") as client:
        yield client


def views(client: httpx.Client, org: str = ORG) -> list[dict[str, Any]]:
    """What the API lists."""
    answer = client.get(f"/api/v1/orgs/{org}/views")
    assert answer.status_code == 200
    listing: list[dict[str, Any]] = answer.json()["views"]
    return listing


def test_one_is_saved_changed_and_removed(company: Served, anna: httpx.Client) -> None:
    """What is saved comes back as it was, a preset as a preset; each step is an entry."""
    path = f"/api/v1/orgs/{ORG}/views"
    made = anna.post(path, json=BOBS)
    assert made.status_code == 201
    assert made.headers["location"] == f"{company.base_url}{path}/{made.json()['id']}"
    url = f"{path}/{made.json()['id']}"
    assert anna.get(url).json() == made.json() == views(anna)[0]
    assert made.json()["filter"]["date"] == ["past-6-months"]
    assert made.json()["filter"]["concerns"] == ["user/u-42"]
    changed = anna.put(url, json=BOBS | {"name": "Bob", "shared": True, "default": True})
    assert (changed.json()["name"], changed.json()["shared"], changed.json()["default"]) == (
        "Bob",
        True,
        True,
    )
    wrong = BOBS | {"filter": {"category": ["roels"], "name": "x"}}
    for refused in (anna.put(url, json=wrong), anna.post(path, json=wrong)):
        assert {error["pointer"] for error in refused.json()["errors"]} == {
            "/filter/category",
            "/filter/name",
        }
    assert anna.delete(url).status_code == 204
    assert views(anna) == []
    assert anna.get(url).status_code == 404
    entries = company.log.search(
        from_params([("target", "saved_view/*")]), viewer=operator(ORG), lang="en"
    ).entries
    assert [entry.action for entry in entries] == [
        "saved_view.deleted",
        "saved_view.updated",
        "saved_view.created",
    ]
    assert entries[1].fields == ("name", "shared")
    assert entries[2].target.name is None  # nobody else's business what it was called


def test_whose_they_are(company: Served, anna: httpx.Client, kari: httpx.Client) -> None:
    """A private view is nobody else's; a shared one is everybody's to open and one's own to change."""
    path = f"/api/v1/orgs/{ORG}/views"
    private = anna.post(path, json=BOBS).json()["id"]
    shared = anna.post(path, json=BOBS | {"name": "Shared", "shared": True}).json()["id"]
    assert [(view["id"], view["own"]) for view in views(kari)] == [(shared, False)]
    for call in (kari.get, kari.delete):
        assert call(f"{path}/{private}").status_code == 404
    assert kari.put(f"{path}/{private}", json=BOBS).status_code == 404
    refused = kari.put(f"{path}/{shared}", json=BOBS | {"name": "Mine", "shared": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "not-yours")
    assert kari.delete(f"{path}/{shared}").status_code == 403
    mine = kari.put(f"{path}/{shared}", json=BOBS | {"name": "Shared", "shared": True, "alert": True})
    assert (mine.status_code, mine.json()["alert"]) == (200, True)
    assert anna.get(f"{path}/{shared}").json()["alert"] is False
    with browser_of(company, "u-17", OTHER) as elsewhere:
        assert views(elsewhere, OTHER) == []
        for id_ in (private, shared):
            assert elsewhere.get(f"/api/v1/orgs/{OTHER}/views/{id_}").status_code == 404


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        ({"name": ""}, 422, "/name"),
        ({"name": "   "}, 422, "/name"),
        ({"name": "x" * 81}, 422, "/name"),
        ({"name": "a\u0000b"}, 422, "/name"),
        ({"filter": {"concerns": "user/nobody"}}, 422, "/filter"),
        ({"filter": {"category": "none"}}, 422, "/filter/category"),
        ({"filter": {"nonsense": "1"}}, 422, "/filter/nonsense"),
        ({"nonsense": 1}, 422, ""),
        ({"shared": "yes"}, 422, "/shared"),
    ],
)
def test_bad_input_is_named(anna: httpx.Client, sent: dict[str, Any], status: int, pointer: str) -> None:
    """Nothing is kept of what was not understood, and the answer names it."""
    answer = anna.post(f"/api/v1/orgs/{ORG}/views", json=BOBS | sent)
    assert answer.status_code == status
    if pointer:
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert views(anna) == []


def test_a_name_once_and_a_hundred_views(anna: httpx.Client, kari: httpx.Client) -> None:
    """Two views of one name would be one too many; somebody else may have it; beyond a hundred it is refused."""
    path = f"/api/v1/orgs/{ORG}/views"
    assert anna.post(path, json=BOBS).status_code == 201
    taken = anna.post(path, json=BOBS)
    assert (taken.status_code, taken.json()["code"]) == (409, "name-taken")
    assert kari.post(path, json=BOBS).status_code == 201
    for number in range(99):
        assert anna.post(path, json={"name": f"view {number}"}).status_code == 201
    many = anna.post(path, json={"name": "one more"})
    assert (many.status_code, many.json()["code"]) == (429, "too-many-views")


def test_an_item_is_kept_by_its_number(company: Served, anna: httpx.Client) -> None:
    """A renamed item is still found, under its new name; a view of somebody erased is gone, from the file too."""
    path = f"/api/v1/orgs/{ORG}/views"
    person = Item(type="user", id="u-4711", name="Petra Unike")
    company.log.record("user.created", actor=KARI, target=person, origin=WEB)
    sent = {"name": "New hire", "filter": {"concerns": "user/u-4711"}}
    saved_view = anna.post(path, json=sent).json()
    renamed = Item(type="user", id="u-4711", name="Petra Andre")
    company.log.record("user.profile_updated", actor=KARI, target=renamed, fields=("last_name",), origin=WEB)
    assert anna.get(f"{path}/{saved_view['id']}").json()["filter"] == saved_view["filter"]
    assert "Petra Andre" in anna.get(f"{PAGE}/views").text
    other = anna.post(path, json={"name": "Bob stays", "filter": {"concerns": "user/u-42"}}).json()
    company.log.erase(person, actor=ANNA, origin=WEB)
    assert b"New hire" not in company.file.read_bytes()  # before anybody asked for it
    assert anna.get(f"{path}/{saved_view['id']}").status_code == 404
    assert [view["id"] for view in views(anna)] == [other["id"]]


def test_one_to_begin_with(anna: httpx.Client, kari: httpx.Client) -> None:
    """The bare path leads to the viewer's own default, another's path stays, and clearing is one press away."""
    path = f"/api/v1/orgs/{ORG}/views"
    made = anna.post(path, json=BOBS | {"default": True, "shared": True}).json()
    first = anna.get(PAGE)
    assert first.headers["location"] == f"{PAGE}/views/{made['id']}"
    then = anna.get(first.headers["location"])
    assert then.headers["location"] == f"{PAGE}?category=roles&concerns=user/u-42&date=past-6-months"
    listed = anna.get(then.headers["location"]).text
    assert f'href="{PAGE}?category.not=activity_log">Clear all' in listed
    assert kari.get(PAGE).headers["location"] == f"{PAGE}?category.not=activity_log"
    other = anna.post(path, json={"name": "Other", "filter": {"category": "salary"}, "default": True}).json()
    assert [view["id"] for view in views(anna) if view["default"]] == [other["id"]]


def test_the_same_entries_as_the_filter(anna: httpx.Client) -> None:
    """A view opens as its filter: the same rows."""
    made = anna.post(f"/api/v1/orgs/{ORG}/views", json=BOBS).json()
    page = anna.get(anna.get(f"{PAGE}/views/{made['id']}").headers["location"]).text
    api = anna.get(f"/api/v1/orgs/{ORG}/entries", params={**BOBS["filter"], "limit": 50}).json()["entries"]  # type: ignore[dict-item]
    assert re.findall(r'<li class="row" id="e-([^"]+)"', page) == [entry["id"] for entry in api]
    assert api


def record(served: Served, bob: bool = True) -> None:
    """One more role is given."""
    role = Item(type="role", id="r-1", name="Reader")
    member = BOB if bob else Item(type="user", id="u-5", name="Ida Moe")
    served.log.record(
        "role.assigned", actor=KARI, target=role, concerns={"member": member}, outcome="denied", origin=WEB
    )


def alerts(client: httpx.Client) -> str:
    """What the page is told, in words."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", client.get(f"{PAGE}/alerts").text)).split())


def test_one_is_told_of_new_entries(company: Served, anna: httpx.Client) -> None:
    """As many as came since one looked; looking makes them old; who did not ask is told nothing."""
    path = f"/api/v1/orgs/{ORG}/views"
    denied = {"name": "Refused ones", "filter": {"outcome": "denied"}, "alert": True}
    made = anna.post(path, json=denied).json()
    assert alerts(anna) == ""
    record(company)
    record(company)
    assert alerts(anna) == "2 new entries in Refused ones"
    assert "2 new entries" in anna.get(f"{PAGE}/views").text
    assert anna.get(f"{PAGE}/views/{made['id']}").status_code == 303
    assert alerts(anna) == ""
    record(company)
    assert alerts(anna) == "One new entry in Refused ones"
    anna.put(f"{path}/{made['id']}", json=denied | {"alert": False})
    assert alerts(anna) == ""


def test_no_number_of_a_person(company: Served, anna: httpx.Client) -> None:
    """A view that names whose doing it is tells that there is something new, and not how much."""
    anna.post(
        f"/api/v1/orgs/{ORG}/views",
        json={"name": "Kari's", "filter": {"actor": f"user/{KARI.id}"}, "alert": True},
    )
    record(company)
    record(company)
    assert alerts(anna) == "New entries in Kari's"


def test_a_ready_view_can_be_told_of(company: Served, anna: httpx.Client) -> None:
    """The four for review and the questions too; one that asks for a name cannot."""
    form = {"do": "choose", "id": "ready:denied", "alert": "on"}
    assert anna.post(f"{PAGE}/views", data=form).status_code == 303
    record(company)
    assert alerts(anna) == "One new entry in Denied attempts"
    answer = anna.get(f"{PAGE}/views/ready:denied")
    assert answer.headers["location"] == f"{PAGE}?outcome=denied&date=past-6-months&view=denied"
    assert anna.post(f"{PAGE}/views", data=form | {"id": "ready:new-hire"}).status_code == 422


def test_the_forms(anna: httpx.Client, kari: httpx.Client) -> None:
    """Without a script: saved from the list, renamed, chosen, removed; a fault keeps what was typed."""
    listed = anna.get(f"{PAGE}?category=roles&concerns=user/u-42").text
    kept = re.search(r'name="filter" value="([^"]*)"', listed)
    assert kept is not None
    form = {"do": "save", "filter": unescape(kept[1]), "name": "By form", "shared": "on"}
    assert anna.post(f"{PAGE}/views", data=form).headers["location"].endswith("&saved=1")
    again = anna.post(f"{PAGE}/views", data=form)
    assert again.status_code == 409
    assert 'value="By form"' in again.text
    blank = anna.post(
        f"{PAGE}/views", data=form | {"name": "  ", "alert": "on", "shown": "category=roles&group=day"}
    )
    assert blank.status_code == 422
    assert "Give it a name of 1 to 80 characters." in blank.text
    assert 'name="shown" value="category=roles&amp;group=day"' in blank.text
    assert 'name="alert" checked' in blank.text
    view = views(anna)[0]
    assert view["filter"] == {"category": ["roles"], "concerns": ["user/u-42"], "tz": ["Europe/Oslo"]}
    change = {"do": "change", "id": view["id"], "name": "Renamed", "shared": "on"}
    assert kari.post(f"{PAGE}/views", data=change).status_code == 403
    assert anna.post(f"{PAGE}/views", data=change).status_code == 303
    assert "Renamed" in kari.get(f"{PAGE}/views").text
    assert kari.post(f"{PAGE}/views", data={"do": "remove", "id": view["id"]}).status_code == 403
    assert anna.post(f"{PAGE}/views", data={"do": "remove", "id": view["id"]}).status_code == 303
    assert views(anna) == []
    assert anna.post(f"{PAGE}/views", data={"do": "nonsense"}).status_code == 404
    for text in ("category=none", "nonsense=1", "date=%zz", "%ff"):
        assert anna.post(f"{PAGE}/views", data={"do": "save", "name": "x", "filter": text}).status_code == 422
    assert views(anna) == []


def test_another_site_changes_nothing(anna: httpx.Client) -> None:
    """A form or a call that another site began is refused."""
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert anna.post(f"{PAGE}/views", data={"do": "save", "name": "x"}, headers=cross).status_code == 403
    assert anna.post(f"/api/v1/orgs/{ORG}/views", json=BOBS, headers=cross).status_code == 403
    assert views(anna) == []


def test_whoever_may_not_read_has_none(company: Served) -> None:
    """The permission is asked first, on every door."""
    with browser_of(company, "u-9", role="employee") as nobody:
        for path in (f"{PAGE}/views", f"{PAGE}/alerts", f"{PAGE}/views/none", f"/api/v1/orgs/{ORG}/views"):
            assert nobody.get(path).status_code == 403
        assert nobody.post(f"{PAGE}/views", data={"do": "save", "name": "x"}).status_code == 403


def saved(page: Page, name: str) -> None:
    """Save the list that is shown under a name."""
    page.locator("details.save > summary").click()
    page.locator("details.save [name=name]").fill(name)
    page.locator("details.save .first").click()


@pytest.mark.parametrize("scripted", [True, False])
def test_saved_by_hand(visit: Callable[..., Page], company: Served, scripted: bool) -> None:
    """Saved from the list, one is back at the same list, told so; a name that is taken loses nothing."""
    messages: list[str] = []
    page = visit(at=company, messages=messages, java_script_enabled=scripted)
    page.goto(f"{PAGE}?outcome=denied&group=day&limit=25")
    saved(page, "Watch these")
    page.wait_for_url("**outcome=denied&limit=25&group=day&saved=1")
    expect(page.locator("main .done")).to_contain_text("Saved.")
    saved(page, "Watch these")
    page.wait_for_url("**/views")
    expect(page.locator("form.hint")).to_contain_text("Outcome: refused")
    field = page.locator("form.hint [name=name]")
    expect(field).to_have_value("Watch these")
    expect(field).to_have_accessible_description("You have another view of that name. Choose another name.")
    if scripted:
        clean(page, messages)
    field.fill("Watch those")
    page.locator("form.hint [name=alert]").check()
    page.locator("form.hint .first").click()
    page.wait_for_url("**outcome=denied&limit=25&group=day&saved=1")
    page.goto(f"{PAGE}/views")
    line = page.locator("section[aria-labelledby=own] li").filter(has_text="Watch those")
    expect(line.locator(".badge")).to_have_text("notifies")
    expect(line.locator("form")).to_be_hidden()
    line.locator("summary").click()
    line.get_by_label("Open the log with this view").check()
    line.get_by_label("Name", exact=True).fill("Watch these")
    line.get_by_role("button", name="Save", exact=True).click()
    opened = page.locator("section[aria-labelledby=own] details[open]")
    expect(opened.locator(".fault")).to_have_text("You have another view of that name. Choose another name.")
    opened.get_by_label("Name", exact=True).fill("Watch them")
    opened.get_by_label("Open the log with this view").check()
    opened.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/views?saved=1")
    line = page.locator("section[aria-labelledby=own] li").filter(has_text="Watch them")
    expect(line.locator(".badge")).to_have_text(["opens first", "notifies"])
    if scripted:
        page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
        clean(page, messages)


def test_told_of_what_comes(visit: Callable[..., Page], company: Served) -> None:
    """A person saves the list they look at, finds it beside it, and is told of what comes until they look."""
    page = visit(at=company)
    page.goto(f"{PAGE}?outcome=denied")
    page.locator("details.save > summary").click()
    page.locator("details.save [name=alert]").check()
    page.locator("details.save [name=name]").fill("Watch these")
    page.locator("details.save .first").click()
    page.wait_for_url("**saved=1")
    page.locator("#questions").get_by_role("link", name="Watch these").click()
    page.wait_for_url("**outcome=denied")
    before = page.locator("li.row").count()
    assert before > 0
    record(company)
    page.goto(f"{PAGE}/overview")
    page.get_by_role("link", name="One new entry in Watch these").click()
    page.wait_for_url("**outcome=denied**")
    assert page.locator("li.row").count() == before + 1
    page.goto(f"{PAGE}/overview")
    page.wait_for_load_state("networkidle")
    assert page.locator("#alerts a").count() == 0


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "an item that you may not see"), ("nb", "et objekt som du ikke har lov til å se")],
)
def test_what_a_reader_may_not_see_has_no_name_in_a_shared_view(
    company: Served, lang: str, words: str
) -> None:
    """Page, API, alerts and the list that the view opens say that there is something, and not what."""
    ida = Actor(kind="person", type="user", id="u-99", name="Ida Lie")
    company.log.record("case.opened", actor=ida, target=Item(type="case", id="c-7f"), origin=WEB)
    _, key = company.deployment.credentials.new_key(ORG, "C", ("read",), restricted=("whistleblowing",))
    path = f"{company.api}/views"
    view = {"name": "Case", "filter": {"target": "case/c-7f", "actor.not": "user/u-99"}, "shared": True}
    saved = httpx.post(path, json=view, headers={"Authorization": f"Bearer {key}"})
    assert saved.json()["filter"]["target"] == ["case/c-7f"]  # the control: its owner sees it
    with browser_of(company, "u-3") as client:
        client.headers["Accept-Language"] = lang
        (shown,) = views(client)
        assert (shown["filter"]["target"], shown["filter"]["actor.not"]) == (
            ["_hidden/item"],
            ["_hidden/item"],
        )
        opened = client.get(f"{PAGE}/views/{saved.json()['id']}")
        pages = [client.get(f"{PAGE}/views").text, client.get(opened.headers["location"]).text]
        texts = [*pages, client.get(f"{PAGE}/alerts").text, opened.headers["location"]]
        assert [(word, text) for text in texts for word in ("c-7f", "u-99", "Ida") if word in text] == []
        assert all(words in unescape(text).lower() for text in pages)


def test_an_order_names_nothing_that_its_viewer_may_not_see_any_more(company: Served) -> None:
    """The list of exports says the filter as its viewer may read it now."""
    salary = Item(type="salary", id="s-91")
    company.log.record("salary.updated", actor=ANNA, target=salary, concerns={"owner": BOB}, origin=WEB)
    _, key = company.deployment.credentials.new_key(ORG, "E", ("export",))
    headers = {"Authorization": f"Bearer {key}"}
    path = f"{company.api}/exports"
    order = {"format": "csv", "filter": {"target": "salary/s-91"}}
    id_ = httpx.post(path, json=order, headers=headers).json()["id"]
    assert httpx.get(f"{path}/{id_}", headers=headers).json()["filter"]["target"] == ["salary/s-91"]
    withhold(By(company.deployment, operator(ORG)), ["salary"])
    for text in (httpx.get(f"{path}/{id_}", headers=headers).text, httpx.get(path, headers=headers).text):
        assert ("s-91" in text, "_hidden/item" in text) == (False, True)
