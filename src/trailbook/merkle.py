"""Merkle tree arithmetic of RFC 9162: append, tiles, node plans and proofs.

Owns hashing of leaves and nodes, the frontier that guards an append, the C2SP tile geometry, and
proofs by plan, fetch, fold. Pure: it holds no tree, reads no store, and never answers a proof with a
bare boolean; a verifier returns the root it computed or raises.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from msgspec import Struct

from trailbook.errors import DamagedError, InvalidError

EMPTY_ROOT = sha256(b"").digest()
HASH = 32  # bytes of a hash
TILE = 256  # hashes of a complete tile
_TILE_BITS = 8  # tree heights from one tile level to the next


class Frontier(Struct, frozen=True):
    """What is needed to append: the size, and per tile level the hashes of its incomplete tile.

    Level L holds nodes of height 8L; the last level is never empty, so equal trees have equal frontiers.
    """

    size: int
    levels: tuple[tuple[bytes, ...], ...]


class Tile(Struct, frozen=True):
    """A complete tile: 256 hashes of one level, joined. Source: C2SP tlog-tiles."""

    level: int
    index: int
    hashes: bytes


EMPTY = Frontier(0, ())


def leaf_hash(body: bytes) -> bytes:
    """The hash of a leaf. Source: RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node. Source: RFC 9162 section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def extend(frontier: Frontier, leaves: Sequence[bytes]) -> tuple[Frontier, tuple[Tile, ...]]:
    """Append leaf hashes; gives the new frontier and the tiles that became complete, lowest level first.

    Raises: InvalidError when a leaf hash is not 32 bytes; nothing is appended then.
    """
    if any(size != HASH for size in set(map(len, leaves))):
        raise InvalidError(f"leaves: a leaf hash is {HASH} bytes")
    levels: list[tuple[bytes, ...]] = []
    tiles: list[Tile] = []
    arriving, level = leaves, 0
    while arriving or level < len(frontier.levels):
        held = frontier.levels[level] if level < len(frontier.levels) else ()
        row = [*held, *arriving]
        runs = [row[at : at + TILE] for at in range(0, len(row) - TILE + 1, TILE)]
        first = frontier.size >> _TILE_BITS * (level + 1)
        tiles += [Tile(level, first + at, b"".join(run)) for at, run in enumerate(runs)]
        levels.append(tuple(row[len(runs) * TILE :]))
        arriving, level = [subtree_root(run) for run in runs], level + 1
    return Frontier(frontier.size + len(leaves), tuple(levels)), tuple(tiles)


def compact(frontier: Frontier) -> tuple[bytes, ...]:
    """The compact range of the tree: roots of its complete subtrees, largest first, one per bit of the size."""
    found: list[bytes] = []
    for hashes in reversed(frontier.levels):
        at = 0
        for height in reversed(range(_TILE_BITS)):
            width = 1 << height
            if len(hashes) & width:
                found.append(subtree_root(hashes[at : at + width]))
                at += width
    return tuple(found)


def root(frontier: Frontier) -> bytes:
    """The root hash of the tree that the frontier ends."""
    return root_of(compact(frontier))


def root_of(compact: Sequence[bytes]) -> bytes:
    """The root over a compact range, largest subtree first; of nothing, the root of the empty tree."""
    if not compact:
        return EMPTY_ROOT
    found = compact[-1]
    for left in reversed(compact[:-1]):
        found = node_hash(left, found)
    return found


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 1 to 256 consecutive hashes of one level.

    Raises: InvalidError for none or more than 256. Source: RFC 9162 section 2.1.1.
    """
    if not 0 < len(hashes) <= TILE:
        raise InvalidError(f"hashes: a subtree of a tile has 1 to {TILE} hashes, not {len(hashes)}")
    row, hashed = hashes, sha256
    while len(row) > 1:
        # A last hash without a partner rises as it is: the RFC splits at the greatest power of two.
        odd = row[-1:] if len(row) & 1 else ()
        row = [hashed(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
        row.extend(odd)
    return row[0]


def restore(size: int, leaves: Sequence[bytes], tile_root: Callable[[int, int], bytes]) -> Frontier:
    """The frontier of a stored tree of `size`, from the leaf hashes after its last complete level-0 tile.

    `tile_root(level, index)` gives the root of a complete stored tile.
    Raises: DamagedError when there are not `size` mod 256 leaves.
    """
    if len(leaves) != size % TILE:
        raise DamagedError(f"a tree of {size} ends with {size % TILE} leaves after its tiles, not {len(leaves)}")
    levels = [tuple(leaves)] if size else []
    level = 1
    while at_level := size >> _TILE_BITS * level:
        below, first = level - 1, at_level - at_level % TILE
        levels.append(tuple(tile_root(below, index) for index in range(first, at_level)))
        level += 1
    return Frontier(size, tuple(levels))
