"""Tree arithmetic against a naive recursion of RFC 9162, written here from the RFC's own words."""

import json
import random
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from trailbook.errors import DamagedError, ForkError, InvalidError, ProofInvalidError
from trailbook.tree import merkle
from trailbook.tree.merkle import EMPTY, EMPTY_ROOT, TILE, Frontier, Node, TileId

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "merkle.json").read_text())
LAST = 300
# Every size up to a small one, and those about the powers of two and the tile; tests/torture/test_proofs.py has all.
SOME = [*range(66), 127, 128, 129, 255, 256, 257, LAST]
LEAVES = [merkle.leaf_hash(b"leaf %d" % at) for at in range(65537)]


# --- RFC 9162 section 2.1, as written there ---


def split(count: int) -> int:
    """k, the largest power of two smaller than n."""
    k = 1
    while k * 2 < count:
        k *= 2
    return k


@cache
def mth(low: int, high: int) -> bytes:
    if high == low:
        return sha256(b"").digest()
    if high - low == 1:
        return LEAVES[low]
    k = split(high - low)
    return sha256(b"\x01" + mth(low, low + k) + mth(low + k, high)).digest()


def path(index: int, low: int, high: int) -> list[bytes]:
    if high - low == 1:
        return []
    k = split(high - low)
    if index < k:
        return [*path(index, low, low + k), mth(low + k, high)]
    return [*path(index - k, low + k, high), mth(low, low + k)]


def subproof(old: int, low: int, high: int, known: bool = True) -> list[bytes]:
    if old == high - low:
        return [] if known else [mth(low, high)]
    k = split(high - low)
    if old <= k:
        return [*subproof(old, low, low + k, known), mth(low + k, high)]
    return [*subproof(old - k, low + k, high, False), mth(low, low + k)]


# --- fetches ---


@cache
def fetch(level: int, index: int, width: int) -> bytes:
    """Tiles of the tree over LEAVES, from the naive recursion."""
    step = 256**level
    first = index * TILE
    return b"".join(mth(at * step, (at + 1) * step) for at in range(first, first + width))


def inclusion(index: int, size: int) -> tuple[bytes, ...]:
    return merkle.proof_hashes(merkle.inclusion_plan(index, size), size, fetch)


def consistency(old: int, new: int) -> tuple[bytes, ...]:
    return merkle.proof_hashes(merkle.consistency_plan(old, new), new, fetch)


SIZES = [*range(1, 21), 255, 256, 257, 65536, 65537]


# --- hashing and append ---


def test_hashes_are_those_of_the_rfc():
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert merkle.frontier_root(EMPTY) == EMPTY_ROOT == sha256(b"").digest()


def test_roots_of_all_sizes_equal_the_recursion_one_leaf_at_a_time():
    frontier = EMPTY
    for size in range(700):
        assert merkle.frontier_root(frontier) == mth(0, size)
        frontier, _ = merkle.extend_frontier(frontier, LEAVES[size : size + 1])


@given(st.lists(st.integers(0, 700), max_size=6))
def test_chunks_of_any_length_equal_one_append(lengths: list[int]):
    frontier, tiles, at = EMPTY, [], 0
    for length in lengths:
        frontier, completed = merkle.extend_frontier(frontier, LEAVES[at : at + length])
        tiles += completed
        at += length
    whole, expected = merkle.extend_frontier(EMPTY, LEAVES[:at])
    assert frontier == whole
    assert sorted(tiles, key=lambda t: (t.level, t.index)) == list(expected)


def test_a_tall_tree_completes_each_tile_once_and_at_its_place():
    random.seed(9162)
    frontier, tiles, at = EMPTY, [], 0
    while at < len(LEAVES):
        length = random.choice((1, 7, 255, 256, 257, 1000, 9999))
        frontier, completed = merkle.extend_frontier(frontier, LEAVES[at : at + length])
        tiles += completed
        at = frontier.size
    assert frontier == merkle.extend_frontier(EMPTY, LEAVES)[0]
    assert [len(level) for level in frontier.levels] == [1, 0, 1]
    by_place = {(tile.level, tile.index): tile.hashes for tile in tiles}
    assert len(by_place) == len(tiles) == 257
    assert set(by_place) == {(0, index) for index in range(256)} | {(1, 0)}
    assert all(hashes == fetch(level, index, TILE) for (level, index), hashes in by_place.items())


