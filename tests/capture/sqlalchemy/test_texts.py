"""Texts of SQL as their database really reads them: no name hides a write, and what only reads is let through."""

import unicodedata

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, text
from tests.capture.small import USER_ACTIONS, User, item, waiting_actions

from trailbook.capture import Capture, recorded_as
from trailbook.errors import UncapturedWriteError

NAMES = ["कर्मचारी", unicodedata.normalize("NFD", "måling"), "lønn€", "👤", "٣t", "a\u00a0b"]
HARMLESS = [
    "DEALLOCATE ALL",
    "SELECT 1 FROM plain_setting WHERE value = 'C:\\dir\\'",
    "SELECT E'it\\'s'",
    "SELECT /* a /* DELETE FROM app_user */ c */ 1",
    "SELECT U&'\\0041'",
    "SELECT $क्ष$ ' DELETE FROM app_user $क्ष$",
]
HARMFUL = [
    "SELECT /* a /* b */ c */ 1; DELETE FROM app_user",
    "SELECT U&'\\0041'; DELETE FROM app_user",
    "SELECT $क्ष$ ' $क्ष$; DELETE FROM app_user; --'",
    "SELECT E'a'\n'\\'; SELECT '; DELETE FROM app_user; --'",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_with_any_character(engine: Engine, name: str) -> None:
    """A write to an unquoted name is refused, and runs where it is said what it means: the database takes the name."""
    table = Table(name, MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
    table.metadata.create_all(engine)
    host = Capture("acme")
    try:
        host.track(table, type="user", name="name", actions=USER_ACTIONS)
        host.install(engine)
        with engine.begin() as connection:
            connection.execute(table.insert().values(id=1, name="a"))
        change = text(f"UPDATE {name} SET name = 'b'")
        with engine.begin() as connection, pytest.raises(UncapturedWriteError, match="recorded_as"):
            connection.execute(change)
        with recorded_as("user.profile_updated", target=item("user", 1)), engine.begin() as connection:
            assert connection.execute(change).rowcount == 1
        assert [action for action, _ in waiting_actions(engine)] == ["user.created", "user.profile_updated"]
    finally:
        host.stop()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", HARMLESS)
def test_what_certainly_reads(capture: Capture, engine: Engine, statement: str) -> None:
    """It runs, whatever the setting that decides how a backslash is read."""
    for setting in ("on", "off"):
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SET standard_conforming_strings = {setting}")
            if setting == "on" or "\\" not in statement:
                connection.exec_driver_sql(statement)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", HARMFUL)
def test_what_writes_after_it(capture: Capture, engine: Engine, bob: int, statement: str) -> None:
    """The control: the same with a write is refused, or by the database itself no text at all."""
    assert User.__tablename__ in statement
    with engine.connect() as connection, pytest.raises(UncapturedWriteError):
        connection.exec_driver_sql(statement)
    assert waiting_actions(engine) == []
