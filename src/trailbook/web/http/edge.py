"""The edge: what every request passes first and every answer last, whatever route it took or missed.

Owns request ids, the headers of every answer, the one spelling of each path, how long a request may take to arrive
and the last resort when all else failed. Refuses addresses that are too long or carry a key, and never ends an answer
that broke off as if it were whole.
"""

import logging
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from random import getrandbits
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct

from trailbook.errors import InvalidError
from trailbook.web.http.limits import refusal_headers, within
from trailbook.web.http.problems import MEDIA_TYPE, Problem, answer, problem_of, tell_fault
from trailbook.web.http.responses import Headers, Outgoing

MAX_URL, MAX_HEAD = 8192, 65_536
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
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_KEY = re.compile(r"tb_[a-z2-7]{13}_")
_KEY_NAMES = frozenset({"key", "api_key", "apikey", "token", "access_token"})
_log = logging.getLogger("trailbook.web")


class UrlTooLongError(InvalidError):
    """The address has more than 8 KiB."""

    code = "url-too-long"


class HeadersTooLargeError(InvalidError):
    """The header fields have more than 64 KiB."""

    code = "headers-too-large"


class KeyInUrlError(InvalidError):
    """An address carries what is, or may be, a key."""

    code = "malformed"


class EdgeSettings(Struct, frozen=True, kw_only=True):
    """The application behind the edge: its address, the methods a path takes, and the seconds a request may take."""

    base_url: str
    methods: Callable[[str], str]
    request_seconds: float


def edged(inner: ASGIApp, settings: EdgeSettings) -> ASGIApp:
    """`inner` behind the edge."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await inner(scope, receive, send)
            return
        id_ = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = id_
        out = Outgoing(scope, send, _completing(scope, id_))
        request: Any = {**scope, "path": spelled(scope["path"])}
        if request["method"] == "HEAD":
            request["method"] = "GET"
        try:
            refuse_head(request)
            allowed = settings.methods(request["path"]) if request["method"] == "OPTIONS" else ""
            await (
                _options(out, allowed)
                if allowed
                else inner(request, within(receive, settings.request_seconds), out)
            )
        except Exception as error:
            problem = problem_of(error, settings.base_url, id_)
            tell_fault(problem, error)
            if out.started and not out.ended:
                _log.exception("request %s broke off", id_)
                raise  # the transfer breaks visibly; an end here would make a part look whole
            more = answer(problem, refusal_headers(error)).headers
            await _answer(out, problem, more)  # of which nothing is sent once all is

    return outer


def spelled(path: str) -> str:
    """The spelling of a path that everything behind the edge sees, so that no rule is gone past by another.

    Slashes that are doubled or at the end mean nothing, as many a proxy in front has it too; percent-encoding is off
    already. Letters are as they are: a path in other letters is another path, of which there is none.
    """
    return "/" + "/".join(part for part in path.split("/") if part)


def refuse_head(scope: Any) -> None:
    """Refuse an address or header that is too long, and an address that carries a key.

    Raises: UrlTooLongError, HeadersTooLargeError, KeyInUrlError.
    """
    raw = (scope.get("raw_path") or scope["path"].encode()) + b"?" + scope["query_string"]
    if len(raw) > MAX_URL:
        raise UrlTooLongError(f"the address has more than {MAX_URL} bytes")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEAD:
        raise HeadersTooLargeError(f"the header fields have more than {MAX_HEAD} bytes")
    names = {name.lower() for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), True)}
    if names & _KEY_NAMES or _KEY.search(unquote(raw.decode("latin-1"))):
        raise KeyInUrlError(
            "a key never stands in an address, where logs keep it: send it as Authorization: Bearer, "
            "and revoke one that stood there"
        )


def hanging_up(error: BaseException, base_url: str) -> bytes:
    """The last answer of a connection as HTTP/1.1 sends it, to what never became a request."""
    id_ = _new_id()
    problem = problem_of(error, base_url, id_)
    body = msgspec.json.encode(problem)
    headers = [*_of_a_problem(body), (b"connection", b"close"), (b"x-request-id", id_.encode())]
    fields = b"".join(name + b": " + value + b"\r\n" for name, value in _completed(headers))
    status = HTTPStatus(problem.status)
    return f"HTTP/1.1 {status} {status.phrase}\r\n".encode() + fields + b"\r\n" + body


def _request_id(scope: Any) -> str:
    sent = next((value for name, value in scope["headers"] if name.lower() == b"x-request-id"), b"")
    text = sent.decode("latin-1")
    return text if _REQUEST_ID.fullmatch(text) else _new_id()


def _new_id() -> str:
    # It is no secret, and asking the system for each would let go of the interpreter at every request.
    return f"{getrandbits(128):032x}"


def _completing(scope: Any, id_: str) -> Callable[[Headers], Headers]:
    """What adds the headers of every answer to those it has."""
    own: Headers = [(b"x-request-id", id_.encode())]
    trace = next((value for name, value in scope["headers"] if name.lower() == b"traceparent"), b"")
    if _TRACEPARENT.fullmatch(trace):
        own.append((b"traceparent", trace))
    beginning = scope["state"].get("beginning", list)
    return lambda headers: _once([*_completed(headers), *own, *beginning()])


def _once(headers: Headers) -> Headers:
    """The fields without those that are there already, name and value."""
    return list(dict.fromkeys(headers))


def _completed(headers: Headers) -> Headers:
    fields = dict(headers)
    more = [pair for pair in _ALWAYS if pair[0] not in fields]
    if b"cache-control" not in fields:
        more.append((b"cache-control", b"no-store"))
    if fields.get(b"content-type", b"").startswith(b"text/html") and b"content-security-policy" not in fields:
        more.append((b"content-security-policy", CSP.encode()))
    return headers + more


async def _options(send: Send, allowed: str) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allowed.encode())]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer(send: Send, problem: Problem, more: Mapping[str, str]) -> None:
    body = msgspec.json.encode(problem)
    headers = [(name.lower().encode(), value.encode()) for name, value in more.items()]
    headers += _of_a_problem(body)
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _of_a_problem(body: bytes) -> Headers:
    return [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
