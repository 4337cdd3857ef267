"""Search over the pieces of an index: sealed segments and what is not sealed, which answer alike.

Owns the order of answers: exact however pieces overlap in time, since imports bring old entries late. Refuses
to read more pieces than the answer needs.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from trailbook.index.plan import Ints, Place, Plan


class Piece(Protocol):
    """Consecutive entries of a log, numbered by rank in (occurred_at, seq)."""

    first: int
    size: int

    @property
    def count(self) -> int:
        """How many entries are there."""

    @property
    def low(self) -> int:
        """The earliest time."""

    @property
    def high(self) -> int:
        """The latest time."""

    def at(self) -> Ints:
        """The times by rank."""

    def seqs(self, ranks: Ints) -> Ints:
        """The `seq` at each rank."""

    def column(self, name: str, ranks: Ints | None = None) -> npt.NDArray[Any]:
        """A column by rank."""

    def concerned(self, ranks: Ints) -> tuple[Ints, Ints]:
        """How many items each entry concerns, and those items."""

    def find(self, plan: Plan) -> Ints:
        """Ranks of what matches, ascending."""

    def number(self, plan: Plan) -> int:
        """How many match."""

    def having(self, field: str, numbers: Ints) -> npt.NDArray[np.bool_]:
        """Which of these numbers some entry has in a field; `about` is target or concerned."""


class Places(Struct, frozen=True):
    """Places in an order: their times and seqs, one array each."""

    at: Ints
    seq: Ints

    def __len__(self) -> int:
        return len(self.seq)

    def place(self, number: int) -> Place:
        """One of them."""
        return Place(int(self.at[number]), int(self.seq[number]))


_NOWHERE = Places(np.zeros(0, np.int64), np.zeros(0, np.int64))


def newest(pieces: Sequence[Piece], plan: Plan, limit: int, before: Place | None = None) -> Places:
    """The last `limit` places that match and come before a place, latest first."""
    places = _NOWHERE
    for piece in sorted(_held(pieces), key=lambda p: p.high, reverse=True):
        if len(places) == limit and piece.high < places.at[-1]:
            break  # nothing here, nor in what follows, is as late as the earliest so far
        ranks = piece.find(plan)
        if before is not None:
            ranks = ranks[: np.searchsorted(ranks, rank_of(piece, before))]
        places = _together(places, piece, ranks[len(ranks) - min(limit, len(ranks)) :], -1, limit)
    return places


def oldest(pieces: Sequence[Piece], plan: Plan, limit: int, after: Place | None = None) -> Places:
    """The first `limit` places that match and come after a place, earliest first."""
    places = _NOWHERE
    for piece in sorted(_held(pieces), key=lambda p: p.low):
        if len(places) == limit and piece.low > places.at[-1]:
            break
        ranks = piece.find(plan)
        if after is not None:
            ranks = ranks[np.searchsorted(ranks, rank_of(piece, Place(after.at, after.seq + 1))) :]
        places = _together(places, piece, ranks[:limit], 1, limit)
    return places


def _together(places: Places, piece: Piece, ranks: Ints, step: int, limit: int) -> Places:
    if not len(ranks):
        return places
    fresh = Places(piece.at()[ranks][::step], piece.seqs(ranks)[::step])
    if not len(places):
        return fresh
    at, seq = np.concatenate([places.at, fresh.at]), np.concatenate([places.seq, fresh.seq])
    order = np.lexsort((seq, at))[::step][:limit]
    return Places(at[order], seq[order])


def by_seq(pieces: Sequence[Piece], plan: Plan, limit: int, reached: int) -> list[int]:
    """The first `limit` seqs above `reached` that match, ascending."""
    seqs: list[int] = []
    for piece in _held(pieces):
        if piece.size > reached + 1 and len(seqs) < limit:
            matching = np.sort(piece.seqs(piece.find(plan)))
            low = int(np.searchsorted(matching, reached, "right"))
            seqs += matching[low : low + limit - len(seqs)].tolist()
    return seqs


def seen(piece: Piece, ranks: Ints, hidden: Sequence[int]) -> Ints:
    """Those of some entries of a piece that are of none of the `hidden` categories, by their codes."""
    if not hidden or not len(ranks):
        return ranks
    return ranks[~np.isin(piece.column("category", ranks), hidden)]


def present(pieces: Sequence[Piece], field: str, numbers: Ints) -> npt.NDArray[np.bool_]:
    """Which of these numbers some entry has in a field."""
    hits = np.zeros(len(numbers), np.bool_)
    for piece in _held(pieces):
        if not hits.all():
            hits |= piece.having(field, numbers)
    return hits


def rank_of(piece: Piece, place: Place) -> int:
    """How many of a piece's entries come before a place."""
    if place.at > piece.high:
        return piece.count
    at = piece.at()
    low, high = int(np.searchsorted(at, place.at, "left")), int(np.searchsorted(at, place.at, "right"))
    return low + int(np.searchsorted(piece.seqs(np.arange(low, high)), place.seq, "left"))


def _held(pieces: Sequence[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.count]
