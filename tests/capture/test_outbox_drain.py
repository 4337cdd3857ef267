"""The drain: every captured entry reaches the log once, whatever breaks."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, insert, select, text
from sqlalchemy.orm import Session
from tests.capture.conftest import Database
from tests.capture.small import ANNA, Role, User, capturing, item, people, spoil

from trailbook import Log, open_deployment, operator
from trailbook.capture import Bounds, Capture, acting_as, drain, drain_forever, outbox
from trailbook.capture.database import database_of
from trailbook.capture.outbox_drain import (
    Drained,
    Draining,
    Ways,
    discard_quarantined,
    list_quarantined,
    outbox_health,
    retry_quarantined,
)
from trailbook.errors import (
    NotFoundError,
    OutboxFullError,
    StoreError,
    SuspendedError,
)
from trailbook.finding.answers import Shown
from trailbook.model import Item, NewEntry
from trailbook.query import Query
from trailbook.recording.contract import Result

VIEWER = operator("acme")


def recorded(log: Log) -> list[Shown]:
    """What the log has of the host, as recorded; capture's own entries left out."""
    rows = log.rows(Query(), viewer=VIEWER, order="seq")
    return [row for row in rows if row.category != "activity_log"]


def names(log: Log) -> list[str | None]:
    """The targets' names in the log, as recorded."""
    return [row.target.name for row in recorded(log)]


class Cut:
    """A real log whose answer is lost, or that does not answer, the first `times` times."""

    def __init__(self, log: Log, times: int, *, lost: bool) -> None:
        self.org, self.catalogue = log.org, log.catalogue
        self._log, self._times, self._lost = log, times, lost

    def record_each(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Result]:
        """Record, and say so unless it is cut."""
        cut = self._times > 0
        self._times -= 1
        if cut and not self._lost:
            raise StoreError("the log is down")
        outcomes = self._log.record_each(entries, source=source)
        if cut:
            raise StoreError("the answer was lost")
        return outcomes


def test_everything_once_in_order(capture: Capture, engine: Engine, log: Log) -> None:
    """Captured entries are recorded in order under the capture's source, and forgotten; draining again adds nothing."""
    with acting_as(ANNA):
        people(engine, "a", "b", "c")
    health = outbox_health(engine)
    assert (health.pending, health.quarantined) == (4, 0)
    assert health.oldest is not None
    assert drain(engine, log) == Drained(recorded=4)
    assert drain(engine, log) == Drained()
    assert names(log) == ["a", "b", "c"]
    assert {row.source.id for row in recorded(log)} == {"capture"}
    assert outbox_health(engine) == outbox.Health(pending=0, oldest=None, quarantined=0)


def test_start_and_stop_are_entries(engine: Engine, log: Log) -> None:
    """That capture began, and that it stopped, are entries."""
    with capturing(engine):
        people(engine, "a")
    drain(engine, log)
    actions = [row.action for row in log.rows(Query(), viewer=VIEWER, order="seq")]
    assert actions == ["activity_log.capture_started", "user.created", "activity_log.capture_stopped"]


def test_the_answer_was_lost(capture: Capture, engine: Engine, log: Log) -> None:
    """Recorded, but nobody knows: the rows wait, are recorded again by their ids, and nothing is doubled."""
    people(engine, "a", "b")
    with pytest.raises(StoreError):
        drain(engine, Cut(log, 1, lost=True))
    assert outbox_health(engine).pending == 3
    drain(engine, log)
    assert names(log) == ["a", "b"]


def test_control_forgetting_first_loses(capture: Capture, engine: Engine, log: Log) -> None:
    """Negative control: a drain that forgets before it records loses what the log did not take."""
    people(engine, "a")
    with database_of(engine).begin() as connection:
        outbox.delete(connection, [row.position for row in outbox.page(connection, 10)])
    with pytest.raises(StoreError):
        Cut(log, 1, lost=False).record_each([])
    drain(engine, log)
    assert names(log) == []


