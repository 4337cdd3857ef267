"""`doctor`: each thing that is wrong or unsafe is told, by its part, and nothing is told of a log that is well.

Every test begins with the same well log and changes one thing; `test_all_is_well` is the control of them all, and
where a neighbour of the fault is harmless the test holds that too.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from msgspec import structs
from sqlalchemy import create_engine, insert, text
from sqlalchemy.orm import Session
from tests.capture.small import User, capturing, spoil
from tests.cli.conftest import Folder, begin_signed
from tests.finding.embedded import forged

from trailbook import Actor, Item, Origin, open_deployment, operator
from trailbook.cli.doctor import _server
from trailbook.cli.server_lock import alone
from trailbook.deployment.deployment import Deployment
from trailbook.deployment.health import Alarms, DiskRoom
from trailbook.deployment.locations import locations_of
from trailbook.deployment.opening import open_configured
from trailbook.deployment.settings import Signs, read_settings
from trailbook.query import Query, Term
from trailbook.stores import open_store
from trailbook.testing import FrozenClock
from trailbook.testing.small import assigned
from trailbook.testing.witness import witnessing_server
from trailbook.tree import format_vkey

WEB = Origin(interface="web")
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
ROLE = Item(type="role", id="r-3", name="Manager")
BOB = Item(type="user", id="u-42", name="Bob Li")


def diagnosis(folder: Folder, *more: str) -> list[dict[str, Any]]:
    """What doctor finds; its exit code says whether anything is left."""
    ended = folder.run("doctor", "--json", *more)
    assert ended.code in (0, 1), ended.err
    assert ended.json["ok"] == (ended.code == 0)
    findings: list[dict[str, Any]] = ended.json["findings"]
    return findings


def parts(folder: Folder, *more: str) -> set[str]:
    return {finding["part"] for finding in diagnosis(folder, *more)}


def opened(folder: Folder, elsewhere: Path, ahead: timedelta = timedelta(0)) -> Deployment:
    """The log, in this process, at another time."""
    return open_deployment(
        f"sqlite:///{folder.path / 'trailbook.db'}",
        clock=lambda: datetime.now(UTC) + ahead,
        signs=Signs(origin=None, outside=elsewhere / "outside.txt"),  # type: ignore[arg-type]
    )


def record(deployment: Deployment, count: int = 1) -> None:
    for _ in range(count):
        deployment.log("acme").record(
            "role.assigned", actor=ANNA, target=ROLE, concerns={"member": BOB}, origin=WEB
        )


def change(folder: Folder, sql: str) -> None:
    with sqlite3.connect(folder.path / "trailbook.db") as db:
        db.execute(sql)
    db.close()


def test_all_is_well(well: Folder) -> None:
    """The control of every finding: a log set up as the documents say has none, and doctor ends with 0."""
    ended = well.run("doctor")
    assert (ended.code, ended.out) == (0, "All is well.\n")
    assert diagnosis(well) == []


def test_words_for_people(well: Folder) -> None:
    """Each finding is a sentence and what to do; the exit code is 1."""
    (well.path / "trailbook.db").chmod(0o644)
    ended = well.run("doctor")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "files: Others on this machine can read trailbook.db.",
        "    `chmod 600 trailbook.db`; if they may have read it, names stand in it: that is a breach to be judged.",
        "1 finding",
    ]


def test_missing_secrets(well: Folder) -> None:
    """Secrets that are gone are told before anything else fails for it."""
    (well.path / "trailbook.db.keys").unlink()
    findings = diagnosis(well)
    assert [finding["part"] for finding in findings] == ["secrets", "store"]
    assert "are missing" in findings[0]["says"]


def test_signing_is_behind(well: Folder, elsewhere: Path) -> None:
    """An entry that nobody signed for a minute is told, with since when; a fresh or signed one is not."""
    kept = (elsewhere / "outside.txt").read_bytes()
    well.good(*well.given)
    assert parts(well) == set()
    later = opened(well, elsewhere, timedelta(minutes=2))
    (ailment,) = later.ailments()
    assert (ailment.part, ailment.org, ailment.fails) == ("checkpoint-age", "acme", True)
    assert "1 entry since" in ailment.says
    well.good("checkpoint", "publish")
    assert later.ailments() == []
    later.close()
    (elsewhere / "outside.txt").write_bytes(kept)


def test_the_clock_is_behind(well: Folder, elsewhere: Path) -> None:
    """A clock before the newest entry is told; the next day, by which it has caught up, it is not."""
    deployment = opened(well, elsewhere, timedelta(hours=2))
    record(deployment)
    deployment.close()
    (finding,) = diagnosis(well)
    assert finding["part"] == "clock"
    assert "behind the newest entry of acme" in finding["says"]
    later = opened(well, elsewhere, timedelta(days=1))
    assert "clock" not in {ailment.part for ailment in later.ailments()}
    later.close()


def test_the_clock_is_behind_the_checkpoint(well: Folder, elsewhere: Path) -> None:
    """So is a clock before the last signature, which a fresh head of an idle log has."""
    kept = (elsewhere / "outside.txt").read_bytes()
    later = opened(well, elsewhere, timedelta(hours=2))
    later.signer().sign("acme")
    later.close()
    (elsewhere / "outside.txt").write_bytes(kept)
    assert ["behind the last checkpoint" in finding["says"] for finding in diagnosis(well)] == [True]


def test_the_disk_fills(well: Folder, elsewhere: Path) -> None:
    """At 75 % it is told, at 90 % the log is not ready either; below, nothing."""
    deployment = opened(well, elsewhere)
    for used, expected in ((74, []), (75, [False]), (89, [False]), (90, [True]), (100, [True])):
        ailments = deployment.ailments(
            room=lambda path, used=used: DiskRoom(used, 100 - used) if "log" in str(path) else DiskRoom(0, 1)
        )  # type: ignore[misc]
        assert [ailment.fails for ailment in ailments if ailment.part == "disk"] == expected
    deployment.close()


def test_unsealed_entries_pile_up(well: Folder, elsewhere: Path) -> None:
    """A backlog that nobody seals is told from its limit on, and not below."""
    deployment = opened(well, elsewhere)
    assert [ailment.part for ailment in deployment.ailments(Alarms(unsealed=3))] == ["seal-lag"]
    assert deployment.ailments(Alarms(unsealed=4)) == []
    deployment.close()


def test_a_newer_file(well: Folder) -> None:
    """A file that a newer Trailbook brought on is told as that, not as damage; it is left as it is."""
    change(well, "PRAGMA user_version = 999")
    (finding,) = diagnosis(well)
    assert finding["part"] == "migrations"
    assert "newer Trailbook" in finding["says"]


def test_an_older_file_is_only_looked_at(well: Folder) -> None:
    """An older file is told, and not brought up to date by looking."""
    change(well, "PRAGMA user_version = 1")
    (finding,) = diagnosis(well)
    assert (finding["part"], "schema 1" in finding["says"]) == ("migrations", True)
    with sqlite3.connect(well.path / "trailbook.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_damaged_index_is_repaired(well: Folder) -> None:
    """A damaged index is told from the entries, which are whole; repairing it touches no entry."""
    before = well.good("search", "--category", "roles").out
    change(well, "INSERT INTO blob (org, kind, key, content) VALUES (1, 'index', 'segments', x'00')")
    assert parts(well) == {"index", "seal-lag"}
    repaired = diagnosis(well, "--repair")
    assert {finding["part"]: finding["repaired"] for finding in repaired if finding["part"] == "index"} == {
        "index": True
    }
    assert parts(well) == set()
    assert well.good("search", "--category", "roles").out == before


def test_an_index_that_hides_an_entry_is_repaired(well: Folder, elsewhere: Path) -> None:
    """Its digests hold, and it does not follow from the entries: it is said which one is hidden, by `verify` too."""
    outside = (elsewhere / "outside.txt").read_bytes()
    deployment = opened(well, elsewhere)
    deployment.log("acme").record_many([assigned(deployment.clock, number) for number in range(4_200)])
    deployment.log("acme").upkeep.seal()
    deployment.signer().sign("acme")
    person = Query(terms=(Term("concerns", ("user/u-2000",)),))
    (seq,) = deployment.log("acme").seqs(person, viewer=operator("acme"))
    deployment.close()
    asked = ("count", "--concerns", "user/u-2000", "--json")
    assert (parts(well), well.good(*asked).json["count"]) == (set(), 1)
    store = open_store(f"sqlite:///{well.path / 'trailbook.db'}")[0]
    forged.forge(store, "acme", 0, forged.without_posting("about", seq))
    store.close()
    assert well.good(*asked).json["count"] == 0
    (finding,) = well.run("verify", "--json").json["findings"]
    assert (finding["verdict"], finding["seq"]) == ("index", seq)
    (risk,) = diagnosis(well)
    assert (risk["part"], f"seq {seq}: the index hides its about" in risk["says"]) == ("index", True)
    assert [finding["repaired"] for finding in diagnosis(well, "--repair")] == [True]
    assert (parts(well), well.good(*asked).json["count"]) == (set(), 1)
    (elsewhere / "outside.txt").write_bytes(outside)


def test_a_damaged_entry_is_not_repaired(well: Folder) -> None:
    """A changed entry is told, is no damage of the index, and no repair hides it."""
    change(
        well, "UPDATE entry SET body = (SELECT body FROM entry WHERE place & 255 = 0) WHERE place & 255 = 1"
    )
    for more in ((), ("--repair",)):
        findings = diagnosis(well, *more)
        assert "index" not in {finding["part"] for finding in findings}
        assert any(finding["part"] == "entries" and "changed" in finding["says"] for finding in findings)


def test_a_file_that_is_none(well: Folder) -> None:
    """A database cut to pieces is told as the store; a log that is not there is an error of its own."""
    for name in ("trailbook.db-wal", "trailbook.db-shm"):
        (well.path / name).unlink(missing_ok=True)
    (well.path / "trailbook.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    assert parts(well) == {"store"}
    (well.path / "trailbook.db").unlink()
    assert well.run("doctor").code == 4


def test_a_suspended_organisation_is_looked_at(well: Folder) -> None:
    """Its log is kept, so it is verified like any other."""
    well.good("org", "suspend", "acme")
    assert "entries" not in parts(well)
    change(
        well, "UPDATE entry SET body = (SELECT body FROM entry WHERE place & 255 = 0) WHERE place & 255 = 1"
    )
    assert "entries" in parts(well)


def test_an_outbox_that_waits(well: Folder) -> None:
    """A host's entries that wait for more than a minute are told, as is what was refused; fresh ones are not."""
    url = f"sqlite:///{well.path / 'host.db'}"
    engine = create_engine(url)
    with capturing(engine), Session(engine) as session, session.begin():
        session.execute(insert(User), [{"name": "Eve"}, {"name": "bad"}])
    spoil(engine, "bad")
    assert parts(well, "--from", url) == set()
    with engine.begin() as connection:
        connection.execute(text("UPDATE trailbook_outbox SET captured_at = captured_at - 3600000000"))
    assert "of acme wait in a host for the log" in diagnosis(well, "--from", url)[0]["says"]
    assert well.run("drain", "--from", url).code == 1
    assert [finding["says"] for finding in diagnosis(well, "--from", url) if finding["part"] == "outbox"] == [
        "The log refused 1 entry of a host."
    ]
    engine.dispose()


