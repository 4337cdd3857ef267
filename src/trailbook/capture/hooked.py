"""What a database itself has on the tables that hooks cover, looked at when capture is installed.

Owns that a table which removes rows by itself is refused, and that triggers of an earlier declaration go, or each
change would be recorded twice. Refuses to look at a table that is not there yet.
"""

from collections.abc import Iterable

from trailbook.capture.database import HostConnection
from trailbook.capture.declarations import Located
from trailbook.capture.sql_tokens import tokens_of
from trailbook.capture.trigger_sql import quoted
from trailbook.capture.triggers import drop_triggers, is_there
from trailbook.errors import ConfigurationError, UncapturedWriteError

_REPLACE = ("on", "conflict", "replace")


def take_over(connection: HostConnection, hooked: Iterable[Located]) -> list[str]:
    """Drop what of our triggers is on tables that hooks cover now; their names."""
    names = []
    for table in hooked:
        if is_there(connection, table):
            names += drop_triggers(connection, table)
    return names


def demand_kept(connection: HostConnection, tables: Iterable[Located]) -> None:
    """Refuse tables of SQLite that REPLACE rows by themselves. Raises: ConfigurationError.

    What such a table removes when another row is written no hook is told of.
    """
    if connection.engine != "sqlite":
        return
    files = {name.casefold() for (name,) in connection.execute("SELECT name FROM pragma_database_list").rows}
    for table in tables:
        file = (table.schema or "main").casefold()
        if file not in files:
            continue
        asked = (
            f"SELECT sql FROM {quoted(file)}.sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
        )
        for (declared,) in connection.execute(asked, (table.bare,)).rows:
            if _replaces(declared):
                raise replacing(table.bare)


def replacing(table: str) -> ConfigurationError:
    """A table that REPLACEs by itself, to be raised."""
    return ConfigurationError(
        f"track({table}): by: it is declared with ON CONFLICT REPLACE, so that a plain INSERT or UPDATE removes other"
        ' rows, which hooks cannot see: use triggers (by="triggers")'
    )


def _replaces(declared: str | None) -> bool:
    """Whether a CREATE TABLE says ON CONFLICT REPLACE; one that cannot be read may."""
    try:
        words = [token.text if token.kind == "word" else "" for token in tokens_of("sqlite", declared or "")]
    except UncapturedWriteError:
        return "replace" in (declared or "").casefold()
    return _REPLACE in zip(words, words[1:], words[2:], strict=False)
