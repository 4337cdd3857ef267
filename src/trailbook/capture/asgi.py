"""ASGI: who acts during a request, and where they act from. One class for Starlette, FastAPI and Litestar.

Owns the reading of a request's address, user agent and correlation. Refuses to believe a forwarded address unless it
came through a trusted proxy, and to pass on text that an entry may not hold: it is left out.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from inspect import isawaitable
from typing import Any

from trailbook.capture.actor import acting_as, system
from trailbook.model import MAX_ID, MAX_USER_AGENT, Actor, Interface, Origin, text_fault

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Who = Callable[[Scope], Actor | Awaitable[Actor | None] | None]
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")


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
        self._trusted = tuple(ipaddress.ip_network(proxy) for proxy in trusted_proxies)
        self._interface = interface
        self._nobody = system(anonymous)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its actor acting."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = self._actor(scope)
        actor = await answer if isawaitable(answer) else answer
        with acting_as(actor or self._nobody, origin=self._origin(scope), correlation=_correlation(scope)):
            await self._app(scope, receive, send)

    def _origin(self, scope: Scope) -> Origin:
        agent = _header(scope, b"user-agent")
        if agent is not None and text_fault(agent, MAX_USER_AGENT):
            agent = None
        return Origin(interface=self._interface, ip=self._address(scope), user_agent=agent)

    def _address(self, scope: Scope) -> str | None:
        """The last address that no trusted proxy has."""
        client = scope.get("client")
        passed = [
            each.strip() for each in (_header(scope, b"x-forwarded-for") or "").split(",") if each.strip()
        ]
        nearest = client[0] if client else None
        while passed and nearest is not None and self._is_trusted(nearest):
            nearest = passed.pop()
        return None if nearest is None else _canonical(nearest)

    def _is_trusted(self, text: str) -> bool:
        address = _canonical(text)
        return address is not None and any(
            ipaddress.ip_address(address) in network for network in self._trusted
        )


def _canonical(text: str) -> str | None:
    try:
        return None if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _correlation(scope: Scope) -> str | None:
    """The trace that a request belongs to, else its own id, else nothing. Source: W3C Trace Context section 3.2."""
    trace = _TRACE.fullmatch(_header(scope, b"traceparent") or "")
    if trace is not None and trace[1].strip("0"):
        return trace[1]
    request_id = _header(scope, b"x-request-id")
    return None if request_id is None or text_fault(request_id, MAX_ID) else request_id


def _header(scope: Scope, name: bytes) -> str | None:
    values = [value for key, value in scope.get("headers", ()) if key.lower() == name]
    return b", ".join(values).decode("latin-1") if values else None