def test_a_running_server_says_what_it_does_beside(well: Folder) -> None:
    """No other process sees its loops: what it names is told, and a server that does not answer is told as well."""
    flags = {"store": f"sqlite:///{well.path / 'trailbook.db'}"}
    settings = read_settings(flags, file=None, environ={}, folder=well.path)
    lock = locations_of(settings).lock_file()
    answers = [
        (200, {"ok": True, "failing": [], "warning": []}, []),
        (200, {"ok": True, "failing": [], "warning": ["exports", "disk"]}, ["exports"]),
        (
            503,
            {"ok": False, "failing": ["signing", "clock"], "warning": ["stamping"]},
            ["signing", "stamping"],
        ),
    ]
    for status, health, expected in answers:
        with answering(status, json.dumps(health).encode()) as address, alone(lock, address):
            assert [risk.part for risk in _server(settings)] == expected
    with answering(200, b"no JSON") as address, alone(lock, address):
        assert [risk.part for risk in _server(settings)] == ["server"]
    assert list(_server(settings)) == []


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that has one answer; its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is written."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_damaged_index_is_built_anew(empty: Folder) -> None:
    """The index says that it is damaged and what to do; built anew, the same search finds the same."""
    begin_signed(empty)
    before = empty.good("search", "category:roles").out
    with sqlite3.connect(empty.path / "trailbook.db") as db:
        db.execute("INSERT INTO blob (org, kind, key, content) VALUES (1, 'index', 'segments', x'00')")
    refused = empty.run("search")
    assert (refused.code, "trailbook reindex" in refused.err) == (6, True)
    assert "1 fault found before" in empty.good("reindex").out
    assert empty.good("search", "category:roles").out == before
    assert "Everything holds" in empty.good("verify").out


