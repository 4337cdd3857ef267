"""The way in: idempotency, the order of `recorded_at`, batches, the tree, and no trace of what was refused."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import apsw
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from trailbook.access.viewer import operator
from trailbook.catalogue import load
from trailbook.errors import BatchRefusedError, DamagedError, EntryConflictError, EntryInvalidError
from trailbook.log.log import Log
from trailbook.model import Actor, Concern, Item, NewEntry, Origin, entry_from, microseconds
from trailbook.query import Query
from trailbook.record.canonical import decode_body
from trailbook.record.row import body_row
from trailbook.recording.contract import Committed, LogChange, Means
from trailbook.recording.writer import Writer, new_id
from trailbook.stores import Head, Store, open_store
from trailbook.stores.memory.store import MemoryStore
from trailbook.testing import FrozenClock, Steady, new_log
from trailbook.testing.steady import START
from trailbook.testing.strategies import new_entries
from trailbook.testing.trees import tree_faults

CATALOGUE = load()
VIEWER = operator("acme")
ANNA = Actor(type="user", id="u-17", name="Anna Berg", kind="person")
ROLE = Item(type="role", id="r-3", name="Manager")
BOB = Concern(type="user", id="u-42", name="Bob Li", part="member")
ENTRY = NewEntry(
    id=UUID(int=7),
    action="role.assigned",
    occurred_at=START,
    actor=ANNA,
    target=ROLE,
    concerns=(BOB,),
    origin=Origin(interface="web", ip="192.0.2.7", user_agent="Mozilla/5.0"),
    correlation="4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
)
LATER = structs.replace(ENTRY, id=UUID(int=8))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each engine in turn."""
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/log.db"
    opened, _ = open_store(url, create=True)
    yield opened
    opened.close()


def bodies(store: Store) -> list[Any]:
    return [decode_body(row.body or b"") for row in store.kept("acme", 0, store.head("acme").size)]


# --- the first answer, and the same again ---


def test_a_receipt(store: Store) -> None:
    log = new_log(store)
    receipt = log.record_many([ENTRY])[0]
    assert (receipt.id, receipt.seq, receipt.recorded_at) == (ENTRY.id, 0, START)
    assert (receipt.state, receipt.replayed) == ("accepted", False)
    assert log.record_many([LATER])[0].seq == 1


def test_the_same_again_replays_the_first_answer(store: Store) -> None:
    clock = FrozenClock()
    log = new_log(store, clock=clock)
    first = log.record_many([ENTRY])[0]
    clock.move(timedelta(hours=1))
    assert log.record_many([ENTRY])[0] == structs.replace(first, replayed=True)
    assert store.head("acme").size == 1


CHANGED: dict[str, Any] = {
    "action": "role.unassigned",
    "occurred_at": START - timedelta(microseconds=1),
    "actor": structs.replace(ANNA, id="u-18"),
    "target": structs.replace(ROLE, name="Boss"),
    "origin": Origin(interface="web", ip="192.0.2.8", user_agent="Mozilla/5.0"),
    "outcome": "denied",
    "on_behalf_of": Item(type="user", id="u-42"),
    "concerns": (structs.replace(BOB, part="scope"), structs.replace(BOB, id="u-43")),
    "fields": ("name",),
    "purpose": "leave",
    "effective_at": "2026-12-01",
    "correlation": "4bf92f35-77b3-4da6-a3ce-929d0e0e4737",
    "caused_by": UUID(int=1),
}
SMALLER: list[tuple[str, Any]] = [
    ("actor", structs.replace(ANNA, name="Anna Hansen")),
    ("actor", Actor(type="system", id="u-17", name="Anna Berg", kind="system")),
    ("concerns", (BOB, structs.replace(BOB, part="scope"))),
    ("concerns", (structs.replace(BOB, name="Bob"),)),
    ("origin", Origin(interface="api", ip="192.0.2.7", user_agent="Mozilla/5.0")),
    ("origin", Origin(interface="web", ip="192.0.2.7")),
    ("origin", Origin(interface="web", user_agent="Mozilla/5.0")),
    ("origin", Origin(interface="web")),
    ("correlation", None),
]


@pytest.mark.parametrize(("member", "value"), [*CHANGED.items(), *SMALLER])
def test_other_content_under_the_same_id_conflicts(member: str, value: Any) -> None:
    """Each member by itself; the control is the unchanged entry, replayed."""
    log = new_log()
    log.record_many([ENTRY])
    outcome = log.record_each([structs.replace(ENTRY, **{member: value})])[0]
    assert isinstance(outcome.refused, EntryConflictError)
    assert log.record_each([ENTRY])[0].receipt is not None
    assert log.size(viewer=VIEWER) == 1


