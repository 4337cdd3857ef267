"""Triggers of SQLite see each row that REPLACE removes, once, and none that it leaves; the oracle is SQLite itself.

The same statements run in a second database, where `recursive_triggers` is on and plain triggers write down what went
and what came. There the host's own `recursive_triggers` is on or off, on the SQLite of Python and on that of apsw.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Literal

import apsw
import pytest
from hypothesis import example, given, settings, strategies as st
from tests.amounts import amount
from tests.capture.small import CATALOGUE, USER_ACTIONS

from trailbook.capture.database import Answer
from trailbook.capture.declarations import Columns, Declared, Tracked, check_declared
from trailbook.capture.outbox import install_outbox
from trailbook.capture.trigger_sqlite import keys_of
from trailbook.capture.triggers import check_triggers, install_triggers
from trailbook.errors import ConfigurationError

# Each has the columns id, mail, code and more, and the key `id`.
TABLES = {
    "an integer as key": "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT UNIQUE, code INT, more TEXT)",
    "a text as key": "CREATE TABLE t (id TEXT PRIMARY KEY, mail TEXT, code INT, more TEXT, UNIQUE (mail, code))",
    "without rowid": "CREATE TABLE t (id TEXT PRIMARY KEY, mail TEXT UNIQUE, code INT, more TEXT) WITHOUT ROWID",
    "a key that knows no case": "CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY, mail TEXT, code INT, more TEXT)",
    "an index of some rows": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, code INT, more TEXT);"
        "CREATE UNIQUE INDEX i ON t (mail) WHERE code > 1"
    ),
    "an index of an expression": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, code INT, more TEXT);"
        "CREATE UNIQUE INDEX i ON t (code DESC, lower(substr(mail, 1, 1)) COLLATE NOCASE ASC)"
    ),
    "a default where none may be missing": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT NOT NULL DEFAULT 'a' UNIQUE, code INT, more TEXT)"
    ),
    "replaced without asking": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, mail TEXT UNIQUE ON CONFLICT REPLACE,"
        " code INT UNIQUE ON CONFLICT IGNORE, more TEXT)"
    ),
    "rows of rows": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT UNIQUE, code INT REFERENCES t ON DELETE CASCADE"
        " ON UPDATE CASCADE, more TEXT)"
    ),
    "names that are taken": (
        'CREATE TABLE t (id TEXT PRIMARY KEY, mail TEXT UNIQUE, code INT, more TEXT, "rowid" TEXT, "o id" TEXT UNIQUE)'
    ),
    "a trigger of the host's own": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT UNIQUE, code INT, more TEXT);"
        "CREATE TRIGGER own BEFORE INSERT ON t WHEN NEW.code = 2 BEGIN DELETE FROM t WHERE mail = NEW.mail; END;"
        "CREATE TRIGGER not_this BEFORE INSERT ON t WHEN NEW.code = 3 BEGIN SELECT RAISE(IGNORE); END"
    ),
}
REFUSED = {
    "no key": "CREATE TABLE t (id INTEGER UNIQUE, mail TEXT, code INT, more TEXT)",
    "a key of five": "CREATE TABLE t (id, mail, code, more, e, PRIMARY KEY (id, mail, code, more, e))",
    "a column that is made of others": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, code INT, more TEXT,"
        " both TEXT GENERATED ALWAYS AS (mail || code) VIRTUAL UNIQUE)"
    ),
    "an expression beside such a column": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, code INT, more TEXT, both TEXT AS (mail || code));"
        "CREATE UNIQUE INDEX i ON t (lower(both))"
    ),
}
ORACLE = """
CREATE TABLE seen (action TEXT, id TEXT);
CREATE TRIGGER seen_created AFTER INSERT ON t BEGIN INSERT INTO seen VALUES ('user.created', NEW.id); END;
CREATE TRIGGER seen_deleted AFTER DELETE ON t BEGIN INSERT INTO seen VALUES ('user.deleted', OLD.id); END;
CREATE TRIGGER seen_updated AFTER UPDATE ON t BEGIN
  INSERT INTO seen SELECT 'user.deleted', OLD.id WHERE OLD.id IS NOT NEW.id COLLATE BINARY;
  INSERT INTO seen SELECT 'user.created', NEW.id WHERE OLD.id IS NOT NEW.id COLLATE BINARY;
  INSERT INTO seen SELECT 'user.profile_updated', NEW.id WHERE OLD.id IS NEW.id COLLATE BINARY
    AND (OLD.mail IS NOT NEW.mail OR OLD.code IS NOT NEW.code);
