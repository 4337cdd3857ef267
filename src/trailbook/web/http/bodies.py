"""Bodies on their way in: how many bytes of them are held, for each sender, each organisation and in all.

Owns the memory that requests take from their first byte until they are answered. A body costs what has arrived of it,
never what was announced, and no less than a connection costs by itself. Refuses what goes past its sender's share with
429, and past the room with 503: that body is let go of at once, and every other one goes on. However many keys an
organisation has, it never holds more of the room than is left free for others, and its bodies together are read no
faster than they could be recorded: whoever asks for a page waits for no flood.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from litestar.types import Receive
from msgspec import Struct

from trailbook.errors import InvalidError, OverloadedError, TooManyTriesError
from trailbook.web.http.strict_json import MalformedError

ROOM = 256 * 1024 * 1024  # bytes of all bodies
SHARE = 64 * 1024 * 1024  # bytes of one sender's
PACE, AHEAD = 32 * 1024 * 1024, 0.25  # bytes of one party a second, and how many seconds' worth come at once
LEAST = 16 * 1024  # bytes that a body costs at least: its connection, its task and its header fields


class TooMuchWaitsError(TooManyTriesError):
    """One sender has as many bytes under way as it may; a moment later there is room again."""

    def __init__(self, share: int) -> None:
        super().__init__(1)
        self.detail = (
            f"More than {share} bytes of one sender wait. Wait as long as Retry-After says, then go on."
        )


class Bound(Struct, frozen=True):
    """How many bytes a body may have, and how one that has more is refused."""

    most: int
    refusal: type[InvalidError]
    words: str

    def announced(self, headers: Mapping[str, str]) -> None:
        """Refuse a body that says itself that it is too large. Raises: `refusal`."""
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self.most:
            raise self.too_large()

    def too_large(self) -> InvalidError:
        """The refusal, made anew: one that is raised twice would keep what was at hand each time."""
        return self.refusal(self.words)


class Sender(Struct, frozen=True):
    """Whose a body is: `own` has a share; `party`, an organisation or else an address, shares the room with others."""

    own: Hashable
    party: Hashable


class Bodies:
    """The bodies that one application holds."""

    def __init__(self, room: int = ROOM, share: int = SHARE) -> None:
        self._room = room
        self._share = share
        self._shares: Counter[Hashable] = Counter()
        self._parties: Counter[Hashable] = Counter()
        self._paces: dict[Hashable, float] = {}  # until when what was read of a party lasts
        self.held = 0  # bytes

    @contextmanager
    def space(self, sender: Sender) -> Iterator["Space"]:
        """The space of one body, which is free again at the end. Raises: TooMuchWaitsError, OverloadedError."""
        space = Space(self, sender)
        try:
            space.take(0)
            yield space
        finally:
            self.free(space.sender, space.size)

    def take(self, sender: Sender, size: int) -> None:
        """Count bytes of a sender. Raises: TooMuchWaitsError, OverloadedError; then they are not counted."""
        if self._shares[sender.own] + size > self._share:
            raise TooMuchWaitsError(self._share)
        # So one party alone takes half of the room, two take a third each, and the next finds as much again.
        if self._parties[sender.party] + size > self._room - self.held - size:
            raise OverloadedError("more is being sent than there is room for; send it again soon")
        self._count(sender, size)

    def wait(self, party: Hashable, size: int) -> float:
        """How many seconds to wait, once so many bytes of a party were read, before more is read of it."""
        now = time.monotonic()
        self._paces[party] = max(now, self._paces.get(party, 0.0)) + size / PACE
        return max(0.0, self._paces[party] - now - AHEAD)

    def free(self, sender: Sender, size: int) -> None:
        """Let go of bytes of a sender."""
        self._count(sender, -size)

    def _count(self, sender: Sender, size: int) -> None:
        self.held += size
        counts = (self._shares, sender.own), (self._parties, sender.party)
        for counter, key in counts:
            counter[key] += size
            if not counter[key]:
                del counter[key]
        # Who has nothing under way is forgotten, or addresses that come once would add up for ever.
        if sender.party not in self._parties:
            self._paces.pop(sender.party, None)


class Space:
    """What one body takes of its sender's share; `size` is in bytes."""

    def __init__(self, bodies: Bodies, sender: Sender) -> None:
        self._bodies = bodies
        self._arrived = 0
        self.sender = sender
        self.size = 0

    def take(self, arrived: int) -> None:
        """So many more bytes arrived. Raises: TooMuchWaitsError, OverloadedError."""
        more = max(self._arrived + arrived, LEAST) - self.size
        self._bodies.take(self.sender, more)
        self._arrived += arrived
        self.size += more

    def pass_to(self, sender: Sender) -> None:
        """Count it as this sender's, who is known by now. Raises: TooMuchWaitsError, OverloadedError."""
        self._bodies.free(self.sender, self.size)
        # Of size 0 meanwhile: a refusal by the new sender must not let `space` give back what nobody counts any more.
        size, self.size, self.sender = self.size, 0, sender
        self._bodies.take(sender, size)
        self.size = size

    async def body(self, receive: Receive, bound: Bound, *, first: Any = None) -> bytes:
        """The body, of which no more than the bound is ever kept; `first` is a message that came already.

        Raises: MalformedError; the bound's refusal; TooMuchWaitsError, OverloadedError.
        """
        pieces: list[bytes] = []
        message: Any = first or await receive()
        while True:
            if message["type"] == "http.disconnect":
                raise MalformedError("the body broke off")
            pieces.append(message.get("body", b""))
            if self._arrived + len(pieces[-1]) > bound.most:
                raise bound.too_large()
            self.take(len(pieces[-1]))
            if not message.get("more_body"):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            # Also where the wait is 0: a body that arrives at once would keep the loop from everybody else until its
            # end.
            await asyncio.sleep(self._bodies.wait(self.sender.party, len(pieces[-1])))
            message = await receive()
