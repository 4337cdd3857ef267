"""The filter by IP address at every door, and that an address is kept nowhere but in the directory."""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest
from tests.web.api.test_exports import ordered
from tests.web.api.test_live import following
from tests.web.conftest import ANNA, ORG, WEB, Documented, Served, enter

from trailbook import Actor, Item, Origin

HERS, NEAR, OTHERS = "198.51.100.77", "198.51.100.0/24", "192.0.2.0/24"
GONE = Actor(kind="person", type="user", id="u-66", name="Gry Gone")


@pytest.fixture
def own(serve: Callable[..., Served], tmp_path: Path) -> Served:
    """A log in which somebody did three things from an address of her own."""
    served = serve(folder=tmp_path / "exports")
    for number in range(3):
        act(served, f"r-{number}")
    return served


@pytest.fixture
def client(own: Served) -> Iterator[httpx.Client]:
    """A key that may read and export, its answers held against the document."""
    _, key = own.deployment.credentials.new_key(ORG, "Archive", ("read", "export", "prove"))
    with httpx.Client(base_url=own.api + "/", headers={"Authorization": f"Bearer {key}"}) as client:
        document = client.get(f"{own.base_url}/openapi.json").json()
        client.event_hooks = {"response": [Documented(document)]}
        yield client


def act(served: Served, role: str) -> int:
    origin = Origin(interface="web", ip=HERS, user_agent="Mozilla/5.0")
    target = Item(type="role", id=role, name="Manager")
    return served.log.record("role.created", actor=GONE, target=target, origin=origin).seq


def test_the_api(own: Served, client: httpx.Client) -> None:
    """An address, a network, or all but these; figures are made of none of them."""
    counts = {
        query: client.get(f"entries?count=true&action=role.*&{query}").json()["count"]
        for query in ("ip=" + HERS, "ip=" + NEAR, "ip=10.0.0.0/8", f"ip={HERS}&ip={OTHERS}", f"ip.not={HERS}")
    }
    assert list(counts.values()) == [3, 3, 0, 64, 61]
    entry = client.get(f"entries?ip={NEAR}&limit=1").json()
    assert entry["entries"][0]["origin"]["ip"] == HERS
    turn = client.get(f"entries?ip={NEAR}&limit=1&cursor={entry['next_cursor']}").json()
    assert turn["entries"][0]["seq"] == entry["entries"][0]["seq"] - 1
    assert client.get(f"entries?ip={OTHERS}&cursor={entry['next_cursor']}").json()["code"] == "cursor-invalid"
    assert client.get(f"entries.csv?ip={NEAR}").text.count("\r\n") == 1 + 3
    assert client.get(f"entries.jsonl?ip={NEAR}").text.count("\n") == 3
    for path in ("facets?by=action&", "histogram?"):
        assert client.get(f"{path}ip={NEAR}").json()["code"] == "figures-of-a-person"
        assert client.get(f"{path}action=role.*").status_code == 200
    wrong = client.get("entries?ip=198.51.100.77/24")
    assert wrong.json()["errors"][0]["pointer"] == "/ip"
    assert NEAR in wrong.json()["errors"][0]["detail"]


def test_live(own: Served) -> None:
    with following(own, f"ip={NEAR}") as stream:
        own.log.record("role.created", actor=ANNA, target=Item(type="role", id="r-0"), origin=WEB)
        seq = act(own, "r-live")
        assert next(stream)[1] == str(seq)


@pytest.mark.parametrize("form", ["jsonl", "xlsx", "bundle-inclusion"])
def test_no_order_keeps_an_address(client: httpx.Client, form: str) -> None:
    """It says what to do instead; without the address the same is taken."""
    order: dict[str, Any] = {"format": form, "filter": {"ip": NEAR, "category": "roles"}}
    refused = client.post("exports", json=order)
    assert (refused.status_code, refused.json()["code"]) == (422, "filter-invalid")
    assert refused.json()["errors"][0]["pointer"] == "/filter/ip"
    assert client.get("exports").json()["exports"] == []
    del order["filter"]["ip"]
    assert client.post("exports", json=order).status_code == 202


def test_no_view_keeps_an_address(own: Served, signed_by: httpx.Client) -> None:
    """The form says what to do; a view without it is saved, and opens together with an address."""
    sent = {"do": "save", "name": "Hers", "filter": f"category=roles&ip={NEAR}"}
    same = {"Sec-Fetch-Site": "same-origin"}
    refused = signed_by.post(f"{own.page}/views", data=sent, headers=same)
    assert refused.status_code == 422
    assert "save the view without it" in refused.text
    sent["filter"] = "category=roles"
    assert signed_by.post(f"{own.page}/views", data=sent, headers=same).status_code == 303
    for view in ("denied", "all"):
        assert signed_by.get(f"{own.page}?view={view}&ip={NEAR}").text.count('<li class="row"') == 3


