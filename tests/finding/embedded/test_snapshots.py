"""Readers beside whoever records, seals, merges, erases and prunes: each answer is that of one moment of the log."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec import Struct, structs
from tests.amounts import amount
from tests.finding.conftest import ME, ORG, TINY, WEB, index_of

from trailbook import Actor, Item, Log, NewEntry
from trailbook.finding import BoundQuery
from trailbook.model import microseconds
from trailbook.query import EntryFacts, Query, from_line, matches
from trailbook.retention import Retention
from trailbook.stores import Store
from trailbook.testing.steady import START, FrozenClock, new_log

ROUNDS = amount(40, 300, 2000)
LINES = ("category:roles", "-action:role.created", "actor:user/u-1", "target:role/r-3", "")
HR = Actor(kind="system", type="system", id="hr", name="HR")


class Answer(Struct):
    """What a reader was answered: the seqs that match in the order of time, how many, by action, and in bars."""

    query: Query
    seqs: list[int]
    count: int
    actions: dict[str, int]
    bars: tuple[int, ...]


class Recorded(Struct):
    """What the log held: each entry as it was recorded, and what had been removed after each removal."""

    facts: dict[int, EntryFacts]
    removed: list[frozenset[int]]
    erased: list[str]


EDGES = [microseconds(START + timedelta(days=days)) for days in (-90, -41, -39, -1, 1, 90)]


def ask(log: Log, query: Query) -> Answer:
    """Every figure of a filter at one size of the log, each from a snapshot of its own."""
    bound = log._questions.bind_now(query, ME, "en")
    seqs = [seq for part in log._questions.in_order(bound, "asc", 50) for seq in part]
    finder = log._finder
    return Answer(
        query=structs.replace(query, as_of=bound.as_of),
        seqs=seqs,
        count=finder.count(bound),
        actions=finder.values(bound, "action"),
        bars=finder.bars(bound, EDGES).counts,
    )


def possible(answer: Answer, recorded: Recorded) -> list[list[int]]:
    """The answers of `matches()` before and after each removal."""
    matching = [f for f in recorded.facts.values() if matches(answer.query, f, START)]
    matching.sort(key=lambda facts: (facts.entry.occurred_at, facts.entry.seq))
    seqs = [facts.entry.seq for facts in matching]
    return [[seq for seq in seqs if seq not in gone] for gone in recorded.removed]


def is_right(answer: Answer, recorded: Recorded) -> bool:
    """Whether each figure is that of `matches()` at the answer's size, before or after some removal."""
    rows = possible(answer, recorded)
    actions = [[recorded.facts[seq].entry.action for seq in seqs] for seqs in rows]
    at = [[microseconds(recorded.facts[seq].entry.occurred_at) for seq in seqs] for seqs in rows]
    bars = [tuple(sum(a <= t < b for t in times) for a, b in pairwise(EDGES)) for times in at]
    # Rows come some at a time: what is removed meanwhile is missing from where they had got to.
    return (
        set(rows[-1]) <= set(answer.seqs) <= set(rows[0])
        and answer.seqs == [seq for seq in rows[0] if seq in set(answer.seqs)]
        and answer.count in map(len, rows)
        and answer.actions in [{name: names.count(name) for name in names} for names in actions]
        and answer.bars in bars
    )


class Writer:
    """Whoever changes the log: it records, seals, erases and prunes, and keeps what there was."""

    def __init__(self, log: Log, other: Log, clock: FrozenClock) -> None:
        self.log, self.other, self.clock = log, other, clock
        self.recorded = Recorded({}, [frozenset()], [])

    def grow(self, round_: int) -> None:
        """A few entries; some happened long before, and one is about somebody who will be erased."""
        person = Item(type="user", id=f"e-{round_}", name=f"Quixote{round_}")
        entries = [entry(self.clock, round_ * 5 + at) for at in range(4)]
        entries.append(structs.replace(entries[0], action="user.profile_updated", target=person))
        receipts = self.log.record_many(entries)
        self.keep([receipt.seq for receipt in receipts])

    def keep(self, seqs: Sequence[int]) -> None:
        """Remember entries as they are now."""
        for facts in self.log._reader.views(seqs, "en", lambda category: True):
            self.recorded.facts[facts.entry.seq] = facts

    def step(self, round_: int) -> None:
        """One round."""
        self.clock.move(timedelta(minutes=1))
        self.grow(round_)
        (self.log if round_ % 3 else self.other).upkeep.seal()
        if round_ % 7 == 6:
            self.erase(round_)
        if round_ % 20 == 19:
            self.prune()

    def erase(self, round_: int) -> None:
        receipt = self.log.erase(Item(type="user", id=f"e-{round_}"), actor=HR, origin=WEB)
        self.recorded.erased.append(f"Quixote{round_}")
        self.keep([receipt.seq])

    def prune(self) -> None:
        before = self.clock() - timedelta(minutes=5)
        receipt = self.log.prune(Retention(kept_for="standard", before=before), actor=HR, origin=WEB)
        self.keep([receipt.seq])
        stored = self.log._store.kept(ORG, 0, receipt.seq)
        kept = {row.seq for row in stored if row.body is not None}
        self.recorded.removed.append(frozenset(self.recorded.facts) - kept - {receipt.seq})


