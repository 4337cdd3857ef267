"""The lane in which answers are made: one at a time, and whose turn it is goes round.

Owns the order in which whoever asks is answered: parties in turn, such as the people of an organisation, and within
each whoever asks in turn, however much one of them asks. Refuses to let anybody wait for one that is slow: it keeps
its thread, and the turn goes on.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from msgspec import Struct

PATIENCE = 0.1  # seconds that one answer may keep the turn
_T = TypeVar("_T")


class Asker(Struct, frozen=True):
    """Who asks: `own` is known by their key or session, `party` by their organisation and whether they are programs."""

    own: Hashable
    party: Hashable


class _Queue:
    """Those who wait: the next comes from the party, and in it from the asker, whose last turn is longest ago."""

    def __init__(self) -> None:
        self._parties: dict[Hashable, dict[Hashable, deque[asyncio.Future[None]]]] = {}

    def put(self, asker: Asker) -> asyncio.Future[None]:
        """One more; done once it is their turn."""
        place = asyncio.get_running_loop().create_future()
        self._parties.setdefault(asker.party, {}).setdefault(asker.own, deque()).append(place)
        return place

    def next(self) -> asyncio.Future[None] | None:
        """Whose turn it is, who waits no more; None where nobody does."""
        while self._parties:
            place = self._first()
            if not place.done():  # whoever asked may have gone
                return place
        return None

    def _first(self) -> asyncio.Future[None]:
        party, askers = _taken(self._parties)
        own, places = _taken(askers)
        place = places.popleft()
        if places:
            askers[own] = places  # behind the others, of which a dict keeps the order
        if askers:
            self._parties[party] = askers
        return place


class _Turn:
    """The turn of one answer, which is passed on once."""

    def __init__(self, lane: "Lane") -> None:
        self._lane: Lane | None = lane

    def over(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None:
            lane.pass_on()


class Lane:
    """Runs the making of answers in threads, one at a time unless one is slow; at most as many as `limiter` allows."""

    # Threads of one interpreter do not work side by side, they interrupt each other: sixteen readers at once were
    # answered at half the rate of one after the other.

    def __init__(self, limiter: CapacityLimiter) -> None:
        self._limiter = limiter
        self._taken = False
        self._queue = _Queue()

    async def run(self, make: Callable[[], _T], asker: Asker) -> _T:
        """What `make` gives. Raises: what `make` raises."""
        await self._wait(asker)
        turn = _Turn(self)
        # A thread cannot be interrupted. So a slow answer keeps its thread, and only the turn goes to the next.
        patience = asyncio.get_running_loop().call_later(PATIENCE, turn.over)
        try:
            return await to_thread.run_sync(make, limiter=self._limiter)
        finally:
            patience.cancel()
            turn.over()

    async def _wait(self, asker: Asker) -> None:
        if not self._taken:
            self._taken = True
            return
        place = self._queue.put(asker)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it had become their turn
                self.pass_on()
            raise

    def pass_on(self) -> None:
        """Let the next one begin, or whoever comes."""
        place = self._queue.next()
        self._taken = place is not None
        if place is not None:
            place.set_result(None)


def _taken(waiting: dict[Hashable, _T]) -> tuple[Hashable, _T]:
    """The first of a dict, taken out of it."""
    first = next(iter(waiting))
    return first, waiting.pop(first)