@pytest.fixture
def signed_by(own: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own.base_url) as client:
        enter(client, own.link())
        yield client


def test_the_page(own: Served, signed_by: httpx.Client) -> None:
    """The form has a field; the filter is a chip that can be turned; an entry leads to others from there."""
    page = signed_by.get(f"{own.page}?ip={NEAR}").text
    assert page.count('<li class="row"') == 3
    assert '<input name="ip" id="f-ip"' in page
    assert f'<input type="hidden" name="ip" value="{NEAR}">' in page  # so that another filter keeps it
    chip = re.search(r'<li class="chip"><a class="flip" href="([^"]*)"[^>]*>IP address</a>', page)
    assert chip is not None
    assert f"ip.not={NEAR}" in unescape(chip[1])
    assert "IP address: 198.51.100.0/24" in page
    assert "How much each person did is never counted." in page
    empty = signed_by.get(f"{own.page}?ip=&action=role.created")
    assert empty.headers["location"].endswith("/activity?action=role.created")
    spaced = signed_by.get(f"{own.page}?ip=+{HERS}+")
    assert spaced.headers["location"].endswith(f"/activity?ip={HERS}")
    line = signed_by.get(f"{own.page}?text=ip:{HERS}")
    assert line.headers["location"].endswith(f"/activity?ip={HERS}")
    wrong = signed_by.get(f"{own.page}?ip=198.51.100.77/24")
    assert (wrong.status_code, NEAR in wrong.text) == (422, True)
    entry = re.search(r'href="([^"]*/e/[^"?]*)', page)
    assert entry is not None
    text = signed_by.get(unescape(entry[1])).text
    assert re.search(f'[?]ip={HERS}"[^>]*>{HERS}</a>', text)


def rows_with(file: Path, text: str) -> set[tuple[str, str | None]]:
    """Each table of a log's file in which a text stands, and of the directory, in a row of which type."""
    db, needle = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY), text.encode()
    places: set[tuple[str, str | None]] = set()
    for (table,) in list(db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")):
        for row in db.execute(f"SELECT * FROM {table}"):
            cells = [cell if isinstance(cell, bytes) else str(cell).encode() for cell in row]
            if any(needle in cell for cell in cells):
                places.add((table, row[4] if table == "identity" else None))
    db.close()
    return places


def written(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_an_address_is_nowhere_but_in_the_directory_and_goes_with_its_actor(
    own: Served,
    client: httpx.Client,
    signed_by: httpx.Client,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """Filtered, exported, ordered, looked at and refused; then erased: no byte of it is left in any file."""
    caplog.set_level(logging.DEBUG)
    for query in (
        f"ip={HERS}",
        f"ip.not={HERS}",
        f"ip={HERS}/32",
        "ip=198.51.100.77/31",
        "ip=198.51.100.76/31",
    ):
        for path in ("entries", "entries.csv", "entries.jsonl", "facets", "histogram"):
            client.get(f"{path}?{query}&by=action" if path == "facets" else f"{path}?{query}")
        signed_by.get(f"{own.page}?{query}", follow_redirects=True)
    orders = [{"format": form, "filter": {"ip": HERS}} for form in ("jsonl", "bundle", "bundle-closed")]
    for order in (*orders, *({**order, "preview": True} for order in orders[1:])):
        client.post("exports", json=order)
    own.log.upkeep.seal()
    assert rows_with(own.file, HERS) == {("identity", "origin")}
    assert HERS.encode() in written(own.file.parent)
    assert HERS.encode() not in written(tmp_path / "exports")
    exported = ordered(own, client, format="csv", filter={"action": "role.created"})
    assert HERS.encode() in client.get(f"exports/{exported['id']}/file").content
    searched = client.get("entries?action=activity_log.searched&limit=200").json()["entries"]
    assert {entry["target"]["id"] for entry in searched} >= {"everything"}

    own.log.erase(Item(type="user", id=GONE.id), actor=ANNA, origin=WEB)
    for _ in range(600):  # until the file in which she stands is taken away
        if not client.get("exports").json()["exports"]:
            break
        time.sleep(0.05)
    assert HERS.encode() not in written(own.file.parent) + written(tmp_path)
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    assert not any(HERS in line for line in logged)
    assert client.get(f"entries?ip={HERS}").json()["entries"] == []
    assert client.get(f"entries?ip={NEAR}&count=true").json()["count"] == 0
    assert (
        client.get(f"entries?ip.not={NEAR}&actor_kind=person&action=role.created&count=true").json()["count"]
        == 3
    )
    assert rows_with(own.file, "192.0.2.7") == {("identity", "origin")}  # the control: of others it is there
    assert json.loads(client.get(f"entries?ip={OTHERS}&count=true").text)["count"] > 0