def test_nothing_appended_changes_nothing():
    frontier, _ = merkle.extend_frontier(EMPTY, LEAVES[:300])
    assert merkle.extend_frontier(frontier, []) == (frontier, ())


def test_a_leaf_hash_of_another_length_is_refused():
    assert merkle.extend_frontier(EMPTY, [b"x" * 32])[0].size == 1
    for wrong in (b"", b"x" * 31, b"x" * 33):
        with pytest.raises(InvalidError, match="32 bytes"):
            merkle.extend_frontier(EMPTY, [b"x" * 32, wrong])


@given(st.integers(0, 600), st.integers(0, 70))
def test_a_lengthened_compact_range_is_that_of_the_longer_tree(size: int, more: int):
    leaves = LEAVES[: size + more]
    before, after = (merkle.extend_frontier(merkle.EMPTY, leaves[:n])[0] for n in (size, size + more))
    assert merkle.lengthen_range(merkle.compact_range(before), size, leaves[size:]) == merkle.compact_range(
        after
    )


def test_the_compact_range_has_one_root_per_bit_of_the_size():
    frontier, _ = merkle.extend_frontier(EMPTY, LEAVES[: 256 + 128 + 3])
    assert merkle.compact_range(frontier) == (mth(0, 256), mth(256, 384), mth(384, 386), mth(386, 387))
    assert merkle.root_of(merkle.compact_range(frontier)) == mth(0, 387)
    assert merkle.root_of([]) == EMPTY_ROOT


def test_a_subtree_of_a_tile_has_1_to_256_hashes():
    for count in range(1, 257):
        assert merkle.subtree_root(LEAVES[:count]) == mth(0, count)
    for wrong in (LEAVES[:0], LEAVES[:257]):
        with pytest.raises(InvalidError, match="1 to 256"):
            merkle.subtree_root(wrong)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 65535, 65536, 65537])
def test_a_frontier_is_restored_from_leaves_and_tiles(size: int):
    def tile_root(level: int, index: int) -> bytes:
        step = 256 ** (level + 1)
        return mth(index * step, (index + 1) * step)

    leaves = LEAVES[size - size % TILE : size]
    restored = merkle.restore_frontier(size, leaves, tile_root)
    assert restored == merkle.extend_frontier(EMPTY, LEAVES[:size])[0]
    with pytest.raises(DamagedError, match="leaves after its tiles"):
        merkle.restore_frontier(size, [*leaves, LEAVES[0]], tile_root)


# --- proofs ---


def check_inclusion(size: int) -> None:
    """Each leaf of a tree has the proof of the recursion, which verifies."""
    for index in range(size):
        proof = inclusion(index, size)
        assert list(proof) == path(index, 0, size)
        root = mth(0, size)
        assert merkle.verify_inclusion(LEAVES[index], proof, index=index, size=size, root=root) == root


def check_consistency(new: int) -> None:
    """Each earlier tree has the proof of the recursion, which verifies; from the empty tree nothing is needed."""
    for old in range(new + 1):
        proof = consistency(old, new)
        assert list(proof) == (subproof(old, 0, new) if old else [])
        roots = {"old_root": mth(0, old), "new_root": mth(0, new)}
        assert merkle.verify_consistency(proof, old=old, new=new, **roots) == mth(0, new)


def test_inclusion_proofs_equal_the_recursion_and_verify():
    """For some sizes: every leaf of each."""
    for size in SOME:
        check_inclusion(size)


def test_consistency_proofs_equal_the_recursion_and_verify():
    """For some sizes: every earlier size of each."""
    for new in SOME:
        check_consistency(new)


def flips(node: bytes):
    for bit in range(len(node) * 8):
        changed = bytearray(node)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def changes(proof: tuple[bytes, ...]):
    """Every single-bit change, every hash dropped, doubled or swapped with the next."""
    for at, node in enumerate(proof):
        for changed in flips(node):
            yield (*proof[:at], changed, *proof[at + 1 :])
        yield proof[:at] + proof[at + 1 :]
        yield (*proof[:at], node, *proof[at:])
    for at in range(len(proof) - 1):
        yield (*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :])
    yield (*proof, b"x" * 32)


