"""Hours of the week: which of a piece's times lie in spans of the local week of a zone.

Owns the arithmetic, without a step for any entry: between two changes of the zone's offset the local clock runs
evenly, so that each span is one stretch of instants, and times that ascend are parted by looking its two ends up.
Refuses zones and rules: the spans and the offsets come from whoever asks.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from trailbook.index.plan import Ints, Mask

_MINUTE, _SECOND = 60_000_000, 1_000_000
_WEEK = 7 * 1440 * _MINUTE
_MONDAY = -3 * 1440 * _MINUTE  # 1 January 1970 was a Thursday


class Hours(Struct, frozen=True):
    """Half-open `spans` of a local week, in minutes since Monday 00:00, ascending.

    `offsets` says the offsets from UTC in seconds between two instants in microseconds, each from an instant on: the
    first of them from the earlier one.
    """

    spans: Sequence[tuple[int, int]]
    offsets: Callable[[int, int], Sequence[tuple[int, int]]]


def within(times: Ints, hours: Hours) -> Mask:
    """Which of these times, which ascend, lie in the spans."""
    inside = np.zeros(len(times), np.bool_)
    if not len(times):
        return inside
    places = np.searchsorted(times, _edges(hours, int(times[0]), int(times[-1]) + 1))
    # Between the edges times are by turns outside and inside; an empty stretch is a run of no times.
    turns = np.arange(len(places) + 1) % 2 == 1
    return np.repeat(turns, np.diff(places, prepend=0, append=len(times)))


def _edges(hours: Hours, low: int, high: int) -> Ints:
    """The instants at which clocks come into a span and leave it, by turns, from `low` to before `high`."""
    offsets = hours.offsets(low, high)
    ends = [*(since for since, _ in offsets[1:]), high]
    stretches = [
        _stretch(hours, (since, end), offset) for (since, offset), end in zip(offsets, ends, strict=True)
    ]
    return np.concatenate(stretches)


def _stretch(hours: Hours, between: tuple[int, int], offset: int) -> Ints:
    """The edges while an offset holds."""
    start, end = between
    begin = _MONDAY - offset * _SECOND  # a Monday's midnight of these clocks, in UTC
    weeks = np.arange((start - begin) // _WEEK, (end - begin) // _WEEK + 1, dtype=np.int64)
    minutes = np.asarray(hours.spans, np.int64).reshape(-1)
    edges = weeks[:, None] * _WEEK + minutes * _MINUTE + begin
    clipped: Ints = np.clip(edges.reshape(-1), start, end)
    return clipped
