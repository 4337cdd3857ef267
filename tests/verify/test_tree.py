"""The tree by its rows and by its tiles: a fault is placed where it is, by whatever root somebody signed."""

import random
from collections.abc import Sequence
from hashlib import sha256

import pytest

from trailbook.tree import EMPTY, HASH, TILE, extend_frontier, frontier_root
from trailbook.tree.merkle import Tile
from trailbook.verify import (
    Finding,
    KeptTile,
    Signed,
    Tree,
    TreeHead,
    add_tile,
    ladder,
    root_at,
    settle,
    upper_faults,
)

BIG = TILE * TILE + 3 * TILE


def verdicts(findings: Sequence[Finding]) -> set[tuple[str, int | None, int | None]]:
    return {(f.verdict, f.seq, f.stop) for f in findings}


@pytest.fixture(scope="module")
def big() -> tuple[list[bytes], dict[tuple[int, int], bytes], Signed]:
    """Leaves and tiles of a tree with a complete tile above the leaves, and its signed head."""
    leaves = [sha256(str(n).encode()).digest() for n in range(BIG)]
    frontier, tiles = extend_frontier(EMPTY, leaves)
    head = Signed(BIG, frontier_root(frontier), 0, "kept")
    return leaves, {(t.level, t.index): t.hashes for t in tiles if isinstance(t, Tile)}, head


