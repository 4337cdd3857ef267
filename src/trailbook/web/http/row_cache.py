"""Rows as they were written out: a list that is asked for again is not made again.

Owns a bounded memory of rows' HTML by the list they stand on (its log, address, language and zone), each beside the
entry it was made of: it is given out for that very entry, as it is shown by now, and for nothing else. Refuses to
decide who may see an entry, and to outlive an erasure.
"""

import threading
from collections.abc import Callable, Hashable, Sequence

from markupsafe import Markup
from msgspec import Struct

from trailbook.finding import Erasures, Memo, Shown

MOST = 64  # lists; about 30 MB with 50 rows in each


class Drawing(Struct, frozen=True, gc=False):
    """A row: the day it stands under, and its HTML."""

    day: str
    html: Markup


class RowList(Struct, frozen=True):
    """A list of rows: of which log, and at which address; `count` erasures were there before its entries were read."""

    erasures: Erasures
    count: int
    address: Hashable


class _Row(Struct, frozen=True, gc=False):
    shown: Shown
    drawing: Drawing


_Rows = dict[str, _Row]


class RowCache:
    """The rows of the lists that were asked for lately, of every organisation; any number of threads may ask."""

    def __init__(self) -> None:
        self._lists: Memo[tuple[Erasures, Hashable], _Rows] = Memo(MOST)
        self._lock = threading.Lock()

    def rows(self, at: RowList, entries: Sequence[Shown], draw: Callable[[Shown], Drawing]) -> list[Drawing]:
        """The rows of a list, in the order of its entries."""
        at.erasures.reach(self._lists)
        remembered = self._list(at)
        rows: _Rows = {}
        for shown in entries:
            row = remembered.get(shown.id)
            rows[shown.id] = row if row is not None and row.shown == shown else _Row(shown, draw(shown))
        self._keep(at, rows)
        return [row.drawing for row in rows.values()]

    def _list(self, at: RowList) -> _Rows:
        with self._lock:
            return self._lists.get((at.erasures, at.address)) or {}

    def _keep(self, at: RowList, rows: _Rows) -> None:
        key = (at.erasures, at.address)
        with self._lock:
            self._lists.put(key, rows)
            if at.erasures.count != at.count:  # asked after, for an erasure counts before it empties
                self._lists.drop(key)
