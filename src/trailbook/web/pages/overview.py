"""The overview: what the organisation's activity looks like, and what about it is unusual.

Owns what counts as unusual and as silent, and says both in sentences before any picture. Refuses figures of
persons and lists of them: it counts categories, integrations and days.
"""

from datetime import date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response
from msgspec import Struct

from trailbook.finding import Bar, FacetValue, Histogram
from trailbook.query import Query, Term, local_time
from trailbook.web.http.render import page
from trailbook.web.http.request import Request
from trailbook.web.pages.about import SILENT
from trailbook.web.pages.address import FOLDED, Address, Pairs
from trailbook.web.pages.bars import Choice, Picture, picture
from trailbook.web.pages.frame import frame, home_zone, list_of, presenter_of
from trailbook.web.pages.rows import Presenter, cut
from trailbook.web.pages.surroundings import Surrounded

WEEKS = 12
RECENT, BEFORE = 35, 8  # days that are looked at; how many of the same weekday before each it is held against
_ENOUGH = 4  # fewer days before say nothing of what is usual
_TIMES, _BY = 2, 20  # unusual: twice as many or half as many, and at least so many more or fewer
_MOST_DAYS, _MOST_INTEGRATIONS = 5, 12


class Day(Struct, frozen=True, kw_only=True):
    """A day unlike the same weekdays before it; `bars` are those days and it, as heights in percent."""

    sentence: str
    usual: str
    mostly: str | None
    href: str
    bars: tuple[float, ...]


class Integration(Struct, frozen=True, kw_only=True):
    """An integration: its entries in these weeks, the same in words, when last heard of, and weeks in percent."""

    label: str
    href: str
    count: int
    activity: str
    last: str
    silent: bool
    bars: tuple[float, ...]


class LastWeek(Struct, frozen=True):
    """The last whole week in a sentence, and where its entries are."""

    sentence: str
    mostly: str | None
    href: str


class OverviewPage(Struct, frozen=True, kw_only=True):
    """What stands on the overview; there is always a picture, so never a `why` there is none."""

    picture: Picture
    why: None
    week: LastWeek | None
    silent: list[Integration]
    active: list[Integration]
    unusual: list[Day]
    zone: str
    tz: str


