"""Hours: when in a week something happened, by the clocks of an organisation: at night, at weekends, outside work.

Owns what an organisation may say of its working hours, the rule that "at night" then is, how a rule is written, and
what it means. A preset follows the setting; a written rule is frozen, and means the same whatever is set later.
Refuses to know public holidays: no rule has them.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from importlib import import_module, resources
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct

from trailbook.errors import Fault, FilterInvalidError
from trailbook.query.dates import local_time, zone

HoursName = Literal["outside", "night", "weekend"]
HOURS: tuple[HoursName, ...] = get_args(HoursName)

_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]|24(?=:00)):([0-5][0-9])")
_DAYS = re.compile(r"(?=[1-7])1?2?3?4?5?6?7?")
_EVERY_DAY, _DAY, _WEEK = "1234567", 1440, 7 * 1440  # minutes
_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
_STEP = timedelta(days=5)  # no zone has ever changed its offset twice within six days


class WorkingHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an organisation works: days as digits, 1 Monday to 7 Sunday, and half-open spans of its local time.

    `work` is the span of its working `days`; `night` may go past midnight; `weekend` are days too. Without a `tz` the
    zone is that of the deployment.
    """

    days: str = "12345"
    work: str = "08:00-17:00"
    night: str = "22:00-06:00"
    weekend: str = "67"
    tz: str = ""


class HoursRule(Struct, frozen=True):
    """What "at night" is: inside `span` on `days`, by the clocks of `tz`; `outside` is all other time."""

    name: HoursName
    days: str
    span: str
    tz: str


WORKING_HOURS = WorkingHours()


def working_hours_faults(hours: WorkingHours) -> tuple[Fault, ...]:
    """What is wrong with working hours, each at its member."""
    faults = []
    for name, value in (("days", hours.days), ("weekend", hours.weekend)):
        if not _DAYS.fullmatch(value):
            faults.append(
                Fault(f"/{name}", "invalid", "is not one or more days, 1 Monday to 7 Sunday, ascending")
            )
    for name, value in (("work", hours.work), ("night", hours.night)):
        if not _SPAN.fullmatch(value):
            faults.append(Fault(f"/{name}", "invalid", "is not two times of a day, such as 08:00-17:00"))
        elif not _minutes(value):
            faults.append(Fault(f"/{name}", "invalid", "ends as it begins"))
        elif name == "work" and not value[:5] < value[6:]:
            faults.append(Fault("/work", "invalid", "ends before it begins"))
    if hours.tz and (why := _zone_fault(hours.tz)):
        faults.append(Fault("/tz", "invalid", why))
    return tuple(faults)


def hours_rule(text: str, working: WorkingHours = WORKING_HOURS) -> HoursRule:
    """The rule of a filter's `hours`: as it is written there, or what a preset is by these working hours.

    Raises: ValueError in plain words for what is neither.
    """
    if text in HOURS:
        return _preset(text, working)
    name, days, span, tz = text.split(",") if text.count(",") == 3 else ("", "", "", "")
    if name not in HOURS:
        raise ValueError(f"is not one of {', '.join(HOURS)}, nor a rule as an answer wrote it")
    if not _DAYS.fullmatch(days) or not _SPAN.fullmatch(span) or not _minutes(span):
        raise ValueError("is a rule whose days or times are not written as 12345,08:00-17:00")
    if why := _zone_fault(tz):
        raise ValueError(f"is a rule whose zone {why}")
    return HoursRule(name, days, span, tz)


def hours_text(rule: HoursRule) -> str:
    """A rule as a filter has it; `hours_rule` reads it back."""
    return f"{rule.name},{rule.days},{rule.span},{rule.tz}"


