"""Merkle tree arithmetic of RFC 9162: append, tiles, node plans and proofs.

Owns hashing of leaves and nodes, the frontier that guards an append, the C2SP tile geometry, and
proofs by plan, fetch, fold. Pure: it holds no tree, reads no store, and never answers a proof with a
bare boolean; a verifier returns the root it computed or raises.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from trailbook.errors import DamagedError, ForkError, InvalidError, ProofInvalidError

EMPTY_ROOT = sha256(b"").digest()
HASH = 32  # bytes of a hash
TILE = 256  # hashes of a complete tile
MAX_SIZE = 2**63  # leaves
MAX_LEVELS = 8  # of tiles: a hash of level 8 would be over 2**64 leaves
_TILE_BITS = 8  # tree heights from one tile level to the next
_TILE_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


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


class TileId(Struct, frozen=True, order=True):
    """Which tile, and how many of its hashes a tree of some size has: 256, or fewer at the right edge."""

    level: int
    index: int
    width: int


class Node(Struct, frozen=True, order=True):
    """A complete subtree: the 2**height leaves from index * 2**height."""

    height: int
    index: int


EMPTY = Frontier(0, ())
NodePlan = tuple[tuple[Node, ...], ...]  # per hash of a proof, the compact range it is the root over
Fetch = Callable[[int, int, int], bytes]  # (level, index, width) -> that many hashes of a tile, joined
Level = int | Literal["entries"]  # of a path: a tile's level, or the entry bundles


def leaf_hash(body: bytes) -> bytes:
    """The hash of a leaf. Source: RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node. Source: RFC 9162 section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def extend_frontier(frontier: Frontier, leaves: Sequence[bytes]) -> tuple[Frontier, tuple[Tile, ...]]:
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


def compact_range(frontier: Frontier) -> tuple[bytes, ...]:
    """The compact range of the tree: roots of its complete subtrees, largest first."""
    roots: list[bytes] = []
    for hashes in reversed(frontier.levels):
        at = 0
        for height in reversed(range(_TILE_BITS)):
            width = 1 << height
            if len(hashes) & width:
                roots.append(subtree_root(hashes[at : at + width]))
                at += width
    return tuple(roots)


