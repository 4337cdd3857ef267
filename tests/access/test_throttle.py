"""Buckets: what is in one, how it fills, and which is forgotten first."""

import pytest

from trailbook.access.throttle import Throttle

START = 1_000.0


def test_a_bucket_is_emptied_and_fills_evenly() -> None:
    """Two tokens in ten seconds: the third has to wait for as long as a token takes, and no longer."""
    throttle = Throttle(2, 10.0)
    assert [throttle.take("a", START) for _ in range(3)] == [0.0, 0.0, 5.0]
    assert throttle.wait("a", START + 4) == pytest.approx(1.0)
    assert throttle.take("a", START + 5) == 0.0
    assert throttle.take("a", START + 5) == 5.0


def test_waiting_as_long_as_it_says_is_enough() -> None:
    """Rounding never asks for a second wait, whatever the rate."""
    for burst, seconds in ((3, 7.0), (50, 1.0), (7, 60.0), (20_000, 1.0)):
        throttle = Throttle(burst, seconds)
        assert throttle.take("a", START, burst) == 0.0
        wait = throttle.wait("a", START, 1.0)
        assert wait > 0
        assert throttle.take("a", START + wait, 1.0) == 0.0


def test_it_never_holds_more_than_it_may() -> None:
    """Neither a long pause nor tokens that are given back fill it above its burst."""
    throttle = Throttle(2, 10.0)
    assert throttle.left("a", START) == 2.0
    throttle.give("a", START)
    assert throttle.left("a", START) == 2.0
    throttle.take("a", START)
    assert throttle.left("a", START + 1_000_000) == 2.0


def test_what_is_given_back_can_be_taken_again() -> None:
    throttle = Throttle(1, 10.0)
    assert throttle.take("a", START) == 0.0
    assert throttle.take("a", START) > 0
    throttle.give("a", START)
    assert throttle.take("a", START) == 0.0


def test_looking_takes_nothing_and_neither_does_what_does_not_fit() -> None:
    throttle = Throttle(2, 10.0)
    assert [throttle.wait("a", START) for _ in range(5)] == [0.0] * 5
    assert throttle.take("a", START, 3) == 5.0
    assert throttle.left("a", START) == 2.0


def test_a_clock_that_goes_back_fills_nothing_and_takes_nothing() -> None:
    throttle = Throttle(2, 10.0)
    throttle.take("a", START)
    assert throttle.left("a", START - 100) == 1.0


def test_buckets_are_apart_and_the_one_used_longest_ago_is_forgotten() -> None:
    """Of three names in room for two, the first begins anew; the one that was used since does not."""
    throttle = Throttle(1, 10.0, most=2)
    for who in ("a", "b"):
        throttle.take(who, START)
    assert throttle.left("b", START) == 0.0
    throttle.give("a", START)
    throttle.take("a", START)
    throttle.take("c", START)
    assert [throttle.left(who, START) for who in ("a", "b", "c")] == [0.0, 1.0, 0.0]
