"""Somebody drops the tables of capture: nothing tracked is written without them, and installing tells and mends it."""

import warnings
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.capture.small import User, capturing, people, rows, waiting

from trailbook import Log, operator
from trailbook.capture import Capture, blindspots, drain, outbox_health
from trailbook.capture.database import database_of
from trailbook.capture.outbox import missing_outbox
from trailbook.errors import UncapturedWriteError
from trailbook.query import Query

GAP = "activity_log.capture_gap_found"


@pytest.fixture(params=["hooks", "triggers"])
def host(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Capture]:
    """The small host, covered in each way, with Bob in it."""
    with capturing(engine, request.param) as capture:
        people(engine, "Bob")
        yield capture


def drop(engine: Engine, *tables: str) -> None:
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"DROP TABLE {table}"))


def gaps(engine: Engine, log: Log) -> int:
    """How many gaps the log is told of."""
    drain(engine, log)
    actions = [row.action for row in log.rows(Query(), viewer=operator("acme"))]
    return actions.count(GAP)


@pytest.mark.parametrize(
    "tables",
    [["trailbook_outbox"], ["trailbook_quarantine"], ["trailbook_outbox", "trailbook_quarantine"]],
    ids=" ".join,
)
def test_installing_mends_and_tells(host: Capture, engine: Engine, log: Log, tables: list[str]) -> None:
    """The tables are there again, that something is gone is an entry, and the next write is captured."""
    drop(engine, *tables)
    host.install(engine)
    people(engine, "Eve")
    assert [e["target"]["name"] for e in waiting(engine)][-1] == "Eve"
    assert gaps(engine, log) == 1
    host.install(engine)
    assert gaps(engine, log) == 1
    assert outbox_health(engine).pending == 0


def test_the_version_alone_is_no_gap(host: Capture, engine: Engine, log: Log) -> None:
    """The control: without the table of versions nothing that waited is gone, and nothing is told."""
    drop(engine, "trailbook_capture")
    host.install(engine)
    assert [e["target"]["name"] for e in waiting(engine)] == ["Bob"]
    assert gaps(engine, log) == 0


def test_without_an_outbox_nothing_tracked_is_written(host: Capture, engine: Engine) -> None:
    """The change does not happen, and the sentence names what to do; with the outbox back it does."""
    drop(engine, "trailbook_outbox")
    with Session(engine) as session:
        session.add(User(name="Eve"))
        with pytest.raises((UncapturedWriteError, DBAPIError), match="install capture again"):
            session.flush()
    assert {name for _, name in rows(engine)} == {"Bob"}
    host.install(engine)
    people(engine, "Eve")
    assert {name for _, name in rows(engine)} == {"Bob", "Eve"}


def test_triggers_that_are_left_say_that_there_was_one(engine: Engine, log: Log) -> None:
    """Everything dropped looks like a first installation, but for the triggers."""
    with capturing(engine, "triggers") as capture:
        drop(engine, "trailbook_outbox", "trailbook_quarantine", "trailbook_capture")
        capture.install(engine)
        assert gaps(engine, log) == 1


def test_of_organisations_that_only_rows_name_the_host_is_warned(engine: Engine) -> None:
    """Nobody knows whose entries are gone, so that no log can be told; the control: at first there is no warning."""
    with capturing(engine) as capture:
        capture.recorder.org = lambda row: "acme"
        drop(engine, "trailbook_outbox")
        with (
            pytest.warns(blindspots.CaptureWarning, match="trailbook_outbox: was dropped"),
            engine.begin() as c,
        ):
            capture.mend(c)
        with warnings.catch_warnings(), engine.begin() as c:
            warnings.simplefilter("error")
            capture.mend(c)


def test_another_table_that_is_missing_is_the_hosts(engine: Engine) -> None:
    """Its error stays as it is; an error without any table is none of ours either."""
    assert missing_outbox(ValueError("no such table: people")) is None
    with database_of(engine).begin() as connection, pytest.raises(DBAPIError):
        connection.execute("SELECT 1 FROM people")
