"""A table's declaration as triggers of SQLite, with the rows that REPLACE removes.

SQLite fires no trigger for a row that REPLACE removes, unless `recursive_triggers` is on. So before a row is written
the rows that it may take the place of are noted in `trailbook_replaced`, and after it was written those of them that
are not there any more were removed. What an ignored statement leaves noted means nothing: its row is still there. Who
acts stands in a temporary table, which no other connection sees, nor the triggers of a file: a temporary trigger puts
it into what those wrote. Owns the SQL. Refuses a table whose rows cannot be told apart by a primary key.
"""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from trailbook.capture.database import HostConnection
from trailbook.capture.declarations import OPS, Op, Tracked
from trailbook.capture.outbox import missing_outbox
from trailbook.capture.sql_tokens import tokens_of
from trailbook.capture.trigger_sql import (
    EVENTS,
    Trigger,
    column,
    counted_columns,
    fields_of,
    identity_columns,
    item,
    json_object,
    name_of,
    quoted,
    reference,
    references,
    text,
    without_id,
)
from trailbook.errors import ConfigurationError

TABLES = (
    # The row that may be replaced (k) and the one that may take its place (b), each by its primary key.
    """CREATE TABLE IF NOT EXISTS trailbook_replaced (
  name TEXT NOT NULL,
  event TEXT NOT NULL,
  b1, b2, b3, b4,
  k1, k2, k3, k4,
  entry TEXT NOT NULL
)""",
)
# Between statements nothing noted means anything.
FORGET = "DELETE FROM trailbook_replaced"
_PLACE = (
    "CREATE TEMP TABLE IF NOT EXISTS trailbook_acting (one INTEGER PRIMARY KEY CHECK (one = 1), tx TEXT, acting TEXT)",
    # The entries that triggers wrote are those without a transaction.
    "CREATE TEMP TRIGGER IF NOT EXISTS trailbook_acting AFTER INSERT ON main.trailbook_outbox"
    " WHEN NEW.tx IS NULL AND NEW.op <> 'meant' AND EXISTS (SELECT 1 FROM temp.trailbook_acting)"
    " BEGIN UPDATE trailbook_outbox SET (tx, entry) = (SELECT tx,"
    " json_patch(json_remove(NEW.entry, '$.actor', '$.origin'), acting) FROM temp.trailbook_acting)"
    " WHERE position = NEW.position; END",
)
_PUT = "INSERT OR REPLACE INTO temp.trailbook_acting (one, tx, acting) VALUES (1, ?, ?)"
NOBODY = "DELETE FROM temp.trailbook_acting"
IS_PLACE = "SELECT 1 FROM sqlite_temp_master WHERE type = 'table' AND name = 'trailbook_acting'"
_MOST_KEYS = 4  # the columns that trailbook_replaced has
_ID = (
    "substr(printf('%012x', CAST(strftime('%s', 'now') AS INTEGER) * 1000), 1, 8) || '-' ||"
    " substr(printf('%012x', CAST(strftime('%s', 'now') AS INTEGER) * 1000), 9, 4) || '-7' ||"
    " substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + (random() & 3), 1) ||"
    " substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6)))"
)
_DATABASE = (
    '\'{"actor":{"kind":"system","type":"system","id":"database",'
    '"name":"Database"},"origin":{"interface":"database"}}\''
)
_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
_OBJECT = json_object("json_object")


class Keys(Struct, frozen=True):
    """What tells the rows of a table apart: its primary key, and each unique key as pairs of what has to be equal.

    Of a pair the first is of the row that is there, called `o`, the second of the new row.
    """

    primary: tuple[str, ...]
    unique: tuple[tuple[tuple[str, str], ...], ...]


def announce(connection: HostConnection, name: str | None, acting: str) -> bool:
    """Let the entries of triggers say who acts, in the transaction of this name; False where no triggers can be."""
    try:
        # Before all else, for it writes: whoever has read already is refused at once where another writes.
        connection.execute(FORGET)
        for statement in _PLACE:
            connection.execute(statement)
    except Exception as error:
        if missing_outbox(error) is None:
            raise
        return False
    connection.execute(_PUT, (name, acting))
    return True


def triggers_of(connection: HostConnection, tracked: Tracked, org: str) -> list[Trigger]:
    """The triggers of a table; where no deletion is recorded REPLACE is not looked at.

    Raises: ConfigurationError, as `keys_of`.
    """
    if tracked.schema is not None and tracked.schema.casefold() != "main":
        why = f"a trigger of SQLite stays in its file, and {tracked.schema} is another than the outbox is in"
        raise ConfigurationError(f"track({tracked.table}): by: {why}; cover it with hooks")
    noted = keys_of(connection, tracked) if tracked.actions["deleted"] is not None else None
    triggers = [_after(tracked, op, org, keys=noted) for op in OPS if _is_needed(tracked, op, noted)]
    return triggers if noted is None else [*triggers, *_before(tracked, noted)]


