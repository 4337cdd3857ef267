"""The tail: entries not yet sealed, as numbers, growing at the end in the order of `seq`.

Owns the codes of a log's words and what search reads before a segment is sealed. Terms are item numbers of
the directory and codes given out here; nothing personal is in them, so erasing a person does not touch them.
Refuses I/O.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct, structs

from trailbook.index.plan import Clause, Plan
from trailbook.model import Kind

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

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
    """The entries from `first` on; a piece of the index like a sealed segment, only cheaper to add to."""

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
        self._ordered = -1
        self._order: Ints = np.zeros(0, np.int64)
        self._times: Ints = np.zeros(0, np.int64)

    def add(self, rows: Sequence[IndexRow], size: int) -> None:
        """Append rows in the order of `seq`; `size` is the log's size after them."""
        self._waiting.extend(rows)
        self._lives.extend(Life(r.target, r.at, r.seq, r.alive) for r in rows if r.alive is not None)
        self.size = size
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

    def cut(self, stop: int) -> "Tail":
        """The tail from `stop` on: what is before it has been sealed."""
        rest = Tail(stop, self.codes)
        low = int(np.searchsorted(self._plain("seq"), stop))
        rest._held, rest.size = self.count - low, self.size
        rest._lives = [life for life in self._lives if life.seq >= stop]
        rest._arrays = {name: _longer(a[low : self.count], 256) for name, a in self._arrays.items()}
        starts = self._starts[low : self.count + 1]
        rest._starts = _longer(starts - starts[0], 257)
        rest._items = _longer(self._items[starts[0] : starts[-1]], 256)
        return rest

    def fields(self, stop: int) -> Fields:
        """The columns of what lies before `stop`."""
        high = int(np.searchsorted(self._plain("seq"), stop))
        starts = self._starts[: high + 1]
        of = {name: array[:high].copy() for name, array in self._arrays.items()}
        return Fields(of, starts.copy(), self._items[: starts[-1]].copy())

    def lives(self, stop: int) -> Lives:
        """When targets ended or came back, before `stop`."""
        lives = [life for life in self._lives if life.seq < stop]
        columns = ([getattr(life, name) for life in lives] for name in Lives.__struct_fields__)
        return Lives(*(np.asarray(column, np.int64) for column in columns))

    @property
    def low(self) -> int:
        """The earliest time; meaningless when nothing is there."""
        return int(self.at()[0])

    @property
    def high(self) -> int:
        """The latest time; meaningless when nothing is there."""
        return int(self.at()[-1])

    def at(self) -> Ints:
        """The times by rank: ascending."""
        self._sort()
        return self._times

    def seqs(self, ranks: Ints) -> Ints:
        """The `seq` at each rank."""
        return self.column("seq", ranks)

    def column(self, name: str, ranks: Ints | None = None) -> Ints:
        """A column by rank, whole or at some ranks."""
        self._sort()
        values: Ints = self._arrays[name][self._order if ranks is None else self._order[ranks]]
        return values

    def concerned(self, ranks: Ints) -> tuple[Ints, Ints]:
        """How many items each entry concerns, and those items one after the other."""
        self._sort()
        places = self._order[ranks]
        counts = self._starts[places + 1] - self._starts[places]
        spans = [self._items[self._starts[p] : self._starts[p + 1]] for p in places]
        return counts, np.concatenate(spans) if spans else np.zeros(0, np.int64)

    def find(self, plan: Plan) -> Ints:
        """Ranks of the entries that match, ascending."""
        self._sort()
        low = 0 if plan.since is None else int(np.searchsorted(self._times, plan.since, "left"))
        high = self.count if plan.until is None else int(np.searchsorted(self._times, plan.until, "left"))
        return np.flatnonzero(self._keep(plan)[self._order[low:high]]) + low

    def number(self, plan: Plan) -> int:
        """How many entries match."""
        return len(self.find(plan))

    def citing(self, item: int) -> Ints:
        """Ranks of the entries that cite an item in any part, its credentials' included."""
        self._sort()
        hits = self._cites((item,)) | (self._plain("source") == item)
        return np.flatnonzero(hits[self._order])

    def posting(self, field: str, number: int) -> Ints:
        """Ranks of the entries that have a number in a field; `about` is target or concerned."""
        self._sort()
        hits = self._hits(Clause("concerns" if field == "about" else field, (number,)))
        return np.flatnonzero(hits[self._order])

    def having(self, field: str, numbers: Ints) -> Mask:
        """Which of these numbers some entry has in a field."""
        seen = self._plain("target" if field == "about" else field)
        if field == "about":
            seen = np.concatenate([seen, self._items[: self._starts[self._held]]])
        return np.isin(numbers, seen)

    def _keep(self, plan: Plan) -> Mask:
        matching: Mask = self._plain("seq") < plan.as_of
        for clause in plan.clauses:
            hit = self._hits(clause)
            matching &= ~hit if clause.negated else hit
        for word in plan.text:
            matching &= self._cites(word.items) | _is_one_of(self._plain("action"), word.actions)
        if plan.own is not None:
            matching &= self._plain("own") == int(plan.own)
        return matching

    def _hits(self, clause: Clause) -> Mask:
        if clause.field in ("concerns", "by_or_about"):
            hit = self._concerning(clause.numbers) | _is_one_of(self._plain("target"), clause.numbers)
            if clause.field == "by_or_about":
                hit |= _is_one_of(self._plain("actor"), clause.numbers)
            return hit
        hit = _is_one_of(self._plain(clause.field), clause.numbers)
        return hit | _is_one_of(self._plain("type"), clause.types) if clause.types else hit

    def _cites(self, items: Sequence[int]) -> Mask:
        hits = self._concerning(items)
        for name in ("actor", "target", "behalf"):
            hits |= _is_one_of(self._plain(name), items)
        return hits

    def _concerning(self, items: Sequence[int]) -> Mask:
        hits = np.zeros(self.count, np.bool_)
        places = np.flatnonzero(_is_one_of(self._items[: self._starts[self.count]], items))
        hits[np.searchsorted(self._starts[: self.count + 1], places, "right") - 1] = True
        return hits

    def _plain(self, name: str) -> Ints:
        count = self.count
        return self._arrays[name][:count]

    def _sort(self) -> None:
        if self._ordered != self.count:
            # Rows are in the order of seq, so a stable sort by time alone gives (occurred_at, seq).
            self._order = np.argsort(self._plain("at"), kind="stable")
            self._times = self._plain("at")[self._order]
            self._ordered = self.count

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


def _is_one_of(values: Ints, wanted: Sequence[int]) -> Mask:
    if len(wanted) == 1:
        single: Mask = values == wanted[0]
        return single
    return np.isin(values, np.asarray(wanted, np.int64))


def _longer(array: Ints, room: int) -> Ints:
    longer = np.zeros(max(room, len(array)), np.int64)
    longer[: len(array)] = array
    return longer
