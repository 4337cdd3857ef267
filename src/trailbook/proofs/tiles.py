"""Tiles of a stored log: complete ones as they are kept, incomplete ones computed from the rows beneath.

Owns reading the tree out of a store, and the origin under which its head is signed. Refuses to write.
"""

from trailbook.errors import DamagedError
from trailbook.stores import Blobs, Head, Ledger, TreeStore
from trailbook.tree import (
    HASH,
    TILE,
    Frontier,
    NodePlan,
    compact_range,
    leaf_hash,
    proof_hashes,
    restore_frontier,
    root_of,
    root_plan,
    subtree_root,
)

Edge = dict[tuple[int, int], bytes]  # incomplete tiles as far as they were computed, by level and index


def leaves(store: Ledger, org: str, start: int, stop: int) -> list[bytes]:
    """Leaf hashes of rows start <= seq < stop, hashed anew where the body is kept.

    Raises: DamagedError when a row is missing.
    """
    hashed = [
        leaf_hash(row.body) if row.body is not None else row.leaf or b""
        for row in store.kept(org, start, stop)
    ]
    if len(hashed) != stop - start:
        raise DamagedError(
            f"{stop - start - len(hashed)} rows are missing between seq {start} and {stop - 1}"
        )
    return hashed


def hashes(store: Blobs, org: str, level: int, index: int) -> list[bytes]:
    """The 256 hashes of a complete kept tile. Raises: DamagedError when it is not kept whole."""
    content = store.blob(org, "tile", f"{level}/{index}") or b""
    if len(content) != TILE * HASH:
        raise DamagedError(f"tile {level}/{index} is not kept whole")
    return [content[at : at + HASH] for at in range(0, len(content), HASH)]


def tile_root(store: Blobs, org: str, level: int, index: int) -> bytes:
    """The root over a complete kept tile. Raises: DamagedError."""
    return subtree_root(hashes(store, org, level, index))


def frontier(store: TreeStore, org: str, head: Head) -> Frontier:
    """The frontier of a stored log, from its last rows and its tiles. Raises: StoreError, DamagedError."""
    last = leaves(store, org, head.size - head.size % TILE, head.size)
    restored = restore_frontier(head.size, last, lambda level, index: tile_root(store, org, level, index))
    if compact_range(restored) != head.range:
        raise DamagedError("the tree over the stored entries is not the one of the log's head")
    return restored


def tile(store: TreeStore, org: str, level: int, index: int, width: int, edge: Edge | None = None) -> bytes:
    """The first `width` hashes of a tile, joined; an incomplete tile is computed, on from what `edge` remembers.

    Only proofs may remember: whoever signs or verifies computes every hash anew. Raises: DamagedError.
    """
    edge = {} if edge is None else edge
    if store.blob(org, "tile", f"{level}/{index}") is not None:
        edge.pop((level, index), None)
        return b"".join(hashes(store, org, level, index)[:width])
    joined = edge.get((level, index), b"")
    first, stop = index * TILE + len(joined) // HASH, index * TILE + width
    if first < stop:
        below = (tile_root(store, org, level - 1, at) for at in range(first, stop))
        joined += b"".join(below if level else leaves(store, org, first, stop))
        edge[level, index] = joined
    return joined[: width * HASH]


def prove(
    store: TreeStore, org: str, plan: NodePlan, size: int, edge: Edge | None = None
) -> tuple[bytes, ...]:
    """The hashes of a planned proof in the stored tree at `size`. Raises: DamagedError, ProofInvalidError."""
    return proof_hashes(plan, size, lambda level, index, width: tile(store, org, level, index, width, edge))


def root_at(store: TreeStore, org: str, size: int) -> bytes:
    """The root of the stored tree as it was at `size`. Raises: DamagedError."""
    return root_of(prove(store, org, root_plan(size), size)) if size else root_of(())


def epoch_of(store: Blobs, org: str) -> str:
    """The epoch of a log that was restarted, or nothing."""
    return (store.blob(org, "epoch", "latest") or b"").decode()


def origin_of(store: Blobs, org: str, origin: str) -> str:
    """The origin of an organisation's checkpoints: `<deployment origin>/<organisation>[/<epoch>]`."""
    return "/".join(part for part in (origin, org, epoch_of(store, org)) if part)


def kind_of(store: Blobs, org: str, kind: str) -> str:
    """The kind under which an epoch's `checkpoint` or `anchor` blobs are kept: each epoch's apart."""
    epoch = epoch_of(store, org)
    return f"{kind}/{epoch}" if epoch else kind
