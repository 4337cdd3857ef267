"""Date ranges in a zone, against a table made by hand and against clocks read minute by minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings, strategies as st

from trailbook.errors import FilterInvalidError
from trailbook.model import instant, microseconds
from trailbook.query.dates import PRESETS, date_bounds, day_end, day_start, first_instant, parse_day, zone

# Every kind of zone there is: both hemispheres, half and quarter hours, shifts of 30 minutes, at midnight and
# over midnight, suspended for Ramadan, abolished, moved for good.
ZONES = """
Europe/Oslo Europe/London Europe/Dublin Europe/Lisbon Europe/Istanbul Europe/Moscow Europe/Chisinau
Africa/Cairo Africa/Casablanca Africa/Juba Africa/Sao_Tome Asia/Amman Asia/Beirut Asia/Gaza Asia/Jerusalem
Asia/Kathmandu Asia/Pyongyang Asia/Tehran Australia/Adelaide Australia/Lord_Howe Pacific/Apia Pacific/Chatham
Pacific/Norfolk America/New_York America/St_Johns America/Havana America/Sao_Paulo America/Asuncion
America/Nuuk America/Santiago
""".split()
OSLO = ZoneInfo("Europe/Oslo")
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


def local_date(at: datetime, place: ZoneInfo) -> date:
    return at.astimezone(place).date()


def scanned(day: date, place: ZoneInfo, step: timedelta = timedelta(minutes=1)) -> datetime:
    """The oracle: read the zone's clock from well before the day until it shows that day or a later one."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=30)
    while local_date(at, place) < day:
        at += step
    return at


def transitions(place: ZoneInfo) -> list[datetime]:
    """The first second of each new offset, 2015-2040, found by reading offsets and halving."""
    instants, at, end = [], datetime(2015, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
    while at < end:
        low, high = at, at + DAY
        before = low.astimezone(place).utcoffset()
        if before != high.astimezone(place).utcoffset():
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (
                    (middle, high) if middle.astimezone(place).utcoffset() == before else (low, middle)
                )
            instants.append(high)
        at += DAY
    return instants


def test_there_are_thirty_zones_with_transitions_to_test() -> None:
    """The next test would pass on zones that never change."""
    assert len(set(ZONES)) == 30
    assert all(transitions(ZoneInfo(name)) for name in ("Europe/Oslo", "Pacific/Apia", "Asia/Pyongyang"))


@pytest.mark.parametrize("name", ZONES)
def test_days_begin_where_clocks_say_at_every_transition(name: str) -> None:
    """Days around each transition begin where the clock first shows them; no overlap, no gap."""
    place = ZoneInfo(name)
    for at in transitions(place):
        assert at.minute % 15 == 0 == at.second  # so that the oracle may read the clock at quarter hours
        days = [local_date(at, place) + n * DAY for n in (-1, 0, 1, 2)]
        assert [first_instant(day, place) for day in days] == [scanned(day, place, QUARTER) for day in days]
        for day, following in pairwise(days):
            assert day_start(day, place) < day_end(day, place) == day_start(following, place)


@pytest.mark.parametrize("name", ZONES)
def test_neighbouring_presets_meet_at_every_transition(name: str) -> None:
    """Whatever the moment, last ends where this begins, and this holds the moment itself."""
    place = ZoneInfo(name)
    for transition in transitions(place):
        for now in (transition - timedelta(microseconds=1), transition, transition + DAY):
            ranges = {preset: date_bounds(preset, now, place) for preset in PRESETS}
            for unit in ("week", "month", "quarter", "year"):
                assert ranges[f"last-{unit}"][1] == ranges[f"this-{unit}"][0]
                assert ranges[f"this-{unit}"][0] <= microseconds(now) < ranges[f"this-{unit}"][1]
            assert ranges["yesterday"][1] == ranges["today"][0] <= microseconds(now) < ranges["today"][1]


@pytest.mark.parametrize(
    ("name", "day", "begins", "hours"),
    [
        ("Europe/Oslo", "2026-03-29", "2026-03-28T23:00:00Z", 23),
        ("Europe/Oslo", "2026-10-25", "2026-10-24T22:00:00Z", 25),
        ("Europe/Oslo", "2026-11-02", "2026-11-01T23:00:00Z", 24),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", 23),  # begins at 01:00
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 24.5),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", 25),  # 00:00 comes twice: the first
        ("America/Nuuk", "2026-03-29", "2026-03-29T01:00:00Z", 24),  # 23:00 jumps to 00:00 of this day
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", 24),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0),  # left out
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 24),
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", 25),  # 00:01 fell back to 23:01
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z", 23.5),  # 23:30 jumped to 00:30
    ],
)
def test_a_day_is_as_long_as_the_zone_says(name: str, day: str, begins: str, hours: float) -> None:
    """Calendar days of the zone, never 24 hours."""
    place = zone(name)
    start, end = day_start(parse_day(day), place), day_end(parse_day(day), place)
    assert instant(start) == datetime.fromisoformat(begins)
    assert (end - start) / 3_600_000_000 == hours
    assert instant(start) == scanned(parse_day(day), place)


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(name for name in available_timezones() if "/" in name)),
    st.dates(date(1970, 1, 2), date(2045, 1, 1)),
)
def test_a_day_begins_at_the_first_moment_that_shows_it(name: str, day: date) -> None:
    """Over every zone there is."""
    place = ZoneInfo(name)
    start = first_instant(day, place)
    assert local_date(start, place) >= day > local_date(start - timedelta(microseconds=1), place)


