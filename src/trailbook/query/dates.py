"""Date ranges: presets, calendar days and months in a time zone, as half-open UTC microseconds.

Owns what "last month" means to somebody in Oslo, Cairo or Apia. Days are those of the zone's own
rules, never 24 hours. Refuses to know the clock (now is an argument) and to guess a zone: a name that is not
in the IANA database is an error, whatever files the machine has beside it.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from trailbook.errors import Fault, FilterInvalidError
from trailbook.model import instant, microseconds, parse_instant

Range = tuple[int, int]  # [start, end) in microseconds since 1970-01-01T00:00:00Z

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_LAST_DAY = date.max.toordinal()
_FOREVER = microseconds(datetime.max.replace(tzinfo=UTC)) + 1
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SECOND = timedelta(seconds=1)
# Files that some machines keep among the zones and that mean another thing on each of them.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that exact name, links included.

    Raises: FilterInvalidError with a fault at /tz.
    """
    # A lookup in a list, not in a file system: no path, no other case, no `right/` zones with leap seconds.
    if name != "UTC" and name not in _zone_names():
        raise _invalid("/tz", "is not the name of an IANA time zone, such as Europe/Oslo")
    return ZoneInfo(name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_ZONES


def parse_day(text: str) -> date:
    """Read a day written YYYY-MM-DD.

    Raises: ValueError in plain words.
    """
    if not _DATE.fullmatch(text):
        raise ValueError("is not a date written as 2026-11-02")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a date that exists") from None


def moment(text: str) -> date | datetime:
    """A day or an instant with an offset, as `from` and `to` take them.

    Raises: ValueError in plain words.
    """
    return parse_instant(text) if "T" in text else parse_day(text)


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which the zone's clocks show `day`, or a later day where it was left out.

    Midnight that comes twice counts from the first; where clocks jump over it, the day begins at the jump.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    try:
        first = midnight.astimezone(UTC)
        exists = first.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None)
        return first if exists else _jump(midnight)
    except OverflowError:
        return _BEGINNING  # 0001-01-01 east of Greenwich began in a year that datetime does not have


def _jump(midnight: datetime) -> datetime:
    """The moment at which the clocks jump over `midnight`: bisection between its two readings (PEP 495)."""
    before, after = midnight.replace(fold=1).astimezone(UTC), midnight.astimezone(UTC)
    wall = midnight.replace(tzinfo=None)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(midnight.tzinfo).replace(tzinfo=None) >= wall:
            after = middle
        else:
            before = middle
    return after


def local_time(at: datetime, zone: tzinfo) -> datetime:
    """An instant by the clocks of a zone; in UTC, as its `tzinfo` then says, where they would show no date there is.

    Only the first and the last hours of the calendar are such, which nothing is recorded with any more.
    """
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at.astimezone(UTC)


def day_start(day: date, zone: ZoneInfo) -> int:
    """The first microsecond of `day` in the zone."""
    return _start(day.toordinal(), zone)


def day_end(day: date, zone: ZoneInfo) -> int:
    """The first microsecond after `day`, which is the start of the next."""
    return _start(day.toordinal() + 1, zone)


def date_bounds(preset: str, now: datetime, zone: ZoneInfo, week_start: int = 0) -> Range:
    """The range of a preset as seen at `now`; `week_start` is 0 for Monday to 6 for Sunday.

    Raises: FilterInvalidError with a fault at /date for a preset that does not exist.
    """
    if now.tzinfo is None:
        raise ValueError("now has no time zone")
    if preset not in PRESETS:
        raise _invalid("/date", f"is not one of {', '.join(PRESETS)}")
    first, after = _days(now.astimezone(zone).date(), week_start)[preset]
    return _start(first, zone), _start(after, zone)


def _days(today: date, week_start: int) -> dict[str, tuple[int, int]]:
    """Every preset as [first day, day after the last], in ordinals."""
    day = today.toordinal()
    week = day - (today.weekday() - week_start) % 7
    month = today.year * 12 + today.month - 1
    quarter, year = month - month % 3, month - month % 12
    return {
        "today": (day, day + 1),
        "yesterday": (day - 1, day),
        "this-week": (week, week + 7),
        "last-week": (week - 7, week),
        "this-month": (_of_month(month), _of_month(month + 1)),
        "last-month": (_of_month(month - 1), _of_month(month)),
        "this-quarter": (_of_month(quarter), _of_month(quarter + 3)),
        "last-quarter": (_of_month(quarter - 3), _of_month(quarter)),
        "this-year": (_of_month(year), _of_month(year + 12)),
        "last-year": (_of_month(year - 12), _of_month(year)),
        "past-6-months": (_of_month(month - 6, today.day), day + 1),
        "past-12-months": (_of_month(month - 12, today.day), day + 1),
    }


def _of_month(months: int, day: int = 1) -> int:
    """The ordinal of a day of a month counted from year 0, clamped to the month's last day."""
    year, month = divmod(months, 12)
    if year > date.max.year:
        return _LAST_DAY + 1
    if year < date.min.year:
        return 0
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1])).toordinal()


PRESETS = tuple(_days(date(2026, 1, 1), 0))


def _start(ordinal: int, zone: ZoneInfo) -> int:
    """Where a day begins; days beyond those that exist begin where time begins or ends."""
    if ordinal > _LAST_DAY:
        return _FOREVER
    if ordinal < 1:
        return microseconds(_BEGINNING)
    return microseconds(first_instant(date.fromordinal(ordinal), zone))


UNITS = ("hour", "day", "week", "month", "quarter", "year")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_HOUR = 3_600_000_000


def buckets(unit: str, span: Range, zone: ZoneInfo, most: int) -> list[int] | None:
    """The edges that cut a range on the zone's calendar, its own two ends the first and last; None for too many.

    Hours begin when the zone's clocks show a full hour, weeks on Monday.
    """
    start, end = span
    edges = [start]
    while edges[-1] < end and len(edges) <= most:
        edges.append(min(_following(unit, edges[-1], zone), end))
    return edges if edges[-1] >= end else None


def _following(unit: str, at: int, zone: ZoneInfo) -> int:
    """The first instant after `at` at which a unit begins."""
    here = local_time(instant(at), zone)
    if unit == "hour":
        past = (here.minute * 60 + here.second) * 1_000_000 + here.microsecond
        return at + _HOUR - past
    day = here.date()
    if unit in _MONTHS:
        months = _MONTHS[unit]
        return _start(_of_month(day.year * 12 + (day.month - 1) // months * months + months), zone)
    return _start(day.toordinal() + (1 if unit == "day" else 7 - day.weekday()), zone)


def _invalid(pointer: str, detail: str) -> FilterInvalidError:
    return FilterInvalidError(f"{pointer[1:]}: {detail}", (Fault(pointer, "parameter-invalid", detail),))
