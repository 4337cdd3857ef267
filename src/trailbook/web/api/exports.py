"""Exports over HTTP: a file at once, straight from the filter, or ordered, made beside and fetched when ready.

Owns the headers of a file and of its parts. Refuses parameters that mean nothing to an export, and never ends a
transfer that broke off as if it were whole. What another viewer ordered answers as what is not there.
"""

import base64
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from litestar import Response
from msgspec import Struct, structs

from trailbook import administration
from trailbook.access import Scope
from trailbook.errors import Fault, FilterInvalidError
from trailbook.export import (
    COLUMN_PRESETS,
    COLUMNS,
    EVERY_FORMAT,
    FORMATS,
    HR,
    STATEMENT,
    Beside,
    BundleFigures,
    ExportOrder as Ordered,
    ExportRequest,
    Format,
    JobState,
    Layout,
    called,
    columns_of,
    exactly,
    file_name,
    file_of,
    file_pieces,
    order_of,
    question,
    require_few,
)
from trailbook.model import instant, prepare, written
from trailbook.query import Query, from_params
from trailbook.web.api.access import by
from trailbook.web.api.entries import read_list
from trailbook.web.http.media import JSON, sent_as
from trailbook.web.http.outflow import Flow, Outflow, still
from trailbook.web.http.request import Request, refuse_parameters, within
from trailbook.web.http.strict_json import read_as
from trailbook.web.http.texts import LOCALES
from trailbook.web.http.transfers import Transfers

MAX_ORDER = 64 * 1024
NOTE, ZIP = "text/plain", "application/zip"
_PIECE = 64 * 1024  # bytes; a thread is entered once a piece
# Entries read at once, while a page waits: a tenth longer in all, and a third as long for each page.
_ROWS = 500
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class RangeError(FilterInvalidError):
    """The range asked for lies outside the file."""

    code = "range-unsatisfiable"


class ExportOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An export to be made: parameters of a filter, each a text or a list of texts, and the form of the file.

    `preset`: the columns of a table by one name. `zip`: the file and its signed statement in one. `preview`: says what
    a bundle would hold, and orders nothing.
    """

    format: str
    filter: dict[str, str | list[str] | bool] = {}
    as_of: int | None = None
    columns: list[str] | None = None
    preset: str | None = None
    tz: str | None = None
    lang: str | None = None
    manifest: bool = True
    zip: bool = False
    preview: bool = False


class ExportPreview(Struct, frozen=True, kw_only=True):
    """What a bundle would hold: so many bodies, of which so many outside the filter can be read by name."""

    format: str
    as_of: int
    count: int
    held: int
    named_outside: int
    words: str


prepare(ExportOrder)


class ExportAnswer(Struct, frozen=True, kw_only=True):
    """An export that was ordered: how far it is, and until when its file is kept; `problem` is why it failed.

    `title` is the filter in words, `name` that of the file, `order` that of its rows. `held`, `named_outside` and
    `words`: what a bundle holds; a closed one before it is made, any once it is ready.
    """

    id: str
    state: JobState
    format: str
    count: int
    as_of: int
    rows_done: int
    created_at: str
    expires_at: str
    lang: str
    tz: str
    manifest: bool
    filter: dict[str, list[str]]
    title: str
    name: str
    order: Literal["desc", "seq"]
    preset: str | None
    zip: bool
    size: int | None = None
    problem: str | None = None
    held: int | None = None
    named_outside: int | None = None
    words: str | None = None


class ExportList(Struct, frozen=True, kw_only=True):
    """The exports that a viewer ordered, newest first."""

    exports: tuple[ExportAnswer, ...]
    next_cursor: str | None


def order_export(request: Request) -> Response[bytes]:
    """POST exports: order an export of what the filter finds, or say what a bundle of it would hold."""
    request.only()
    sent_as(request, JSON)
    sent = read_as(request.body, ExportOrder, FilterInvalidError)
    wanted = _order(request, sent)
    # A zone that is refused from here on is that of the file.
    with within("filter", sent.filter.keys() - {"tz"}):
        if sent.preview:
            figures = request.site.exports.figures(wanted, request.viewer)
            return Response(msgspec.json.encode(_preview(request, figures)), status_code=200, media_type=JSON)
        job = ordered(request, wanted)
    headers = {"Location": f"{request.url}/{job.id}"}
    answer = msgspec.json.encode(answer_of(request, job))
    return Response(answer, status_code=202, headers=headers, media_type=JSON)


def ordered(request: Request, wanted: ExportRequest) -> Any:
    """The job of an order, where there is room for one more. Raises: as `Runner.order`."""
    request.site.exports.orders.require_room(
        request.viewer, request.site.outflows.made.beside(request.viewer)
    )
    return request.site.exports.order(wanted, request.viewer)


def held_in_words(request: Request, figures: BundleFigures) -> str:
    """What a bundle holds, as a sentence of whoever asks."""
    holds = request.words.counted(f"export.holds.{figures.kind}", figures.held)
    return holds + request.words("export.holds.outside", named=request.words.number(figures.named_outside))


def _preview(request: Request, figures: BundleFigures) -> ExportPreview:
    return ExportPreview(
        format=f"bundle-{figures.kind}",
        as_of=figures.as_of,
        count=figures.count,
        held=figures.held,
        named_outside=figures.named_outside,
        words=held_in_words(request, figures),
    )


def list_exports(request: Request) -> Response[bytes]:
    """GET exports: the viewer's own."""
    params = request.only("limit", "cursor")
    limit = params.get("limit", "50")
    if limit not in map(str, range(1, 201)):
        refuse_parameters([Fault("/limit", "parameter-invalid", "is not a whole number from 1 to 200")])
    jobs = request.site.exports.orders.listed(request.viewer)
    if "cursor" in params:
        places = [at for at, job in enumerate(jobs) if job.id == params["cursor"]]
        if not places:
            refuse_parameters([Fault("/cursor", "parameter-invalid", "is not from a former answer")])
        jobs = jobs[places[0] + 1 :]
    page = jobs[: int(limit)]
    more = page[-1].id if len(jobs) > len(page) else None
    body = ExportList(exports=tuple(answer_of(request, job) for job in page), next_cursor=more)
    return Response(msgspec.json.encode(body), media_type=JSON)