def entry(clock: FrozenClock, number: int) -> NewEntry:
    """What one of three people did to one of five roles."""
    who = Actor(type="user", id=f"u-{number % 3}", name=f"Anna {number % 3}", kind="person")
    return NewEntry(
        action="role.created" if number % 2 else "role.updated",
        occurred_at=clock() - timedelta(days=40 if number % 4 == 0 else 0, minutes=number % 9),
        actor=who,
        target=Item(type="role", id=f"r-{number % 5}", name="Approver"),
        origin=WEB,
    )


@contextmanager
def beside(*jobs: Callable[[], object]) -> Iterator[threading.Event]:
    """These jobs, each in a thread of its own, until what is inside is done; what one raises fails the test."""
    over = threading.Event()

    def run(job: Callable[[], object]) -> None:
        while not over.is_set():
            job()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield over
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_every_answer_is_of_one_moment(store: Store, record_property: Any) -> None:
    """Thousands of answers beside one that changes everything; the other process seals and merges what they read."""
    clock = FrozenClock(START)
    log = new_log(store, ORG, clock=clock, sizes=TINY)
    writer = Writer(log, new_log(store, ORG, clock=clock, seed=1, sizes=TINY), clock)
    answers: list[Answer] = []
    named: list[str] = []

    def read(line: str) -> None:
        answers.append(ask(log, from_line(line)))

    def show() -> None:
        erased = list(writer.recorded.erased)
        page = log.search(from_line("category:users"), viewer=ME, limit=50)
        items = log.items("quixote", viewer=ME)
        texts = [entry.sentence for entry in page.entries] + [item.name or "" for item in items]
        named.extend(name for name in erased if any(text.endswith(name) for text in texts))

    writer.grow(10**6)
    with beside(*(lambda line=line: read(line) for line in LINES), show):
        for round_ in range(ROUNDS):
            writer.step(round_)
    record_property("figures: answers beside a writer", {"answers": str(len(answers)), "rounds": str(ROUNDS)})
    assert {answer.query.terms for answer in answers} == {from_line(line).terms for line in LINES}
    wrong = [answer for answer in answers if not is_right(answer, writer.recorded)]
    assert wrong == []
    assert named == []
    assert len(index_of(log).snapshot().segments) > 1
    assert log.upkeep.check() == []


def test_an_answer_that_is_wrong_is_noticed(store: Store) -> None:
    """The control: an entry too many, too few or twice, a count, a bar, a figure."""
    clock = FrozenClock(START)
    log = new_log(store, ORG, clock=clock, sizes=TINY)
    writer = Writer(log, log, clock)
    for round_ in range(21):
        writer.step(round_)
    answer = ask(log, from_line("category:roles"))
    assert is_right(answer, writer.recorded)
    for wrong in (
        structs.replace(answer, seqs=answer.seqs[1:]),
        structs.replace(answer, seqs=[*answer.seqs, answer.seqs[-1]]),
        structs.replace(answer, seqs=answer.seqs[::-1]),
        structs.replace(answer, seqs=[*answer.seqs, 10**6]),
        structs.replace(answer, count=answer.count + 1),
        structs.replace(answer, actions={**answer.actions, "role.created": 1}),
        structs.replace(answer, bars=(*answer.bars[:-1], answer.bars[-1] + 1)),
    ):
        assert not is_right(wrong, writer.recorded), wrong


@pytest.mark.parametrize("line", LINES)
def test_a_bound_query_is_answered_alike_from_then_on(log: Log, line: str) -> None:
    """Whatever is recorded and sealed after."""
    bound: BoundQuery = log._questions.bind_now(from_line(line), ME, "en")
    before = log._finder.seqs(bound, order="desc", limit=10**6)
    log.record_many([entry(FrozenClock(START), number) for number in range(70)])
    log.upkeep.seal()
    assert log._finder.seqs(bound, order="desc", limit=10**6) == before
