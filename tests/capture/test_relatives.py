"""Rows of a table that have another name in PostgreSQL too: partitions, tables that inherit, views, rules, CASCADE.

Hooks refuse such a name as text, triggers record what is written by it, and refuse to TRUNCATE it.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, String, Table, text, update
from sqlalchemy.exc import NotSupportedError
from tests.capture.small import ANNA, USER_ACTIONS, forget, waiting, waiting_actions

from trailbook.capture import Capture, acting_as, triggers
from trailbook.capture.database import connection_of
from trailbook.capture.declarations import WrittenBy
from trailbook.errors import UncapturedWriteError

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
META = MetaData()
TEAM = Table("team", META, Column("id", Integer, primary_key=True))
PERSON = Table(
    "person",
    META,
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("team_id", ForeignKey("team.id")),
)
STAFF = Table(
    "staff",
    META,
    Column("id", Integer, primary_key=True),
    Column("name", String),
    postgresql_partition_by="RANGE (id)",
)
THING = Table("thing", META, Column("id", Integer, primary_key=True), Column("name", String))
LEAF = Table("leaf", META, Column("id", Integer, primary_key=True), Column("name", String))
MORE = """
CREATE TABLE staff_1 PARTITION OF staff FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
CREATE TABLE "Staff 1a" PARTITION OF staff_1 FOR VALUES FROM (0) TO (50);
CREATE TABLE thing_2 () INHERITS (thing);
CREATE TABLE above (id integer, name varchar);
ALTER TABLE leaf INHERIT above;
CREATE SCHEMA shown;
CREATE VIEW shown.people AS SELECT id, name FROM person;
CREATE VIEW shown.few AS SELECT id, name FROM shown.people WHERE id < 10;
CREATE TABLE inbox (name varchar);
CREATE RULE take AS ON INSERT TO inbox DO ALSO UPDATE person SET name = NEW.name;
CREATE TABLE other (id integer, name varchar);
INSERT INTO team VALUES (1);
INSERT INTO person VALUES (1, 'p', 1);
INSERT INTO staff VALUES (1, 's');
INSERT INTO thing_2 VALUES (1, 't');
INSERT INTO leaf VALUES (1, 'l')
"""
WRITES = {
    "UPDATE staff_1 SET name = 'x'": ["user/1"],
    "UPDATE \"Staff 1a\" SET name = 'x'": ["user/1"],
    "UPDATE thing_2 SET name = 'x'": ["user/1"],
    "UPDATE thing SET name = 'x'": ["user/1"],
    "UPDATE above SET name = 'x'": ["user/1"],
    "UPDATE shown.few SET name = 'x'": ["user/1"],
    "DELETE FROM people": ["user/1"],
    "INSERT INTO inbox VALUES ('x')": ["user/1"],
}
TRUNCATES = [
    "TRUNCATE team CASCADE",
    "TRUNCATE staff_1",
    'TRUNCATE ONLY "Staff 1a"',
    "TRUNCATE thing_2",
    "TRUNCATE thing",
    "TRUNCATE above",
]


@pytest.fixture(params=["hooks", "triggers"])
def by(request: pytest.FixtureRequest) -> WrittenBy:
    """Who sees the tables."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def capture(engine: Engine, by: WrittenBy) -> Iterator[Capture]:
    """Four tracked tables, and what hangs on them."""
    META.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(MORE)
    host = Capture("acme")
    for table in (PERSON, STAFF, THING, LEAF):
        host.track(table, type="user", name="name", actions=USER_ACTIONS, by=by)
    host.install(engine)
    forget(engine)
    yield host
    host.stop()


@pytest.mark.parametrize("statement", WRITES)
def test_a_write_by_another_name(capture: Capture, engine: Engine, by: WrittenBy, statement: str) -> None:
    """Hooks refuse it before it runs; triggers record the row, and who acts."""
    with acting_as(ANNA), engine.begin() as connection:
        if "people" in statement:
            connection.exec_driver_sql("SET LOCAL search_path = shown, public")
        if by == "hooks":
            with pytest.raises(UncapturedWriteError, match="recorded_as"):
                connection.execute(text(statement))
        else:
            connection.execute(text(statement))
    assert [(f"user/{e['target']['id']}", e["actor"]["id"]) for e in waiting(engine)] == [
        (user, "u-17") for user in (WRITES[statement] if by == "triggers" else ())
    ]


@pytest.mark.parametrize("statement", TRUNCATES)
def test_truncate_by_another_name(capture: Capture, engine: Engine, by: WrittenBy, statement: str) -> None:
    """It is refused whatever the name, by the text or by the database."""
    refused = UncapturedWriteError if by == "hooks" else NotSupportedError
    with engine.begin() as connection, pytest.raises(refused), connection.begin_nested():
        connection.execute(text(statement))
    with engine.connect() as connection:
        for table in (PERSON, STAFF, THING, LEAF):
            assert connection.execute(table.select()).all()


def test_what_is_no_relative(capture: Capture, engine: Engine) -> None:
    """The control: other tables are written as ever, and a tracked one through its own name."""
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO other VALUES (1, 'x')"))
        connection.execute(text("TRUNCATE other"))
        connection.execute(update(STAFF).values(name="y"))
    assert waiting_actions(engine) == [("user.profile_updated", "user/1")]


def test_a_partition_that_comes_later(capture: Capture, engine: Engine, by: WrittenBy) -> None:
    """`check` says what of it is missing, and installing again knows it."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE staff_2 PARTITION OF staff FOR VALUES FROM (100) TO (200)")
        tables = capture.triggered()
        missing = [spot.code for spot in triggers.check_triggers(connection, tables, "acme")]
        assert missing == ["trigger-missing"] * (by == "triggers")
        capture.mend(connection)
        assert triggers.check_triggers(connection, tables, "acme") == []
    refused = UncapturedWriteError if by == "hooks" else NotSupportedError
    with engine.begin() as connection, pytest.raises(refused), connection.begin_nested():
        connection.execute(text("TRUNCATE staff_2"))
    with engine.begin() as connection:
        triggers.remove_triggers(connection, tables, "acme")
        assert not triggers.installed_triggers(connection_of(connection))


def test_a_child_that_is_tracked_itself(capture: Capture, engine: Engine, by: WrittenBy) -> None:
    """Its rows are its own, recorded once."""
    child = Table("thing_2", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
    capture.track(child, type="user", name="name", actions=USER_ACTIONS, by=by)
    with engine.begin() as connection:
        capture.mend(connection)
        connection.execute(update(child).values(name="y"))
    assert waiting_actions(engine) == [("user.profile_updated", "user/1")]
