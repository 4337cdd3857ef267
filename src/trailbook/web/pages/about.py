"""About this log: why it exists, what is recorded and since when, how long it is kept, and who fell silent.

Owns the answers for somebody who asks what this log is. Refuses figures: it says since when and until when,
never how much, and nothing of any person.
"""

from datetime import timedelta
from typing import Any

from litestar import Response
from msgspec import Struct

from trailbook.catalogue import RETENTIONS, Category
from trailbook.finding import Shown
from trailbook.query import Order, Query, Term, fold, from_params
from trailbook.web.http.render import html
from trailbook.web.http.request import Request
from trailbook.web.pages.address import FOLDED, address
from trailbook.web.pages.frame import frame, home, home_zone, telling
from trailbook.web.pages.rows import Telling

SILENT = timedelta(days=14)
_MOST_INTEGRATIONS = 50


class Recorded(Struct, frozen=True, kw_only=True):
    """A category: why it is recorded, since when, and how long."""

    label: str
    href: str
    why: str
    since: str | None
    kept: str


class Heard(Struct, frozen=True, kw_only=True):
    """An integration, and when it was last heard of."""

    label: str
    href: str
    last: str
    silent: bool


def about(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity/about."""
    request.only()
    said = telling(request, None, home_zone(request))
    categories = [c for c in said.catalogue.categories.values() if c.name not in request.viewer.withheld]
    return html(
        "about.html",
        **frame(request),
        recorded=sorted((_recorded(request, said, c) for c in categories), key=lambda told: fold(told.label)),
        heard=_heard(request, said),
    )


def _recorded(request: Request, said: Telling, category: Category) -> Recorded:
    t = said.words
    first = _end(request, Query(terms=(Term("category", (category.name,)),)), "asc")
    months = RETENTIONS[category.retention]
    return Recorded(
        label=said.label("category", category.name),
        href=address(home(request), [("category", category.name)]),
        why=said.catalogue.why(category.name, t.lang),
        since=None if first is None else t.day(said.local(first.occurred_at)),
        kept=t("about.permanent") if months is None else t.counted("about.months", months),
    )


def _heard(request: Request, said: Telling) -> list[Heard]:
    query = Query(terms=(Term("actor_kind", ("integration",)),))
    found = request.log.facets(
        query, "actor", viewer=request.viewer, limit=_MOST_INTEGRATIONS, lang=request.lang
    )
    told = []
    for value in found.values:
        last = _end(request, Query(terms=(Term("actor", (value.value,)),)), "desc")
        if last is None:
            continue
        at = said.local(last.occurred_at)
        silent = request.site.deployment.clock() - at > SILENT
        href = address(home(request), [("actor", value.value)])
        told.append(Heard(label=value.label, href=href, last=said.words.moment(at), silent=silent))
    return told


def _end(request: Request, query: Query, order: Order) -> Shown | None:
    page = request.log.search(
        query,
        viewer=request.viewer,
        order=order,
        limit=1,
        lang=request.lang,
        part_of=from_params([FOLDED, ("tz", home_zone(request))]),
    )
    return page.entries[0] if page.entries else None