def test_the_log_is_down(capture: Capture, engine: Engine, log: Log) -> None:
    """While the log does not answer the host goes on; once it does, everything arrives, once."""
    stop, failures = threading.Event(), []

    def failed(error: Exception) -> None:
        failures.append(error)
        people(engine, f"while down {len(failures)}")

    def cut_then_stop() -> None:
        while not failures or outbox_health(engine).pending:
            stop.wait(0.02)
        stop.set()

    people(engine, "before")
    watcher = threading.Thread(target=cut_then_stop)
    watcher.start()
    done = drain_forever(engine, Cut(log, 3, lost=False), stop, idle=0.01, failed=failed)
    watcher.join()
    assert len(failures) == 3
    assert done.recorded == 5
    assert names(log) == ["before", "while down 1", "while down 2", "while down 3"]


def test_a_log_that_hangs_holds_nobody(capture: Capture, engine: Engine, log: Log) -> None:
    """While the log keeps the drain waiting, no lock is held in the host's database: the host writes on."""
    asked, answer = threading.Event(), threading.Event()

    class Hanging(Cut):
        def record_each(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Result]:
            asked.set()
            assert answer.wait(60)
            return super().record_each(entries, source=source)

    people(engine, "before")
    with Draining(engine, Hanging(log, 0, lost=False), idle=0.01):
        assert asked.wait(60)
        people(engine, "meanwhile")  # would raise "database is locked", or wait for ever
        answer.set()
        while outbox_health(engine).pending:
            threading.Event().wait(0.02)
    assert names(log) == ["before", "meanwhile"]


KILLED = """
import os, signal, sys
from sqlalchemy import create_engine
from trailbook import open_deployment
from trailbook.capture import drain
url, store = sys.argv[1:]
log = open_deployment(store).log("acme")
class Killed:
    org, catalogue = log.org, log.catalogue
    def record_each(self, entries, *, source=None):
        log.record_each(entries, source=source)
        os.kill(os.getpid(), signal.SIGKILL)
drain(create_engine(url), Killed())
"""
HOST = """
import os, signal, sys
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from tests.capture.small import User, declare
from trailbook.capture import Capture
engine = create_engine(sys.argv[1])
capture = declare(Capture("acme"))
capture.install(engine)
with Session(engine) as session, session.begin():
    session.add_all([User(name="a"), User(name="b")])
with Session(engine) as session, session.begin():
    session.add(User(name="never"))
    session.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(program: str, *arguments: str) -> None:
    """Run a program that ends itself with SIGKILL."""
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    done = subprocess.run([sys.executable, "-c", program, *arguments], env=environ, cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL


def test_kills(engine: Engine, database: Database, tmp_path: Path) -> None:
    """The host killed after its commit and in its next one, the drain killed between record and forget."""
    with capturing(engine):
        pass
    store = f"sqlite:///{tmp_path / 'log.db'}"
    deployment = open_deployment(store, create=True)
    deployment.create("acme")
    deployment.close()
    killed(HOST, database.url)
    killed(KILLED, database.url, store)
    deployment = open_deployment(store)
    log = deployment.log("acme")
    assert names(log) == ["a", "b"]
    assert outbox_health(engine).pending > 0  # it was not forgotten
    drain(engine, log)
    assert names(log) == ["a", "b"]
    deployment.close()


def test_outbox_full(engine: Engine, log: Log) -> None:
    """Full, what may not be lost is refused and does not happen; the rest goes on to the spool's bound."""
    with capturing(engine, bounds=Bounds(outbox=3, spool=5, every=0)):
        people(engine, "a", "b")
        with Session(engine) as session, session.begin():
            session.add(Role(name="R"))
            with pytest.raises(OutboxFullError, match=r"role\.created"):
                session.flush()
            session.rollback()
        people(engine, "spooled", "spooled too")
        with Session(engine) as session:
            session.add(User(name="refused"))
            with pytest.raises(OutboxFullError):
                session.flush()
        with pytest.raises(OutboxFullError), engine.begin() as connection:
            connection.execute(insert(User).values(name="refused"))
        with Session(engine) as session:
            assert session.scalars(select(Role)).all() == []
            assert "refused" not in session.scalars(select(User.name)).all()
        drain(engine, log)
        with Session(engine) as session, session.begin():
            session.add(Role(name="R"))
        drain(engine, log)
    assert names(log) == ["a", "b", "spooled", "spooled too", "R"]


