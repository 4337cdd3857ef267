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
from trailbook.web.http.render import page
from trailbook.web.http.request import Request
from trailbook.web.http.texts import Words
from trailbook.web.pages.address import FOLDED, address
from trailbook.web.pages.frame import frame, home, home_zone, presenter_of
from trailbook.web.pages.rows import Presenter

SILENT = timedelta(days=14)
_MOST_INTEGRATIONS = 50


class RecordedCategory(Struct, frozen=True, kw_only=True):
    """A category: why it is recorded, since when, and how long."""

    label: str
    href: str
    why: str
    since: str | None
    kept: str


class HeardIntegration(Struct, frozen=True, kw_only=True):
    """An integration, and when it was last heard of."""

    label: str
    href: str
    last: str
    silent: bool


class KeptClass(Struct, frozen=True, kw_only=True):
    """A retention class: its rule, and the labels of the categories that have it."""

    rule: str
    categories: list[str]


class AboutPage(Struct, frozen=True, kw_only=True):
    """What is recorded, by label, how long it is kept, and which integrations were heard of.

    `removed` is the day on which entries were last removed; None where that never was.
    """

    recorded: list[RecordedCategory]
    kept: list[KeptClass]
    removed: str | None
    heard: list[HeardIntegration]


def about_page(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity/about."""
    request.only()
    presenter = presenter_of(request, None, home_zone(request))
    sees = request.log.clearance(viewer=request.viewer).sees
    seen = [category for category in presenter.catalogue.categories.values() if sees(category.name)]
    recorded = [_recorded(request, presenter, category) for category in seen]
    recorded.sort(key=lambda category: fold(category.label))
    last = _end(request, Query(terms=(Term("action", ("activity_log.pruned",)),)), "desc")
    model = AboutPage(
        recorded=recorded,
        kept=_kept(presenter, seen),
        removed=None if last is None else presenter.words.day(presenter.local(last.occurred_at)),
        heard=_heard(request, presenter),
    )
    return page("about.html", (frame(request), model))


def _recorded(request: Request, presenter: Presenter, category: Category) -> RecordedCategory:
    t = presenter.words
    first = _end(request, Query(terms=(Term("category", (category.name,)),)), "asc")
    return RecordedCategory(
        label=presenter.label("category", category.name),
        href=address(home(request), [("category", category.name)]),
        why=presenter.catalogue.why(category.name, t.lang),
        since=None if first is None else t.day(presenter.local(first.occurred_at)),
        kept=_rule(t, category.retention),
    )


def _kept(presenter: Presenter, seen: list[Category]) -> list[KeptClass]:
    """The retention classes of these categories, the shortest first."""
    kept = []
    for name in RETENTIONS:
        labels = [presenter.label("category", c.name) for c in seen if c.retention == name]
        if labels:
            kept.append(KeptClass(rule=_rule(presenter.words, name), categories=sorted(labels, key=fold)))
    return kept


def _rule(t: Words, retention: str) -> str:
    """The rule of a retention class, which says when an entry may go and not that it goes."""
    months = RETENTIONS[retention]
    return t("about.permanent") if months is None else t.counted("about.months", months)


def _heard(request: Request, presenter: Presenter) -> list[HeardIntegration]:
    query = Query(terms=(Term("actor_kind", ("integration",)),))
    integrations = request.log.facets(
        query, "actor", viewer=request.viewer, limit=_MOST_INTEGRATIONS, lang=request.lang
    )
    heard = []
    for value in integrations.values:
        last = _end(request, Query(terms=(Term("actor", (value.value,)),)), "desc")
        if last is None:
            continue
        at = presenter.local(last.occurred_at)
        silent = request.site.deployment.clock() - at > SILENT
        href = address(home(request), [("actor", value.value)])
        last_heard = presenter.words.moment(at)
        heard.append(HeardIntegration(label=value.label, href=href, last=last_heard, silent=silent))
    return heard


def _end(request: Request, query: Query, order: Order) -> Shown | None:
    entries = request.log.search(
        query,
        viewer=request.viewer,
        order=order,
        limit=1,
        lang=request.lang,
        part_of=from_params([FOLDED, ("tz", home_zone(request))]),
    ).entries
    return entries[0] if entries else None
