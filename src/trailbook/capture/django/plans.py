"""From one write to the texts that let the database itself say which rows it touched, and which columns differ.

Owns those texts: the write with RETURNING, and what is selected before it. Refuses a write whose rows could not be
known exactly; no value of the host is compared here, the database does that.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from msgspec import Struct

from trailbook.capture.database import HostConnection
from trailbook.capture.declarations import Op
from trailbook.capture.django.tables import Place, Registered
from trailbook.capture.sql_parts import Assignment, WriteParts, write_parts
from trailbook.errors import UncapturedWriteError

Layout = Mapping[str, str]  # the columns that a table has in the database now, each with its type
_OPS: Mapping[str, Op] = {"insert": "created", "update": "updated", "delete": "deleted"}
# PostgreSQL's comparison of two rows as they are stored: every type has it, and no collation makes two texts one.
_DIFFERS = "ROW({column})::record OPERATOR(pg_catalog.*<>) ROW(CAST(({expression}) AS {type}))::record"
# The sign + takes the affinity off an expression, so that the column's own is applied, as it is when it is stored.
_DIFFERS_IN_SQLITE = "{column} COLLATE BINARY IS NOT (+({expression}))"

# Nothing is worked out here, but the parameters have their places.
_COUNTS = "(1 = 1 OR CAST(({expression}) AS {type}) IS NULL)"


class Plan(Struct, frozen=True, kw_only=True):
    """How the rows of a write will be known."""

    registered: Registered
    place: Place
    op: Op
    text: str  # to run instead of the host's
    returned: tuple[
        str, ...
    ]  # the columns that are capture's own in what it returns: the key, then what is needed
    before: str = (
        ""  # to select first, with the same parameters: the key, the old row, the new key, what differs
    )
    old: tuple[str, ...] = ()  # the columns of the old row, where its id may become another
    new_key: tuple[str, ...] = ()  # those columns of the key that are set
    compared: tuple[str, ...] = ()  # the columns of which it says whether they differ


def plan_of(
    connection: BaseDatabaseWrapper,
    registered: Registered,
    statement: str,
    layouts: Callable[[str, str], Layout],
) -> Plan | None:
    """The plan of a write to a registered table, or None where it changes nothing that is recorded.

    Raises: UncapturedWriteError where its rows cannot be known.
    """
    try:
        parts = write_parts(connection.vendor, statement)
        own = [place.table for place in registered.places if place.name.table == parts.table]
        if not own:
            raise UncapturedWriteError(f"the statement writes its rows by another name, {parts.target}")
        layout = layouts(parts.target, connection.ops.quote_name(own[0]))
        return _planned(_Planner(connection, registered, parts, layout))
    except UncapturedWriteError as error:
        advice = "say what it means with recorded_as(...), or cover the table with triggers"
        raise UncapturedWriteError(f"{registered.model.__name__}: {error}; {advice}") from None


class _Planner:
    def __init__(
        self, connection: BaseDatabaseWrapper, registered: Registered, parts: WriteParts, layout: Layout
    ) -> None:
        self.connection = connection
        self.registered = registered
        self.tracked = registered.tracked
        self.parts = parts
        self.layout = layout
        self.place = next(place for place in registered.places if place.name.table == parts.table)
        self.op = _OPS[parts.verb]
        if "%" in parts.returning:
            raise UncapturedWriteError("the statement has parameters in its RETURNING")

    def quoted(self, column: str) -> str:
        return str(self.connection.ops.quote_name(column))

    def columns(self, *, whole: bool) -> tuple[str, ...]:
        """The key, and what an entry needs of this table as it is now; a migration may not have made all of it yet."""
        needed = needed_columns(self.registered, self.place) if whole else ()
        columns = dict.fromkeys((*self.place.key, *needed))
        return tuple(column for column in columns if column in self.layout)


def needed_columns(registered: Registered, place: Place) -> Iterator[str]:
    """The columns of a table that entries are made of."""
    for column in place.fields:
        if registered.reads_object or set(place.attributes(column)) & registered.tracked.needs:
            yield column


def _planned(planner: _Planner) -> Plan | None:
    if planner.op != "updated":
        silent = planner.tracked.actions[planner.op] is None or not planner.place.own
        return None if silent else _by_rows(planner)
    columns = [_column(planner, each) for each in planner.parts.assignments]
    if len(set(columns)) < len(columns):
        raise UncapturedWriteError("the statement sets a column twice")
    attributes = {name for column in columns for name in planner.place.attributes(column)}
    key = planner.registered.identity.union(planner.place.key)
    renames = callable(planner.tracked.id) or not key.isdisjoint(columns)
    if attributes <= planner.tracked.ignore and not renames:
        return None
    if planner.tracked.actions["updated"] is None and not renames:
        return None
    return _by_difference(planner, columns, renames=renames)


def _by_rows(planner: _Planner) -> Plan:
    """An INSERT or DELETE: the rows that it returns; of an inherited row the rest is selected beside it."""
    inherits = planner.registered.inherits
    returned = planner.columns(whole=not inherits)
    before = ""
    if inherits and planner.op == "deleted":
        key = planner.quoted(planner.place.key[0])
        before = f"SELECT {key} FROM {planner.parts.target} {planner.parts.where}{_lock(planner, 'UPDATE')}"
    return Plan(
        registered=planner.registered,
        place=planner.place,
        op=planner.op,
        text=planner.parts.returned([planner.quoted(column) for column in returned]),
        returned=returned,
        before=before,
    )


def _by_difference(planner: _Planner, columns: Sequence[str], *, renames: bool) -> Plan:
    """An UPDATE: what differs is asked before it runs, for the database compares and afterwards nobody can."""
    if renames and planner.registered.inherits:
        raise UncapturedWriteError("the statement changes the key of an inherited row")
    assignments = dict(zip(columns, planner.parts.assignments, strict=True))
    new_key = tuple(column for column in planner.place.key if column in assignments)
    old = planner.columns(whole=True) if renames else ()
    # In the order of the statement, for so come its parameters.
    set_ = [
        _new(planner, column, each) if column in new_key else _differs(planner, column, each)
        for column, each in assignments.items()
    ]
    names = [planner.quoted(column) for column in (*planner.place.key, *old)]
    lock = _lock(planner, "UPDATE" if renames else "NO KEY UPDATE")
    returned = planner.columns(whole=not planner.registered.inherits)
    return Plan(
        registered=planner.registered,
        place=planner.place,
        op="updated",
        text=planner.parts.returned([planner.quoted(column) for column in returned]),
        returned=returned,
        before=f"SELECT {', '.join([*names, *set_])} FROM {planner.parts.target} {planner.parts.where}{lock}",
        old=old,
        new_key=new_key,
        compared=tuple(assignments),
    )


def _column(planner: _Planner, assignment: Assignment) -> str:
    """The column that is set, as the database writes it."""
    alike = [column for column in planner.place.fields if column.casefold() == assignment.column]
    if len(alike) != 1 or alike[0] not in planner.layout:
        raise UncapturedWriteError(f"the statement sets {assignment.column}, which is no field of the model")
    return alike[0]


def _differs(planner: _Planner, column: str, assignment: Assignment) -> str:
    if assignment.expression is None:
        return "1 = 1"
    form = _DIFFERS_IN_SQLITE if planner.connection.vendor == "sqlite" else _DIFFERS
    form = form if assignment.lasts else _COUNTS
    type_ = planner.layout[column]
    return form.format(column=planner.quoted(column), expression=assignment.expression, type=type_)


def _new(planner: _Planner, column: str, assignment: Assignment) -> str:
    """The value that a column of the key will have."""
    if assignment.expression is None:
        raise UncapturedWriteError("the statement sets a key to its DEFAULT")
    if planner.connection.vendor == "sqlite":
        return f"+({assignment.expression})"
    return f"CAST(({assignment.expression}) AS {planner.layout[column]})"


def _lock(planner: _Planner, strength: str) -> str:
    """What is selected stays as it is until the write has run; SQLite has one writer."""
    return "" if planner.connection.vendor == "sqlite" else f" FOR {strength}"


def layout_of(connection: HostConnection, target: str, table: str) -> Layout:
    """The columns of a table as the database has it now, each with its type.

    `target` is how a statement names it, `table` how its model does. Raises: UncapturedWriteError where those are two.
    """
    if connection.engine == "sqlite":
        schema, _, name = target.rpartition(".")
        if schema.strip('"').casefold() not in ("", "main"):
            raise UncapturedWriteError(
                f"the statement writes to {target}, which is not the model's own table"
            )
        return {row[1]: row[2] for row in connection.execute(f"PRAGMA table_xinfo({name})").rows}
    query = (
        "SELECT attname, format_type(atttypid, atttypmod), attrelid = to_regclass(?) FROM pg_catalog.pg_attribute"
        " WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped"
    )
    rows = connection.execute(query, (table, target)).rows
    if not all(row[2] for row in rows):
        raise UncapturedWriteError(f"the statement writes to {target}, which is not the model's own table")
    return {row[0]: row[1] for row in rows}
