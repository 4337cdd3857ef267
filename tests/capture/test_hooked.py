"""What a database has on tables that hooks cover: rows that it removes by itself, and triggers of earlier times."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, text
from sqlalchemy.orm import Session
from tests.capture.conftest import Database
from tests.capture.small import USER_ACTIONS, User, capturing, declare, forget, waiting_actions

from trailbook.capture import Capture
from trailbook.errors import ConfigurationError

MAILS = {
    "as a column": "mail TEXT UNIQUE ON CONFLICT REPLACE",
    "as a constraint": "mail TEXT, UNIQUE (mail) ON /* so */ CONFLICT\n replace",
}
KEPT = {
    "ignored": "mail TEXT UNIQUE ON CONFLICT IGNORE",
    "in a text": "mail TEXT UNIQUE DEFAULT 'ON CONFLICT REPLACE'",
    "in a name": 'mail TEXT, "on conflict replace" TEXT',
}


@contextmanager
def _mails(engine: Engine, mail: str, **more: Any) -> Iterator[Capture]:
    """A table as the database has it, which is not how the host knows it."""
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE person (id INTEGER PRIMARY KEY, {mail})"))
    person = Table(
        "person", MetaData(), Column("id", Integer, primary_key=True), Column("mail", String, unique=True)
    )
    capture = Capture("acme")
    capture.track(person, type="user", actions=USER_ACTIONS, **more)
    yield capture
    capture.stop()


@pytest.fixture
def file(database: Database, engine: Engine) -> Engine:
    """A file of SQLite."""
    if database.kind != "sqlite":
        pytest.skip("PostgreSQL has no such tables")
    return engine


@pytest.mark.parametrize("mail", MAILS)
def test_a_table_that_replaces_is_refused(file: Engine, mail: str) -> None:
    """Where the database removes rows by itself hooks are refused, with what to do, and triggers are taken."""
    with (
        _mails(file, MAILS[mail]) as capture,
        pytest.raises(ConfigurationError, match=r"person.*use triggers"),
    ):
        capture.install(file)


def test_triggers_see_what_it_removes(file: Engine) -> None:
    """The way out that the refusal names: with triggers the removed row is told."""
    with _mails(file, MAILS["as a column"], by="triggers") as capture:
        capture.install(file)
        with file.begin() as connection:
            connection.execute(text("INSERT INTO person (id, mail) VALUES (1, 'a')"))
            connection.execute(text("INSERT INTO person (id, mail) VALUES (2, 'a')"))
        created = [("user.created", "user/1"), ("user.created", "user/2")]
        assert waiting_actions(file) == [*created, ("user.deleted", "user/1")]


@pytest.mark.parametrize("mail", KEPT)
def test_a_table_that_replaces_nothing(file: Engine, mail: str) -> None:
    """The control: only what the table declares counts, not what it is called or holds."""
    with _mails(file, KEPT[mail]) as capture:
        capture.install(file)
        assert capture.engines == [file]


def test_from_triggers_to_hooks(engine: Engine) -> None:
    """A table whose declaration changes from triggers to hooks is told by hooks alone, and the other way round."""
    with capturing(engine, "triggers"):
        pass
    capture = declare(Capture("acme"))
    capture.install(engine)
    forget(engine)
    try:
        with Session(engine) as session, session.begin():
            session.add(User(id=1, name="Bob"))
    finally:
        capture.stop()
    assert waiting_actions(engine) == [("user.created", "user/1")]
