"""Answers that stream: how they are sent, and for how long whoever asked may have them.

Owns the sending: a piece is made when the last was taken. Refuses to go on for a second once the permission, the
session or the key is gone, to wait for ever for a reader who takes nothing, and to end what broke off as if it were
whole: its connection breaks.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, cast

import anyio
from anyio import to_thread
from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from msgspec import Struct, structs

from trailbook.access import Scope as KeyScope, Viewer
from trailbook.errors import UnauthenticatedError
from trailbook.export import Beside
from trailbook.web.http.auth import admit_api
from trailbook.web.http.limits import RequestTimeoutError
from trailbook.web.http.request import Request
from trailbook.web.http.site import Site
from trailbook.web.http.transfers import Transfers

LOOK = 0.4  # seconds between two looks at whether a transfer may go on
STALL = 60.0  # seconds in which a reader takes no piece


class Flow(Struct, frozen=True, kw_only=True):
    """What streams to a viewer.

    `begin` runs in a thread and gives the pieces, or refuses: it is given what is under way beside. `still` raises when
    the viewer may not go on. A stream that asks so itself is asked for only while a piece is taken, and has `grace`
    seconds to end by itself.
    """

    viewer: Viewer
    transfers: Transfers
    begin: Callable[[Beside], AsyncIterator[bytes]]
    still: Callable[[], object]
    site: Site
    grace: float = 0.0


class Outflow(Stream):
    """The answer that a flow is: it takes its room before anything of it is sent."""

    def __init__(self, flow: Flow, **more: Any) -> None:
        super().__init__(iter(()), **more)
        self.flow = flow

    def to_asgi_response(self, *given: Any, **more: Any) -> ASGIResponse:
        head = super().to_asgi_response(*given, **more)
        return cast("ASGIResponse", _Sending(self.flow, head))  # it is called, and asked nothing else


class _Sending(Struct, frozen=True):
    """One flow on its way, after the head of its answer."""

    flow: Flow
    head: ASGIResponse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it to its end. Raises: OverloadedError; what beginning it raises; why it broke off."""
        reader = _Reader(receive, send, scope["state"].get("abort", _nothing))
        with self.flow.transfers.opened(self.flow.viewer) as beside:
            pieces = await to_thread.run_sync(self.flow.begin, beside, limiter=self.flow.site.limiter)
            # Not before `begin` has answered: what it refuses has a status of its own.
            await self.head.start_response(send)
            failures = await self._until_end(pieces, reader)
        if failures:
            raise failures[0]

    async def _until_end(self, pieces: AsyncIterator[bytes], reader: "_Reader") -> list[Exception]:
        """Send until the pieces end, the reader goes or the viewer may not go on; why it broke off."""
        failures: list[Exception] = []
        async with aclosing(cast("Any", pieces)), anyio.create_task_group() as group:

            async def run(part: Callable[[], Any]) -> None:
                try:
                    await part()
                except Exception as error:  # noqa: BLE001 - raised once all parts have ended
                    failures.append(error)
                group.cancel_scope.cancel()

            group.start_soon(run, reader.gone)
            group.start_soon(run, partial(self._watch, reader))
            await run(partial(reader.take_all, pieces))
        return failures

    async def _watch(self, reader: "_Reader") -> None:
        try:
            while True:
                await anyio.sleep(LOOK)
                reader.require_progress()
                if reader.takes or not self.flow.grace:
                    await to_thread.run_sync(self.flow.still, limiter=self.flow.site.limiter)
        except Exception:
            await anyio.sleep(self.flow.grace)
            reader.cut()
            raise


class _Reader:
    """Whoever takes the pieces, over one connection."""

    def __init__(self, receive: Receive, send: Send, abort: Callable[[], None]) -> None:
        self._receive = receive
        self._send = send
        self._abort = abort
        self._begun = False
        self._since: float | None = None  # when the last piece was given, until it is taken

    @property
    def takes(self) -> bool:
        return self._since is not None

    async def take_all(self, pieces: AsyncIterator[bytes]) -> None:
        """Take every piece, and the end."""
        async for piece in pieces:
            await self._take(piece, more=True)
        await self._take(b"", more=False)

    async def _take(self, piece: bytes, *, more: bool) -> None:
        self._since, self._begun = anyio.current_time(), True
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})
        self._since = None

    async def gone(self) -> None:
        """Wait until the reader goes."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def require_progress(self) -> None:
        """Raises: RequestTimeoutError where nothing has been taken for long."""
        if self._since is not None and anyio.current_time() - self._since > STALL:
            raise RequestTimeoutError(f"nothing was taken for {STALL:g} seconds")

    def cut(self) -> None:
        """Break the connection, so that what is on its way does not arrive; who has nothing yet can be answered."""
        if self._begun:
            self._abort()


def still(request: Request, scope: KeyScope) -> Callable[[], object]:
    """What raises once whoever was let in for a scope is let in no more, by a host too, or may see something else."""
    viewer = structs.replace(request.viewer, origin=None)

    def ask() -> None:
        asked = structs.replace(request, host_user=request.host_again()) if request.host_again else request
        again = admit_api(asked, scope, again=True).viewer
        if structs.replace(again, origin=None) != viewer:
            raise UnauthenticatedError("what may be seen has changed since the transfer began")
        _ = request.log  # of an organisation that is neither suspended nor gone

    return ask


def _nothing() -> None:
    """Where the server lends no way to break a connection, it does so itself after an error."""
