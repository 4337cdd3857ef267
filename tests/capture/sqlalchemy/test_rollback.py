"""Transactions: what is rolled back leaves nothing, and what cannot be told is not committed."""

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from tests.capture.small import Setting, User, capturing, rows, waiting

from trailbook.capture import Bounds, Capture
from trailbook.errors import OutboxFullError, UncapturedWriteError


def test_rollback_and_savepoints(capture: Capture, engine: Engine) -> None:
    """What is rolled back, as a whole or to a savepoint, leaves nothing; what stays is there once."""
    with Session(engine) as session:
        session.add(User(name="Gone"))
        session.flush()
        session.rollback()
        session.add(User(name="Kept"))
        session.flush()
        with session.begin_nested() as savepoint:
            session.add(User(name="Gone too"))
            session.flush()
            savepoint.rollback()
        with session.begin_nested():
            session.add(User(name="Kept too"))
        session.commit()
    assert [e["target"]["name"] for e in waiting(engine)] == ["Kept", "Kept too"]


def test_an_outbox_that_cannot_be_written(capture: Capture, engine: Engine, bob: int) -> None:
    """The host hears what to do, without a value in it, and nothing is committed."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE trailbook_outbox RENAME TO elsewhere"))
    with Session(engine) as session:
        session.add(User(name="Eve", email="eve@host.test"))
        with pytest.raises(UncapturedWriteError, match="install capture again") as failure:
            session.flush()
        assert isinstance(failure.value.__cause__, DBAPIError)
        assert not failure.value.__cause__.connection_invalidated
        assert "Eve" not in str(failure.value)
    assert rows(engine) == {(bob, "Bob")}
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO trailbook_outbox"))
    with Session(engine) as session, session.begin():  # the control
        session.add(User(name="Eve", email="eve@host.test"))
    assert len(rows(engine)) == len(waiting(engine)) + 1 == 2


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # a file does not go away
def test_a_connection_that_is_lost_before_its_entry(capture: Capture, engine: Engine, bob: int) -> None:
    """A server that goes away between the row and its entry: the connection is given up, and the next one works."""
    other = create_engine(engine.url)

    @event.listens_for(engine, "after_cursor_execute")
    def cut(connection: Connection, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith("INSERT INTO app_user"):
            ours = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            with other.begin() as killing:
                killing.execute(select(func.pg_terminate_backend(ours, 5000)))

    with Session(engine) as session:
        session.add(User(name="Eve"))
        with pytest.raises(OperationalError) as failure:
            session.flush()
        assert failure.value.connection_invalidated
    event.remove(engine, "after_cursor_execute", cut)
    other.dispose()
    with Session(engine) as session, session.begin():
        session.add(User(name="Eva"))
    assert {name for _, name in rows(engine)} == {"Bob", "Eva"}
    assert len(waiting(engine)) == 1


def test_a_refusal_swallowed_by_the_host_is_still_one(engine: Engine) -> None:
    """A host that catches the refusal cannot commit the change; rolled back to a savepoint, the rest it can."""
    with capturing(engine, bounds=Bounds(outbox=1, spool=1, every=0)):
        with engine.connect() as connection:
            with pytest.raises(OutboxFullError):
                connection.execute(insert(User).values(name="refused"))
            with pytest.raises(UncapturedWriteError, match="rolled back"):
                connection.commit()
            connection.rollback()
            connection.execute(text("INSERT INTO plain_setting (id, value) VALUES (1, 'kept')"))
            with pytest.raises(OutboxFullError), connection.begin_nested():
                connection.execute(insert(User).values(name="refused"))
            connection.commit()
        with Session(engine) as session:
            assert session.scalars(select(User)).all() == []
            assert session.scalars(select(Setting.value)).all() == ["kept"]