END;
"""
COLUMNS = {name: name for name in ("id", "mail", "code", "more")}
Library = Literal["sqlite3", "apsw"]


class Plain:
    """A connection past every framework, of either library."""

    engine: Literal["sqlite"] = "sqlite"

    def __init__(self, library: Library, *, recursive: bool) -> None:
        self.library = library
        self._driver: Any = (
            sqlite3.connect(":memory:", isolation_level=None)
            if library == "sqlite3"
            else apsw.Connection(":memory:")
        )
        self.execute(f"PRAGMA recursive_triggers = {int(recursive)}")
        self.execute("PRAGMA foreign_keys = ON")

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Answer:
        """Execute a statement."""
        cursor = self._driver.cursor()
        cursor.execute(statement, tuple(parameters))
        return Answer(list(cursor), -1)

    def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute it for each row."""
        for row in rows:
            self.execute(statement, row)

    def run(self, script: str) -> None:
        """Execute several statements."""
        self._driver.executescript(script) if self.library == "sqlite3" else self._driver.execute(script)

    def tried(self, statement: str) -> bool:
        """Whether a statement of the host's was taken."""
        try:
            self.execute(statement)
        except (sqlite3.IntegrityError, apsw.ConstraintError):
            return False
        return True


def tracked(**more: Any) -> Tracked:
    declared: dict[str, Any] = {"type": "user", "name": "mail", "actions": USER_ACTIONS, "ignore": ["more"]}
    columns = Columns(table="t", key=("id",), columns=COLUMNS)
    return check_declared(CATALOGUE, columns, Declared(by="triggers", **{**declared, **more}))


def covered(library: Library, table: str, *, recursive: bool, **more: Any) -> Plain:
    """A database with a table that triggers cover."""
    host = Plain(library, recursive=recursive)
    host.run(table)
    install_outbox(host)
    install_triggers(host, [tracked(**more)], "acme")
    return host


def captured(host: Plain) -> list[tuple[str, str]]:
    """The action and the id of each entry, in order, and no longer there."""
    asked = "SELECT entry ->> '$.action', entry ->> '$.target.id' FROM trailbook_outbox ORDER BY position"
    entries: list[tuple[str, str]] = host.execute(asked).rows
    host.execute("DELETE FROM trailbook_outbox")
    return entries


def oracle(table: str) -> Plain:
    """A database that says by itself what went and what came."""
    host = Plain("sqlite3", recursive=True)
    host.run(table)
    host.run(ORACLE)
    return host


def seen(host: Plain) -> list[tuple[str, str]]:
    """What the oracle says, and no longer."""
    entries: list[tuple[str, str]] = host.execute("SELECT action, id FROM seen ORDER BY rowid").rows
    host.execute("DELETE FROM seen")
    return entries


IDS, MAILS, CODES = ("1", "2", "3", "'1'"), ("'a'", "'b'", "'A'", "'ab'", "NULL"), ("1", "2", "3", "NULL")
OR = st.sampled_from(
    ["", "OR REPLACE ", "OR REPLACE ", "OR IGNORE ", "OR ABORT ", "OR FAIL ", "OR ROLLBACK "]
)
TAILS = st.sampled_from(
    ["", "", "ON CONFLICT DO NOTHING", "ON CONFLICT (id) DO UPDATE SET mail = excluded.mail"]
)
VALUES = st.tuples(*map(st.sampled_from, (IDS, MAILS, CODES))).map(lambda row: f"({', '.join(row)})")


@st.composite
def writes(draw: st.DrawFn) -> str:
    """A statement that writes to `t`, such as each client may send."""
    kind = draw(st.sampled_from(["INSERT", "INSERT", "REPLACE", "UPDATE", "UPDATE", "DELETE", "COPY"]))
    column = draw(st.sampled_from([("id", IDS), ("mail", MAILS), ("code", CODES), ("more", MAILS)]))
    value = f"{column[0]} = {draw(st.sampled_from(column[1]))}"
    where = draw(st.sampled_from(["", " WHERE id = 1", " WHERE mail = 'a'", " WHERE code > 1"]))
    if kind == "UPDATE":
        more = draw(st.sampled_from([value, "id = id + 1", f"{value}, code = code + 1"]))
        return f"UPDATE {draw(OR)}t SET {more}{where}"
    if kind == "DELETE":
        return f"DELETE FROM t{where}"
    if kind == "COPY":
        return f"INSERT {draw(OR)}INTO t (id, mail, code) SELECT id + 1, mail, code FROM t{where}"
    rows = ", ".join(draw(st.lists(VALUES, min_size=1, max_size=3)))
    if kind == "REPLACE":
        return f"REPLACE INTO t (id, mail, code) VALUES {rows}"
    return f"INSERT {draw(OR)}INTO t (id, mail, code) VALUES {rows} {draw(TAILS)}"


