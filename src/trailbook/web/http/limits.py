"""Limits of a deployment: how often a key or a session may ask, how long anybody may take, and how many at a time.

Owns the numbers, what is counted against them, and the header fields that say how much is left. Refuses to count a
person across organisations, and to let anybody wait for what is too much.
Source: draft-ietf-httpapi-ratelimit-headers.
"""

import asyncio
import math
from typing import Any, Literal

from litestar.types import Receive
from msgspec import Struct

from trailbook.access import SLOTS, Slots, Throttle, Tries, Viewer, counted_as
from trailbook.clock import Clock
from trailbook.errors import TooManyTriesError, TrailbookError
from trailbook.model import Item

_ADDRESSES = 100  # as many addresses may guess at once before nobody may: a right key is not asked about it


class Limits(Struct, frozen=True, kw_only=True):
    """The limits in force.

    `reading` is requests a second for each key or session, `tiles` the same of tiles and entry bundles, which whoever
    follows a log asks for by the thousand. `recording` is entries a second for each key, `failures` what may go wrong
    in a minute of one account, or of keys, from one address; the others are seconds.
    """

    reading: int = 50
    tiles: int = 200
    recording: int = 20_000
    failures: int = 10
    header_seconds: int = 10
    request_seconds: int = 30
    idle_seconds: int = 75


DEFAULT_LIMITS = Limits()
Rate = Literal["reading", "tiles"]  # which of the rates of requests one is counted against


class TooManyRequestsError(TooManyTriesError):
    """A key or session asked more often than it may; `headers` say how much that is."""

    def __init__(self, seconds: float, what: str, headers: dict[str, str]) -> None:
        super().__init__(seconds)
        self.detail = f"Too many {what}. Wait as long as Retry-After says, then go on."
        self.headers = headers


class RequestTimeoutError(TrailbookError):
    """The request did not arrive whole in time."""

    code = "request-timeout"


class Gate:
    """Counts what is asked of one application."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._requests: dict[Rate, Throttle] = {
            "reading": Throttle(limits.reading, 1),
            "tiles": Throttle(limits.tiles, 1),
        }
        self._recording = Throttle(limits.recording, 1)
        self._slots = Slots()
        self._failures = Throttle(limits.failures, 60, SLOTS)
        self._every_failure = Throttle(limits.failures * _ADDRESSES, 60)
        self.sign_ins = Tries(limits.failures, clock)

    def read(self, viewer: Viewer, rate: Rate = "reading") -> None:
        """Count one request of a viewer. Raises: TooManyRequestsError."""
        wait = self._requests[rate].take(_who(viewer), self._now())
        if wait:
            raise TooManyRequestsError(wait, "requests", self.left_to_read(viewer, rate, wait))

    def record(self, source: Item, entries: int = 1) -> None:
        """Count entries that a key records. Raises: TooManyRequestsError."""
        # A batch greater than the limit waits for all of it, not for ever.
        wait = self._recording.take(source.id, self._now(), min(entries, self.limits.recording))
        if wait:
            raise TooManyRequestsError(wait, "entries", self.left_to_record(source, wait))

    def left_to_read(self, viewer: Viewer, rate: Rate = "reading", wait: float = 0) -> dict[str, str]:
        """The header fields that say how many requests are left."""
        throttle = self._requests[rate]
        return _rate_headers(rate, throttle, left=throttle.left(_who(viewer), self._now()), wait=wait)

    def left_to_record(self, source: Item, wait: float = 0) -> dict[str, str]:
        """The header fields that say how many entries are left."""
        left = self._recording.left(source.id, self._now())
        return _rate_headers("recording", self._recording, left=left, wait=wait)

    def wrong_key(self, address: str | None) -> None:
        """Count a key or link that was wrong, by its address and in all; a right one is never held up by others' tries.

        Raises: TooManyTriesError when there were too many.
        """
        now = self._now()
        slot = self._slots.of(counted_as(address))
        wait = max(self._failures.take(slot, now), self._every_failure.take(None, now))
        if wait:
            raise TooManyTriesError(wait)

    def _now(self) -> float:
        return self._clock().timestamp()


def refusal_headers(error: BaseException) -> dict[str, str]:
    """The header fields that a refusal needs beyond those of its status."""
    if isinstance(error, RequestTimeoutError):
        return {"Connection": "close"}
    if not isinstance(error, TooManyTriesError):
        return {}
    more = error.headers if isinstance(error, TooManyRequestsError) else {}
    return {"Retry-After": str(max(1, math.ceil(error.seconds))), **more}


def within(receive: Receive, seconds: float) -> Receive:
    """`receive`, but the body is there within `seconds` of being waited for, or a RequestTimeoutError is."""
    ends: float | None = None
    whole = False

    async def timed() -> Any:
        nonlocal ends, whole
        if whole:
            return await receive()
        if ends is None:  # what waits for its turn to be read is not late
            ends = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(ends):
                message: Any = await receive()
        except TimeoutError:
            raise RequestTimeoutError(f"the request was not there within {seconds:g} seconds") from None
        whole = not message.get("more_body")
        return message

    return timed


def _rate_headers(name: str, throttle: Throttle, *, left: float, wait: float) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{name}";q={throttle.burst};w={throttle.seconds:g}',
        "RateLimit": f'"{name}";r={int(left)};t={max(1, math.ceil(wait))}',
    }


def _who(viewer: Viewer) -> tuple[str, str, str]:
    return viewer.org, viewer.item.type, viewer.item.id