def has_hours(rule: HoursRule, at: datetime) -> bool:
    """Whether a rule finds what happened at an instant: what it means, entry by entry."""
    local = local_time(at, clocks(rule.tz))
    now = timedelta(
        hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    ours = str(local.isoweekday()) in rule.days
    within = ours and any(
        timedelta(minutes=start) <= now < timedelta(minutes=end) for start, end in _minutes(rule.span)
    )
    return within is not (rule.name == "outside")


def week_spans(rule: HoursRule) -> list[tuple[int, int]]:
    """The rule as half-open spans of a week's minutes since Monday 00:00, ascending and apart."""
    spans = sorted(
        (_DAY * (int(day) - 1) + start, _DAY * (int(day) - 1) + end)
        for day in rule.days
        for start, end in _minutes(rule.span)
    )
    if rule.name != "outside":
        return spans
    edges = [0, *(edge for span in spans for edge in span), _WEEK]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def daily_span(rule: HoursRule) -> str | None:
    """The rule as one span of every day, `22:00-06:00`; None where it is not the same on all days, or is all time."""
    if rule.days != _EVERY_DAY or rule.span == "00:00-24:00":
        return None
    start, _, end = rule.span.partition("-")
    start, end = (end, start) if rule.name == "outside" else (start, end)
    return "-".join("00:00" if edge == "24:00" else edge for edge in (start, end))


def offsets_between(tz: str, low: int, high: int) -> list[tuple[int, int]]:
    """The offsets of a zone from UTC in seconds, each from an instant in microseconds on: at `low`, then each change.

    Changes are those after `low` and up to `high`.
    """
    first, last = (min(max((_EPOCH + timedelta(microseconds=at)).year, 1), 9998) for at in (low, high))
    changes = [change for year in range(first, last + 1) for change in _changes(tz, year)]
    after = bisect_right(changes, low, key=lambda change: change[0])
    return [(low, _offset(_EPOCH + timedelta(microseconds=low), clocks(tz)))] + [
        change for change in changes[after:] if change[0] <= high
    ]


@cache
def clocks(tz: str) -> ZoneInfo:
    """A zone out of the package tzdata, whatever the machine has; without the package, the machine's."""
    try:
        with resources.files("tzdata.zoneinfo").joinpath(*tz.split("/")).open("rb") as file:
            return ZoneInfo.from_file(file, key=tz)
    except (ModuleNotFoundError, FileNotFoundError):
        return zone(tz)


def zone_data_version() -> str:
    """The version of the zone data that hours are taken by, such as 2025b; "machine" for that of the machine."""
    try:
        return str(import_module("tzdata").IANA_VERSION)
    except ModuleNotFoundError:
        return "machine"


@lru_cache(maxsize=4096)
def _changes(tz: str, year: int) -> tuple[tuple[int, int], ...]:
    """When in a year of UTC the offset changes, and to what."""
    place = clocks(tz)
    return tuple(_walk(place, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)))


def _walk(place: tzinfo, at: datetime, end: datetime) -> Iterator[tuple[int, int]]:
    # From a second before, for a change at the year's first instant is the year's.
    at -= _SECOND if at > datetime.min.replace(tzinfo=UTC) else timedelta(0)
    while at < end - _SECOND:
        following = min(at + _STEP, end - _SECOND)
        if _offset(at, place) != _offset(following, place):
            low, high = at, following
            while high - low > _SECOND:
                middle = low + (high - low) // _SECOND // 2 * _SECOND
                low, high = (middle, high) if _offset(middle, place) == _offset(at, place) else (low, middle)
            yield (high - _EPOCH) // timedelta(microseconds=1), _offset(high, place)
        at = following


def _offset(at: datetime, place: tzinfo) -> int:
    offset = local_time(at, place).utcoffset()
    assert offset is not None
    return offset // _SECOND


def _preset(name: HoursName, working: WorkingHours) -> HoursRule:
    tz = working.tz or "UTC"
    if name == "night":
        return HoursRule(name, _EVERY_DAY, working.night, tz)
    if name == "weekend":
        return HoursRule(name, working.weekend, "00:00-24:00", tz)
    return HoursRule(name, working.days, working.work, tz)


def _minutes(span: str) -> list[tuple[int, int]]:
    """The minutes of a day that a span is: two spans where it goes past midnight, none where it is empty."""
    start, end = (int(edge[:2]) * 60 + int(edge[3:]) for edge in span.split("-"))
    if start < end:
        return [(start, end)]
    return [part for part in ((0, end), (start, _DAY)) if part[0] < part[1]] if start > end else []


def _zone_fault(tz: str) -> str | None:
    try:
        zone(tz)
    except FilterInvalidError as error:
        return error.faults[0].detail
    return None
