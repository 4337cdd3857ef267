"""How an age, a latest time and a policy are written on the command line, for both verifiers alike."""

from pathlib import Path

import pytest
import time_machine

from trailbook.cli.policies import Asked
from trailbook.errors import InvalidError
from trailbook.tree import TrustPolicy

NOW = 1_796_083_200  # 2026-12-01


@pytest.mark.parametrize(
    ("asked", "earliest", "latest"),
    [
        (Asked(), 0, TrustPolicy().latest),
        (Asked(max_age="90s"), NOW - 90, NOW + 300),
        (Asked(max_age="30m"), NOW - 1800, NOW + 300),
        (Asked(max_age="12h"), NOW - 43_200, NOW + 300),
        (Asked(max_age="7d"), NOW - 604_800, NOW + 300),
        (Asked(not_after="2026-12-01"), 0, NOW),
        (Asked(not_after="2026-12-01T00:00:01Z"), 0, NOW + 1),
        (Asked(max_age="1d", not_after="2026-11-30"), NOW - 86_400, NOW - 86_400),
    ],
)
def test_ages_and_times_are_seconds_since_1970(asked: Asked, earliest: int, latest: int) -> None:
    with time_machine.travel(NOW, tick=False):
        trust = asked.trust()
    assert (trust.earliest, trust.latest) == (earliest, latest)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked(max_age="soon"), "max-age: 'soon' is not a span"),
        (Asked(max_age="0d"), "max-age: '0d'"),
        (Asked(max_age="7"), "max-age: '7'"),
        (Asked(not_after="2026-02-30"), "not-after: '2026-02-30' is not a day"),
        (Asked(not_after="2026-12-01T00:00:00+01:00"), "not-after: "),
        (Asked(not_after="tomorrow"), "not-after: 'tomorrow'"),
        (Asked(policy=Path("away")), "policy: away: there is no such file"),
    ],
)
def test_what_is_written_wrong_is_refused_by_the_name_of_its_option(asked: Asked, why: str) -> None:
    with pytest.raises(InvalidError) as caught:
        asked.trust()
    assert caught.value.detail.startswith(why)


def test_the_single_file_is_asked_in_the_same_words() -> None:
    asked = Asked(Path("p"), "7d", "2026-12-01")
    assert asked.options() == ["--policy", "p", "--max-age", "7d", "--not-after", "2026-12-01"]
    assert asked
    assert (bool(Asked()), Asked().options()) == (False, [])


def test_what_has_no_signed_head_is_asked_for_nothing() -> None:
    Asked().require_nothing("an exported file")
    for asked in (Asked(policy=Path("p")), Asked(max_age="7d"), Asked(not_after="2026-12-01")):
        with pytest.raises(InvalidError, match="an exported file has none"):
            asked.require_nothing("an exported file")