def keys_of(connection: HostConnection, tracked: Tracked) -> Keys | None:
    """What tells the rows of a table apart, or None where there is no such table.

    Raises: ConfigurationError where no primary key does, or a unique one has columns that cannot be known before.
    """
    table, bare = tracked.table, tracked.bare
    asked = 'SELECT name, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)'
    columns = connection.execute(asked, (bare,)).rows
    if not columns:
        return None
    primary = tuple(name for _, name in sorted((pk, name) for name, _, _, pk, _ in columns if pk))
    if not 1 <= len(primary) <= _MOST_KEYS:
        raise _refused(table, f"has no primary key of one to {_MOST_KEYS} columns")
    # A NULL where none may be becomes the default, under REPLACE.
    new = {
        name: f"coalesce(NEW.{quoted(name)}, ({default}))"
        if notnull and default is not None
        else f"NEW.{quoted(name)}"
        for name, notnull, default, _, hidden in columns
        if not hidden  # what SQLite makes of others it has not made yet
    }
    rowid = _rowid(connection, bare, [name for name, *_ in columns])
    # A primary key that has no index of its own is the rowid, or there is none.
    own = tuple((f"o.{quoted(name)}", new[name]) for name in primary)
    first = own if rowid is None else ((f"o.{rowid}", f"NEW.{rowid}"),)
    listed = connection.execute('SELECT name FROM pragma_index_list(?) WHERE "unique"', (bare,)).rows
    unique = [_pairs(connection, index, new) for (index,) in listed]
    if None in unique or (
        len(new) < len(columns) and any(a.startswith("(") for pairs in unique for a, _ in pairs or ())
    ):
        raise _refused(table, "has a unique index over a column that SQLite makes of others")
    return Keys(primary, (first, *filter(None, unique)))


def _refused(table: str, why: str) -> ConfigurationError:
    what = f"the table {why}, so that rows which REPLACE removes could not be captured"
    return ConfigurationError(f"track({table}): by: {what}; cover it with hooks")


def _pairs(connection: HostConnection, index: str, new: dict[str, str]) -> tuple[tuple[str, str], ...] | None:
    """The pairs of a unique index, or None where one of its columns is not known before a row is written."""
    asked = "SELECT seqno, name, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno"
    terms = connection.execute(asked, (index,)).rows
    asked = "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?"
    expressions = _expressions(connection.execute(asked, (index,)).rows)
    row = ", ".join(f"{value} AS {quoted(column)}" for column, value in new.items())
    pairs = []
    for seqno, name, collation in terms:
        collate = f" COLLATE {quoted(collation)}"
        if name is None:  # an expression: once of the row that is there, once of the new one
            expression = expressions[seqno]
            pairs.append((f"({expression})", f"(SELECT {expression} FROM (SELECT {row})){collate}"))
        elif name in new:
            pairs.append((f"o.{quoted(name)}", new[name] + collate))
        else:
            return None
    return tuple(pairs)


def _expressions(rows: Sequence[tuple[str | None]]) -> list[str]:
    """What a CREATE INDEX lists, in order, without ASC and DESC; nothing for an index that SQLite made by itself."""
    sql = next((sql for (sql,) in rows if sql), None)
    if sql is None:
        return []
    tokens = tokens_of("sqlite", sql)
    begin = next(at for at, token in enumerate(tokens) if token.is_sign("("))
    depth, start, terms = 0, begin + 1, []
    for at, token in enumerate(tokens[begin:], begin):
        depth += token.is_sign("(") - token.is_sign(")")
        if (depth == 1 and token.is_sign(",")) or depth == 0:
            last = tokens[at - 2] if tokens[at - 1].says("asc", "desc") else tokens[at - 1]
            terms.append(sql[tokens[start].start : last.end])
            start = at + 1
        if depth == 0:
            break
    return terms


def _rowid(connection: HostConnection, table: str, columns: Iterable[str]) -> str | None:
    """By which name a table's rowid can be asked for, or None where it has none."""
    asked = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
    ((sql,),) = connection.execute(asked, (table,)).rows
    if re.search(r"\bWITHOUT\s+ROWID\b[^()]*$", sql, re.IGNORECASE):
        return None
    taken = {name.casefold() for name in columns}
    return next((name for name in ("rowid", "oid", "_rowid_") if name not in taken), None)


