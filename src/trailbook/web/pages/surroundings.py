"""Bars of a filter's range within its surroundings: what lies before it, in bars of the same length.

Owns how long the bars are and how far back they go, so that a range is seen beside what is usual. Refuses a bar that
lies half in the range: both are cut where it begins, so that what is drawn as found is exactly what is found.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from trailbook.access import Viewer
from trailbook.errors import FiguresOfAPersonError
from trailbook.finding import Bar, Bucket, Histogram
from trailbook.log import Log
from trailbook.model import instant, microseconds, parse_instant
from trailbook.query import Query, buckets, day_start, interval, local_time
from trailbook.web.pages.address import within

BARS, MOST_WITHIN = 24, 12
_UNITS: tuple[Bucket, ...] = ("day", "week", "month", "quarter", "year")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Surrounded(Struct, frozen=True):
    """Bars over time, of which the first `before` lie before the filter's own `range`, in microseconds."""

    histogram: Histogram
    before: int = 0
    range: tuple[int, int] | None = None


def surrounded(log: Log, query: Query, *, viewer: Viewer, now: datetime, stacked: bool) -> Surrounded:
    """The bars of a filter and, where it has a beginning, of what was before. Raises: as `Log.histogram`."""
    since, until = interval(query, now)
    end = microseconds(now) if until is None else until
    unit = None if since is None or end <= since else _unit(log, query, (since, end), viewer=viewer)
    if since is None or unit is None:
        return Surrounded(log.histogram(query, viewer=viewer, by_category=stacked))
    own = log.histogram(query, viewer=viewer, bucket=unit, by_category=stacked)
    bars = _until_now(own.bars, microseconds(now))
    begin = _back(unit, since, ZoneInfo(query.tz), BARS - len(bars))
    undated = structs.replace(query, date=None, from_=None, to=None)
    earlier = within(undated, now, since=begin, until=since)
    before = log.histogram(earlier, viewer=viewer, bucket=unit, by_category=stacked).bars
    shown = (since, max(min(end, microseconds(now)), since + 1))
    return Surrounded(structs.replace(own, bars=(*before, *bars)), len(before), shown)


def _unit(log: Log, query: Query, span: tuple[int, int], *, viewer: Viewer) -> Bucket | None:
    """The shortest bar of which a few make the range; about a person a week at least."""
    zone = ZoneInfo(query.tz)
    for unit in _UNITS:
        if buckets(unit, span, zone, MOST_WITHIN + 1) is None:
            continue
        if unit == "day" and not _may_be_days(log, query, viewer):
            continue
        return unit
    return None


def _may_be_days(log: Log, query: Query, viewer: Viewer) -> bool:
    log.demand_figures(query, viewer=viewer)  # where there are none at all, that is another answer
    try:
        log.histogram(query, viewer=viewer, bucket="day")
    except FiguresOfAPersonError:
        return False
    return True


def _until_now(bars: tuple[Bar, ...], now: int) -> tuple[Bar, ...]:
    """The bars without those to come, in which there is nothing yet."""
    last = max((at for at, bar in enumerate(bars) if bar.count or _begins(bar) <= now), default=0)
    return bars[: last + 1]


def _begins(bar: Bar) -> int:
    return microseconds(parse_instant(bar.from_))


def _back(unit: Bucket, at: int, zone: ZoneInfo, many: int) -> int:
    """Where the bar begins that lies so many before the one in which an instant is."""
    day = local_time(instant(at), zone).date()
    if unit in _MONTHS:
        step = _MONTHS[unit]
        months = (day.year * 12 + day.month - 1) // step * step - many * step
        first = date(max(months // 12, 1), months % 12 + 1, 1)
    else:
        days = many if unit == "day" else many * 7 + day.weekday()
        first = date.fromordinal(max(day.toordinal() - days, 1))
    return day_start(first, zone)
