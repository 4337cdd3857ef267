"""Reading over HTTP: pages, cursors, one entry, items, the catalogue, and exports of exactly the filter."""

import csv
import io
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import apsw
import httpx
import pytest
from tests.web.conftest import BOB, KARI, WEB, Served, wire

from trailbook import Item, operator
from trailbook.query import from_params


def test_pages_by_cursor(client: httpx.Client, served: Served) -> None:
    """The pages of one answer hold every entry once, whatever is recorded meanwhile; `Link` leads on."""
    first = client.get("entries", params={"limit": 25, "count": "true"}).json()
    seen = [entry["seq"] for entry in first["entries"]]
    cursor = first["next_cursor"]
    while cursor:
        client.post("entries", json=wire(occurred_at="2026-11-01T00:00:00Z"))
        answer = client.get("entries", params={"limit": 25, "cursor": cursor})
        page = answer.json()
        assert page["as_of"] == first["as_of"]
        seen += [entry["seq"] for entry in page["entries"]]
        cursor = page["next_cursor"]
        link = answer.links.get("next", {}).get("url", "")
        assert parse_qs(urlsplit(link).query).get("cursor", [None])[0] == cursor
    assert sorted(seen) == list(range(first["as_of"]))
    assert len(seen) == first["count"]


def test_filter_and_language(client: httpx.Client) -> None:
    """The same filter in the API as in the core; sentences in the language asked for."""
    entries = client.get("entries", params={"outcome": "denied", "actor": "user/u-9"}).json()["entries"]
    assert {(entry["outcome"], entry["actor"]["id"]) for entry in entries} == {("denied", "u-9")}
    page = client.get("entries", params={"limit": 1, "category": "users"}, headers={"Accept-Language": "no"})
    assert page.headers["content-language"] == "nb"
    assert page.json()["entries"][0]["sentence"] == "Anna Berg oppdaterte sin egen profil"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("nonsense=1", 422, "parameter-unknown"),
        ("date=someday", 422, "filter-invalid"),
        ("category=nothing", 422, "filter-invalid"),
        ("limit=201", 422, "filter-invalid"),
        ("limit=0", 422, "filter-invalid"),
        ("date=today&from=2026-01-01", 422, "filter-invalid"),
        ("as_of=999999", 422, "filter-invalid"),
        ("cursor=abc", 400, "cursor-invalid"),
        ("cursor=" + "a" * 513, 400, "cursor-invalid"),
        ("text=%FF", 400, "malformed"),
    ],
)
def test_broken_parameters(client: httpx.Client, query: str, status: int, code: str) -> None:
    """No parameter is ignored or guessed; the control has none of them."""
    answer = client.get(f"entries?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("entries?limit=200&date=today").status_code == 200


def test_cursor_of_another_question(client: httpx.Client) -> None:
    """A cursor goes with its own filter and viewer alone."""
    cursor = client.get("entries?limit=1").json()["next_cursor"]
    assert client.get("entries", params={"limit": 1, "cursor": cursor}).status_code == 200
    other = client.get("entries", params={"limit": 1, "cursor": cursor, "outcome": "success"})
    assert (other.status_code, other.json()["code"]) == (400, "cursor-invalid")
    changed = client.get("entries", params={"limit": 1, "cursor": cursor[:-2] + "AA"})
    assert changed.status_code == 400


def test_one_entry(client: httpx.Client, served: Served) -> None:
    """One entry by its id, with a strong entity tag; absent ids and no ids are alike."""
    id_ = client.get("entries?limit=1").json()["entries"][0]["id"]
    answer = client.get(f"entries/{id_}")
    assert answer.json()["id"] == id_
    assert answer.headers["etag"] == client.get(f"entries/{id_}").headers["etag"]
    absent = client.get("entries/00000000-0000-4000-8000-000000000000")
    assert (absent.status_code, client.get("entries/x").json()["code"]) == (404, "not-found")
    assert client.get(f"entries/{id_}?lang=nb").json()["code"] == "parameter-unknown"


def test_items_and_catalogue(client: httpx.Client) -> None:
    """What was recorded is found by a word's beginning, and by id; the catalogue has labels."""
    assert [item["id"] for item in client.get("items?q=ann").json()] == ["u-17"]
    assert [item["id"] for item in client.get("items?q=u-42&role=concerns").json()] == ["u-42"]
    assert client.get("items?q=zzz").json() == []
    for wrong in ("", "q=", "q=a&role=boss", "q=a&type=none", "q=a&limit=21", f"q={'a' * 81}", "q=a&x=1"):
        assert client.get(f"items?{wrong}").status_code == 422
    catalogue = client.get("catalogue?lang=nb").json()
    assert {"name": "roles", "label": "Roller"}.items() <= {
        "name": "roles",
        "label": next(c["label"] for c in catalogue["categories"] if c["name"] == "roles"),
    }.items()
    assert client.get("catalogue?lang=xx").json()["code"] == "parameter-invalid"


def test_exports_hold_exactly_the_filter(client: httpx.Client, served: Served) -> None:
    """CSV and JSON lines have the entries of the filter at one `as_of`, in the order asked."""
    params = {"category": "roles", "outcome": "success", "as_of": "60", "tz": "Europe/Oslo", "order": "asc"}
    query = from_params([pair for pair in params.items() if pair[0] != "order"])
    ids = [row.id for row in served.log.rows(query, viewer=operator("nordlys"), order="asc")]
    lines = client.get("entries.jsonl", params=params)
    assert [line["id"] for line in map(_json, lines.text.splitlines())] == ids
    table = client.get("entries.csv", params=params)
    assert table.content.startswith(b"\xef\xbb\xbfoccurred_at,")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline="")))
    assert [row["id"] for row in rows] == ids
    assert rows[0]["occurred_local"][-6:] in ("+01:00", "+02:00")
    assert 'attachment; filename="' in table.headers["content-disposition"]


