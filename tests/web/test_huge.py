"""Input that is far too large, over real HTTP: refused in words, and memory does not grow with it."""

import json
import socket
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from tests.web.conftest import ORG, Served, wire

from trailbook import operator

MIB = 1024 * 1024
MOST = 100 * MIB


def grown(act: Callable[[], object]) -> int:
    """By how many bytes this process, in which the server runs, was larger at its largest while something was done."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    act()
    return _peak() - before


def _peak() -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def posted(served: Served, body: bytes, path: str = "entries", **headers: str) -> int:
    """Send a body whole."""
    key = {"Authorization": f"Bearer {served.keys['record']}", "Content-Type": "application/json"}
    return httpx.post(f"{served.api}/{path}", content=body, headers=key | headers, timeout=60).status_code


def poured(served: Served, length: int, path: str) -> int:
    """Send blanks of this length, a little at a time, until the server answers or all is sent."""
    at = urlsplit(served.api)
    with socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=60) as sender:
        head = f"POST {at.path}/{path} HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: application/json\r\n"
        key = f"Authorization: Bearer {served.keys['record']}\r\n"
        sender.sendall(f"{head}{key}Content-Length: {length}\r\n\r\n".encode())
        left = length
        with suppress(BrokenPipeError, ConnectionResetError):  # answered before it was read to its end
            while left:
                left -= sender.send(b" " * min(left, MIB))
        return int(sender.recv(100).split()[1])


def keys() -> bytes:
    """An object of a million members."""
    return json.dumps(dict.fromkeys(map(str, range(1_000_000)))).encode()


def bomb() -> bytes:
    """A quarter of a gigabyte, packed."""
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(256)) + packer.flush()


HUGE: dict[str, tuple[Callable[[], bytes], str, int]] = {
    "a byte too many": (lambda: json.dumps(wire()).encode().ljust(256 * 1024 + 1), "entries", 413),
    "depth 100,000": (lambda: b"[" * 100_000, "entries", 422),
    "depth 100,000 in a batch": (lambda: b"[" * 100_000 + b"]" * 100_000, "entries/batch", 400),
    "1,000,000 keys": (keys, "entries", 413),
    "1,000,000 keys in a batch": (lambda: b"[" + keys() + b"]", "entries/batch", 200),
}


@pytest.mark.parametrize("name", HUGE)
def test_what_is_far_too_large_is_refused_and_costs_no_memory(served: Served, name: str) -> None:
    """The status is the right one, and memory grows by less than 100 MB; nothing is recorded."""
    make, path, expected = HUGE[name]
    body, statuses = make(), list[int]()
    before = served.log.size(viewer=operator(ORG))
    more = grown(lambda: statuses.append(posted(served, body, path)))
    assert statuses == [expected]
    assert served.log.size(viewer=operator(ORG)) == before
    assert more < MOST


@pytest.mark.parametrize("path", ["entries", "entries/batch"])
def test_a_bomb_costs_no_memory(served: Served, path: str) -> None:
    """What was packed well is not unpacked beyond what may be sent."""
    packed, statuses = bomb(), list[int]()
    coded = {"Content-Encoding": "gzip"}
    more = grown(lambda: statuses.append(posted(served, packed, path, **coded)))
    assert statuses == [413]
    assert more < MOST


@pytest.mark.parametrize("path", ["entries", "entries/batch"])
def test_a_gigabyte_is_answered_before_it_is_read(served: Served, path: str) -> None:
    """413, and memory grows by less than 100 MB."""
    statuses: list[int] = []
    more = grown(lambda: statuses.append(poured(served, 1024 * MIB, path)))
    assert statuses == [413]
    assert more < MOST


def test_the_measure_can_fail() -> None:
    """The control: who holds on to 150 MB is seen."""
    assert grown(lambda: bytes(range(256)) * (150 * 4096)) > MOST


def test_the_largest_legal_entry_is_recorded(served: Served) -> None:
    """Every member at its bound, and the bytes that are hashed stay within 65,535."""
    concerns = [{"part": "member", "type": "user", "id": f"{n:0200}", "name": "Å" * 300} for n in range(100)]
    given = wire(
        id=str(uuid4()), concerns=concerns, target={"type": "role", "id": "r" * 200, "name": "Å" * 300}
    )
    assert posted(served, json.dumps(given).encode()) == 201
    key = {"Authorization": f"Bearer {served.keys['read']}"}
    entry: dict[str, Any] = httpx.get(f"{served.api}/entries/{given['id']}", headers=key).json()
    assert len(entry["concerns"]) == 100
    store = served.log._store
    seq = store.seq_of(ORG, [UUID(given["id"])])[UUID(given["id"])]
    assert len(store.kept_at(ORG, [seq])[0].body or b"") <= 65_535


@pytest.mark.parametrize("bad", [0, 500, 999])
def test_one_poison_entry_in_a_batch_of_a_thousand(served: Served, bad: int) -> None:
    """999 are recorded, one is refused with its reason."""
    entries = [wire(id=str(uuid4())) for _ in range(1000)]
    entries[bad]["action"] = "role.poisoned"
    key = {"Authorization": f"Bearer {served.keys['record']}", "Content-Type": "application/x-ndjson"}
    body = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
    lines = httpx.post(f"{served.api}/entries/batch", content=body, headers=key, timeout=60).text.splitlines()
    results = [json.loads(line) for line in lines]
    assert [each["result"] == "recorded" for each in results] == [at != bad for at in range(1000)]
    assert "action-unknown" in lines[bad]