def test_every_member_is_tried() -> None:
    assert set(CHANGED) | {"id", "category"} == set(NewEntry.__struct_fields__)


SAME: list[dict[str, Any]] = [
    {"actor": structs.replace(ANNA, name=None)},
    {"target": structs.replace(ROLE, name=None), "concerns": (structs.replace(BOB, name=None),)},
    {"category": "roles"},
    {"correlation": "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736"},
    {"occurred_at": datetime.fromisoformat("2026-11-02T09:15:00+01:00")},
]


@pytest.mark.parametrize("members", SAME)
def test_the_same_content_said_otherwise_replays(members: dict[str, Any]) -> None:
    """An item without a name, another offset, a category that follows: the body would be the same."""
    log = new_log()
    log.record_many([ENTRY])
    assert log.record_many([structs.replace(ENTRY, **members)])[0].replayed


def test_a_replay_across_a_rename(store: Store) -> None:
    """Content is compared with the versions cited then, not with the names of now."""
    log = new_log(store)
    log.record_many([ENTRY])
    renamed = structs.replace(LATER, actor=structs.replace(ANNA, name="Anna Hansen"))
    log.record_many([renamed])
    assert log.record_many([ENTRY])[0].replayed
    assert log.record_many([structs.replace(ENTRY, actor=structs.replace(ANNA, name=None))])[0].replayed
    mixed = structs.replace(ENTRY, actor=renamed.actor)
    with pytest.raises(BatchRefusedError):
        log.record_many([mixed])


def test_repeats_inside_a_batch(store: Store) -> None:
    log = new_log(store)
    first, again = log.record_many([ENTRY, ENTRY])
    assert (first.seq, again.seq) == (0, 0)
    assert (first.replayed, again.replayed) == (False, True)
    other = structs.replace(LATER, outcome="denied")
    outcomes = log.record_each([LATER, other, ENTRY])
    assert [o.receipt.seq if o.receipt else None for o in outcomes] == [1, None, 0]
    assert isinstance(outcomes[1].refused, EntryConflictError)
    assert store.head("acme").size == 2


def test_two_logs_on_one_store(tmp_path: Path) -> None:
    """Two processes' stand-in: each sees at once what the other recorded, and cites the same identities."""
    url = f"sqlite:///{tmp_path}/log.db"
    here, there = open_store(url, create=True)[0], open_store(url)[0]
    log, other = new_log(here, seed=1), new_log(there, seed=2)
    assert log.record_many([ENTRY])[0].seq == 0
    assert other.record_many([ENTRY])[0].replayed
    assert other.record_many([LATER])[0].seq == 1
    assert log.record_many([structs.replace(ENTRY, id=UUID(int=9))])[0].seq == 2
    assert len({body.actor.item for body in bodies(here)}) == 1
    assert len([i for i in here.every_identity("acme") if i.type == "user"]) == 2
    assert log.count(Query(), viewer=VIEWER) == other.count(Query(), viewer=VIEWER) == (3, 3)
    assert tree_faults(there, "acme") == []
    here.close()
    there.close()


