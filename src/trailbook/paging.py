"""Pages: which of the entries found stand on one page, and where its neighbours begin.

Owns keyset paging in the three orders. Refuses offsets: a page begins at a place, never at a number.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from trailbook.cursors import Cursor
from trailbook.errors import Fault, FilterInvalidError
from trailbook.index import Columns, Place, before
from trailbook.index.columns import Ints
from trailbook.query.checks import MAX_LIMIT

Order = Literal["desc", "asc", "seq"]


class Turn(Struct, frozen=True):
    """A neighbouring page: the place it begins beyond, and whether it holds later entries or earlier ones."""

    place: Place
    later: bool


class Cut(Struct, frozen=True):
    """One page: the `seqs` in the order asked, and the turns to the next and the previous page."""

    seqs: Sequence[int]
    next: Turn | None
    previous: Turn | None


def cut(columns: Columns, found: Ints, ask: tuple[Order, int], at: Cursor | None) -> Cut:
    """The page of `ask` = (order, limit) out of positions found in the order of (occurred_at, seq).

    Raises: FilterInvalidError for a limit that is not 1 to 200.
    """
    order, limit = ask
    if not 1 <= limit <= MAX_LIMIT:
        fault = Fault("/limit", "parameter-invalid", f"is not a whole number from 1 to {MAX_LIMIT}")
        raise FilterInvalidError(f"limit: {fault.detail}", (fault,))
    if order == "seq":
        return _by_seq(columns, found, limit, at)
    low, high = _bounds(columns, found, ask, at)
    seqs = [int(s) for s in columns.column("seq")[found[low:high]]]
    earlier = Turn(_place(columns, found[low]), False) if low < high and low > 0 else None
    later = Turn(_place(columns, found[high - 1]), True) if low < high < len(found) else None
    if order == "desc":
        return Cut(seqs[::-1], earlier, later)
    return Cut(seqs, later, earlier)


def _bounds(columns: Columns, found: Ints, ask: tuple[Order, int], at: Cursor | None) -> tuple[int, int]:
    order, limit = ask
    if at is None:
        return (max(0, len(found) - limit), len(found)) if order == "desc" else (0, min(limit, len(found)))
    if at.later:
        low = before(columns, found, Place(at.at, at.seq + 1))
        return low, min(low + limit, len(found))
    high = before(columns, found, Place(at.at, at.seq))
    return max(0, high - limit), high


def _by_seq(columns: Columns, found: Ints, limit: int, at: Cursor | None) -> Cut:
    seqs = np.sort(columns.column("seq")[found])
    reached = -1 if at is None else at.seq
    low = int(np.searchsorted(seqs, reached, "right"))
    page = [int(s) for s in seqs[low : low + limit]]
    # Never null: whoever polls asks again with it, and nothing is skipped or repeated.
    return Cut(page, Turn(Place(0, page[-1] if page else reached), True), None)


def _place(columns: Columns, position: int) -> Place:
    return Place(int(columns.column("at")[position]), int(columns.column("seq")[position]))
