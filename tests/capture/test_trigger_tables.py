"""Triggers on any table: whatever its name and schema, with just the rows of a class, and an id in every row.

Owns which tables a declaration by triggers takes. What their entries say is in `test_triggers.py`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from tests.capture.small import (
    CATALOGUE,
    USER_ACTIONS,
    Employee,
    Guest,
    Party,
    forget,
    waiting,
    waiting_actions,
)

from trailbook.capture import Capture, triggers
from trailbook.capture.declarations import Columns, Declared, Tracked, check_declared
from trailbook.capture.trigger_sql import name_of
from trailbook.errors import ConfigurationError, UncapturedWriteError

NAMES = [
    'quo"te',
    '"whole"',
    "it's",
    "dotted.name",
    "Mixed Case",
    "æøå" * 10,
    "x" * 60,
    "per%cent",
    "a $trailbook$",
]
ROLE_ACTIONS = {"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"}
WITHOUT_ID = "a row without an id cannot be captured"


@pytest.fixture
def capture(engine: Engine) -> Iterator[Capture]:
    """A capture that tracks nothing yet; it ends before the engine does."""
    host = Capture("acme")
    yield host
    host.stop()


def a_table(name: str, schema: str | None = None) -> Table:
    """A table with an id and a label."""
    return Table(
        name, MetaData(), Column("id", String, primary_key=True), Column("label", String), schema=schema
    )


def covered(capture: Capture, engine: Engine, table: Table, **more: Any) -> Tracked:
    """A table that triggers cover, made with them."""
    table.create(engine)
    tracked = capture.track(table, **{"type": "user", "actions": USER_ACTIONS, "by": "triggers", **more})
    with engine.begin() as connection:
        capture.mend(connection)
    return tracked


def written(engine: Engine, table: Table) -> list[str]:
    """The actions that are captured of a row that comes, changes and goes, written past SQLAlchemy's tables."""
    where = engine.dialect.identifier_preparer.format_table(table).replace("%%", "%")
    forget(engine)
    with engine.connect() as connection:
        driver = connection.connection.cursor()  # the driver's own, in which nothing is listened to
        for statement in (
            f"INSERT INTO {where} VALUES ('1', 'a')",
            f"UPDATE {where} SET label = 'b'",
            f"DELETE FROM {where}",
        ):
            driver.execute(statement)
        connection.connection.commit()
    return [entry["action"] for entry in waiting(engine)]


@pytest.mark.parametrize("name", NAMES)
def test_any_name(capture: Capture, engine: Engine, name: str) -> None:
    """A table of any name is covered, checked and let go; the control: let go it is not captured, and that is seen."""
    table = a_table(name)
    tracked = covered(capture, engine, table)
    assert written(engine, table) == list(USER_ACTIONS.values())
    with engine.begin() as connection:
        assert triggers.check_triggers(connection, [tracked], "acme") == []
        names = triggers.remove_triggers(connection, [tracked], "acme")
        spots = triggers.check_triggers(connection, [tracked], "acme")
    assert {spot.code for spot in spots} == {"trigger-missing"}
    assert len(spots) == len(names)
    assert written(engine, table) == []


def test_names_that_look_alike(capture: Capture, engine: Engine) -> None:
    """A dot within a name, a schema before it, and a line instead of it: each table's rows are what it declared."""
    with engine.begin() as connection:
        _side_schema(connection)
    dotted, line = a_table("side.thing"), a_table("side_thing")
    covered(capture, engine, dotted)
    covered(capture, engine, line, type="role", actions=ROLE_ACTIONS)
    tables = [(dotted, USER_ACTIONS), (line, ROLE_ACTIONS)]
    if engine.dialect.name == "postgresql":
        other = Capture("acme")  # to which "side.thing" is the name of another table
        try:
            apart = a_table("thing", "side")
            tracked = covered(other, engine, apart, type="role", actions=ROLE_ACTIONS)
            tables.append((apart, ROLE_ACTIONS))
            assert [written(engine, each) for each, _ in tables] == [list(a.values()) for _, a in tables]
            with engine.begin() as connection:
                triggers.remove_triggers(connection, [tracked], "acme")
        finally:
            other.stop()
        assert written(engine, tables.pop()[0]) == []
    assert [written(engine, each) for each, _ in tables] == [list(actions.values()) for _, actions in tables]


