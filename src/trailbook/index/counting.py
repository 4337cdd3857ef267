"""Counts over the pieces of an index: totals, facets and bars, always exact.

Owns arithmetic only. Refuses to know persons: the doors decide which figures may be shown.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import structs

from trailbook.index.columns import CODED
from trailbook.index.plan import Clause, Ints, Plan
from trailbook.index.search import Piece
from trailbook.index.segment import NONE, Segment

_DENSE = 16  # numbers that reach no further than so many times their count are added up in place


def count(pieces: Sequence[Piece], plan: Plan) -> int:
    """How many entries match."""
    return sum(piece.number(plan) for piece in pieces if piece.count)


def by_number(pieces: Sequence[Piece], plan: Plan, field: str) -> dict[int, int]:
    """How many of the matching entries have each number of a field; of `concerns`, each concerned item or target."""
    counted = [_of_piece(piece, plan, field) for piece in pieces if piece.count]
    numbers = np.concatenate([numbers for numbers, _ in counted]) if counted else NONE
    counts = np.concatenate([counts for _, counts in counted]) if counted else NONE
    return _summed(numbers, counts)


def by_cause(pieces: Sequence[Piece], plan: Plan, causes: Sequence[int]) -> dict[int, int]:
    """How many of the matching entries each of these causes led to; it is looked for where it is, and nowhere else."""
    numbers, counts = np.asarray(causes, np.int64), dict.fromkeys(causes, 0)
    for piece in pieces:
        some = numbers[piece.having("cause", numbers)] if piece.count else NONE
        for cause in set(some.tolist()):
            clause = Clause("cause", (cause,))
            counts[cause] += piece.number(structs.replace(plan, clauses=(*plan.clauses, clause)))
    return counts


def _summed(numbers: Ints, counts: Ints) -> dict[int, int]:
    """The counts of each number together, by number."""
    if len(numbers) and int(numbers.max()) < _DENSE * len(numbers):  # then nothing has to be sorted
        sums = np.bincount(numbers, counts).astype(np.int64)
        unique = np.flatnonzero(sums)
        totals = sums[unique]
    else:
        unique, places = np.unique(numbers, return_inverse=True)
        totals = np.bincount(places, counts, len(unique)).astype(np.int64)
    return dict(zip(unique.tolist(), totals.tolist(), strict=True))


def bars(pieces: Sequence[Piece], plan: Plan, edges: Ints) -> Ints:
    """How many matching entries lie between each two edges, in microseconds."""
    total = np.zeros(len(edges) - 1, np.int64)
    for piece in pieces:
        ranks = piece.find(plan) if piece.count else NONE
        if len(ranks):
            at = piece.at()
            total += np.diff(np.searchsorted(at if len(ranks) == piece.count else at[ranks], edges))
    return total


def stacked(pieces: Sequence[Piece], plan: Plan, edges: Ints, codes: int) -> Ints:
    """The same by category: bars x codes."""
    total = np.zeros((len(edges) - 1) * codes, np.int64)
    for piece in pieces:
        ranks = piece.find(plan) if piece.count else NONE
        if len(ranks):
            bucket = np.searchsorted(edges, piece.at()[ranks], "right") - 1
            inside = (bucket >= 0) & (bucket < len(edges) - 1)
            column = piece.column("category", ranks).astype(np.int64)
            total += np.bincount((bucket * codes + column)[inside], minlength=len(total))
    return total.reshape(len(edges) - 1, codes)


def _of_piece(piece: Piece, plan: Plan, field: str) -> tuple[Ints, Ints]:
    ranks = piece.find(plan)
    if isinstance(piece, Segment) and len(ranks) == piece.head.count:
        return _sealed(piece, field)
    if field == "concerns":
        counts, items = piece.concerned(ranks)
        owner = np.repeat(np.arange(len(ranks)), counts)
        # An item that is target and concerned in one entry counts once.
        target = piece.column("target", ranks).astype(np.int64)
        other = items != target[owner]
        pairs = (
            np.unique(np.stack([owner[other], items[other]], axis=1), axis=0)
            if len(items)
            else items.reshape(0, 2)
        )
        values = np.concatenate([target, pairs[:, 1]])
    else:
        values = piece.column(field, ranks)
    if field in CODED:
        counts = np.bincount(values)
        return np.flatnonzero(counts), counts[counts > 0]
    unique, counts = np.unique(values, return_counts=True)
    return unique.astype(np.int64), counts.astype(np.int64)


def _sealed(piece: Segment, field: str) -> tuple[Ints, Ints]:
    """The counts a segment was sealed with: all of it matches."""
    if field in CODED:
        counts = np.asarray(piece.head.counts[field], np.int64)
        return np.flatnonzero(counts), counts[counts > 0]
    terms, counts = piece.terms("about" if field == "concerns" else field)
    return terms.astype(np.int64), counts