def lengthen_range(compact: Sequence[bytes], size: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """The compact range of a tree of `size` once it has more leaves: for a few, far less work than `compact`.

    Source: RFC 9162 section 2.1.2, where a new leaf completes every subtree that the size has a low bit for.
    """
    roots = list(compact)
    for at, leaf in enumerate(leaves, size):
        right = leaf
        while at & 1:
            right, at = node_hash(roots.pop(), right), at >> 1
        roots.append(right)
    return tuple(roots)


def frontier_root(frontier: Frontier) -> bytes:
    """The root hash of the tree that the frontier ends."""
    return root_of(compact_range(frontier))


def root_of(compact: Sequence[bytes]) -> bytes:
    """The root over a compact range, largest subtree first; of nothing, the root of the empty tree."""
    if not compact:
        return EMPTY_ROOT
    root = compact[-1]
    for left in reversed(compact[:-1]):
        root = node_hash(left, root)
    return root


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
        pairs = zip(row[::2], row[1::2], strict=False)
        row = [hashed(b"\x01" + left + right).digest() for left, right in pairs]
        row.extend(odd)
    return row[0]


def restore_frontier(size: int, leaves: Sequence[bytes], tile_root: Callable[[int, int], bytes]) -> Frontier:
    """The frontier of a stored tree of `size`, from the leaf hashes after its last complete level-0 tile.

    `tile_root(level, index)` gives the root of a complete stored tile.
    Raises: DamagedError when there are not `size` mod 256 leaves.
    """
    if len(leaves) != size % TILE:
        expected = f"{size % TILE} leaves after its tiles, not {len(leaves)}"
        raise DamagedError(f"a tree of {size} ends with {expected}")
    levels = [tuple(leaves)] if size else []
    level = 1
    while at_level := size >> _TILE_BITS * level:
        below, first = level - 1, at_level - at_level % TILE
        levels.append(tuple(tile_root(below, index) for index in range(first, at_level)))
        level += 1
    return Frontier(size, tuple(levels))


def inclusion_plan(index: int, size: int) -> NodePlan:
    """The subtrees whose roots prove that leaf `index` is in the tree of `size`, leaf's sibling first.

    Raises: ProofInvalidError when there is no such leaf or size. Source: RFC 9162 section 2.1.3.1.
    """
    _check_leaf(index, size)
    ranges, low, high = [], 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append(_range(middle, high))
            high = middle
        else:
            ranges.append(_range(low, middle))
            low = middle
    return tuple(reversed(ranges))


def consistency_plan(old: int, new: int) -> NodePlan:
    """The subtrees whose roots prove that the tree of `new` leaves begins with that of `old`.

    Nothing is needed from the empty tree or to itself: the plan is empty.
    Raises: ProofInvalidError unless 0 <= old <= new <= 2**63. Source: RFC 9162 section 2.1.4.1.
    """
    _check_sizes(old, new)
    ranges, low, high = [], 0, new
    while old and high != old:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append(_range(middle, high))
            high = middle
        else:
            ranges.append(_range(low, middle))
            low = middle
    if low:  # else the old tree is a complete subtree, and its root is known to whoever asks
        ranges.append(_range(low, high))
    return tuple(reversed(ranges))


def root_plan(size: int) -> NodePlan:
    """The complete subtrees of the tree of `size`: one group, whose root is the tree's."""
    _check_sizes(0, size)
    return (_range(0, size),)


def tile_of(node: Node, size: int) -> TileId:
    """The tile of the tree of `size` from whose hashes the root of `node` is computed.

    Raises: ProofInvalidError when the subtree is not complete in that tree.
    """
    if node.index < 0 or node.height < 0 or (node.index + 1) << node.height > size:
        raise ProofInvalidError(f"node: {node.height}/{node.index} is not complete in a tree of {size}")
    level, above = divmod(node.height, _TILE_BITS)
    index = node.index << above >> _TILE_BITS
    return TileId(level, index, min(TILE, (size >> _TILE_BITS * level) - index * TILE))


def tiles_for(plan: NodePlan, size: int) -> dict[Node, TileId]:
    """Which tile each node of a plan is computed from; at most two a level."""
    return {node: tile_of(node, size) for group in plan for node in group}


def fold(plan: NodePlan, size: int, tiles: Mapping[TileId, bytes]) -> tuple[bytes, ...]:
    """The hashes of a planned proof, from the tiles that `tiles_for` named.

    Raises: ProofInvalidError when a tile is absent or not `width` times 32 bytes.
    """
    named = tiles_for(plan, size)
    for tile in set(named.values()):
        if tile not in tiles:
            raise ProofInvalidError(f"tile {tile.level}/{tile.index}: is missing")
        if len(tiles[tile]) != tile.width * HASH:
            length = f"{len(tiles[tile])} bytes, not {tile.width} hashes"
            raise ProofInvalidError(f"tile {tile.level}/{tile.index}: has {length}")
    roots = {node: _root_in(node, tiles[tile]) for node, tile in named.items()}
    return tuple(root_of([roots[node] for node in group]) for group in plan)


def proof_hashes(plan: NodePlan, size: int, fetch: Fetch) -> tuple[bytes, ...]:
    """The hashes of a planned proof in the tree of `size`; each tile is fetched once.

    Raises: ProofInvalidError when a fetched tile is not `width` times 32 bytes.
    """
    wanted = sorted(set(tiles_for(plan, size).values()))
    return fold(plan, size, {tile: fetch(tile.level, tile.index, tile.width) for tile in wanted})


def verify_inclusion(leaf: bytes, proof: Sequence[bytes], *, index: int, size: int, root: bytes) -> bytes:
    """Check that the leaf hash is at `index` in the tree of `size` and `root`; gives the computed root.

    `size` must come with `root` from one signed checkpoint: a proof alone does not bind the size.
    Raises: ProofInvalidError naming what does not hold. Source: RFC 9162 section 2.1.3.2.
    """
    _check_leaf(index, size)
    _check_hashes((leaf, *proof))
    computed, at, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise ProofInvalidError("proof: has too many hashes")
        if at & 1 or at == last:
            computed = node_hash(sibling, computed)
            at, last = _risen(at, last)
        else:
            computed = node_hash(computed, sibling)
        at, last = at >> 1, last >> 1
    return _checked_root(computed, root, last)


def verify_consistency(
    proof: Sequence[bytes], *, old: int, old_root: bytes, new: int, new_root: bytes
) -> bytes:
    """Check that the tree of `new` leaves and `new_root` begins with that of `old`; gives the computed root.

    Raises: ProofInvalidError naming what does not hold, and ForkError where the proof itself shows that it does not
    begin with that tree. Source: RFC 9162 section 2.1.4.2.
    """
    _check_sizes(old, new)
    _check_hashes((old_root, new_root, *proof))
    if old in (0, new):
        return _checked_ends(proof, (old, old_root), (new, new_root))
    path = (old_root, *proof) if old & (old - 1) == 0 else tuple(proof)
    if not path:
        raise ProofInvalidError("proof: has too few hashes")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    then = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalidError("proof: has too many hashes")
        if at & 1 or at == last:
            then, now = node_hash(sibling, then), node_hash(sibling, now)
            at, last = _risen(at, last)
        else:
            now = node_hash(now, sibling)
        at, last = at >> 1, last >> 1
    _checked_root(now, new_root, last)
    if then != old_root:  # what leads to the new root is true of it: it begins with another tree
        raise ForkError("proof: does not lead to the root of the old tree")
    return now


def tile_path(level: Level, index: int, width: int = TILE) -> str:
    """The path of a tile or an entry bundle below a log's address: `tile/0/x001/x234/067.p/112`.

    Raises: InvalidError for numbers that name no tile of any tree. Source: C2SP tlog-tiles.
    """
    if not _in_some_tree(0 if level == "entries" else level, index, width):
        raise InvalidError(f"tile: there is no tile {level}/{index} of width {width}")
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return f"tile/{level}/" + "/".join(reversed(groups)) + (f".p/{width}" if width < TILE else "")


def parse_tile_path(path: str) -> tuple[Level, int, int]:
    """Level (or `entries`), index and width of a tile's path; the one written form only.

    Raises: InvalidError for anything else: leading zeros, a partial width of 0 or 256, and what no tree of at most
    2**63 leaves has.
    """
    if parts := _TILE_PATH.fullmatch(path):
        level: Level = "entries" if parts[1] == "entries" else int(parts[1])
        index = int(parts[2].replace("x", "").replace("/", ""))
        width = int(parts[3] or TILE)
        known = _in_some_tree(0 if level == "entries" else level, index, width)
        if known and tile_path(level, index, width) == path:
            return level, index, width
    raise InvalidError(f"path: {path[:80]!r} is not the path of a tile")


def _in_some_tree(level: int, index: int, width: int) -> bool:
    """Whether a tree of at most 2**63 leaves has so many hashes in that tile: from level 8 on none has any."""
    if not (0 <= level < MAX_LEVELS and index >= 0 and 0 < width <= TILE):
        return False
    return index * TILE + width <= MAX_SIZE >> _TILE_BITS * level


def _split(size: int) -> int:
    """The greatest power of two below `size`, for 2 or more."""
    return 1 << (size - 1).bit_length() - 1


def _range(low: int, high: int) -> tuple[Node, ...]:
    """The complete subtrees of leaves [low, high), largest first; `low` is aligned as in the RFC."""
    nodes = []
    while low < high:
        height = (high - low).bit_length() - 1
        nodes.append(Node(height, low >> height))
        low += 1 << height
    return tuple(nodes)


def _root_in(node: Node, tile: bytes) -> bytes:
    count = 1 << node.height % _TILE_BITS
    first = node.index * count % TILE
    return subtree_root([tile[at * HASH : (at + 1) * HASH] for at in range(first, first + count)])


def _risen(at: int, last: int) -> tuple[int, int]:
    """Skip the heights where the right edge has no sibling on its right."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _checked_root(computed: bytes, root: bytes, last: int) -> bytes:
    if last:
        raise ProofInvalidError("proof: has too few hashes")
    if computed != root:
        raise ProofInvalidError(f"root: the proof leads to {computed.hex()}, not to {root.hex()}")
    return computed


def _checked_ends(proof: Sequence[bytes], old: tuple[int, bytes], new: tuple[int, bytes]) -> bytes:
    """Consistency with the empty tree and with itself needs no hashes, only equal roots."""
    if proof:
        raise ProofInvalidError("proof: has too many hashes")
    for size, root in (old, new):
        if size == 0 and root != EMPTY_ROOT:
            raise ProofInvalidError("root: a tree without leaves has another root")
    if old[0] == new[0] and old[1] != new[1]:
        raise ForkError(f"root: two roots for the same size, {old[1].hex()} and {new[1].hex()}")
    return new[1]


def _check_leaf(index: int, size: int) -> None:
    _check_sizes(0, size)
    if not 0 <= index < size:
        raise ProofInvalidError(f"index: there is no leaf {index} in a tree of {size}")


def _check_sizes(old: int, new: int) -> None:
    if not 0 <= old <= new <= MAX_SIZE:
        raise ProofInvalidError(f"size: {old} and {new} are not sizes of one growing tree")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(hash_) != HASH for hash_ in hashes):
        raise ProofInvalidError(f"proof: a hash is {HASH} bytes")
