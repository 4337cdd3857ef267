"""Days at Nordlys AS: the span of the simulated time, and local time in UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from trailbook.demo.simulation.calendar import local, odd_night, span_of


@pytest.mark.parametrize(
    ("until", "first"),
    [
        (datetime(2026, 11, 22, 12, tzinfo=UTC), "2024-11-22"),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "2026-02-28"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "2025-01-01"),  # already the new year in Oslo
    ],
)
def test_the_span_is_24_months_of_local_days(until: datetime, first: str) -> None:
    """The first day is the same day two years before, or the last of its month."""
    assert span_of(until).first.isoformat() == first


def test_local_time_knows_summer() -> None:
    """Eight o'clock in Oslo is seven in winter and six in summer, in UTC."""
    for day, hour in ((datetime(2026, 1, 15), 7), (datetime(2026, 7, 15), 6)):  # noqa: DTZ001 - only days are taken
        assert local(day.date(), 8 * 3600) == datetime(2026, day.month, 15, hour, tzinfo=UTC)
    assert (
        odd_night(datetime(2026, 11, 22, tzinfo=UTC)).astimezone(ZoneInfo("Europe/Oslo")).strftime("%a %H:%M")
        == "Sat 02:41"
    )
