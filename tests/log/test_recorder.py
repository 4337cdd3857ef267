"""The writing half of a log: what a caller hands over, and what they are told became of it."""

from uuid import RFC_4122

import pytest
from msgspec import structs

from trailbook import Actor, Concern, Item, Log, NewEntry, Origin, Query, operator
from trailbook.errors import ActionUnknownError, BatchRefusedError, EntryInvalidError, NotFoundError
from trailbook.log.keys import Keys
from trailbook.log.recorder import LIBRARY
from trailbook.stores import MemoryStore
from trailbook.testing import new_log
from trailbook.testing.steady import KEYS, START, FrozenClock

ME = operator("acme")
WEB = Origin(interface="web")
ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
ROLE = Item(type="role", id="r-3", name="Manager")
BOB, ADA = Item(type="user", id="u-42", name="Bob Li"), Item(type="user", id="u-43", name="Ada Bø")
GOOD = NewEntry(action="role.created", occurred_at=START, actor=ANNA, target=ROLE, origin=WEB)
BAD = structs.replace(GOOD, action="role.craeted")


@pytest.fixture
def log() -> Log:
    """A log with nothing in it."""
    return new_log()


def size(log: Log) -> int:
    return log.size(viewer=ME)


@pytest.mark.parametrize(
    ("concerns", "members"),
    [
        ({"member": BOB}, ["u-42"]),
        ({"member": [BOB, ADA]}, ["u-42", "u-43"]),
        ([Concern(part="member", type="user", id="u-42", name="Bob Li")], ["u-42"]),
    ],
)
def test_concerns_may_be_given_in_three_ways(log: Log, concerns: object, members: list[str]) -> None:
    """By part an item or several, or as they are kept: the entry is the same; it happened now."""
    log.record("role.assigned", actor=ANNA, target=ROLE, concerns=concerns, origin=WEB)  # type: ignore[arg-type]
    (entry,) = log.search(Query(), viewer=ME).entries
    assert {(concern.part, concern.id) for concern in entry.concerns} == {("member", id_) for id_ in members}
    assert entry.occurred_at == entry.recorded_at
    assert entry.source.id == LIBRARY.id


def test_what_is_refused_says_why_and_leaves_nothing(log: Log) -> None:
    """An undeclared action and a missing member each by their name; the same without the fault is recorded."""
    with pytest.raises(ActionUnknownError):
        log.record("role.craeted", actor=ANNA, target=ROLE, origin=WEB)
    with pytest.raises(EntryInvalidError) as refused:
        log.record("role.assigned", actor=ANNA, target=ROLE, origin=WEB)
    assert [fault.pointer for fault in refused.value.faults] == ["/concerns"]
    assert size(log) == 0
    assert log.record("role.created", actor=ANNA, target=ROLE, origin=WEB).seq == 0


def test_many_are_recorded_all_or_none_and_each_by_itself(log: Log) -> None:
    """One bad entry refuses a batch; entry by entry it refuses itself alone."""
    with pytest.raises(BatchRefusedError) as refused:
        log.record_many([GOOD, BAD])
    assert list(refused.value.refused) == [1]
    assert size(log) == 0
    first, second = log.record_each([BAD, GOOD])
    assert isinstance(first.refused, ActionUnknownError)
    assert first.receipt is None
    assert second.receipt is not None
    assert size(log) == 1
    assert [receipt.seq for receipt in log.record_many([GOOD, GOOD])] == [1, 2]


def test_to_judge_is_not_to_record(log: Log) -> None:
    """The answers of recording, a conflict with the log included; nothing is in the log after."""
    id_ = log.record_many([GOOD])[0].id
    other = structs.replace(GOOD, id=id_, outcome="denied")
    judged = log.judge_each([GOOD, BAD, other])
    assert [None if result.refused is None else result.refused.code for result in judged] == [
        None,
        "action-unknown",
        "entry-conflict",
    ]
    assert size(log) == 1
    recorded = log.record_each([GOOD, BAD, other])
    assert [type(result.refused) for result in recorded] == [type(result.refused) for result in judged]


def test_each_may_have_a_source_of_its_own(log: Log) -> None:
    """Entries of several credentials in one commit: each under its own, and a bad one harms none."""
    sources = [Item(type="source", id=f"k-{at}", name=f"Key {at}") for at in range(3)]
    results = log.recorder.record_apart(list(zip([GOOD, BAD, GOOD], sources, strict=True)))
    assert [result.refused is None for result in results] == [True, False, True]
    entries = log.search(Query(), viewer=ME, order="seq").entries
    assert [entry.source.id for entry in entries] == ["k-0", "k-2"]
    log.record_many([GOOD], source=sources[1])
    assert log.search(Query(), viewer=ME, order="seq").entries[-1].source.id == "k-1"


def test_an_erasure_is_told_once_it_is_done(log: Log) -> None:
    """Whoever keeps something of the log's items is told after they are gone; of what is refused nobody is."""
    numbers = list[dict[str, int]]()
    log.record_many([GOOD])
    log.recorder.on_change = lambda: numbers.append(log.numbers(["user/u-17"], viewer=operator("acme")))
    with pytest.raises(NotFoundError):
        log.erase(BOB, actor=ANNA, origin=WEB)
    assert numbers == []
    log.erase(ANNA, actor=Actor(kind="system", type="system", id="hr", name="HR"), origin=WEB)
    assert numbers == [{}]


def test_the_id_of_a_foreign_text_is_this_logs_own() -> None:
    """The same text gives the same id in one log, and another in any other or under another key (RFC 9562 5.8)."""
    log, again, other = new_log(), new_log(seed=4), new_log(org="other")
    id_ = log.id_from("order 7")
    assert id_ == again.id_from("order 7")
    assert (id_.version, id_.variant) == (8, RFC_4122)
    assert len({id_, log.id_from("order 8"), other.id_from("order 7")}) == 3
    rekeyed = Log(
        MemoryStore(), "acme", keys=Keys(secret=KEYS.secret, organisation=b"k" * 32), clock=FrozenClock()
    )
    assert rekeyed.id_from("order 7") != id_