def show_export(request: Request) -> Response[bytes]:
    """GET exports/{export}: how far it is."""
    request.only()
    return Response(msgspec.json.encode(answer_of(request, _job(request))), media_type=JSON)


def cancel_export(request: Request) -> Response[bytes]:
    """DELETE exports/{export}: end it, and remove its file."""
    request.only()
    request.site.exports.cancel(_job(request))
    return Response(b"", status_code=204)


def export_file(request: Request) -> Response[Any]:
    """GET exports/{export}/file: the file, or a part of it."""
    request.only()
    job = _job(request)
    path = request.site.exports.path(job, request.viewer)
    made = request.site.exports.orders.file(job)
    wanted = order_of(job)
    # A bundle is none of the formats, and a file beside its statement is none any more.
    form = None if wanted.zip else FORMATS.get(wanted.format)  # type: ignore[call-overload]
    digest = base64.b64encode(bytes.fromhex(made.digest)).decode()
    headers = {
        "Content-Disposition": f'attachment; filename="{_name(request, wanted)}"',
        "ETag": f'"{made.digest}"',
        "Repr-Digest": f"sha-256=:{digest}:",
        "Accept-Ranges": "bytes",
    }
    return _part(request, path, headers, form.media_type if form else ZIP)


def export_manifest(request: Request) -> Response[bytes]:
    """GET exports/{export}/manifest: what the file holds, signed."""
    request.only()
    job = _job(request)
    path = request.site.exports.path(job, request.viewer, "manifest")
    # Named so that `verify` finds it beside the file.
    name = f"{called(request.log, order_of(job))}{STATEMENT}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(path.read_bytes(), media_type=NOTE, headers=headers)


