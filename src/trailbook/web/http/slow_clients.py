"""Connections that wait: how long and how much a client may send before its request begins, and after it was answered.

Owns the bound on time and size of a request's head, below everything else, where a slow or endless sender would hold
a connection or memory for ever, and lends the application a way to break its connection. Refuses such a sender with
408 or 431, and what is not HTTP with 400, and hangs up. An answer that is given before a large body is there whole is
the last one of its connection too: what the client goes on sending is dropped, no longer than it takes to hear it.
"""

from asyncio import TimerHandle
from collections.abc import Callable
from functools import partial
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trailbook.errors import InvalidError, TrailbookError
from trailbook.web.http.bodies import PACE
from trailbook.web.http.edge import MAX_HEAD, HeadersTooLargeError, hanging_up
from trailbook.web.http.limits import RequestTimeoutError
from trailbook.web.http.responses import Headers

LITTLE = 64 * 1024  # bytes of a body that are waited for, so that the connection goes on
# What is dropped after the last answer, and for how long. It is more than the largest body that is taken, for a proxy
# that is reset while it sends answers with 502 and its own words.
LAST_BYTES, LAST_SECONDS = 20 * 1024 * 1024, 1.0
_AT_ONCE = pack("ii", 1, 0)  # a connection that is closed so is reset, and its buffer dropped


class NotHttpError(InvalidError):
    """What was sent cannot be read as a request of HTTP/1.1."""

    code = "malformed"


class _Parting:
    """The transport as a last answer sees it: to close it is to part from the client, who may still be sending."""

    def __init__(self, transport: Any, close: Callable[[], None]) -> None:
        self._transport = transport
        self.close = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Waiting(HttpToolsProtocol):
    """uvicorn's protocol with a bounded head; what `waiting` sets is the application's."""

    header_seconds = 10.0
    base_url = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._inside = False  # a request whose head has arrived, and whose body has not
        self._late: TimerHandle | None = None
        self._size = 0  # bytes of a head that has not arrived whole
        self._left: int | None = None  # bytes that may still be dropped, once the last answer was sent
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._left is not None:
            self._drop(data)
            return
        if not self._inside:
            # The first bytes after a request: another head begins, and its time with it.
            if self._late is None:
                self._size = 0
                self._wait()
            self._size += len(data)
        super().data_received(data)
        # Asked after parsing: what has just arrived may have ended the head, and the rest of it is body.
        if self._late is not None and not self._inside and self._size > MAX_HEAD:
            self._refuse(HeadersTooLargeError(f"the header fields have more than {MAX_HEAD} bytes"))

    def on_headers_complete(self) -> None:
        self._arrived()
        self._inside = True
        super().on_headers_complete()
        self.scope["state"].update(abort=self._abort, beginning=partial(self._beginning, self.cycle))

    def on_message_complete(self) -> None:
        self._arrived()
        self._inside = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._inside and self._late is None:
            # The little that is missing is dropped, then the next request comes.
            self._late = self.loop.call_later(LAST_SECONDS, self.transport.close)

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.header_seconds, self._ran_out)

    def _ran_out(self) -> None:
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._wait()  # an answer is still being sent; what came too early can wait for it
        else:
            self._refuse(RequestTimeoutError(f"the head did not arrive in {self.header_seconds:g} s"))

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, in the same form as every other refusal."""
        self._refuse(NotHttpError("the head or the chunks of the request are not as HTTP/1.1 has them"))

    def _abort(self) -> None:
        """Break the connection, for an answer that may not go on: what nobody took yet is not sent any more."""
        line = self.transport.get_extra_info("socket")
        if line is not None:
            line.setsockopt(SOL_SOCKET, SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def _beginning(self, cycle: Any) -> Headers:
        """The fields of an answer that begins now: where much of its request may be missing, it is the last one."""
        if not cycle.more_body:
            return []
        # The cycle closes its transport when the answer has gone and the body has not come. It is handed one whose
        # close is slower, for a socket closed with bytes unread is reset and takes the answer with it.
        cycle.transport = _Parting(self.transport, self._part)
        length = dict(cycle.scope["headers"]).get(b"content-length", b"")
        little = length.isdigit() and int(length) <= LITTLE
        return [] if little else [(b"connection", b"close")]

    def _refuse(self, error: TrailbookError) -> None:
        if not self.transport.is_closing():
            self.transport.write(hanging_up(error, self.base_url))
            self._part()

    def _part(self) -> None:
        """Hang up, but let who is still sending hear the answer first."""
        # A connection that is closed with bytes unread is reset, and what was sent on it may be lost with it.
        self._arrived()
        self._left = LAST_BYTES
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._late = self.loop.call_later(LAST_SECONDS, self.transport.close)

    def _drop(self, data: bytes) -> None:
        self._left = (self._left or 0) - len(data)
        if self._left < 0:
            self.transport.close()
        else:  # no faster than what is wanted is read: whoever pushes would keep everybody else waiting
            self.transport.pause_reading()
            self.loop.call_later(len(data) / PACE, self.transport.resume_reading)


def waiting(app: Any) -> type[Waiting]:
    """The protocol with the bound and address in an application's `state`, as uvicorn takes it."""
    own = {"header_seconds": app.state.limits.header_seconds, "base_url": app.state.base_url}
    return type("Waiting", (Waiting,), own)