def overview_page(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity/overview."""
    request.only()
    presenter = presenter_of(request, None, home_zone(request))
    now = request.site.deployment.clock()
    today = now.astimezone(presenter.zone).date()
    monday = today - timedelta(days=today.weekday())
    weeks = _state(request, _days(monday - timedelta(weeks=WEEKS - 1), today))
    histogram = request.log.histogram(weeks.query, viewer=request.viewer, bucket="week", by_category=True)
    integrations = _integrations(request, presenter, (monday - timedelta(weeks=WEEKS - 1), today))
    stacked = Choice(stacked=True, range=None)
    model = OverviewPage(
        picture=picture(presenter, weeks, Surrounded(histogram), choice=stacked, now=now),
        why=None,
        week=_last_week(request, histogram, monday),
        silent=[integration for integration in integrations if integration.silent],
        active=[integration for integration in integrations if not integration.silent],
        unusual=_unusual(request, today),
        zone=presenter.words.zone(presenter.zone),
        tz=presenter.zone.key,
    )
    return page("overview.html", (frame(request), model))


def _state(request: Request, pairs: Pairs) -> Address:
    """A list on the page of the log, without the log's own entries."""
    return list_of(request, [FOLDED, *pairs])


def _days(first: date, last: date) -> Pairs:
    return [("from", first.isoformat()), ("to", last.isoformat())]


def _link(request: Request, pairs: Pairs) -> str:
    state = _state(request, pairs)
    return state.href(state.fresh)


def _last_week(request: Request, weeks: Histogram, monday: date) -> LastWeek | None:
    t = request.words
    first, last = monday - timedelta(weeks=1), monday - timedelta(days=1)
    if len(weeks.bars) <= 1:
        return None
    parts = weeks.bars[-2].parts or {}
    ranked = sorted(parts.items(), key=lambda part: (-part[1], part[0]))
    mostly = [f"{_category(request, name)} ({t.number(count)})" for name, count in ranked[:3]]
    days = t("bars.days", first=t.day(first), last=t.day(last))
    return LastWeek(
        sentence=t("overview.week", days=days, count=t.counted("total", weeks.bars[-2].count)),
        mostly=t("overview.mostly", names=", ".join(mostly)) if mostly else None,
        href=_link(request, _days(first, last)),
    )


def _category(request: Request, name: str) -> str:
    return request.catalogue.label("category", name, request.lang)


def _integrations(request: Request, presenter: Presenter, span: tuple[date, date]) -> list[Integration]:
    """The integrations there have ever been, the most active of these weeks first."""
    query = Query(terms=(Term("actor_kind", ("integration",)),))
    ever = request.log.facets(query, "actor", viewer=request.viewer, limit=200, lang=request.lang)
    # An item declared as a person has no number, whatever kind it acts as: no figures of it are made.
    ranked = sorted((actor for actor in ever.values if actor.count), key=lambda actor: -(actor.count or 0))
    most = [_integration(request, presenter, actor, span=span) for actor in ranked[:_MOST_INTEGRATIONS]]
    return sorted(most, key=lambda integration: -integration.count)


def _integration(
    request: Request, presenter: Presenter, actor: FacetValue, *, span: tuple[date, date]
) -> Integration:
    t = request.words
    weeks = _state(request, [("actor", actor.value), *_days(*span)])
    histogram = request.log.histogram(weeks.query, viewer=request.viewer, bucket="week")
    counts = [bar.count for bar in histogram.bars]
    last = request.log.search(
        Query(terms=(Term("actor", (actor.value,)),)),
        viewer=request.viewer,
        limit=1,
        lang=request.lang,
        part_of=_state(request, []).query,
    ).entries[0]
    at = presenter.local(last.occurred_at)
    silent = request.site.deployment.clock() - at > SILENT
    ago = (request.site.deployment.clock() - at).days
    return Integration(
        label=cut(actor.label),
        href=_link(request, [("actor", actor.value), *([] if silent else _days(*span))]),
        count=sum(counts),
        activity=t.counted("overview.silent-days", ago) if silent else t.counted("total", sum(counts)),
        last=t("about.last", when=t.moment(at)),
        silent=silent,
        bars=_heights(counts),
    )


def _heights(counts: list[int]) -> tuple[float, ...]:
    peak = max(counts, default=0) or 1
    return tuple(round(max(count * 100 / peak, 3), 1) if count else 0 for count in counts)


def _unusual(request: Request, today: date) -> list[Day]:
    """The days of the last five weeks that are unlike the same weekday before, the most unlike first."""
    first = today - timedelta(days=RECENT + 7 * BEFORE)
    days = _state(request, _days(first, today - timedelta(days=1)))
    histogram = request.log.histogram(days.query, viewer=request.viewer, bucket="day", by_category=True)
    recorded = _since_first(histogram.bars)
    unusual = [
        (weight, day)
        for at in range(max(len(recorded) - RECENT, 0), len(recorded))
        if (day := _compared(request, days, recorded, at)) is not None
        for weight in [_times(recorded[at].count, _usual(recorded, at))]
    ]
    unusual.sort(key=lambda pair: -pair[0])
    return [day for _, day in unusual[:_MOST_DAYS]]


def _since_first(days: tuple[Bar, ...]) -> list[Bar]:
    """The days from the first one with entries on: before it nothing was recorded, which is not unusual."""
    began = next((at for at, bar in enumerate(days) if bar.count), len(days))
    return list(days[began:])


def _times(count: int, usual: float) -> float:
    """How many times as many, or as few."""
    return max((count + 1) / (usual + 1), (usual + 1) / (count + 1))


def _usual(days: list[Bar], at: int) -> float:
    return median(bar.count for bar in _before(days, at))


def _before(days: list[Bar], at: int) -> list[Bar]:
    """The same weekdays before a day, oldest first."""
    return [days[back] for back in range(at - 7, max(at - 7 * BEFORE, 0) - 1, -7)][::-1]


def _compared(request: Request, state: Address, days: list[Bar], at: int) -> Day | None:
    """A day in words, where it is unusual."""
    bar, before = days[at], _before(days, at)
    if len(before) < _ENOUGH:
        return None
    usual = median(earlier.count for earlier in before)
    more, fewer = bar.count - usual, usual - bar.count
    if not (bar.count >= _TIMES * usual and more >= _BY) and not (
        bar.count * _TIMES <= usual and fewer >= _BY
    ):
        return None
    t, counts = request.words, [earlier.count for earlier in before]
    day = _local_day(bar, state)
    low, high = t.number(min(counts)), t.number(max(counts))
    return Day(
        sentence=t("bars.said", when=t.weekday(day), count=t.counted("total", bar.count)),
        usual=t("overview.usual", days=len(before), low=low, high=high),
        mostly=_mostly(request, bar, before) if more > 0 else None,
        href=_link(request, _days(day, day)),
        bars=_heights([*counts, bar.count]),
    )


def _local_day(bar: Bar, state: Address) -> date:
    return local_time(datetime.fromisoformat(bar.from_), ZoneInfo(state.query.tz)).date()


def _mostly(request: Request, bar: Bar, before: list[Bar]) -> str | None:
    """The category that has most more entries than usual."""
    parts = bar.parts or {}
    more = {
        name: count - median((earlier.parts or {}).get(name, 0) for earlier in before)
        for name, count in parts.items()
    }
    name = max(more, key=lambda name: (more[name], name), default=None)
    if name is None:
        return None
    return request.words(
        "overview.most-of-it", name=_category(request, name), count=request.words.number(parts[name])
    )