def test_what_witnesses_have_seen_is_told(well: Folder, tmp_path: Path) -> None:
    """In any case, and as a finding where a newer head is two hours old to one of them."""
    clock = FrozenClock(datetime.now(UTC))
    with witnessing_server(tmp_path, clock) as server:
        with (well.path / "trailbook.toml").open("a") as out:
            vkeys = " ".join(map(format_vkey, server.witness.keys))
            out.write(f'witnesses = ["http://127.0.0.1:{server.server_port}/w {vkeys}"]\n')
            out.write(f'outgoing_private = ["127.0.0.1:{server.server_port}=127.0.0.1/32"]\n')
        (finding,) = diagnosis(well)
        assert (finding["part"], finding["org"]) == ("witnesses", "acme")
        assert finding["says"] == "witness.example/1 has not seen any head of acme."
        settings = read_settings({}, file=well.path / "trailbook.toml", environ={}, folder=well.path)
        deployment = open_configured(structs.replace(settings, store=f"sqlite:///{well.path}/trailbook.db"))
        keys = deployment.verifier_keys("acme")
        server.knows({keys[0].name: keys})
        (witnessing,) = deployment.signer().witnessings
        [witnessing.ask(org) for org in witnessing.due()]
        deployment.close()
    ended = well.good("doctor")
    first, second = ended.out.splitlines()
    assert first.startswith("witness.example/1 saw the head of acme over 3 entries, the newest, at 20")
    assert second == "All is well."
    (seen,) = well.good("doctor", "--json").json["witnesses"]["acme"]
    assert (seen["name"], seen["size"], seen["newest"]) == ("witness.example/1", 3, True)