@pytest.mark.parametrize("recursive", [False, True], ids=["", "recursive"])
@pytest.mark.parametrize("library", ["sqlite3", "apsw"])
@given(table=st.sampled_from(sorted(TABLES)), statements=st.lists(writes(), min_size=1, max_size=8))
@example(
    "an integer as key",
    ["INSERT INTO t (id, mail) VALUES (1, 'a')", "REPLACE INTO t (id, mail) VALUES (2, 'a')"],
)
@example(
    "rows of rows",  # a row that goes with the one whose place it takes
    [
        "INSERT INTO t (id, mail, code) VALUES (2, 'b', 2), (1, 'a', 2)",
        "UPDATE OR REPLACE t SET id = id + 1",
        "INSERT INTO t (id) VALUES (2)",
        "DELETE FROM t",
    ],
)
@settings(max_examples=amount(60, 600, 6000), deadline=None)
def test_what_replace_removes_is_captured_once(
    library: Library, recursive: bool, table: str, statements: list[str]
) -> None:
    """Of every statement each fact that the oracle saw is captured, none twice and no other."""
    host, other = covered(library, TABLES[table], recursive=recursive), oracle(TABLES[table])
    for statement in statements:
        assert host.tried(statement) == other.tried(statement), statement
        assert sorted(captured(host)) == sorted(seen(other)), statement
    rows = "SELECT id, mail, code FROM t ORDER BY 1, 2, 3"
    assert host.execute(rows).rows == other.execute(rows).rows


def test_control_without_the_notes_a_row_is_missed() -> None:
    """Negative control: triggers that do not look before a write miss what REPLACE removes; silence is asked for."""
    host = covered("sqlite3", TABLES["an integer as key"], recursive=False)
    host.execute("INSERT INTO t (id, mail) VALUES (1, 'a')")
    host.execute("DROP TRIGGER trailbook_t_before_created")
    host.execute("REPLACE INTO t (id, mail) VALUES (2, 'a')")
    assert captured(host) == [("user.created", "1"), ("user.created", "2")]
    silent = {**USER_ACTIONS, "deleted": None}
    host = covered("sqlite3", TABLES["an integer as key"], recursive=False, actions=silent)
    host.run("INSERT INTO t (id) VALUES (1); REPLACE INTO t (id) VALUES (1); DELETE FROM t")
    assert captured(host) == [("user.created", "1")] * 2


@pytest.mark.parametrize("name", REFUSED)
def test_rows_that_cannot_be_told_apart_are_refused(name: str) -> None:
    """With the table's name and what to do; the control: where no deletion is recorded none can be missed."""
    with pytest.raises(ConfigurationError, match=r"track\(t\): by: the table has .* cover it with hooks"):
        covered("sqlite3", REFUSED[name], recursive=False)
    host = covered("sqlite3", REFUSED[name], recursive=False, actions={**USER_ACTIONS, "deleted": None})
    host.execute("INSERT INTO t (id, mail, code, more) VALUES (1, 'a', 1, 'x')")
    assert captured(host) == [("user.created", "1")]


def test_a_unique_index_that_came_later_is_noticed() -> None:
    """The triggers are compared with the keys that the table has now; installing again mends them."""
    host, table = covered("sqlite3", TABLES["an integer as key"], recursive=False), tracked()
    assert check_triggers(host, [table], "acme") == []
    host.execute("CREATE UNIQUE INDEX later ON t (code)")
    assert {spot.code for spot in check_triggers(host, [table], "acme")} == {"trigger-differs"}
    install_triggers(host, [table], "acme")
    assert check_triggers(host, [table], "acme") == []
    host.run("INSERT INTO t (id, code) VALUES (1, 5); REPLACE INTO t (id, code) VALUES (2, 5)")
    assert captured(host) == [("user.created", "1"), ("user.deleted", "1"), ("user.created", "2")]


def test_what_was_noted_is_gone_with_the_row() -> None:
    """A statement that is ignored leaves a note of a name, which goes with its row at the latest."""
    host = covered("sqlite3", TABLES["an integer as key"], recursive=False)
    host.run(
        "INSERT INTO t (id, mail) VALUES (1, 'Anna'); INSERT OR IGNORE INTO t (id, mail) VALUES (2, 'Anna')"
    )
    assert "Anna" in str(host.execute("SELECT entry FROM trailbook_replaced").rows)
    host.execute("DELETE FROM t")
    assert host.execute("SELECT entry FROM trailbook_replaced").rows == []


def test_no_table_no_keys() -> None:
    """Of a table that is not there nothing is known; the database itself says so when its triggers are made."""
    host = Plain("sqlite3", recursive=False)
    assert keys_of(host, tracked()) is None