@pytest.mark.parametrize(
    ("index", "size"), [(0, 1), (0, 2), (4, 5), (2, 7), (255, 257), (256, 257), (77, 300)]
)
def test_every_change_of_an_inclusion_proof_is_refused(index: int, size: int):
    leaf, root, proof = LEAVES[index], mth(0, size), inclusion(index, size)
    assert merkle.verify_inclusion(leaf, proof, index=index, size=size, root=root) == root
    for changed in changes(proof):
        with pytest.raises(ProofInvalidError):
            merkle.verify_inclusion(leaf, changed, index=index, size=size, root=root)
    for changed in flips(leaf):
        with pytest.raises(ProofInvalidError, match="leads to"):
            merkle.verify_inclusion(changed, proof, index=index, size=size, root=root)
    for changed in flips(root):
        with pytest.raises(ProofInvalidError, match="leads to"):
            merkle.verify_inclusion(leaf, proof, index=index, size=size, root=changed)
    for other in set(range(size)) - {index}:
        with pytest.raises(ProofInvalidError):
            merkle.verify_inclusion(leaf, proof, index=other, size=size, root=root)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 7), (6, 8), (64, 65), (255, 257), (256, 300)])
def test_every_change_of_a_consistency_proof_is_refused(old: int, new: int):
    """A log that was forked or cut is found by whoever kept the old head."""
    then, now, proof = mth(0, old), mth(0, new), consistency(old, new)
    assert merkle.verify_consistency(proof, old=old, old_root=then, new=new, new_root=now) == now
    for changed in changes(proof):
        with pytest.raises(ProofInvalidError):
            merkle.verify_consistency(changed, old=old, old_root=then, new=new, new_root=now)
    for changed in flips(then):
        with pytest.raises(ProofInvalidError):
            merkle.verify_consistency(proof, old=old, old_root=changed, new=new, new_root=now)
    for changed in flips(now):
        with pytest.raises(ProofInvalidError):
            merkle.verify_consistency(proof, old=old, old_root=then, new=new, new_root=changed)


def refusal(check, *args, **named) -> str:
    with pytest.raises(ProofInvalidError) as caught:
        check(*args, **named)
    assert caught.value.code == "proof-invalid"
    return caught.value.detail


def test_refusals_say_what_does_not_hold():
    leaf, root, proof = LEAVES[2], mth(0, 7), inclusion(2, 7)
    whole = {"index": 2, "size": 7, "root": root}
    assert "too few" in refusal(merkle.verify_inclusion, leaf, proof[:-1], **whole)
    assert "too many" in refusal(merkle.verify_inclusion, leaf, (*proof, root), **whole)
    assert "32 bytes" in refusal(merkle.verify_inclusion, leaf, (b"", *proof[1:]), **whole)
    assert "32 bytes" in refusal(merkle.verify_inclusion, leaf[:31], proof, **whole)
    assert "no leaf 7 in a tree of 7" in refusal(
        merkle.verify_inclusion, leaf, proof, **{**whole, "index": 7}
    )
    assert "no leaf -1" in refusal(merkle.inclusion_plan, -1, 7)
    assert "not sizes" in refusal(merkle.inclusion_plan, 0, 2**63 + 1)
    assert "not sizes" in refusal(merkle.consistency_plan, 8, 7)
    assert "not sizes" in refusal(merkle.root_plan, -1)
    heads = {"old": 3, "old_root": mth(0, 3), "new": 7, "new_root": root}
    proof = consistency(3, 7)
    assert "too few" in refusal(merkle.verify_consistency, (), **heads)
    assert "too few" in refusal(merkle.verify_consistency, proof[:-1], **heads)
    assert "too many" in refusal(merkle.verify_consistency, (*proof, root), **heads)
    assert "old tree" in refusal(merkle.verify_consistency, proof, **{**heads, "old_root": root})
    assert "leads to" in refusal(merkle.verify_consistency, proof, **{**heads, "new_root": leaf})


def test_a_proof_of_another_history_is_told_from_one_that_proves_nothing():
    """What leads to the new root shows with which tree it begins; but of a power of two it holds no root."""
    other = [merkle.leaf_hash(b"other")] * 9
    for old in range(1, 9):
        frontier, _ = merkle.extend_frontier(merkle.EMPTY, other[:old])
        forked = merkle.frontier_root(frontier)
        heads = {"old": old, "old_root": forked, "new": 9, "new_root": mth(0, 9)}
        with pytest.raises(ProofInvalidError) as caught:
            merkle.verify_consistency(consistency(old, 9), **heads)
        assert isinstance(caught.value, ForkError) == (old & (old - 1) != 0)
        with pytest.raises(ProofInvalidError) as caught:
            merkle.verify_consistency((b"x" * 32, *consistency(old, 9)[1:]), **heads)
        assert not isinstance(caught.value, ForkError)


