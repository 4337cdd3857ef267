"""Times in cells: a time is what it looks like, in the one form that the mapping names."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from trailbook.adapters.times import time_reader
from trailbook.errors import ConfigurationError
from trailbook.model import instant, written

OSLO = ZoneInfo("Europe/Oslo")


@pytest.mark.parametrize(
    ("form", "text", "at"),
    [
        (None, "2024-03-02T10:00:00", "2024-03-02T09:00:00.000000Z"),
        (None, "2024-03-02 10:00", "2024-03-02T09:00:00.000000Z"),
        (None, "2024-03-02 10:00:00.5", "2024-03-02T09:00:00.500000Z"),
        (None, "2024-03-02 10:00:00,123456", "2024-03-02T09:00:00.123456Z"),
        (None, "2024-03-02T10:00:00Z", "2024-03-02T10:00:00.000000Z"),
        (None, "2024-03-02T10:00:00+02", "2024-03-02T08:00:00.000000Z"),
        (None, "2024-03-02T10:00:00-0330", "2024-03-02T13:30:00.000000Z"),
        ("%d.%m.%Y %H:%M", "02.03.2024 10:00", "2024-03-02T09:00:00.000000Z"),
        ("%Y-%m-%d", "2024-03-02", "2024-03-01T23:00:00.000000Z"),
        ("epoch-s", "1712101012", "2024-04-02T23:36:52.000000Z"),
        ("epoch-s", "1712101012.25", "2024-04-02T23:36:52.250000Z"),
        ("epoch-ms", "1712101012030", "2024-04-02T23:36:52.030000Z"),
        ("epoch-ms", "1712101012030.125", "2024-04-02T23:36:52.030125Z"),
    ],
)
def test_a_time_reads_in_its_form(form: str | None, text: str, at: str) -> None:
    assert written(time_reader(form, OSLO)(text)) == at


@pytest.mark.parametrize(
    ("form", "text", "word"),
    [
        (None, "1612101012000", "epoch-ms"),
        (None, "1612101012", "epoch-s"),
        (None, "20210203", "is not a time"),
        (None, "20210203T100000", "is not a time"),
        (None, "2021-W05-3", "is not a time"),
        (None, "2021-W05-3T10:00", "is not a time"),
        (None, "2021-034", "is not a time"),
        (None, "2021-02-03x10:00", "is not a time"),
        (None, "2021-02-03t10:00", "is not a time"),
        (None, "2021-02-03  10:00", "is not a time"),
        (None, "2021-02-03T10", "is not a time"),
        (None, "2021-02-03", "%Y-%m-%d"),
        (None, "2021-02-30T10:00:00", "is not a time"),
        (None, "2021-02-03T10:00:00.1234567", "is not a time"),
        (None, "２０２１-02-03T10:00", "is not a time"),
        (None, "1612-10-10T20:00", "year"),
        (None, "0001-01-01T00:00:00+14:00", "year"),
        (None, "9999-12-31T23:59:59-12:00", "year"),
        (None, "2026-03-29T02:30:00", "twice, or not at all"),
        (None, "2026-10-25T02:30:00", "twice, or not at all"),
        ("%d.%m.%Y", "2021-02-03", "format"),
        ("%d.%m.%Y", "03.02.0021", "year"),
        ("epoch-s", "1712101012030", "year"),
        ("epoch-s", "999999999999999", "year"),
        ("epoch-ms", "1712101012", "year"),
        ("epoch-ms", "-1712101012030", "number"),
        ("epoch-ms", "1712101012030.1234", "number"),
        ("epoch-ms", "2024-03-02T10:00:00", "number"),
        ("epoch-s", "1e9", "number"),
        ("epoch-s", "1" * 400, "number"),
    ],
)
def test_what_looks_like_no_time_is_none(form: str | None, text: str, word: str) -> None:
    """Milliseconds never become the year 1612; the table above is the control."""
    with pytest.raises(ValueError, match=word):
        time_reader(form, OSLO)(text)


def test_a_time_without_an_offset_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        time_reader(None, None)("2024-03-02T10:00:00")
    assert time_reader(None, None)("2024-03-02T10:00:00Z") == datetime(2024, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize("form", ["%H:%M", "%d %B", "epoch-us", "%Y", "%s", "%", "%Q"])
def test_a_format_that_says_no_day_is_refused(form: str) -> None:
    """Nothing is filled in with the year 1900."""
    with pytest.raises(ConfigurationError, match="time_format"):
        time_reader(form, OSLO)
    time_reader("%d %B %y", OSLO)


@given(st.integers(315_532_800_000_000, 7_258_118_400_000_000 - 1))
def test_every_instant_of_a_plausible_year_reads_back(at: int) -> None:
    whole, rest = divmod(at, 1_000_000)
    assert time_reader("epoch-s", None)(f"{whole}.{rest:06}") == instant(at)
    assert time_reader("epoch-ms", None)(f"{at // 1000}.{at % 1000:03}") == instant(at)
    assert time_reader(None, None)(written(instant(at))) == instant(at)
