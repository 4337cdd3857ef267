"""One answer after the other: how many of them are made at a time.

Owns the order in which readers are served. Threads of one interpreter do not work side by side, they interrupt each
other: sixteen readers at once were answered at half the rate of one after the other. Refuses to let anybody wait long
behind a slow question: who has waited their patience goes in beside it.
"""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, Semaphore, move_on_after, to_thread

PATIENCE = 0.1  # seconds
T = TypeVar("T")


class Lane:
    """Runs the making of answers in threads, one at a time unless one is slow; at most as many as `limiter` allows."""

    def __init__(self, limiter: CapacityLimiter) -> None:
        self._limiter = limiter
        self._one: Semaphore | None = None

    async def run(self, make: Callable[[], T]) -> T:
        """What `make` gives. Raises: what `make` raises."""
        if self._one is None:
            self._one = Semaphore(1)  # made where the loop runs
        with move_on_after(PATIENCE) as waiting:
            await self._one.acquire()
        if waiting.cancelled_caught:
            return await to_thread.run_sync(make, limiter=self._limiter)
        try:
            return await to_thread.run_sync(make, limiter=self._limiter)
        finally:
            self._one.release()