@pytest.mark.parametrize("wrong", ["limit=5", "cursor=x", "count=true", "nonsense=1"])
def test_exports_refuse_what_would_cut_them(client: httpx.Client, wrong: str) -> None:
    """An export has no limit, and says so instead of ignoring one."""
    assert client.get(f"entries.csv?{wrong}").json()["code"] == "parameter-unknown"
    assert client.get("entries.csv?outcome=failure").status_code == 200


@pytest.fixture(scope="module")
def damaged(serve: Callable[..., Served]) -> tuple[Served, list[str]]:
    """A server whose entry 1150 is damaged on disk while it runs, and its export from just before."""
    served = serve()
    for at in range(1100):
        served.log.record(
            "role.assigned",
            actor=KARI,
            target=Item(type="role", id=f"r-{at}", name="Manager"),
            concerns={"member": BOB},
            origin=WEB,
        )
    _, lines = drained(served)
    with apsw.Connection(str(served.file)) as other:
        other.execute("UPDATE entry SET body = x'7b7d' WHERE place % 1099511627776 = 1150")
    return served, lines


def drained(served: Served) -> tuple[bool, list[str]]:
    """Whether an export ended well, and its lines."""
    headers = {"Authorization": f"Bearer {served.keys['read']}"}
    got = b""
    with httpx.stream("GET", f"{served.api}/entries.jsonl?order=seq", headers=headers) as answer:
        try:
            for piece in answer.iter_bytes():
                got += piece
        except httpx.RemoteProtocolError:
            return False, got.decode().splitlines()
    return True, got.decode().splitlines()


def test_an_export_that_breaks_does_not_end_well(damaged: tuple[Served, list[str]]) -> None:
    """Bytes damaged under a running server break the transfer; before, the same file was whole."""
    served, whole = damaged
    assert len(whole) == served.log.size(viewer=operator("nordlys")) - 1  # the export is itself an entry
    ended, lines = drained(served)
    assert not ended
    assert 0 < len(lines) < len(whole)


def test_the_last_resort_says_nothing(damaged: tuple[Served, list[str]]) -> None:
    """What nobody foresaw is 500 `internal`, without stack, path, SQL or name; its neighbour is read."""
    served, whole = damaged
    headers = {"Authorization": f"Bearer {served.keys['read']}"}
    answer = httpx.get(f"{served.api}/entries/{_json(whole[1150])['id']}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert not re.search(r"Traceback|\.py|\.db|SELECT|Kari|1150", answer.text)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    beside = httpx.get(f"{served.api}/entries/{_json(whole[1149])['id']}", headers=headers)
    assert beside.status_code == 200


def _json(line: str) -> dict[str, str]:
    entry: dict[str, str] = json.loads(line)
    return entry
