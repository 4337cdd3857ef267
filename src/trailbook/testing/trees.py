"""The tree of a stored log, recomputed the slow way from its bodies.

Owns a second, naive reading of RFC 9162 that shares no code with `tree/merkle.py`. Refuses to repair.
"""

from collections.abc import Sequence
from hashlib import sha256

from trailbook.stores import Head, TreeStore

_TILE = 256


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH over leaf hashes, as RFC 9162 section 2.1.1 writes it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def head_root(head: Head) -> bytes:
    """The root that a head's compact range makes."""
    root = head.range[-1] if head.range else sha256(b"").digest()
    for left in reversed(head.range[:-1]):
        root = sha256(b"\x01" + left + root).digest()
    return root


def tree_faults(store: TreeStore, org: str) -> list[str]:
    """What is wrong with a log's tree: gaps in `seq`, the root, each tile; empty when it is whole."""
    head = store.head(org)
    kept = list(store.kept(org, 0, head.size + 1))
    hashes = [k.leaf or sha256(b"\x00" + (k.body or b"")).digest() for k in kept]
    faults = [] if [k.seq for k in kept] == list(range(head.size)) else ["the seqs are not those of the head"]
    if head_root(head) != naive_root(hashes):
        faults.append("the head's root is not that of the bodies")
    level = 0
    while hashes:
        runs = [hashes[at : at + _TILE] for at in range(0, len(hashes) - _TILE + 1, _TILE)]
        expected = [*(b"".join(run) for run in runs), None]
        tiles = [store.blob(org, "tile", f"{level}/{at}") for at in range(len(expected))]
        faults += [f"the tile {level}/{at}" for at, tile in enumerate(tiles) if tile != expected[at]]
        level, hashes = level + 1, [naive_root(run) for run in runs]
    return faults
