"""The paths that are answered ahead of the framework: no more between the wire and the log than they need.

Owns which those are. Refuses to answer: whoever is handed a request does.
"""

import re
from collections.abc import Awaitable, Callable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

_RECORDING = re.compile(r"/api/v1/orgs/([^/]+)/entries(/batch)?")

# Takes a request that records, and the organisation and the rest of its path.
Taking = Callable[[Scope, Receive, Send, re.Match[str]], Awaitable[None]]


def ahead(take: Taking, inner: ASGIApp) -> ASGIApp:
    """`inner` behind `take`, which answers what records."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        records = scope["type"] == ScopeType.HTTP and scope.get("method") == "POST"
        match = _RECORDING.fullmatch(scope["path"]) if records else None
        await (inner(scope, receive, send) if match is None else take(scope, receive, send, match))

    return outer