def test_a_hundred_at_once(store: Store) -> None:
    """The same entry from many threads and two logs: one entry, never two."""
    logs = [new_log(store, seed=seed) for seed in range(2)]
    receipts = []

    def send(log: Log) -> None:
        receipts.append(log.record_many([ENTRY])[0])

    threads = [threading.Thread(target=send, args=(logs[at % 2],)) for at in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 100
    assert {r.seq for r in receipts} == {0}
    assert sum(not r.replayed for r in receipts) == 1
    assert store.head("acme").size == 1


# --- batches ---


def poison(count: int, at: int) -> list[NewEntry]:
    entries = [structs.replace(ENTRY, id=UUID(int=100 + number)) for number in range(count)]
    entries[at] = structs.replace(entries[at], purpose="because")
    return entries


def test_one_poison_entry_in_a_thousand(store: Store) -> None:
    """None of an atomic batch; 999 and a reason of one that is not."""
    log = new_log(store)
    entries = poison(1000, 500)
    with pytest.raises(BatchRefusedError) as refused:
        log.record_many(entries)
    assert list(refused.value.refused) == [500]
    assert store.head("acme") == Head()
    assert list(store.every_identity("acme")) == []
    outcomes = log.record_each(entries)
    assert [at for at, o in enumerate(outcomes) if o.refused] == [500]
    assert outcomes[500].receipt is None
    assert store.head("acme").size == 999
    assert tree_faults(store, "acme") == []
    assert [o.receipt.seq for o in outcomes if o.receipt] == list(range(999))
    with pytest.raises(BatchRefusedError):
        log.record_many(entries)
    assert all(o.receipt.replayed for o in log.record_each(entries) if o.receipt)


def test_nothing_is_a_batch(store: Store) -> None:
    log = new_log(store)
    assert log.record_many([]) == []
    assert store.head("acme") == Head()


@settings(max_examples=15)
@given(st.lists(st.lists(new_entries(load()), max_size=5), max_size=5), st.integers(0, 300))
def test_any_history_makes_the_naive_tree(history: list[list[NewEntry]], before: int) -> None:
    """Head and tiles are those of RFC 9162 over the bodies, also where a log is opened in the middle."""
    kept = MemoryStore()
    start = [structs.replace(ENTRY, id=UUID(int=2**70 + at)) for at in range(before)]
    new_log(kept).record_many(start)
    for number, batch in enumerate(history):
        new_log(kept, seed=number + 1).record_each(batch)
    assert tree_faults(kept, "acme") == []


def test_tiles_of_two_levels(store: Store) -> None:
    log = new_log(store)
    for first in (0, 200, 255, 256, 600, 1000):
        log.record_many([structs.replace(ENTRY, id=UUID(int=10_000 + first * 1000 + n)) for n in range(100)])
    assert store.blob("acme", "tile", "0/1") is not None
    assert tree_faults(store, "acme") == []


def test_a_log_whose_rows_do_not_make_its_head_takes_nothing_more(tmp_path: Path) -> None:
    """Appending on top would give the change a place in the tree; the control is the untouched log."""
    url, path = f"sqlite:///{tmp_path}/log.db", tmp_path / "log.db"
    store = open_store(url, create=True)[0]
    new_log(store).record_many([ENTRY])
    assert new_log(store, seed=1).record_many([LATER])[0].seq == 1
    body = next(store.kept("acme", 0, 1)).body or b""
    db = apsw.Connection(str(path))
    db.execute("UPDATE entry SET body = ? WHERE body = ?", (body.replace(b"success", b"failure"), body))
    db.close()
    with pytest.raises(DamagedError):
        new_log(store, seed=2).record_many([structs.replace(ENTRY, id=UUID(int=9))])
    store.close()


# --- clocks ---


@pytest.mark.parametrize("back", [timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)])
@pytest.mark.parametrize("given_id", [True, False])
def test_a_clock_that_goes_back_is_an_entry(store: Store, back: timedelta, given_id: bool) -> None:
    """`recorded_at` never runs backwards, `seq` goes on, and the log says so once."""
    clock = FrozenClock()
    log = new_log(store, clock=clock)
    old = structs.replace(ENTRY, occurred_at=START - timedelta(days=9))
    log.record_many([old])
    clock.move(-back)
    for number in (8, 9):
        log.record_many([structs.replace(old, id=UUID(int=number) if given_id else None)])
    history = bodies(store)
    assert [b.action for b in history] == [
        "role.assigned", "activity_log.clock_adjusted", "role.assigned", "role.assigned",
    ]  # fmt: skip
    assert [b.recorded_at for b in history] == ["2026-11-02T08:15:00.000000Z"] * 4
    assert history[1].occurred_at == (START - back).isoformat(timespec="microseconds")[:-6] + "Z"


def test_a_clock_that_goes_on_is_none(store: Store) -> None:
    """The control; and a step below a second is not worth an entry."""
    clock = FrozenClock()
    log = new_log(store, clock=clock)
    for number, by in enumerate([0, 5, 0, 3600]):
        clock.move(timedelta(seconds=by))
        log.record_many([structs.replace(ENTRY, id=UUID(int=number))])
    clock.move(timedelta(microseconds=-999_999))
    log.record_many([structs.replace(ENTRY, id=UUID(int=10))])
    assert {b.action for b in bodies(store)} == {"role.assigned"}


