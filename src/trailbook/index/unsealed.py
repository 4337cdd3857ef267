"""What is not sealed yet, as it was at one moment: a piece of the index like a sealed segment.

Owns how it is searched. Nothing of it ever changes, so that any number of threads read it while the tail grows behind
it. Refuses to grow.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from trailbook.index.plan import Clause, Ints, Mask, Plan


class Unsealed:
    """The entries of `span`, as columns in the order of `seq`; those that entry n concerns begin at `starts[n]`."""

    def __init__(
        self, span: tuple[int, int], columns: Mapping[str, Ints], starts: Ints, *, items: Ints
    ) -> None:
        self.first, self.size = span
        self.count = len(starts) - 1
        self._columns = columns
        self._starts = starts
        self._items = items
        self._ranked: tuple[Ints, Ints] | None = None

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
        return self._by_time()[1]

    def seqs(self, ranks: Ints) -> Ints:
        """The `seq` at each rank."""
        return self.column("seq", ranks)

    def column(self, name: str, ranks: Ints | None = None) -> Ints:
        """A column by rank, whole or at some ranks."""
        order = self._by_time()[0]
        values: Ints = self._columns[name][order if ranks is None else order[ranks]]
        return values

    def concerned(self, ranks: Ints) -> tuple[Ints, Ints]:
        """How many items each entry concerns, and those items one after the other."""
        places = self._by_time()[0][ranks]
        counts = self._starts[places + 1] - self._starts[places]
        spans = [self._items[self._starts[p] : self._starts[p + 1]] for p in places]
        return counts, np.concatenate(spans) if spans else np.zeros(0, np.int64)

    def find(self, plan: Plan) -> Ints:
        """Ranks of the entries that match, ascending."""
        order, times = self._by_time()
        low = 0 if plan.since is None else int(np.searchsorted(times, plan.since, "left"))
        high = self.count if plan.until is None else int(np.searchsorted(times, plan.until, "left"))
        keep = self._keep(plan)[order[low:high]]
        return np.flatnonzero(keep if plan.hours is None else keep & plan.hours(times[low:high])) + low

    def number(self, plan: Plan) -> int:
        """How many entries match."""
        return len(self.find(plan))

    def having(self, field: str, numbers: Ints) -> Mask:
        """Which of these numbers some entry has in a field; `about` is target or concerned."""
        seen = self._columns["target" if field == "about" else field]
        if field == "about":
            seen = np.concatenate([seen, self._items])
        return np.isin(numbers, seen)

    def _keep(self, plan: Plan) -> Mask:
        matching: Mask = self._columns["seq"] < plan.as_of
        for clause in plan.clauses:
            hit = self._hits(clause)
            matching &= ~hit if clause.negated else hit
        for word in plan.text:
            matching &= self._cites(word.items) | _is_one_of(self._columns["action"], word.actions)
        if plan.own is not None:
            matching &= self._columns["own"] == int(plan.own)
        return matching

    def _hits(self, clause: Clause) -> Mask:
        if clause.field == "citing":
            return self._cites(clause.numbers) | _is_one_of(self._columns["source"], clause.numbers)
        if clause.field in ("concerns", "by_or_about"):
            hit = self._concerning(clause.numbers) | _is_one_of(self._columns["target"], clause.numbers)
            if clause.field == "by_or_about":
                hit |= _is_one_of(self._columns["actor"], clause.numbers)
            return hit
        hit = _is_one_of(self._columns[clause.field], clause.numbers)
        return hit | _is_one_of(self._columns["type"], clause.types) if clause.types else hit

    def _cites(self, items: Sequence[int] | Ints) -> Mask:
        hits = self._concerning(items)
        for name in ("actor", "target", "behalf"):
            hits |= _is_one_of(self._columns[name], items)
        return hits

    def _concerning(self, items: Sequence[int] | Ints) -> Mask:
        hits = np.zeros(self.count, np.bool_)
        places = np.flatnonzero(_is_one_of(self._items, items))
        hits[np.searchsorted(self._starts, places, "right") - 1] = True
        return hits

    def _by_time(self) -> tuple[Ints, Ints]:
        """The order of time, and the times in it; two threads that ask first both work it out, and alike."""
        if self._ranked is None:
            # Rows are in the order of seq, so a stable sort by time alone gives (occurred_at, seq).
            order = np.argsort(self._columns["at"], kind="stable")
            self._ranked = order, self._columns["at"][order]
        return self._ranked


def _is_one_of(values: Ints, wanted: Sequence[int] | Ints) -> Mask:
    if len(wanted) == 1:
        single: Mask = values == wanted[0]
        return single
    return np.isin(values, np.asarray(wanted, np.int64))
