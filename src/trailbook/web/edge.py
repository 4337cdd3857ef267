"""The edge: what every request passes first and every answer last, whatever route it took or missed.

Owns request ids, the headers of every answer and the last resort when all else failed. Refuses addresses that
are too long or carry a key, and never ends an answer that broke off as if it were whole.
"""

import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from trailbook.errors import InvalidError
from trailbook.web.problems import MEDIA_TYPE, Problem, problem

MAX_URL = 8192
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_KEY = re.compile(r"tb_[a-z2-7]{13}_")
_KEY_NAMES = frozenset({"key", "api_key", "apikey", "token", "access_token"})
_log = logging.getLogger("trailbook.web")


class UrlTooLongError(InvalidError):
    """The address has more than 8 KiB."""

    code = "url-too-long"


class KeyInUrlError(InvalidError):
    """An address carries what is, or may be, a key."""

    code = "malformed"


def edged(inner: ASGIApp, base_url: str, methods: Callable[[str], str]) -> ASGIApp:
    """`inner` behind the edge; `methods` are those that a path takes, for OPTIONS."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await inner(scope, receive, send)
            return
        id_ = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = id_
        started = False

        async def out(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*_completed(list(message["headers"])), (b"x-request-id", id_.encode())]
            await send(message)

        try:
            refuse_url(scope)
            allowed = methods(scope["path"]) if scope["method"] == "OPTIONS" else ""
            await (_options(out, allowed) if allowed else inner(scope, receive, out))
        except InvalidError as error:
            await _answer(out, problem(error, base_url, id_))
        except Exception as error:
            _log.exception("request %s failed", id_)
            if started:
                raise  # the transfer breaks visibly; an end here would make a part look whole
            await _answer(out, problem(error, base_url, id_))

    return outer


def refuse_url(scope: Any) -> None:
    """Refuse an address that is too long or carries a key. Raises: UrlTooLongError, KeyInUrlError."""
    raw = (scope.get("raw_path") or scope["path"].encode()) + b"?" + scope["query_string"]
    if len(raw) > MAX_URL:
        raise UrlTooLongError(f"the address has more than {MAX_URL} bytes")
    names = {name.lower() for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), True)}
    if names & _KEY_NAMES or _KEY.search(unquote(raw.decode("latin-1"))):
        raise KeyInUrlError(
            "a key never stands in an address, where logs keep it: send it as Authorization: Bearer, "
            "and revoke one that stood there"
        )


def _request_id(scope: Any) -> str:
    given = next((value for name, value in scope["headers"] if name.lower() == b"x-request-id"), b"")
    text = given.decode("latin-1")
    return text if _REQUEST_ID.fullmatch(text) else uuid4().hex


def _completed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    there = {name.lower(): value for name, value in headers}
    more = [pair for pair in _ALWAYS if pair[0] not in there]
    if b"cache-control" not in there:
        more.append((b"cache-control", b"no-store"))
    html = there.get(b"content-type", b"").startswith(b"text/html")
    if html and b"content-security-policy" not in there:
        more.append((b"content-security-policy", CSP.encode()))
    return headers + more


async def _options(send: Send, allowed: str) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allowed.encode())]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer(send: Send, found: Problem) -> None:
    body = msgspec.json.encode(found)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
