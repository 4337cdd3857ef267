"""Transfers: how many answers that stream are under way, and in which order their pieces are made.

Owns the room that they have for each viewer, each organisation and in all. Refuses one more than there is room for,
and to let the pieces of many come before one page.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

from anyio import CancelScope, CapacityLimiter, to_thread

from trailbook.access import Viewer
from trailbook.errors import OverloadedError
from trailbook.export import Beside
from trailbook.web.http.lane import Asker, Lane

FILES = 32  # files sent at a time: each holds as much as one batch of entries
_PIECES = Asker("pieces", ("pieces",))  # as one organisation more, whose name none can have
_T = TypeVar("_T")


class Transfers:
    """The transfers of one kind that are under way, of which there may be so many."""

    def __init__(self, most: int = FILES) -> None:
        self._most = most
        self._viewers: Counter[tuple[str, str, str]] = Counter()
        self._orgs: Counter[str] = Counter()

    def beside(self, viewer: Viewer) -> Beside:
        """How many of a viewer's and of their organisation's there are."""
        return Beside(own=self._viewers[_whose(viewer)], org=self._orgs[viewer.org])

    @contextmanager
    def opened(self, viewer: Viewer) -> Iterator[Beside]:
        """One more, while it lasts, and those that were there before it. Raises: OverloadedError."""
        if self._orgs.total() >= self._most:
            raise OverloadedError("more is being sent than there is room for; come again soon")
        before = self.beside(viewer)
        counts: tuple[tuple[Counter[Any], Any], ...] = (
            (self._viewers, _whose(viewer)),
            (self._orgs, viewer.org),
        )
        for counter, key in counts:
            counter[key] += 1
        try:
            yield before
        finally:
            for counter, key in counts:
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]


class Turns:
    """In which order the pieces of all transfers are made: one at a time, and each in the lane of the pages."""

    # Were they made beside the pages they would interrupt them; were all in the lane, a page would wait for each.

    def __init__(self, lane: Lane, limiter: CapacityLimiter) -> None:
        self._lane = lane
        self._limiter = limiter
        self._turn = asyncio.Semaphore(1)

    async def run(self, make: Callable[[], _T]) -> _T:
        """What `make` gives. Raises: what it raises."""
        async with self._turn:
            return await self._lane.run(make, _PIECES)

    async def pieces(self, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """The pieces of a file, each made in a thread: an error among them breaks the transfer."""
        try:
            while (chunk := await self.run(partial(next, chunks, None))) is not None:
                yield chunk
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(cast("Any", chunks).close, limiter=self._limiter)


class Outflows:
    """What one application sends: exports that are made while they are sent, and files that were kept."""

    def __init__(self, lane: Lane, limiter: CapacityLimiter) -> None:
        self.made = Transfers()
        self.kept = Transfers()
        self.turns = Turns(lane, limiter)


def _whose(viewer: Viewer) -> tuple[str, str, str]:
    return viewer.org, viewer.item.type, viewer.item.id
