"""`/readyz` names the part that is not fit, over real HTTP, and `/healthz` says only that the process lives.

Each part is made unfit in a server of its own or by its own alarm; the same server before, or with the usual
alarms, is the control.
"""

import resource
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest
from tests.cli.conftest import Folder, serving
from tests.web.conftest import ORG, Served, wire

from trailbook.deployment.health import HEALTH_PARTS, Alarms
from trailbook.errors import StoreError
from trailbook.testing.steady import FrozenClock
from trailbook.web.http import readiness

PATIENT = 10**9  # seconds: these servers sign nothing


def asked(served: Served) -> tuple[int, Any]:
    answer = httpx.get(f"{served.base_url}/readyz")
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()


def failing(served: Served) -> list[str]:
    status, report = asked(served)
    assert (status, report["ok"]) == ((503, False) if report["failing"] else (200, True))
    assert httpx.get(f"{served.base_url}/healthz").json()["ok"] is True
    names: list[str] = report["failing"]
    return names


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is looked for anew, so that no test waits for one to grow old."""
    monkeypatch.setattr(readiness, "_EVERY_SECONDS", 0.0)


def test_ready(serve: Callable[..., Served]) -> None:
    """The control: a log that is well answers 200, and no part."""
    assert asked(serve(alarms=Alarms(unsigned_seconds=PATIENT, disk_full=101))) == (
        200,
        {"ok": True, "failing": [], "warning": []},
    )


@pytest.mark.parametrize(
    ("part", "alarm"),
    [
        ("disk", {"disk_tight": 0, "disk_full": 0}),
        ("seal-lag", {"unsealed": 1}),
        ("checkpoint-age", {"unsigned_seconds": 0}),
    ],
)
def test_the_part_is_named(serve: Callable[..., Served], part: str, alarm: dict[str, int]) -> None:
    """503 with the part's own word and no other; no organisation and no path is named."""
    usual = {"unsigned_seconds": PATIENT, "disk_full": 101}
    served = serve(alarms=Alarms(**usual | alarm))
    assert failing(served) == [part]
    text = httpx.get(f"{served.base_url}/readyz").text
    assert ORG not in text
    assert served.file.name not in text
    assert part in HEALTH_PARTS


def test_signed_it_is_ready_again(serve: Callable[..., Served]) -> None:
    """What was late is ready once it is signed, with no restart."""
    served = serve(alarms=Alarms(unsigned_seconds=0, disk_full=101))
    assert failing(served) == ["checkpoint-age"]
    served.deployment.signer().sign(ORG)
    assert failing(served) == []


def test_the_clock(serve: Callable[..., Served]) -> None:
    """A clock that went back behind the newest entry is named until it has caught up."""
    clock = FrozenClock(datetime.now(UTC))
    served = serve(clock=clock, alarms=Alarms(unsigned_seconds=PATIENT, disk_full=101))
    assert failing(served) == []
    clock.move(timedelta(hours=-1))
    assert failing(served) == ["clock"]
    clock.move(timedelta(hours=1))
    assert failing(served) == []


def test_whoever_asks_the_log_is_looked_at_now_and_then(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer stands until it is old, and for two seconds by default; what changed meanwhile is told after that."""
    clock = FrozenClock(datetime.now(UTC))
    served = serve(clock=clock, alarms=Alarms(unsigned_seconds=PATIENT, disk_full=101))
    assert failing(served) == []
    monkeypatch.setattr(readiness, "_EVERY_SECONDS", 3600.0)
    clock.move(timedelta(hours=-1))
    assert failing(served) == []
    monkeypatch.setattr(readiness, "_EVERY_SECONDS", 0.0)
    assert failing(served) == ["clock"]
    monkeypatch.undo()
    assert readiness._EVERY_SECONDS == 2


def test_another_version_beside_it(serve: Callable[..., Served]) -> None:
    """A newer Trailbook that brought the file on makes this one unfit, and says so by `migrations`."""
    served = serve(alarms=Alarms(unsigned_seconds=PATIENT, disk_full=101))
    assert failing(served) == []
    with apsw.Connection(str(served.file)) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    assert failing(served) == ["migrations"]


def test_a_write_that_failed(tmp_path: Path) -> None:
    """After a failed write the process records nothing more and is not ready, though its disk is well again."""
    folder = Folder(
        tmp_path, before="from trailbook.web.http import readiness; readiness._EVERY_SECONDS = 0.0"
    )
    folder.good("init", "--org", ORG)
    key = folder.good("api-keys", "new", "--name", "x", "--scope", "record", "--json").json["secret"]
    bearer = {"Authorization": f"Bearer {key}"}
    with serving(folder) as server, httpx.Client(base_url=server.address, headers=bearer) as client:
        path = f"/api/v1/orgs/{ORG}/entries"
        assert client.post(path, json=wire()).status_code == 201
        assert "store" not in client.get("/readyz").json()["failing"]
        before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        assert client.post(path, json=wire()).status_code == 503
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
        assert client.post(path, json=wire()).status_code == 503
        answer = client.get("/readyz")
        assert (answer.status_code, "store" in answer.json()["failing"]) == (503, True)
        assert client.get("/healthz").status_code == 200
    with serving(folder) as server:  # the control: begun again it is ready
        assert "store" not in httpx.get(f"{server.address}/readyz").json()["failing"]


def test_a_loop_that_fails_for_somebody_is_a_warning(serve: Callable[..., Served]) -> None:
    """The drain of a host beside the server too: named without whose it is, and the log can be asked meanwhile."""
    served = serve(alarms=Alarms(unsigned_seconds=PATIENT, disk_full=101))
    guest = served.deployment.beside("draining")
    for held in ({ORG: StoreError("the log is down")}, {None: OSError("gone")}):
        guest.tell(held)
        assert asked(served) == (200, {"ok": True, "failing": [], "warning": ["draining"]})
    guest.tell({})
    assert asked(served) == (200, {"ok": True, "failing": [], "warning": []})


def test_a_file_that_was_moved_away(serve: Callable[..., Served]) -> None:
    """Nothing is acknowledged into it or read from it; the part is named, and with the same file back all goes on."""
    served = serve(alarms=Alarms(unsigned_seconds=PATIENT, disk_full=101))
    headers = {"Authorization": f"Bearer {served.keys['both']}"}
    away = served.file.with_name("away.db")

    def answers() -> list[tuple[int, str | None]]:
        sent = httpx.post(f"{served.api}/entries", json=wire(), headers=headers)
        read = httpx.get(f"{served.api}/entries", headers=headers)
        return [(answer.status_code, answer.json().get("code")) for answer in (sent, read)]

    assert answers() == [(201, None), (200, None)]
    served.file.rename(away)
    assert answers() == [(503, "store-unavailable")] * 2
    assert "store" in failing(served)  # and `exports`, where its loop has looked meanwhile
    served.file.write_bytes(away.read_bytes())  # a copy is another file
    assert answers() == [(503, "store-unavailable")] * 2
    served.file.unlink()
    away.rename(served.file)
    assert answers() == [(201, None), (200, None)]
    assert "store" not in failing(served)
