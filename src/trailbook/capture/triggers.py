"""Triggers: a table's declaration as SQL, so that the database itself captures every client's writes.

Owns that they are made, compared and taken away, and the context through which a host says who acts in its
transaction. Without one the actor is the database's own user. Refuses declarations with callables: a database cannot
call them.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from trailbook.capture import trigger_postgresql, trigger_sqlite
from trailbook.capture.actor import as_text, current
from trailbook.capture.blindspots import Blindspot
from trailbook.capture.database import HostConnection, connection_of
from trailbook.capture.declarations import NO_CALLABLES, Tracked
from trailbook.capture.trigger_sql import Trigger, quoted
from trailbook.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SETTING = "trailbook.acting"


class Transaction(Protocol):
    """What a framework's room remembers of a running transaction for `announce`, and forgets with its end.

    After a rollback to a savepoint `announced` is None again. Where `context` is set the row of `trailbook_context` is
    deleted before the commit.
    """

    announced: str | None
    context: bool


def triggers(
    connection: HostConnection, tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[Trigger]:
    """The triggers of tables as a database needs them.

    Raises: ConfigurationError for a callable in a declaration, an organisation that only rows name, or a table of
    SQLite without a primary key.
    """
    some = list(tables)
    if some and not isinstance(org, str):
        raise ConfigurationError("capture: triggers need an organisation that is a name")
    for tracked in some:
        if tracked.has_callables:
            raise ConfigurationError(f"track({tracked.table}): by: {NO_CALLABLES}")
    if connection.engine == "sqlite":
        made = [trigger_sqlite.triggers_of(connection, each, str(org)) for each in some]
    else:
        schema = _schema(connection) if some else ""
        made = [trigger_postgresql.triggers_of(each, str(org), schema) for each in some]
    return [trigger for each in made for trigger in each]


def install_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[str]:
    """Make the triggers anew in the connection's transaction; their names.

    Raises: ConfigurationError, as `triggers`.
    """
    host = connection_of(connection)
    declared = triggers(host, tables, org)
    for statement in (
        (*trigger_sqlite.TABLES, trigger_sqlite.FORGET) if host.engine == "sqlite" and declared else ()
    ):
        host.execute(statement)
    for trigger in declared:
        host.execute(_drop(host, trigger))
        for statement in trigger.statements:
            host.execute(statement)
    return [trigger.name for trigger in declared]


def remove_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[str]:
    """Drop the triggers of these tables; their names. Raises: ConfigurationError, as `triggers`."""
    host = connection_of(connection)
    declared = triggers(host, tables, org)
    for trigger in declared:
        host.execute(_drop(host, trigger))
    return [trigger.name for trigger in declared]


def check_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[Blindspot]:
    """Which triggers are missing, or are not those of the declarations and of the database's keys any more.

    Raises: ConfigurationError, as `triggers`.
    """
    host = connection_of(connection)
    bodies = installed_triggers(host)
    blindspots = []
    for trigger in triggers(host, tables, org):
        body = bodies.get(trigger.name)
        if body is None:
            blindspots.append(Blindspot(trigger.table, "trigger-missing", f"{trigger.name} is not there"))
        elif _flat(body) not in _flat(trigger.statements[0]):
            blindspots.append(
                Blindspot(trigger.table, "trigger-differs", f"{trigger.name} is not as declared")
            )
    return blindspots


def announce(
    connection: HostConnection, running: Transaction, name: Callable[[], str | None], *, job: str | None
) -> None:
    """Tell the database who acts in this transaction, where it does not know yet; `name` is asked on SQLite."""
    text = as_text(current(job))
    if running.announced == text:
        return
    running.announced = text
    if connection.engine == "sqlite":
        connection.execute(trigger_sqlite.FORGET)
        put = "INSERT OR REPLACE INTO trailbook_context (one, tx, acting) VALUES (1, ?, ?)"
        connection.execute(put, (name(), text))
        running.context = True
    else:
        connection.execute("SELECT set_config(?, ?, true)", (_SETTING, text))


def installed_triggers(connection: HostConnection) -> dict[str, str]:
    """The triggers of a database that are ours and not switched off, by name, each with what it does."""
    if connection.engine == "sqlite":
        ours = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'trailbook~_%' ESCAPE '~'"
    else:
        ours = (
            "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE left(t.tgname, 10) = 'trailbook_' AND t.tgenabled IN ('O', 'A')"
        )
    return dict(connection.execute(ours).rows)


def _schema(connection: HostConnection) -> str:
    """The schema in which the outbox is, or would be."""
    where = (
        "SELECT coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = to_regclass('trailbook_outbox')), current_schema())"
    )
    return str(connection.execute(where).rows[0][0])


def _drop(connection: HostConnection, trigger: Trigger) -> str:
    table = "" if connection.engine == "sqlite" else f" ON {quoted(trigger.table)}"
    return f'DROP TRIGGER IF EXISTS "{trigger.name}"{table}'


def _flat(statement: str) -> str:
    return " ".join(statement.split())