def _is_needed(tracked: Tracked, op: Op, keys: Keys | None) -> bool:
    return op == "updated" or tracked.actions[op] is not None or keys is not None


def _after(tracked: Tracked, op: Op, org: str, *, keys: Keys | None) -> Trigger:
    """The trigger after a change; what REPLACE removed comes before what took its place."""
    replaced = [] if keys is None else _replaced(tracked, op, org, keys=keys)
    name, when = name_of(tracked, op), ""
    if op == "updated":
        identity, counted = _differs(identity_columns(tracked)), _differs(counted_columns(tracked))
        written = [
            _entry(tracked, "deleted", org, where=identity),
            _entry(tracked, "created", org, where=identity),
            _entry(tracked, "updated", org, where=f"NOT ({identity}) AND ({counted})"),
        ]
        noted = " OR EXISTS (SELECT 1 FROM trailbook_replaced)" if replaced else ""
        when = f" WHEN {counted}{noted}"
    elif op == "deleted" and keys is not None:
        had = f"name = {text(tracked.table)} AND event = 'DELETE' AND {_is_noted(keys, 'OLD')}"
        unless = f"NOT EXISTS (SELECT 1 FROM trailbook_replaced WHERE {had})"
        written = [_entry(tracked, op, org, where=unless), f"DELETE FROM trailbook_replaced WHERE {had}"]
    else:
        written = [_entry(tracked, op, org)]
    program = "; ".join(filter(None, [*replaced, *written])) or "SELECT 1"
    head = f"CREATE TRIGGER {quoted(name)} AFTER {EVENTS[op]} ON {quoted(tracked.bare)} FOR EACH ROW{when}"
    return Trigger(name, (f"{head} BEGIN {program}; END",))


def _replaced(tracked: Tracked, op: Op, org: str, *, keys: Keys) -> list[str]:
    """The entries of rows noted before, which are not there any more, and that they are noted no longer."""
    old, new = _is_noted(keys, "OLD"), _is_noted(keys, "NEW")
    table = quoted(tracked.bare)
    noted = f"name = {text(tracked.table)}"
    gone = f"NOT EXISTS (SELECT 1 FROM {table} AS o WHERE {_is_noted(keys, 'o')})"
    again = f"DELETE FROM trailbook_replaced WHERE {noted} AND event = 'DELETE' AND {new}"
    if op == "created":
        gone = f"event = 'INSERT' AND {_is_noted(keys, 'NEW', 'b', unknown=True)} AND ({new} OR {gone})"
        return [again, *_removed(tracked, org, f"{noted} AND {gone}")]
    mine = f"event = 'UPDATE' AND {_is_noted(keys, 'OLD', 'b')} AND NOT ({old})"
    if op == "deleted":
        # By itself, or by REPLACE where its triggers are on: either way it has its entry. A row that goes while it is
        # updated went with the row that it took the place of, by a foreign key.
        itself = f"DELETE FROM trailbook_replaced WHERE {noted} AND event <> 'DELETE' AND {old}"
        written, _ = _removed(tracked, org, f"{noted} AND {mine} AND {gone}")
        # Its own trigger may fire yet, and has nothing to add then.
        kept = f"UPDATE trailbook_replaced SET event = 'DELETE' WHERE {noted} AND {mine} AND {gone}"
        return [itself, written, kept]
    moved = f"DELETE FROM trailbook_replaced WHERE {noted} AND {old} AND NOT ({new})"
    return [again, moved, *_removed(tracked, org, f"{noted} AND {mine} AND ({new} OR {gone})")]


def _removed(tracked: Tracked, org: str, noted: str) -> list[str]:
    # Only here, for a row that was noted may stay.
    entry = f"CASE WHEN json_extract(entry, '$.target.id') IS NULL THEN {_refusal(tracked)} ELSE entry END"
    return [
        "INSERT INTO trailbook_outbox (org, op, captured_at, entry)"
        f" SELECT {text(org)}, 'deleted', {_NOW}, {entry}"
        f" FROM trailbook_replaced WHERE {noted}",
        f"DELETE FROM trailbook_replaced WHERE {noted}",
    ]


def _before(tracked: Tracked, keys: Keys) -> list[Trigger]:
    """The triggers that note which rows a new one may take the place of."""
    same = " AND ".join(f"o.{quoted(name)} IS OLD.{quoted(name)}" for name in keys.primary)
    either = " OR ".join("(" + " AND ".join(f"{a} = {b}" for a, b in pairs) + ")" for pairs in keys.unique)
    return [
        _note(tracked, "created", f"({either})", keys=keys),
        _note(tracked, "updated", f"({either}) AND NOT ({same})", keys=keys),
    ]


