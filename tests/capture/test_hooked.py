"""What a database has on tables that hooks cover: rows that it removes by itself, and triggers of earlier times."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, UniqueConstraint, text
from sqlalchemy.orm import Session
from tests.capture.small import (
    USER_ACTIONS,
    Base,
    Employee,
    Party,
    User,
    capturing,
    declare,
    forget,
    waiting_actions,
)

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
# As the host declares it; the last is another rule.
DECLARED: dict[str, Callable[[], list[Any]]] = {
    "column": lambda: [Column("email", String, unique=True, sqlite_on_conflict_unique="REPLACE")],
    "constraint": lambda: [
        Column("email", String),
        UniqueConstraint("email", sqlite_on_conflict="replace"),
    ],
    "key": lambda: [Column("email", String, primary_key=True, sqlite_on_conflict_primary_key="REPLACE")],
    "kept": lambda: [Column("email", String, unique=True, sqlite_on_conflict_unique="IGNORE")],
}
# PostgreSQL has no such tables.
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


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


@SQLITE
@pytest.mark.parametrize("mail", MAILS)
def test_a_table_that_replaces_is_refused(engine: Engine, mail: str) -> None:
    """Where the database removes rows by itself hooks are refused, with what to do, and triggers are taken."""
    with (
        _mails(engine, MAILS[mail]) as capture,
        pytest.raises(ConfigurationError, match=r"person.*use triggers"),
    ):
        capture.install(engine)


@SQLITE
def test_triggers_see_what_it_removes(engine: Engine) -> None:
    """The way out that the refusal names: with triggers the removed row is told."""
    with _mails(engine, MAILS["as a column"], by="triggers") as capture:
        capture.install(engine)
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO person (id, mail) VALUES (1, 'a')"))
            connection.execute(text("INSERT INTO person (id, mail) VALUES (2, 'a')"))
        created = [("user.created", "user/1"), ("user.created", "user/2")]
        assert waiting_actions(engine) == [*created, ("user.deleted", "user/1")]


@SQLITE
@pytest.mark.parametrize("mail", KEPT)
def test_a_table_that_replaces_nothing(engine: Engine, mail: str) -> None:
    """The control: only what the table declares counts, not what it is called or holds."""
    with _mails(engine, KEPT[mail]) as capture:
        capture.install(engine)
        assert capture.engines == [engine]


@SQLITE
def test_the_rest_of_an_inherited_row_replaces(engine: Engine) -> None:
    """Every table of a row counts, when the outbox is mended too; the control has the same without."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE party (id INTEGER PRIMARY KEY, kind TEXT, name TEXT)"))
    capture = Capture("acme")
    capture.track(Employee, type="user", name="name", actions=USER_ACTIONS)
    with engine.begin() as connection:
        capture.mend(connection)
        connection.execute(text("DROP TABLE party"))
        connection.execute(
            text("CREATE TABLE party (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, kind TEXT, name TEXT)")
        )
        with pytest.raises(ConfigurationError, match=r"party.*use triggers"):
            capture.mend(connection)
    capture.stop()


@pytest.mark.parametrize("where", DECLARED)
def test_a_table_that_will_replace(engine: Engine, where: str) -> None:
    """One that is not there yet is refused on SQLite for what the host declares; on PostgreSQL that says nothing."""
    letters = Table("letters", MetaData(), Column("id", Integer, primary_key=True), *DECLARED[where]())
    capture = Capture("acme")
    capture.track(letters, type="user", id="id", actions=USER_ACTIONS)
    if where != "kept" and engine.dialect.name == "sqlite":
        with pytest.raises(ConfigurationError, match=r"letters.*use triggers"):
            capture.install(engine)
        assert capture.engines == []
    else:
        capture.install(engine)
        assert capture.engines == [engine]
    capture.stop()


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


def test_triggers_on_the_rest_of_a_row(engine: Engine) -> None:
    """What an earlier declaration left on a table of the base goes too, where hooks cover its rows now."""
    Base.metadata.create_all(engine)
    earlier = Capture("acme")
    earlier.track(Party, type="user", name="name", actions=USER_ACTIONS, by="triggers")
    earlier.install(engine)
    earlier.stop()
    capture = Capture("acme")
    capture.track(Employee, type="user", name="name", actions=USER_ACTIONS)
    capture.install(engine)
    try:
        with Session(engine) as session, session.begin():
            session.add(Employee(id=1, name="Bob"))
    finally:
        capture.stop()
    assert waiting_actions(engine) == [("user.created", "user/1")]