def test_heads_that_need_no_proof_need_equal_roots():
    root, other = mth(0, 7), mth(0, 6)
    same = {"old": 7, "old_root": root, "new": 7, "new_root": root}
    assert merkle.verify_consistency((), **same) == root
    assert "two roots" in refusal(merkle.verify_consistency, (), **{**same, "new_root": other})
    assert "too many" in refusal(merkle.verify_consistency, (root,), **same)
    begun = {"old": 0, "old_root": EMPTY_ROOT, "new": 7, "new_root": root}
    assert merkle.verify_consistency((), **begun) == root
    assert "without leaves" in refusal(merkle.verify_consistency, (), **{**begun, "old_root": other})
    assert "too many" in refusal(merkle.verify_consistency, (root,), **begun)
    assert "without leaves" in refusal(
        merkle.verify_consistency, (), old=0, old_root=EMPTY_ROOT, new=0, new_root=root
    )


# --- plans and tiles ---


def test_a_plan_is_computed_from_few_tiles_each_fetched_once():
    plan = merkle.inclusion_plan(70_000, 16_777_217)
    tiles = merkle.tiles_for(plan, 16_777_217)
    assert set(tiles.values()) == {
        TileId(0, 273, 256),
        TileId(0, 65536, 1),
        TileId(1, 1, 256),
        TileId(2, 0, 256),
    }
    fetched = []

    def counting(level: int, index: int, width: int) -> bytes:
        fetched.append((level, index, width))
        return b"x" * 32 * width

    merkle.proof_hashes(plan, 16_777_217, counting)
    assert len(fetched) == len(set(fetched)) == 4


def test_the_root_of_any_size_is_computed_from_tiles():
    for size in SIZES:
        assert merkle.proof_hashes(merkle.root_plan(size), size, fetch) == (mth(0, size),)
    assert merkle.proof_hashes(merkle.root_plan(0), 0, fetch) == (EMPTY_ROOT,)


def test_tiles_that_cannot_give_a_proof_are_named():
    plan = merkle.inclusion_plan(3, 5)
    whole = {TileId(0, 0, 5): fetch(0, 0, 5)}
    assert list(merkle.fold(plan, 5, whole)) == path(3, 0, 5)
    assert "tile 0/0: is missing" in refusal(merkle.fold, plan, 5, {})
    for wrong in (b"", fetch(0, 0, 4), fetch(0, 0, 5) + b"x"):
        assert "tile 0/0: has" in refusal(merkle.fold, plan, 5, {TileId(0, 0, 5): wrong})


def test_a_node_beyond_the_tree_has_no_tile():
    assert merkle.tile_of(Node(2, 1), 8) == TileId(0, 0, 8)
    assert merkle.tile_of(Node(8, 1), 512) == TileId(1, 0, 2)
    for node in (Node(2, 2), Node(4, 0), Node(0, 8), Node(0, -1), Node(-1, 0)):
        assert "not complete" in refusal(merkle.tile_of, node, 8)


HUGE = [0, 1, 255, 256, 2**32 - 1, 2**32, 2**62 + 12345, 2**63 - 2, 2**63 - 1, 2**63]


def sparse() -> tuple[list[bytes], merkle.Fetch]:
    """A tree of any size whose leaves are all equal, so that complete subtrees of a height are too."""
    heights = [merkle.leaf_hash(b"same")]
    for _ in range(63):
        heights.append(merkle.node_hash(heights[-1], heights[-1]))
    return heights, lambda level, index, width: heights[8 * level] * width


def sparse_root(size: int) -> bytes:
    heights, _ = sparse()
    return merkle.root_of([heights[bit] for bit in reversed(range(64)) if size >> bit & 1])


