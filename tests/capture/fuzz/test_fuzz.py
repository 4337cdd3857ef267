"""Random writes on random schemas: a row that differs has its entry, no other has; what is refused changes nothing.

Owns how many writes there are, and that enough of each kind are captured: whoever refuses everything does not pass.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from sqlalchemy import Engine
from tests.amounts import amount
from tests.capture.conftest import Database
from tests.capture.fuzz import bulk, inserts, statements, texts, units
from tests.capture.fuzz.host import engines, hosting
from tests.capture.fuzz.run import WAYS, Tally, program
from tests.capture.fuzz.schemas import drawn_schema

from trailbook.capture.declarations import WrittenBy

assert all((bulk, inserts, statements, texts, units))  # which fill WAYS
_PROGRAMS = amount(test=24, torture=200, full=1700)  # one has about 15 writes
_WRITES = amount(test=250, torture=2_000, full=20_000)
# What a slip is seen by need not be made small: the writes that led to it are told, and shrinking takes minutes.
_PHASES = (Phase.explicit, Phase.generate)


Pair = tuple[Engine, Engine]


@pytest.fixture
def pairs(database: Database) -> Iterator[list[Pair]]:
    """Two engines on the test's database, one that is captured and one that may not be; in each way to begin."""
    pairs = [engines(database)]
    if database.kind == "sqlite":
        pairs.append(engines(database, at_once=False))
    yield pairs
    for pair in pairs:
        for engine in pair:
            engine.dispose()


def run(pairs: list[Pair], rng: Any, by: WrittenBy, *, tally: Tally) -> None:
    """One random program on one random schema."""
    both = rng.choice(pairs)
    schema = drawn_schema(rng, both[0].dialect.name, by)
    with hosting(both, schema, by, other_too=rng.randrange(100) < 30) as host:
        program(host, rng, tally, list(WAYS.values()))


@pytest.mark.filterwarnings("ignore::trailbook.capture.sqlalchemy.checks.CaptureWarning")
@pytest.mark.parametrize("by", ["hooks", "triggers"])
def test_random_writes(
    pairs: list[Pair], by: WrittenBy, record_property: Callable[[str, object], None]
) -> None:
    """No miss, no phantom, no double; and most of what can be captured is."""
    tally = Tally()

    @settings(max_examples=_PROGRAMS, phases=_PHASES, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=True))
    def programs(rng: random.Random) -> None:
        run(pairs, rng, by, tally=tally)
        if tally.violations:
            raise AssertionError(tally.violations[0].shown())

    programs()
    assert tally.count() >= _WRITES
    assert tally.stinted(by) == {}
    row = {"database and cover": f"{pairs[0][0].dialect.name}, {by}", "writes": str(tally.count())}
    record_property(
        "figures: Random writes", row | {o: str(tally.count(o)) for o in ("captured", "refused", "nothing")}
    )


def violations(pairs: list[Pair], by: WrittenBy, programs: int = 12) -> Tally:
    """What some programs slip, always the same ones."""
    tally = Tally()
    for seed in range(programs):
        run(pairs, random.Random(seed), by, tally=tally)
    return tally
