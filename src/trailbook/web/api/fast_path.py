"""The two paths that record, in front of the framework: no more between the wire and the log than they need.

Owns the gathering: single entries of an organisation that arrive while a commit is under way share the next one,
and the key that they came with is asked for once in it, so that a revoked one ends with the commit before. Refuses
to wait without bound, and to answer before what it answers is durable. Everything else goes on to the framework.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any

from anyio import to_thread
from litestar import Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct, structs

from trailbook.errors import InvalidError, OverloadedError, TrailbookError
from trailbook.model import Item, NewEntry
from trailbook.web.api.recording import read_one, receipt_of, record_batch
from trailbook.web.http.auth import admit_api
from trailbook.web.http.limits import refusal_headers
from trailbook.web.http.problems import answer, problem_of
from trailbook.web.http.request import Admission, Request, Site, request_in
from trailbook.web.http.strict_json import (
    MAX_BATCH,
    MAX_ENTRY,
    BatchTooLargeError,
    MalformedError,
    TooLargeError,
)

_PATH = re.compile(r"/api/v1/orgs/([^/]+)/entries(/batch)?")
_ROOM = 64 * 1024 * 1024  # bytes of single entries that may wait
_TOGETHER = 512  # single entries in one commit: more would keep the first of them waiting
_QUEUED = 256  # batches that may wait for their turn
_BATCHES = 8  # batches read or recorded at a time; what waits for its turn is not read yet
_log = logging.getLogger("trailbook.web")

Reply = Response[bytes] | Exception


class _Waiting(Struct):
    """A single entry that waits, and where its answer goes."""

    request: Request
    answer: "asyncio.Future[Response[bytes]]"


class Ingest:
    """One application's way in: what waits of each organisation, and how much that is."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._waiting: dict[str, list[_Waiting]] = {}
        self._held = 0
        self._running: set[asyncio.Task[None]] = set()
        self._batches = asyncio.Semaphore(_BATCHES)
        self._queued = 0

    async def single(self, request: Request, receive: Receive) -> Response[bytes]:
        """The answer to one entry. Raises: TooLargeError, OverloadedError; what recording it raises."""
        body = await _body(
            request, receive, MAX_ENTRY, TooLargeError(f"one entry may have {MAX_ENTRY} bytes")
        )
        if self._held + len(body) > _ROOM:
            raise OverloadedError("more waits to be recorded than there is room for; send it again soon")
        self._held += len(body)
        entry = _Waiting(structs.replace(request, body=body), asyncio.get_running_loop().create_future())
        if request.org in self._waiting:
            self._waiting[request.org].append(entry)
        else:
            self._waiting[request.org] = [entry]
            task = asyncio.create_task(self._drain(request.org))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        try:
            return await entry.answer
        finally:
            self._held -= len(body)

    async def batch(self, request: Request, receive: Receive) -> Response[bytes]:
        """The answer to a batch: who asks is known before its body is read."""
        if self._queued >= _QUEUED:
            raise OverloadedError("more batches wait than there is room for; send it again soon")
        self._queued += 1
        try:
            return await self._in_turn(request, receive)
        finally:
            self._queued -= 1

    async def _in_turn(self, request: Request, receive: Receive) -> Response[bytes]:
        async with self._batches:
            limiter = self._site.limiter
            admitted = await to_thread.run_sync(_admit, request, limiter=limiter)
            too_large = BatchTooLargeError(f"a batch may have {MAX_BATCH} bytes")
            body = await _body(request, receive, MAX_BATCH, too_large)
            request = structs.replace(request, admitted=admitted, body=body)
            return await to_thread.run_sync(record_batch, request, limiter=limiter)

    async def _drain(self, org: str) -> None:
        """Record what waits of an organisation, together, until nothing does."""
        while waiting := self._waiting[org]:
            entries, self._waiting[org] = waiting[:_TOGETHER], waiting[_TOGETHER:]
            requests = [entry.request for entry in entries]
            try:
                replies = await to_thread.run_sync(record_together, requests, limiter=self._site.limiter)
            except Exception as error:  # noqa: BLE001 - told to everyone who waits
                replies = [error] * len(entries)
            for entry, reply in zip(entries, replies, strict=True):
                if entry.answer.done():  # whoever asked has gone
                    continue
                if isinstance(reply, Exception):
                    entry.answer.set_exception(reply)
                else:
                    entry.answer.set_result(reply)
        del self._waiting[org]


def record_together(requests: Sequence[Request]) -> list[Reply]:
    """Record single entries of one organisation in one commit; an answer, or why not, for each.

    Raises: StoreError when nothing was acknowledged.
    """
    admitted: dict[str | None, Admission | Exception] = {}
    read = [_read(request, admitted) for request in requests]
    good = [entry for entry in read if not isinstance(entry, Exception)]
    results = iter(requests[0].log.record_apart(good) if good else [])
    replies: list[Reply] = []
    for request, entry in zip(requests, read, strict=True):
        if isinstance(entry, Exception):
            replies.append(entry)
            continue
        result = next(results)
        replies.append(result.refused or _counted(receipt_of(request, result.receipt), request, entry[1]))
    return replies


def _counted(response: Response[bytes], request: Request, source: Item) -> Response[bytes]:
    response.headers.update(request.site.gate.left_to_record(source))
    return response


def _read(
    request: Request, admitted: dict[str | None, Admission | Exception]
) -> tuple[NewEntry, Item] | Exception:
    """The entry that was sent, and under which source; each key is asked for once."""
    bearer = request.headers.get("authorization")
    try:
        if bearer not in admitted:
            admitted[bearer] = _admitted(request)
        admission = admitted[bearer]
        if isinstance(admission, Exception):
            return admission
        request.site.gate.record(admission.source)
        return read_one(request, admission.source), admission.source
    except TrailbookError as error:
        return error


def _admitted(request: Request) -> Admission | Exception:
    try:
        return _admit(request)
    except TrailbookError as error:
        return error


def _admit(request: Request) -> Admission:
    return admit_api(request, "record")


async def _body(request: Request, receive: Receive, most: int, too_large: InvalidError) -> bytes:
    """The request's body, of which no more than `most` bytes are ever kept."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise too_large
    pieces, size = [], 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedError("the body broke off")
        piece = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise too_large
        pieces.append(piece)
        if not message.get("more_body"):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _refused(site: Site, error: Exception, id_: str) -> Response[bytes]:
    problem = problem_of(error, site.base_url, id_)
    if problem.status >= 500:
        _log.error("request %s: %s", id_, problem.code, exc_info=error)
    return answer(problem, refusal_headers(error))


async def _send(send: Send, response: Response[bytes]) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-type", str(response.media_type).encode()))
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code or 200, "headers": headers})
    await send({"type": "http.response.body", "body": response.content, "more_body": False})


def ingesting(site: Site, inner: ASGIApp) -> ASGIApp:
    """`inner` with the two paths that record in front of it."""
    ingest = Ingest(site)

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        match = _PATH.fullmatch(scope["path"]) if scope["type"] == ScopeType.HTTP else None
        if match is None or scope.get("method") != "POST":
            await inner(scope, receive, send)
            return
        take = ingest.batch if match[2] else ingest.single
        try:
            response = await take(request_in(site, scope, {"org": match[1]}), receive)
        except Exception as error:  # noqa: BLE001 - answered as a problem, and told to the operator
            response = _refused(site, error, scope["state"]["request_id"])
        await _send(send, response)

    return outer
