"""Counts over HTTP: the values of a field, bars over time, and what belongs to an entry.

Owns the parameters of these three. Refuses figures of a person wherever the core does (R20).
"""

from typing import cast

import msgspec
from litestar import Response

from trailbook.errors import Fault
from trailbook.finding import BUCKETS, BYS, Bucket, By
from trailbook.query import Paging, Query, from_params, split_params
from trailbook.web.api.entries import known
from trailbook.web.http.media import JSON
from trailbook.web.http.request import Request, refuse_parameters


def facets(request: Request) -> Response[bytes]:
    """GET facets: the values of a field among what the filter finds."""
    given, query, paging = _read(request, ("by",), ("limit", "cursor"))
    by = cast(By, _one_of("by", given.get("by"), BYS))
    found = request.log.facets(
        query, by, viewer=request.viewer, limit=paging.limit, cursor=paging.cursor, lang=request.lang
    )
    headers = {"Content-Language": request.lang}
    return Response(msgspec.json.encode(found), headers=headers, media_type=JSON)


def histogram(request: Request) -> Response[bytes]:
    """GET histogram: how many entries the filter finds over time."""
    given, query, _ = _read(request, ("bucket", "by"), ())
    bucket = cast(Bucket, _one_of("bucket", given.get("bucket", "auto"), BUCKETS))
    by = given.get("by")
    if by is not None:
        _one_of("by", by, ("category",))
    found = request.log.histogram(query, viewer=request.viewer, bucket=bucket, by_category=by is not None)
    return Response(msgspec.json.encode(found), media_type=JSON)


def related(request: Request) -> Response[bytes]:
    """GET entries/{id}/related: what belongs together with an entry."""
    _, query, paging = _read(request, (), ("limit", "cursor"))
    if query != Query():
        strays = [name for name, _ in request.pairs if name not in ("limit", "cursor")]
        refuse_parameters(
            [Fault(f"/{name}", "parameter-unknown", "is not a parameter of this path") for name in strays]
        )
    page = request.log.related(
        request.entry_id(request.params["id"]),
        viewer=request.viewer,
        limit=paging.limit,
        cursor=paging.cursor,
        lang=request.lang,
    )
    headers = {"Content-Language": request.lang}
    return Response(msgspec.json.encode(page), headers=headers, media_type=JSON)


def _read(
    request: Request, own: tuple[str, ...], paging: tuple[str, ...]
) -> tuple[dict[str, str], Query, Paging]:
    """The parameters of this path alone, the filter, and the paging it knows."""
    mine = [(name, value) for name, value in request.pairs if name in own]
    strays = {name for name, _ in request.pairs if name in ("order", "limit", "cursor", "count")} - set(
        paging
    )
    twice = [name for name in own if sum(1 for other, _ in mine if other == name) > 1]
    refuse_parameters(
        [Fault(f"/{n}", "parameter-unknown", "is not a parameter of this path") for n in sorted(strays)]
        + [Fault(f"/{n}", "parameter-invalid", "is given more than once") for n in twice]
    )
    pairs, turned = split_params([pair for pair in request.pairs if pair[0] not in own])
    return dict(mine), from_params(pairs, known(request.site.deployment.catalogue)), turned


def _one_of(name: str, given: str | None, among: tuple[str, ...]) -> str:
    if given not in among:
        why = "is missing" if given is None else f"is not one of {', '.join(among)}"
        refuse_parameters([Fault(f"/{name}", "parameter-invalid", why)])
    return given or ""
