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


_Kept = dict[str, tuple[Shown, Drawing]]


class Drawn:
    """The rows of the lists that were asked for lately, of every organisation; any number of threads may ask."""

    def __init__(self) -> None:
        self._lists: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._forgotten: dict[str, int] = {}
        self._lock = threading.Lock()

    def rows(
        self, place: tuple[str, int, Hashable], entries: Sequence[Shown], draw: Callable[[Shown], Drawing]
    ) -> list[Drawing]:
        """The rows of a list: of which organisation, how often that forgot somebody, and at which address."""
        kept = self._list(*place)
        found: _Kept = {}
        for shown in entries:
            known = kept.get(shown.id)
            found[shown.id] = known if known is not None and known[0] == shown else (shown, draw(shown))
        with self._lock:
            if self._forgotten.get(place[0]) == place[1]:
                self._lists[place[0], place[2]] = found
                while len(self._lists) > MOST:
                    self._lists.popitem(last=False)
        return [drawing for _, drawing in found.values()]

    def _list(self, org: str, forgotten: int, address: Hashable) -> _Kept:
        with self._lock:
            if self._forgotten.setdefault(org, forgotten) != forgotten:
                self._lists.clear()
                self._forgotten[org] = forgotten
            if (org, address) not in self._lists:
                return {}
            self._lists.move_to_end((org, address))
            return self._lists[org, address]
