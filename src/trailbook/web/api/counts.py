"""Counts over HTTP: the values of a field, bars over time, and what belongs to an entry.

Owns the parameters of these three. Refuses figures of a person wherever the core does.
"""

from typing import cast

import msgspec
from litestar import Response
from msgspec import Struct

from trailbook.errors import Fault
from trailbook.finding import BUCKETS, FACET_FIELDS, Bucket, FacetField
from trailbook.query import Paging, Query, from_params, split_params
from trailbook.web.http.media import JSON
from trailbook.web.http.request import Request, refuse_parameters


class _Question(Struct, frozen=True):
    """What is asked: the parameters of the path alone, the filter, and how it is paged."""

    own: dict[str, str]
    query: Query
    paging: Paging


def facets(request: Request) -> Response[bytes]:
    """GET facets: the values of a field among what the filter finds."""
    question = _read(request, ("by",), ("limit", "cursor"))
    by = cast(FacetField, _one_of("by", question.own.get("by"), FACET_FIELDS))
    values = request.log.facets(
        question.query,
        by,
        viewer=request.viewer,
        limit=question.paging.limit,
        cursor=question.paging.cursor,
        lang=request.lang,
    )
    headers = {"Content-Language": request.lang}
    return Response(msgspec.json.encode(values), headers=headers, media_type=JSON)


def histogram(request: Request) -> Response[bytes]:
    """GET histogram: how many entries the filter finds over time."""
    question = _read(request, ("bucket", "by"), ())
    bucket = cast(Bucket, _one_of("bucket", question.own.get("bucket", "auto"), BUCKETS))
    by = question.own.get("by")
    if by is not None:
        _one_of("by", by, ("category",))
    bars = request.log.histogram(
        question.query, viewer=request.viewer, bucket=bucket, by_category=by is not None
    )
    return Response(msgspec.json.encode(bars), media_type=JSON)


def related(request: Request) -> Response[bytes]:
    """GET entries/{id}/related: what belongs together with an entry."""
    question = _read(request, (), ("limit", "cursor"))
    if question.query != Query():
        strays = [name for name, _ in request.pairs if name not in ("limit", "cursor")]
        refuse_parameters(
            [Fault(f"/{name}", "parameter-unknown", "is not a parameter of this path") for name in strays]
        )
    page = request.log.related(
        request.entry_id,
        viewer=request.viewer,
        limit=question.paging.limit,
        cursor=question.paging.cursor,
        lang=request.lang,
    )
    headers = {"Content-Language": request.lang}
    return Response(msgspec.json.encode(page), headers=headers, media_type=JSON)


def _read(request: Request, names: tuple[str, ...], paging: tuple[str, ...]) -> _Question:
    """What is asked of a path that has these names of its own, and knows this paging."""
    own = [(name, value) for name, value in request.pairs if name in names]
    strays = {name for name, _ in request.pairs if name in ("order", "limit", "cursor", "count")} - set(
        paging
    )
    twice = [name for name in names if sum(1 for other, _ in own if other == name) > 1]
    refuse_parameters(
        [Fault(f"/{n}", "parameter-unknown", "is not a parameter of this path") for n in sorted(strays)]
        + [Fault(f"/{n}", "parameter-invalid", "is given more than once") for n in twice]
    )
    pairs, turned = split_params([pair for pair in request.pairs if pair[0] not in names])
    query = from_params(pairs, request.vocabulary)
    return _Question(dict(own), query, turned)


def _one_of(name: str, value: str | None, among: tuple[str, ...]) -> str:
    if value not in among:
        why = "is missing" if value is None else f"is not one of {', '.join(among)}"
        refuse_parameters([Fault(f"/{name}", "parameter-invalid", why)])
    return value or ""
