"""The projection: it follows the log wherever an entry is recorded, and remembers nothing past its time."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec import structs
from tests.finding.conftest import ME, ORG, TINY, index_of

from trailbook import Actor, Item, Log, NewEntry, Origin, operator
from trailbook.errors import DamagedError, IndexDamagedError
from trailbook.finding import BoundQuery, new_binder, sight
from trailbook.finding.embedded.finder import EmbeddedFinder
from trailbook.finding.embedded.projection import Projection, Snapshot
from trailbook.finding.items import readable
from trailbook.index import IndexRow
from trailbook.query import Query
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


def everything(log: Log) -> BoundQuery:
    """All of a log as it stands."""
    log._finder.catch_up()
    return sight(log._finder, lambda category: True)


def of(log: Log, item: Item) -> int:
    """The log's own number of an item."""
    return log.numbers([f"{item.type}/{item.id}"], viewer=operator(log.org))[f"{item.type}/{item.id}"]


def test_what_another_process_recorded_is_there_at_the_next_question(kept: Store) -> None:
    """Read once it is asked for, and once only; what this process records it need not read."""
    log, other = new_log(kept), new_log(kept, seed=1)
    log.record_many([entry("role.created")])
    assert index_of(log).size == 0  # nothing was asked yet
    assert index_of(log).catch_up().size == index_of(log).size == 1
    log.record_many([entry("role.renamed")])
    assert index_of(log).size == 2  # it was told
    other.record_many([entry("role.deleted")])
    assert index_of(log).size == 2
    log.record_many([entry("role.created")])
    assert index_of(log).size == 2  # one is missing before it
    assert index_of(log).catch_up().size == index_of(log).size == 4


def test_who_records_much_and_never_reads_is_followed(kept: Store) -> None:
    """So that the first reading does not wait for a day's entries; of a few it waits."""
    log = new_log(kept, sizes=TINY)
    log.record_many([entry("role.created")])
    assert index_of(log).unsealed == 0
    log.record_many([entry("role.renamed")])
    assert index_of(log).unsealed == 2


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
    number, anna = of(log, task), of(log, ANNA)
    items = [number, anna]
    assert log._reader.items.ended(items, everything(log)) == set()
    log.record_many([entry("task.deleted", task)])
    assert log._reader.items.ended(items, everything(log)) == {number}
    log.upkeep.reindex()
    assert log._reader.items.ended(items, everything(log)) == {number}
    log.record_many([entry("task.reopened", task)])
    assert log._reader.items.ended(items, everything(log)) == set()


def test_an_item_is_called_what_was_said_of_what_happened_last() -> None:
    """A name that arrives late is not the name of now; nor is one of whoever was remembered a commit ago."""
    log = new_log()
    log.record_many(
        [entry("role.created", days=2), entry("role.renamed", structs.replace(ROLE, name="Boss"))]
    )
    items, role = log._reader.items, of(log, ROLE)

    def name() -> str | None:
        return items.name_now(items.identities.versions([role])[role], everything(log))

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
    items, seen = log._reader.items, everything(log)
    assert items.kind_of(of(log, ANNA), seen) == "person"
    assert items.kind_of(of(log, ROLE), seen) is None
    assert items.led_to([str(cause.id), str(alone.id)], seen) == {str(cause.id): 3, str(alone.id): 0}
    assert items.led_to([], seen) == {}
    assert items.led_to([str(cause.id)], structs.replace(seen, as_of=4)) == {str(cause.id): 2}
    assert items.led_to([str(cause.id)], structs.replace(seen, hidden=("roles",))) == {str(cause.id): 0}


