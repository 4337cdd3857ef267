"""The projection: it follows the log wherever an entry is recorded, and remembers nothing past its time."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec import structs
from tests.finding.conftest import ME, ORG, TINY

from trailbook import Actor, Item, Log, NewEntry, Origin, operator
from trailbook.errors import DamagedError, IndexDamagedError
from trailbook.finding.embedded.projection import Projection, readable
from trailbook.query import Query, from_params
from trailbook.recording.contract import Committed
from trailbook.stores import MemoryStore, Store, StoredEntry
from trailbook.testing.steady import START, FrozenClock, new_log

WEB = Origin(interface="web")
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
ROLE = Item(type="role", id="r-3", name="Manager")


def entry(action: str, target: Item = ROLE, days: int = 0, actor: Actor = ANNA) -> NewEntry:
    """What happened so many days ago."""
    at = START - timedelta(days=days)
    return NewEntry(action=action, occurred_at=at, actor=actor, target=target, origin=WEB)


@pytest.fixture
def kept() -> Store:
    """A store in memory, which two logs may share as two processes do."""
    return MemoryStore()


def of(log: Log, item: Item) -> int:
    """The log's own number of an item."""
    return log.numbers([f"{item.type}/{item.id}"], viewer=operator(log.org))[f"{item.type}/{item.id}"]


def test_what_another_process_recorded_is_there_at_the_next_question(kept: Store) -> None:
    """Read once it is asked for, and once only; what this process records it need not read."""
    log, other = new_log(kept), new_log(kept, seed=1)
    log.record_many([entry("role.created")])
    assert log._projection.tail.size == 0  # nothing was asked yet
    assert log._projection.catch_up().size == log._projection.tail.size == 1
    log.record_many([entry("role.renamed")])
    assert log._projection.tail.size == 2  # it was told
    other.record_many([entry("role.deleted")])
    assert log._projection.tail.size == 2
    log.record_many([entry("role.created")])
    assert log._projection.tail.size == 2  # one is missing before it
    assert log._projection.catch_up().size == log._projection.tail.size == 4


def test_who_records_much_and_never_reads_is_followed(kept: Store) -> None:
    """So that the first reading does not wait for a day's entries; of a few it waits."""
    log = new_log(kept, sizes=TINY)
    log.record_many([entry("role.created")])
    assert log._projection.unsealed == 0
    log.record_many([entry("role.renamed")])
    assert log._projection.unsealed == 2


