"""The two paths that record, in front of the framework: no more between the wire and the log than they need.

Owns the gathering: single entries of an organisation that arrive while a commit is under way share the next one,
and the key that they came with is asked for once in it, so that a revoked one ends with the commit before. A batch
takes its turn when all of it is there, and no key or organisation takes every turn. Refuses to wait without bound,
and to answer before what it answers is durable. Everything else goes on to the framework, whose routes of the same
paths end here.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from anyio import to_thread
from litestar import Request as HTTPRequest, Response
from litestar.types import Receive, Scope, Send
from msgspec import Struct, structs

from trailbook.errors import TrailbookError
from trailbook.model import Item, NewEntry
from trailbook.web.api.recording import read_one, receipt_of, record_batch
from trailbook.web.http.auth import admit_api
from trailbook.web.http.bodies import Bound, Sender
from trailbook.web.http.limits import refusal_headers
from trailbook.web.http.problems import answer, problem_of, tell_fault
from trailbook.web.http.request import Admission, Request, request_in, request_of
from trailbook.web.http.site import Site
from trailbook.web.http.strict_json import MAX_BATCH, MAX_ENTRY, BatchTooLargeError, TooLargeError

_TOGETHER = 512  # single entries in one commit: more would keep the first of them waiting
_BATCHES, _OWN = 4, 2  # batches recorded at a time, and of one key or organisation
_ENTRY = Bound(MAX_ENTRY, TooLargeError, f"one entry may have {MAX_ENTRY} bytes")
_BATCH = Bound(MAX_BATCH, BatchTooLargeError, f"a batch may have {MAX_BATCH} bytes")

Reply = Response[bytes] | Exception


class _Waiting(Struct):
    """A single entry that waits, and where its answer goes."""

    request: Request
    answer: "asyncio.Future[Response[bytes]]"


class BatchTurns:
    """In which order batches are recorded: a few at a time, and of one key or organisation fewer."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(_BATCHES)
        self._own: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, sender: Sender) -> AsyncIterator[None]:
        """One turn, of which one key or organisation waits for a few at a time: others come between."""
        async with self._few(sender), self._few(sender.party), self._all:
            yield

    def _few(self, whose: Hashable) -> asyncio.Semaphore:
        return self._own.setdefault(whose, asyncio.Semaphore(_OWN))


class Ingest:
    """One application's way in: what waits of each organisation."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._waiting: dict[str, list[_Waiting]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._turns = BatchTurns()

    async def single(self, request: Request, receive: Receive) -> Response[bytes]:
        """The answer to one entry. Raises: TooLargeError; as `Space.body`; what recording it raises."""
        _ENTRY.announced(request.headers)
        with self.site.bodies.space(_stranger(request)) as space:
            first: Any = await receive()
            if first.get("more_body"):  # what comes in pieces is waited for from whoever may record alone
                admitted = await to_thread.run_sync(_admit, request, limiter=self.site.limiter)
                space.pass_to(_sender(admitted))
            body = await space.body(receive, _ENTRY, first=first)
            return await self._in_next_commit(structs.replace(request, body=body))

    async def batch(self, request: Request, receive: Receive) -> Response[bytes]:
        """The answer to a batch: who asks is known before its body is read. Raises: as `single`."""
        _BATCH.announced(request.headers)
        admitted = await to_thread.run_sync(_admit, request, limiter=self.site.limiter)
        with self.site.bodies.space(_sender(admitted)) as space:
            body = await space.body(receive, _BATCH)
            async with self._turns.turn(space.sender):
                whole = structs.replace(request, body=body)
                return await to_thread.run_sync(_recorded, whole, limiter=self.site.limiter)

    async def take(self, scope: Scope, receive: Receive, send: Send, match: re.Match[str]) -> None:
        """Answer one of the two paths, whose match says the organisation, and whether it is the batch's."""
        record = self.batch if match[2] else self.single
        try:
            response = await record(request_in(self.site, scope, {"org": match[1]}), receive)
        except Exception as error:  # noqa: BLE001 - answered as a problem, and told to the operator
            response = _refused(self.site, error, scope["state"]["request_id"])
        await _send(send, response)

    async def _in_next_commit(self, request: Request) -> Response[bytes]:
        entry = _Waiting(request, asyncio.get_running_loop().create_future())
        if request.org in self._waiting:
            self._waiting[request.org].append(entry)
        else:
            self._waiting[request.org] = [entry]
            task = asyncio.create_task(self._drain(request.org))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await entry.answer

    async def _drain(self, org: str) -> None:
        """Record what waits of an organisation, together, until nothing does."""
        while waiting := self._waiting[org]:
            entries, self._waiting[org] = waiting[:_TOGETHER], waiting[_TOGETHER:]
            requests = [entry.request for entry in entries]
            try:
                replies = await to_thread.run_sync(record_together, requests, limiter=self.site.limiter)
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
    results = iter(requests[0].log.recorder.record_apart(good) if good else [])
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


def _recorded(request: Request) -> Response[bytes]:
    """Record a batch, if its key still may: its body was long in coming, or its turn was."""
    return record_batch(structs.replace(request, admitted=_admit(request)))


def _sender(admitted: Admission) -> Sender:
    return Sender(admitted.source.id, admitted.viewer.org)


def _stranger(request: Request) -> Sender:
    """Whose a body is before its key is asked for: whoever has the same secret, and comes from the same address."""
    bearer = request.headers.get("authorization", "").partition(" ")[2].strip()
    return Sender(bearer, ("address", request.address))


def _refused(site: Site, error: Exception, id_: str) -> Response[bytes]:
    problem = problem_of(error, site.base_url, id_)
    tell_fault(problem, error)
    return answer(problem, refusal_headers(error))


async def _send(send: Send, response: Response[bytes]) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-type", str(response.media_type).encode()))
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code or 200, "headers": headers})
    await send({"type": "http.response.body", "body": response.content, "more_body": False})


async def record_entry(site: Site, request: HTTPRequest[Any, Any, Any]) -> Response[bytes]:
    """POST entries, should the framework be asked for it past `Ingest.take`. Raises: as `Ingest.single`."""
    ingest: Ingest = request.app.state.ingest
    return await ingest.single(request_of(site, request), request.receive)


async def record_entries(site: Site, request: HTTPRequest[Any, Any, Any]) -> Response[bytes]:
    """POST entries/batch, alike. Raises: as `Ingest.batch`."""
    ingest: Ingest = request.app.state.ingest
    return await ingest.batch(request_of(site, request), request.receive)
