"""The tree of a log, from its rows and from its tiles: where the two differ, and which of them a signed root binds.

Owns placing a fault: at the entry where the kept leaf hashes hash to the signed root, else at the tile of 256.
Refuses to prefer rows or tiles by habit; only a root that somebody signed decides between them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

from msgspec import Struct, field

from trailbook.tree import EMPTY, HASH, TILE, compact_range, extend_frontier, root_of, subtree_root
from trailbook.verify.findings import Finding, at, span
from trailbook.verify.heads import Signed
from trailbook.verify.rows import Leaf

Roots = list[bytes | None]
Compact = tuple[bytes, ...] | None
_MOST_DOUBTS = 4  # combinations of so many tiles are tried; beyond, each tile is chosen by the one above it


class Doubt(Struct, frozen=True):
    """A complete tile whose witnesses disagree: its rows, the kept tile, the hash kept in the tile above."""

    computed: tuple[Leaf, ...]
    stored: tuple[bytes, ...]
    roots: tuple[bytes | None, bytes | None, bytes | None]  # of kept tile, of rows, from above


class KeptTile(Struct, frozen=True):
    """A tile of leaf hashes as it is kept, and its root as the tile above has it; None for what is not there."""

    hashes: bytes | None
    root: bytes | None


class TreeHead(Struct, frozen=True):
    """What a log's head says of its tree."""

    size: int
    root: bytes


class End(Struct, frozen=True):
    """The compact range of the leaves after a tree's last complete tile: by the kept tile, and by the rows."""

    by_tile: Compact
    by_rows: Compact


class Tree(Struct):
    """The roots of complete tiles, doubts by tile, and for each size asked about the end of its tree."""

    roots: Roots = field(default_factory=list)
    doubts: dict[int, Doubt] = field(default_factory=dict)
    ends: dict[int, End] = field(default_factory=dict)
    edge: tuple[Leaf, ...] = ()


def add_tile(tree: Tree, leaves: Sequence[Leaf] | None, kept: KeptTile, cuts: Sequence[int]) -> None:
    """Add the next 256 leaves, or the last fewer; `kept` is their tile.

    `leaves` None means that the rows were not asked for: then the kept hashes alone stand for them.
    `cuts` are the sizes of trees that end within these leaves.
    """
    number = len(tree.roots)
    if leaves is None and not cuts and kept.root is not None:
        tree.roots.append(kept.root)
        return
    stored = _split(kept.hashes)
    rows = tuple(stored if leaves is None else leaves)
    for size in cuts:
        width = size - number * TILE
        tree.ends[size] = End(_compact(stored[:width], width), _compact(rows[:width], width))
    if leaves is not None and len(leaves) < TILE:
        tree.edge = rows
        return
    roots = (_root(stored), _root(rows), kept.root)
    if roots[0] == roots[1] and roots[0] is not None and roots[2] in (None, roots[0]):
        tree.roots.append(roots[0])
    else:
        tree.roots.append(None)
        tree.doubts[number] = Doubt(rows, stored, roots)


def settle(tree: Tree, signed: Sequence[Signed], head: TreeHead) -> Iterator[Finding]:
    """Decide every doubt by the greatest signed head that one choice of witnesses hashes to; say what is at fault.

    Beyond it the log's own `head` decides. Afterwards `tree.roots` holds what was chosen.
    """
    tree.roots = _chosen(tree, signed, head)
    authentic: dict[int, bytes] = {}
    actual: dict[int, Leaf] = {}
    for number, doubt in tree.doubts.items():
        stored, computed, _ = doubt.roots
        if tree.roots[number] == stored and stored is not None:
            for place, leaf in enumerate(doubt.computed):
                if leaf != doubt.stored[place]:
                    authentic[number * TILE + place] = doubt.stored[place]
                    actual[number * TILE + place] = leaf
        else:
            yield from _tile_fault(number, doubt, tree.roots[number] == computed and computed is not None)
    yield from _entries(authentic, actual)
    size = len(tree.roots) * TILE
    yield from (
        at("missing", size + n, "there is no row") for n, leaf in enumerate(tree.edge) if leaf is None
    )


def ladder(tree: Tree, signed: Sequence[Signed]) -> Iterator[Finding]:
    """Hold the settled tree against every signed head: each must be the root of its beginning."""
    roots = _roots_at(tree, tree.roots, sorted({head.size for head in signed}))
    agreed = {"kept": 0, "outside": 0}  # whoever holds the database could have made the kept ones agree
    for head in sorted(signed, key=lambda s: (s.size, s.whose == "outside")):
        root = roots[head.size]
        if root == head.root:
            agreed["kept"] = head.size
            agreed["outside"] = head.size if head.whose == "outside" else agreed["outside"]
        elif root is not None:
            what = f"the entries do not hash to the checkpoint {head.whose} of size {head.size}"
            first = min(agreed[head.whose], max(0, head.size - 1))
            yield at("changed", first, what, max(head.size, first + 1))


