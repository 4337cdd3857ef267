"""Triggers know who acts: whatever table a statement names, and nobody after a transaction that has ended anyhow."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    event,
    text,
    update,
)
from tests.capture.conftest import Database
from tests.capture.small import ANNA, BOB, USER_ACTIONS, forget, waiting

from trailbook.capture import Capture, acting_as, triggers
from trailbook.capture.declarations import WrittenBy
from trailbook.capture.trigger_reach import Reach, reach_of

HOST = MetaData()
team = Table("team", HOST, Column("id", Integer, primary_key=True))
person = Table(
    "person",
    HOST,
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("team_id", ForeignKey("team.id", ondelete="CASCADE")),
)


@pytest.fixture
def capture(engine: Engine) -> Iterator[Capture]:
    """Three people, each in a team of their own that takes them with it; only they are tracked, by triggers."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA foreign_keys = ON"))
    HOST.create_all(engine)
    host = Capture("acme", job="host")
    host.track(person, type="user", name="name", actions=USER_ACTIONS, by="triggers")
    host.install(engine)
    with engine.begin() as connection:
        connection.execute(team.insert(), [{"id": number} for number in (1, 2, 3)])
        connection.execute(
            person.insert(), [{"id": number, "name": "x", "team_id": number} for number in (1, 2, 3)]
        )
    forget(engine)
    yield host
    host.stop()


def actors(engine: Engine) -> list[tuple[str, str]]:
    """Which person was changed by whom, in order."""
    return [(entry["target"]["id"], entry["actor"]["id"]) for entry in waiting(engine)]


def nobody(engine: Engine) -> str:
    """Who acts where nobody is known."""
    return "database" if engine.dialect.name == "sqlite" else "database/postgres"


def test_a_cascade_from_another_table(capture: Capture, engine: Engine) -> None:
    """Who deletes a team deletes its people, first in a transaction or after somebody else, who may be nobody."""
    with engine.begin() as connection:
        with acting_as(BOB):
            connection.execute(delete(team).where(team.c.id == 1))
        with acting_as(ANNA):
            connection.execute(update(person).where(person.c.id == 2).values(name="A"))
        with acting_as(BOB):
            connection.execute(delete(team).where(team.c.id == 2))
        connection.execute(text("DELETE FROM team WHERE id = 3"))
    assert actors(engine) == [("1", "u-42"), ("2", "u-17"), ("2", "u-42"), ("3", "host")]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_function_and_a_view(capture: Capture, engine: Engine) -> None:
    """A function's writes are of who calls it; in a view it cannot be seen, and is nobody's, never the last user's."""
    with engine.begin() as connection:
        change = "UPDATE person SET name = name || 'x' WHERE id = 1 RETURNING id"
        connection.exec_driver_sql(f"CREATE FUNCTION f() RETURNS int AS $$ {change} $$ LANGUAGE sql")
        connection.exec_driver_sql("CREATE VIEW v AS SELECT f()")
    forget(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT * FROM v")
        with acting_as(ANNA):
            connection.exec_driver_sql("SELECT f()")
        with acting_as(BOB):
            connection.exec_driver_sql("SELECT * FROM v")
        connection.exec_driver_sql("DO $$ BEGIN PERFORM f(); END $$")
    assert [who for _, who in actors(engine)][1:] == ["u-17", "u-42", "host"]


@pytest.mark.parametrize("end", ["text", "driver", "savepoint"])
def test_a_transaction_that_ends_by_itself(capture: Capture, engine: Engine, end: str) -> None:
    """After COMMIT as text or by the driver, or ROLLBACK TO as text, who acts is told anew, and else is nobody."""
    change = update(person).where(person.c.id == 1)
    with acting_as(ANNA), engine.connect() as connection:
        if end == "savepoint":
            connection.exec_driver_sql("SELECT 1")
            connection.execute(delete(team).where(team.c.id == 3))
            connection.exec_driver_sql("SAVEPOINT s")
        connection.execute(change.values(name="b"))
        if end == "driver":
            connection.connection.commit()
        else:
            connection.exec_driver_sql("COMMIT" if end == "text" else "ROLLBACK TO SAVEPOINT s")
        connection.execute(change.values(name="c"))
        connection.connection.commit()
    pooled = engine.raw_connection()  # the same connection again
    pooled.cursor().execute("UPDATE person SET name = 'd' WHERE id = 2")
    pooled.commit()
    pooled.close()
    first = "3" if end == "savepoint" else "1"
    assert actors(engine) == [(first, "u-17"), ("1", "u-17"), ("2", nobody(engine))]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_other_client_is_taken_for_who_acted(capture: Capture, engine: Engine, database: Database) -> None:
    """What SQLite keeps of who acts no other connection sees, not even while the first is open."""
    with acting_as(ANNA), engine.connect() as connection:
        connection.execute(update(person).where(person.c.id == 1).values(name="b"))
        connection.connection.commit()
        other = sqlite3.connect(str(engine.url.database))
        other.execute("UPDATE person SET name = 'c' WHERE id = 2")
        other.commit()
        other.close()
    assert actors(engine) == [("1", "u-17"), ("2", "database")]


@pytest.mark.parametrize("by", ["hooks", "triggers"])
def test_nothing_is_announced_without_triggers(
    engine: Engine, by: WrittenBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A capture by hooks has no statement more where another table is written; the control: one by triggers has."""
    announced: list[object] = []
    monkeypatch.setattr(triggers, "announce", lambda *more, **all_: announced.append(more))
    HOST.create_all(engine)
    host = Capture("acme")
    host.track(team, type="user", actions=USER_ACTIONS, by=by)
    host.install(engine)
    with engine.begin() as connection:
        connection.execute(person.insert().values(id=1))
    host.stop()
    assert bool(announced) is (by == "triggers")


@pytest.mark.parametrize(
    ("statement", "reach"),
    [
        ("SELECT a FROM t WHERE b IN (1, 2)", "renewed"),
        ("SELECT count(*) FROM t GROUP BY lower(a)", "renewed"),
        ("SELECT sum(a) FILTER (WHERE a > 0) OVER (PARTITION BY b) FROM t", "renewed"),
        ("WITH x AS (SELECT 1) SELECT pg_catalog.lower(a) FROM x", "renewed"),
        ("SELECT leave(1)", "announced"),
        ("SELECT hr.lower(a) FROM t", "announced"),
        ('SELECT "in"(1)', "announced"),
        ("SELECT filter(a) FROM t", "announced"),
        ("SELECT query_to_xml('x', true, true, '')", "announced"),
        ("FETCH ALL FROM c", "announced"),
        ("EXPLAIN ANALYZE SELECT f()", "announced"),
        ("REFRESH MATERIALIZED VIEW v", "announced"),
        ("SET CONSTRAINTS ALL IMMEDIATE", "announced"),
        ("UPDATE t SET a = 1", "announced"),
        ("CALL p()", "announced"),
        ("SET search_path TO x", "none"),
        ("SAVEPOINT s", "none"),
        ("ROLLBACK TO SAVEPOINT s", "lost"),
    ],
)
def test_what_may_fire_a_trigger(statement: str, reach: Reach) -> None:
    """On PostgreSQL whatever writes or calls what is not known to write nothing; on SQLite whatever writes."""
    assert reach_of("postgresql", statement) == reach
    writes = statement.startswith(("UPDATE", "CALL"))
    assert (reach_of("sqlite", statement) == "announced") is writes or statement.startswith("FETCH")
