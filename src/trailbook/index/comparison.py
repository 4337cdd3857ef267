"""A segment as it is kept beside the same segment built anew: which entries the kept one hides or invents.

Owns naming their seqs, by what of them differs. Refuses to believe that a part is what its head says: numbers that do
not fit together are no segment.
"""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from trailbook.errors import IndexDamagedError
from trailbook.index.columns import Lives
from trailbook.index.segment import COLUMNS, POSTED, Array, Segment, lives_of

_Facts = set[tuple[int, ...]]
ENTRY = "entry"  # the field that differs where all of them do


class Difference(Struct, frozen=True):
    """Entries first <= seq < stop of which a segment hides these fields, or has these that it should not.

    `unordered` are parts that say the right thing of each entry, in a wrong order, or count them wrongly.
    """

    first: int
    stop: int
    hidden: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()


def differences(kept: Segment, built: Segment) -> list[Difference]:
    """Where a kept segment differs from the one built anew, by seq; of the whole where only its order or counts do."""
    hidden: dict[int, set[str]] = {}
    invented: dict[int, set[str]] = {}
    for (name, mine), (_, theirs) in zip(_facts(kept), _facts(built), strict=True):
        for names, facts in ((hidden, theirs - mine), (invented, mine - theirs)):
            for fact in facts:
                names.setdefault(fact[0], set()).add(name)
    runs = _joined({seq: (_listed(hidden, seq), _listed(invented, seq)) for seq in hidden | invented})
    unlike = [] if runs else _unlike(kept, built)
    return [Difference(kept.first, kept.size, unordered=tuple(unlike))] if unlike else runs


def require_readable(segment: Segment) -> None:
    """Refuse parts whose numbers do not fit together. Raises: IndexDamagedError."""
    try:
        fits = _fits(segment)
    except (KeyError, ValueError, TypeError, IndexError):
        fits = False
    if not fits:
        raise IndexDamagedError(f"the index of entries {segment.first} to {segment.size} cannot be read")


def _facts(segment: Segment) -> Iterator[tuple[str, _Facts]]:
    """All that a segment says of its entries, field by field: rows of numbers, the seq first."""
    every = np.arange(segment.count)
    seqs = segment.seqs(every)
    yield ENTRY, _rows(seqs)
    yield "time", _rows(seqs, segment.at())
    for name in COLUMNS:
        yield name, _rows(seqs, segment.column(name))
    for name in POSTED:
        terms, counts = segment.terms(name)
        yield name, _rows(seqs[segment.part(f"{name}.ranks")], np.repeat(terms, counts))
    counts, items = segment.concerned(every)
    places = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
    yield "concerned", _rows(np.repeat(seqs, counts), places, items)
    lives = lives_of(segment)
    yield "life", _rows(lives.seq, lives.item, lives.at, lives.alive)


def _rows(*columns: Array) -> _Facts:
    return set(zip(*(column.tolist() for column in columns), strict=True))


def _listed(names: dict[int, set[str]], seq: int) -> tuple[str, ...]:
    """The fields of an entry that differ; where all of it does, that alone."""
    own = names.get(seq, set())
    return (ENTRY,) if ENTRY in own else tuple(sorted(own))


def _joined(by_seq: dict[int, tuple[tuple[str, ...], tuple[str, ...]]]) -> list[Difference]:
    """Entries one after the other that differ alike, as one."""
    runs: list[Difference] = []
    for seq, (hidden, invented) in sorted(by_seq.items()):
        last = runs[-1] if runs else None
        if last is not None and (last.stop, last.hidden, last.invented) == (seq, hidden, invented):
            runs[-1] = Difference(last.first, seq + 1, hidden, invented)
        else:
            runs.append(Difference(seq, seq + 1, hidden, invented))
    return runs


def _unlike(kept: Segment, built: Segment) -> list[str]:
    """The parts that say the same of every entry, and not in the order, or not with the counts, that search needs."""
    parts = [name for name in built.head.parts if not np.array_equal(kept.part(name), built.part(name))]
    heads = [
        name
        for name in ("count", "low", "high", "counts")
        if getattr(kept.head, name) != getattr(built.head, name)
    ]
    return [*parts, *heads]


def _fits(segment: Segment) -> bool:
    """Whether every part has as many numbers as the others ask for, and none leads out of the segment."""
    count, parts = segment.count, {name: segment.part(name) for name in segment.head.parts}
    order = parts["order"]
    single = all(len(parts[name]) == count for name in ("at", "order", *COLUMNS))
    life = {len(parts[f"life.{name}"]) for name in Lives.__struct_fields__}
    posted = all(
        _leads(parts[f"{name}.starts"], len(parts[f"{name}.terms"]), len(parts[f"{name}.ranks"]))
        and _below(parts[f"{name}.ranks"], count)
        for name in POSTED
    )
    return (
        all(part.dtype.kind in "iu" for part in parts.values())
        and single
        and len(life) == 1
        and posted
        and _leads(parts["starts"], count, len(parts["concerned"]))
        and _below(order, segment.size - segment.first)
        and len(np.unique(order)) == count
    )


def _leads(starts: Array, count: int, end: int) -> bool:
    """Whether starts are those of `count` runs that fill `end` places."""
    numbers = starts.astype(np.int64)
    return (
        len(numbers) == count + 1
        and int(numbers[0]) == 0
        and int(numbers[-1]) == end
        and bool((np.diff(numbers) >= 0).all())
    )


def _below(places: Array, end: int) -> bool:
    return not len(places) or (int(places.min()) >= 0 and int(places.max()) < end)