def upper_faults(tree: Tree, fetch: Callable[[int, int], bytes | None]) -> Iterator[Finding]:
    """Hold every complete tile above the leaves against the settled tree."""
    level, row = 1, tree.roots
    while len(row) >= TILE:
        above: Roots = []
        for index in range(len(row) // TILE):
            hashes = row[index * TILE : (index + 1) * TILE]
            whole = [h for h in hashes if h is not None]
            above.append(subtree_root(whole) if len(whole) == TILE else None)
            kept = fetch(level, index)
            if kept is None or (len(whole) == TILE and kept != b"".join(whole)):
                yield tile_fault(level, index, kept)
        level, row = level + 1, above


def root_at(tree: Tree, size: int) -> bytes | None:
    """The root of the settled tree at a size that was asked about, or None when it cannot be computed."""
    return _roots_at(tree, tree.roots, [size])[size]


def tile_fault(level: int, index: int, kept: bytes | None) -> Finding:
    """The finding that a tile is gone or wrong while the entries beneath it are intact."""
    width = TILE ** (level + 1)
    gone = kept is None
    return Finding(
        verdict="missing" if gone else "changed",
        what=f"the tile {'is missing' if gone else 'is not what its entries hash to'}; the entries are intact",
        place=f"tile {level}/{index} ({span(index * width, (index + 1) * width)})",
        seq=index * width,
        stop=(index + 1) * width,
    )


def _chosen(tree: Tree, signed: Sequence[Signed], head: TreeHead) -> Roots:
    sizes = sorted({head.size, *(s.size for s in signed)})
    greatest = max((s.size for s in signed), default=-1)
    best, chosen = (-2, False), tree.roots
    for plan in _plans(tree):
        roots = _roots_at(tree, plan, sizes)
        agreed = max((s.size for s in signed if roots[s.size] == s.root), default=-1)
        if (agreed, roots[head.size] == head.root) > best:
            best, chosen = (agreed, roots[head.size] == head.root), plan
        if best == (greatest, True):
            break
    return chosen


def _plans(tree: Tree) -> Iterator[Roots]:
    """Ways to choose among the witnesses: by the hashes kept above, all one kind, then combinations."""
    for order in ((2, 0, 1), (0, 1, 2), (1, 0, 2)):
        yield _with(tree, {n: _first(d, order) for n, d in tree.doubts.items()})
    if 0 < len(tree.doubts) <= _MOST_DOUBTS:
        options = [dict.fromkeys(r for r in d.roots if r) or (None,) for d in tree.doubts.values()]
        for picks in product(*options):
            yield _with(tree, dict(zip(tree.doubts, picks, strict=True)))


def _first(doubt: Doubt, order: tuple[int, int, int]) -> bytes | None:
    return next((doubt.roots[i] for i in order if doubt.roots[i] is not None), None)


def _with(tree: Tree, picks: Mapping[int, bytes | None]) -> Roots:
    roots = list(tree.roots)
    for number, root in picks.items():
        roots[number] = root
    return roots


def _roots_at(tree: Tree, roots: Roots, sizes: Sequence[int]) -> dict[int, bytes | None]:
    """The roots of the trees of these ascending sizes, None where a hash is missing."""
    by_size: dict[int, bytes | None] = {}
    frontier = EMPTY
    for size in sizes:
        tiles = size // TILE
        fresh = [r for r in roots[frontier.size : tiles] if r is not None]
        if frontier.size + len(fresh) != tiles or (size % TILE and size not in tree.ends):
            by_size[size] = None
            continue
        frontier, _ = extend_frontier(frontier, fresh)
        end = _end(tree, roots, size)
        by_size[size] = None if end is None else root_of((*compact_range(frontier), *end))
    return by_size


def _end(tree: Tree, roots: Roots, size: int) -> Compact:
    if size % TILE == 0:
        return ()
    end = tree.ends[size]
    doubt = tree.doubts.get(size // TILE)
    if doubt is not None and roots[size // TILE] == doubt.roots[1]:
        return end.by_rows
    return end.by_rows if end.by_tile is None else end.by_tile


def _tile_fault(number: int, doubt: Doubt, by_rows: bool) -> Iterator[Finding]:
    if by_rows:
        yield tile_fault(0, number, b"".join(doubt.stored) if doubt.stored else None)
        return
    first = number * TILE
    gone = [place for place, leaf in enumerate(doubt.computed) if leaf is None]
    yield from (at("missing", first + place, "there is no row") for place in gone)
    if not doubt.stored:
        yield tile_fault(0, number, None)
    if not gone or doubt.stored:
        what = "the entries, or their tile, are not what is in the tree"
        yield Finding(
            verdict="changed",
            what=what,
            place=f"tile 0/{number} ({span(first, first + TILE)})",
            seq=first,
            stop=first + TILE,
        )


def _entries(authentic: Mapping[int, bytes], actual: Mapping[int, Leaf]) -> Iterator[Finding]:
    """What happened at each seq whose row does not hash to its signed leaf."""
    home = {leaf: seq for seq, leaf in authentic.items()}
    elsewhere = {home[leaf] for leaf in actual.values() if leaf in home}
    for seq, leaf in actual.items():
        if leaf is None:
            yield at("missing", seq, "there is no row")
        elif leaf in home and seq in elsewhere:
            yield at("moved", seq, f"the entry of seq {home[leaf]} stands here")
        elif leaf in home:
            yield at("missing", seq, f"the entry is gone; that of seq {home[leaf]} stands here")
        elif seq in elsewhere:
            yield at("inserted", seq, "an entry stands here whose leaf is not in the tree")
        else:
            yield at("changed", seq, "the entry is not the one whose leaf is in the tree")


def _split(tile: bytes | None) -> tuple[bytes, ...]:
    if tile is None or len(tile) != TILE * HASH:
        return ()
    return tuple(tile[i : i + HASH] for i in range(0, len(tile), HASH))


def _root(leaves: Sequence[Leaf]) -> bytes | None:
    whole = [leaf for leaf in leaves if leaf]
    return subtree_root(whole) if len(whole) == TILE else None


def _compact(leaves: Sequence[Leaf], width: int) -> Compact:
    whole = [leaf for leaf in leaves if leaf]
    return compact_range(extend_frontier(EMPTY, whole)[0]) if len(whole) == width else None
