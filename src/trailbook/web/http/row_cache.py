"""Rows as they were written out: a list that is asked for again is not made again.

Owns a bounded memory of rows' HTML by the list they stand on (its address, language and zone), each beside the entry it
was made of: it is given out for that very entry, as it is shown by now, and for nothing else. Refuses to decide who may
see an entry, and to outlive an erasure.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

from markupsafe import Markup
from msgspec import Struct

from trailbook.finding import Shown

MOST = 64  # lists; about 30 MB with 50 rows in each


class Drawing(Struct, frozen=True, gc=False):
    """A row: the day it stands under, and its HTML."""

    day: str
    html: Markup


class ListPlace(Struct, frozen=True, gc=False):
    """Which list: of an organisation, that forgot somebody so many times, at an address."""

    org: str
    forgotten: int
    address: Hashable


class _Row(Struct, frozen=True, gc=False):
    """What was drawn, and of which entry."""

    entry: Shown
    drawing: Drawing


_Rows = dict[str, _Row]


class RowCache:
    """The rows of the lists that were asked for lately, of every organisation; any number of threads may ask."""

    def __init__(self) -> None:
        self._lists: OrderedDict[Hashable, _Rows] = OrderedDict()
        self._forgotten: dict[str, int] = {}
        self._lock = threading.Lock()

    def rows(
        self, place: ListPlace, entries: Sequence[Shown], draw: Callable[[Shown], Drawing]
    ) -> list[Drawing]:
        """The rows of a list."""
        before = self._list(place)
        rows: _Rows = {}
        for shown in entries:
            row = before.get(shown.id)
            rows[shown.id] = row if row is not None and row.entry == shown else _Row(shown, draw(shown))
        with self._lock:
            if self._forgotten.get(place.org) == place.forgotten:
                self._lists[place.org, place.address] = rows
                while len(self._lists) > MOST:
                    self._lists.popitem(last=False)
        return [row.drawing for row in rows.values()]

    def _list(self, place: ListPlace) -> _Rows:
        key = place.org, place.address
        with self._lock:
            if self._forgotten.setdefault(place.org, place.forgotten) != place.forgotten:
                self._lists.clear()
                self._forgotten[place.org] = place.forgotten
            if key not in self._lists:
                return {}
            self._lists.move_to_end(key)
            return self._lists[key]
