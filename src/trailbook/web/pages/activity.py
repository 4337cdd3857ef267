"""The page of the log: its address read, the log asked, and the answer shown.

Owns what an address of the list leads to. Refuses to show a row beside a filter it did not understand; a name that
nobody has is understood, and said to be left out.
"""

from typing import Any

from litestar import Response

from trailbook.administration import By, default_view, ready_view
from trailbook.web.http.render import html, page, partial, see
from trailbook.web.http.request import Request
from trailbook.web.pages.address import FOLDED, Address, address, expanded, tidied, typed_names
from trailbook.web.pages.broken import mendable
from trailbook.web.pages.frame import frame, home_zone, list_of, presenter_of
from trailbook.web.pages.list_page import drawn_rows, form_and_list
from trailbook.web.pages.listing import ask
from trailbook.web.pages.meant import NOBODY, Unknown, known, meant
from trailbook.web.pages.question import question


@mendable
def activity_page(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity: the page."""
    # The form always sends the zone it shows; at home that needs no mention.
    away = [pair for pair in tidied(request.pairs) if pair != ("tz", home_zone(request))]
    pairs = expanded(away)
    if not pairs and (begins := default_view(By(request.site.deployment, request.viewer))) is not None:
        return see(f"{request.path}/views/{begins}")
    pairs = pairs or [FOLDED]
    if pairs != list(request.pairs):
        return see(address(request.path, pairs))
    names = typed_names(pairs, request.catalogue.types)
    unknown = meant(request, pairs, names) if names else NOBODY
    if isinstance(unknown, Response):
        return unknown
    return _list_page(request, list_of(request, known(pairs, names)), unknown)


@mendable
def total_part(request: Request) -> Response[Any]:
    """GET total: how many entries the filter finds, for the page that shows the first of them."""
    query = list_of(request, tidied(request.pairs)).query
    total, _ = request.log.count(query, viewer=request.viewer, lang=request.lang)
    return html("total.html", t=request.words, total=total)


def _list_page(request: Request, state: Address, unknown: Unknown) -> Response[Any]:
    now = request.site.deployment.clock()
    answer = ask(request, state, now)
    around, view = frame(request), ready_view(state.view)
    presenter = presenter_of(request, state, state.query.tz)
    rows = drawn_rows(answer, presenter)
    request.site.row_cache.keep(answer.rows, answer.page.entries, rows)
    waits_for = view.asks if view else None
    form, listed = form_and_list(request, answer, presenter, rows=rows, waits_for=waits_for, now=now)
    models = (around, unknown, form, listed, question(request, state, form.asks))
    return page("activity.html", models, part=partial(request.headers))
