"""A segment: consecutive entries, sealed, numbered by rank in (occurred_at, seq).

Owns the layout: a head that says what is there and under which digest, and parts that are read one by one
when a question needs them. Pure: `Parts` brings the bytes. Refuses parts that are not what the head says.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from trailbook.errors import IndexDamagedError
from trailbook.index.columns import CODED, Fields, Lives
from trailbook.index.plan import Clause, Ints, Mask, Plan

Array = npt.NDArray[Any]
_SPARSE = ("behalf", "origin", "correlation", "cause")  # 0 means none, and is not kept
POSTED = ("actor", "about", "target", "source", *_SPARSE)
_RARE = 16  # a term of fewer than one entry in so many is followed by its ranks
_MANY = 64  # items beyond which whole postings are read instead of one after the other
_COUNTED = (*CODED, "own")
COLUMNS = ("actor", "target", "source", *_COUNTED)
_FIELDS = {  # of a clause, where it asks in several
    "concerns": ("about",),
    "by_or_about": ("actor", "about"),
    "citing": ("actor", "about", "behalf", "source"),
}
NONE: Ints = np.zeros(0, np.int64)


class Part(Struct, frozen=True, array_like=True):
    """One array of a segment: its numpy type, how many numbers, and the SHA-256 of its bytes."""

    dtype: str
    length: int
    digest: bytes


class SegmentHead(Struct, frozen=True, array_like=True, kw_only=True):
    """What a segment holds: seqs `first` to `first + span`, `count` entries from `low` to `high`, counts of codes."""

    first: int
    span: int
    count: int
    low: int
    high: int
    counts: dict[str, list[int]]
    parts: dict[str, Part]


_head = msgspec.msgpack.Decoder(SegmentHead)


def build_segment(
    first: int, span: int, fields: Fields, lives: Lives
) -> tuple[SegmentHead, dict[str, bytes]]:
    """The segment of these entries, and the bytes of its parts; the same entries give the same bytes."""
    order = np.lexsort((fields.of["seq"], fields.of["at"]))
    by_rank = {name: column[order] for name, column in fields.of.items()}
    counts = np.diff(fields.starts)[order]
    concerned: Ints = fields.concerned[_runs(fields.starts[:-1][order], counts)]
    arrays: dict[str, Array] = {
        "at": by_rank["at"],
        "order": _small(by_rank["seq"] - first),
        "starts": _small(np.concatenate([[0], np.cumsum(counts)])),
        "concerned": _small(concerned),
        **{name: _small(by_rank[name]) for name in COLUMNS},
        **{f"life.{name}": getattr(lives, name).astype(np.int64) for name in Lives.__struct_fields__},
    }
    ranks = np.arange(len(order))
    about = np.concatenate([by_rank["target"], concerned])
    cited = {name: (by_rank[name], ranks) for name in POSTED if name != "about"}
    for name, (terms, places) in {
        **cited,
        "about": (about, np.concatenate([ranks, np.repeat(ranks, counts)])),
    }.items():
        arrays |= _posted(name, terms, places)
    content = {name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()}
    head = SegmentHead(
        first=first,
        span=span,
        count=len(order),
        low=int(by_rank["at"][0]) if len(order) else 0,
        high=int(by_rank["at"][-1]) if len(order) else 0,
        counts={name: np.bincount(by_rank[name]).tolist() for name in _COUNTED},
        parts={
            name: Part(array.dtype.str, len(array), hashlib.sha256(content[name]).digest())
            for name, array in arrays.items()
        },
    )
    return head, content


def _runs(begins: Ints, counts: Ints) -> Ints:
    """The places of several runs, one after the other: `counts` places from each of `begins` on."""
    ends = np.cumsum(counts)
    places: Ints = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(begins - (ends - counts), counts)
    return places


def _posted(name: str, terms: Ints, ranks: Ints) -> dict[str, Array]:
    if name in _SPARSE:
        ranks, terms = ranks[terms != 0], terms[terms != 0]
    order = np.lexsort((ranks, terms))
    terms, ranks = terms[order], ranks[order]
    fresh = np.ones(len(terms), np.bool_)  # an item may be target and concerned in one entry
    fresh[1:] = (terms[1:] != terms[:-1]) | (ranks[1:] != ranks[:-1])
    codes, starts = np.unique(terms[fresh], return_index=True)
    return {
        f"{name}.terms": _small(codes),
        f"{name}.starts": _small(np.append(starts, np.count_nonzero(fresh))),
        f"{name}.ranks": _small(ranks[fresh]),
    }


def _small(array: Ints) -> Array:
    """The same numbers in the smallest unsigned type that holds them, little-endian on every machine."""
    greatest = int(array.max()) if len(array) else 0
    return array.astype(np.min_scalar_type(greatest).newbyteorder("<"))


Fetch = Callable[[SegmentHead, str], Array]


class Segment:
    """A sealed piece of the index, read part by part through `fetch`."""

    def __init__(self, head: SegmentHead, fetch: Fetch, dead: Sequence[tuple[int, int]] = ()) -> None:
        self.head = head
        self.first, self.count, self.low, self.high = head.first, head.count, head.low, head.high
        self.size = head.first + head.span
        self._fetch = fetch
        low, high = self.first, self.size
        self._dead = [(max(a, low), min(b, high)) for a, b in dead if a < high and b > low]

    @property
    def whole(self) -> bool:
        """Whether nothing was removed since it was sealed, so that its own counts hold."""
        return not self._dead

    def keeps(self, seqs: Ints) -> Mask:
        """Which of these seqs were not removed since it was sealed."""
        runs: Ints = np.asarray(
            [(-1, -1), *self._dead], np.int64
        )  # ascending; one before all, for none is before it
        kept: Mask = seqs >= runs[np.searchsorted(runs[:, 0], seqs, "right") - 1, 1]
        return kept

    def part(self, name: str) -> Array:
        """One part. Raises: IndexDamagedError."""
        return self._fetch(self.head, name)

    def at(self) -> Ints:
        """The times by rank: ascending."""
        return self.part("at")

    def seqs(self, ranks: Ints) -> Ints:
        """The `seq` at each rank."""
        return self.part("order")[ranks].astype(np.int64) + self.first

    def column(self, name: str, ranks: Ints | None = None) -> Array:
        """A column by rank, whole or at some ranks."""
        if name == "seq":
            return self.seqs(np.arange(self.count) if ranks is None else ranks)
        whole = self.part(name)
        return whole if ranks is None else whole[ranks]

    def concerned(self, ranks: Ints) -> tuple[Ints, Ints]:
        """How many items each entry concerns, and those items one after the other."""
        starts = self.part("starts").astype(np.int64)
        counts = starts[ranks + 1] - starts[ranks]
        return counts, self.part("concerned")[_runs(starts[ranks], counts)].astype(np.int64)

    def terms(self, name: str) -> tuple[Array, Ints]:
        """Every number of a posted field, ascending, with how many entries have it."""
        starts = self.part(f"{name}.starts").astype(np.int64)
        return self.part(f"{name}.terms"), starts[1:] - starts[:-1]

    def having(self, field: str, numbers: Ints) -> Mask:
        """Which of these numbers some entry had in a field, removed ones included; `about` is target or concerned."""
        terms = self.part(f"{field}.terms")
        if not len(terms):
            return np.zeros(len(numbers), np.bool_)
        places = np.minimum(np.searchsorted(terms, numbers.astype(terms.dtype)), len(terms) - 1)
        hits: Mask = terms[places] == numbers
        return hits

    def find(self, plan: Plan) -> Ints:
        """Ranks of the entries that match, ascending."""
        selected = self._select(plan)
        return np.flatnonzero(selected) if selected.dtype == np.bool_ else selected

    def number(self, plan: Plan) -> int:
        """How many entries match."""
        selected = self._select(plan)
        return int(np.count_nonzero(selected)) if selected.dtype == np.bool_ else len(selected)

    def _select(self, plan: Plan) -> Array:
        """What matches: as ranks where some term is rare, else as a mask over all of them, which is then faster."""
        low, high = self._between(plan)
        if low >= high or self.first >= plan.as_of or any(self._absent(c) for c in plan.clauses):
            return NONE
        lists = sorted(self._lists(plan), key=len)
        if lists and not len(lists[0]):
            return NONE
        tests = sorted(
            (c for c in plan.clauses if c.field in CODED), key=lambda c: c.negated or self._counted(c)
        )
        rare = self.count // _RARE
        if lists and len(lists[0]) <= rare:
            ranks = lists.pop(0)
            ranks = ranks[np.searchsorted(ranks, low) : np.searchsorted(ranks, high)]
        elif tests and not tests[0].negated and self._counted(tests[0]) <= rare:
            ranks = np.flatnonzero(self._test(tests.pop(0))[low:high]) + low
        else:
            return self._masked(plan, lists, (low, high))
        for others in lists:
            ranks = ranks[_marks(self.count, others)[ranks]]
        return self._rest(plan, ranks, tests)

    def _masked(self, plan: Plan, lists: Sequence[Ints], between: tuple[int, int]) -> Mask:
        mask = np.zeros(self.count, np.bool_)
        mask[slice(*between)] = True if plan.hours is None else plan.hours(self.at()[slice(*between)])
        for ranks in lists:
            mask &= _marks(self.count, ranks)
        for clause in plan.clauses:
            if clause.field in CODED:
                hit = self._test(clause)
                mask &= ~hit if clause.negated else hit
            elif clause.negated:
                mask[self._either(clause)] = False
        if plan.own is not None:
            mask &= self.part("own") == int(plan.own)
        order = self.part("order")
        if plan.as_of < self.size:
            mask &= order < plan.as_of - self.first
        for low, high in self._dead:
            mask &= (order < low - self.first) | (order >= high - self.first)
        return mask

    def _rest(self, plan: Plan, ranks: Ints, tests: Sequence[Clause]) -> Ints:
        for clause in tests:
            hit = self._test(clause, ranks)
            ranks = ranks[~hit if clause.negated else hit]
        for clause in plan.clauses:
            if clause.negated and clause.field not in CODED:
                ranks = ranks[~_marks(self.count, self._either(clause))[ranks]]
        if plan.own is not None:
            ranks = ranks[self.part("own")[ranks] == int(plan.own)]
        if plan.hours is not None:
            ranks = ranks[plan.hours(self.at()[ranks])]
        if plan.as_of < self.size:
            ranks = ranks[self.part("order")[ranks] < plan.as_of - self.first]
        return self._living(ranks)

    def _living(self, ranks: Ints) -> Ints:
        for low, high in self._dead:
            order = self.part("order")[ranks].astype(np.int64)
            ranks = ranks[(order < low - self.first) | (order >= high - self.first)]
        return ranks

    def _between(self, plan: Plan) -> tuple[int, int]:
        low, high = 0, self.count
        if plan.since is not None and plan.since > self.low:
            low = int(np.searchsorted(self.at(), plan.since, "left"))
        if plan.until is not None and plan.until <= self.high:
            high = int(np.searchsorted(self.at(), plan.until, "left"))
        return low, high

    def _absent(self, clause: Clause) -> bool:
        return clause.field in CODED and not clause.negated and not self._counted(clause)

    def _counted(self, clause: Clause) -> int:
        counts = self.head.counts[clause.field]
        return sum(counts[code] for code in clause.numbers if code < len(counts))

    def _test(self, clause: Clause, ranks: Ints | None = None) -> Mask:
        """Which of the entries at these ranks have one of a coded field's codes."""
        column = self.column(clause.field, ranks)
        hit: Mask = np.zeros(len(column), np.bool_)
        counts = self.head.counts[clause.field]
        for code in clause.numbers:
            if code < len(counts) and counts[code]:
                hit |= column == code
        return hit

    def _lists(self, plan: Plan) -> list[Ints]:
        """The ranks of each term that is looked up rather than tested."""
        items = [c for c in plan.clauses if c.field not in CODED and not c.negated]
        words = [
            self._once([self._cites(w.items), np.flatnonzero(self._test(Clause("action", w.actions)))])
            for w in plan.text
        ]
        return [self._either(clause) for clause in items] + words

    def _either(self, clause: Clause) -> Ints:
        fields = _FIELDS.get(clause.field, (clause.field,))
        ranks = self._listing(fields, clause.numbers)
        if not clause.types:
            return ranks
        return self._once([ranks, np.flatnonzero(self._test(Clause("type", clause.types)))])

    def _cites(self, items: Sequence[int]) -> Ints:
        return self._listing(("actor", "about", "behalf"), items)

    def _listing(self, fields: Sequence[str], numbers: Sequence[int] | Ints) -> Ints:
        """The ranks of the entries that have one of these numbers in one of these fields."""
        if len(numbers) <= _MANY:
            return self._union([(field, number) for field in fields for number in numbers])
        array = np.asarray(numbers, np.int64)
        wanted = np.zeros(int(array.max()) + 1, np.bool_)
        wanted[array] = True
        return self._once([self._listed(field, wanted) for field in fields])

    def _listed(self, field: str, wanted: Mask) -> Ints:
        """The ranks of every posted number that is wanted."""
        terms = self.part(f"{field}.terms").astype(np.int64)
        starts = self.part(f"{field}.starts").astype(np.int64)
        hit = np.flatnonzero(wanted[np.minimum(terms, len(wanted) - 1)] & (terms < len(wanted)))
        ranks: Ints = self.part(f"{field}.ranks")[_runs(starts[hit], starts[hit + 1] - starts[hit])]
        return ranks.astype(np.int64)

    def _union(self, wanted: Sequence[tuple[str, int]]) -> Ints:
        postings = [posting for field, number in wanted if len(posting := self._posting(field, number))]
        return postings[0] if len(postings) == 1 else self._once(postings)

    def _once(self, lists: Sequence[Ints]) -> Ints:
        """Ranks of several lists, each once, ascending."""
        if sum(len(ranks) for ranks in lists) < self.count // _RARE:
            return np.unique(np.concatenate([NONE, *lists]))
        mask = np.zeros(self.count, np.bool_)
        for ranks in lists:
            mask[ranks] = True
        return np.flatnonzero(mask)

    def _posting(self, field: str, number: int) -> Ints:
        terms = self.part(f"{field}.terms")
        if not len(terms) or number > terms[-1]:
            return NONE
        # A number of the array's own type: with another one numpy would convert the whole array first.
        at = int(terms.searchsorted(terms.dtype.type(number)))
        if terms[at] != number:
            return NONE
        starts = self.part(f"{field}.starts")
        ranks: Ints = self.part(f"{field}.ranks")[int(starts[at]) : int(starts[at + 1])].astype(np.int64)
        return ranks


