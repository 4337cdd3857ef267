"""Whether counts and bars are right at a size where nobody counts by hand: every body is read and counted one by one.

Owns the plain counting, which knows nothing of the index. Refuses to time anything: it says how many figures agree.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from bench.measuring import Goal, Row, row, tell
from bench.site import ORG, Site
from trailbook.access.viewer import operator
from trailbook.errors import DamagedError
from trailbook.finding.figures import FacetField
from trailbook.log.log import Log
from trailbook.query import Query, Term
from trailbook.record.canonical import Body, decode_body
from trailbook.stores import Store

_OSLO = ZoneInfo("Europe/Oslo")
_FIELDS: tuple[FacetField, ...] = ("category", "action", "outcome", "origin", "actor_kind")
_FILTERS = {
    "everything": Query(tz="Europe/Oslo"),
    "a category": Query(tz="Europe/Oslo", terms=(Term("category", ("salary",)),)),
    "refused, but not by people": Query(
        tz="Europe/Oslo", terms=(Term("outcome", ("denied",)), Term("actor_kind", ("person",), True))
    ),
    "two categories by an integration": Query(
        tz="Europe/Oslo",
        terms=(Term("category", ("absence", "users")), Term("actor_kind", ("integration",))),
    ),
}


def run(site: Site, size: int) -> Iterator[Row]:
    """Counts by five fields, the total, and bars by month, for four filters."""
    built = site.recorded(size)
    built.log.upkeep.seal()
    tell("counting every body, one by one")
    store = built.store()
    by_hand = _counted(store, size)
    store.close()
    right, figures = 0, 0
    for name, query in _FILTERS.items():
        for what, ours in _figures(built.log, query, size):
            figures += 1
            theirs = by_hand[name, what]
            if ours != theirs:
                raise DamagedError(f"{what} of {name} is not what counting gives: {ours} and {dict(theirs)}")
            right += 1
    yield row(
        "counts and bars that equal counting every body",
        size,
        [float(right)],
        unit=f"of {figures}",
        goal=Goal(figures, least=True),
        noise=f"{len(_FILTERS)} filters; by {', '.join(_FIELDS)}, in all, and by month",
    )


def _figures(log: Log, query: Query, size: int) -> Iterator[tuple[str, Counter[str]]]:
    bound = Query(tz=query.tz, terms=query.terms, as_of=size)
    viewer = operator(ORG)
    for by in _FIELDS:
        own = Query(tz=query.tz, terms=tuple(t for t in query.terms if t.field != by), as_of=size)
        if own != bound:  # a facet leaves out its own terms, which plain counting does not
            continue
        facets = log.facets(bound, by, viewer=viewer, limit=200)
        pages = [*facets.values]
        while facets.next_cursor:
            facets = log.facets(bound, by, viewer=viewer, limit=200, cursor=facets.next_cursor)
            pages += facets.values
        yield by, Counter({value.value: value.count or 0 for value in pages if value.count})
    yield "total", Counter({"total": log.count(bound, viewer=viewer)[0]})
    drawn = log.histogram(bound, viewer=viewer, bucket="month")
    yield "months", Counter({_month(bar.from_[:13]): bar.count for bar in drawn.bars if bar.count})


def _counted(store: Store, size: int) -> dict[tuple[str, str], Counter[str]]:
    counts = {(name, what): Counter[str]() for name in _FILTERS for what in (*_FIELDS, "total", "months")}
    for kept in store.kept(ORG, 0, size):
        body = decode_body(kept.body or b"")
        for name in _FILTERS:
            if _matches(name, body):
                _count(counts, name, body)
    return counts


def _matches(name: str, body: Body) -> bool:
    if name == "a category":
        return body.category == "salary"
    if name == "refused, but not by people":
        return body.outcome == "denied" and body.actor.kind != "person"
    if name == "two categories by an integration":
        return body.category in ("absence", "users") and body.actor.kind == "integration"
    return True


def _count(counts: dict[tuple[str, str], Counter[str]], name: str, body: Body) -> None:
    for what, value in (
        ("category", body.category),
        ("action", body.action),
        ("outcome", body.outcome),
        ("origin", body.origin.interface),
        ("actor_kind", body.actor.kind),
        ("total", "total"),
        ("months", _month(body.occurred_at[:13])),
    ):
        counts[name, what][value] += 1


@cache
def _month(hour: str) -> str:
    """The first instant, in UTC to the hour, of the month in Oslo that an hour lies in."""
    local = datetime.fromisoformat(f"{hour}:00:00+00:00").astimezone(_OSLO)
    first = local.replace(day=1, hour=0, fold=0)
    return first.astimezone(ZoneInfo("UTC")).isoformat()[:13]