TABLE = {  # Tuesday 31 March 2026, just after midnight in Oslo, still the 30th in UTC
    "today": ("2026-03-31", "2026-04-01"),
    "yesterday": ("2026-03-30", "2026-03-31"),
    "this-week": ("2026-03-30", "2026-04-06"),
    "last-week": ("2026-03-23", "2026-03-30"),
    "this-month": ("2026-03-01", "2026-04-01"),
    "last-month": ("2026-02-01", "2026-03-01"),
    "this-quarter": ("2026-01-01", "2026-04-01"),
    "last-quarter": ("2025-10-01", "2026-01-01"),
    "this-year": ("2026-01-01", "2027-01-01"),
    "last-year": ("2025-01-01", "2026-01-01"),
    "past-6-months": ("2025-09-30", "2026-04-01"),  # 31 September is clamped
    "past-12-months": ("2025-03-31", "2026-04-01"),
}


def days_of(preset: str, now: str, place: ZoneInfo, week_start: int = 0) -> tuple[str, str]:
    start, end = date_bounds(preset, datetime.fromisoformat(now), place, week_start)
    return str(local_date(instant(start), place)), str(local_date(instant(end), place))


def test_the_table_has_every_preset() -> None:
    """The presets, in the order in which the page offers them."""
    assert tuple(TABLE) == PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_presets(preset: str) -> None:
    """Each preset by hand; the day is the viewer's, not UTC's."""
    assert days_of(preset, "2026-03-30T22:00:01Z", OSLO) == TABLE[preset]


@pytest.mark.parametrize(
    ("preset", "now", "days"),
    [
        ("past-6-months", "2026-08-31T12:00:00Z", ("2026-02-28", "2026-09-01")),
        ("past-6-months", "2028-08-31T12:00:00Z", ("2028-02-29", "2028-09-01")),
        ("past-12-months", "2028-02-29T12:00:00Z", ("2027-02-28", "2028-03-01")),
        ("last-month", "2026-01-15T12:00:00Z", ("2025-12-01", "2026-01-01")),
        ("last-quarter", "2026-02-15T12:00:00Z", ("2025-10-01", "2026-01-01")),
        ("this-quarter", "2026-12-31T12:00:00Z", ("2026-10-01", "2027-01-01")),
        ("this-month", "2038-01-20T12:00:00Z", ("2038-01-01", "2038-02-01")),
    ],
)
def test_months_clamp_and_cross_years(preset: str, now: str, days: tuple[str, str]) -> None:
    """31 August minus 6 months is the last of February; nothing special about 2038."""
    assert days_of(preset, now, OSLO) == days


@pytest.mark.parametrize(
    ("week_start", "first"), [(0, "2026-10-26"), (5, "2026-10-31"), (6, "2026-11-01"), (1, "2026-10-27")]
)
def test_weeks_begin_where_the_host_says(week_start: int, first: str) -> None:
    """Monday by default; the week holds Sunday 1 November whatever its first day."""
    assert days_of("this-week", "2026-11-01T12:00:00Z", OSLO, week_start)[0] == first


@pytest.mark.parametrize("place", [zone("UTC"), zone("Pacific/Kiritimati"), zone("Pacific/Pago_Pago")])
def test_the_last_and_the_first_days_that_exist(place: ZoneInfo) -> None:
    """Ranges reach the end of year 9999 and the beginning of year 1 in every zone."""
    latest = datetime.max.replace(tzinfo=UTC) - DAY
    for preset in ("today", "this-week", "this-month", "this-year"):
        start, end = date_bounds(preset, latest, place)
        assert start <= microseconds(latest) < end
    assert day_end(date.max, place) == microseconds(datetime.max.replace(tzinfo=UTC)) + 1
    earliest = datetime.min.replace(tzinfo=UTC) + DAY
    assert date_bounds("last-year", earliest, place)[0] >= microseconds(datetime.min.replace(tzinfo=UTC))
    assert day_start(date.min, place) < day_end(date.min, place)


@pytest.mark.parametrize(
    "name",
    [
        *("", "x" * 5000, "Europe/Olso", "europe/oslo", "Europe", "+01:00", "Europe/Oslo\0"),
        *("../Europe/Oslo", "Europe/../Europe/Oslo", "/etc/localtime", "right/Europe/Oslo"),
        *("localtime", "Factory", "posixrules"),
    ],
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    """Names come from the list of zones, never from a path."""
    with pytest.raises(FilterInvalidError) as refused:
        zone(name)
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code) == ("/tz", "parameter-invalid")


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Oslo", "Asia/Kolkata", "Asia/Calcutta", "America/Indiana/Knox"]
)
def test_what_is_a_zone_is_taken(name: str) -> None:
    """The control of the test above: links and deeper names are zones."""
    assert zone(name).key == name


def test_an_unknown_preset_and_a_clock_without_zone_are_refused() -> None:
    """With the control that a preset and a clock with zone are taken."""
    now = datetime(2026, 11, 2, 12, tzinfo=UTC)
    with pytest.raises(FilterInvalidError) as refused:
        date_bounds("last-fortnight", now, OSLO)
    assert refused.value.faults[0].pointer == "/date"
    with pytest.raises(ValueError):
        date_bounds("last-week", now.replace(tzinfo=None), OSLO)
    assert date_bounds("last-week", now, OSLO)


@pytest.mark.parametrize(
    "text", ["2026-2-1", "20260201", "2026-W01-1", "2026-02-30", "２０２６-02-01", " 2026-02-01", ""]
)
def test_a_day_is_written_in_one_way(text: str) -> None:
    """With the control that the same day, written right, is read."""
    with pytest.raises(ValueError):
        parse_day(text)
    assert parse_day("2026-02-01") == date(2026, 2, 1)
