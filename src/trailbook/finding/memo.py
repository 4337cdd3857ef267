"""What was worked out lately: a bounded memory, and the one place that empties all of a log's when somebody is erased.

Owns which value goes first, and that no memory outlives an erasure: each is made known to the log's `Erasures`, and is
emptied there, not when it is asked next. Refuses to know what it holds or how that is worked out.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, Generic, TypeVar
from weakref import WeakSet

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """At most so many values by key, none of them None; whichever was used longest ago goes first.

    Any number of threads may share one. What is being worked out when it is cleared, or when its key is dropped, is not
    remembered: it was read from what is gone.
    """

    def __init__(self, most: int, erasures: "Erasures | None" = None) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._making: dict[int, set[K]] = {}  # by number of the making: the keys that may yet be remembered
        self._makings = count()
        self._lock = threading.Lock()  # never held while anything is worked out
        if erasures is not None:
            erasures.reach(self)

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value of a key, which now is the one used last; None where it is not remembered."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def peek(self, key: K) -> V | None:
        """The value of a key, as `get` but sooner: it keeps its place among those that go first."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember a value, which now is the one used last."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            self._shrink()

    def put_all(self, values: Mapping[K, V]) -> None:
        """Remember many values, which now are those used last; at once, for one at a time takes longer."""
        with self._lock:
            for key, value in values.items():
                self._values[key] = value
                self._values.move_to_end(key)
            self._shrink()

    def drop(self, key: K) -> None:
        """Remember nothing of a key."""
        with self._lock:
            self._values.pop(key, None)
            for keys in self._making.values():
                keys.discard(key)

    def value(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made where it is not remembered."""
        value = self.get(key)
        return self.values((key,), lambda keys: {key: make()})[key] if value is None else value

    def values(self, keys: Iterable[K], make: Callable[[set[K]], Mapping[K, V]]) -> dict[K, V]:
        """The values of these keys, however many; those not remembered are made together, or left out by `make`."""
        wanted = set(keys)
        with self._lock:
            values = self._values
            chosen = {key: values[key] for key in wanted if key in values}
            for key in chosen:
                values.move_to_end(key)
            missing = wanted - chosen.keys()
            number = next(self._makings)
            if missing:
                self._making[number] = set(missing)
        if missing:
            chosen.update(self._made(number, make, missing))
        return chosen

    def clear(self) -> None:
        """Forget everything, and whatever is being worked out."""
        with self._lock:
            self._values = OrderedDict()
            self._making.clear()

    def _made(self, number: int, make: Callable[[set[K]], Mapping[K, V]], missing: set[K]) -> Mapping[K, V]:
        try:
            made = make(missing)
        except BaseException:
            with self._lock:
                self._making.pop(number, None)
            raise
        with self._lock:
            rememberable = self._making.pop(number, set())
            self._values.update({key: value for key, value in made.items() if key in rememberable})
            self._shrink()
        return made

    def _shrink(self) -> None:
        while len(self._values) > self._most:
            self._values.popitem(last=False)


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

    def keep(self, memo: Memo[K, V], values: Mapping[K, V], count: int) -> None:
        """Remember values that were worked out when there were `count` erasures, unless one came since."""
        memo.put_all(values)
        if self.count != count:  # asked after, for an erasure counts before it empties
            for key in values:
                memo.drop(key)
