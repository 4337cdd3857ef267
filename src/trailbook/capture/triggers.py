"""Triggers: a table's declaration as SQL, so that the database itself captures every client's writes.

Owns the SQL for SQLite and PostgreSQL, and the context through which a host says who acts in its transaction. Without
one the actor is the database's own user. Refuses declarations with callables: a database cannot call them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from trailbook.capture.actor import as_text, current
from trailbook.capture.blindspots import Blindspot
from trailbook.capture.database import HostConnection, connection_of
from trailbook.capture.declarations import OPS, Op, Ref, Tracked
from trailbook.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CONTEXT = """CREATE TABLE IF NOT EXISTS trailbook_context (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  tx TEXT NOT NULL,
  acting TEXT NOT NULL
) STRICT"""
_EVENTS = {"created": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}
_SETTING = "trailbook.acting"
_SQLITE_ID = (
    "substr(printf('%012x', CAST(strftime('%s', 'now') AS INTEGER) * 1000), 1, 8) || '-' ||"
    " substr(printf('%012x', CAST(strftime('%s', 'now') AS INTEGER) * 1000), 9, 4) || '-7' ||"
    " substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) ||"
    " substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6)))"
)
_POSTGRES_ID = (
    "encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing"
    " substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)"
    " from 1 for 6), 52, 1), 53, 1), 'hex')::uuid"
)


class Transaction(Protocol):
    """What a framework's room remembers of a running transaction for `announce`, and forgets with its end.

    After a rollback to a savepoint `announced` is None again. Where `context` is set the row of `trailbook_context` is
    deleted before the commit.
    """

    announced: str | None
    context: bool


class Trigger(Struct, frozen=True):
    """A trigger: its name, its table, and the statements that make it."""

    name: str
    table: str
    statements: tuple[str, ...]


def triggers(dialect: str, tracked: Tracked, org: str | Callable[[Any], str]) -> list[Trigger]:
    """The triggers of a table, one for each kind of change that has an action.

    Raises: ConfigurationError for a callable in the declaration, or an organisation that only rows name.
    """
    if not isinstance(org, str):
        raise ConfigurationError("capture: triggers need an organisation that is a name")
    parts = [tracked.id, tracked.name, tracked.hint]
    for ref in tracked.concerns.values():
        parts += [ref.id, ref.name, ref.hint] if isinstance(ref, Ref) else [ref]
    if any(callable(part) for part in parts):
        raise ConfigurationError(f"track({tracked.table}): triggers cannot call a callable; name attributes")
    trigger_of = _sqlite if dialect == "sqlite" else _postgresql
    return [trigger_of(tracked, op, org) for op in OPS if tracked.actions[op] is not None]


def _declared(dialect: str, tables: Iterable[Tracked], org: str | Callable[[Any], str]) -> list[Trigger]:
    return [trigger for tracked in tables for trigger in triggers(dialect, tracked, org)]


def install_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[str]:
    """Make the triggers anew in the connection's transaction; their names.

    Raises: ConfigurationError, as `triggers`.
    """
    host = connection_of(connection)
    dialect = host.engine
    declared = _declared(dialect, tables, org)
    if dialect == "sqlite" and declared:
        host.execute(_CONTEXT)
    for trigger in declared:
        host.execute(_drop(dialect, trigger))
        for statement in trigger.statements:
            host.execute(statement)
    return [trigger.name for trigger in declared]


def remove_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[str]:
    """Drop the triggers of these tables; their names. Raises: ConfigurationError, as `triggers`."""
    host = connection_of(connection)
    dialect = host.engine
    declared = _declared(dialect, tables, org)
    for trigger in declared:
        host.execute(_drop(dialect, trigger))
    return [trigger.name for trigger in declared]


def check_triggers(
    connection: "HostConnection | Connection", tables: Iterable[Tracked], org: str | Callable[[Any], str]
) -> list[Blindspot]:
    """Which triggers are missing, or are not those of the declarations any more.

    Raises: ConfigurationError, as `triggers`.
    """
    host = connection_of(connection)
    dialect = host.engine
    bodies = _installed(host)
    blindspots = []
    for trigger in _declared(dialect, tables, org):
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
        put = "INSERT OR REPLACE INTO trailbook_context (one, tx, acting) VALUES (1, ?, ?)"
        connection.execute(put, (name(), text))
        running.context = True
    else:
        connection.execute("SELECT set_config(?, ?, true)", (_SETTING, text))


def _installed(connection: HostConnection) -> dict[str, str]:
    """The triggers of a database that are ours, by name, each with what it does."""
    if connection.engine == "sqlite":
        ours = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'trailbook~_%' ESCAPE '~'"
    else:
        ours = (
            "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE left(t.tgname, 10) = 'trailbook_'"
        )
    return dict(connection.execute(ours).rows)


def _drop(dialect: str, trigger: Trigger) -> str:
    table = "" if dialect == "sqlite" else f" ON {_quoted(trigger.table)}"
    return f'DROP TRIGGER IF EXISTS "{trigger.name}"{table}'


def _sqlite(tracked: Tracked, op: Op, org: str) -> Trigger:
    row, name = _row(op), _named(tracked, op)
    fields = ""
    if op == "updated" and tracked.fields:
        some = " UNION ALL ".join(
            f"SELECT {_text(field)} AS f WHERE OLD.{column} IS NOT NEW.{column}"
            for field, column in _fields(tracked)
        )
        fields = f", 'fields', (SELECT json_group_array(f) FROM ({some}))"
    entry = (
        f"json_patch(json_object('id', {_SQLITE_ID}, 'action', {_text(str(tracked.actions[op]))},"
        " 'occurred_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),"
        f" 'target', {_item(tracked, row, _json_object)}{_sqlite_concerns(tracked, row)}{fields}),"
        " coalesce((SELECT acting FROM trailbook_context),"
        ' \'{"actor":{"kind":"system","type":"system","id":"database","name":"Database"},'
        '"origin":{"interface":"database"}}\'))'
    )
    trigger = (
        f'CREATE TRIGGER "{name}" AFTER {_EVENTS[op]} ON {_quoted(tracked.table)} FOR EACH ROW'
        f"{_when(tracked, op)} BEGIN"
        " INSERT INTO trailbook_outbox (org, op, captured_at, entry, tx) VALUES"
        f" ({_text(org)}, '{op}', CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER), {entry},"
        " (SELECT tx FROM trailbook_context)); END"
    )
    return Trigger(name, tracked.table, (trigger,))


def _postgresql(tracked: Tracked, op: Op, org: str) -> Trigger:
    row, name = _row(op), _named(tracked, op)
    fields = ""
    if op == "updated" and tracked.fields:
        some = ", ".join(
            f"CASE WHEN OLD.{column} IS DISTINCT FROM NEW.{column} THEN {_text(field)} END"
            for field, column in _fields(tracked)
        )
        fields = f", 'fields', to_jsonb(array_remove(ARRAY[{some}]::text[], NULL))"
    stamp = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    body = (
        "BEGIN INSERT INTO trailbook_outbox (org, op, captured_at, entry) VALUES"
        f" ({_text(org)}, '{op}', floor(extract(epoch from clock_timestamp()) * 1000000)::bigint,"
        f" (jsonb_build_object('id', {_POSTGRES_ID}, 'action', {_text(str(tracked.actions[op]))},"
        f" 'occurred_at', {stamp}, 'target', {_item(tracked, row, _jsonb_object)}"
        f"{_postgresql_concerns(tracked, row)}{fields}) ||"
        " coalesce(nullif(current_setting('trailbook.acting', true), '')::jsonb, jsonb_build_object('actor',"
        " jsonb_build_object('kind', 'system', 'type', 'system', 'id', 'database/' || session_user, 'name',"
        " 'Database user ' || session_user), 'origin', jsonb_build_object('interface', 'database'))))::text);"
        " RETURN NULL; END"
    )
    returns = "RETURNS trigger LANGUAGE plpgsql"
    function = f'CREATE OR REPLACE FUNCTION "{name}"() {returns} AS $trailbook$ {body} $trailbook$'
    trigger = (
        f'CREATE TRIGGER "{name}" AFTER {_EVENTS[op]} ON {_quoted(tracked.table)} FOR EACH ROW'
        f'{_when(tracked, op, "IS DISTINCT FROM")} EXECUTE FUNCTION "{name}"()'
    )
    return Trigger(name, tracked.table, (function, trigger))


def _sqlite_concerns(tracked: Tracked, row: str) -> str:
    some = [
        f"SELECT json_set({_ref(tracked, row, ref, _json_object)}, '$.part', {_text(part)}) AS c"
        f" WHERE {row}.{_column(tracked, ref.id)} IS NOT NULL"
        for part, ref in _refs(tracked)
    ]
    return (
        f", 'concerns', (SELECT json_group_array(json(c)) FROM ({' UNION ALL '.join(some)}))" if some else ""
    )


def _postgresql_concerns(tracked: Tracked, row: str) -> str:
    some = [
        f"CASE WHEN {row}.{_column(tracked, ref.id)} IS NULL THEN '[]'::jsonb ELSE jsonb_build_array("
        f"{_ref(tracked, row, ref, _jsonb_object)} || jsonb_build_object('part', {_text(part)})) END"
        for part, ref in _refs(tracked)
    ]
    return f", 'concerns', {' || '.join(some)}" if some else ""


def _refs(tracked: Tracked) -> Iterator[tuple[str, Ref]]:
    for part, ref in tracked.concerns.items():
        if isinstance(ref, Ref):
            yield part, ref


def _item(tracked: Tracked, row: str, as_object: Callable[[Mapping[str, str]], str]) -> str:
    return _ref(tracked, row, Ref(tracked.type, tracked.id, tracked.name, tracked.hint), as_object)


def _ref(tracked: Tracked, row: str, ref: Ref, as_object: Callable[[Mapping[str, str]], str]) -> str:
    members = {"type": _text(ref.type), "id": _id(tracked, row, ref.id)}
    if ref.name is not None:
        members["name"] = f"CAST({row}.{_column(tracked, ref.name)} AS TEXT)"
    if ref.hint is not None:
        members["hint"] = f"COALESCE(CAST({row}.{_column(tracked, ref.hint)} AS TEXT), '')"
    return as_object(members)


def _id(tracked: Tracked, row: str, part: Any) -> str:
    """An id as text; of a UUID as the host writes it, with its hyphens, whatever the database keeps."""
    text = f"CAST({row}.{_column(tracked, part)} AS TEXT)"
    if part not in tracked.uuids:
        return text
    parts = " || '-' || ".join(
        f"substr({text}, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    )
    return f"CASE length({text}) WHEN 32 THEN {parts} ELSE {text} END"


def _json_object(members: Mapping[str, str]) -> str:
    return "json_object(" + ", ".join(f"'{name}', {value}" for name, value in members.items()) + ")"


def _jsonb_object(members: Mapping[str, str]) -> str:
    return "jsonb_build_object(" + ", ".join(f"'{name}', {value}" for name, value in members.items()) + ")"


def _when(tracked: Tracked, op: Op, differs: str = "IS NOT") -> str:
    """Only an update that changes something: but for what is declared to mean nothing."""
    if op != "updated":
        return ""
    columns = [column for attribute, column in tracked.columns.items() if attribute not in tracked.ignore]
    return " WHEN (" + " OR ".join(f"OLD.{_quoted(c)} {differs} NEW.{_quoted(c)}" for c in columns) + ")"


def _fields(tracked: Tracked) -> list[tuple[str, str]]:
    """What the catalogue calls each field that may be named, sorted, with its column."""
    return sorted((field, _column(tracked, attribute)) for attribute, field in tracked.fields.items())


def _row(op: Op) -> str:
    return "OLD" if op == "deleted" else "NEW"


def _named(tracked: Tracked, op: Op) -> str:
    return f"trailbook_{tracked.table.replace('.', '_')[:44]}_{op}"


def _column(tracked: Tracked, part: Any) -> str:
    return _quoted(tracked.columns[part])


def _quoted(name: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _flat(statement: str) -> str:
    return " ".join(statement.split())
