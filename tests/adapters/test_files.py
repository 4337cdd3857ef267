"""Reading JSON strictly, as the API does, and the closed list of computed members."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from trailbook.access.viewer import operator
from trailbook.adapters.files import COMPUTED, COMPUTED_OF_ITEM, import_jsonl, strict_json
from trailbook.deployment.opening import open_deployment
from trailbook.errors import EntryInvalidError, TrailbookError
from trailbook.finding.answers import Shown, ShownItem
from trailbook.log.log import Log
from trailbook.model import Actor, Item, NewEntry, Origin
from trailbook.query import Query
from trailbook.web.http.strict_json import strict

REFUSED = [
    b"",
    b"{",
    b'{"a": 1} {}',
    b"\xef\xbb\xbf{}",
    b'"\xff"',
    b'{"a": 1, "a": 2}',
    b'{"a": {"b": 1, "b": 1}}',
    b"1.5",
    b"1e3",
    b"NaN",
    b"-Infinity",
    b"9007199254740992",
    b"-9007199254740992",
    b"1" * 5000,
    b'"\\ud800"',
    b'{"\\udc00": 1}',
    b"[" * 100_000,
    b'"' + b"x" * 262_144 + b'"',
]
READ = [
    b"{}",
    b'{"a": [1, true, null, "x"]}',
    b"9007199254740991",
    b'"\\ud83d\\ude00"',
    '"æøå"'.encode(),
    b'"' + b"x" * 262_142 + b'"',
]


@pytest.mark.parametrize("raw", REFUSED, ids=lambda raw: repr(raw[:20]))
def test_what_the_api_refuses_is_refused(raw: bytes) -> None:
    with pytest.raises(TrailbookError):
        strict(raw)
    with pytest.raises(EntryInvalidError) as error:
        strict_json(raw)
    assert error.value.code == "malformed"


@pytest.mark.parametrize("raw", READ, ids=lambda raw: repr(raw[:20]))
def test_what_the_api_reads_is_read_alike(raw: bytes) -> None:
    assert strict_json(raw) == strict(raw) == json.loads(raw)


def test_the_computed_members_are_exactly_what_an_entry_cannot_take() -> None:
    shown = {field.encode_name for field in msgspec.structs.fields(Shown)}
    taken = {field.encode_name for field in msgspec.structs.fields(NewEntry)}
    assert shown - taken == COMPUTED
    # An erased item has no id: it is refused, never imported as somebody else.
    erased = {"erased", "pseudonym"}
    assert {field.encode_name for field in msgspec.structs.fields(ShownItem)} - {"type", "id", "name"} == (
        COMPUTED_OF_ITEM | erased
    )


@pytest.fixture
def log() -> Log:
    """An empty log in memory."""
    return open_deployment("memory:", create=True).create("acme")


def test_a_file_of_many_batches_is_accounted_for_line_by_line(log: Log, tmp_path: Path) -> None:
    at = datetime(2026, 11, 2, tzinfo=UTC).isoformat()
    anna = {"kind": "person", "type": "user", "id": "u-17", "name": "Anna"}
    lines = []
    for number in range(1203):
        target = {"type": "role", "id": f"r-{number}", "name": "Manager"}
        entry = {"action": "role.created", "occurred_at": at, "actor": anna, "target": target}
        lines.append(json.dumps({**entry, "origin": {"interface": "api"}} if number % 100 else entry))
    results = list(import_jsonl(log, io.BytesIO("\n".join(lines).encode())))
    assert [line.number for line in results] == list(range(1, 1204))
    assert [line.number for line in results if line.refused] == list(range(1, 1204, 100))
    assert log.size(viewer=operator("acme")) == 1203 - 13
    again = list(import_jsonl(log, io.BytesIO("\r\n".join(lines).encode())))
    assert {line.result for line in again} == {"replayed", "refused"}
    assert log.size(viewer=operator("acme")) == 1203 - 13


def test_a_line_with_another_hint_is_the_same_line(log: Log) -> None:
    """What the host says today is no part of what an id is made of."""
    role = {"type": "role", "id": "r-1", "name": "Manager"}
    entry = {"action": "role.created", "occurred_at": datetime(2026, 11, 2, tzinfo=UTC).isoformat()}
    entry |= {"actor": {"kind": "system", "type": "system", "id": "hr"}, "origin": {"interface": "api"}}
    lines = [
        {**entry, "target": {**role, **more}} for more in ({"hint": "Of field crews"}, {}, {"hint": "New"})
    ]
    file = io.BytesIO("\n".join(map(json.dumps, lines)).encode())
    assert [line.result for line in import_jsonl(log, file)] == ["recorded", "repeated", "repeated"]
    assert log.hints([("role", "r-1")], viewer=operator("acme")) == {("role", "r-1"): "Of field crews"}


def test_an_erased_person_in_an_export_is_refused(log: Log) -> None:
    """What was erased does not come back through an export made after it."""
    anna = Actor(kind="person", type="user", id="u-17", name="Anna")
    log.record(
        "role.created",
        actor=anna,
        target=Item(type="role", id="r-1", name="Manager"),
        origin=Origin(interface="web"),
    )
    shown = next(iter(log.rows(Query(), viewer=operator("acme"))))
    members = msgspec.to_builtins(shown)
    members["actor"] |= {"id": None, "name": None, "erased": True, "pseudonym": "AB12"}
    line = next(iter(import_jsonl(log, io.BytesIO(json.dumps(members).encode()))))
    assert line.refused is not None
    assert "/actor" in line.refused.detail
    members["actor"] = msgspec.to_builtins(anna)
    assert next(iter(import_jsonl(log, io.BytesIO(json.dumps(members).encode())))).result == "replayed"