def test_poison(capture: Capture, engine: Engine, log: Log) -> None:
    """One bad entry in a thousand is set aside with its reason, told in the log, and stops nothing."""
    with Session(engine) as session, session.begin():
        session.execute(insert(User), [{"name": f"n{i}" if i != 500 else "bad"} for i in range(1000)])
    spoil(engine, "bad")
    with engine.begin() as connection:
        put = "INSERT INTO trailbook_outbox (org, op, captured_at, entry) VALUES ('{}', 'created', 0, '{}')"
        connection.execute(text(put.format("acme", "no entry")))
        connection.execute(text(put.format("acme", '{"action"\\:"user.created"}')))
        connection.execute(text(put.format("elsewhere", "[]")))
        connection.execute(text(put.format("elsewhere", '[{"id"\\: 5}]')))
    people(engine, "after")
    done = drain(engine, log, Ways(batch=3))
    assert done.quarantined == 4
    assert len(recorded(log)) == 999 + 1
    why = sorted((p.org, p.code, p.pointer) for p in list_quarantined(engine))
    assert why == [
        ("acme", "entry-invalid", ""),
        ("acme", "entry-invalid", "/occurred_at"),
        ("acme", "entry-invalid", "/target/salary"),
        ("elsewhere", "entry-invalid", "/action"),
    ]
    gaps = [r for r in log.rows(Query(), viewer=VIEWER) if r.action == "activity_log.capture_gap_found"]
    assert gaps
    assert outbox_health(engine).pending == 0
    assert drain(engine, log) == Drained()


def test_quarantine_is_tried_again_and_forgotten(capture: Capture, engine: Engine, log: Log) -> None:
    """What was repaired is recorded by a retry; what was not stays until somebody discards it."""
    with Session(engine) as session, session.begin():
        session.execute(insert(User), [{"name": "good"}, {"name": "worse"}])
    spoil(engine, "good", "worse")
    drain(engine, log)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE trailbook_quarantine SET entry = replace(entry, :bad, '') WHERE part = 0"),
            {"bad": ',"salary":"x"'},
        )
    assert retry_quarantined(engine, log) == Drained(recorded=1, quarantined=1)
    assert names(log) == ["good"]
    (left,) = list_quarantined(engine)
    discard_quarantined(engine, left.position, left.part)
    assert list_quarantined(engine) == []
    with pytest.raises(NotFoundError):
        discard_quarantined(engine, left.position, left.part)


