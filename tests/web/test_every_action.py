"""Every action that the catalogue declares, as people meet it: on the list, in words, in both languages."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape

import httpx
import pytest
from tests.web.conftest import ANNA, ORG, WEB, Served

from trailbook import Item
from trailbook.catalogue import Action, Catalogue
from trailbook.model import Concern, NewEntry

PAGE = f"/orgs/{ORG}/activity"
CODE = re.compile(r"\b[a-z]+(?:_[a-z]+)*\.[a-z]+(?:_[a-z]+)*\b")
IDS = ("7", "f" * 64)
ARABIC, HEBREW = "محمد العربي", "דנה כהן (אוסלו)"


def an_entry(catalogue: Catalogue, action: Action, outcome: str) -> NewEntry:
    """An entry of an action with what its rule asks for and no more, so that no optional part helps it read."""
    kind = next(name for name in (*action.target, "role") if name in catalogue.types)
    parts = [rule.part for rule in action.concerns if rule.least and rule.part not in action.filled]
    return NewEntry(
        action=action.name,
        actor=ANNA,
        target=_item(catalogue, kind),
        concerns=tuple(_concern(part) for part in parts),
        outcome=outcome,
        occurred_at=datetime(2026, 3, 2, 9, 15, tzinfo=UTC),
        origin=WEB,
    )


def _item(catalogue: Catalogue, kind: str) -> Item:
    pattern = catalogue.types[kind].id or ".*"
    id_ = next(text for text in IDS if re.fullmatch(pattern, text))
    return Item(type=kind, id=id_, name="Nordlys" if catalogue.types[kind].named else None)


def _concern(part: str) -> Concern:
    kind = {"candidate": "candidate", "scope": "team"}.get(part, "user")
    return Concern(type=kind, id="c-1", name="Bob Li", part=part)


@pytest.fixture(scope="module")
def whole(serve: Callable[..., Served]) -> Served:
    """A log that holds every action of the catalogue, done, failed and refused."""
    served = serve()
    catalogue = served.log.catalogue
    for action in catalogue.actions.values():
        for outcome in ("success", "failure", "denied"):
            served.log.record_many([an_entry(catalogue, action, outcome)])
    return served


@pytest.fixture(scope="module")
def reader(whole: Served) -> Iterator[httpx.Client]:
    """A browser's HTTP, of somebody whose role shows the category that others do not see as well."""
    _, secret = whole.deployment.credentials.new_key(ORG, "Admin", ("administer",))
    wanted = {"name": "Cases", "permissions": {"activity_log": "full"}, "categories": ["whistleblowing"]}
    made = httpx.post(f"{whole.api}/roles", json=wanted, headers={"Authorization": f"Bearer {secret}"})
    session = whole.deployment.credentials.new_session(ORG, ANNA, (made.json()["id"],))
    cookie = {"Cookie": f"__Host-trailbook={session}"}
    with httpx.Client(base_url=whole.base_url, headers=cookie, timeout=60) as client:
        yield client


@pytest.mark.parametrize("lang", ["en", "nb"])
def test_no_action_code_reaches_the_screen(whole: Served, reader: httpx.Client, lang: str) -> None:
    """Every action reads as a sentence; its code stands nowhere that anybody sees."""
    names, shown = set(whole.log.catalogue.actions), 0
    path: str | None = f"{PAGE}?limit=200&to=2026-03-03&view=all"
    while path:
        text = reader.get(unescape(path), headers={"Accept-Language": lang}).text
        rows = text.partition('<div class="days">')[2].partition('<nav class="turns"')[0]
        shown += rows.count('<li class="row"')
        seen = unescape(re.sub(r"<[^>]*>", " ", rows))
        assert not {code for code in CODE.findall(seen) if code in names}
        assert not re.search(r"[{}]|\bNone\b", seen)
        older = re.search(r'rel="next" href="([^"]*)"', text)
        path = older[1] if older else None
    assert shown >= 3 * len(names)


def test_the_code_is_there_for_who_asks(whole: Served, reader: httpx.Client) -> None:
    """An entry's own page has the code, in small print."""
    text = reader.get(f"{PAGE}?action=asset.retired&outcome=success").text
    entry = reader.get(unescape(re.findall(r'class="when" href="([^"]*)"', text)[0])).text
    assert "asset.retired" in CODE.findall(unescape(re.sub(r"<[^>]*>", " ", entry)))


def test_every_action_can_be_chosen_in_words(whole: Served, reader: httpx.Client) -> None:
    """The list of actions has each of them once, by its label in both languages."""
    for lang in ("en", "nb"):
        text = reader.get(f"{PAGE}?category=roles", headers={"Accept-Language": lang}).text
        select = text.partition('<select name="action"')[2].partition("</select>")[0]
        options = dict(re.findall(r'<option value="([^"]+)">([^<]*)</option>', select))
        assert options.keys() == whole.log.catalogue.actions.keys()
        assert not [label for label in options.values() if CODE.fullmatch(label)]


def test_names_from_right_to_left_stay_apart(whole: Served, reader: httpx.Client) -> None:
    """Names in Arabic and Hebrew do not turn the sentence round; what could turn it is refused."""
    target = Item(type="role", id="r-rtl", name=HEBREW)
    person = Item(type="user", id="u-rtl", name=ARABIC)
    whole.log.record("role.assigned", actor=ANNA, target=target, concerns={"member": person}, origin=WEB)
    text = reader.get(f"{PAGE}?target=role/r-rtl").text
    sentence = re.findall(r'<p class="what">(.*?)</p>', text, re.DOTALL)[0]
    assert re.findall(r"<bdi[^>]*>([^<]*)</bdi>", sentence) == ["Anna Berg", ARABIC, HEBREW]
    outside = re.sub(r"<bdi[^>]*>[^<]*</bdi>", "", sentence)
    assert not re.search("[\u0590-\u06ff]", outside)
    headers = {"Authorization": f"Bearer {whole.keys['record']}"}
    for name, status in (("Bob\u202eiL", 422), ("Bob\u2066Li", 422), ('Bob <b>Li</b> & "co"', 201)):
        entry = {
            "action": "role.created",
            "occurred_at": "2026-03-02T09:15:00Z",
            "actor": {"kind": "person", "type": "user", "id": "u-17", "name": "Anna Berg"},
            "target": {"type": "role", "id": "r-esc", "name": name},
            "origin": {"interface": "web"},
        }
        answer = httpx.post(f"{whole.api}/entries", json=entry, headers=headers)
        assert answer.status_code == status, (name, answer.text)
    shown = reader.get(f"{PAGE}?target=role/r-esc").text
    assert "Bob &lt;b&gt;Li&lt;/b&gt; &amp; &#34;co&#34;" in shown
    assert "<b>Li" not in shown
