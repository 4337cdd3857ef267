"""The suite that every `Finder` passes: subclass the class and give the fixture `open_finder`.

    class TestMine(FinderConformance):
        @pytest.fixture
        def open_finder(self):
            return open_mine

Owns what the seven verbs promise, each against `matches()` over the same entries. Another log records them, as another
process does. Refuses to look into an engine.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import Struct, structs

from trailbook.access import operator
from trailbook.errors import FilterInvalidError
from trailbook.finding import (
    FACET_FIELDS,
    BoundQuery,
    BoundTerm,
    Finder,
    OpenedFinder,
    OpenFinder,
    Reader,
    Sizes,
    Upkeep,
    finder_means,
    new_binder,
    new_reader,
)
from trailbook.log import Log
from trailbook.model import Actor, Concern, Entry, Item, NewEntry, Origin, microseconds
from trailbook.query import Cursor, EntryFacts, Order, Query, from_line, matches, values_of
from trailbook.retention import Retention
from trailbook.stores import Head, MemoryStore, Store
from trailbook.testing.steady import START, FrozenClock, new_log
from trailbook.testing.strategies import queries

ORG = "acme"
_ORDERS: tuple[Order, ...] = ("desc", "asc", "seq")
_ADDRESSES = ("192.0.2.7", "192.0.2.77", "2001:db8::1")
_PEOPLE = [
    Actor(kind="person", type="user", id=f"u-{number}", name=name)
    for number, name in enumerate(["Anna Berg", "Bob Li", "Åse Moe", "Zebedee Quixote"])
]
_ERASED = _PEOPLE[3]
_SYNC = Actor(kind="integration", type="integration", id="visma", name="Visma")
_HR = Actor(kind="system", type="system", id="hr", name="HR")
_CLI = Origin(interface="cli")
_ACTIONS = ("document.uploaded", "document.updated", "document.deleted", "document.restored", "role.created")
_TINY = Sizes(small=8, large=32)


class Trial:
    """A log that is recorded by one engine and found by the one under test; `facts` are its entries as they are."""

    def __init__(self, open_finder: OpenFinder) -> None:
        self.store: Store = MemoryStore()
        self.clock = FrozenClock(START)
        self.log: Log = new_log(self.store, ORG, clock=self.clock, sizes=_TINY)
        means = finder_means(self.store, ORG, self.log.catalogue)
        self.erasures = means.erasures
        engine: OpenedFinder = open_finder(means)
        self.finder: Finder = engine.finder
        self.upkeep: Upkeep = engine.upkeep
        self.reader: Reader = new_reader(means, engine.finder)
        self.binder = new_binder(self.reader)
        self.random = Random(7)
        self._read: Head | None = None
        self._facts: list[EntryFacts] = []
        self._ids: list[UUID] = []  # of entries that led to others

    def grow(self, count: int) -> None:
        """Record so many entries, some of which happened long before."""
        self.clock.move(timedelta(minutes=1))
        receipts = self.log.record_many([self.entry() for _ in range(count)])
        self._ids = [receipt.id for receipt in receipts[:2]]

    def entry(self) -> NewEntry:
        """Something that somebody did to one of a few items."""
        random, number = self.random, self.random.randrange(4)
        owner = _PEOPLE[random.randrange(4)]
        action = random.choice(_ACTIONS)
        document = action.startswith("document")
        about = [Concern(part="owner", type=owner.type, id=owner.id, name=owner.name)] if document else []
        return NewEntry(
            action=action,
            occurred_at=self.clock() - timedelta(hours=random.choice([1, 1, 2, 700])),
            actor=random.choice([*_PEOPLE, _SYNC]),
            target=Item(
                type="document" if document else "role",
                id=f"t-{number}",
                name=None if document else f"Payroll {number}",
            ),
            concerns=tuple(about),
            origin=Origin(interface=random.choice(["web", "api"]), ip=random.choice([None, *_ADDRESSES])),
            outcome=random.choice(["success", "success", "failure"]),
            correlation=random.choice([None, "c-1", "c-2"]),
            caused_by=random.choice([None, *self._ids]),
        )

    def erase(self) -> None:
        """Erase somebody who is in the log."""
        self.log.erase(Item(type="user", id=_ERASED.id), actor=_HR, origin=_CLI)

    def prune(self) -> None:
        """Remove most of what was recorded before now."""
        self.clock.move(timedelta(minutes=1))
        self.log.prune(Retention(kept_for="standard", before=self.clock()), actor=_HR, origin=_CLI)

    def facts(self) -> list[EntryFacts]:
        """Every entry that is there, in the order of `seq`, read from the bodies and the directory."""
        head = self.finder.catch_up()
        if head != self._read:
            self._facts = self.reader.views(range(head.size), "en", lambda category: True)
            self._read = head
        return self._facts

    def bound(self, query: Query, hidden: tuple[str, ...] = ()) -> BoundQuery:
        """A filter bound to the log as it stands."""
        size = self.finder.catch_up().size
        as_of = size if query.as_of is None else query.as_of
        return self.binder.bind(query, self.clock(), as_of=as_of, hidden=hidden, lang="en")

    def matching(self, query: Query, hidden: tuple[str, ...] = ()) -> list[EntryFacts]:
        """What a filter finds by `matches()`, in the order in which it happened."""
        seen = (facts for facts in self.facts() if facts.entry.category not in hidden)
        return sorted((f for f in seen if matches(query, f, self.clock())), key=_place)

    def number(self, type_: str, id_: str) -> int:
        """The log's number of an item."""
        return self.store.identities(ORG, [(type_, id_, None)])[0].item

    def name(self, number: int) -> str:
        """The item of a number, as a filter names it."""
        last = self.store.versions(ORG, [number])[-1]
        return f"{last.type}/{last.id or ''}"