BAD = {
    "decomposed": ("Zoe\u0308", "Zoë"),
    "laden": ("\u202ebad\x07", "bad"),
    "blank": (" ", None),
    "long": ("x" * 301, "x" * 299 + "…"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_name_never_keeps_a_fact_out(capture: Capture, engine: Engine, log: Log, kind: str) -> None:
    """Creation and deletion are recorded whatever the row is called; the result and health say how many were mended."""
    name, kept = BAD[kind]
    people(engine, name, "fine")
    assert drain(engine, log) == Drained(recorded=3, mended=1)
    with Session(engine) as session, session.begin():
        for user in session.scalars(select(User)):
            session.delete(user)
    assert drain(engine, log) == Drained(recorded=2, mended=1)
    assert names(log) == [kept, "fine", kept, "fine"]
    assert [row.action for row in recorded(log)] == ["user.created"] * 2 + ["user.deleted"] * 2
    assert outbox_health(engine) == outbox.Health(pending=0, oldest=None, quarantined=0, names_mended=2)


def test_a_mended_name_counts_once(capture: Capture, engine: Engine, log: Log) -> None:
    """Where nobody knows whether it was recorded, the second try counts it, and adds nothing."""
    people(engine, "Zoe\u0308")
    with pytest.raises(StoreError):
        drain(engine, Cut(log, 1, lost=True))
    assert outbox_health(engine).names_mended == 0
    assert drain(engine, log).mended == 1
    assert outbox_health(engine).names_mended == 1
    assert names(log) == ["Zoë"]


def test_quarantine_is_tried_again_once_the_host_has_mended_the_row(
    capture: Capture, engine: Engine, log: Log
) -> None:
    """With news of an item, what was refused of it is tried again; of others it waits, and what stays is told once."""
    people(engine, "mended", "still bad", "other")
    spoil(engine, "mended", "still bad", "other")
    assert drain(engine, log).quarantined == 3
    with engine.begin() as connection:
        better = text(
            "UPDATE trailbook_quarantine SET entry = replace(entry, :bad, '') WHERE entry NOT LIKE '%still%'"
        )
        connection.execute(better, {"bad": ',"salary":"x"'})
    with Session(engine) as session, session.begin():
        for user in session.scalars(select(User).where(User.name != "other")):
            user.phone = "1"
    assert drain(engine, log) == Drained(recorded=2 + 1)
    assert names(log) == ["mended", "still bad", "mended"]
    gaps = [r for r in log.rows(Query(), viewer=VIEWER) if r.action == "activity_log.capture_gap_found"]
    assert len(gaps) == 1
    assert len(list_quarantined(engine)) == 2
    assert retry_quarantined(engine, log) == Drained(recorded=1, quarantined=1)


def test_another_organisations_entries(engine: Engine, log: Log) -> None:
    """Rows name their organisation: each goes to its own log, and one without a log is set aside."""
    with capturing(engine) as capture:
        capture.recorder.org = lambda row: "acme" if row.name == "a" else "other"
        people(engine, "a", "b")
        done = drain(engine, log)
    assert (done.recorded, done.quarantined) == (2, 1)
    assert names(log) == ["a"]
    assert [(p.org, p.code) for p in list_quarantined(engine)] == [("other", "not-found")]


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_folding_does_not_depend_on_the_batch(capture: Capture, engine: Engine, log: Log, batch: int) -> None:
    """Wherever a page ends, what was meant and its rows are one entry."""
    with Session(engine) as session, session.begin():
        bob = User(name="Bob")
        session.add(bob)
        session.flush()
        for number in range(4):
            bob.email = str(number)
            session.flush()
        capture.record(session, "user.invited", target=item("user", bob.id, "Bob"))
    done = drain(engine, log, Ways(batch=batch))
    assert done == Drained(recorded=2, folded=5)
    assert [(r.action, r.fields) for r in recorded(log)] == [("user.invited", ("email",))]


def test_writers_and_two_drains(capture: Capture, engine: Engine, database: Database, log: Log) -> None:
    """Writers that commit and roll back, two drains at once: each commit once, each row's changes in order."""
    writers, rounds = 4, 15

    def write(number: int) -> None:
        own = lengthened(database.engine())
        capture.install(own)
        for step in range(rounds):
            with Session(own) as session:
                session.add(User(name=f"{number}.{step}"))
                session.flush()
                if step % 3 == 2:
                    session.rollback()
                else:
                    session.commit()
        capture.leave(own)
        own.dispose()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    other = lengthened(database.engine())
    with Draining(engine, log, idle=0.01), Draining(other, log, idle=0.01):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while outbox_health(engine).pending:
            threading.Event().wait(0.02)
    other.dispose()
    kept = {f"{n}.{s}" for n in range(writers) for s in range(rounds) if s % 3 != 2}
    log_names = [str(name) for name in names(log)]
    assert sorted(log_names) == sorted(kept)
    for number in range(writers):
        own = [name for name in log_names if name.startswith(f"{number}.")]
        assert own == sorted(own, key=lambda name: int(name.split(".")[1]))


def lengthened(engine: Engine) -> Engine:
    """An engine that waits for a busy SQLite as long as it takes."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _wait(connection: Any, record: object) -> None:
            connection.execute("PRAGMA busy_timeout = 60000")

    return engine


def test_values_stay_in_the_host(engine: Engine, tmp_path: Path) -> None:
    """200 canaries handed to hooks as whole objects, old and new values: none in outbox, log or WAL."""
    canaries = [f"canary-{number:03d}-{os.urandom(6).hex()}" for number in range(200)]
    store = tmp_path / "log.db"
    deployment = open_deployment(f"sqlite:///{store}", create=True)
    log = deployment.create("acme")
    with capturing(engine) as capture:
        write_canaries(engine, capture, canaries)
        with engine.connect() as connection:
            kept = "".join(str(row) for row in connection.execute(text("SELECT * FROM trailbook_outbox")))
        drain(engine, log)
        assert kept.count('"fields"') >= 50
    written = b"".join(file.read_bytes() for file in tmp_path.glob("log.db*") if file.is_file())
    deployment.close()
    leaks = [canary for canary in canaries if canary in kept or canary.encode() in written]
    assert leaks == []
    assert b"Nameless" in written  # the control: a declared name is found where a canary would be


def write_canaries(engine: Engine, capture: Capture, canaries: Sequence[str]) -> None:
    """Every way in which a value passes the hooks."""
    with Session(engine) as session, session.begin():
        for first, second in zip(canaries[:100:2], canaries[1:100:2], strict=True):
            user = User(name="Nameless", email=first)
            session.add(user)
            session.flush()
            user.email, user.phone = second, first
            session.flush()
            capture.record_change(session, user, "user.email_changed")
    with Session(engine) as session, session.begin():
        session.execute(
            insert(User), [{"name": "Nameless", "email": c, "phone": c} for c in canaries[100:150]]
        )
        for canary in canaries[150:]:
            session.execute(insert(User).values(name="Nameless", email=canary))
            session.execute(text("SELECT :c"), {"c": canary})


def test_engines_of_their_own(capture: Capture, tmp_path: Path, engine: Engine, log: Log) -> None:
    """Several databases: each has its own outbox, written in its own transaction."""
    second = create_engine(f"sqlite:///{tmp_path / 'second.db'}")
    User.metadata.create_all(second)
    capture.install(second)
    people(engine, "first")
    people(second, "second")
    assert (outbox_health(engine).pending, outbox_health(second).pending) == (2, 2)
    drain(second, log)
    drain(engine, log)
    assert names(log) == ["second", "first"]
    capture.leave(second)
    second.dispose()


FAULTS = [SuspendedError("other"), StoreError("down"), OSError(28, "full"), ValueError("odd"), MemoryError()]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("batch", [1, 500])
def test_an_organisation_that_takes_nothing_holds_up_nobody(
    engine: Engine, log: Log, fault: Exception, batch: int
) -> None:
    """Whatever its log raises, its entries wait, first in the outbox as they are, and others' go on."""
    beside = open_deployment("memory:", create=True).create("other")
    held = True

    def logs(org: str) -> Log:
        if org == "other" and held:
            raise fault
        return beside if org == "other" else log

    with capturing(engine) as capture:
        capture.recorder.org = lambda row: "acme" if row.name == "b" else "other"
        people(engine, "a", "a", "b")
    with pytest.raises(type(fault)):
        drain(engine, logs, Ways(batch=batch))
    assert names(log) == ["b"]
    assert outbox_health(engine).pending == 2
    held = False
    assert drain(engine, logs, Ways(batch=batch)) == Drained(recorded=2)
    assert [row.target.name for row in beside.rows(Query(), viewer=operator("other"), order="seq")][-2:] == [
        "a",
        "a",
    ]
    assert outbox_health(engine).pending == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_nothing_ends_the_drain(capture: Capture, engine: Engine, log: Log, fault: Exception) -> None:
    """It is told, and tried again until it works."""
    people(engine, "a")
    stop, errors = threading.Event(), list[Exception]()

    def logs(org: str) -> Log:
        if len(errors) < 2:
            raise fault
        stop.set()
        return log

    done = drain_forever(engine, logs, stop, idle=0.001, most=0.002, failed=errors.append)
    assert (done.recorded, errors) == (2, [fault, fault])
    assert names(log) == ["a"]
