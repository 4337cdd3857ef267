"""Search and counts over segments and the tail, against the plainest reading of the same rows."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, strategies as st

from trailbook.index import (
    Clause,
    Fields,
    IndexRow,
    Lives,
    Piece,
    Place,
    Plan,
    Segment,
    Tail,
    Word,
    bars,
    build_segment,
    by_cause,
    by_number,
    by_seq,
    count,
    fields_of,
    lives_of,
    new_codes,
    newest,
    oldest,
    read_part,
    segment as segments,
    stacked,
)

WORDS = {
    "kind": ["person", "integration", "system"],
    "type": ["user", "role"],
    "category": ["users", "roles", "salary"],
    "action": [f"a.b{n}" for n in range(5)],
    "outcome": ["success", "denied"],
    "interface": ["web", "api"],
}
_ITEM = st.integers(1, 12)


@st.composite
def rows(draw: st.DrawFn) -> list[IndexRow]:
    """Rows on few moments and few items, with gaps where bodies were removed before sealing."""
    table, seq = [], 0
    for _ in range(draw(st.integers(0, 60))):
        seq += draw(st.sampled_from([1, 1, 1, 3]))
        random = Random(draw(st.integers(0, 10**9)))
        table.append(_row(seq - 1, random))
    return table


def _row(seq: int, random: Random) -> IndexRow:
    coded = {name: random.choice(words) for name, words in WORDS.items()}
    concerned = tuple(random.sample(range(1, 13), random.choice([0, 1, 1, 2])))
    return IndexRow(
        seq=seq,
        at=random.choice([0, 5, 5, 7, random.randrange(1000), 2**50]),
        actor=random.randint(1, 12),
        target=random.randint(1, 12),
        source=random.randint(1, 3),
        behalf=random.choice([0, 0, random.randint(1, 12)]),
        origin=random.choice([0, random.randint(1, 12)]),
        concerned=concerned,
        own=random.random() < 0.2,
        correlation=random.choice([0, 2**59 + 3, 7]),
        cause=random.choice([0, 0, 9]),
        alive=random.choice([None, None, True, False]),
        **coded,
    )


def clauses() -> st.SearchStrategy[Clause]:
    """A clause on any field; a target may be given by type too."""
    items = st.builds(
        Clause,
        st.sampled_from(
            [
                "actor",
                "target",
                "source",
                "origin",
                "concerns",
                "by_or_about",
                "citing",
                "correlation",
                "cause",
            ]
        ),
        st.lists(_ITEM, max_size=3).map(tuple),
        st.booleans(),
    )
    coded = st.sampled_from(sorted(WORDS)).flatmap(
        lambda name: st.builds(
            Clause, st.just(name), st.lists(st.integers(0, 6), max_size=3).map(tuple), st.booleans()
        )
    )
    typed = st.builds(
        Clause, st.just("target"), st.tuples(_ITEM), st.booleans(), st.sampled_from([(0,), (1,), (9,)])
    )
    return items | coded | typed


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan."""
    low, high = sorted([draw(st.integers(-5, 1005)), draw(st.integers(-5, 1005))])
    word = st.builds(
        Word, st.lists(_ITEM, max_size=4).map(tuple), st.lists(st.integers(0, 6), max_size=2).map(tuple)
    )
    return Plan(
        since=draw(st.sampled_from([None, low])),
        until=draw(st.sampled_from([None, high])),
        clauses=tuple(draw(st.lists(clauses(), max_size=3))),
        text=tuple(draw(st.lists(word, max_size=2))),
        own=draw(st.sampled_from([None, None, True, False])),
        as_of=draw(st.sampled_from([10**6, draw(st.integers(0, 80))])),
    )


def holds(plan: Plan, row: IndexRow) -> bool:
    """Whether a row matches: the plan's meaning, read off its definition."""
    about, code = {row.target, *row.concerned}, {n: WORDS[n].index(getattr(row, n)) for n in WORDS}

    def hit(clause: Clause) -> bool:
        wanted = set(clause.numbers)
        if clause.types and code["type"] in clause.types:
            return True
        if clause.field == "concerns":
            return bool(wanted & about)
        if clause.field == "by_or_about":
            return bool(wanted & (about | {row.actor}))
        if clause.field == "citing":
            return bool(wanted & (about | {row.actor, row.source} | ({row.behalf} - {0})))
        return (code[clause.field] if clause.field in code else getattr(row, clause.field)) in wanted

    def mentions(word: Word) -> bool:
        cited = about | {row.actor} | ({row.behalf} - {0})
        return bool(cited & set(word.items)) or code["action"] in word.actions

    inside = (plan.since is None or plan.since <= row.at) and (plan.until is None or row.at < plan.until)
    terms_hold = all(hit(c) != c.negated for c in plan.clauses) and all(mentions(w) for w in plan.text)
    return inside and terms_hold and row.seq < plan.as_of and plan.own in (None, row.own)


