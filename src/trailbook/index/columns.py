"""The tail: entries not yet sealed, as numbers, growing at the end in the order of `seq`.

Owns the codes of a log's words and how entries are added; what search reads of them is `unsealed.py`'s. Terms are item
numbers of the directory and codes given out here; nothing personal is in them, so erasing a person does not touch
them. Whoever adds, seals or takes a piece is one at a time; a piece that was taken is read by anybody. Refuses I/O.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct, structs

from trailbook.index.plan import Ints
from trailbook.index.unsealed import Unsealed
from trailbook.model import Kind

CODED = ("kind", "type", "category", "action", "outcome", "interface")
ITEMS = ("actor", "target", "source", "behalf", "origin")
_WAITING = 64
NUMBERS = ("at", *ITEMS, "correlation", "cause", *CODED, "own")


class IndexRow(Struct, frozen=True, kw_only=True, gc=False):
    """One entry as numbers and names: items by item number, 0 for none, `at` in microseconds, `correlation` and `cause`
    as 60 bits of their ids, 0 for none, `alive` false when the target ends with it, true when it is restored.
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
    origin: int = 0


class Fields(Struct, frozen=True):
    """Entries as columns in the order of `seq`: by name, and the concerned items with where each entry's begin."""

    of: Mapping[str, Ints]
    starts: Ints
    concerned: Ints


class Life(Struct, frozen=True, gc=False):
    """When a target ended (not `alive`) or came back."""

    item: int
    at: int
    seq: int
    alive: bool


class Lives(Struct, frozen=True):
    """When targets ended or came back: item, at, seq, alive, one array each."""

    item: Ints
    at: Ints
    seq: Ints
    alive: Ints


class Codes:
    """Small numbers for the words of one column, given out in the order they first appear."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.of = {word: code for code, word in enumerate(words)}

    def code(self, word: str) -> int:
        """The number of a word, new ones included."""
        return self.of.setdefault(word, len(self.of))

    def all(self, words: Sequence[str]) -> list[int]:
        """The numbers of these words, new ones included."""
        try:
            return [self.of[word] for word in words]
        except KeyError:
            return [self.code(word) for word in words]

    def known(self, words: Sequence[str]) -> tuple[int, ...]:
        """The numbers of those words that have one."""
        return tuple(self.of[word] for word in words if word in self.of)

    @property
    def words(self) -> list[str]:
        """The words in the order of their codes."""
        return list(self.of)


def new_codes(words: Mapping[str, Sequence[str]] = {}) -> dict[str, Codes]:
    """The codes of every coded column, beginning with the words given."""
    return {name: Codes(words.get(name, ())) for name in CODED}


class Tail:
    """The entries from `first` on, growing at the end; `piece` is what search reads of them."""

    def __init__(self, first: int, codes: dict[str, Codes]) -> None:
        self.first = first
        self.size = first  # entries seen, removed ones included: the next seq
        self._codes = codes
        self._held = 0
        self._waiting: list[
            IndexRow
        ] = []  # not in the arrays yet: one by one that costs more than what they say
        self._lives: list[Life] = []
        self._arrays = {name: np.zeros(256, np.int64) for name in ("seq", *NUMBERS)}
        self._starts = np.zeros(257, np.int64)
        self._items = np.zeros(256, np.int64)
        self._piece: Unsealed | None = None

    def add(self, rows: Sequence[IndexRow], size: int) -> None:
        """Append rows in the order of `seq`; `size` is the log's size after them."""
        self._waiting.extend(rows)
        self._lives.extend(Life(r.target, r.at, r.seq, r.alive) for r in rows if r.alive is not None)
        self.size, self._piece = size, None
        if len(self._waiting) >= _WAITING:
            self._settle()

    @property
    def count(self) -> int:
        """How many entries there are; whatever was waiting is in the arrays by then."""
        if self._waiting:
            self._settle()
        return self._held

    @property
    def codes(self) -> dict[str, Codes]:
        """The codes of every coded column, with the words of every entry that was added."""
        if self._waiting:
            self._settle()
        return self._codes

    def piece(self) -> Unsealed:
        """What there is by now. It never changes: what comes later is written behind it, or into other arrays."""
        if self._piece is None:
            count = self.count
            self._piece = Unsealed(
                (self.first, self.size),
                {name: array[:count] for name, array in self._arrays.items()},
                self._starts[: count + 1],
                items=self._items[: self._starts[count]],
            )
        return self._piece

    def cut(self, stop: int) -> "Tail":
        """The tail from `stop` on: what is before it has been sealed."""
        rest, count = Tail(stop, self.codes), self.count
        low = int(np.searchsorted(self._arrays["seq"][:count], stop))
        rest._held, rest.size = count - low, self.size
        rest._lives = [life for life in self._lives if life.seq >= stop]
        rest._arrays = {name: _longer(a[low:count], 256) for name, a in self._arrays.items()}
        starts = self._starts[low : count + 1]
        rest._starts = _longer(starts - starts[0], 257)
        rest._items = _longer(self._items[starts[0] : starts[-1]], 256)
        return rest

    def fields(self, stop: int) -> Fields:
        """The columns of what lies before `stop`."""
        count = self.count  # before the arrays are looked at: what waits may move them into longer ones
        high = int(np.searchsorted(self._arrays["seq"][:count], stop))
        starts = self._starts[: high + 1]
        of = {name: array[:high].copy() for name, array in self._arrays.items()}
        return Fields(of, starts.copy(), self._items[: starts[-1]].copy())

    def lives(self, stop: int) -> Lives:
        """When targets ended or came back, before `stop`."""
        lives = [life for life in self._lives if life.seq < stop]
        columns = ([getattr(life, name) for life in lives] for name in Lives.__struct_fields__)
        return Lives(*(np.asarray(column, np.int64) for column in columns))

    def _settle(self) -> None:
        rows, held = self._waiting, self._held
        self._grow(held + len(rows))
        columns = dict(
            zip(IndexRow.__struct_fields__, zip(*map(structs.astuple, rows), strict=True), strict=True)
        )
        for name, array in self._arrays.items():
            values: Sequence[Any] = columns[name]
            codes = self._codes.get(name)
            array[held : held + len(rows)] = values if codes is None else codes.all(values)
        self._add_concerned(rows, held)
        self._waiting, self._held = [], held + len(rows)

    def _grow(self, count: int) -> None:
        if count > len(self._arrays["seq"]):
            room = max(count, 2 * len(self._arrays["seq"]))
            self._arrays = {name: _longer(array, room) for name, array in self._arrays.items()}
            self._starts = _longer(self._starts, room + 1)

    def _add_concerned(self, rows: Sequence[IndexRow], held: int) -> None:
        begin = self._starts[held]
        ends = begin + np.cumsum([len(row.concerned) for row in rows])
        if ends[-1] > len(self._items):
            self._items = _longer(self._items, max(int(ends[-1]), 2 * len(self._items)))
        self._items[begin : ends[-1]] = [item for row in rows for item in row.concerned]
        self._starts[held + 1 : held + 1 + len(rows)] = ends


def _longer(array: Ints, room: int) -> Ints:
    longer = np.zeros(max(room, len(array)), np.int64)
    longer[: len(array)] = array
    return longer