@pytest.mark.parametrize("size", [size for size in HUGE if size])
def test_inclusion_in_trees_of_up_to_2_63_leaves(size: int):
    heights, fetched = sparse()
    root = sparse_root(size)
    assert merkle.proof_hashes(merkle.root_plan(size), size, fetched) == (root,)
    for index in {at for at in (*HUGE, size - 1, size // 2) if at < size}:
        plan = merkle.inclusion_plan(index, size)
        assert len(set(merkle.tiles_for(plan, size).values())) <= 16
        proof = merkle.proof_hashes(plan, size, fetched)
        assert merkle.verify_inclusion(heights[0], proof, index=index, size=size, root=root) == root
        refusal(merkle.verify_inclusion, heights[1], proof, index=index, size=size, root=root)


@pytest.mark.parametrize("new", HUGE)
def test_consistency_of_trees_of_up_to_2_63_leaves(new: int):
    _, fetched = sparse()
    for old in (size for size in HUGE if size <= new):
        proof = merkle.proof_hashes(merkle.consistency_plan(old, new), new, fetched)
        heads = {"old": old, "old_root": sparse_root(old), "new": new, "new_root": sparse_root(new)}
        assert merkle.verify_consistency(proof, **heads) == heads["new_root"]
        if 0 < old < new:
            refusal(merkle.verify_consistency, proof, **{**heads, "new_root": EMPTY_ROOT})


# --- paths ---


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        (0, 0, 256, "tile/0/000"),
        (3, 999, 1, "tile/3/999.p/1"),
        (3, 1000, 255, "tile/3/x001/000.p/255"),
        (6, 127, 256, "tile/6/127"),
        (7, 0, 128, "tile/7/000.p/128"),
        (0, 2**55 - 1, 256, "tile/0/x036/x028/x797/x018/x963/967"),
        ("entries", 273, 112, "tile/entries/273.p/112"),
    ],
)
def test_paths_are_those_of_tlog_tiles(level: merkle.Level, index: int, width: int, path: str):
    assert merkle.tile_path(level, index, width) == path
    assert merkle.parse_tile_path(path) == (level, index, width)


@given(st.one_of(st.integers(0, 6), st.just("entries")), st.integers(0, 2**55 - 1), st.integers(1, 256))
def test_parsing_a_path_gives_back_what_was_written(level: merkle.Level, index: int, width: int):
    index >>= 0 if level == "entries" else 8 * level  # no tree has more tiles at that level
    assert merkle.parse_tile_path(merkle.tile_path(level, index, width)) == (level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/0/67",
        "tile/0/0067",
        "tile/0/x000/067",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/00/067",
        "tile/8/000.p/1",
        "tile/63/000",
        "tile/64/067",
        "tile/7/000",
        "tile/7/000.p/129",
        "tile/7/001.p/1",
        "tile/6/128.p/1",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/entries/x036/x028/x797/x018/x963/968",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/-1/067",
        "tile/a/067",
        "tile/0/067.p/0",
        "tile/0/067.p/256",
        "tile/0/067.p/01",
        "tile/0/067.p/",
        "tile/0/067/",
        "/tile/0/067",
        "tile/0/067\n",
        "tile/0/٠٦٧",
        "tile/0/x001" * 1000,
    ],
)
def test_any_other_path_is_refused(path: str):
    assert merkle.parse_tile_path("tile/0/067") == (0, 67, 256)
    with pytest.raises(InvalidError, match="not the path of a tile"):
        merkle.parse_tile_path(path)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (8, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**55, 1), (7, 0, 129), (0, 0, 0), (0, 0, 257)],
)
def test_numbers_that_name_no_tile_have_no_path(level: int, index: int, width: int):
    assert merkle.tile_path(0, 0, 1)
    with pytest.raises(InvalidError, match="there is no tile"):
        merkle.tile_path(level, index, width)


# --- golden ---


@pytest.mark.parametrize("size", SIZES)
def test_roots_and_proofs_are_those_of_the_golden_file(size: int):
    """The format is frozen: leaf i is the hash of the ASCII bytes `leaf i`."""
    golden = GOLDEN[str(size)]
    frontier: Frontier = merkle.extend_frontier(EMPTY, LEAVES[:size])[0]
    assert merkle.frontier_root(frontier).hex() == golden["root"]
    assert [node.hex() for node in merkle.compact_range(frontier)] == golden["compact"]
    for index, proof in golden["inclusion"].items():
        assert [node.hex() for node in inclusion(int(index), size)] == proof
    for old, proof in golden["consistency"].items():
        assert [node.hex() for node in consistency(int(old), size)] == proof


def test_the_page_of_the_format_shows_the_golden_bytes():
    here = Path(__file__).parents[1]
    page = (here.parent / "docs" / "reference" / "format-tree.md").read_text()
    assert all(GOLDEN[size]["root"] in page for size in ("1", "2", "257", "65537"))
    parts = (here / "golden" / "checkpoint.txt").read_text().split("%% ")[1:]
    named = dict(part.split("\n", 1) for part in parts)
    for shown in ("checkpoint", "log vkey", "time vkey", "witness vkey", "proof"):
        assert named[shown] in page