def _place(facts: EntryFacts) -> tuple[int, int]:
    return microseconds(facts.entry.occurred_at), facts.entry.seq


def _seqs(matching: Sequence[EntryFacts], order: Order) -> list[int]:
    seqs = [facts.entry.seq for facts in matching]
    return {"asc": seqs, "desc": seqs[::-1], "seq": sorted(seqs)}[order]


def _cites(entry: Entry) -> set[tuple[str, str]]:
    items = [entry.actor, entry.target, entry.source, *entry.concerns]
    items += [] if entry.on_behalf_of is None else [entry.on_behalf_of]
    return {(item.type, item.id) for item in items}


class _History(Struct, frozen=True):
    """What happens to a log before it is asked."""

    name: str
    steps: tuple[str, ...]


HISTORIES = (
    _History("nothing", ()),
    _History("recorded while it is asked", ("grow", "ask", "grow", "ask", "grow")),
    _History("everything", ("grow", "seal", "ask", "erase", "grow", "ask", "prune", "grow", "seal", "grow")),
)
_some = settings(max_examples=30, deadline=None)


class FinderConformance:
    """What every engine promises."""

    @pytest.fixture(params=HISTORIES, ids=lambda history: history.name)
    def trial(self, open_finder: OpenFinder, request: pytest.FixtureRequest) -> Trial:
        trial = Trial(open_finder)
        steps = {
            "grow": lambda: trial.grow(40),
            "seal": lambda: (trial.log.upkeep.seal(), trial.upkeep.seal()),
            "ask": lambda: trial.finder.count(trial.bound(Query())),
            "erase": trial.erase,
            "prune": trial.prune,
        }
        for step in request.param.steps:
            steps[step]()
        return trial

    def test_page_count_and_seqs(self, trial: Trial) -> None:
        facts = trial.facts()

        @_some
        @given(data=st.data(), order=st.sampled_from(_ORDERS), limit=st.integers(1, 50))
        def check(data: st.DataObject, order: Order, limit: int) -> None:
            query = data.draw(queries(facts, trial.finder.reached, hours=True))
            hidden = data.draw(st.sampled_from([(), ("roles",), ("documents", "nowhere")]))
            bound, expected = trial.bound(query, hidden), _seqs(trial.matching(query, hidden), order)
            assert trial.finder.count(bound) == len(expected)
            assert _all_seqs(trial.finder, bound, order, limit=limit) == expected
            assert _all_pages(trial.finder, bound, order, limit=limit) == expected

        check()

    def test_values(self, trial: Trial) -> None:
        facts = trial.facts()

        @_some
        @given(data=st.data(), field=st.sampled_from(FACET_FIELDS))
        def check(data: st.DataObject, field: str) -> None:
            query = data.draw(queries(facts, trial.finder.reached, hours=True))
            counted = trial.finder.values(trial.bound(query), field)
            names = Counter[str]()
            for value, count in counted.items():
                names[trial.name(value) if isinstance(value, int) else value] += count
            assert names == Counter(v for f in trial.matching(query) for v in _values(field, f.entry))

        check()

    def test_bars(self, trial: Trial) -> None:
        facts = trial.facts()

        @_some
        @given(data=st.data(), hours=st.lists(st.integers(0, 800), min_size=2, max_size=6, unique=True))
        def check(data: st.DataObject, hours: list[int]) -> None:
            query = data.draw(queries(facts, trial.finder.reached, hours=True))
            edges = [microseconds(START - timedelta(hours=ago)) for ago in sorted(hours, reverse=True)]
            between = [
                [f.entry.category for f in trial.matching(query) if low <= _place(f)[0] < high]
                for low, high in pairwise(edges)
            ]
            plain = trial.finder.bars(trial.bound(query), edges)
            assert (plain.counts, plain.parts) == (tuple(map(len, between)), None)
            stacked = trial.finder.bars(trial.bound(query), edges, by_category=True)
            assert stacked.counts == plain.counts
            assert stacked.parts == tuple(dict(Counter(categories)) for categories in between)

        check()

    def test_what_an_entry_cites_and_belongs_to(self, trial: Trial) -> None:
        """An item in any part, and ids: of causes the entries they led to are counted too."""
        facts, everything = trial.facts(), trial.bound(Query())
        causes = sorted({str(f.entry.caused_by) for f in facts if f.entry.caused_by})
        for wanted in (term for f in facts[:20] for term in _terms(trial, f.entry)):
            query = structs.replace(everything, terms=(wanted,))
            expected = [f.entry.seq for f in facts if wanted in _terms(trial, f.entry)]
            assert trial.finder.seqs(query, order="seq", limit=999).seqs == expected
            away = structs.replace(query, terms=(structs.replace(wanted, negated=True),))
            assert trial.finder.count(away) == len(facts) - len(expected)
        for hidden in ((), ("roles",)):
            term = BoundTerm("cause", (*causes, "00000000-0000-4000-8000-00000000abcd"))
            led = trial.finder.values(structs.replace(everything, hidden=hidden, terms=(term,)), "cause")
            seen = Counter(str(f.entry.caused_by) for f in facts if f.entry.category not in hidden)
            assert led == {id_: seen[id_] for id_ in term.values}

    def test_what_is_present(self, trial: Trial) -> None:
        """Each value, and each item in its part; nothing that is not there."""
        facts, query, finder = trial.facts(), trial.bound(Query()), trial.finder
        for field in ("category", "action"):
            assert {getattr(f.entry, field) for f in facts} <= finder.present(query, field)
            assert "nowhere" not in finder.present(query, field)
        everybody = list(range(1, trial.store.head(ORG).items + 1))
        versions = trial.reader.items.identities.versions(everybody)
        for part, field in (("actor", "actor"), ("target", "target"), ("about", "concerns")):
            named = {v for f in facts for v in values_of(field, f.entry) if not v.endswith("/")}
            there = {item for item in everybody if versions[item] and _names(versions[item]) & named}
            assert there <= finder.present(query, part, everybody)
            assert not finder.present(query, part, [10**9])
        assert finder.present(query, "actor") == set()

    def test_what_ended(self, open_finder: OpenFinder) -> None:
        """By what happened last, which need not be recorded last; of what is hidden nothing is said."""
        trial, owner = Trial(open_finder), _PEOPLE[0]
        document = Item(type="document", id="d-1")

        def record(verb: str, hours: int) -> None:
            concerns: dict[str, Item | Sequence[Item]] = {
                "owner": Item(type="user", id=owner.id, name=owner.name)
            }
            at = START - timedelta(hours=hours)
            trial.log.record(
                f"document.{verb}",
                actor=owner,
                target=document,
                concerns=concerns,
                origin=_CLI,
                occurred_at=at,
            )

        def ended(hidden: tuple[str, ...] = ()) -> bool:
            return bool(trial.finder.present(trial.bound(Query(), hidden), "ended", [item, 10**9]))

        record("uploaded", 9)
        item = trial.number("document", "d-1")
        assert not ended()
        record("deleted", 5)
        assert (ended(), ended(("documents",)), ended(("roles",))) == (True, False, True)
        record("restored", 6)
        assert ended()
        record("restored", 4)
        assert not ended()

    def test_an_answer_stays_at_its_size(self, trial: Trial) -> None:
        """Whatever is recorded, sealed or made anew after it was asked."""
        query = trial.bound(from_line("category:documents"))
        before = [_all_seqs(trial.finder, query, order, limit=7) for order in _ORDERS]
        trial.grow(70)
        trial.upkeep.seal()
        assert [_all_seqs(trial.finder, query, order, limit=9) for order in _ORDERS] == before
        trial.upkeep.reindex()
        assert [_all_seqs(trial.finder, query, order, limit=11) for order in _ORDERS] == before
        assert trial.upkeep.check() == []

    def test_catching_up_reaches_the_head(self, trial: Trial) -> None:
        assert trial.finder.catch_up() == trial.store.head(ORG)
        trial.grow(3)
        head = trial.finder.catch_up()
        assert (head, trial.finder.reached) == (trial.store.head(ORG), head.size)

    def test_an_erasure_is_announced_before_anything_is_answered(self, open_finder: OpenFinder) -> None:
        """And a removal; plain entries are not."""
        trial = Trial(open_finder)
        trial.grow(40)
        trial.finder.catch_up()
        steps: dict[Callable[[], None], bool] = {
            lambda: trial.grow(5): False,
            trial.erase: True,
            trial.prune: True,
        }
        for step, announced in steps.items():
            before = trial.erasures.count
            step()
            trial.finder.catch_up()
            assert (trial.erasures.count > before) == announced

    def test_a_page_has_one_to_two_hundred(self, trial: Trial) -> None:
        for limit in (0, 201):
            with pytest.raises(FilterInvalidError):
                trial.finder.page(trial.bound(Query()), order="desc", limit=limit, at=None)
        trial.finder.page(trial.bound(Query()), order="desc", limit=200, at=None)

    def test_a_log_is_opened_with_it(self, open_finder: OpenFinder) -> None:
        """Whatever a log shows is what it shows with the engine that comes with it."""
        trial = Trial(open_finder)
        trial.grow(60)
        other = new_log(trial.store, ORG, clock=trial.clock, seed=3, open_finder=open_finder)
        assert _shown(other) == _shown(trial.log)
        trial.erase()
        other.record_many([trial.entry()])
        assert _shown(other) == _shown(trial.log)

    def test_readers_beside_a_writer(self, open_finder: OpenFinder) -> None:
        """Whatever is recorded, sealed and erased meanwhile, each answer is that of `matches()` at its size."""
        trial, over = Trial(open_finder), threading.Event()
        answers: list[tuple[Query, BoundQuery, list[int], int]] = []
        asked = [from_line(line) for line in ("category:documents", "actor:user/u-1", "-origin:web", "")]

        def read(number: int) -> None:
            while not over.is_set():
                query = asked[number]
                bound = trial.bound(query)
                seqs = _all_seqs(trial.finder, bound, "desc", limit=50)
                answers.append((query, bound, seqs, trial.finder.count(bound)))

        trial.grow(20)
        readers = [threading.Thread(target=read, args=(number,)) for number in range(len(asked))]
        for reader in readers:
            reader.start()
        try:
            for round_ in range(12):
                trial.grow(7)
                trial.upkeep.seal()
                if round_ == 6:
                    trial.erase()
        finally:
            over.set()
            for reader in readers:
                reader.join()
        assert {query for query, *_ in answers} == set(asked)
        for query, bound, seqs, count in answers:
            expected = trial.matching(structs.replace(query, as_of=bound.as_of))
            assert (seqs, count) == (_seqs(expected, "desc"), len(expected))