def test_a_refused_batch_does_not_swallow_the_news(store: Store) -> None:
    """The entry that says so is recorded with the next that is, and a replay alone adds nothing."""
    clock = FrozenClock()
    log = new_log(store, clock=clock)
    old = structs.replace(ENTRY, occurred_at=START - timedelta(days=9))
    log.record_many([old])
    clock.move(-timedelta(hours=1))
    with pytest.raises(BatchRefusedError):
        log.record_many(
            [structs.replace(old, id=UUID(int=8)), structs.replace(old, id=UUID(int=9), purpose="x")]
        )
    log.record_many([old])
    assert store.head("acme").size == 1
    log.record_many([structs.replace(old, id=UUID(int=8))])
    assert [b.action for b in bodies(store)][1] == "activity_log.clock_adjusted"


@given(st.lists(st.integers(-100_000, 100_000), max_size=12))
def test_recorded_at_never_runs_backwards(steps: list[int]) -> None:
    clock, kept = FrozenClock(), MemoryStore()
    log = new_log(kept, clock=clock)
    for number, step in enumerate(steps):
        clock.move(timedelta(milliseconds=step))
        old = datetime(2020, 1, 1, tzinfo=UTC)
        log.record_many([structs.replace(ENTRY, id=UUID(int=number), occurred_at=old)])
    times = [b.recorded_at for b in bodies(kept)]
    assert times == sorted(times)


# --- nothing of a refused entry is kept ---


def canaries() -> list[dict[str, Any]]:
    """Entries that each hide a unique text where a rule refuses it."""
    right: dict[str, Any] = {
        "action": "salary.updated",
        "occurred_at": "2026-11-02T08:15:00Z",
        "actor": {"type": "user", "id": "u-17", "name": "Anna Berg", "kind": "person"},
        "target": {"type": "salary", "id": "s-1"},
        "concerns": [{"type": "user", "id": "u-42", "part": "owner"}],
        "origin": {"interface": "web"},
    }
    hidden: list[dict[str, Any]] = [
        {"target": {"type": "salary", "id": "s-1", "name": "CANARY-0"}},
        {"target": {"type": "salary", "id": "CANARY 1 kr"}},
        {"purpose": "CANARY-3"},
        {"fields": ["CANARY-4"]},
        {"origin": {"interface": "web", "ip": "fe80::1%CANARY-5"}},
        {"origin": {"interface": "web", "user_agent": "CANARY-6\x1b"}},
        {"concerns": [{"type": "user", "id": "CANARY-7", "part": "nobody"}]},
        {"actor": {"type": "user", "id": "u-1", "name": "CANARY-8", "kind": "system"}},
        {"action": "CANARY.9"},
        {"effective_at": "CANARY-10"},
        {"correlation": "CANARY-11\n"},
    ]
    return [{**right, **flaw} for flaw in hidden]


def test_canaries_reach_no_file(tmp_path: Path) -> None:
    """What was refused is nowhere: not in the database, its log, or beside it."""
    store = open_store(f"sqlite:///{tmp_path}/log.db", create=True)[0]
    log = new_log(store)
    with pytest.raises(EntryInvalidError):
        entry_from({**canaries()[0], "value": "CANARY-VALUE"})
    for given_ in canaries():
        marked = structs.replace(LATER, id=None, actor=structs.replace(ANNA, name="KEPT-MARK"))
        outcomes = log.record_each([entry_from(given_), marked])
        assert [o.refused is None for o in outcomes] == [False, True]
    assert store.head("acme").size == len(canaries())
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"CANARY" not in held
    assert b"KEPT-MARK" in held  # the control: what was recorded is found by the same scan
    store.close()


@given(st.integers(0, 2**47), st.integers(0, 2**32))
def test_made_ids_are_version_7(milliseconds: int, seed: int) -> None:
    """RFC 9562: ordered by time, version and variant in their bits."""
    made = new_id(milliseconds * 1000, Steady(seed))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == milliseconds


def test_an_id_is_made_for_whom_gives_none() -> None:
    log = new_log()
    receipts = log.record_many([structs.replace(ENTRY, id=None)] * 2)
    assert len({r.id for r in receipts}) == 2
    assert receipts[0].id.int >> 80 == microseconds(START) // 1000


# --- erasing ---


@pytest.mark.parametrize("oneself", [True, False])
def test_who_erases_themselves_leaves_nothing(store: Store, oneself: bool) -> None:
    """Not even the address and the new name that came with the order; another's order keeps its own."""
    log = new_log(store)
    log.record_many([ENTRY])
    orderer = structs.replace(ANNA, id=ANNA.id if oneself else "u-99", name="Anna NEWNAME")
    log.erase(ANNA, actor=orderer, origin=Origin(interface="web", ip="192.0.2.99"))
    held = list(store.every_identity("acme"))
    assert (any(i.id == "192.0.2.99" for i in held), any(i.name == "Anna NEWNAME" for i in held)) == (
        (False, False) if oneself else (True, True)
    )
    anna = held[0].item  # the first that was cited
    assert all(i.id is None for i in held if anna in (i.item, i.owner))


