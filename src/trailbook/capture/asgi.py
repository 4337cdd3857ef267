"""ASGI: who acts during a request, and where they act from. One class for Starlette, FastAPI and Litestar.

Owns the block of a request: it ends when the app has answered, background tasks of the answer included. Refuses to
let a task that goes on after that act as whoever asked, and leaves an app's start and stop to the system.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import partial
from inspect import isawaitable, iscoroutine, iscoroutinefunction
from typing import Any

from trailbook.capture.actor import acting_as, acting_when_asked, system, until_somebody
from trailbook.capture.requests import Headers, Origins, correlation
from trailbook.errors import ConfigurationError
from trailbook.model import Actor, Interface

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Who = Callable[[Scope], Actor | Awaitable[Actor | None] | None]


class ActivityMiddleware:
    """During a request its actor acts, as `actor` finds them in the scope when the first write asks who acts.

    It is asked until it finds somebody; nobody found is the system, named `anonymous`. A coroutine function is awaited
    before the app is, for a write cannot wait for it: put the middleware inside what authenticates then.
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
        headers = _headers(scope)
        client = scope.get("client")
        origin = self._origins.of(client[0] if client else None, headers)
        nobody = acting_as(self._nobody, origin=origin, correlation=correlation(headers))
        with acting_when_asked(await self._asking(scope), nobody=nobody):
            await self._app(scope, receive, send)

    async def _asking(self, scope: Scope) -> Callable[[], Actor | None]:
        """How whoever writes learns who acts."""
        find: Any = self._actor
        if not (iscoroutinefunction(find) or iscoroutinefunction(type(find).__call__)):
            return until_somebody(partial(_at_once, find), scope)
        actor = await find(scope)
        return until_somebody(lambda _: actor, scope)


def _at_once(find: Who, scope: Scope) -> Actor | None:
    """Raises: ConfigurationError for an answer that would have to be awaited."""
    answer = find(scope)
    if not isawaitable(answer):
        return answer
    if iscoroutine(answer):
        answer.close()
    raise ConfigurationError(
        "actor: gives something to be awaited: write it as a coroutine function, async def"
    )


def _headers(scope: Scope) -> Headers:
    def header(name: str) -> str | None:
        sought = name.encode()
        values = [value for key, value in scope.get("headers", ()) if key.lower() == sought]
        return b", ".join(values).decode("latin-1") if values else None

    return header
