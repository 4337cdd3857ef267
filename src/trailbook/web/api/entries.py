"""Reading over HTTP: search, one entry, items and the catalogue.

Owns the answers to a reader. Refuses unknown parameters, and finds nothing itself: every answer is the log's,
for the viewer who asks.
"""

from typing import get_args

import msgspec
from litestar import Response
from msgspec import Struct

from trailbook.catalogue import Catalogue, Rule
from trailbook.errors import Fault
from trailbook.finding import MOST, Part
from trailbook.query import Paging, Query, from_params, split_params, to_params
from trailbook.web.http.media import JSON, etag, next_link
from trailbook.web.http.request import Request, refuse_parameters
from trailbook.web.http.texts import LOCALES


class CategoryRow(Struct, frozen=True, kw_only=True):
    """A category, its label, and why it is recorded."""

    name: str
    label: str
    purpose: str
    sensitive: bool


class TypeRow(Struct, frozen=True, kw_only=True):
    """A type of item, and the names of the fields that an entry may say have changed."""

    name: str
    label: str
    category: str
    named: bool
    person: bool
    fields: tuple[str, ...]


class ActionRow(Struct, frozen=True, kw_only=True):
    """An action: the types it may have as target, and how many items in which part it is about."""

    name: str
    label: str
    category: str
    target: tuple[str, ...]
    concerns: tuple[Rule, ...]


class CatalogueAnswer(Struct, frozen=True, kw_only=True):
    """What may be recorded here, with labels in one language."""

    lang: str
    categories: tuple[CategoryRow, ...]
    types: tuple[TypeRow, ...]
    actions: tuple[ActionRow, ...]
    purposes: tuple[str, ...]


class ListRequest(Struct, frozen=True):
    """Which list of entries is asked for: its filter, and how it is paged."""

    query: Query
    paging: Paging


def search(request: Request) -> Response[bytes]:
    """GET entries: one page of what the filter finds."""
    asked = read_list(request)
    paging = asked.paging
    page = request.log.search(
        asked.query,
        viewer=request.viewer,
        order=paging.order,
        limit=paging.limit,
        cursor=paging.cursor,
        count=paging.count,
        lang=request.lang,
    )
    headers = {"Content-Language": request.lang}
    if page.next_cursor is not None:
        headers["Link"] = next_link(request, to_params(asked.query), paging=paging, cursor=page.next_cursor)
    return Response(msgspec.json.encode(page), headers=headers, media_type=JSON)


def show_entry(request: Request) -> Response[bytes]:
    """GET entries/{id}: one entry."""
    request.only()
    entry = request.log.show(request.entry_id, viewer=request.viewer, lang=request.lang)
    body = msgspec.json.encode(entry)
    return Response(body, headers={"Content-Language": request.lang, "ETag": etag(body)}, media_type=JSON)


def items(request: Request) -> Response[bytes]:
    """GET items: people and items whose names begin with what was typed."""
    params = request.only("q", "role", "type", "limit")
    role: Part | None = next((part for part in get_args(Part) if part == params.get("role")), None)
    faults = []
    if not params.get("q"):
        faults.append(
            Fault("/q", "parameter-invalid", "needs 1 to 80 characters" if "q" in params else "is missing")
        )
    if "role" in params and role is None:
        faults.append(Fault("/role", "parameter-invalid", f"is not one of {', '.join(get_args(Part))}"))
    if "type" in params and params["type"] not in request.site.deployment.catalogue.types:
        faults.append(Fault("/type", "parameter-invalid", "is not a declared type"))
    limit = params.get("limit", str(MOST))
    if limit not in map(str, range(1, MOST + 1)):
        faults.append(Fault("/limit", "parameter-invalid", f"is not a whole number from 1 to {MOST}"))
    refuse_parameters(faults)
    named = request.log.items(
        params["q"], viewer=request.viewer, role=role, type_=params.get("type"), limit=int(limit)
    )
    return Response(msgspec.json.encode(named), media_type=JSON)


def catalogue(request: Request) -> Response[bytes]:
    """GET catalogue: what may be recorded here."""
    lang = request.only("lang").get("lang", request.lang)
    if lang not in LOCALES:
        refuse_parameters([Fault("/lang", "parameter-invalid", f"is not one of {', '.join(LOCALES)}")])
    body = msgspec.json.encode(_catalogue(request.log.catalogue, lang))
    return Response(body, headers={"Content-Language": lang}, media_type=JSON)


def read_list(request: Request) -> ListRequest:
    """The list that the address asks for. Raises: FilterInvalidError."""
    pairs, paging = split_params(request.pairs)
    return ListRequest(from_params(pairs, request.vocabulary), paging)


def _catalogue(catalogue: Catalogue, lang: str) -> CatalogueAnswer:
    return CatalogueAnswer(
        lang=lang,
        categories=tuple(
            CategoryRow(
                name=c.name,
                label=catalogue.label("category", c.name, lang),
                purpose=catalogue.why(c.name, lang),
                sensitive=c.sensitive,
            )
            for c in catalogue.categories.values()
        ),
        types=tuple(
            TypeRow(
                name=t.name,
                label=catalogue.label("type", t.name, lang),
                category=t.category,
                named=t.named,
                person=t.person,
                fields=tuple(sorted(t.fields)),
            )
            for t in catalogue.types.values()
        ),
        actions=tuple(
            ActionRow(
                name=a.name,
                label=catalogue.label("action", a.name, lang),
                category=a.category,
                target=a.target,
                concerns=a.concerns,
            )
            for a in catalogue.actions.values()
        ),
        purposes=catalogue.purposes,
    )
