"""Recording over HTTP: one entry, or a batch of them as NDJSON or a JSON array.

Owns the answers to a recorder. Refuses everything that `strict_json` and the core refuse, and never acknowledges
what is not durable.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
from litestar import Response
from msgspec import Struct

from trailbook.access import unrecordable
from trailbook.errors import BatchRefusedError, Fault, InvalidError, TrailbookError
from trailbook.model import Item, NewEntry, Receipt, State, written
from trailbook.recording import Result
from trailbook.web.http.content_coding import unpacked
from trailbook.web.http.media import JSON, NDJSON, etag, sent_as
from trailbook.web.http.problems import Problem, problem_of
from trailbook.web.http.request import Request, refuse_parameters
from trailbook.web.http.strict_json import (
    MAX_BATCH,
    MAX_ENTRY,
    BatchTooLargeError,
    TooLargeError,
    elements,
    entry_of,
    lines,
)


class Recorded(Struct, frozen=True, kw_only=True):
    """The receipt of an entry; `seq` and `recorded_at` are null while it is only `received`."""

    id: str
    seq: int | None
    recorded_at: str | None
    state: State


class BatchLine(Struct, frozen=True, kw_only=True):
    """What became of one entry of a batch; `line` counts from 1."""

    line: int
    id: str | None
    result: Literal["recorded", "replayed", "refused"]
    seq: int | None
    problem: Problem | None


def read_one(request: Request, source: Item) -> NewEntry:
    """The entry that was sent by itself, which its key may record. Raises: InvalidError, MediaTypeError."""
    if request.pairs:
        request.only()
    sent_as(request, JSON)
    sent = plain(request, TooLargeError(f"one entry may have {MAX_ENTRY} bytes"), MAX_ENTRY)
    return recordable(request, entry_of(sent), source)


def plain(request: Request, too_large: InvalidError, most: int) -> bytes:
    """The body without its content coding. Raises: `too_large`, MalformedError, MediaTypeError."""
    coding = request.headers.get("content-encoding")
    return request.body if coding is None else unpacked(request.body, coding, too_large, most)


def receipt_of(request: Request, receipt: Receipt | None) -> Response[bytes]:
    """The answer to an entry that is in the log."""
    assert receipt is not None
    body = msgspec.json.encode(recorded(receipt))
    headers = {"Location": f"{request.url}/{receipt.id}", "ETag": etag(body)}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(body, status_code=200 if receipt.replayed else 201, headers=headers, media_type=JSON)


def record_batch(request: Request) -> Response[bytes]:
    """POST entries/batch: what may be recorded of it, or, with `atomic=true`, all or nothing."""
    atomic = _atomic(request)
    form = sent_as(request, JSON, NDJSON, "application/ndjson")
    sent = plain(request, BatchTooLargeError(f"a batch may have {MAX_BATCH} bytes"), MAX_BATCH)
    raw = elements(sent) if form == JSON else lines(sent)
    gate = request.site.gate
    gate.record(request.source, len(raw))
    read = [_entry(request, text) for text in raw]
    answers = _all(request, read) if atomic else _each(request, read)
    if form == JSON:
        body = msgspec.json.encode(answers)
    else:
        body = b"".join(msgspec.json.encode(line) + b"\n" for line in answers)
    headers = gate.left_to_record(request.source)
    media_type = JSON if form == JSON else NDJSON
    return Response(body, status_code=201 if atomic else 200, headers=headers, media_type=media_type)


def recorded(receipt: Receipt) -> Recorded:
    """A receipt as it is answered."""
    at = None if receipt.recorded_at is None else written(receipt.recorded_at)
    return Recorded(id=str(receipt.id), seq=receipt.seq, recorded_at=at, state=receipt.state)


def recordable(request: Request, entry: NewEntry, source: Item) -> NewEntry:
    """The entry, where its key may record it. Raises: EntryInvalidError."""
    action = request.site.deployment.catalogue.actions.get(entry.action)
    refused = unrecordable(source, entry, None if action is None else action.category)
    if refused is not None and action is not None:  # an action nobody declared is refused as such
        raise refused
    return entry


def _entry(request: Request, raw: bytes) -> NewEntry | TrailbookError:
    try:
        return recordable(request, entry_of(raw), request.source)
    except TrailbookError as error:
        return error


def _each(request: Request, read: Sequence[NewEntry | TrailbookError]) -> list[BatchLine]:
    good = [entry for entry in read if isinstance(entry, NewEntry)]
    good_results = iter(request.log.record_each(good, source=request.source) if good else [])
    results = [next(good_results) if isinstance(entry, NewEntry) else Result(None, entry) for entry in read]
    return [_line(request, at, result) for at, result in enumerate(results, 1)]


def _all(request: Request, read: Sequence[NewEntry | TrailbookError]) -> list[BatchLine]:
    good = [entry for entry in read if isinstance(entry, NewEntry)]
    refused = {at: error for at, error in enumerate(read) if not isinstance(error, NewEntry)}
    try:
        if refused:
            raise BatchRefusedError(refused)
        receipts = request.log.record_many(good, source=request.source) if good else []
    except BatchRefusedError as error:
        raise _located(error) from None
    return [_line(request, at, Result(receipt)) for at, receipt in enumerate(receipts, 1)]


def _located(error: BatchRefusedError) -> BatchRefusedError:
    """The same refusal with each fault's pointer beginning at the batch: /3/target/id."""
    located: list[Fault] = []
    for at, refused in sorted(error.refused.items()):
        faults = refused.faults if isinstance(refused, InvalidError) else ()
        located.extend(Fault(f"/{at}{f.pointer}", f.code, f.detail) for f in faults)
        if not faults:
            located.append(Fault(f"/{at}", refused.code, refused.detail))
    error.faults = tuple(located)
    return error


def _line(request: Request, line: int, result: Result) -> BatchLine:
    receipt, refused = result.receipt, result.refused
    if receipt is not None:
        became: Literal["recorded", "replayed"] = "replayed" if receipt.replayed else "recorded"
        return BatchLine(line=line, id=str(receipt.id), result=became, seq=receipt.seq, problem=None)
    assert refused is not None
    problem = problem_of(refused, request.site.base_url)
    return BatchLine(line=line, id=None, result="refused", seq=None, problem=problem)


def _atomic(request: Request) -> bool:
    atomic = request.only("atomic").get("atomic", "false")
    if atomic not in ("true", "false"):
        refuse_parameters([Fault("/atomic", "parameter-invalid", "is not one of true, false")])
    return atomic == "true"