def _all_seqs(finder: Finder, query: BoundQuery, order: Order, *, limit: int) -> list[int]:
    seqs, at = list[int](), None
    while True:
        turn = finder.seqs(query, order=order, limit=limit, at=at)
        assert len(turn.seqs) <= limit
        if turn.end is None:
            return seqs
        seqs, at = seqs + turn.seqs, turn.end


def _all_pages(finder: Finder, query: BoundQuery, order: Order, *, limit: int) -> list[int]:
    seqs, at = list[int](), None
    while True:
        page = finder.page(query, order=order, limit=limit, at=at)
        seqs += page.seqs
        if page.next is None or not page.seqs:
            return seqs
        place = page.next.place
        at = Cursor(
            at=place.at, seq=place.seq, later=page.next.later, as_of=None, since=None, until=None, written=0
        )


def _values(field: str, entry: Entry) -> set[str]:
    """What a facet counts of an entry."""
    plain = {"target_type": entry.target.type, "action": entry.action}
    return {plain[field]} if field in plain else values_of(field, entry)


def _names(versions: Sequence[Any]) -> set[str]:
    return {f"{version.type}/{version.id}" for version in versions}


def _terms(trial: Trial, entry: Entry) -> list[BoundTerm]:
    """The terms on what an entry cites and belongs to that find it; of whoever was erased there is none."""
    cited = sorted((type_, id_) for type_, id_ in _cites(entry) if id_)
    terms = [BoundTerm("citing", items=(trial.number(*item),)) for item in cited]
    terms += [] if entry.correlation is None else [BoundTerm("correlation", (entry.correlation,))]
    return terms + ([] if entry.caused_by is None else [BoundTerm("cause", (str(entry.caused_by),))])


def _shown(log: Log) -> list[Any]:
    """What somebody who does not see roles is shown of a log, in every way."""
    viewer = structs.replace(operator(ORG), withheld=("roles",))
    documents = from_line("category:documents")
    page = log.search(documents, viewer=viewer, limit=20, count=True)
    items = log.items("payroll", viewer=viewer, limit=9)
    return [
        page,
        [shown.id for shown in log.rows(documents, viewer=viewer, order="seq")],
        [log.facets(documents, by, viewer=viewer) for by in FACET_FIELDS],
        log.histogram(documents, viewer=viewer, by_category=True),
        [log.related(UUID(shown.id), viewer=viewer) for shown in page.entries[:5]],
        [line.sentence for lines in log.export(documents, viewer=viewer).batches for line in lines],
        items,
        [log.item(item.type, item.id, viewer=viewer) for item in items],
    ]
