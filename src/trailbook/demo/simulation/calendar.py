"""Days at Nordlys AS: which are worked, and when in a day something happens.

Owns local time (Europe/Oslo) and its turning into UTC. People act in two spells of a working day, so that the
log hears of everything within the hour, as it would live.
"""

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from msgspec import Struct

ZONE = ZoneInfo("Europe/Oslo")
SPELL = 40 * 60  # seconds
_HOLIDAYS = {(1, 1), (5, 1), (5, 17), (12, 24), (12, 25), (12, 26)}


class Span(Struct, frozen=True):
    """The simulated time: `until` is its end, `first` and `last` its local days."""

    until: datetime
    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The first instant of the first day."""
        return local(self.first, 0)

    @property
    def days(self) -> list[date]:
        """Every local day."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


def span_of(until: datetime) -> Span:
    """The 24 months that end at `until`."""
    last = until.astimezone(ZONE).date()
    return Span(until, same_day(last.year - 2, last.month, last.day), last)


def same_day(year: int, month: int, day: int) -> date:
    """That day, or the last of its month where the month is shorter."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day - 1), following - timedelta(days=1))


def worked(day: date) -> bool:
    """Whether the office works that day."""
    return day.weekday() < 5 and (day.month, day.day) not in _HOLIDAYS


def next_worked(day: date) -> date:
    """The first working day on or after `day`."""
    while not worked(day):
        day += timedelta(days=1)
    return day


def local(day: date, seconds: float) -> datetime:
    """The UTC instant that many seconds of wall clock into a local day."""
    wall = datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(seconds=seconds)
    return wall.astimezone(UTC)


@cache
def spells(day: date, seed: int) -> tuple[float, ...]:
    """When the day's spells of work begin, in seconds into the day; the same for the same seed."""
    rng = random.Random(f"{seed}/{day.isoformat()}")
    if worked(day):
        return (rng.uniform(7.6, 10.4) * 3600, rng.uniform(12.0, 15.4) * 3600)
    return (rng.uniform(9.5, 20.5) * 3600,)


def odd_night(until: datetime) -> datetime:
    """02:41 of the last Saturday at least twelve days before `until`: when a salary is changed that should not be."""
    day = until.astimezone(ZONE).date() - timedelta(days=12)
    return local(day - timedelta(days=(day.weekday() - 5) % 7), 2 * 3600 + 41 * 60 + 13)


def first_week(until: datetime) -> tuple[date, date]:
    """Monday and Sunday of the newcomer's first week, at least three weeks before `until`."""
    day = until.astimezone(ZONE).date() - timedelta(days=21)
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)
