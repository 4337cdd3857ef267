"""Throttling: how often somebody may try something, counted in a bucket that fills again.

Owns the arithmetic and a bounded number of buckets. Refuses to read a clock or to know what is counted: both are
the caller's. What is forgotten first is what was used longest ago.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable

MOST = 20_000  # buckets; who has more names than this begins anew, so what strangers choose is counted by its place


class Throttle:
    """Buckets of `burst` tokens, each filling by `burst` in `seconds`."""

    def __init__(self, burst: int, seconds: float, most: int = MOST) -> None:
        self.burst = burst
        self.seconds = seconds
        self._most = most
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, who: Hashable, now: float, cost: float = 1) -> float:
        """Seconds until `cost` tokens are there, 0 when they are; takes nothing. `now` is in seconds."""
        with self._lock:
            return self._lacking(who, now, cost)

    def take(self, who: Hashable, now: float, cost: float = 1) -> float:
        """Take `cost` tokens and answer 0; or take none and answer the seconds until they are there."""
        with self._lock:
            lacking = self._lacking(who, now, cost)
            if lacking == 0:
                self._keep(who, now, self._left(who, now) - cost)
            return lacking

    def give(self, who: Hashable, now: float) -> None:
        """Give one token back: what was tried went well and does not count."""
        with self._lock:
            self._keep(who, now, min(float(self.burst), self._left(who, now) + 1))

    def left(self, who: Hashable, now: float) -> float:
        """The tokens in a bucket."""
        with self._lock:
            return self._left(who, now)

    def _lacking(self, who: Hashable, now: float, cost: float) -> float:
        missing = cost - self._left(who, now)
        # A billionth is rounding: waiting as long as was said is always enough.
        return 0.0 if missing <= 1e-9 else missing * self.seconds / self.burst

    def _left(self, who: Hashable, now: float) -> float:
        left, at = self._buckets.get(who, (float(self.burst), now))
        # A clock that went back fills nothing and takes nothing away.
        return min(float(self.burst), left + max(0.0, now - at) * self.burst / self.seconds)

    def _keep(self, who: Hashable, now: float, left: float) -> None:
        self._buckets[who] = (left, now)
        self._buckets.move_to_end(who)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
