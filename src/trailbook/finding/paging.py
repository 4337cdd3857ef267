"""Pages: which of the entries found stand on one page, and where its neighbours begin.

Owns keyset paging in the three orders. Refuses offsets: a page begins at a place, never at a number.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from trailbook.errors import Fault, FilterInvalidError
from trailbook.index import Place
from trailbook.query import MAX_LIMIT, Cursor, Order

_DIRECTIONS: dict[bool, Order] = {True: "asc", False: "desc"}


class Turn(Struct, frozen=True):
    """A neighbouring page: the place it begins beyond, and whether it holds later entries or earlier ones."""

    place: Place
    later: bool


class CutPage(Struct, frozen=True):
    """One page: the `seqs` in the order asked, and the turns to the next and the previous page."""

    seqs: Sequence[int]
    next: Turn | None
    previous: Turn | None


class NextSeqs(Struct, frozen=True):
    """The next seqs of an answer, and the place they end at; None when there are none."""

    seqs: list[int]
    end: Place | None


class ListPage(Struct, frozen=True):
    """One page of a list: where it begins, where it ends, and the turn to the next."""

    begin: int
    end: int
    next: Turn | None


# At most so many of what matches from beyond a place: `asc` towards later entries, `desc` towards earlier ones.
Hits = Callable[[Order, int, Place | None], Sequence[Place]]


def cut_page(hits: Hits, *, order: Order, limit: int, at: Cursor | None) -> CutPage:
    """The page of at most `limit` among what matches, from a cursor on or from the beginning.

    Raises: FilterInvalidError for a limit that is not 1 to 200.
    """
    _check(limit)
    if order == "seq":
        return _by_seq(hits, limit, -1 if at is None else at.seq)
    later = order == "asc" if at is None else at.later
    forth, back = _DIRECTIONS[later], _DIRECTIONS[not later]
    # One more than fits says whether anything follows in the direction of reading.
    places = hits(forth, limit + 1, None if at is None else Place(at.at, at.seq))
    count, more = min(limit, len(places)), len(places) > limit
    if not count:
        return CutPage([], None, None)
    near, far = places[0], places[count - 1]
    first, last = (near, far) if later else (far, near)
    # Without a cursor the page begins at an end of the answer: nothing lies behind it.
    behind = at is not None and bool(hits(back, 1, near))
    before = Turn(first, False) if (behind if later else more) else None
    after = Turn(last, True) if (more if later else behind) else None
    seqs = [place.seq for place in places[:count]]
    if order == "desc":
        return CutPage(seqs[::-1] if later else seqs, before, after)
    return CutPage(seqs if later else seqs[::-1], after, before)


def _by_seq(hits: Hits, limit: int, reached: int) -> CutPage:
    seqs = [place.seq for place in hits("seq", limit, Place(0, reached))]
    # Never null: whoever polls asks again with it, and nothing is skipped or repeated.
    return CutPage(seqs, Turn(Place(0, seqs[-1] if seqs else reached), True), None)


def list_page(numbers: Sequence[int], at: Cursor | None, limit: int) -> ListPage:
    """The page of a list that follows the number of a cursor.

    Raises: FilterInvalidError for a limit that is not 1 to 200.
    """
    _check(limit)
    begin = 0 if at is None else list(numbers).index(at.seq) + 1 if at.seq in numbers else len(numbers)
    end = min(begin + limit, len(numbers))
    after = Turn(Place(0, numbers[end - 1]), True) if begin < end < len(numbers) else None
    return ListPage(begin, end, after)


def _check(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        fault = Fault("/limit", "parameter-invalid", f"is not a whole number from 1 to {MAX_LIMIT}")
        raise FilterInvalidError(f"limit: {fault.detail}", (fault,))
