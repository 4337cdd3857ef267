"""Statements of which no end was seen, and what is kept of a transaction that ended unseen."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, bindparam, delete, event, insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from tests.capture.conftest import Database
from tests.capture.small import (
    Employee,
    User,
    capturing,
    forget,
    item,
    people,
    rows,
    waiting_actions,
)

from trailbook.capture import Capture, recorded_as
from trailbook.errors import UncapturedWriteError

USERS: Any = User.__table__
TWICE = [{"id": 70, "name": "a"}, {"id": 71, "name": "b"}, {"id": 70, "name": "c"}]
TEXT = text("INSERT INTO app_user (id, name, seen) VALUES (:id, :name, 0)")


def _many(session: Session) -> None:
    session.connection().execute(
        insert(USERS), [{**each, "seen": 0, "email": None, "phone": None} for each in TWICE]
    )


def _orm(session: Session) -> None:
    session.execute(insert(User), TWICE)


def _batches(session: Session) -> None:
    some = insert(User).returning(User).execution_options(insertmanyvalues_page_size=2)
    session.execute(some, TWICE)


def _meant(session: Session) -> None:
    with recorded_as("user.created", target=item("user", 70)):
        session.execute(TEXT, TWICE)


def _deleted(session: Session) -> None:
    by_key = delete(USERS).where(USERS.c.id == bindparam("key"))
    session.connection().execute(by_key, [{"key": each} for each in (1, 2)])


def _parted(session: Session) -> None:
    session.execute(update(Employee), [{"id": 1, "name": "New", "title": "refused"}])


HALVES: dict[str, Callable[[Session], None]] = {
    "many sets": _many,
    "the ORM's": _orm,
    "a second batch": _batches,
    "text that is meant": _meant,
    "many deletions": _deleted,
    "one of two tables": _parted,
}
REFUSING = {
    "sqlite": (
        "CREATE TRIGGER kept BEFORE DELETE ON app_user WHEN OLD.id = 2 BEGIN SELECT RAISE(ABORT, 'kept'); END",
        "CREATE TRIGGER titled BEFORE UPDATE ON employee BEGIN SELECT RAISE(ABORT, 'titled'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$",
        "CREATE TRIGGER kept BEFORE DELETE ON app_user FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION refuse()",
        "CREATE TRIGGER titled BEFORE UPDATE ON employee FOR EACH ROW EXECUTE FUNCTION refuse()",
    ),
}


@pytest.mark.parametrize("half", HALVES)
def test_a_statement_that_fails_half_way(engine: Engine, database: Database, half: str) -> None:
    """What it wrote before it failed is not committed without its entries, where the host catches the error."""
    with capturing(engine):
        people(engine, "Ann", "Bob")
        with Session(engine) as session, session.begin():
            session.add(Employee(name="Old", title="x"))
        with engine.begin() as connection:
            for statement in REFUSING[database.kind]:
                connection.exec_driver_sql(statement)
        forget(engine)
        before = rows(engine)
        with Session(engine) as session:
            with pytest.raises(DBAPIError):
                HALVES[half](session)
            if database.kind == "sqlite":
                with pytest.raises(UncapturedWriteError, match="rolled back"):
                    session.commit()
        with Session(engine) as session:  # rolled back to a savepoint, the rest can be committed
            with pytest.raises(DBAPIError), session.begin_nested():
                HALVES[half](session)
            session.execute(insert(User).values(id=90, name="kept"))
            session.commit()
        assert rows(engine) == before | {(90, "kept")}
        assert waiting_actions(engine) == [("user.created", "user/90")]
        with engine.connect() as connection:
            assert connection.execute(text("SELECT name FROM party")).all() == [("Old",)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # PostgreSQL takes back the whole transaction
def test_a_single_statement_that_fails(capture: Capture, engine: Engine, bob: int) -> None:
    """What the database itself took back is no reason to refuse the rest."""
    singles: list[Any] = [
        insert(USERS).values(id=bob, name="again"),
        insert(USERS).values([{"id": 80, "name": "a"}, {"id": bob, "name": "again"}]),
    ]
    for number, single in enumerate(singles):
        with engine.connect() as connection:
            with pytest.raises(IntegrityError):
                connection.execute(single)
            with pytest.raises(IntegrityError), recorded_as("user.created", target=item("user", bob)):
                connection.execute(TEXT, {"id": bob, "name": "again"})
            connection.execute(insert(USERS).values(id=90 + number, name="good"))
            connection.commit()
    assert waiting_actions(engine) == [("user.created", "user/90"), ("user.created", "user/91")]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_single_statement_that_leaves_rows(capture: Capture, engine: Engine, bob: int) -> None:
    """SQLite keeps what a statement with OR FAIL wrote before it failed."""
    fails = text(f"INSERT OR FAIL INTO app_user (id, name, seen) VALUES (80, 'a', 0), ({bob}, 'b', 0)")
    with engine.connect() as connection, recorded_as("user.created", target=item("user", 80)):
        with pytest.raises(IntegrityError):
            connection.execute(fails)
        with pytest.raises(UncapturedWriteError, match="rolled back"):
            connection.commit()
    assert rows(engine) == {(bob, "Bob")}


@contextmanager
def _raising(engine: Engine, moment: str) -> Iterator[None]:
    """A listener of the host that raises when an UPDATE has come so far."""

    def listen(*given: Any) -> None:
        if "UPDATE app_user" in str(given[1] if moment == "after_execute" else given[2]):
            raise RuntimeError("a listener of the host")

    event.listen(engine, moment, listen)
    try:
        yield
    finally:
        event.remove(engine, moment, listen)


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute", "after_execute"])
def test_a_listener_that_raises(engine: Engine, moment: str) -> None:
    """A statement that ran is not committed where a listener hid its end; one that did not run harms nothing."""
    with _raising(engine, moment), capturing(engine):
        people(engine, "Bob")
        forget(engine)
        with engine.connect() as connection:
            with pytest.raises(RuntimeError, match="listener"):
                connection.execute(update(User).values(email="x"))
            if moment == "before_cursor_execute":
                connection.commit()
            else:
                with pytest.raises(UncapturedWriteError, match="rolled back"):
                    connection.commit()
            connection.rollback()
            assert connection.execute(text("SELECT email FROM app_user")).all() == [(None,)]
        assert waiting_actions(engine) == []


def test_half_of_many_through_an_awaited_driver(engine: Engine, database: Database) -> None:
    """The same holds for engines that are awaited; on PostgreSQL nothing is left of what was refused there."""

    async def act(capture: Capture) -> None:
        awaited = create_async_engine(database.awaited)
        await capture.install_async(awaited)
        async with AsyncSession(awaited) as session:
            with pytest.raises(DBAPIError):
                await session.run_sync(_many)
            with pytest.raises(UncapturedWriteError) if database.kind == "sqlite" else nullcontext():
                await session.commit()
        async with awaited.begin() as connection:
            await connection.execute(insert(User).values(id=90, name="kept"))
        await capture.leave_async(awaited)
        await awaited.dispose()

    with capturing(engine) as capture:
        asyncio.run(act(capture))
        assert rows(engine) == {(90, "kept")}


def _text_savepoint(connection: Connection) -> None:
    connection.execute(text("SAVEPOINT a"))
    connection.execute(text("UPDATE app_user SET email = 'gone'"))
    connection.execute(text("ROLLBACK TO SAVEPOINT a"))


def _driver_savepoint(connection: Connection) -> None:
    cursor = connection.connection.cursor()
    connection.execute(text("UPDATE plain_setting SET value = 'x'"))
    cursor.execute("SAVEPOINT a")
    connection.execute(text("UPDATE app_user SET email = 'gone'"))
    cursor.execute("ROLLBACK TO SAVEPOINT a")


def _text_rollback(connection: Connection) -> None:
    connection.execute(text("UPDATE app_user SET email = 'gone'"))
    connection.execute(text("ROLLBACK"))
    connection.execute(text("BEGIN"))


def _driver_rollback(connection: Connection) -> None:
    connection.execute(text("UPDATE app_user SET email = 'gone'"))
    connection.connection.rollback()


def _text_commit(connection: Connection) -> None:
    connection.execute(text("UPDATE app_user SET email = 'kept'"))
    connection.execute(text("COMMIT"))
    connection.execute(text("BEGIN"))


def _driver_commit(connection: Connection) -> None:
    connection.execute(text("UPDATE app_user SET email = 'kept'"))
    connection.connection.commit()


@pytest.mark.parametrize(
    ("first", "entries"),
    [
        (_text_savepoint, 1),
        (_driver_savepoint, 1),
        (_text_rollback, 1),
        (_driver_rollback, 1),
        (_text_commit, 2),
        (_driver_commit, 2),
    ],
)
def test_what_is_meant_after_an_end_that_nobody_told(
    capture: Capture, engine: Engine, bob: int, first: Callable[[Connection], None], entries: int
) -> None:
    """What a block means is recorded once in each transaction, whoever ended the one before, and however."""
    with engine.connect() as connection, recorded_as("user.deactivated", target=item("user", bob)):
        first(connection)
        for word in ("b", "c"):
            connection.execute(text(f"UPDATE app_user SET email = '{word}'"))
        connection.commit()
    assert waiting_actions(engine) == [("user.deactivated", f"user/{bob}")] * entries


@pytest.mark.parametrize("how", ["text", "driver", "not at all"])
def test_nothing_folds_across_a_commit(capture: Capture, engine: Engine, bob: int, how: str) -> None:
    """A commit as text or by the driver ends the transaction in which rows fold into what is meant."""
    with engine.connect() as connection:
        connection.execute(update(User).values(email="x"))
        if how == "text":
            connection.execute(text("COMMIT"))
            connection.execute(text("BEGIN"))
        elif how == "driver":
            connection.connection.commit()
        capture.record(connection, "user.deactivated", target=item("user", bob))
        connection.commit()
    both = [("user.deactivated", f"user/{bob}"), ("user.profile_updated", f"user/{bob}")]
    assert waiting_actions(engine) == (both[:1] if how == "not at all" else both)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "WITH x AS (UPDATE app_user SET email = 'x' RETURNING id) SELECT * FROM x WHERE false",
        "WITH x AS (DELETE FROM app_user RETURNING name)"
        " INSERT INTO plain_setting (value) SELECT name FROM x WHERE false",
        "UPDATE plain_setting SET value = 'x' WHERE false; UPDATE app_user SET email = 'x'",
        "UPDATE app_user SET email = 'x'; UPDATE app_user SET email = 'y' WHERE false",
    ],
)
def test_a_count_that_is_not_the_writes(capture: Capture, engine: Engine, bob: int, statement: str) -> None:
    """A driver that counts no row of what comes last in a text does not say that nothing was written."""
    with recorded_as("user.deactivated", target=item("user", bob)):
        with engine.begin() as connection:  # the control: one plain write that touches nothing
            assert connection.execute(text(f"{ONE} WHERE id = -1")).rowcount == 0
        assert waiting_actions(engine) == []
        with engine.begin() as connection:
            connection.execute(text(statement))
    assert waiting_actions(engine) == [("user.deactivated", f"user/{bob}")]


ONE = "UPDATE app_user SET email = 'x'"
