"""An answer on its way out: without its body for HEAD and 304, in a content coding where the reader takes one.

Owns HEAD, If-None-Match and Accept-Encoding for every route at once (RFC 9110, sections 9.3.2, 13.1.2 and 12.5.3).
Refuses to touch the bytes of what is streamed, saved as a file, asked for in parts or named by a digest.
"""

import zlib
from collections.abc import Callable
from typing import Any

import zstandard
from litestar.types import Message, Scope, Send

LEAST = 700  # bytes: less is sent as it is
_CODED = frozenset(
    {
        *(b"text/html", b"text/css", b"text/javascript", b"text/plain", b"image/svg+xml"),
        *(b"application/json", b"application/problem+json"),
    }
)
_AS_IT_IS = frozenset(
    {b"content-encoding", b"content-disposition", b"content-range", b"accept-ranges", b"repr-digest"}
)
_OF_THE_BODY = (b"content-length", b"content-type", b"content-encoding")
_GZIP_LEVEL, _ZSTD_LEVEL = 1, 3  # coded between two requests: gzip at 5 takes ten times as long

Headers = list[tuple[bytes, bytes]]


class Outgoing:
    """Sends one answer; `ended` once the reader has all of it."""

    def __init__(self, scope: Scope, send: Send, completed: Callable[[Headers], Headers]) -> None:
        request: Any = scope
        self._head = request["method"] == "HEAD"
        self._reads = request["method"] in ("GET", "HEAD")
        self._fields = {name.lower(): value for name, value in request["headers"]}
        self._send = send
        self._completed = completed
        self._start: Any = None
        self.started = self.ended = False

    async def __call__(self, message: Message) -> None:
        """Pass a message on; what comes after the end goes nowhere, and whoever makes it hears a disconnect."""
        if self.ended:
            return
        if message["type"] == "http.response.start":
            self._start = message  # its headers depend on what follows
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self.started:
            self.ended = not message.get("more_body", False)
            await self._send(message)
        else:
            await self._begin(message)

    async def _begin(self, first: Any) -> None:
        body, more = first.get("body", b""), first.get("more_body", False)
        status = self._start["status"]
        headers: Headers = self._completed([(n.lower(), v) for n, v in self._start["headers"]])
        if self._reads and status == 200 and not more and _may_be_coded(headers):
            headers = _varying(headers)
            coding = chosen(self._fields.get(b"accept-encoding")) if len(body) >= LEAST else ""
            if coding:
                body = _packed(body, coding)
                headers = _coded(headers, coding, len(body))
        bare = self._head
        if self._reads and status == 200 and self._is_known(headers):
            status, bare = 304, True
            headers = [pair for pair in headers if pair[0] not in _OF_THE_BODY]
        self.started, self.ended = True, bare or not more
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send(
            {"type": "http.response.body", "body": b"" if bare else body, "more_body": not self.ended}
        )

    def _is_known(self, headers: Headers) -> bool:
        tag, known = dict(headers).get(b"etag"), self._fields.get(b"if-none-match")
        if tag is None or known is None:
            return False
        tags = [text.strip().removeprefix(b"W/") for text in known.split(b",")]
        return b"*" in tags or tag.removeprefix(b"W/") in tags


def chosen(accepted: bytes | None) -> str:
    """The coding that Accept-Encoding prefers of those there are; empty for none."""
    weights: dict[str, float] = {}
    for each in (accepted or b"").decode("latin-1").lower().split(","):
        name, _, parameter = each.partition(";")
        weights[name.strip()] = _weight(parameter)
    weight, name = max((weights.get(name, weights.get("*", 0.0)), name) for name in ("gzip", "zstd"))
    return name if weight > 0 else ""


def acceptable(accepted: str | None, media_type: str) -> bool:
    """Whether an Accept field takes this media type (RFC 9110, section 12.5.1); without one everything is taken."""
    if accepted is None or not accepted.strip():
        return True
    kind = media_type.partition(";")[0].strip().lower()
    ranks = {kind: 2, f"{kind.partition('/')[0]}/*": 1, "*/*": 0}
    best = (-1, 0.0)  # how exactly a range names the type, and its weight
    for each in accepted.lower().split(","):
        range_, *parameters = (part.strip() for part in each.split(";"))
        rank = ranks.get(range_, -1)
        weight = next((_weight(text) for text in parameters if text.startswith("q=")), 1.0)
        best = max(best, (rank, weight)) if rank >= 0 else best
    return best[1] > 0


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def _may_be_coded(headers: Headers) -> bool:
    fields = dict(headers)
    kind = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return kind in _CODED and _AS_IT_IS.isdisjoint(fields)


def _varying(headers: Headers) -> Headers:
    """The fields with `Vary` naming what the coding was chosen by."""
    named = [value for name, value in headers if name == b"vary"]
    rest = [pair for pair in headers if pair[0] != b"vary"]
    return [*rest, (b"vary", b", ".join([*named, b"Accept-Encoding"]))]


def _coded(headers: Headers, coding: str, length: int) -> Headers:
    """The fields of a body of so many bytes in a coding."""
    rest = [_tagged(pair, coding) for pair in headers if pair[0] != b"content-length"]
    return [*rest, (b"content-encoding", coding.encode()), (b"content-length", str(length).encode())]


def _packed(body: bytes, coding: str) -> bytes:
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def _tagged(pair: tuple[bytes, bytes], coding: str) -> tuple[bytes, bytes]:
    """A strong entity tag is of these very bytes: coded ones have another."""
    name, value = pair
    return (name, value[:-1] + f'-{coding}"'.encode()) if name == b"etag" and value.endswith(b'"') else pair
