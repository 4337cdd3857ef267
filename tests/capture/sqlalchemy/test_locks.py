"""Locks of SQLite: a captured write waits for another writer, as the host's own statement would have waited."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, create_engine, delete, event, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tests.capture.small import Role, User, capturing, forget, waiting_actions

PEOPLE: Any = User.__table__


@pytest.fixture(params=["delete", "wal"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A captured file, in each mode of its journal, with somebody in a role."""
    engine = create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA journal_mode = {request.param}")
    with capturing(engine):
        with Session(engine) as session, session.begin():
            session.add(Role(id=1, name="Lead", users=[User(id=n, name="Bob") for n in (1, 2)]))
        forget(engine)
        yield engine
    engine.dispose()


def _many(session: Session) -> None:
    session.execute(delete(PEOPLE).where(PEOPLE.c.id == bindparam("b")), [{"b": 8}, {"b": 9}])


def _key(session: Session) -> None:
    session.execute(update(User).where(User.id == 2).values(id=3))


def _pairs(session: Session) -> None:
    session.get_one(Role, 1).users = []


def _beside_a_writer(engine: Engine, write: Any) -> list[OperationalError]:
    """What becomes of a write that begins while another one holds the file."""
    errors: list[OperationalError] = []
    done = threading.Event()

    def run() -> None:
        try:
            with Session(engine) as session, session.begin():
                write(session)
        except OperationalError as error:
            errors.append(error)
        finally:
            done.set()

    with engine.begin() as other:
        other.execute(text("INSERT INTO plain_setting (id, value) VALUES (1, 'x')"))
        thread = threading.Thread(target=run)
        thread.start()
        done.wait(0.2)  # one that does not wait for the file has failed by then
    thread.join()
    return errors


@pytest.mark.parametrize("write", [_many, _key, _pairs])
def test_a_write_that_is_read_for_waits(file: Engine, write: Any) -> None:
    """Rows are read before some writes; such a write waits until the other writer is done, and is captured."""
    assert _beside_a_writer(file, write) == []
    expected = {
        _many: [],
        _key: [("user.created", "user/3"), ("user.deleted", "user/2")],
        _pairs: [("role.unassigned", "role/1")] * 2,
    }
    assert waiting_actions(file) == expected[write]


@pytest.mark.parametrize("write", [_many, _key])
def test_a_host_that_begins_by_itself(file: Engine, write: Any) -> None:
    """The same where the host writes BEGIN itself, as SQLAlchemy's documentation has it."""
    event.listen(file, "connect", lambda connection, record: setattr(connection, "isolation_level", None))
    event.listen(file, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    file.dispose()
    assert _beside_a_writer(file, write) == []


def test_one_that_reads_first_by_itself_does_not_wait(file: Engine) -> None:
    """The control: a host that reads in its transaction, and then writes, is refused by SQLite at once."""
    event.listen(file, "connect", lambda connection, record: setattr(connection, "isolation_level", None))
    event.listen(file, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    file.dispose()
    (error,) = _beside_a_writer(file, _pairs)
    assert "database is locked" in str(error)