def test_an_answer_is_worked_out_once_until_something_is_removed_or_erased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was asked at one `as_of` stays the answer, whatever is recorded; an erasure ends it."""
    log = new_log()
    log.record_many([entry("role.created")])
    query, index, asked = everything(log), index_of(log), list[object]()
    ask = index.ask
    monkeypatch.setattr(index, "ask", lambda question: asked.append(question) or ask(question))
    assert log._finder.count(query) == log._finder.count(query) == 1
    assert len(asked) == 1
    log.record_many([entry("role.renamed")])
    assert log._finder.count(query) == 1
    assert len(asked) == 1
    assert log._finder.count(everything(log)) == 2
    assert len(asked) == 2
    log.erase(ANNA, actor=Actor(kind="system", type="system", id="hr", name="HR"), origin=WEB)
    assert log._finder.count(query) == 1
    assert len(asked) == 3


@pytest.mark.parametrize("erased", [True, False])
def test_an_answer_from_before_an_erasure_is_not_remembered_after_it(
    monkeypatch: pytest.MonkeyPatch, *, erased: bool
) -> None:
    """Whoever took their snapshot before gets their answer; the next one asks anew, but where nobody was erased."""
    log = new_log()
    log.record_many([entry("role.created")])
    query, index, finder = everything(log), index_of(log), log._finder
    assert isinstance(finder, EmbeddedFinder)
    ask = index.ask

    def slowly(question: Callable[[Snapshot], object]) -> object:
        answer = ask(question)
        if erased:
            log.erase(ANNA, actor=Actor(kind="system", type="system", id="hr", name="HR"), origin=WEB)
        return answer

    monkeypatch.setattr(index, "ask", slowly)
    assert finder.count(query) == 1
    assert len(finder._answers) == (0 if erased else 1)


def test_damage_that_is_met_is_mended_and_damage_that_stays_is_said(log: Log) -> None:
    """The question is put again to the index built anew, as often as it may help and no more."""
    met = 0

    def once_damaged(pieces: object) -> str:
        nonlocal met
        met += 1
        if met == 1:
            raise IndexDamagedError("a part is damaged")
        return "answer"

    assert index_of(log).ask(once_damaged) == "answer"
    assert met == 2

    def damaged(pieces: object) -> str:
        nonlocal met
        met += 1
        raise IndexDamagedError("a part is damaged")

    with pytest.raises(IndexDamagedError):
        index_of(log).ask(damaged)
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
    binder = new_binder(new_log(kept, clock=FrozenClock(START))._reader)
    today = Query(date="today", tz="UTC")

    def bound(now: datetime) -> BoundQuery:
        return binder.bind(today, now, as_of=0, hidden=(), lang="en")

    query, later = bound(START), bound(START + timedelta(days=1))
    assert (query.since, query.until) != (later.since, later.until)
    assert query == bound(START + timedelta(hours=1))


def test_a_snapshot_is_taken_while_somebody_reads_and_never_while_somebody_adds(kept: Store) -> None:
    """Two threads that numbered what waited at once put entries into the index twice: whoever asks waits for that."""
    log = new_log(kept)
    log.record_many([entry("role.created")])
    query, index, answered = everything(log), index_of(log), threading.Event()

    def ask() -> None:
        assert log._finder.seqs(query, order="seq", limit=9).seqs == [0]
        answered.set()

    asking = threading.Thread(target=ask)
    with index._lock:
        asking.start()
        assert not answered.wait(0.2)
    assert answered.wait(20)
    asking.join()


def test_whoever_reads_holds_nobody_up(kept: Store) -> None:
    """An entry is recorded, and found, while a question is being answered; its answer is of what was there."""
    log = new_log(kept, sizes=TINY)
    log.record_many([entry("role.created") for _ in range(20)])
    everything(log)

    def question(now: Snapshot) -> tuple[int, int]:
        recording = threading.Thread(
            target=log.record_many, args=([entry("role.renamed") for _ in range(20)],)
        )
        sealing = threading.Thread(target=log.upkeep.seal)
        for thread in (recording, sealing):
            thread.start()
            thread.join(20)
            assert not thread.is_alive()
        assert log.count(Query(), viewer=ME) == (40, 40)
        return sum(piece.count for piece in now.pieces), now.pieces[-1].size

    assert index_of(log).ask(question) == (20, 20)


def test_an_index_that_is_read_anew_answers_from_the_old_one_until_then(kept: Store) -> None:
    """Nobody who has seen so many entries is ever answered from fewer, whatever was removed meanwhile."""
    log = new_log(kept, sizes=TINY)
    log.record_many([entry("role.created") for _ in range(30)])
    query, index = everything(log), index_of(log)
    sizes = list[int]()
    read = index._rows_that_are

    def rows(start: int, stop: int) -> list[IndexRow]:
        sizes.append(index.snapshot().pieces[-1].size)
        return read(start, stop)

    index._forget()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(index, "_rows_that_are", rows)
        everything(log)
    assert sizes == [30]
    assert log._finder.count(query) == 30
