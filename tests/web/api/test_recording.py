"""Recording over HTTP: receipts, replays, refusals with pointers, batches."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.web.conftest import wire

NDJSON = {"Content-Type": "application/x-ndjson"}


def ndjson(*entries: dict[str, Any] | str) -> bytes:
    """Entries as lines; a text is sent as it is."""
    return b"".join((e if isinstance(e, str) else json.dumps(e)).encode() + b"\n" for e in entries)


def test_one_is_recorded_and_read_back(client: httpx.Client) -> None:
    """201 with the receipt, `Location` and `ETag`; what is read back is what was sent."""
    sent = wire(fields=[], correlation="4bf92f3577b34da6a3ce929d0e0e4736", id=str(uuid4()))
    answer = client.post("entries", json=sent)
    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt.keys() == {"id", "seq", "recorded_at", "state"}
    assert answer.headers["etag"].startswith('"')
    assert "idempotency-replayed" not in answer.headers
    entry = client.get(answer.headers["location"]).json()
    assert (entry["id"], entry["seq"]) == (sent["id"], receipt["seq"])
    assert entry["occurred_at"] == "2026-03-02T08:15:00.123456Z"
    assert entry["sentence"] == "Anna Berg gave Bob Li the role Manager"
    assert entry["source"]["name"] == "HR"


def test_what_the_host_says_today_is_not_in_what_is_read(client: httpx.Client) -> None:
    """Sent with an item, singly and in a batch, it stands beside the item alone; a replay with another is a replay."""
    member = {"part": "member", "type": "user", "id": "u-hint", "name": "Hinta Berg"}
    sent = wire(id=str(uuid4()), concerns=[member | {"hint": "Technician, Field south"}])
    location = client.post("entries", json=sent).headers["location"]
    assert "Field south" not in client.get(location).text
    again = client.post("entries", json=sent | {"concerns": [member | {"hint": "Chef"}]})
    assert again.status_code == 200
    (item,) = client.get("items?q=hinta").json()
    assert item["hint"] == "Technician, Field south"
    batch = ndjson(wire(concerns=[member | {"hint": ""}]))
    assert client.post("entries/batch", content=batch, headers=NDJSON).status_code == 200
    assert client.get("items?q=hinta").json()[0]["hint"] is None


def test_again_is_a_replay_and_other_content_a_conflict(client: httpx.Client) -> None:
    """The same id and content is answered as before; other content under it is a conflict."""
    sent = wire(id=str(uuid4()))
    first, again = client.post("entries", json=sent), client.post("entries", json=sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = client.post("entries", json=sent | {"outcome": "denied"})
    assert (other.status_code, other.json()["code"]) == (409, "entry-conflict")
    assert "is in the log with other content" in other.json()["detail"]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown action": ({"action": "role.asigned"}, "action-unknown", "/action"),
    "no actor": ({"actor": None}, "entry-invalid", "/actor"),
    "a value": ({"old_value": "1"}, "entry-invalid", "/old_value"),
    "no concerns": ({"concerns": []}, "concern-missing", "/concerns"),
    "a time without offset": ({"occurred_at": "2026-03-02T09:15:00"}, "entry-invalid", "/occurred_at"),
    "a far future": ({"occurred_at": "2999-01-01T00:00:00Z"}, "time-ahead", "/occurred_at"),
    "a float": ({"fields": [1.5]}, "entry-invalid", "/fields/0"),
    "a control character": (
        {"target": {"type": "role", "id": "r", "name": "a\nb"}},
        "entry-invalid",
        "/target/name",
    ),
    "a long hint": (
        {"actor": {"kind": "person", "type": "user", "id": "u-17", "hint": "x" * 81}},
        "entry-invalid",
        "/actor/hint",
    ),
    "an undeclared field": ({"fields": ["secret_sauce"]}, "field-undeclared", "/fields/0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_pointer(client: httpx.Client, case: str) -> None:
    """422 with code and pointer, and nothing recorded; the same without the fault is recorded."""
    changed, code, pointer = REFUSED[case]
    id_ = str(uuid4())
    answer = client.post("entries", json=wire(**changed, id=id_))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert client.get(f"entries/{id_}").status_code == 404
    assert client.post("entries", json=wire(id=id_)).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "br"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 400),
        ({"Content-Type": "application/json", "Content-Encoding": "identity"}, 201),
        ({"Content-Type": "application/x-ndjson"}, 415),
        ({}, 415),
        ({"Content-Type": "application/json; charset=UTF-8"}, 201),
        ({"Content-Type": "Application/JSON"}, 201),
    ],
)
def test_media_type(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    """Only JSON in UTF-8 is read, in codings that are known and true."""
    answer = client.post("entries", content=json.dumps(wire()).encode(), headers=headers)
    assert answer.status_code == status


def test_malformed_and_too_large(client: httpx.Client) -> None:
    """400 for what is not JSON, 413 above 256 KiB whether or not the length was said."""
    as_json = {"Content-Type": "application/json"}
    text = json.dumps(wire()).encode()
    twice = text[:-1] + b', "action": "role.assigned"}'
    answer = client.post("entries", content=twice, headers=as_json)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/action")
    padded = text + b" " * (256 * 1024 - len(text))
    assert client.post("entries", content=padded, headers=as_json).status_code == 201
    assert client.post("entries", content=padded + b" ", headers=as_json).status_code == 413
    assert client.post("entries", content=iter([padded, b" "]), headers=as_json).status_code == 413


def test_batch_of_lines(client: httpx.Client) -> None:
    """Of three lines the bad one is refused with its reason, the others are recorded, in order."""
    lines = ndjson(wire(), '{"action": ', wire(action="no.such"), wire())
    answer = client.post("entries/batch", content=lines, headers=NDJSON)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [result["line"] for result in results] == [1, 2, 3, 4]
    assert [result["result"] for result in results] == ["recorded", "refused", "refused", "recorded"]
    assert [result["problem"] and result["problem"]["code"] for result in results] == [
        None,
        "malformed",
        "action-unknown",
        None,
    ]
    assert results[3]["seq"] == results[0]["seq"] + 1


def test_batch_as_array(client: httpx.Client) -> None:
    """An array is answered as an array; what is in the log already says so."""
    sent = [wire(id=str(uuid4())), wire(id=str(uuid4()))]
    first = client.post("entries/batch", json=sent).json()
    again = client.post("entries/batch", json=[*sent, wire()]).json()
    assert [result["result"] for result in first] == ["recorded", "recorded"]
    assert [result["result"] for result in again] == ["replayed", "replayed", "recorded"]
    assert [result["seq"] for result in again[:2]] == [result["seq"] for result in first]


def test_atomic_batch(client: httpx.Client) -> None:
    """With `atomic=true` one bad entry refuses all, pointing at it; without it all are recorded."""
    good, bad = wire(id=str(uuid4())), wire(concerns=[])
    answer = client.post("entries/batch?atomic=true", json=[good, bad])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/1/concerns")
    assert client.get(f"entries/{good['id']}").status_code == 404
    broken = client.post("entries/batch?atomic=true", content=ndjson(good, "{"), headers=NDJSON)
    assert (broken.status_code, broken.json()["errors"][0]["pointer"]) == (422, "/1")
    whole = client.post("entries/batch?atomic=true", json=[good])
    assert (whole.status_code, whole.json()[0]["result"]) == (201, "recorded")


def test_limits_of_a_batch(client: httpx.Client) -> None:
    """10,000 lines and 16 MiB, each one more is 413; 10,000 bad lines are answered one by one."""
    most = client.post("entries/batch", content=b"{}\n" * 10_000, headers=NDJSON)
    assert (most.status_code, len(most.text.splitlines())) == (200, 10_000)
    assert client.post("entries/batch", content=b"{}\n" * 10_001, headers=NDJSON).status_code == 413
    large = b" " * (16 * 1024 * 1024 + 1)
    assert client.post("entries/batch", content=large, headers=NDJSON).status_code == 413


def test_one_id_twice_with_other_content_conflicts(client: httpx.Client) -> None:
    """An atomic batch says so, as each of its entries alone would; the control is the same entry twice."""
    entry = wire(id=str(uuid4()))
    other = {**entry, "outcome": "denied"}
    answer = client.post("entries/batch?atomic=true", json=[entry, other])
    assert (answer.status_code, answer.json()["code"]) == (409, "entry-conflict")
    assert "came just before with other content" in answer.json()["detail"]
    assert client.get(f"entries/{entry['id']}").status_code == 404
    assert client.post("entries/batch?atomic=true", json=[entry, entry]).status_code in (200, 201)


@pytest.mark.parametrize("query", ["atomic=maybe", "atomic=true&atomic=true", "atom=true"])
def test_parameters_of_a_batch(client: httpx.Client, query: str) -> None:
    """No parameter is ignored."""
    assert client.post(f"entries/batch?{query}", json=[]).status_code == 422
    assert client.post("entries/batch?atomic=false", json=[]).status_code == 200