def _note(tracked: Tracked, op: Op, rivals: str, *, keys: Keys) -> Trigger:
    """The trigger that notes them before one kind of change; what the same row noted before means nothing now."""
    name, row = name_of(tracked, f"before_{op}"), "NEW" if op == "created" else "OLD"
    table = quoted(tracked.bare)
    numbers = range(1, len(keys.primary) + 1)
    columns = ", ".join([*(f"b{at}" for at in numbers), *(f"k{at}" for at in numbers)])
    values = ", ".join(f"{each}.{quoted(name)}" for each in (row, "o") for name in keys.primary)
    of = f"{text(tracked.table)}, '{EVENTS[op]}'"
    trigger = (
        f"CREATE TRIGGER {quoted(name)} BEFORE {EVENTS[op]} ON {table} FOR EACH ROW"
        f" WHEN EXISTS (SELECT 1 FROM trailbook_replaced) OR EXISTS (SELECT 1 FROM {table} AS o WHERE {rivals}) BEGIN"
        f" DELETE FROM trailbook_replaced WHERE (name, event) = ({of}) AND {_is_noted(keys, row, 'b')};"
        f" INSERT INTO trailbook_replaced (name, event, {columns}, entry)"
        f" SELECT {of}, {values}, {_object(tracked, 'deleted', 'o')} FROM {table} AS o WHERE {rivals}; END"
    )
    return Trigger(name, (trigger,))


def _is_noted(keys: Keys, row: str, column: str = "k", *, unknown: bool = False) -> str:
    """Whether a row is the one that is noted, compared as its own columns are; `unknown`: or had no key yet."""
    pairs = [
        (f"{row}.{quoted(name)}", f"trailbook_replaced.{column}{at}")
        for at, name in enumerate(keys.primary, 1)
    ]
    # Before an INSERT a number that SQLite is to choose is -1, and a default that REPLACE puts in is NULL.
    either = " OR {1} IS -1 OR {1} IS NULL" if unknown else ""
    return " AND ".join(f"({{0}} IS {{1}}{either})".format(*pair) for pair in pairs)


def _entry(tracked: Tracked, op: Op, org: str, *, where: str = "") -> str:
    """The statement that writes an entry, or nothing where the change has none."""
    if tracked.actions[op] is None:
        return ""
    row = "OLD" if op == "deleted" else "NEW"
    unknown = f"{row}.{column(tracked, tracked.id)} IS NULL"
    entry = f"CASE WHEN {unknown} THEN {_refusal(tracked)} ELSE {_object(tracked, op, row)} END"
    return (
        "INSERT INTO trailbook_outbox (org, op, captured_at, entry)"
        f" SELECT {text(org)}, '{op}', {_NOW}, {entry}{' WHERE ' if where else ''}{where}"
    )


def _refusal(tracked: Tracked) -> str:
    """The write ends here, whatever it says of conflicts."""
    return f"RAISE(ABORT, {text(without_id(tracked))})"


def _object(tracked: Tracked, op: Op, row: str) -> str:
    """An entry as JSON, of a row that the database knows by a name."""
    fields = ""
    if op == "updated" and tracked.fields:
        some = " UNION ALL ".join(
            f"SELECT {text(field)} AS f WHERE {_differs([name])}" for field, name in fields_of(tracked)
        )
        fields = f", 'fields', (SELECT json_group_array(f) FROM ({some}))"
    return (
        f"json_patch(json_object('id', {_ID}, 'action', {text(str(tracked.actions[op]))},"
        " 'occurred_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),"
        f" 'target', {item(tracked, row, _OBJECT)}{_concerns(tracked, row)}{fields}), {_DATABASE})"
    )


def _concerns(tracked: Tracked, row: str) -> str:
    some = [
        f"SELECT json_set({reference(tracked, row, ref, as_object=_OBJECT)}, '$.part', {text(part)}) AS c"
        f" WHERE {row}.{column(tracked, ref.id)} IS NOT NULL"
        for part, ref in references(tracked)
    ]
    joined = " UNION ALL ".join(some)
    return f", 'concerns', (SELECT json_group_array(json(c)) FROM ({joined}))" if some else ""


def _differs(columns: list[str]) -> str:
    """Whether any of these columns is another than before, whatever its collation takes for the same."""
    return " OR ".join(f"OLD.{name} IS NOT NEW.{name} COLLATE BINARY" for name in columns)