def _order(request: Request, sent: ExportOrder) -> ExportRequest:
    """What is ordered. Raises: FilterInvalidError, ParameterInvalidError, with everything that is wrong with it."""
    faults: list[Fault] = []
    if sent.format not in EVERY_FORMAT:
        faults.append(Fault("/format", "parameter-invalid", f"is not one of {', '.join(EVERY_FORMAT)}"))
    if sent.lang is not None and sent.lang not in LOCALES:
        faults.append(Fault("/lang", "parameter-invalid", f"is not one of {', '.join(LOCALES)}"))
    if sent.preset is not None and sent.preset not in COLUMN_PRESETS:
        faults.append(Fault("/preset", "parameter-invalid", f"is not one of {', '.join(COLUMN_PRESETS)}"))
    try:
        with within("filter", sent.filter):
            query = _query(request, sent)
    except FilterInvalidError as error:
        if not faults:
            raise
        faults += error.faults
    refuse_parameters(faults)
    return ExportRequest(
        query=query,
        format=sent.format,
        columns=None if sent.columns is None else tuple(sent.columns),
        tz=sent.tz,
        lang=sent.lang or request.lang,
        manifest=sent.manifest,
        preset=sent.preset,
        zip=sent.zip,
    )


def _query(request: Request, sent: ExportOrder) -> Query:
    """The filter; its days are those of its own zone, else of the file's."""
    pairs = [(name, value) for name, values in sent.filter.items() for value in values_of(values)]
    if sent.tz is not None and "tz" not in sent.filter:
        pairs.append(("tz", sent.tz))
    if sent.as_of is not None:
        pairs.append(("as_of", str(sent.as_of)))
    return from_params(pairs, request.vocabulary)


def values_of(member: str | list[str] | bool) -> list[str]:
    """What is given for one parameter of a filter, as texts."""
    if isinstance(member, bool):
        return ["true" if member else "false"]
    return [member] if isinstance(member, str) else member


def _job(request: Request) -> Any:
    return request.site.exports.orders.find(request.viewer, request.params["export"])


def held_of(request: Request, job: Any) -> str | None:
    """What an export holds, in words; None of one that is no bundle, or of which it is not known yet."""
    figures = _figures(job)
    return held_in_words(request, figures) if figures else None


def has_statement(job: Any) -> bool:
    """Whether a signed statement is, or is to be, beside the file; a bundle carries its own inside."""
    wanted = order_of(job)
    if job.state == "ready":
        return file_of(job).manifest is not None
    return wanted.manifest and not wanted.format.startswith("bundle-")


def _figures(job: Any) -> BundleFigures | None:
    """What the file of a job holds, or what was said of it before it is there."""
    return file_of(job).figures if job.state == "ready" else order_of(job).figures


def answer_of(request: Request, job: Any) -> ExportAnswer:
    """An export as its viewer may read it now: items that they may not see any more are not named."""
    wanted, figures = order_of(job), _figures(job)
    filtered: dict[str, list[str]] = {}
    seen = administration.as_seen(by(request), [*wanted.filter])
    for name, value in seen:
        filtered.setdefault(name, []).append(value)
    assert job.state in get_args(JobState)
    return ExportAnswer(
        id=job.id,
        state=job.state,
        format=wanted.format,
        count=job.count,
        as_of=job.as_of,
        rows_done=job.rows_done,
        created_at=written(instant(job.created_at)),
        expires_at=written(instant(job.expires_at)),
        lang=wanted.lang,
        tz=wanted.tz,
        manifest=has_statement(job),
        filter=filtered,
        title=question(request.log, from_params(seen), viewer=request.viewer, lang=request.lang),
        name=_name(request, wanted),
        order=FORMATS[wanted.format].order if wanted.format in FORMATS else "seq",
        preset=wanted.preset,
        zip=wanted.zip,
        size=file_of(job).size if job.state == "ready" else None,
        problem=job.problem,
        held=figures.held if figures else None,
        named_outside=figures.named_outside if figures else None,
        words=held_of(request, job),
    )


def _name(request: Request, wanted: Ordered) -> str:
    """What the file of an order is called when it is fetched."""
    name = called(request.log, wanted)
    return f"{Path(name).stem}.zip" if wanted.zip else name