def test_trouble_while_following_harms_no_answer(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed stays acknowledged, and the next question reads the index anew."""
    log = new_log(kept)
    log.record_many([entry("role.created")])
    assert log.count(Query(), viewer=ME) == (1, 1)

    def broken(self: Projection, committed: Committed) -> None:
        raise DamagedError("it could not be followed")

    with monkeypatch.context() as patched:
        patched.setattr(Projection, "_follow", broken)
        assert log.record_many([entry("role.renamed")])[0].seq == 1
    assert log.count(Query(), viewer=ME) == (2, 2)


def test_an_item_lives_by_what_happened_last() -> None:
    """Not by what was recorded last; an item that nothing ended exists."""
    log, task = new_log(), Item(type="task", id="t-1", name="Laptop")
    log.record_many([entry("task.reopened", task, days=1), entry("task.deleted", task, days=3)])
    log._projection.catch_up()
    number = of(log, task)
    assert log._projection.exists(number)
    log.record_many([entry("task.deleted", task)])
    assert not log._projection.exists(number)
    assert log._projection.exists(of(log, ANNA))
    log.reindex()
    assert not log._projection.exists(number)


def test_an_item_is_called_what_was_said_of_what_happened_last() -> None:
    """A name that arrives late is not the name of now; nor is one of whoever was remembered a commit ago."""
    log = new_log()
    log.record_many(
        [entry("role.created", days=2), entry("role.renamed", structs.replace(ROLE, name="Boss"))]
    )
    projection, role = log._projection, of(log, ROLE)
    projection.catch_up()

    def name() -> str | None:
        return projection.name_now(projection.identities.versions([role])[role])

    assert name() == "Boss"
    log.record_many([entry("role.updated", structs.replace(ROLE, name="Chief"), days=1)])
    assert name() == "Boss"
    log.record_many([entry("role.renamed", structs.replace(ROLE, name="Head"))])
    assert name() == "Head"


def test_what_acts_has_a_kind_and_what_led_to_something_a_count() -> None:
    """The kind an item last acted as; how many entries each of some led to, none of them left out."""
    log = new_log()
    cause, alone = log.record_many([entry("role.created"), entry("role.updated")])
    log.record_many([structs.replace(entry("role.updated"), caused_by=cause.id) for _ in range(3)])
    projection = log._projection
    projection.catch_up()
    assert projection.kind_of(of(log, ANNA)) == "person"
    assert projection.kind_of(of(log, ROLE)) is None
    assert projection.led_to([str(cause.id), str(alone.id)]) == {str(cause.id): 3, str(alone.id): 0}
    assert projection.led_to([]) == {}


def test_an_answer_is_worked_out_once_until_something_is_removed_or_erased() -> None:
    """What was asked at one `as_of` stays the answer, whatever is recorded; an erasure ends it."""
    log = new_log()
    log.record_many([entry("role.created")])
    projection = log._projection
    projection.catch_up()
    assert projection.remembered("question", lambda: 1) == projection.remembered("question", lambda: 2) == 1
    assert projection.remembered("another", lambda: 3) == 3
    log.record_many([entry("role.renamed")])
    stand = projection.stand
    assert projection.remembered("question", lambda: 4) == 1
    log.erase(ANNA, actor=Actor(kind="system", type="system", id="hr", name="HR"), origin=WEB)
    assert projection.remembered("question", lambda: 5) == 5
    assert projection.stand != stand


def test_damage_that_is_met_is_mended_and_damage_that_stays_is_said(log: Log) -> None:
    """The question is put again to the index built anew, as often as it may help and no more."""
    met = 0

    def once_damaged(pieces: object) -> str:
        nonlocal met
        met += 1
        if met == 1:
            raise IndexDamagedError("a part is damaged")
        return "answer"

    assert log._projection.ask(once_damaged) == "answer"
    assert met == 2

    def damaged(pieces: object) -> str:
        nonlocal met
        met += 1
        raise IndexDamagedError("a part is damaged")

    with pytest.raises(IndexDamagedError):
        log._projection.ask(damaged)
    assert met == 8
    assert log.count(Query(), viewer=ME)[0] == 100


def test_bodies_that_cannot_be_read_are_told_from_those_that_can(log: Log) -> None:
    """By their seqs; what was removed is neither."""
    first, second, third = log._store.kept_at(ORG, [0, 1, 2])
    broken = [
        StoredEntry(
            *(b"{}" if name == "body" else getattr(second, name) for name in second.__struct_fields__)
        )
    ]
    removed = [structs.replace(third, body=None)]
    bodies, unread = readable([first, *broken, *removed])
    assert ([seq for seq, _ in bodies], unread) == ([0], [1])


def test_a_clock_is_not_looked_at(kept: Store) -> None:
    """Presets become instants of the time that is handed over."""
    log = new_log(kept, clock=FrozenClock(START))
    plan = log._projection.plan(Query(date="today", tz="UTC"), START, 0, "en")
    later = log._projection.plan(Query(date="today", tz="UTC"), START + timedelta(days=1), 0, "en")
    assert (plan.since, plan.until) != (later.since, later.until)
    assert plan == log._projection.plan(Query(date="today", tz="UTC"), START + timedelta(hours=1), 0, "en")


QUESTIONS: dict[str, Callable[[Projection], object]] = {
    "a filter": lambda index: index.plan(from_params([("actor", "user/u-17")]), START, 0, "en"),
    "what is hidden": lambda index: index.hidden(lambda _: False),
    "bars by category": lambda index: index.codes,
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_nothing_is_numbered_while_another_thread_adds(
    kept: Store, question: Callable[[Projection], object]
) -> None:
    """Two threads that numbered what waited at once put entries into the index twice: a question waits for the lock."""
    log = new_log(kept)
    log.record_many([entry("role.created")])
    log._projection.catch_up()
    answered = threading.Event()

    def ask() -> None:
        question(log._projection)
        answered.set()

    asking = threading.Thread(target=ask)
    with log._projection.lock:
        asking.start()
        assert not answered.wait(0.2)
    assert answered.wait(20)
    asking.join()