def examined(leaves: Sequence[bytes], tiles: dict[tuple[int, int], bytes], head: Signed) -> list[Finding]:
    tree = Tree()
    above = tiles.get((1, 0))
    for number in range(BIG // TILE):
        root = above[number * 32 : number * 32 + 32] if above is not None and number < TILE else None
        add_tile(
            tree, leaves[number * TILE : number * TILE + TILE], KeptTile(tiles.get((0, number)), root), ()
        )
    faults = [*settle(tree, [head], TreeHead(head.size, head.root)), *ladder(tree, [head])]
    return [*faults, *upper_faults(tree, lambda level, index: tiles.get((level, index)))]


def test_a_higher_tile_that_is_damaged_is_named_and_nothing_else(
    big: tuple[list[bytes], dict[tuple[int, int], bytes], Signed],
) -> None:
    """Higher tile, and a body, and a leaf tile, each beneath it."""
    leaves, tiles, head = big
    assert examined(leaves, tiles, head) == []
    drawn = random.Random(3)
    for _ in range(10):
        at = drawn.randrange(TILE * 32)
        for level, index in ((1, 0), (0, drawn.randrange(TILE))):
            tile = tiles[level, index]
            altered = tile[:at] + bytes([tile[at] ^ 4]) + tile[at + 1 :]
            (finding,) = examined(leaves, {**tiles, (level, index): altered}, head)
            assert (finding.verdict, finding.place.split(" (")[0]) == ("changed", f"tile {level}/{index}")
        seq = drawn.randrange(BIG)
        changed = [*leaves[:seq], b"\x01" * 32, *leaves[seq + 1 :]]
        assert verdicts(examined(changed, tiles, head)) == {("changed", seq, None)}


def test_tiles_rewritten_to_fit_a_changed_entry_are_placed_by_the_tile_above(
    big: tuple[list[bytes], dict[tuple[int, int], bytes], Signed],
) -> None:
    """A body and its leaf tile changed together: the tile is named; with every tile rewritten, the head's range."""
    leaves, tiles, head = big
    changed = [*leaves[:700], b"\x01" * 32, *leaves[701:]]
    rewritten = {(t.level, t.index): t.hashes for t in extend_frontier(EMPTY, changed)[1]}
    findings = examined(changed, {**tiles, (0, 2): rewritten[0, 2]}, head)
    assert verdicts(findings) == {("changed", 512, 768)}
    assert ("changed", 0, BIG) in verdicts(examined(changed, rewritten, head))


def test_entries_moved_along_are_told_from_the_one_that_was_put_in(
    big: tuple[list[bytes], dict[tuple[int, int], bytes], Signed],
) -> None:
    leaves, tiles, head = big
    put_in = [*leaves[:300], b"\x02" * 32, *leaves[300:310], *leaves[311:]]
    by_seq = {f.seq: f.verdict for f in examined(put_in, tiles, head)}
    assert by_seq == {300: "inserted", **dict.fromkeys(range(301, 311), "moved")} | {310: "missing"}
    taken = [*leaves[:300], *leaves[301:311], b"\x02" * 32, *leaves[311:]]
    by_seq = {f.seq: f.verdict for f in examined(taken, tiles, head)}
    assert by_seq == {300: "missing", **dict.fromkeys(range(301, 310), "moved"), 310: "inserted"}


SMALL = TILE + 10


@pytest.fixture(scope="module")
def small() -> list[bytes]:
    return [sha256(str(n).encode()).digest() for n in range(SMALL)]


def root_of_first(leaves: Sequence[bytes], size: int) -> bytes:
    return frontier_root(extend_frontier(EMPTY, leaves[:size])[0])


def read(leaves: Sequence[bytes | None], cuts: Sequence[int], kept: bytes | None = None) -> Tree:
    """A tree of one whole tile and ten leaves, ending at each of the cuts too."""
    tree = Tree()
    first = [cut for cut in cuts if cut < TILE]
    add_tile(tree, leaves[:TILE], KeptTile(kept, None), first)
    add_tile(tree, leaves[TILE:], KeptTile(None, None), [cut for cut in cuts if cut > TILE])
    return tree


def test_the_root_is_known_at_each_size_that_was_asked_about(small: list[bytes]) -> None:
    tree = read(small, (100, SMALL), b"".join(small[:TILE]))
    head = TreeHead(SMALL, root_of_first(small, SMALL))
    assert list(settle(tree, [], head)) == []
    for size in (100, TILE, SMALL):
        assert root_at(tree, size) == root_of_first(small, size)
    assert root_at(tree, 99) is None


def test_every_signed_head_is_the_root_of_its_beginning(small: list[bytes]) -> None:
    """One that differs is placed after the last that holds: kept ones after any, outside ones after those outside."""
    heads = [Signed(size, root_of_first(small, size), 0, "kept") for size in (100, TILE, SMALL)]
    tree = read(small, (100, SMALL), b"".join(small[:TILE]))
    assert list(settle(tree, heads, TreeHead(SMALL, heads[-1].root))) == []
    assert list(ladder(tree, heads)) == []
    (finding,) = ladder(tree, [heads[0], Signed(SMALL, bytes(HASH), 0, "kept")])
    assert (finding.verdict, finding.seq, finding.stop) == ("changed", 100, SMALL)
    (finding,) = ladder(tree, [heads[0], Signed(SMALL, bytes(HASH), 0, "outside")])
    assert (finding.seq, finding.what) == (
        0,
        f"the entries do not hash to the checkpoint outside of size {SMALL}",
    )


@pytest.mark.parametrize("seq", [7, TILE + 3])
def test_a_row_that_is_not_there_is_missing(small: list[bytes], seq: int) -> None:
    """In a whole tile, which says what its leaf was, and after the last one, where nothing does."""
    signed = Signed(SMALL, root_of_first(small, SMALL), 0, "kept")
    holed: list[bytes | None] = [*small[:seq], None, *small[seq + 1 :]]
    tree = read(holed, (SMALL,), b"".join(small[:TILE]))
    (finding,) = settle(tree, [signed], TreeHead(SMALL, signed.root))
    assert (finding.verdict, finding.seq, finding.what) == ("missing", seq, "there is no row")
    assert (root_at(tree, SMALL) is None) is (seq > TILE)


def test_two_entries_that_changed_places_are_moved(small: list[bytes]) -> None:
    signed = Signed(SMALL, root_of_first(small, SMALL), 0, "kept")
    swapped = [*small[:3], small[9], *small[4:9], small[3], *small[10:]]
    tree = read(swapped, (SMALL,), b"".join(small[:TILE]))
    findings = list(settle(tree, [signed], TreeHead(SMALL, signed.root)))
    assert verdicts(findings) == {("moved", 3, None), ("moved", 9, None)}


def test_the_rows_decide_where_they_alone_hash_to_the_signed_root(small: list[bytes]) -> None:
    """Then it is the tile that is at fault; where nothing was signed, the log's own head decides."""
    altered = bytes(HASH) + b"".join(small[1:TILE])
    head = TreeHead(SMALL, root_of_first(small, SMALL))
    for signed in ([Signed(SMALL, head.root, 0, "kept")], []):
        tree = read(small, (SMALL,), altered)
        (finding,) = settle(tree, signed, head)
        assert finding.what == "the tile is not what its entries hash to; the entries are intact"
        assert finding.place.startswith("tile 0/0 ")
        assert root_at(tree, SMALL) == head.root
    (finding,) = settle(read(small, (SMALL,)), [], head)
    assert finding.what == "the tile is missing; the entries are intact"


def test_rows_that_were_not_asked_for_are_taken_by_their_kept_hashes(small: list[bytes]) -> None:
    tree, root = Tree(), root_of_first(small, TILE)
    add_tile(tree, None, KeptTile(None, root), ())
    add_tile(tree, None, KeptTile(b"".join(small[:TILE]), None), (TILE + 5,))
    assert tree.roots == [root, root]
    assert root_at(tree, TILE) == root
    assert root_at(tree, TILE + 5) == root_of_first([*small[:TILE], *small[:5]], TILE + 5)
