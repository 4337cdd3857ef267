"""The suite every `Inspection` passes: subclass the class and give the fixture `engine`, or `inspected` itself.

Owns what is promised to whoever verifies: all that is there. It is filled through the other parts of the same store.
"""

from hashlib import sha256
from threading import Thread
from uuid import UUID

import pytest

from trailbook.stores import Blob, Head, Store
from trailbook.testing.engines import ORG, OTHER, Engine, batch, filled, row, version


class InspectionConformance:
    """What an `Inspection` promises; the fixture `inspected` gives an empty store."""

    @pytest.fixture
    def inspected(self, engine: Engine) -> Store:
        """The store under test, with two empty logs."""
        for org in (ORG, OTHER):
            engine.store.create(org)
        return engine.store

    def test_an_empty_log_holds_nothing(self, inspected: Store) -> None:
        assert list(inspected.every_identity(ORG)) == []
        assert list(inspected.ids(ORG)) == []
        assert inspected.every_word(ORG) == []
        assert list(inspected.every_blob(ORG)) == []
        assert inspected.extent(ORG) == 0

    def test_every_identity_in_the_order_they_came(self, inspected: Store) -> None:
        """By the index and past it."""
        grown = [version(2, "Bob"), version(1, "Anna Berg"), version(3, "Mozilla", type_="origin", owner=1)]
        later = version(2, "Robert")
        inspected.append(ORG, Head(), batch(Head(), identities=grown))
        head = inspected.head(ORG)
        inspected.append(ORG, head, batch(head, identities=[later]))
        assert list(inspected.every_identity(ORG)) == [*grown, later]
        assert list(inspected.every_identity(ORG, past_index=True)) == [*grown, later]
        assert list(inspected.every_identity(OTHER)) == []

    def test_what_is_read_together_is_of_one_moment(self, inspected: Store) -> None:
        """Whatever is recorded meanwhile is seen afterwards."""
        filled(inspected, 5)
        writer = Thread(target=filled, args=(inspected, 3))
        with inspected.still(ORG):
            assert inspected.head(ORG).size == 5
            writer.start()
            writer.join(0.1)  # an engine may let it wait
            assert len(list(inspected.ids(ORG))) == inspected.extent(ORG) == 5
        writer.join()
        assert inspected.extent(ORG) == 8

    def test_every_id_in_its_own_order_removed_ones_too(self, inspected: Store) -> None:
        inspected.append(ORG, Head(), batch(Head(), [row(9), row(3), row(2**100)]))
        head = inspected.head(ORG)
        inspected.remove(
            ORG, head, batch(head, [row(5)], removed=1), leaves={1: sha256(b"").digest()}, sweep=[]
        )
        ids = [(3, 1), (5, 3), (9, 0), (2**100, 2)]
        assert list(inspected.ids(ORG)) == [(UUID(int=id_).bytes, seq) for id_, seq in ids]
        assert list(inspected.ids(OTHER)) == []

    def test_every_word_sorted(self, inspected: Store) -> None:
        words = [("bob", 2), ("anna", 1), ("anna", 3), ("李娜", 5), ("anna", 1)]
        inspected.append(ORG, Head(), batch(Head(), words=words))
        assert inspected.every_word(ORG) == [("anna", 1), ("anna", 3), ("bob", 2), ("李娜", 5)]
        assert inspected.every_word(OTHER) == []

    def test_every_blob_is_what_its_name_gives(self, inspected: Store) -> None:
        """A thousand: more than an engine reads at a time."""
        blobs = [Blob("tile", f"0/{at}", b"%d" % at) for at in range(1000)]
        inspected.append(ORG, Head(), batch(Head(), blobs=blobs))
        inspected.put_blob(ORG, Blob("tile", "0/7", b"new"))
        every = {(b.kind, b.key): b.content for b in inspected.every_blob(ORG)}
        assert len(every) == len(list(inspected.every_blob(ORG))) == 1000
        assert every["tile", "0/7"] == b"new"
        assert sorted(every) == inspected.blob_names(ORG)
        assert list(inspected.every_blob(OTHER)) == []

    def test_how_far_rows_reach(self, inspected: Store) -> None:
        """Below a bound too, and whatever another organisation has."""
        filled(inspected, 5)
        filled(inspected, 9, OTHER)
        assert [inspected.extent(ORG, below) for below in (None, 0, 3, 5, 99)] == [5, 0, 3, 5, 5]
        head = inspected.head(ORG)
        inspected.remove(ORG, head, batch(head, removed=1), leaves={4: sha256(b"").digest()}, sweep=[])
        assert inspected.extent(ORG) == 5

    def test_nothing_is_wrong_with_what_is_whole(self, inspected: Store) -> None:
        filled(inspected, 5)
        assert inspected.faults() == []
