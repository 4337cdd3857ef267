"""A store that cannot be written: nobody is kept out, what cannot be recorded is not read, and no entry is lost."""

import logging
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import structs
from tests.log.test_reads import READER, Full

from trailbook import Actor, Item, Log, NewEntry, Origin
from trailbook.access.viewer import operator
from trailbook.errors import EntryInvalidError, StorageFullError, UnwritableError
from trailbook.finding.answers import Shown
from trailbook.log.held_back import HeldBack
from trailbook.query import Query
from trailbook.testing.steady import FrozenClock, new_log

ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
BOB = Item(type="user", id="u-42", name="Bob Li")
BEGUN = "user.created"


@pytest.fixture
def store() -> Full:
    return Full()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def log(store: Full, clock: FrozenClock) -> Log:
    """A watched log of one entry."""
    log = new_log(store, watched=True, clock=clock)
    log.record(BEGUN, actor=ANNA, target=BOB, origin=Origin(interface="web"))
    return log


def entries(log: Log, store: Full) -> list[Shown]:
    """What the log holds in its order; asked of a log that is not watched, so that asking adds nothing."""
    page = new_log(store).search(Query(), viewer=operator(log.org), order="seq", limit=200)
    return list(page.entries)


def signed_in(clock: FrozenClock, user: Item = BOB) -> NewEntry:
    actor = Actor(kind="person", **structs.asdict(user))
    origin = Origin(interface="web")
    return NewEntry(action="user.signed_in", occurred_at=clock(), actor=actor, target=user, origin=origin)


def test_a_refusal_and_a_sign_in_are_recorded_once_there_is_room(
    log: Log, store: Full, clock: FrozenClock
) -> None:
    """Each waits once, and later is one entry of the time when it was."""
    store.full = True
    at = clock()
    log.refused(READER)
    log.refused(READER)
    log.recorder.held_back.record(signed_in(clock), always=True)
    assert log.recorder.held_back.count == 2
    clock.move(timedelta(hours=2))
    with pytest.raises(UnwritableError, match="sign-ins wait to be recorded, 2 in all: the disk is full"):
        log.recorder.held_back.settle()
    store.full = False
    log.recorder.held_back.settle()
    assert log.recorder.held_back.count == 0
    kept = entries(log, store)[1:]
    assert [(e.action, e.target.id, e.outcome) for e in kept] == [
        ("activity_log.viewed", "acme", "denied"),
        ("user.signed_in", "u-42", "success"),
    ]
    assert {e.occurred_at for e in kept} == {at.isoformat(timespec="microseconds").replace("+00:00", "Z")}
    assert all(e.recorded_at > e.occurred_at for e in kept)


def test_what_leaves_the_log_does_not_leave_unrecorded(log: Log, store: Full) -> None:
    """Proof and export fail closed, and so does what changes something; with room they go."""
    id_ = UUID(entries(log, store)[0].id)
    for full in (True, False):
        store.full = full
        for leave in (
            lambda: log.leaf(id_, viewer=READER),
            lambda: log.exported(Query(), viewer=READER),
            lambda: log.record(BEGUN, actor=ANNA, target=BOB, origin=Origin(interface="web")),
        ):
            if full:
                with pytest.raises(StorageFullError):
                    leave()
            else:
                leave()
    assert log.recorder.held_back.count == 0


def test_where_no_more_may_wait_nobody_is_kept_out(
    log: Log, store: Full, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits is bounded: beyond that a refusal is not answered, and a sign-in is counted, which is told."""
    held = HeldBack(log.org, log.record_each, most=2)
    store.full = True
    held.record(signed_in(clock))
    held.record(signed_in(clock))
    with pytest.raises(StorageFullError):
        held.record(signed_in(clock))
    held.record(signed_in(clock), always=True)
    assert held.count == 3
    store.full = False
    with caplog.at_level(logging.ERROR, "trailbook"):
        held.settle()
    assert caplog.messages == ["acme: sign-ins were not recorded, 1 in all: more waited than may"]
    assert held.count == 0
    assert [e.action for e in entries(log, store)] == [BEGUN, "user.signed_in", "user.signed_in"]


def test_a_refusal_is_told_at_once_and_holds_nothing_up(
    log: Log, store: Full, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What may never stand does not wait; where it waited already, the rest is recorded all the same."""
    nobody = structs.replace(BOB, id="")
    with pytest.raises(EntryInvalidError):
        log.recorder.held_back.record(signed_in(clock, nobody))
    assert log.recorder.held_back.count == 0
    store.full = True
    log.recorder.held_back.record(signed_in(clock))
    log.recorder.held_back._waiting.appendleft(signed_in(clock, nobody))
    store.full = False
    with caplog.at_level(logging.ERROR, "trailbook"):
        log.recorder.held_back.settle()
    assert "what waited to be recorded was refused" in caplog.text
    assert [e.action for e in entries(log, store)] == [BEGUN, "user.signed_in"]


def test_at_the_end_what_is_lost_is_told(
    log: Log, store: Full, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that ends records what waits if it can; else it says how many are lost."""
    store.full = True
    log.recorder.held_back.record(signed_in(clock))
    with caplog.at_level(logging.ERROR, "trailbook"):
        log.recorder.held_back.end()
    assert caplog.messages == [
        "acme is closed while sign-ins wait to be recorded, 1 in all: the disk is full"
    ]
    store.full = False
    caplog.clear()
    log.recorder.held_back.record(signed_in(clock))
    log.recorder.held_back.end()
    assert (caplog.messages, len(entries(log, store))) == ([], 2)
