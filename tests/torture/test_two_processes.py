"""One log, two real processes: a server, and a host that records through the library.

What either acknowledged the other finds at once, and counts right, also once one of them has sealed what the other
holds in memory, and after either was killed. The control reads from a copy, and must fail to find it.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from msgspec import Struct
from tests.cli.conftest import Folder, serving
from tests.torture.judging import ME, acknowledged, faults
from tests.torture.scenarios import ORG, begin, entry, open_in
from tests.torture.test_writers import writers

from trailbook.deployment.deployment import Deployment
from trailbook.query import from_line

ROLES = from_line("category:roles")
SEGMENT = 4096


class Both(Struct):
    """The server, over HTTP, and this process, through the library."""

    client: httpx.Client
    host: Deployment
    server: "subprocess.Popen[str]"

    def counts(self) -> tuple[int, int]:
        """How many entries of one category each finds; what reading itself records is another's."""
        here, _ = self.host.log(ORG).count(ROLES, viewer=ME)
        return self.over_http(), here

    def over_http(self) -> int:
        answer = self.client.get("entries", params={"category": "roles", "count": "true", "limit": 1})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["count"])

    def post(self, count: int, chance: Random) -> list[str]:
        """Record through the server; the acknowledged ids."""
        lines = [json.dumps(wire(chance)) for _ in range(count)]
        answer = self.client.post(
            "entries/batch", content="\n".join(lines), headers={"content-type": "application/x-ndjson"}
        )
        receipts = [json.loads(line) for line in answer.text.splitlines()]
        assert {receipt["result"] for receipt in receipts} == {"recorded"}, answer.text[:500]
        return [f"id {receipt['id']}" for receipt in receipts]

    def record(self, count: int, chance: Random) -> list[str]:
        """Record through the library; the acknowledged ids."""
        made = [entry(chance) for _ in range(count)]
        self.host.log(ORG).record_many(made)
        return [f"id {each.id}" for each in made]


def wire(chance: Random) -> dict[str, Any]:
    made = entry(chance)
    (member,) = made.concerns
    return {
        "id": str(made.id),
        "action": made.action,
        "occurred_at": made.occurred_at.isoformat(),
        "actor": {"kind": "person", "type": "user", "id": "u-17", "name": "Anna Berg"},
        "target": {"type": "role", "id": made.target.id, "name": made.target.name},
        "concerns": [{"part": "member", "type": "user", "id": member.id, "name": member.name}],
        "origin": {"interface": "web"},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A log of forty entries."""
    begin(tmp_path)
    content = 'store = "sqlite:///log.db"\noutside_file = "outside.txt"\nlimits_reading = "100000"\n'
    (tmp_path / "trailbook.toml").write_text(content, "utf-8")
    return Folder(tmp_path)


@pytest.fixture
def both(folder: Folder) -> Iterator[Both]:
    """The log, served by one process and open in another."""
    made = folder.good(
        "api-keys", "new", "--name", "x", "--scope", "record", "--scope", "read", "--json"
    ).json
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    host = open_in(folder.path)
    with (
        serving(folder) as server,
        httpx.Client(base_url=f"{server.address}/api/v1/orgs/{ORG}/", headers=bearer, timeout=60) as client,
    ):
        yield Both(client, host, server.process)
    host.close()


def test_seen_at_once(both: Both, folder: Folder, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What one acknowledged the other counts and finds with its next question, thirty times in turn."""
    chance, receipts, size = Random(1), list[str](), 40
    away = tmp_path_factory.mktemp("away")
    folder.good("backup", str(away / "log.db"))
    for turn in range(30):
        receipts += both.record(1, chance) if turn % 2 else both.post(1, chance)
        size += 1
        assert both.counts() == (size, size)
        shown = both.client.get(f"entries/{receipts[-1][3:]}")
        assert (shown.status_code, shown.json()["seq"] >= size - 1) == (200, True)
    assert faults(folder.path, receipts) == []
    # The control: a copy is not the log, and finds none of them.
    for ending in (".keys", ".signing"):
        subprocess.run(["cp", "-r", str(folder.path / f"log.db{ending}"), str(away)], check=True)
    copy = open_in(away)
    assert copy.log(ORG).count(ROLES, viewer=ME)[0] == 40
    copy.close()


def test_sealing_by_one_does_not_hurt_the_other(both: Both, folder: Folder) -> None:
    """Engine 1: each seals while the other holds the same entries in memory; both go on to count right."""
    chance, receipts = Random(2), list[str]()
    size = both.counts()[0]
    for turn in range(4):
        more = both.record if turn % 2 else both.post
        for _ in range(3):
            receipts += more(SEGMENT // 2, chance)
            size += SEGMENT // 2
            assert both.counts() == (size, size)
    both.host.log(ORG).upkeep.seal()
    assert both.counts() == (size, size)
    both.host.log(
        ORG
    ).upkeep.reindex()  # the harshest: every segment that the server holds is gone, and made anew
    assert both.counts() == (size, size)
    receipts += both.post(1, chance)
    assert both.counts() == (size + 1, size + 1)
    assert both.host.log(ORG).upkeep.check() == []
    assert faults(folder.path, receipts) == []


def test_the_host_is_killed(both: Both, folder: Folder, tmp_path: Path) -> None:
    """Hosts killed while they record beside a server harm neither what was acknowledged nor the server."""
    chance, receipts = Random(3), list[str]()
    for death in range(3):
        lines = tmp_path / f"said-{death}"
        with writers(folder.path, lines, death) as process:
            while lines.stat().st_size < 2_000:
                receipts += both.post(5, chance)
            process.kill()
            assert process.wait() == -9
        receipts += acknowledged(lines.read_text("utf-8"))
        receipts += both.post(1, chance)  # no lock is left behind
        assert len(set(both.counts())) == 1
    assert faults(folder.path, receipts) == []


def test_the_server_is_killed(both: Both, folder: Folder) -> None:
    """A server killed while it records leaves a log in which the host goes on, and another server begins."""
    chance, receipts = Random(4), list[str]()
    receipts += both.post(200, chance)
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        receipts += both.record(5, chance)
    both.server.kill()
    assert both.server.wait(30) == -9
    with pytest.raises(httpx.TransportError):
        both.over_http()
    receipts += both.record(50, chance)
    assert both.host.log(ORG).count(ROLES, viewer=ME)[0] == 40 + len(receipts)
    assert faults(folder.path, receipts) == []
    with serving(folder) as server:
        client = httpx.Client(base_url=f"{server.address}/api/v1/orgs/{ORG}/", headers=both.client.headers)
        after = Both(client, both.host, both.server)
        assert after.counts() == (40 + len(receipts),) * 2
        receipts += after.post(3, chance)
        assert after.counts() == (40 + len(receipts),) * 2
        client.close()
