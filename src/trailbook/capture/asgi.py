"""ASGI: who acts during a request, and where they act from. One class for Starlette, FastAPI and Litestar.

Owns the block of a request: it ends when the app has answered, background tasks of the answer included. Refuses to
let a task that goes on after that act as whoever asked, and leaves an app's start and stop to the system.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from inspect import isawaitable
from typing import Any

from trailbook.capture.actor import acting_as, system
from trailbook.capture.requests import Headers, Origins, correlation
from trailbook.model import Actor, Interface

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Who = Callable[[Scope], Actor | Awaitable[Actor | None] | None]


class ActivityMiddleware:
    """During a request its actor acts, as `actor` finds them in the scope; put it inside what authenticates.

    Nobody found is the system, named `anonymous`.
    """

    def __init__(
        self,
        app: App,
        *,
        actor: Who,
        trusted_proxies: Iterable[str] = (),
        interface: Interface = "web",
        anonymous: str = "web",
    ) -> None:
        """`trusted_proxies` are addresses or networks. Raises: ValueError for what is neither."""
        self._app = app
        self._actor = actor
        self._origins = Origins(trusted_proxies, interface)
        self._nobody = system(anonymous)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its actor acting."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = self._actor(scope)
        actor = await answer if isawaitable(answer) else answer
        headers = _headers(scope)
        client = scope.get("client")
        origin = self._origins.of(client[0] if client else None, headers)
        with acting_as(actor or self._nobody, origin=origin, correlation=correlation(headers)):
            await self._app(scope, receive, send)


def _headers(scope: Scope) -> Headers:
    def header(name: str) -> str | None:
        sought = name.encode()
        values = [value for key, value in scope.get("headers", ()) if key.lower() == sought]
        return b", ".join(values).decode("latin-1") if values else None

    return header
