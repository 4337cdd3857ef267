"""Random histories: one store, or one log, against another, which is usually the memory store.

    class Mine(StoreMachine):
        pair = staticmethod(lambda: (my_store(), MemoryStore()))

    TestMine = Mine.TestCase

Owns what may happen to a store and to a log in any order; after every step both must give equal answers.
Refuses to know which engines they are.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import structs

from trailbook.access import operator
from trailbook.catalogue import RETENTIONS, load
from trailbook.errors import TrailbookError
from trailbook.finding import BUCKETS, DEFAULT_SIZES, FACET_FIELDS, Bucket, FacetField, Sizes
from trailbook.log import Log
from trailbook.model import Actor, Item, NewEntry, Origin
from trailbook.query import Order, Query
from trailbook.recording import Result
from trailbook.retention import Retention
from trailbook.stores import Append, Blob, ExpectedBlob, Head, Hint, Identity, Store
from trailbook.testing.engines import OTHER, batch, row, version
from trailbook.testing.steady import START, FrozenClock, new_log
from trailbook.testing.strategies import new_entries, queries
from trailbook.testing.trees import tree_faults

Pair = Callable[[], tuple[Store, Store]]
ORG = "acme"
TINY = Sizes(small=4, large=16)
OPERATOR = Actor(type="system", id="operator", name="Operator", kind="system")
POISON = NewEntry(
    action="role.asigned",
    occurred_at=START,
    actor=Actor(type="user", id="a-1", kind="person"),
    target=Item(type="role", id="a-1"),
    origin=Origin(interface="api"),
)
_BUSY = ("role.assigned", "role.updated", "role.deleted", "salary.updated", "user.profile_updated")
_ENTRIES = new_entries(load(), _BUSY)
_BATCHES = st.lists(_ENTRIES, max_size=6, unique_by=lambda e: e.id)
_NUMBERS = st.integers(1, 6)
_VERSIONS = st.builds(version, _NUMBERS, st.sampled_from([None, "Anna Berg", "Bob", "Åse"]))
_ORIGINS = st.builds(
    lambda item, owner: version(item + 100, "Mozilla", type_="origin", owner=owner), _NUMBERS, _NUMBERS
)
_NAMES = st.lists(st.sampled_from([(kind, f"0/{at}") for kind in ("tile", "manifest") for at in range(3)]))
_BLOBS = _NAMES.map(lambda names: [Blob(kind, key, b"1") for kind, key in dict.fromkeys(names)])
_IDENTITIES = st.lists(_VERSIONS | _ORIGINS, max_size=4)
_HINTS = st.lists(
    st.builds(Hint, item=_NUMBERS, text=st.sampled_from(["", "Cook", "Clerk"]), at=st.integers(1, 3)),
    max_size=3,
)


def answer(ask: Callable[[], Any]) -> Any:
    """What a call gave, or how it was refused."""
    try:
        return ask()
    except TrailbookError as error:
        return type(error), error.code


def by_item(identities: Sequence[Identity]) -> list[Identity]:
    """Identities as they may be compared: the order within an item of one owner is promised, and no other."""
    return sorted(identities, key=lambda identity: (identity.item, identity.owner or 0))


class StoreMachine(RuleBasedStateMachine):
    """Two stores through one history."""

    pair: ClassVar[Pair]

    def __init__(self) -> None:
        super().__init__()
        self.stores = type(self).pair()
        self.oracle = self.stores[1]
        self.numbered = 0
        self.both(lambda store: store.create(ORG))

    def both(self, ask: Callable[[Store], Any]) -> Any:
        """The answer of both, which must be one."""
        mine, oracle = [answer(lambda store=store: ask(store)) for store in self.stores]  # type: ignore[misc]
        assert mine == oracle
        return oracle

    def adding(
        self, org: str, count: int, items: Sequence[Identity] = (), hints: Sequence[Hint] = ()
    ) -> tuple[Head, Append]:
        """The head of a log and a commit of `count` new entries to it."""
        head = self.oracle.head(org)
        known = {i.token for i in self.oracle.every_identity(org)}
        fresh = {i.token: i for i in items if i.token not in known}
        rows = [row(number) for number in range(self.numbered, self.numbered + count)]
        self.numbered += count
        words = [(w, i.item) for i in fresh.values() for w in (i.name or "").lower().split()]
        blobs = [Blob("tile", f"0/{self.numbered % 3}", b"%d" % self.numbered)]
        fresh_ones = list(fresh.values())
        return head, batch(head, rows, identities=fresh_ones, words=words, blobs=blobs, hints=hints)

    @rule(org=st.sampled_from([ORG, OTHER]))
    def create(self, org: str) -> None:
        self.both(lambda store: store.create(org))

    @rule(org=st.sampled_from([ORG, ORG, OTHER]), count=st.integers(0, 5), items=_IDENTITIES, hints=_HINTS)
    def append(self, org: str, count: int, items: list[Identity], hints: list[Hint]) -> None:
        if org in self.oracle.orgs():
            head, adding = self.adding(org, count, items, hints)
            self.both(lambda store: store.append(org, head, adding))

    @rule(owner=_NUMBERS, data=st.data())
    def belong(self, owner: int, data: st.DataObject) -> None:
        head, adding = self.adding(ORG, 1)
        tokens = [i.token for i in self.oracle.every_identity(ORG) if i.type != "origin"]
        if tokens:
            owners = {data.draw(st.sampled_from(tokens)): owner}
            self.both(lambda store: store.append(ORG, head, structs.replace(adding, owners=owners)))

    @rule(number=st.integers(0, 20))
    def append_again(self, number: int) -> None:
        head = self.oracle.head(ORG)
        adding = batch(head, [row(10**6), row(min(number, self.numbered))])
        if number < self.numbered and self.oracle.seq_of(ORG, [row(number).id]):
            refused = self.both(lambda store: store.append(ORG, head, adding))
            assert refused is not None

    @rule(recorded_at=st.integers(0, 3))
    def append_late(self, recorded_at: int) -> None:
        head = structs.replace(self.oracle.head(ORG), recorded_at=recorded_at + 10**6)
        assert self.both(lambda store: store.append(ORG, head, batch(head, [row(10**6)]))) is not None
        assert self.both(lambda store: store.seq_of(ORG, [row(10**6).id])) == {}

    @rule(items=st.lists(_NUMBERS, max_size=2, unique=True))
    def erase(self, items: list[int]) -> None:
        head, adding = self.adding(ORG, 1)
        self.both(lambda store: store.erase(ORG, head, adding, items=items))

    @rule(seqs=st.sets(st.integers(0, 10), max_size=3), data=st.data())
    def remove(self, seqs: set[int], data: st.DataObject) -> None:
        head, adding = self.adding(ORG, 1)
        leaves = {seq: sha256(b"%d" % seq).digest() for seq in seqs if seq < head.size}
        tokens = [i.token for i in self.oracle.every_identity(ORG)]
        sweep = data.draw(st.lists(st.sampled_from(tokens), max_size=2)) if tokens else []
        self.both(lambda store: store.remove(ORG, head, adding, leaves=leaves, sweep=sweep))

    @rule(key=st.sampled_from(["0/0", "0/1"]), content=st.binary(max_size=5))
    def put_blob(self, key: str, content: bytes) -> None:
        self.both(lambda store: store.put_blob(ORG, Blob("manifest", key, content)))

    @rule(put=_BLOBS, drop=_NAMES, expect=st.sampled_from([None, b"", b"1"]))
    def put_blobs(self, put: list[Blob], drop: list[tuple[str, str]], expect: bytes | None) -> None:
        expected = ExpectedBlob("manifest", "0/0", expect)
        self.both(lambda store: store.put_blobs(ORG, put, drop=drop, expect=expected))

    @rule(prefixes=st.lists(st.sampled_from(["", "a", "b", "bob", "å"]), min_size=1, max_size=3))
    def look_up_words(self, prefixes: list[str]) -> None:
        self.both(lambda store: store.items_by_words(ORG, prefixes, 3))

    @rule(numbers=st.lists(st.integers(0, 30), max_size=8))
    def read(self, numbers: list[int]) -> None:
        low, high = min(numbers, default=0), max(numbers, default=0)
        tokens = [i.token for i in self.oracle.every_identity(ORG)][low : high + 1]
        sought = [version(n, None) for n in numbers]
        sought += [version(n + 100, None, type_="origin", owner=o) for n in numbers for o in range(1, 4)]
        keys = [(i.type, i.id or "", i.owner) for i in sought]
        self.both(lambda store: store.kept_at(ORG, numbers))
        self.both(lambda store: list(store.kept(ORG, low, high)))
        self.both(lambda store: store.seq_of(ORG, [UUID(int=n) for n in numbers]))
        self.both(lambda store: by_item(store.versions(ORG, numbers)))
        self.both(lambda store: by_item(store.owned(ORG, numbers)))
        self.both(lambda store: by_item(store.identities_of(ORG, tokens)))
        self.both(lambda store: by_item(store.identities(ORG, keys)))

    @invariant()
    def alike(self) -> None:
        """Both hold the same: every log whole, every word, every blob."""
        self.both(_contents)

    def teardown(self) -> None:
        for store in self.stores:
            store.close()


def _contents(store: Store) -> list[Any]:
    contents: list[Any] = []
    for org in store.orgs():
        head = store.head(org)
        contents += [org, head, list(store.kept(org, 0, head.size)), list(store.every_identity(org))]
        contents += [list(store.every_identity(org, past_index=True)), store.every_word(org)]
        contents += [sorted(store.vocabulary(org)), store.hints(org, range(1, 7))]
        contents += [list(store.ids(org)), [store.extent(org, below) for below in (None, 2, head.size)]]
        names = store.blob_names(org)
        contents += [names, [store.blob(org, *name) for name in names]]
        contents.append(sorted((blob.kind, blob.key, blob.content) for blob in store.every_blob(org)))
    return contents + [store.items_by_word(ORG, beginning) for beginning in ("", "a", "bob", "zz")]


class LogMachine(RuleBasedStateMachine):
    """Two logs through one history, with the same time and randomness, so that every byte must be equal."""

    pair: ClassVar[Pair]

    def __init__(self) -> None:
        super().__init__()
        self.stores = type(self).pair()
        self.clock = FrozenClock(START + timedelta(days=30))  # it may go back, yet never before an entry
        # Mine seals tiny segments; the oracle seals none, so that segments and tail are held against each other.
        self.logs = [
            new_log(store, ORG, clock=self.clock, sizes=sizes)
            for store, sizes in zip(self.stores, (TINY, DEFAULT_SIZES), strict=True)
        ]
        self.viewer = operator(ORG)
        self.known: list[NewEntry] = []
        self.opened = 1

    def both(self, ask: Callable[[Log], Any]) -> Any:
        """The answer of both, which must be one."""
        mine, oracle = [answer(lambda log=log: ask(log)) for log in self.logs]  # type: ignore[misc]
        assert mine == oracle
        return oracle

    def size(self) -> int:
        return self.stores[1].head(ORG).size

    @rule(entry=_ENTRIES)
    def record(self, entry: NewEntry) -> None:
        receipt, refused = self.both(lambda log: _comparable(log.record_each([entry])))[0]
        assert refused is None
        assert not receipt.replayed
        self.known.append(entry)

    @rule(entries=_BATCHES)
    def record_many(self, entries: list[NewEntry]) -> None:
        receipts = self.both(lambda log: log.record_many(entries))
        assert [r.id for r in receipts] == [e.id for e in entries]
        self.known += entries

    @rule(entries=_BATCHES, at=st.integers(0, 6))
    def poison(self, entries: list[NewEntry], at: int) -> None:
        """With one bad entry, nothing of an atomic batch; all the others of one that is not."""
        mixed, size = [*entries[:at], POISON, *entries[at:]], self.size()
        self.both(lambda log: log.record_many(mixed))
        assert self.size() == size
        results = self.both(lambda log: _comparable(log.record_each(mixed)))
        assert [code for _, code in results if code] == ["action-unknown"]
        self.known += entries

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def record_again(self, data: st.DataObject) -> None:
        entry, size = data.draw(st.sampled_from(self.known)), self.size()
        receipts = self.both(lambda log: log.record_many([entry, entry]))
        assert [r.replayed for r in receipts] == [True, True]
        assert self.size() == size

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def conflict(self, data: st.DataObject) -> None:
        entry, size = data.draw(st.sampled_from(self.known)), self.size()
        other = structs.replace(entry, occurred_at=entry.occurred_at - timedelta(microseconds=7))
        assert self.both(lambda log: _comparable(log.record_each([other]))) == [(None, "entry-conflict")]
        assert self.size() == size

    @rule(by=st.sampled_from([1, 60, 86_400, -1, -3600]))
    def move_clock(self, by: int) -> None:
        self.clock.move(timedelta(seconds=by))

    @rule(data=st.data(), order=st.sampled_from(["desc", "asc", "seq"]), limit=st.integers(1, 5))
    def search(self, data: st.DataObject, order: Order, limit: int) -> None:
        views = self.both(lambda log: list(log.views(Query(), viewer=self.viewer)))
        query = data.draw(queries(views, self.size(), hours=True))

        def page(log: Log, cursor: str | None) -> Any:
            return log.search(query, viewer=self.viewer, order=order, limit=limit, cursor=cursor, count=True)

        first = self.both(lambda log: page(log, None))
        if isinstance(first, tuple):  # hours of a person, refused by both
            return
        assert first.as_of <= self.size()
        self.both(lambda log: list(log.rows(query, viewer=self.viewer, order=order)))
        if first.next_cursor is not None:
            self.both(lambda log: page(log, first.next_cursor))

    @rule()
    def seal(self) -> None:
        self.logs[0].upkeep.seal()

    @rule()
    def reindex(self) -> None:
        self.logs[0].upkeep.reindex()
        assert self.logs[0].upkeep.check() == []

    @rule()
    def another_process(self) -> None:
        """Whoever opens the log now finds what is sealed, and goes on from there."""
        self.logs[0] = new_log(self.stores[0], ORG, clock=self.clock, seed=self.opened, sizes=TINY)
        self.logs[1] = new_log(self.stores[1], ORG, clock=self.clock, seed=self.opened)
        self.opened += 1

    @rule(data=st.data(), by=st.sampled_from(FACET_FIELDS), bucket=st.sampled_from(BUCKETS))
    def figures(self, data: st.DataObject, by: FacetField, bucket: Bucket) -> None:
        views = self.both(lambda log: list(log.views(Query(), viewer=self.viewer)))
        query = data.draw(queries(views, self.size(), hours=True))
        self.both(lambda log: log.facets(query, by, viewer=self.viewer, limit=3))
        self.both(lambda log: log.histogram(query, viewer=self.viewer, bucket=bucket))
        self.both(lambda log: log.histogram(query, viewer=self.viewer, by_category=True))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def related(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(self.known)).id
        assert id_ is not None
        self.both(lambda log: log.related(id_, viewer=self.viewer, limit=2))

    @rule(who=st.sampled_from(["a-1", "a-2"]))
    def erase(self, who: str) -> None:
        def erased(log: Log) -> Any:
            return log.erase(Item(type="user", id=who), actor=OPERATOR, origin=Origin(interface="cli")).seq

        self.both(erased)
        self.known = []  # what an erased person was part of is repeated without being compared

    @rule(kept_for=st.sampled_from(sorted(RETENTIONS)))
    def prune(self, kept_for: str) -> None:
        retention = Retention(kept_for=kept_for, before=self.clock())

        def pruned(log: Log) -> Any:
            return log.prune(retention, actor=OPERATOR, origin=Origin(interface="cli")).seq

        self.both(pruned)
        self.known = []

    @rule(q=st.sampled_from(["an", "be", "Åse", "li a", "a-1", "zz"]))
    def typeahead(self, q: str) -> None:
        self.both(lambda log: log.items(q, viewer=self.viewer))
        self.both(lambda log: log.items(q, viewer=self.viewer, role="concerns", type_="user", limit=1))

    @invariant()
    def whole(self) -> None:
        """The same bytes in both, and the tree that those bytes make."""
        mine, oracle = (list(store.kept(ORG, 0, store.head(ORG).size)) for store in self.stores)
        assert mine == oracle
        assert self.stores[0].head(ORG) == self.stores[1].head(ORG)
        assert [tree_faults(store, ORG) for store in self.stores] == [[], []]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()


def _comparable(results: Sequence[Result]) -> list[tuple[Any, str | None]]:
    """Of each entry its receipt, or the code of its refusal."""
    return [(r.receipt, None if r.refused is None else r.refused.code) for r in results]
