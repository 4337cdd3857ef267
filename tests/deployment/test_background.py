"""What runs beside: whatever one organisation's work raises is told and tried again, and nobody else's waits for it."""

import errno
import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs
from tests.export.test_runner import EVERYTHING, READER as ACME_READER

from trailbook import Deployment, Log, operator
from trailbook.administration import suspend_organisation
from trailbook.deployment.background import Loop, Pauses
from trailbook.deployment.opening import open_deployment
from trailbook.deployment.settings import Signs
from trailbook.errors import DamagedError, StoreError
from trailbook.export import Runner
from trailbook.testing import FrozenClock
from trailbook.testing.small import grow

FAULTS = [
    StoreError("the log is down"),
    OSError(errno.ENOSPC, "full"),
    OSError(errno.ENOENT, "gone"),
    OverflowError("date value out of range"),
    ValueError("odd"),
    MemoryError(),
]
NAMED = pytest.mark.parametrize("fault", FAULTS, ids=repr)
READER, OTHER = (structs.replace(ACME_READER, org=org) for org in ("beta", "acme"))


class Monotonic:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Work of two organisations: what was done, and what the next attempt of one of them raises."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.orgs = ["acme", "beta"]

    def due(self) -> list[str]:
        if "" in self.faults:
            raise self.faults[""]
        return self.orgs

    def __call__(self, org: str) -> bool:
        if org in self.faults:
            raise self.faults[org]
        self.done.append(org)
        return False


def loop_of(work: Work, clock: Monotonic) -> Loop:
    return Loop("exports", work.due, work, pauses=Pauses(first=1.0, most=8.0), monotonic=clock)


@NAMED
def test_one_organisation_fails_by_itself(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Others go on; it is told once, tried again after pauses that grow to a bound, and told when it goes on."""
    work, clock = Work(), Monotonic()
    loop = loop_of(work, clock)
    work.faults["acme"] = fault
    tried = []
    for _ in range(340):
        before = len(loop.setbacks) and loop.setbacks[0].failures
        loop.step()
        if loop.setbacks[0].failures != before:
            tried.append(clock.now)
        clock.now += 0.1
    assert work.done == ["beta"] * 340
    pauses = [round(after - before) for before, after in itertools.pairwise(tried)]
    assert pauses == [1, 2, 4, 8, 8, 8]
    (setback,) = loop.setbacks
    assert (setback.ailment.part, setback.ailment.org, setback.ailment.fails) == ("exports", "acme", False)
    del work.faults["acme"]
    clock.now += 8
    loop.step()
    assert (loop.setbacks, "acme" in work.done) == ([], True)
    assert [text.partition(":")[0] for text in caplog.messages] == [
        "exports of acme failed and is tried again",
        "exports of acme goes on",
    ]


def test_of_what_is_not_ours_only_the_kind_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The text of a foreign error may hold anything; that of our own is written to be read."""
    for fault, detail in (
        (ValueError("hemmelig"), "ValueError"),
        (StoreError("the log is down"), "the log is down"),
    ):
        work = Work()
        work.faults["acme"] = fault
        loop_of(work, Monotonic()).step()
        assert caplog.messages[-1].endswith(f": {detail}")
    assert "hemmelig" not in caplog.text


@NAMED
def test_not_to_know_whose_work_is_due_ends_nothing(fault: Exception) -> None:
    work, clock = Work(), Monotonic()
    loop = loop_of(work, clock)
    work.faults[""] = fault
    assert not loop.step()
    assert [setback.ailment.fails for setback in loop.setbacks] == [True]
    del work.faults[""]
    loop.step()
    assert (work.done, loop.setbacks) == (["acme", "beta"], [])


def test_everybody_has_a_turn_before_anybody_has_another() -> None:
    """Also where the work of one never ends and is named first."""
    work = Work()
    loop = Loop("exports", lambda: work.orgs, work, pauses=Pauses(), monotonic=Monotonic())
    for orgs in (["acme"], ["acme", "beta", "gamma"], ["beta", "acme"]):
        work.orgs = orgs
        loop.step()
    assert work.done == ["acme", "beta", "gamma", "acme", "beta", "acme"]


def test_what_is_asked_to_stop_begins_nothing_more() -> None:
    work = Work()
    loop = loop_of(work, Monotonic())
    loop.close()
    loop.step()
    assert work.done == []
    loop.start()
    assert loop._thread is None


def test_a_thread_goes_on_after_a_fault() -> None:
    done = threading.Event()
    faults: Iterator[Exception] = iter(FAULTS)

    def work(org: str) -> bool:
        for fault in faults:
            raise fault
        done.set()
        return False

    loop = Loop("signing", lambda: ["acme"], work, pauses=Pauses(look=0.001, first=0.001, most=0.002))
    loop.start()
    assert done.wait(60)
    loop.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Deployment, FrozenClock]]:
    """Two organisations with entries, an outside file, and a clock that stands."""
    clock = FrozenClock()
    (tmp_path / "outside").mkdir()
    signs = Signs(outside=tmp_path / "outside" / "notes")
    deployment = open_deployment(f"sqlite:///{tmp_path}/log.db", create=True, clock=clock, signs=signs)
    for org in ("acme", "beta"):
        grow(deployment.create(org), clock, 5)
    yield deployment, clock
    deployment.close()


def patiently(done: Callable[[], object]) -> None:
    """Until it is done; whatever hangs ends the test by its own limit."""
    pause = threading.Event()
    while not done():
        pause.wait(0.02)


