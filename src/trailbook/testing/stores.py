"""The suite every `Store` passes: subclass the classes and give the fixture `engine`.

    class TestMine(StoreConformance, DurableConformance):
        @pytest.fixture
        def engine(self, tmp_path):
            ...
            yield Engine(store, registry)

Owns what the parts of a store promise together, in examples; each part's own suite stands beside this, and `machines`
holds random histories against the memory store. Asks for a capability (`Durable`: a second opening over the same
content), never for an engine's name.
"""

import threading
from hashlib import sha256
from uuid import UUID

import pytest
from msgspec import structs

from trailbook.errors import HeadMovedError, NotFoundError, StoreError
from trailbook.stores import Append, Blob, Head, Store, StoredEntry
from trailbook.testing.blobs import BlobsConformance
from trailbook.testing.directories import DirectoryConformance
from trailbook.testing.engines import ORG, Engine, batch, everything, filled, row, version
from trailbook.testing.inspections import InspectionConformance
from trailbook.testing.ledgers import LedgerConformance
from trailbook.testing.registries import a_key


class StoreConformance(LedgerConformance, DirectoryConformance, BlobsConformance, InspectionConformance):
    """What a `Store` promises: each of its parts, and that a commit is whole in all of them."""

    @pytest.fixture
    def store(self, engine: Engine) -> Store:
        """The store under test, empty."""
        return engine.store

    def test_a_refused_commit_leaves_nothing(self, store: Store) -> None:
        """Neither one that came late nor one whose id is in the log; the same on the right head leaves all of it."""
        head = filled(store, 2)
        blobs = [Blob("tile", "0/0", b"x")]

        def late(head: Head, number: int) -> Append:
            return batch(
                head, [row(number)], identities=[version(1, "late")], words=[("late", 1)], blobs=blobs
            )

        def left() -> tuple[object, ...]:
            words = store.items_by_word(ORG, "late")
            return len(list(store.every_identity(ORG))), words, store.blob(ORG, "tile", "0/0")

        with pytest.raises(HeadMovedError):
            store.append(ORG, Head(), late(Head(), 7))
        with pytest.raises(StoreError):
            store.append(ORG, head, late(head, 1))
        assert (store.head(ORG), left()) == (head, (0, set(), None))
        store.append(ORG, head, late(head, 7))
        assert left() == (1, {1}, b"x")

    def test_an_organisation_that_was_not_begun_has_no_parts(self, store: Store) -> None:
        for ask in (
            lambda: store.versions(ORG, [1]),
            lambda: store.blob(ORG, "tile", "0/0"),
            lambda: store.put_blob(ORG, Blob("tile", "0/0", b"")),
            lambda: store.every_word(ORG),
        ):
            with pytest.raises(NotFoundError):
                ask()
        store.create(ORG)
        assert store.versions(ORG, [1]) == []

    def test_erase_leaves_stubs(self, store: Store) -> None:
        """What names the item goes, in the commit that says so; the rest stays."""
        store.create(ORG)
        anna, hansen, bob = version(1, "Anna Berg"), version(1, "Anna Hansen"), version(2, "Bob")
        mine = version(3, "Mozilla", type_="origin", owner=1)
        words = [("anna", 1), ("berg", 1), ("bob", 2)]
        store.append(ORG, Head(), batch(Head(), [row(0)], identities=[anna, bob, mine, hansen], words=words))
        head = store.head(ORG)
        with pytest.raises(HeadMovedError):
            store.erase(ORG, Head(), batch(Head(), [row(1)]), items=[1, 3])
        assert store.versions(ORG, [1]) == [anna, hansen]
        store.erase(ORG, head, batch(head, [row(1)]), items=[1, 3])
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
            store.remove(ORG, Head(), batch(Head(), [row(2)]), leaves={0: leaf}, sweep=[anna.token])
        assert len(list(store.every_identity(ORG))) == 2
        store.remove(ORG, head, batch(head, [row(2)], removed=1), leaves={0: leaf}, sweep=[anna.token])
        assert everything(store) == [
            StoredEntry(0, None, leaf),
            StoredEntry(1, row(1).body),
            StoredEntry(2, row(2).body),
        ]
        assert store.seq_of(ORG, [UUID(int=0)]) == {UUID(int=0): 0}
        assert list(store.every_identity(ORG)) == [bob]
        assert (store.items_by_word(ORG, "anna"), store.items_by_word(ORG, "bob")) == (set(), {2})
        assert store.head(ORG).removed == 1

    def test_remove_forgets_words_of_names_that_went(self, store: Store) -> None:
        """An item with another name left is found by that one; the words of the name that went find nobody."""
        store.create(ORG)
        before, now = version(1, "Anna Li"), version(1, "Anna Berg")
        known = [("anna", 1), ("li", 1), ("berg", 1)]
        first = batch(Head(), [row(0)], identities=[before, now], words=known)
        store.append(ORG, Head(), first)
        removing = batch(first.head, [row(1)], removed=1)
        leaves = {0: sha256(b"leaf").digest()}
        store.remove(ORG, first.head, removing, leaves=leaves, sweep=[before.token], forget=[("li", 1)])
        assert store.every_word(ORG) == [("anna", 1), ("berg", 1)]

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
        engine.registry.keys.add(a_key())
        engine.store.close()
        store, registry = engine.again()
        assert store.head(ORG) == head
        assert len(everything(store)) == 3
        assert registry.keys.get("k-1") == a_key()
        store.close()
