"""Columns: every entry of a log as numbers, growing at the end, in the order of `seq`.

Owns what search, counts and typeahead read instead of bodies. Terms are item numbers of the directory and
codes given out here; nothing personal is in them, so erasing a person does not touch them. Refuses I/O.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from trailbook.model import Kind

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NUMBERS = ("at", "actor", "target", "source", "behalf", "correlation", "cause", "kind", "type", "category", "action",
           "outcome", "interface", "own")  # fmt: skip
CODED = ("kind", "type", "category", "action", "outcome", "interface")


class Row(Struct, frozen=True, kw_only=True):
    """One entry as numbers and names: items by item number, `at` in microseconds, `correlation` and `cause` as 60
    bits of their ids (0: none), `alive` false when the target ends with it, true when it is restored.
    """

    seq: int
    at: int
    actor: int
    target: int
    source: int
    behalf: int
    concerned: tuple[int, ...]
    kind: Kind
    type: str
    category: str
    action: str
    outcome: str
    interface: str
    own: bool
    correlation: int
    cause: int
    alive: bool | None = None


class Codes:
    """Small numbers for the words of one column, given out in the order they first appear."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def code(self, word: str) -> int:
        """The number of a word, new ones included."""
        return self.of.setdefault(word, len(self.of))

    def known(self, words: Sequence[str]) -> list[int]:
        """The numbers of those words that have one."""
        return [self.of[word] for word in words if word in self.of]


class Columns:
    """The growing columns of one log."""

    def __init__(self) -> None:
        self.size = 0  # entries seen, removed ones included: the next seq
        self.count = 0
        self.codes = {name: Codes() for name in CODED}
        self.life: dict[int, tuple[int, int, bool]] = {}  # item -> when (at, seq) it last ended or revived
        self.kinds: dict[int, Kind] = {}
        self.caused: dict[int, int] = {}  # 60 bits of an entry's id -> how many entries it led to
        self._arrays = {name: np.zeros(256, np.int64) for name in ("seq", *NUMBERS)}
        self._starts = np.zeros(257, np.int64)
        self._items = np.zeros(256, np.int64)
        self._ordered = 0
        self._order: Ints = np.zeros(0, np.int64)

    def add(self, rows: Sequence[Row], size: int) -> None:
        """Append rows in the order of `seq`; `size` is the log's size after them."""
        if rows:
            self._grow(self.count + len(rows))
            fresh = slice(self.count, self.count + len(rows))
            for name, array in self._arrays.items():
                array[fresh] = [self._number(name, row) for row in rows]
            self._add_concerned(rows)
            for row in rows:
                self.kinds[row.actor] = row.kind
                if row.cause:
                    self.caused[row.cause] = self.caused.get(row.cause, 0) + 1
                if row.alive is not None:
                    self._live(row.target, (row.at, row.seq, row.alive))
            self.count += len(rows)
        self.size = size

    def column(self, name: str) -> Ints:
        """One column, `seq`, `at` or another of NUMBERS, by position."""
        return self._arrays[name][: self.count]

    def order(self) -> Ints:
        """Positions in the order of (occurred_at, seq), oldest first."""
        if self._ordered != self.count:
            # Positions are in order of seq, so a stable sort by time alone gives (occurred_at, seq).
            self._order = np.argsort(self.column("at"), kind="stable")
            self._ordered = self.count
        return self._order

    def concerning(self, items: Sequence[int]) -> Mask:
        """Which positions have one of these items among their concerns."""
        found = np.zeros(self.count, np.bool_)
        hits = np.flatnonzero(is_one_of(self._items[: self._starts[self.count]], items))
        found[np.searchsorted(self._starts[: self.count + 1], hits, "right") - 1] = True
        return found

    def concerned(self, position: int) -> Ints:
        """The items that the entry at a position concerns."""
        return self._items[self._starts[position] : self._starts[position + 1]]

    def concerned_items(self) -> Ints:
        """Every item that some entry concerns, once, ascending."""
        return np.unique(self._items[: self._starts[self.count]])

    def _number(self, name: str, row: Row) -> int:
        value = getattr(row, name)
        return self.codes[name].code(value) if name in self.codes else int(value)

    def _live(self, item: int, now: tuple[int, int, bool]) -> None:
        if item not in self.life or self.life[item][:2] < now[:2]:
            self.life[item] = now

    def _grow(self, count: int) -> None:
        if count > len(self._arrays["seq"]):
            room = max(count, 2 * len(self._arrays["seq"]))
            self._arrays = {name: _longer(array, room) for name, array in self._arrays.items()}
            self._starts = _longer(self._starts, room + 1)

    def _add_concerned(self, rows: Sequence[Row]) -> None:
        ends = self._starts[self.count] + np.cumsum([len(row.concerned) for row in rows])
        if ends[-1] > len(self._items):
            self._items = _longer(self._items, max(int(ends[-1]), 2 * len(self._items)))
        self._items[self._starts[self.count] : ends[-1]] = [item for row in rows for item in row.concerned]
        self._starts[self.count + 1 : self.count + 1 + len(rows)] = ends


def is_one_of(values: Ints, wanted: Sequence[int]) -> Mask:
    """Which values are among the wanted ones."""
    if len(wanted) == 1:
        single: Mask = values == wanted[0]
        return single
    return np.isin(values, np.asarray(wanted, np.int64))


def _longer(array: Ints, room: int) -> Ints:
    longer = np.zeros(room, np.int64)
    longer[: len(array)] = array
    return longer
