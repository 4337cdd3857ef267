"""Rows as they were written out: a list that is asked for again is not made again.

Owns a bounded memory of rows' HTML by the list they stand on (its log, address, language and zone), each beside the
entry it was made of: it is given out for that very entry, as it is shown by now, and for nothing else. Refuses to
decide who may see an entry, and to outlive an erasure.
"""

import threading
from collections.abc import Hashable, Mapping, Sequence

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

    def recall(self, at: RowList, entries: Sequence[Shown]) -> dict[str, Drawing]:
        """The rows of those entries of a list that were drawn before as they are now, by the entries' ids."""
        at.erasures.reach(self._lists)
        with self._lock:
            remembered = self._lists.get((at.erasures, at.address)) or {}
        rows = ((shown, remembered.get(shown.id)) for shown in entries)
        return {shown.id: row.drawing for shown, row in rows if row is not None and row.shown == shown}

    def keep(self, at: RowList, entries: Sequence[Shown], rows: Mapping[str, Drawing]) -> None:
        """Keep the rows of a list, by its entries' ids."""
        key = (at.erasures, at.address)
        kept = {shown.id: _Row(shown, rows[shown.id]) for shown in entries}
        with self._lock:
            self._lists.put(key, kept)
            if at.erasures.count != at.count:  # asked after, for an erasure counts before it empties
                self._lists.drop(key)
