"""Connections that wait: how long and how much a client may send before its request begins.

Owns the bound on time and size of a request's head, below everything else, where a slow or endless sender would hold
a connection or memory for ever, and lends the application a way to break its connection. Refuses such a sender with
408 or 431, and what is not HTTP with 400, and hangs up.
"""

from asyncio import TimerHandle
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any

from litestar import Litestar
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trailbook.errors import InvalidError, TrailbookError
from trailbook.web.http.edge import MAX_HEAD, HeadersTooLargeError, hanging_up
from trailbook.web.http.limits import RequestTimeoutError

_AT_ONCE = pack("ii", 1, 0)  # a connection that is closed so is reset, and its buffer dropped


class NotHttpError(InvalidError):
    """What was sent cannot be read as a request of HTTP/1.1."""

    code = "malformed"


class Waiting(HttpToolsProtocol):
    """uvicorn's protocol with a bounded head; what `waiting` sets is the application's."""

    header_seconds = 10.0
    base_url = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._inside = False  # a request whose head has arrived, and whose body has not
        self._late: TimerHandle | None = None
        self._size = 0  # bytes of a head that has not arrived whole
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._inside:
            if self._late is None:
                self._size = 0
                self._wait()
            self._size += len(data)
        super().data_received(data)
        if self._late is not None and not self._inside and self._size > MAX_HEAD:
            self._refuse(HeadersTooLargeError(f"the header fields have more than {MAX_HEAD} bytes"))

    def on_headers_complete(self) -> None:
        self._arrived()
        self._inside = True
        self.scope["state"]["abort"] = self._abort
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arrived()
        self._inside = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._inside and self._late is None:  # nobody reads the rest of this body
            self._late = self.loop.call_later(self.header_seconds, self.transport.close)

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

    def _refuse(self, error: TrailbookError) -> None:
        self._arrived()
        if not self.transport.is_closing():
            self.transport.write(hanging_up(error, self.base_url))
            self.transport.close()


def waiting(app: Litestar) -> type[Waiting]:
    """The protocol with this application's bound and address, as uvicorn takes it."""
    own = {"header_seconds": app.state.limits.header_seconds, "base_url": app.state.base_url}
    return type("Waiting", (Waiting,), own)
