"""The lane in which passwords are hashed: apart from everything else, for each takes long and much memory on purpose.

Owns how many are hashed at a time and how many may wait. Refuses to let more than that wait: who comes then is told
so at once, and pages, recording and whoever is signed in never stand behind a password.
"""

import os
from collections.abc import Callable
from typing import Any

from anyio import CapacityLimiter, to_thread
from litestar import Response
from msgspec import Struct

THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))  # so that half of the machine answers everybody else
WAITING = 32


class Hashing(Struct, frozen=True):
    """An answer for which a password has to be hashed, and the one that is given where there is no room."""

    make: Callable[[], Response[Any]]
    refuse: Callable[[], Response[Any]]


class HashingLane:
    """One application's lane; `most` are those who may be inside, hashing and waiting."""

    def __init__(self, threads: int = THREADS, waiting: int = WAITING) -> None:
        self._limiter = CapacityLimiter(threads)
        self.most = threads + waiting
        self._inside = 0

    async def run(self, hashing: Hashing) -> Response[Any]:
        """Its answer. Raises: what making it raises."""
        if self._inside >= self.most:
            return hashing.refuse()
        self._inside += 1
        try:
            return await to_thread.run_sync(hashing.make, limiter=self._limiter)
        finally:
            self._inside -= 1
