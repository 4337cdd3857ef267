"""Connections that wait: how long and how much a client may send before its request begins.

Owns the bound on time and size of a request's head, below everything else, where a slow or endless sender would hold
a connection or memory for ever. Refuses such a sender with 408 or 431 and hangs up.
"""

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trailbook.web.edge import MAX_HEAD

_ENDS = b"content-type: text/plain; charset=utf-8\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Waiting(HttpToolsProtocol):
    """uvicorn's protocol with a bounded head; `header_seconds` is set by `waiting`."""

    header_seconds = 10.0

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
        if self._late is not None and self._size > MAX_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._arrived()
        self._inside = True
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
            self._refuse(b"408 Request Timeout")

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: bytes) -> None:
        self._arrived()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\n" + _ENDS)
            self.transport.close()


def waiting(header_seconds: float) -> type[Waiting]:
    """The protocol with this bound, as uvicorn takes it."""
    return type("Waiting", (Waiting,), {"header_seconds": header_seconds})