def cut(table: Sequence[IndexRow], sizes: Sequence[int], dead: Sequence[tuple[int, int]] = ()) -> list[Piece]:
    """The same rows as sealed segments of these sizes, the rest as the tail."""
    codes, pieces, first = new_codes(WORDS), list[Piece](), 0
    for size in sizes:
        tail = Tail(first, codes)
        tail.add([r for r in table if first <= r.seq < first + size], first + size)
        pieces.append(sealed(tail, first + size, dead))
        first += size
    last = Tail(first, codes)
    last.add([r for r in table if r.seq >= first and not _gone(r.seq, dead)], 10**5)
    return [*pieces, last.piece()]


def sealed(tail: Tail, stop: int, dead: Sequence[tuple[int, int]] = ()) -> Segment:
    head, content = build_segment(tail.first, stop - tail.first, tail.fields(stop), tail.lives(stop))
    return Segment(head, lambda head, name: read_part(head, name, content[name]), dead)


def _gone(seq: int, dead: Sequence[tuple[int, int]]) -> bool:
    return any(low <= seq < high for low, high in dead)


SIZES = st.lists(st.integers(1, 40), max_size=4)
DEAD = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), max_size=2)


@pytest.fixture(params=[(16, 64), (1, 0), (10**6, 64)], ids=["usual", "ranks and tables", "masks"])
def _ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way of finding the same: by ranks, by masks, by tables of items."""
    monkeypatch.setattr(segments, "_RARE", request.param[0])
    monkeypatch.setattr(segments, "_MANY", request.param[1])


@pytest.mark.usefixtures("_ways")
def test_search_is_filter() -> None:
    """What segments and tail find, count and page is what the plain rows say, removed ones left out."""

    @given(table=rows(), plan=plans(), sizes=SIZES, gone=DEAD, limit=st.integers(1, 9))
    def check(
        table: list[IndexRow], plan: Plan, sizes: list[int], gone: list[tuple[int, int]], limit: int
    ) -> None:
        dead = [(low, low + many) for low, many in gone]
        pieces = cut(table, sizes, dead)
        wanted = sorted(
            (r for r in table if holds(plan, r) and not _gone(r.seq, dead)), key=lambda r: (r.at, r.seq)
        )
        seqs = [r.seq for r in wanted]
        assert count(pieces, plan) == len(wanted)
        assert by_seq(pieces, plan, limit, 7) == sorted(s for s in seqs if s > 7)[:limit]
        _pages(pieces, plan, wanted, limit)
        _figures(pieces, plan, wanted)

    check()


def _pages(pieces: list[Piece], plan: Plan, wanted: Sequence[IndexRow], limit: int) -> None:
    read: list[int] = []
    place = None
    while len(page := newest(pieces, plan, limit, place)):
        read += page.seq.tolist()
        place = page.place(len(page) - 1)
    assert read == [r.seq for r in reversed(wanted)]
    middle = Place(5, 20)
    after = [r.seq for r in wanted if (r.at, r.seq) > (5, 20)]
    assert oldest(pieces, plan, limit, middle).seq.tolist() == after[:limit]


def _figures(pieces: list[Piece], plan: Plan, wanted: Sequence[IndexRow]) -> None:
    edges = np.asarray([0, 5, 6, 500, 2**51], np.int64)
    drawn = [sum(low <= r.at < high for r in wanted) for low, high in pairwise(edges)]
    assert bars(pieces, plan, edges).tolist() == drawn
    assert stacked(pieces, plan, edges, 3).sum(axis=1).tolist() == drawn
    for field in ("category", "action", "actor", "source"):
        values = [getattr(r, field) for r in wanted]
        values = [WORDS[field].index(v) for v in values] if field in WORDS else values
        assert by_number(pieces, plan, field) == {v: values.count(v) for v in values}
    causes = [r.cause for r in wanted]
    assert by_cause(pieces, plan, [9, 8]) == {9: causes.count(9), 8: 0}
    about = [item for r in wanted for item in {r.target, *r.concerned}]
    assert by_number(pieces, plan, "concerns") == {v: about.count(v) for v in about}


@given(table=rows())
def test_a_segment_of_segments_is_the_segment_of_their_entries(table: list[IndexRow]) -> None:
    """Merging loses nothing: the merged bytes are those of sealing at once."""
    pieces = [p for p in cut(table, [20, 20]) if isinstance(p, Segment)]
    whole = next(p for p in cut(table, [40]) if isinstance(p, Segment))
    of = [fields_of(p) for p in pieces]
    starts = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(f.starts) for f in of]))])
    joined = {name: np.concatenate([f.of[name] for f in of]) for name in of[0].of}
    lives = [lives_of(p) for p in pieces]
    lived = Lives(*(np.concatenate([getattr(x, n) for x in lives]) for n in Lives.__struct_fields__))
    fields = Fields(joined, starts, np.concatenate([f.concerned for f in of]))
    assert build_segment(0, 40, fields, lived)[0] == whole.head
