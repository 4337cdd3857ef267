"""Triggers: a table's declaration as SQL, so that the database itself captures every client's writes.

Owns that they are made, compared and taken away, and the context through which a host says who acts in its
transaction. Without one the actor is the database's own user. Refuses declarations with callables: a database cannot
call them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import structs

from trailbook.capture import trigger_postgresql, trigger_sqlite
from trailbook.capture.actor import as_text, current
from trailbook.capture.blindspots import Blindspot
from trailbook.capture.database import HostConnection, connection_of
from trailbook.capture.declarations import NO_CALLABLES, Located, Tracked
from trailbook.capture.relatives import Relative, relatives
from trailbook.capture.sql_tables import table_name
from trailbook.capture.trigger_sql import Trigger, place_of, quoted
from trailbook.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SETTING = "trailbook.acting"
_ACTIVE = " AND t.tgenabled IN ('O', 'A')"
# But for those that a database makes of others.
_COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0",
    "postgresql": "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0"
    " AND NOT attisdropped AND attgenerated = ''",
}


class Transaction(Protocol):
    """What a framework's room remembers of a running transaction for `announce`, and forgets with its end.

    After a rollback to a savepoint `announced` is None again. Where `context` is set `trigger_sqlite.NOBODY` is
    executed before the commit.
    """

    announced: str | None
    context: bool


def install_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[str]:
    """Make the triggers anew in the connection's transaction; their names. Others of ours on these tables go.

    Raises: ConfigurationError for a callable in a declaration, an organisation that only rows name, or a table of
    SQLite in another file or without a primary key.
    """
    host = connection_of(connection)
    declared = _declared(host, tables, org)
    for statement in (
        (*trigger_sqlite.TABLES, trigger_sqlite.FORGET) if host.engine == "sqlite" and declared else ()
    ):
        host.execute(statement)
    for tracked, _ in declared:
        drop_triggers(host, tracked)
    for trigger in (each for _, triggers in declared for each in triggers):
        if host.engine == "sqlite":  # where it may be on another table, which had this name
            host.execute(f"DROP TRIGGER IF EXISTS {quoted(trigger.name)}")
        for statement in trigger.statements:
            host.execute(statement)
    for tracked, triggers in declared:
        for relative in _holding(host, tracked, [each for each, _ in declared]):
            for statement in trigger_postgresql.further(triggers, tracked, relative):
                host.execute(statement)
    return [trigger.name for _, triggers in declared for trigger in triggers]


def remove_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[str]:
    """Drop the triggers of these tables; their names. Raises: ConfigurationError, as `install_triggers`."""
    host = connection_of(connection)
    return [name for tracked, _ in _declared(host, tables, org) for name in drop_triggers(host, tracked)]


def check_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[Blindspot]:
    """Which triggers are missing, or are not those of the declarations and of the database's keys any more.

    Raises: ConfigurationError, as `install_triggers`.
    """
    host = connection_of(connection)
    declared = _declared(host, tables, org)
    spots = [spot for tracked, each in declared for spot in _check(host, tracked, each)]
    for tracked, each in declared:
        for relative in _holding(host, tracked, [other for other, _ in declared]):
            spots += _lacking(host, tracked, trigger_postgresql.due(each, relative), relative=relative)
    return spots


def _check(host: HostConnection, tracked: Tracked, declared: list[Trigger]) -> Iterator[Blindspot]:
    bodies = installed_triggers(host, tracked)
    for trigger in declared:
        body = bodies.pop(trigger.name, None)
        if body is None:
            yield Blindspot(tracked.table, "trigger-missing", f"{trigger.name} is not there")
        elif _flat(body) not in _flat(trigger.statements[0]):
            yield Blindspot(tracked.table, "trigger-differs", f"{trigger.name} is not as declared")
    for name in bodies:
        yield Blindspot(tracked.table, "trigger-differs", f"{name} is there, and not declared")


def _lacking(
    connection: HostConnection, tracked: Tracked, due: Sequence[Trigger], *, relative: Relative
) -> Iterator[Blindspot]:
    there = set(_names(connection, relative.place, _ACTIVE))
    for name in sorted({each.name for each in due} - there):
        detail = f"{name} is not there on {relative.table}, which holds rows of it"
        yield Blindspot(tracked.table, "trigger-missing", detail)


def _holding(connection: HostConnection, table: Located, declared: Sequence[Tracked] = ()) -> list[Relative]:
    """The partitions of a table and those that inherit from it, without such as are declared themselves."""
    if connection.engine == "sqlite":
        return []
    own = [table_name(each.bare, each.schema) for each in declared]
    near = relatives(connection, place_of(table))
    return [each for each in near if each.kin != "other" and not any(n.covers(each.name) for n in own)]


def announce(
    connection: HostConnection, running: Transaction, name: Callable[[], str | None], *, job: str | None
) -> None:
    """Tell the database who acts in this transaction, where it does not know yet; `name` is asked on SQLite."""
    text = as_text(current(job))
    if running.announced == text:
        return
    if connection.engine == "sqlite":
        if not trigger_sqlite.announce(connection, name(), text):
            return
        running.context = True
    else:
        connection.execute("SELECT set_config(?, ?, true)", (_SETTING, text))
    running.announced = text


def installed_triggers(
    connection: HostConnection, of: Located | None = None, *, active: bool = True
) -> dict[str, str]:
    """The triggers of a database, or of a table, that are ours, by name, each with what it does.

    Those that are `active` only, which all are of SQLite.
    """
    if connection.engine == "sqlite":
        ours = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'trailbook~_%' ESCAPE '~'"
        there, table = " AND tbl_name = ? COLLATE NOCASE", of and of.bare
    else:
        ours = (
            "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            f" WHERE left(t.tgname, 10) = 'trailbook_'{_ACTIVE if active else ''}"
        )
        there, table = " AND t.tgrelid = to_regclass(?)", of and place_of(of)
    answer = connection.execute(ours) if table is None else connection.execute(ours + there, (table,))
    return dict(sorted(answer.rows))


def drop_triggers(connection: HostConnection, table: Located) -> list[str]:
    """Drop what of ours is on a table, of an earlier declaration too; the names."""
    names = list(installed_triggers(connection, table, active=False))
    place = "" if connection.engine == "sqlite" else f" ON {place_of(table)}"
    for name in names:
        connection.execute(f"DROP TRIGGER {quoted(name)}{place}")
    for relative in _holding(connection, table):
        for name in set(names) & set(_names(connection, relative.place)):
            connection.execute(f"DROP TRIGGER {quoted(name)} ON {relative.place}")
    return names


def is_there(connection: HostConnection, table: Located) -> bool:
    """Whether a database has a table, whose triggers can be made then."""
    if connection.engine == "sqlite":
        asked, name = (
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE",
            table.bare,
        )
    else:
        asked, name = "SELECT 1 WHERE to_regclass(?) IS NOT NULL", place_of(table)
    return bool(connection.execute(asked, (name,)).rows)


def _declared(
    connection: HostConnection, tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[tuple[Tracked, list[Trigger]]]:
    """The triggers of each table as its database needs them."""
    some = list(tables)
    if some and not isinstance(org, str):
        raise ConfigurationError("capture: triggers need an organisation that is a name")
    for tracked in some:
        if tracked.has_callables:
            raise ConfigurationError(f"track({tracked.table}): by: {NO_CALLABLES}")
    some = [_whole(connection, each) for each in some]
    if connection.engine == "sqlite":
        return [(each, trigger_sqlite.triggers_of(connection, each, str(org))) for each in some]
    schema = _schema(connection) if some else ""
    return [(each, trigger_postgresql.triggers_of(each, str(org), schema)) for each in some]


def _whole(connection: HostConnection, tracked: Tracked) -> Tracked:
    """A declaration with the columns that its table has and no attribute names: another class may write them."""
    is_sqlite = connection.engine == "sqlite"
    place = tracked.bare if is_sqlite else place_of(tracked)
    names = [str(name) for (name,) in connection.execute(_COLUMNS[connection.engine], (place,)).rows]
    # SQLite takes small and capital letters for the same, those of ASCII.
    folded: Callable[[str], bytes] = (lambda name: name.encode().lower()) if is_sqlite else str.encode
    named = set(map(folded, tracked.columns.values()))
    return structs.replace(tracked, rest=frozenset(name for name in names if folded(name) not in named))


def _schema(connection: HostConnection) -> str:
    """The schema in which the outbox is, or would be."""
    where = (
        "SELECT coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = to_regclass('trailbook_outbox')), current_schema())"
    )
    return str(connection.execute(where).rows[0][0])


def _names(connection: HostConnection, place: str, which: str = " AND t.tgparentid = 0") -> list[str]:
    """The triggers of a table of PostgreSQL that are ours, not those that a partition has of its table's own."""
    ours = "SELECT t.tgname FROM pg_trigger t WHERE left(t.tgname, 10) = 'trailbook_' AND t.tgrelid = to_regclass(?)"
    return [str(name) for (name,) in connection.execute(ours + which, (place,)).rows]


def _flat(statement: str) -> str:
    return " ".join(statement.split())
