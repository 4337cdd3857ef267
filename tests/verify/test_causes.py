"""Findings about one cause are one, and none is lost: each seq and each verdict is still there."""

from collections.abc import Iterator, Sequence

from hypothesis import given, strategies as st

from trailbook.verify.causes import causes_of
from trailbook.verify.findings import Finding, at
from trailbook.verify.tree import tile_fault

CHANGED = "the entry is not the one whose leaf is in the tree"
ID = "its id does not lead to the entry; entries intact"


def row(what: str, token: str, seq: int | None = None) -> Finding:
    return Finding(verdict="inserted", what=what, place=f"directory, token {token}", seq=seq, token=token)


def seqs(finding: Finding) -> Iterator[int]:
    if finding.ranges:
        yield from (seq for first, last in finding.ranges for seq in range(first, last + 1))
    elif finding.seq is not None:
        yield from range(finding.seq, finding.stop or finding.seq + 1)


def test_one_changed_entry_is_one_finding_with_what_follows() -> None:
    body, id_ = at("changed", 7, "its body is not in canonical form"), at("index", 7, ID)
    missing = missing_row("abc", 7)
    (finding,) = causes_of([at("changed", 7, CHANGED), id_, missing, row("no entry cites it", "x"), body])
    assert (finding.verdict, finding.place, finding.what) == ("changed", "seq 7", CHANGED)
    assert {f.what for f in finding.follows} == {body.what, ID, "entries cite it", "no entry cites it"}


def missing_row(token: str, seq: int) -> Finding:
    place = f"directory, token {token}"
    return Finding(verdict="missing", what="entries cite it", place=place, seq=seq, token=token)


def test_what_lies_elsewhere_stands_for_itself() -> None:
    """The control: another seq, an identity that nothing explains, and a row of the registry."""
    access = Finding(
        verdict="changed", what="it is not what the entry of seq 7 says", place="access, item 3", seq=7
    )
    alone = [at("index", 8, ID), row("the row does not open its token", "x"), access]
    findings = causes_of([at("changed", 7, CHANGED), *alone])
    assert len(findings) == 4
    assert all(finding.follows == () for finding in findings)
    assert causes_of(alone[1:2]) == (alone[1],)
    heads = [Finding(verdict="changed", what="does not hold", place=f"timestamp of size {n}") for n in (2, 4)]
    assert causes_of(heads) == tuple(heads)


def test_many_that_are_alike_are_one_with_ranges_and_a_count() -> None:
    moved = [at("moved", seq, f"the entry of seq {seq + 1} stands here") for seq in range(3, 80_000)]
    (finding,) = causes_of([*moved, *(at("index", seq, ID) for seq in range(3, 80_000))])
    assert (finding.place, finding.count, finding.ranges) == ("seq 3 to 79999", 79_997, ((3, 79_999),))
    assert finding.what == "the entry of seq 4 stands here, and so on"
    assert [(f.verdict, f.count) for f in finding.follows] == [("index", 79_997)]
    apart = [at("changed", seq, CHANGED) for seq in (900, 5, 6)]
    (finding,) = causes_of(apart)
    assert (finding.seq, finding.stop, finding.place) == (5, 901, "seq 5 to 6, 900")


def test_what_is_placed_closest_is_the_cause() -> None:
    """Heads that do not fit, and the tile, follow from the entry that is within; without it the first head stands."""
    heads = [
        at("changed", 0, f"the entries do not hash to the checkpoint of size {size}", size)
        for size in (150, 50, 100)
    ]
    (finding,) = causes_of([*heads, at("changed", 7, CHANGED), tile_fault(0, 0, b"")])
    assert (finding.seq, finding.what, len(finding.follows)) == (7, CHANGED, 2)
    (finding,) = causes_of(heads)
    assert (finding.seq, finding.stop, finding.what) == (0, 50, heads[1].what)
    assert [follows.count for follows in finding.follows] == [2]
    assert len(causes_of([at("changed", 60, CHANGED), heads[1]])) == 2


def test_those_without_a_seq_are_listed() -> None:
    rows = [row("no entry cites it", name) for name in "abc"]
    (finding,) = causes_of(rows)
    assert (finding.count, finding.place) == (3, "directory, token a, and 2 more")
    assert finding.places == tuple(f.place for f in rows)


@given(st.lists(st.tuples(st.sampled_from(["changed", "missing", "index"]), st.integers(0, 40)), max_size=30))
def test_no_seq_and_no_verdict_is_lost(faults: list[tuple[str, int]]) -> None:
    findings: Sequence[Finding] = [at(verdict, seq, f"{verdict} it is") for verdict, seq in faults]  # type: ignore[arg-type]
    whole = causes_of(findings)
    every = [*whole, *(f for finding in whole for f in finding.follows)]
    assert {(f.verdict, seq) for f in every for seq in seqs(f)} == set(faults)
    assert sum(f.count for f in every) == len(set(faults))
    assert bool(whole) == bool(faults)