def read_part(head: SegmentHead, name: str, content: bytes | None) -> Array:
    """A part out of its bytes. Raises: IndexDamagedError when they are not what the head says."""
    part = head.parts[name]
    if content is None or _differs(content, part.digest):
        raise IndexDamagedError(f"the index of entries {head.first} to {head.first + head.span} is damaged")
    try:
        return np.frombuffer(content, part.dtype)
    except (TypeError, ValueError) as error:  # somebody wrote both, part and digest
        raise IndexDamagedError(f"{name} of the index from {head.first} on cannot be read") from error


def read_head(content: bytes | None, digest: bytes, first: int) -> SegmentHead:
    """A head out of its bytes. Raises: IndexDamagedError."""
    if content is None or _differs(content, digest):
        raise IndexDamagedError(f"the index of entries from {first} on is damaged")
    try:
        return _head.decode(content)
    except msgspec.MsgspecError as error:
        raise IndexDamagedError(f"the index of entries from {first} on cannot be read") from error


def _differs(content: bytes, digest: bytes) -> bool:
    return hashlib.sha256(content).digest() != digest


def fields_of(segment: Segment) -> Fields:
    """A segment's entries as columns again, in the order of rank: what a greater segment is built from."""
    ranks = np.arange(segment.count)
    of = {name: segment.column(name).astype(np.int64) for name in ("seq", "at", *COLUMNS)}
    for name in _SPARSE:
        terms, counts = segment.terms(name)
        of[name] = np.zeros(segment.count, np.int64)
        of[name][segment.part(f"{name}.ranks")] = np.repeat(terms.astype(np.int64), counts)
    counts, concerned = segment.concerned(ranks)
    return Fields(of, np.concatenate([[0], np.cumsum(counts)]), concerned)


