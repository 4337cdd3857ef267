"""Statements and text: what writes to a tracked table is captured with its transaction, or does not run."""

import pytest
from sqlalchemy import Engine, MetaData, column, create_engine, delete, table, text, update
from sqlalchemy.orm import Session
from tests.capture.small import ANNA, Setting, User, item, rows, waiting_actions

from trailbook.capture import Capture, acting_as, recorded_as
from trailbook.errors import UncapturedWriteError

TEXTS = [
    "UPDATE app_user SET email = 'x'",
    "INSERT INTO app_user (name, seen) VALUES ('x', 0)",
    'DELETE FROM "app_user" WHERE id > 0',
    "/* harmless */ delete from app_user",
    "SELECT 1; DELETE FROM app_user",
    "WITH old AS (SELECT id FROM app_user) DELETE FROM app_user WHERE id IN (SELECT id FROM old)",
    "EXPLAIN ANALYZE UPDATE app_user SET email = 'x'",
    "REPLACE INTO app_user (id, name, seen) VALUES (1, 'x', 0)",
    "TRUNCATE TABLE app_user",
    "COPY app_user FROM '/nowhere'",
    "CALL something()",
    "DO $$ BEGIN DELETE FROM app_user; END $$",
]


@pytest.mark.parametrize("statement", TEXTS)
@pytest.mark.parametrize("way", ["text", "driver"])
def test_text_is_refused(capture: Capture, engine: Engine, bob: int, statement: str, way: str) -> None:
    """Text that writes to a tracked table does not run, and the row is as it was."""
    with engine.connect() as connection:
        run = connection.exec_driver_sql if way == "driver" else lambda given: connection.execute(text(given))
        with pytest.raises(UncapturedWriteError, match="recorded_as"):
            run(statement)
    assert rows(engine) == {(bob, "Bob")}
    assert waiting_actions(engine) == []


def test_text_elsewhere_is_let_through(capture: Capture, engine: Engine, bob: int) -> None:
    """The control: reading a tracked table, and writing to another one, is nobody's business."""
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO plain_setting (id, value) VALUES (1, 'update app_user')"))
        connection.execute(text("UPDATE plain_setting SET value = 'DELETE FROM app_user'"))
        assert connection.execute(text("SELECT name FROM app_user -- delete from app_user")).all() == [
            ("Bob",)
        ]
    with Session(engine) as session, session.begin():
        session.add(Setting(id=2, value="x"))
        session.execute(update(Setting).values(value="y"))
    assert waiting_actions(engine) == []


def test_text_in_words_is_recorded(capture: Capture, engine: Engine, bob: int) -> None:
    """What a host says a text means is recorded with it, once, and not when no row was touched."""
    with Session(engine) as session, session.begin(), acting_as(ANNA):
        with recorded_as("user.deactivated", target=item("user", bob, "Bob"), fields=["status"]):
            session.execute(text("UPDATE app_user SET email = NULL WHERE id = -1"))
        assert waiting_actions(engine) == []
        with recorded_as("user.deactivated", target=item("user", bob, "Bob"), fields=["status"]):
            session.execute(text("UPDATE app_user SET email = NULL"))
            session.execute(update(User).values(phone=None))
    assert waiting_actions(engine) == [("user.deactivated", f"user/{bob}")]


def test_autocommit_is_refused(capture: Capture, engine: Engine, bob: int) -> None:
    """Without a transaction an entry and its change could part: the write does not happen."""
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection, pytest.raises(UncapturedWriteError, match="autocommit"):
        connection.execute(update(User).values(email="x"))
    with Session(alone) as session:
        session.get_one(User, bob).email = "x"
        with pytest.raises(UncapturedWriteError, match="autocommit"):
            session.flush()
    with Session(engine) as session:
        assert session.get_one(User, bob).email == "bob@host.test"


def test_an_engine_without_capture_is_refused(capture: Capture, engine: Engine, bob: int) -> None:
    """Several databases: each has its own outbox, and one without is not written by accident."""
    other = create_engine(engine.url)
    with Session(other) as session:
        session.add(User(name="x"))
        with pytest.raises(UncapturedWriteError, match="install"):
            session.flush()
    with other.begin() as connection, pytest.raises(UncapturedWriteError, match="install"):
        connection.execute(delete(User))
    other.dispose()
    assert rows(engine) == {(bob, "Bob")}


def test_a_second_table_of_the_same_name_is_refused(capture: Capture, engine: Engine, bob: int) -> None:
    """A table object that was not declared, with a tracked table's name, is not written past capture."""
    for other in (table("app_user", column("email")), User.__table__.to_metadata(MetaData())):
        with engine.begin() as connection, pytest.raises(UncapturedWriteError, match="another Table"):
            connection.execute(update(other).values(email="x"))
    assert rows(engine) == {(bob, "Bob")}
