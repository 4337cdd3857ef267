"""The host's database: one form for whatever library the host uses, and none of them imported before it is needed."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import Engine

from trailbook.capture.database import Answer, HostDatabase, connection_of, database_of, in_style, supported
from trailbook.errors import ConfigurationError, NotFoundError

# What a host without SQLAlchemy imports of capture; the import of SQLAlchemy fails there.
WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sqlalchemy":
            raise ImportError("there is no sqlalchemy here")
sys.meta_path.insert(0, Absent())
from importlib import import_module
for name in sys.argv[1:]:
    import_module("trailbook.capture." + name)
from trailbook.capture import Ref, acting_as, drain, install_outbox, install_triggers
"""
ROOMS = "outbox outbox_drain triggers recorder declarations meaning folding actor database entries blindspots"


def imported(*names: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WITHOUT, *names]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_a_host_without_sqlalchemy_has_the_outbox_and_the_drain() -> None:
    """The control: where SQLAlchemy's room is asked for it is missed."""
    assert imported(*ROOMS.split()).stderr == ""
    assert "there is no sqlalchemy here" in imported("sqlalchemy.capture").stderr


@pytest.mark.parametrize(
    ("style", "driver"),
    [
        ("qmark", "SELECT '%', ?, ?"),
        ("numeric_dollar", "SELECT '%', $1, $2"),
        ("pyformat", "SELECT '%%', %s, %s"),
        ("format", "SELECT '%%', %s, %s"),
    ],
)
def test_parameters_in_each_drivers_style(style: str, driver: str) -> None:
    assert in_style(style, "SELECT '%', ?, ?") == driver


def test_a_statement_is_answered_alike_on_both(engine: Engine) -> None:
    """Rows and how many were touched; a transaction that fails leaves nothing; `?` and `%` stand without parameters."""
    database = database_of(engine)
    assert database_of(database) is database
    with database.begin() as connection:
        assert connection_of(connection) is connection
        assert connection.engine == database.engine == engine.dialect.name
        connection.execute("CREATE TABLE t (n INTEGER, s TEXT)")
        connection.execute_many("INSERT INTO t (n, s) VALUES (?, ?)", [(1, "a%"), (2, "b"), (3, "c")])
        assert connection.execute("UPDATE t SET s = ? WHERE n > ?", ("x", 1)) == Answer([], 2)
    with pytest.raises(NotFoundError):
        delete_and_fail(database)
    with database.connect() as connection:
        assert connection.execute("SELECT n, s FROM t WHERE s LIKE 'a%'").rows == [(1, "a%")]
        assert connection.execute("SELECT n FROM t WHERE s LIKE 'a%' AND n = ?", (1,)).rows == [(1,)]
        assert connection.execute("SELECT count(*), '?' FROM t").rows == [(3, "?")]


def delete_and_fail(database: HostDatabase) -> None:
    with database.begin() as connection:
        assert connection.execute("DELETE FROM t").count == 3
        raise NotFoundError("never")


def test_other_databases_are_refused() -> None:
    """Only SQLite and PostgreSQL have an outbox: any other is refused at once."""
    assert [supported(name) for name in ("sqlite", "postgresql")] == ["sqlite", "postgresql"]
    with pytest.raises(ConfigurationError, match="mysql"):
        supported("mysql")