def test_the_signer_outlives_the_folder_of_its_outside_file(
    two: tuple[Deployment, FrozenClock], tmp_path: Path
) -> None:
    """A folder gone for a moment killed the signer until the next start, and nothing told."""
    deployment, _ = two
    (tmp_path / "outside").rename(tmp_path / "away")
    with deployment.signing_beside():
        patiently(lambda: [a.fails for a in deployment.ailments() if a.part == "signing"] == [True, True])
        (tmp_path / "away").rename(tmp_path / "outside")
        patiently(lambda: not [a for a in deployment.ailments() if a.part == "signing"])
    assert all(deployment.trust(org).signed for org in ("acme", "beta"))


def test_one_log_that_is_not_signed_leaves_the_others_signed(two: tuple[Deployment, FrozenClock]) -> None:
    """`sign_changed` ended at the first log that failed; a damaged head is one log's own."""
    deployment, _ = two
    damage(deployment, "acme")
    with deployment.signing_beside():
        patiently(lambda: deployment.trust("beta").signed)
        patiently(lambda: [a for a in deployment.ailments() if (a.part, a.org) == ("signing", "acme")])
    assert deployment.trust("beta").signed


def damage(deployment: Deployment, org: str) -> None:
    """A head that is none, as a fault of the disk leaves it."""
    with deployment._store._connections.writing() as db:  # type: ignore[attr-defined]
        db.execute("UPDATE org SET range = ? WHERE name = ?", (b"short", org))


def test_a_damaged_head_spoils_nobody_elses_commit(two: tuple[Deployment, FrozenClock]) -> None:
    """Appends that wait together share one transaction; the damage of one log is not theirs."""
    deployment, clock = two
    logs = {org: deployment.log(org) for org in ("acme", "beta")}
    heads = {org: log.size(viewer=operator(org)) for org, log in logs.items()}
    damage(deployment, "acme")
    failed: dict[str, Exception] = {}

    def record(org: str) -> None:
        try:
            grow(logs[org], clock, 1)
        except StoreError as error:
            failed[org] = error

    store = deployment._store
    with store._turns.alone():  # type: ignore[attr-defined]  # so that both wait for one turn
        threads = [threading.Thread(target=record, args=(org,)) for org in logs]
        for thread in threads:
            thread.start()
        patiently(lambda: len(store._turns._waiting) == 2)  # type: ignore[attr-defined]
    for thread in threads:
        thread.join()
    assert {org: type(error) for org, error in failed.items()} == {"acme": DamagedError}
    assert logs["beta"].size(viewer=operator("beta")) == heads["beta"] + 1


def test_a_suspended_organisation_ends_no_export(two: tuple[Deployment, FrozenClock], tmp_path: Path) -> None:
    """One that had a kept export killed the thread of everybody's exports."""
    deployment, _ = two
    runner = Runner(deployment, tmp_path / "exports")
    runner.order(EVERYTHING, OTHER)
    for org in ("acme", "beta"):
        deployment.signer().sign(org)
    runner.step()
    suspend_organisation(deployment, "acme")
    job = runner.order(EVERYTHING, READER)
    deployment.signer().sign("beta")
    runner.step()
    assert runner.orders.find(READER, job.id).state == "ready"
    assert runner.loop.setbacks == []


def test_an_export_that_waits_for_a_signature_holds_up_nobody(
    two: tuple[Deployment, FrozenClock], tmp_path: Path
) -> None:
    """It blocked every other organisation's for a minute."""
    deployment, clock = two
    runner = Runner(deployment, tmp_path / "exports")
    waiting = runner.order(EVERYTHING, OTHER)
    clock.move(timedelta(seconds=1))
    job = runner.order(EVERYTHING, READER)
    deployment.signer().sign("beta")
    runner.step()
    assert runner.orders.find(OTHER, waiting.id).state == "queued"
    assert runner.orders.find(READER, job.id).state == "ready"


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (OSError(errno.ENOSPC, "full"), "storage-full"),
        (OSError(errno.EACCES, "denied"), "store-unavailable"),
        (OverflowError("date value out of range"), "internal"),
        (MemoryError(), "internal"),
        (StoreError("down"), "store-unavailable"),
    ],
    ids=repr,
)
def test_an_export_fails_by_itself_and_says_why(
    two: tuple[Deployment, FrozenClock],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    problem: str,
) -> None:
    """Whatever is raised while its file is written; the control is the next one, which is made."""
    deployment, _ = two
    runner = Runner(deployment, tmp_path / "exports")
    job = runner.order(EVERYTHING, READER)
    deployment.signer().sign("beta")

    def broken(*args: object, **more: object) -> None:
        raise fault

    monkeypatch.setattr(Log, "export", broken)
    runner.step()
    failed = runner.orders.find(READER, job.id)
    assert (failed.state, failed.problem) == ("failed", problem)
    monkeypatch.undo()
    after = runner.order(EVERYTHING, READER)
    deployment.signer().sign("beta")
    runner.loop._setbacks.clear()  # its pause is over
    runner.step()
    assert runner.orders.find(READER, after.id).state == "ready"


def test_sealing_faults_are_told_and_tried_again(
    two: tuple[Deployment, FrozenClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were swallowed."""
    deployment, _ = two
    sealed: list[str] = []

    def broken(stopped: object) -> int:
        raise OSError(errno.EIO, "input/output error")

    upkeep = deployment.log("acme").upkeep
    monkeypatch.setattr(upkeep, "seal", broken)
    deployment._sealing.wake(deployment.log("acme"))
    patiently(lambda: [a for a in deployment.ailments() if (a.part, a.org) == ("sealing", "acme")])
    monkeypatch.setattr(upkeep, "seal", lambda stopped: sealed.append("acme") or 0)
    patiently(lambda: sealed)
    patiently(lambda: not [a for a in deployment.ailments() if a.part == "sealing"])
    assert sealed == ["acme"]
