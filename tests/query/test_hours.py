"""Hours of the week: what each rule means by the clocks of its zone, how it is written, and in which words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from trailbook.errors import FilterInvalidError
from trailbook.model import microseconds
from trailbook.query import Query, WorkingHours, from_line, from_params, printed
from trailbook.query.filter import frozen
from trailbook.query.hours import (
    HOURS,
    clocks,
    daily_span,
    has_hours,
    hours_rule,
    hours_text,
    offsets_between,
    week_spans,
    working_hours_faults,
    zone_data_version,
)
from trailbook.query.phrases import hours_in_words, in_words

OSLO = WorkingHours(tz="Europe/Oslo")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [
        # Winter in Oslo is an hour ahead of UTC, summer two.
        ("night", "2026-01-14T21:00", "2026-01-15T05:00"),
        ("night", "2026-07-14T20:00", "2026-07-15T04:00"),
        ("outside", "2026-01-14T16:00", "2026-01-15T07:00"),
        ("outside", "2026-01-16T16:00", "2026-01-19T07:00"),  # from Friday to Monday
        ("weekend", "2026-01-16T23:00", "2026-01-18T23:00"),
        # Over the changes of the clocks: a night of seven hours and one of nine, a weekend of 47 and one of 49.
        ("night", "2026-03-28T21:00", "2026-03-29T04:00"),
        ("night", "2026-10-24T20:00", "2026-10-25T05:00"),
        ("weekend", "2026-03-27T23:00", "2026-03-29T22:00"),
        ("weekend", "2026-10-23T22:00", "2026-10-25T23:00"),
    ],
)
def test_from_when_to_when(name: str, begins: str, ends: str) -> None:
    """Half-open: the first instant is found, the one at which it ends is not."""
    rule, tick = hours_rule(name, OSLO), timedelta(microseconds=1)
    first, after = utc(begins), utc(ends)
    assert [has_hours(rule, at) for at in (first - tick, first, after - tick, after)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        # Lord Howe goes back half an hour: the clocks show 01:45 twice, and both are found.
        (
            "night,1234567,01:30-02:00,Australia/Lord_Howe",
            ["2026-04-04T14:45", "2026-04-04T15:15"],
            ["2026-04-04T15:30"],
        ),
        # Cairo leaves out the first hour of 24 April 2026.
        (
            "night,1234567,00:00-01:00,Africa/Cairo",
            ["2026-04-22T22:30"],
            ["2026-04-23T21:59", "2026-04-23T22:00"],
        ),
        # Apia left out a Friday, 30 December 2011: after Thursday comes Saturday.
        (
            "weekend,67,00:00-24:00,Pacific/Apia",
            ["2011-12-30T10:00", "2012-01-01T09:59"],
            ["2011-12-30T09:59", "2012-01-01T10:00"],
        ),
    ],
)
def test_where_the_clocks_jump(rule: str, inside: list[str], outside: list[str]) -> None:
    assert [has_hours(hours_rule(rule), utc(at)) for at in inside] == [True] * len(inside)
    assert [has_hours(hours_rule(rule), utc(at)) for at in outside] == [False] * len(outside)


def test_a_rule_is_frozen_and_a_preset_is_not() -> None:
    """A preset follows what is set; the rule that it was reads back, and means the same whatever is set later."""
    later = structs.replace(OSLO, work="07:00-15:00", night="23:00-05:00", weekend="7", tz="Africa/Cairo")
    for name in HOURS:
        kept = frozen(Query(hours=name), OSLO)
        assert kept.hours == hours_text(hours_rule(name, OSLO))
        assert frozen(kept, later) == kept
        assert frozen(Query(hours=name), later) != kept
        assert from_line(printed(kept)) == kept
    assert frozen(Query(), OSLO) == Query()


@pytest.mark.parametrize(
    "hours",
    [
        *(
            "noon",
            "",
            "NIGHT",
            "night,1234567,22:00-06:00",
            "night,1234567,22:00-06:00,Oslo,x",
            "noon,1,1,UTC",
        ),
        *("night,7654321,22:00-06:00,UTC", "night,,22:00-06:00,UTC", "night,8,22:00-06:00,UTC"),
        *(
            "night,1,22:00-22:00,UTC",
            "night,1,22-06,UTC",
            "night,1,24:00-06:00,UTC",
            "night,1,22:00-24:30,UTC",
        ),
        *("night,1,22:00-06:00,Europe/Nowhere", "night,1,22:00-06:00,"),
    ],
)
def test_what_is_no_rule_is_refused(hours: str) -> None:
    with pytest.raises(FilterInvalidError) as refused:
        from_params([("hours", hours)])
    assert [fault.pointer for fault in refused.value.faults] == ["/hours"]
    with pytest.raises(FilterInvalidError):
        from_params([("hours", "night"), ("hours", "weekend")])  # one at a time
    assert from_params([("hours", "night,1,22:00-06:00,UTC")]).hours


def test_working_hours_that_cannot_be_say_where() -> None:
    wrong = WorkingHours(days="", work="17:00-08:00", night="22:00-22:00", weekend="76", tz="Oslo")
    assert [fault.pointer for fault in working_hours_faults(wrong)] == [
        *("/days", "/weekend", "/work", "/night", "/tz"),
    ]
    assert working_hours_faults(OSLO) == working_hours_faults(WorkingHours(work="00:00-24:00")) == ()


def test_a_week_in_minutes() -> None:
    night, outside = (hours_rule(name, OSLO) for name in ("night", "outside"))
    assert week_spans(night)[:3] == [(0, 360), (1320, 1440), (1440, 1800)]
    assert week_spans(outside) == [
        (0, 480),
        (1020, 1920),
        (2460, 3360),
        (3900, 4800),
        (5340, 6240),
        (6780, 10080),
    ]


@pytest.mark.parametrize(
    ("rule", "span"),
    [
        ("night,1234567,22:00-06:00,UTC", "22:00-06:00"),
        ("night,1234567,22:00-24:00,UTC", "22:00-00:00"),
        ("outside,1234567,08:00-17:00,UTC", "17:00-08:00"),
        ("outside,12345,08:00-17:00,UTC", None),
        ("weekend,67,00:00-24:00,UTC", None),
        ("weekend,1234567,00:00-24:00,UTC", None),
    ],
)
def test_what_is_the_same_every_day(rule: str, span: str | None) -> None:
    """As the filter of a bundle says it, which knows no days of the week."""
    assert daily_span(hours_rule(rule)) == span


@pytest.mark.parametrize("tz", ["Europe/Oslo", "Africa/Casablanca", "Pacific/Apia", "Asia/Gaza", "UTC"])
def test_every_change_of_the_offset_is_there(tz: str) -> None:
    """Compared hour by hour, over years with two Ramadans, a day left out, and changes twice a month."""
    low, high = utc("2010-12-31"), utc("2013-01-02")
    offsets = offsets_between(tz, microseconds(low), microseconds(high))
    assert offsets[0][0] == microseconds(low)
    at, seen = low, -1
    while at < high:
        seen += seen + 1 < len(offsets) and offsets[seen + 1][0] <= microseconds(at)
        offset = at.astimezone(clocks(tz)).utcoffset()
        assert offset == timedelta(seconds=offsets[seen][1]), at
        at += timedelta(hours=1)
    assert seen == len(offsets) - 1
    assert zone_data_version()[:2] == "20"


def test_in_words() -> None:
    """With days, times and clocks, and that public holidays are not known."""

    def spoken(text: str, lang: str) -> str:
        return hours_in_words(hours_rule(text, OSLO), lang)

    holidays = "public holidays are not known"
    assert (
        spoken("outside", "en") == f"outside working hours (weekdays 08:00 to 17:00, Oslo time; {holidays})"
    )
    assert spoken("night", "nb") == "om natten (22:00 til 06:00, Oslo-tid)"
    assert spoken("weekend", "nb") == "i helgene (lørdag og søndag, Oslo-tid; helligdager er ikke kjent)"
    assert spoken("outside,1234,07:00-15:00,UTC", "en") == (
        f"outside working hours (Monday to Thursday 07:00 to 15:00, UTC; {holidays})"
    )
    label: Callable[[str, str], str] = lambda _, value: spoken(value, "en")  # noqa: E731
    assert in_words(Query(hours="night"), label, "en") == "At night (22:00 to 06:00, Oslo time)"