def lives_of(segment: Segment) -> Lives:
    """When targets ended or came back, in a segment; what was removed since says nothing of it."""
    lives = Lives(*(segment.part(f"life.{name}") for name in Lives.__struct_fields__))
    return lives if segment.whole else _chosen(lives, segment.keeps(lives.seq))


def entries_of(segment: Segment, seqs: Ints) -> tuple[Fields, Lives]:
    """Those of a segment's entries that are among these seqs, as columns; and when their targets ended."""
    fields = fields_of(segment)
    wanted = np.isin(fields.of["seq"], seqs)
    counts = np.diff(fields.starts)
    of = {name: column[wanted] for name, column in fields.of.items()}
    starts = np.concatenate([[0], np.cumsum(counts[wanted])])
    return Fields(of, starts, fields.concerned[np.repeat(wanted, counts)]), lives_among(segment, seqs)


def lives_among(segment: Segment, seqs: Ints) -> Lives:
    """When targets ended or came back, in those of a segment's entries that are among these seqs."""
    lives = lives_of(segment)
    return _chosen(lives, np.isin(lives.seq, seqs))


def _chosen(lives: Lives, wanted: Mask) -> Lives:
    return Lives(*(getattr(lives, name)[wanted] for name in Lives.__struct_fields__))


def joined(pieces: Sequence[tuple[Fields, Lives]]) -> tuple[Fields, Lives]:
    """The entries of several, and their lives, in the order given; at least one."""
    fields, lives = [f for f, _ in pieces], [life for _, life in pieces]
    of = {name: np.concatenate([f.of[name] for f in fields]) for name in fields[0].of}
    starts = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(f.starts) for f in fields]))])
    together = Lives(
        *(np.concatenate([getattr(life, name) for life in lives]) for name in Lives.__struct_fields__)
    )
    return Fields(of, starts, np.concatenate([f.concerned for f in fields])), together


def _marks(count: int, ranks: Ints) -> Mask:
    marks = np.zeros(count, np.bool_)
    marks[ranks] = True
    return marks
