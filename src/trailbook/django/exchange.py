"""One request of Django's as an ASGI application answers it, in whichever way the host is served.

Owns the loop that the mounted page lives in, a thread of its own in each process, and the way of each piece from there
to the server: a piece is made when the last was taken. Refuses to buffer what streams, and to end what broke off as if
it were whole: the error is raised where the server reads.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from msgspec import Struct

from trailbook.web import HostPlace, HostUser

App = Callable[[Any, Any, Any], Awaitable[None]]
_T = TypeVar("_T")
ASKED = "trailbook.django.asked"  # in a scope, what the host says of the request


class Asked(Struct, frozen=True):
    """What the host says of a request: the path below the page's place, who asks, where that is, in which language.

    Without a language it is for the browser to say.
    """

    path: str
    user: HostUser | None
    place: HostPlace
    language: str | None


class Piece:
    """What the application says next: a part of the answer, and whether more of it comes."""

    def __init__(self, message: dict[str, Any]) -> None:
        self.body: bytes = message.get("body", b"")
        self.more: bool = message.get("more_body", False)


class Exchange:
    """A request, and its answer as it comes."""

    def __init__(self, app: App, scope: dict[str, Any], body: bytes) -> None:
        self._loop = loop_of(os.getpid())
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        self._messages: asyncio.Queue[dict[str, Any] | Exception] = asyncio.Queue(1)
        self._running = self._begin(self._run(app, scope))

    def next(self) -> "Future[dict[str, Any]]":
        """What the application says next. Its result raises: what the application raised."""
        return self._begin(self._next())

    def leave(self) -> None:
        """Tell the application that nobody reads any more."""
        self._loop.call_soon_threadsafe(self._gone.set)

    async def _run(self, app: App, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - raised where the answer is read
            await self._say(error)

    async def _receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self._say(message)

    async def _say(self, message: dict[str, Any] | Exception) -> None:
        """Wait until it is taken, or until there is nobody who would."""
        put, gone = (
            asyncio.ensure_future(self._messages.put(message)),
            asyncio.ensure_future(self._gone.wait()),
        )
        await asyncio.wait((put, gone), return_when=asyncio.FIRST_COMPLETED)
        for waiting in (put, gone):
            waiting.cancel()

    async def _next(self) -> dict[str, Any]:
        message = await self._messages.get()
        if isinstance(message, Exception):
            raise message
        return message

    def _begin(self, work: Coroutine[Any, Any, _T]) -> "Future[_T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)


@cache
def loop_of(process: int) -> asyncio.AbstractEventLoop:
    """The loop of a process, which goes on until the process ends."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="trailbook-page", daemon=True).start()
    return loop


class Pieces:
    """The pieces of an answer after its first, for a server that waits for each."""

    def __init__(self, exchange: Exchange, first: Piece) -> None:
        self._exchange = exchange
        self._first = first

    def __iter__(self) -> Iterator[bytes]:
        piece = self._first
        try:
            yield piece.body
            while piece.more:
                piece = Piece(self._exchange.next().result())
                yield piece.body
        finally:
            self._exchange.leave()

    def close(self) -> None:
        """Called by the server at the end, whole or not."""
        self._exchange.leave()


class AwaitedPieces:
    """The same for a server that awaits them."""

    def __init__(self, exchange: Exchange, first: Piece) -> None:
        self._exchange = exchange
        self._first = first

    async def __aiter__(self) -> AsyncIterator[bytes]:
        piece = self._first
        try:
            yield piece.body
            while piece.more:
                piece = Piece(await asyncio.wrap_future(self._exchange.next()))
                yield piece.body
        finally:
            self._exchange.leave()

    def close(self) -> None:
        """Called by the server at the end, whole or not."""
        self._exchange.leave()


def answered(app: App, request: HttpRequest, asked: Asked) -> HttpResponseBase:
    """The answer of the application to what the host says is asked."""
    exchange = Exchange(app, _scope(request, asked), request.body)
    try:
        start = exchange.next().result()
        first = Piece(exchange.next().result())
    except BaseException:
        exchange.leave()
        raise
    answer: HttpResponseBase
    if first.more:
        pieces = AwaitedPieces if isinstance(request, ASGIRequest) else Pieces
        answer = StreamingHttpResponse(pieces(exchange, first), status=start["status"])
    else:
        exchange.leave()
        answer = HttpResponse(first.body, status=start["status"])
    del answer["Content-Type"]
    for name, value in start["headers"]:
        answer[name.decode("latin-1")] = value.decode("latin-1")
    return answer


def _scope(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    sent = {name.lower(): value for name, value in request.headers.items()}
    if asked.language is not None:
        sent["accept-language"] = asked.language
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
    address = request.META.get("REMOTE_ADDR")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": f"/{asked.path}",
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1"),
        "headers": headers,
        "client": (address, 0) if address else None,
        "server": None,
        ASKED: asked,
    }
