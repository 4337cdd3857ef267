"""Random writes on random schemas: a row that differs has its entry, no other has; what is refused changes nothing.

Owns how many writes there are, and that enough of each kind are captured: whoever refuses everything does not pass.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session
from tests.amounts import amount
from tests.capture.conftest import Database
from tests.capture.fuzz import bulk, inserts, statements, texts, units
from tests.capture.fuzz.host import Host, engines, hosting
from tests.capture.fuzz.run import WAYS, Tally, program
from tests.capture.fuzz.schemas import drawn_schema
from tests.capture.fuzz.shapes import OPS

from trailbook.capture.declarations import WrittenBy

assert all((bulk, inserts, statements, texts, units))  # which fill WAYS
_PROGRAMS = amount(test=20, torture=150, full=1400)  # one has about 15 writes
_WRITES = amount(test=250, torture=2_000, full=20_000)
# What a slip is seen by need not be made small: the writes that led to it are told, and shrinking takes minutes.
_PHASES = (Phase.explicit, Phase.generate)


Pair = tuple[Engine, Engine]
Control = Callable[[Host], AbstractContextManager[None]]
# A schema is not made better because capture warns of what its database does by itself.
QUIET = pytest.mark.filterwarnings("ignore::trailbook.capture.blindspots.CaptureWarning")


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


def run(pairs: list[Pair], rng: Any, by: WrittenBy, *, tally: Tally, control: Control = nullcontext) -> None:
    """One random program on one random schema."""
    both = rng.choice(pairs)
    schema = drawn_schema(rng, both[0].dialect.name, by)
    with hosting(both, schema, by, other_too=rng.randrange(100) < 30) as host, control(host):
        program(host, rng, tally, list(WAYS.values()))


# After a flush that failed SQLAlchemy lets go of objects without a key, which it says of itself where nobody listens.
LET_GO = pytest.mark.filterwarnings("ignore:.*InstanceState._cleanup:pytest.PytestUnraisableExceptionWarning")


@QUIET
@LET_GO
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


def slips(pairs: list[Pair], by: WrittenBy, control: Control) -> list[str]:
    """What the first of many programs that slips slips; the same programs every time."""
    tally = Tally()
    for seed in range(40):
        run(pairs, random.Random(seed), by, tally=tally, control=control)
        if tally.violations:
            return [each.shown() for each in tally.violations]
    return []


LISTENERS: dict[str, Callable[[Host], tuple[Any, str, Any]]] = {
    "what a statement touched": lambda host: (host.engine, "after_execute", host.capture._statements._after),
    "what reaches a driver": lambda host: (
        Engine,
        "before_cursor_execute",
        host.capture._statements.guard._before,
    ),
    "what a flush did": lambda host: (Session, "after_flush", host.capture._flushing._end),
}


@QUIET
@pytest.mark.parametrize("name", LISTENERS)
def test_control_without_a_listener(pairs: list[Pair], name: str) -> None:
    """Negative control: hooks that listen to one thing less slip some write."""

    @contextmanager
    def deaf(host: Host) -> Iterator[None]:
        listener = LISTENERS[name](host)
        event.remove(*listener)
        yield
        event.listen(*listener)

    assert slips(pairs, "hooks", deaf)


@QUIET
@pytest.mark.parametrize("op", OPS)
def test_control_without_a_trigger(pairs: list[Pair], op: str) -> None:
    """Negative control: without the triggers for one kind of change some write slips."""

    @contextmanager
    def without(host: Host) -> Iterator[None]:
        with host.engine.begin() as connection:
            for statement in drops(connection, op):
                connection.exec_driver_sql(statement)
        yield

    assert slips(pairs, "triggers", without)


def drops(connection: Connection, op: str) -> list[str]:
    """The statements that drop every trigger for a kind of change."""
    if connection.dialect.name == "sqlite":
        asked = "SELECT name, '' FROM sqlite_master WHERE type = 'trigger'"
    else:
        asked = "SELECT tgname, ' ON ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"
    quote = connection.dialect.identifier_preparer.quote_identifier
    triggers = connection.exec_driver_sql(asked).all()
    return [f"DROP TRIGGER {quote(name)}{table}" for name, table in triggers if op in name]


@QUIET
def test_control_whoever_refuses_everything_does_not_pass(pairs: list[Pair]) -> None:
    """Negative control: hooks that plan no statement refuse them all, and that is seen."""

    @contextmanager
    def planless(host: Host) -> Iterator[None]:
        listener = (host.engine, "before_execute", host.capture._statements._before)
        event.remove(*listener)
        yield
        event.listen(*listener, retval=True)

    tally = Tally()
    for seed in range(12):
        run(pairs, random.Random(seed), "hooks", tally=tally, control=planless)
    assert tally.violations == []
    assert "Core: insert" in tally.stinted("hooks")