def _part(request: Request, path: Path, headers: Mapping[str, str], media_type: str) -> Response[Any]:
    """The whole file or the range that was asked for. Source: RFC 9110 section 14."""
    size = path.stat().st_size
    start, stop = _span(request.headers, size, headers["ETag"])
    more = {**headers, "Content-Length": str(stop - start)}
    if (start, stop) != (0, size):
        more["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    status = 200 if (start, stop) == (0, size) else 206
    outflows = request.site.outflows

    def begin(beside: Beside) -> AsyncIterator[bytes]:
        require_few(beside)
        return outflows.turns.pieces(_bytes(path, start, stop))

    flow = _flow(request, outflows.kept, begin)
    return Outflow(flow, status_code=status, headers=more, media_type=media_type)


def _flow(request: Request, transfers: Transfers, begin: Callable[[Beside], AsyncIterator[bytes]]) -> Flow:
    """What streams to the viewer of a request for as long as they may have it."""
    scope: Scope = "export" if transfers is request.site.outflows.kept else "read"
    return Flow(
        viewer=request.viewer,
        transfers=transfers,
        begin=begin,
        still=still(request, scope),
        site=request.site,
    )


def _span(headers: Mapping[str, str], size: int, tag: str) -> tuple[int, int]:
    """Which bytes are asked for: one range, if the file is still the one it was begun with. Raises: RangeError."""
    asked = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if asked is None or headers.get("if-range", tag) != tag or asked[1] == asked[2] == "":
        return 0, size
    if asked[1] == "":
        start, stop = max(0, size - int(asked[2])), size
    else:
        start, stop = int(asked[1]), min(size, int(asked[2]) + 1 if asked[2] else size)
    if start >= stop:
        fault = Fault("/range", "range-unsatisfiable", f"is outside the {size} bytes of the file")
        raise RangeError(f"range: {fault.detail}", (fault,))
    return start, stop


def _bytes(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as source:
        source.seek(start)
        while start < stop and (piece := source.read(min(_PIECE, stop - start))):
            start += len(piece)
            yield piece
    if start < stop:
        raise OSError("the file ended before its time")  # the transfer breaks visibly


def at_once_csv(request: Request) -> Outflow:
    """GET entries.csv: everything the filter finds, for a spreadsheet; the columns those of a preset."""
    presets = [value for name, value in request.pairs if name == "preset"]
    if len(presets) > 1 or not set(presets) <= COLUMN_PRESETS.keys():
        why = f"is not one of {', '.join(COLUMN_PRESETS)}, once"
        refuse_parameters([Fault("/preset", "parameter-invalid", why)])
    rest = tuple(pair for pair in request.pairs if pair[0] != "preset")
    return _at_once(structs.replace(request, pairs=rest), "csv", presets[0] if presets else None)


def at_once_jsonl(request: Request) -> Outflow:
    """GET entries.jsonl: everything the filter finds, for programs."""
    return _at_once(request, "jsonl")


def _at_once(request: Request, name: Format, preset: str | None = None) -> Outflow:
    strays = dict.fromkeys(name for name, _ in request.pairs if name in ("limit", "cursor", "count"))
    refuse_parameters(
        [Fault(f"/{name}", "parameter-unknown", "is not a parameter of an export") for name in strays]
    )
    asked, outflows = read_list(request), request.site.outflows
    layout = _layout(request, asked.query, preset)

    def begin(beside: Beside) -> AsyncIterator[bytes]:
        viewer, order = request.viewer, asked.paging.order
        request.site.exports.orders.require_room(viewer, beside)  # before anything is counted
        rows = request.log.export(asked.query, viewer=viewer, order=order, lang=request.lang, batch=_ROWS)
        request.log.exported(asked.query, viewer=viewer)  # after `as_of`: it is not in its own file
        pieces = file_pieces(name, exactly(rows), layout)
        return outflows.turns.pieces(_pieces(pieces))

    file = file_name(request.log, asked.query, lang=request.lang, now=request.site.deployment.clock())
    headers = {
        "Content-Disposition": f'attachment; filename="{file}.{name}"',
        "Content-Language": request.lang,
    }
    flow = _flow(request, outflows.made, begin)
    return Outflow(flow, headers=headers, media_type=FORMATS[name].media_type)


def _layout(request: Request, query: Query, preset: str | None) -> Layout:
    """The columns of a table that is sent at once, and its headings in words where they are a preset's."""
    return Layout(
        columns=columns_of(preset, None) or COLUMNS,
        tz=query.tz,
        lang=request.lang,
        words=preset == HR,
        base=request.site.base_url,
        catalogue=request.log.catalogue,
    )


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size, the last of which may be shorter."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= _PIECE:
            yield bytes(held[:_PIECE])
            del held[:_PIECE]
    yield bytes(held)
