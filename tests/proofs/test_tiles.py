"""Tiles out of a store: whole ones as they are kept, others from the rows beneath; and the names of epochs."""

import pytest
from msgspec import structs

from trailbook.errors import DamagedError
from trailbook.proofs import Edge, epoch_of, frontier, origin_of
from trailbook.proofs.tiles import hashes, kind_of, leaves, prove, root_at, tile, tile_root
from trailbook.stores import Blob, MemoryStore
from trailbook.testing import FrozenClock, new_log
from trailbook.testing.small import ORG, grow
from trailbook.testing.trees import head_root, naive_root
from trailbook.tree import HASH, TILE, frontier_root, inclusion_plan, leaf_hash, verify_inclusion

SIZE = 2 * TILE + 44


@pytest.fixture
def store() -> MemoryStore:
    """A log of two whole tiles and a part of a third."""
    store, clock = MemoryStore(), FrozenClock()
    grow(new_log(store, ORG, clock=clock), clock, SIZE)
    return store


def hashed(store: MemoryStore) -> list[bytes]:
    return [leaf_hash(row.body or b"") for row in store.kept(ORG, 0, SIZE)]


def test_leaves_are_hashed_anew_and_a_missing_row_is_damage(store: MemoryStore) -> None:
    """Where retention took the body, its leaf hash stands for it."""
    expected = hashed(store)
    assert leaves(store, ORG, 5, 300) == expected[5:300]
    rows = store._log(ORG).rows
    rows[7] = structs.replace(rows[7], body=None, leaf=expected[7])
    assert leaves(store, ORG, 0, SIZE) == expected
    with pytest.raises(DamagedError, match=f"1 rows are missing between seq {SIZE - 3} and {SIZE}"):
        leaves(store, ORG, SIZE - 3, SIZE + 1)


def test_a_kept_tile_is_read_whole_or_not_at_all(store: MemoryStore) -> None:
    expected = hashed(store)
    assert hashes(store, ORG, 0, 1) == expected[TILE : 2 * TILE]
    assert tile_root(store, ORG, 0, 1) == naive_root(expected[TILE : 2 * TILE])
    store.put_blob(ORG, Blob("tile", "0/1", b"".join(expected[TILE : 2 * TILE])[:-1]))
    for index in (1, 2):  # cut, and never kept
        with pytest.raises(DamagedError, match=f"tile 0/{index} is not kept whole"):
            hashes(store, ORG, 0, index)


@pytest.mark.parametrize("width", [1, 43, 44])
def test_an_incomplete_tile_is_made_of_what_lies_beneath(store: MemoryStore, width: int) -> None:
    expected = hashed(store)
    assert tile(store, ORG, 0, 2, width) == b"".join(expected[2 * TILE : 2 * TILE + width])
    roots = [naive_root(expected[at * TILE : (at + 1) * TILE]) for at in range(2)]
    assert tile(store, ORG, 1, 0, 2) == b"".join(roots)


def test_only_an_edge_remembers(store: MemoryStore) -> None:
    """With one, what was hashed is not hashed again; without, every row is read again."""
    edge: Edge = {}
    first = tile(store, ORG, 0, 2, 10, edge)
    assert edge == {(0, 2): first}
    rows = store._log(ORG).rows
    rows[2 * TILE] = structs.replace(rows[2 * TILE], body=b"{}")
    assert tile(store, ORG, 0, 2, 44, edge)[: 10 * HASH] == first
    assert tile(store, ORG, 0, 2, 10) != first


def test_an_edge_forgets_what_became_whole(store: MemoryStore) -> None:
    edge: Edge = {(0, 1): b"stale"}
    assert tile(store, ORG, 0, 1, TILE, edge) == b"".join(hashed(store)[TILE : 2 * TILE])
    assert edge == {}


@pytest.mark.parametrize("size", [0, 1, TILE, TILE + 1, SIZE])
def test_the_root_at_any_size_is_that_of_the_tree(store: MemoryStore, size: int) -> None:
    assert root_at(store, ORG, size) == naive_root(hashed(store)[:size])


@pytest.mark.parametrize("seq", [0, TILE - 1, TILE, SIZE - 1])
def test_a_proof_leads_to_the_root(store: MemoryStore, seq: int) -> None:
    leaf, root = hashed(store)[seq], head_root(store.head(ORG))
    proof = prove(store, ORG, inclusion_plan(seq, SIZE), SIZE)
    assert verify_inclusion(leaf, proof, index=seq, size=SIZE, root=root) == root


def test_the_frontier_is_that_of_the_head_or_damage(store: MemoryStore) -> None:
    head = store.head(ORG)
    assert frontier_root(frontier(store, ORG, head)) == head_root(head)
    rows = store._log(ORG).rows
    rows[-1] = structs.replace(rows[-1], body=b"{}")
    with pytest.raises(DamagedError, match="is not the one of the log's head"):
        frontier(store, ORG, head)


def test_each_epoch_has_an_origin_and_blobs_of_its_own(store: MemoryStore) -> None:
    assert epoch_of(store, ORG) == ""
    assert origin_of(store, ORG, "log.example") == "log.example/acme"
    assert kind_of(store, ORG, "checkpoint") == "checkpoint"
    store.put_blob(ORG, Blob("epoch", "latest", b"2"))
    assert epoch_of(store, ORG) == "2"
    assert origin_of(store, ORG, "log.example") == "log.example/acme/2"
    assert kind_of(store, ORG, "checkpoint") == "checkpoint/2"
