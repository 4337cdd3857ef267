"""The suite every `Store` passes: subclass the classes and give the fixture `engine`.

    class TestMine(StoreConformance, DurableConformance):
        @pytest.fixture
        def engine(self, tmp_path):
            ...
            yield Engine(store, registry)

Owns what the protocols promise, in examples; `machines` holds random histories against the memory store.
Asks for a capability (`Durable`: a second opening over the same content), never for an engine's name.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from uuid import UUID

import pytest
from msgspec import Struct, structs

from trailbook.errors import HeadMovedError, NotFoundError, StoreError
from trailbook.stores import (
    ApiKey,
    Append,
    Blob,
    ExpectedBlob,
    Head,
    Identity,
    NewRow,
    Registry,
    Store,
    StoredEntry,
)
from trailbook.testing.steady import Steady

ORG, OTHER = "acme", "other"


class Engine(Struct, frozen=True):
    """An engine under test; `again` opens the same content a second time, as another process would."""

    store: Store
    registry: Registry
    again: Callable[[], tuple[Store, Registry]] | None = None


def row(number: int) -> NewRow:
    """The entry of a number: its id and a body, not looked into."""
    return NewRow(UUID(int=number), b"body %d \x00\xff" % number)


def version(item: int, name: str | None, *, type_: str = "user", owner: int | None = None) -> Identity:
    """A version of an item; its token follows from item, type and name."""
    digest = sha256(f"{item}/{type_}/{name}/{owner}".encode()).hexdigest()
    ident = f"192.0.2.{item}" if type_ == "origin" else f"u/{item}"
    return Identity(
        item=item, token=digest[:32], type=type_, id=ident, name=name, salt=Steady(item)(16), owner=owner
    )


def batch(
    head: Head,
    rows: Sequence[NewRow] = (),
    *,
    identities: Sequence[Identity] = (),
    words: Sequence[tuple[str, int]] = (),
    blobs: Sequence[Blob] = (),
    removed: int = 0,
) -> Append:
    """What a commit adds to a log that ends at `head`."""
    size = head.size + len(rows)
    new = Head(
        size=size,
        range=(sha256(b"%d" % size).digest(), sha256(b"right").digest()) if size else (),
        recorded_at=head.recorded_at + 1,
        items=max([head.items, *(i.item for i in identities)]),
        removed=head.removed + removed,
    )
    return Append(rows=rows, identities=identities, words=words, blobs=blobs, head=new)


def filled(store: Store, count: int, org: str = ORG) -> Head:
    """A log of `count` entries, begun when it is not there."""
    store.create(org)
    head = store.head(org)
    adding = batch(head, [row(head.size + at) for at in range(count)])
    store.append(org, head, adding)
    return adding.head


def everything(store: Store, org: str = ORG) -> list[StoredEntry]:
    """Every row of a log, in order."""
    return list(store.kept(org, 0, store.head(org).size))


class StoreConformance:
    """What a `Store` promises; the fixture `engine` gives an empty one."""

    @pytest.fixture
    def store(self, engine: Engine) -> Store:
        """The store under test."""
        return engine.store

    def test_begins_empty(self, store: Store) -> None:
        assert store.orgs() == []
        store.create(ORG)
        store.create(ORG)
        assert store.orgs() == [ORG]
        assert store.head(ORG) == Head()
        assert everything(store) == []

    def test_unknown_organisation(self, store: Store) -> None:
        with pytest.raises(NotFoundError):
            store.head(ORG)
        with pytest.raises(NotFoundError):
            store.append(ORG, Head(), batch(Head(), [row(0)]))
        store.create(ORG)
        store.append(ORG, Head(), batch(Head(), [row(0)]))

    def test_keeps_bodies_verbatim_and_in_order(self, store: Store) -> None:
        head = filled(store, 5)
        assert store.head(ORG) == head
        assert everything(store) == [StoredEntry(at, row(at).body) for at in range(5)]
        assert list(store.kept(ORG, 1, 3)) == [StoredEntry(1, row(1).body), StoredEntry(2, row(2).body)]
        assert [k.seq for k in store.kept(ORG, 3, 99)] == [3, 4]

    def test_rows_at_seqs_come_in_the_order_asked(self, store: Store) -> None:
        filled(store, 5)
        assert [k.seq for k in store.kept_at(ORG, [4, 0, 9, 2])] == [4, 0, 2]

    def test_many_rows(self, store: Store) -> None:
        filled(store, 9000)
        assert [k.seq for k in store.kept(ORG, 0, 9000)] == list(range(9000))
        assert [k.seq for k in store.kept(ORG, 4090, 8200)] == list(range(4090, 8200))

    def test_seq_of_ids(self, store: Store) -> None:
        filled(store, 3)
        ids = [UUID(int=at) for at in (2, 0, 77)]
        assert store.seq_of(ORG, ids) == {UUID(int=2): 2, UUID(int=0): 0}

    def test_append_only_to_the_expected_head(self, store: Store) -> None:
        head = filled(store, 2)
        late = batch(Head(), [row(7)], identities=[version(1, "late")], words=[("late", 1)])
        wrong = (Head(), structs.replace(head, removed=1), structs.replace(head, recorded_at=99))
        for expected in wrong:
            with pytest.raises(HeadMovedError):
                store.append(ORG, expected, late)
        assert store.head(ORG) == head
        assert store.seq_of(ORG, [UUID(int=7)]) == {}
        assert list(store.every_identity(ORG)) == []
        assert store.items_by_word(ORG, "late") == set()
        store.append(ORG, head, batch(head, [row(7)]))

    def test_whoever_holds_is_not_overtaken(self, store: Store) -> None:
        """Who appends meanwhile waits, and finds the head moved; without holding, the other one is first."""
        head = filled(store, 2)

        def overtaking(number: int, expected: Head) -> threading.Thread:
            def append() -> None:
                with suppress(HeadMovedError):
                    store.append(ORG, expected, batch(expected, [row(number)]))

            thread = threading.Thread(target=append)
            thread.start()
            thread.join(0.2)
            return thread

        with store.holding():
            thread = overtaking(7, head)
            assert thread.is_alive()
            store.append(ORG, store.head(ORG), batch(head, [row(5)]))
        thread.join()
        assert store.seq_of(ORG, [UUID(int=5), UUID(int=7)]) == {UUID(int=5): 2}
        now = store.head(ORG)
        overtaking(8, now).join()
        with pytest.raises(HeadMovedError):
            store.append(ORG, now, batch(now, [row(9)]))

    def test_an_id_is_in_a_log_once(self, store: Store) -> None:
        """The last line of defence against a double; all of the batch is refused."""
        head = filled(store, 2)
        for rows in ([row(5), row(1)], [row(5), row(5)]):
            with pytest.raises(StoreError):
                store.append(ORG, head, batch(head, rows, blobs=[Blob("tile", "0/0", b"x")]))
        assert store.head(ORG) == head
        assert len(everything(store)) == 2
        assert store.blob(ORG, "tile", "0/0") is None
        store.append(ORG, head, batch(head, [row(5)]))

    def test_organisations_are_apart(self, store: Store) -> None:
        filled(store, 3)
        filled(store, 1, OTHER)
        head = store.head(OTHER)
        only = [version(1, "Anna")]
        adding = batch(head, identities=only, words=[("anna", 1)], blobs=[Blob("tile", "0/0", b"x")])
        store.append(OTHER, head, adding)
        assert store.orgs() == [ORG, OTHER]
        assert store.head(ORG).size == 3
        assert everything(store, OTHER) == [StoredEntry(0, row(0).body)]
        assert list(store.every_identity(ORG)) == []
        assert store.identities_of(ORG, [only[0].token]) == []
        assert store.items_by_word(ORG, "a") == set()
        assert store.blob(ORG, "tile", "0/0") is None
        assert store.identities_of(OTHER, [only[0].token]) == only

    def test_identities(self, store: Store) -> None:
        store.create(ORG)
        anna, hansen, bob = version(1, "Anna Berg"), version(1, "Anna Hansen"), version(2, None)
        v4 = version(3, "Mozilla", type_="origin", owner=1)
        elsewhere = structs.replace(version(4, None, type_="origin", owner=2), id=v4.id)
        v6 = structs.replace(version(5, None, type_="origin", owner=1), id="2001:db8::1/64")
        grown = [anna, bob, v4, elsewhere, v6, hansen]
        store.append(ORG, Head(), batch(Head(), identities=grown))
        assert list(store.every_identity(ORG)) == grown
        assert store.identities(ORG, [("user", "u/1", None)]) == [anna, hansen]
        assert store.identities(ORG, [("user", "u/9", None), ("role", "u/1", None)]) == []
        assert store.identities(ORG, [("origin", v4.id or "", 1)]) == [v4]
        assert store.identities(ORG, [("origin", v6.id or "", 1)]) == [v6]
        assert store.identities_of(ORG, [hansen.token, hansen.token]) == [hansen]
        assert store.versions(ORG, [1]) == [anna, hansen]
        assert {i.token for i in store.versions(ORG, [1, 2, 1])} == {anna.token, hansen.token, bob.token}
        assert len(store.versions(ORG, [1, 2, 1])) == 3
        assert store.owned(ORG, [1]) == [v4, v6]

    def test_words(self, store: Store) -> None:
        store.create(ORG)
        words = [("anna", 1), ("ann", 2), ("bob", 2), ("anna", 1), ("annz", 3), ("ao", 4), ("李娜", 5)]
        store.append(ORG, Head(), batch(Head(), words=words))
        items = {q: store.items_by_word(ORG, q) for q in ("ann", "anna", "annax", "b", "李", "%", "a_")}
        assert items == {
            "ann": {1, 2, 3}, "anna": {1}, "annax": set(), "b": {2}, "李": {5}, "%": set(), "a_": set(),
        }  # fmt: skip

    def test_blobs(self, store: Store) -> None:
        store.create(ORG)
        store.append(ORG, Head(), batch(Head(), blobs=[Blob("tile", "0/0", b"\x00\xff")]))
        store.put_blob(ORG, Blob("manifest", "0/0", b""))
        assert store.blob(ORG, "tile", "0/0") == b"\x00\xff"
        assert store.blob(ORG, "manifest", "0/0") == b""
        assert store.blob(ORG, "tile", "0/1") is None
        store.put_blob(ORG, Blob("tile", "0/0", b"new"))
        assert store.blob(ORG, "tile", "0/0") == b"new"

    def test_blobs_together_or_not_at_all(self, store: Store) -> None:
        """Whoever saw another blob than there is by now changes nothing."""
        store.create(ORG)
        store.put_blob(ORG, Blob("tile", "0/0", b"old"))
        list_, first = Blob("index", "list", b"1"), ExpectedBlob("index", "list", None)
        store.put_blobs(
            ORG, [list_, Blob("index", "a", b"")], drop=[("tile", "0/0"), ("none", "0")], expect=first
        )
        assert store.blob_names(ORG) == [("index", "a"), ("index", "list")]
        for wrong in (first, ExpectedBlob("index", "list", b"2"), ExpectedBlob("index", "b", b"")):
            with pytest.raises(HeadMovedError):
                store.put_blobs(ORG, [Blob("index", "b", b"")], drop=[("index", "a")], expect=wrong)
        assert sorted(store.every_blob(ORG), key=lambda b: b.key) == [Blob("index", "a", b""), list_]
        store.put_blobs(ORG, [Blob("index", "list", b"2")], expect=ExpectedBlob("index", "list", b"1"))
        assert store.blob(ORG, "index", "list") == b"2"

    def test_erase_leaves_stubs(self, store: Store) -> None:
        """What names the item goes, in the commit that says so; the rest stays."""
        store.create(ORG)
        anna, hansen, bob = version(1, "Anna Berg"), version(1, "Anna Hansen"), version(2, "Bob")
        mine = version(3, "Mozilla", type_="origin", owner=1)
        words = [("anna", 1), ("berg", 1), ("bob", 2)]
        store.append(ORG, Head(), batch(Head(), [row(0)], identities=[anna, bob, mine, hansen], words=words))
        head = store.head(ORG)
        with pytest.raises(HeadMovedError):
            store.erase(ORG, Head(), batch(Head(), [row(1)]), [1, 3])
        assert store.versions(ORG, [1]) == [anna, hansen]
        store.erase(ORG, head, batch(head, [row(1)]), [1, 3])
        gone = [structs.replace(i, id=None, name=None, salt=None) for i in (anna, mine, hansen)]
        assert list(store.every_identity(ORG)) == [gone[0], bob, gone[1], gone[2]]
        assert store.identities(ORG, [("user", "u/1", None)]) == []
        assert store.identities_of(ORG, [anna.token]) == [gone[0]]
        assert store.owned(ORG, [1]) == [gone[1]]
        assert (store.items_by_word(ORG, "anna"), store.items_by_word(ORG, "bob")) == (set(), {2})
        assert everything(store) == [StoredEntry(0, row(0).body), StoredEntry(1, row(1).body)]

    def test_remove_leaves_leaves(self, store: Store) -> None:
        store.create(ORG)
        anna, bob = version(1, "Anna"), version(2, "Bob")
        first = batch(Head(), [row(0), row(1)], identities=[anna, bob], words=[("anna", 1), ("bob", 2)])
        store.append(ORG, Head(), first)
        head, leaf = first.head, sha256(b"leaf").digest()
        with pytest.raises(HeadMovedError):
            store.remove(ORG, Head(), batch(Head(), [row(2)]), {0: leaf}, [anna.token])
        assert len(list(store.every_identity(ORG))) == 2
        store.remove(ORG, head, batch(head, [row(2)], removed=1), {0: leaf}, [anna.token])
        assert everything(store) == [
            StoredEntry(0, None, leaf),
            StoredEntry(1, row(1).body),
            StoredEntry(2, row(2).body),
        ]
        assert store.seq_of(ORG, [UUID(int=0)]) == {UUID(int=0): 0}
        assert list(store.every_identity(ORG)) == [bob]
        assert (store.items_by_word(ORG, "anna"), store.items_by_word(ORG, "bob")) == (set(), {2})
        assert store.head(ORG).removed == 1

    def test_many_appenders(self, store: Store) -> None:
        """Whoever read an old head begins again; every entry once, no gap."""
        store.create(ORG)
        acknowledged: list[UUID] = []

        def add(worker: int) -> None:
            for at in range(20):
                entry, done = row(worker * 1000 + at), False
                while not done:
                    head = store.head(ORG)
                    try:
                        store.append(ORG, head, batch(head, [entry]))
                        done = True
                    except HeadMovedError:
                        continue
                acknowledged.append(entry.id)

        workers = [threading.Thread(target=add, args=(number,)) for number in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert store.head(ORG).size == 80
        assert [k.seq for k in everything(store)] == list(range(80))
        assert sorted(store.seq_of(ORG, acknowledged).values()) == list(range(80))

    def test_readers_see_whole_commits(self, store: Store) -> None:
        """What a head says is there, is there: rows, ids and identities of the same commit."""
        store.create(ORG)
        torn: list[int] = []
        over = threading.Event()

        def read() -> None:
            while not over.is_set():
                size = store.head(ORG).size
                rows = len(list(store.kept(ORG, 0, size)))
                items = len(store.versions(ORG, range(1, size + 1)))
                if rows != size or items != size:
                    torn.append(size)

        reader = threading.Thread(target=read)
        reader.start()
        for at in range(40):
            head = store.head(ORG)
            store.append(ORG, head, batch(head, [row(at)], identities=[version(at + 1, "x")]))
        over.set()
        reader.join()
        assert torn == []

    def test_close_twice(self, store: Store) -> None:
        store.close()
        store.close()


def a_key(number: int = 1, org: str = ORG) -> ApiKey:
    """The API key of a number."""
    return ApiKey(
        id=f"k-{number}",
        org=org,
        name="HR system",
        scopes=("record", "read"),
        secret_hash=sha256(b"%d" % number).digest(),
        created_at=100 - number,
        expires_at=2**53,
    )


class DurableConformance:
    """Capability: what one opening acknowledged, a second one finds, while the first is still open and after."""

    def test_another_opening_sees_it_at_once(self, engine: Engine) -> None:
        assert engine.again is not None, "the engine has no second opening; leave this class out"
        store, (other, _) = engine.store, engine.again()
        head = filled(store, 3)
        assert other.head(ORG) == head
        assert everything(other) == everything(store)
        other.append(ORG, head, batch(head, [row(10)], identities=[version(1, "Anna")]))
        assert store.versions(ORG, [1]) == [version(1, "Anna")]
        with pytest.raises(HeadMovedError):
            store.append(ORG, head, batch(head, [row(11)]))
        other.close()

    def test_closed_and_opened_again(self, engine: Engine) -> None:
        assert engine.again is not None
        head = filled(engine.store, 3)
        engine.registry.add_key(a_key())
        engine.store.close()
        store, registry = engine.again()
        assert store.head(ORG) == head
        assert len(everything(store)) == 3
        assert registry.key("k-1") == a_key()
        store.close()
