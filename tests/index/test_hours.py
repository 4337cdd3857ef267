"""Hours in the index: a whole column of times at once, against what the rule means time by time."""

from datetime import datetime
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from trailbook.index import Hours, within
from trailbook.model import instant, microseconds
from trailbook.query.hours import HOURS, WorkingHours, has_hours, hours_rule, offsets_between, week_spans

QUARTER = 900_000_000  # of an hour
ZONES = ("UTC", "Europe/Oslo", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia", "America/St_Johns")
RULES = (*HOURS, "outside,246,00:30-24:00,{}", "night,17,22:00-06:00,{}", "night,1234567,01:30-02:00,{}")
# Days around which clocks changed, one of them long before there were zones.
DAYS = ("1850-01-01", "2011-12-29", "2026-03-29", "2026-04-04", "2026-04-23", "2026-10-25")
MIDNIGHTS = [microseconds(datetime.fromisoformat(f"{day}T00:00:00+00:00")) for day in DAYS]
TIMES = st.builds(
    lambda midnight, quarters, tick: midnight + quarters * QUARTER + tick,
    st.sampled_from(MIDNIGHTS),
    st.integers(-800, 800),
    st.sampled_from([-1, 0, 0, 1]),
)


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("text", RULES)
@settings(max_examples=20)
@given(st.lists(TIMES, max_size=200))
def test_a_column_is_parted_as_each_of_its_times(tz: str, text: str, times: list[int]) -> None:
    rule = hours_rule(text.format(tz), WorkingHours(tz=tz))
    hours = Hours(week_spans(rule), partial(offsets_between, tz))
    inside = within(np.asarray(sorted(times), np.int64), hours)
    assert inside.tolist() == [has_hours(rule, instant(at)) for at in sorted(times)]
