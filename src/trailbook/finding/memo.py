"""What was worked out lately: a bounded memory, and the one place that empties all of a log's when somebody is erased.

Owns which value goes first, and that no memory outlives an erasure: each is made known to the log's `Erasures`, and is
emptied there, not when it is asked next. Refuses to know what it holds or how that is worked out.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar
from weakref import WeakSet

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """At most so many values by key, none of them None; whichever was used longest ago goes first.

    Threads that share one hold a lock around each use, for most take several steps; `peek` and `clear` take one, and
    may come at any time. What is being worked out when it is cleared is not remembered.
    """

    def __init__(self, most: int, erasures: "Erasures | None" = None) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        if erasures is not None:
            erasures.reach(self)

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value of a key, which now is the one used last; None where it is not remembered."""
        values = self._values
        value = values.get(key)
        if value is not None:
            values.move_to_end(key)
        return value

    def peek(self, key: K) -> V | None:
        """The value of a key, as `get` but sooner: it keeps its place among those that go first."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember a value, which now is the one used last."""
        values = self._values
        values[key] = value
        values.move_to_end(key)
        self._shrink(values)

    def drop(self, key: K) -> None:
        """Remember nothing of a key."""
        self._values.pop(key, None)

    def value(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made where it is not remembered."""
        value = self.get(key)
        if value is None:
            values = self._values
            value = values[key] = make()
            self._shrink(values)
        return value

    def values(self, keys: Iterable[K], make: Callable[[set[K]], Mapping[K, V]]) -> dict[K, V]:
        """The values of these keys, however many; those not remembered are made together, or left out by `make`."""
        values, wanted = self._values, set(keys)
        chosen = {key: values[key] for key in wanted if key in values}
        for key in chosen:
            values.move_to_end(key)
        if len(chosen) < len(wanted):
            made = make(wanted - chosen.keys())
            values.update(made)
            chosen.update(made)
            self._shrink(values)
        return chosen

    def clear(self) -> None:
        """Forget everything; whoever is in the middle of something goes on with the old values, which then are gone."""
        self._values = OrderedDict()

    def _shrink(self, values: OrderedDict[K, V]) -> None:
        while len(values) > self._most:
            values.popitem(last=False)


class Erasures:
    """The erasures in one log, as far as this process knows of them, and whatever remembers something of that log."""

    def __init__(self) -> None:
        self.count = 0  # how often everything was forgotten
        self._memos: WeakSet[Memo[Any, Any]] = WeakSet()
        self._lock = threading.Lock()

    def reach(self, memo: Memo[Any, Any]) -> None:
        """Have a memory emptied by every announcement from now on, for as long as somebody holds it."""
        with self._lock:
            self._memos.add(memo)

    def announce(self) -> None:
        """Somebody was erased, or may have been: everything that was remembered is forgotten."""
        with self._lock:
            # Counted first: whoever puts something in, and then finds the count unchanged, was in time to be emptied.
            self.count += 1
            memos = list(self._memos)
        for memo in memos:
            memo.clear()