def _side_schema(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("CREATE SCHEMA side"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_another_file_of_sqlite_is_refused(capture: Capture, engine: Engine) -> None:
    """Its triggers could not reach the outbox; the control: the same file by its name is none other."""

    @event.listens_for(engine, "connect")
    def _attached(connection: Any, record: object) -> None:
        connection.execute("ATTACH ':memory:' AS side")

    table = a_table("thing", "main")
    covered(capture, engine, table)
    assert written(engine, table) == list(USER_ACTIONS.values())
    with pytest.raises(
        ConfigurationError, match=r"track\(side.thing\): by: .* side is another .* cover it with hooks"
    ):
        covered(capture, engine, a_table("thing", "side"))


def test_triggers_of_an_earlier_declaration_go(engine: Engine) -> None:
    """What is silent now is not recorded any more, and until it is installed a check says so."""
    table, first, then = a_table("thing"), Capture("acme"), Capture("acme")
    try:
        covered(first, engine, table)
        actions = {**USER_ACTIONS, "created": None, "deleted": None}
        tracked = then.track(table, type="user", actions=actions, by="triggers")
        with engine.begin() as connection:
            spots = triggers.check_triggers(connection, [tracked], "acme")
        assert "trailbook_thing_deleted is there, and not declared" in {spot.detail for spot in spots}
        assert written(engine, table) == list(USER_ACTIONS.values())
        with engine.begin() as connection:
            then.mend(connection)
            assert triggers.check_triggers(connection, [tracked], "acme") == []
        assert written(engine, table) == ["user.profile_updated"]
    finally:
        first.stop()
        then.stop()


def test_a_class_that_shares_its_table_is_refused(capture: Capture) -> None:
    """With what to do; the controls: hooks take it, and triggers a class whose rows are all rows of the table."""
    more: dict[str, Any] = {"type": "user", "actions": USER_ACTIONS}
    with pytest.raises(
        ConfigurationError, match=r"track\(party\): by: .* rows of Guest .* track Party; cover it with"
    ):
        capture.track(Guest, by="triggers", **more)
    capture.track(Party, by="triggers", **more)
    for model in (Guest, Employee):
        with pytest.raises(
            ConfigurationError, match="by: party holds rows of a class that is tracked already"
        ):
            capture.track(model, by="hooks", **more)
    hooked = Capture("acme")
    try:
        for model in (Party, Guest, Employee):
            hooked.track(model, by="hooks", **more)
    finally:
        hooked.stop()


@pytest.mark.parametrize("by", ["hooks", "triggers"])
def test_a_row_without_an_id_is_refused(capture: Capture, engine: Engine, by: str) -> None:
    """Nothing of it is committed; the control: with an id it is captured, and what is silent needs none."""
    table = a_table("thing")
    covered(capture, engine, table, id="label", by=by)
    capture.install(engine)
    forget(engine)
    refused = pytest.raises((IntegrityError, UncapturedWriteError), match=f"thing: {WITHOUT_ID}")
    with refused, engine.begin() as connection:
        connection.execute(table.insert().values(id="1", label=None))
    with engine.begin() as connection:
        connection.execute(table.insert().values(id="1", label="a"))
    with refused, engine.begin() as connection:
        connection.execute(table.update().values(label=None))
    assert waiting_actions(engine) == [("user.created", "user/a")]
    with Session(engine) as session:
        assert session.execute(table.select()).all() == [("1", "a")]


def test_of_what_is_silent_no_id_is_asked(capture: Capture, engine: Engine) -> None:
    """Rows that were there before without an id may go where that is no entry, and cannot be recorded to have gone."""
    table = a_table("thing")
    table.create(engine)
    for n in (1, 2):
        with engine.begin() as connection:
            connection.execute(table.insert().values(id=str(n)))
    silent = capture.track(
        table, type="user", id="label", actions={**USER_ACTIONS, "deleted": None}, by="triggers"
    )
    spoken = structs.replace(silent, actions=USER_ACTIONS)
    with engine.begin() as connection:
        capture.make(connection)
        connection.execute(text("DELETE FROM thing WHERE id = '1'"))
    with engine.begin() as connection:
        triggers.install_triggers(connection, [spoken], "acme")
    with pytest.raises(IntegrityError, match=WITHOUT_ID), engine.begin() as connection:
        connection.execute(text("DELETE FROM thing WHERE id = '2'"))
    assert waiting(engine) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_replace_neither_brings_nor_takes_a_row_without_an_id(capture: Capture, engine: Engine) -> None:
    """Whatever a statement says of conflicts; a row that is only in the way, and stays, needs none."""
    table = a_table("thing")
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(table.insert().values(id="1"))
    covered_by = capture.track(table, type="user", id="label", actions=USER_ACTIONS, by="triggers")
    with engine.begin() as connection:
        capture.make(connection)
    forget(engine)
    for statement in (
        "INSERT OR IGNORE INTO thing VALUES ('2', NULL)",
        "INSERT OR REPLACE INTO thing VALUES ('2', NULL)",
        "REPLACE INTO thing VALUES ('1', 'a')",
    ):
        with pytest.raises(IntegrityError, match=WITHOUT_ID), engine.begin() as connection:
            connection.execute(text(statement))
    with engine.begin() as connection:
        connection.execute(text("INSERT OR IGNORE INTO thing VALUES ('1', 'b')"))
        connection.execute(text("INSERT OR REPLACE INTO thing VALUES ('3', 'c')"))
        assert connection.execute(table.select()).all() == [("1", None), ("3", "c")]
    assert waiting_actions(engine) == [("user.created", "user/c")]
    assert covered_by.id == "label"


def test_no_two_tables_have_triggers_of_one_name() -> None:
    """However long a table's name is, in letters or bytes, and whatever stands before it."""
    alike: list[tuple[str | None, str]] = [
        (None, "x" * 50),
        (None, "x" * 51),
        (None, "å" * 42),
        (None, "å" * 43),
        ("hr", "absence"),
        (None, "hr.absence"),
        (None, 'hr"absence'),
        (None, "hr_absence"),
    ]
    names = {name_of(_declared(*each), "truncated") for each in alike}
    assert len(names) == len(alike)
    assert max(len(name.encode()) for name in names) <= 63


def _declared(schema: str | None, table: str) -> Tracked:
    whole = table if schema is None else f"{schema}.{table}"
    columns = Columns(table=whole, key=("id",), columns={"id": "id"}, schema=schema)
    return check_declared(CATALOGUE, columns, Declared(type="user", actions=USER_ACTIONS))