# --- overtaken ---


def test_who_is_overtaken_too_often_holds_up_their_own_organisation_alone(store: Store) -> None:
    """Five times a rival is first. The sixth time the rival waits, and whoever records for others does not."""
    mine, rival, other = new_log(store), new_log(store, seed=1), new_log(store, "other", seed=2)
    rivals: list[threading.Thread] = []
    waited: list[bool] = []

    def plan(head: Head) -> LogChange:
        entry = structs.replace(ENTRY, id=UUID(int=100 + len(rivals)))
        rivals.append(threading.Thread(target=lambda: rival.record_many([entry])))
        rivals[-1].start()
        rivals[-1].join(0.2 if len(rivals) == 6 else 20)
        waited.append(rivals[-1].is_alive())
        other.record_many([entry])
        return LogChange(entry=LATER, blobs=(), removed=0, apply=lambda *to: store.append("acme", *to))

    assert mine.recorder.change(plan).seq == 5
    rivals[-1].join(20)
    assert waited == [False] * 5 + [True]
    assert (store.head("acme").size, store.head("other").size) == (7, 6)
    assert tree_faults(store, "acme") == []


# --- what the index is told ---


@given(st.lists(st.lists(new_entries(CATALOGUE), min_size=1, max_size=3), min_size=1, max_size=3))
def test_the_index_is_told_what_it_would_read(history: list[list[NewEntry]]) -> None:
    """A row made while recording is the one that the recorded body and the directory give."""
    store = MemoryStore()
    store.create("acme")
    commits: list[Committed] = []
    means = Means(catalogue=CATALOGUE, clock=FrozenClock(), entropy=Steady(), key=bytes(32))
    writer = Writer(store, "acme", means, commits.append)
    for entries in history:
        writer.record([writer.request(entries, Item(type="source", id="k-1", name="HR"), atomic=False)])
    rows = [row for commit in commits for row in commit.rows]
    kept = [(row.seq, decode_body(row.body or b"")) for row in store.kept("acme", 0, store.head("acme").size)]
    known = {i.token: i for i in store.every_identity("acme")}
    assert rows == [body_row(seq, body, known, catalogue=CATALOGUE) for seq, body in kept]
    assert [i for commit in commits for i in commit.identities] == list(store.every_identity("acme"))


# --- many at once ---


def test_an_atomic_batch_that_conflicts_harms_nobody_beside_it(store: Store) -> None:
    """Three callers in one commit: the batch with a conflict leaves nothing, the others are recorded."""
    log = new_log(store)
    log.record_many([ENTRY])
    means = Means(catalogue=CATALOGUE, clock=FrozenClock(), entropy=Steady(9), key=log.recorder._key)
    writer, source = Writer(store, "acme", means), Item(type="source", id="k-1", name="HR")
    fresh = structs.replace(ENTRY, id=UUID(int=50), target=structs.replace(ROLE, id="r-9", name="Only here"))
    spoiled = [fresh, structs.replace(ENTRY, outcome="denied")]
    asked = [
        writer.request([LATER], source, atomic=True),
        writer.request(spoiled, source, atomic=True),
        writer.request([structs.replace(ENTRY, id=UUID(int=51))], source, atomic=False),
    ]
    first, second, third = writer.record(asked)
    assert isinstance(second, BatchRefusedError)
    assert list(second.refused) == [1]
    assert [outcome.receipt and outcome.receipt.seq for outcome in (*first, *third)] == [1, 2]  # type: ignore[misc]
    assert store.head("acme").size == 3
    assert "Only here" not in {i.name for i in store.every_identity("acme")}
    assert tree_faults(store, "acme") == []


def test_organisations_at_once(tmp_path: Path) -> None:
    """Appends of eight organisations that meet in one transaction: each log has its own, whole."""
    store = open_store(f"sqlite:///{tmp_path}/log.db", create=True)[0]
    logs = [new_log(store, org=f"org-{at}", seed=at) for at in range(8)]

    def send(log: Log) -> None:
        for at in range(20):
            log.record_many([structs.replace(ENTRY, id=UUID(int=1000 + at))])

    threads = [threading.Thread(target=send, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.head(log.org).size for log in logs] == [20] * 8
    assert [fault for log in logs for fault in tree_faults(store, log.org)] == []
    store.close()
