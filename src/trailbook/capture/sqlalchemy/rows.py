"""From one statement to the rows it touched: RETURNING, or its parameters, or the keys it names.

Owns the plan that is made before a statement runs and read after it. Refuses, before anything runs, a statement whose
rows cannot be known exactly, and after it ran, one of which the driver says that it touched other rows than those.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct, structs
from sqlalchemy import Column, Connection, Delete, Insert, Update
from sqlalchemy.sql.elements import BindParameter

from trailbook.capture.declarations import Op
from trailbook.capture.sql_tables import Verb
from trailbook.capture.sql_tokens import tokens_of
from trailbook.capture.sqlalchemy.keys import Keys, keyed_by, moves, read_before, repeated, select_keys
from trailbook.capture.sqlalchemy.tables import TrackedTable
from trailbook.errors import UncapturedWriteError

How = Literal["parameters", "defaults", "keys", "returned", "selected", "deleted", "silent"]
Values = Mapping[Column[Any], Any]
_VERBS: dict[Op, Verb] = {"created": "insert", "updated": "update", "deleted": "delete"}


class Plan(Struct):
    """How the rows of a statement will be known, and the statement to run instead of it.

    `keys` are those that many parameter sets name; `before` are rows that were read before it ran, and `moves` says
    that the statement may change the item of a row, so that they are compared with those that are there afterwards.
    """

    place: TrackedTable
    op: Op
    how: How
    statement: Any
    columns: list[Column[Any]]
    changed: tuple[str, ...] = ()
    keys: Keys | None = None
    before: Sequence[Values] = ()
    moves: bool = False

    def is_of(self, verb: Verb, place: TrackedTable) -> bool:
        """Whether a text that writes so to a table is the one that was planned."""
        return _VERBS[self.op] == verb and self.place is place

    def of(self, op: Op) -> "Plan":
        """The plan of rows of which this became, where that is not what the statement is called."""
        return self if op == self.op else structs.replace(self, op=op, changed=())


def planned(
    connection: Connection, element: Insert | Update | Delete, place: TrackedTable, *, params: Sequence[Any]
) -> Plan:
    """The plan of a statement; a silent one where it changes nothing that is recorded.

    Raises: UncapturedWriteError when its rows cannot be known.
    """
    op: Op = (
        "created" if isinstance(element, Insert) else "updated" if isinstance(element, Update) else "deleted"
    )
    if not place.base and op != "updated":
        raise refused(place, "only the ORM writes the rest of an inherited row")
    if missing := place.missing():
        raise refused(place, f"an entry needs {', '.join(missing)}, which lie in another table")
    prefixes = (getattr(prefix, "text", None) for prefix, _ in element._prefixes)
    if getattr(element, "_suffixes", ()) or not all(_is_comment(connection, each) for each in prefixes):
        raise refused(place, "its prefix may change what it does")
    changed = _set_by(element, place, params) if isinstance(element, Update) else ()
    plan = Plan(place, op, "defaults", element, place.columns(), changed)
    plan.moves = isinstance(element, Update) and moves(place, changed)
    if _is_silent(plan):
        plan.how = "silent"
        return plan
    if isinstance(element, Insert):
        return _inserting(element, plan, params)
    if len(params) > 1:
        return _by_keys(connection, element, plan, params=params)
    if plan.moves:
        plan.before = list(read_before(connection, element, plan.place, plan.columns, params[0]))
    return _returning(element, plan)


def rows_of(connection: Connection, plan: Plan, result: Any) -> list[Values]:
    """The rows that a planned statement touched, each with the values of the declaration's columns."""
    return list(_rows_of(connection, plan, result))


def demand_agreement(plan: Plan, rows: Sequence[Values], touched: int | None) -> None:
    """Refuse what the driver counts otherwise than we do. Raises: UncapturedWriteError."""
    expected = len(rows) if plan.keys is None or plan.op == "deleted" else repeated(plan.keys, rows)
    if touched is not None and touched != expected:
        raise refused(plan.place, f"the database touched {touched} rows, of which {expected} are known")
    if plan.moves and len(plan.before) != len(rows):
        raise refused(plan.place, f"{len(plan.before)} keys were read, and {len(rows)} rows written")


def _is_silent(plan: Plan) -> bool:
    ops: list[Op] = ["deleted", "created", "updated"] if plan.moves else [plan.op]
    if all(each.tracked.actions[op] is None for each in plan.place.declared for op in ops):
        return True
    counts = any(each.tracked.counts(plan.changed) for each in plan.place.declared)
    return plan.op == "updated" and not counts and not plan.moves


def _rows_of(connection: Connection, plan: Plan, result: Any) -> Iterator[Values]:
    if plan.how == "returned":
        rows = result.all()
        result._rewind(rows)  # the host reads them again
        for row in rows:
            yield {column: row._mapping[column] for column in plan.columns}
    elif plan.how == "defaults":
        for row in result.returned_defaults_rows or ():
            new = row._mapping
            yield {column: new[column] for column in plan.columns}
    elif plan.how == "parameters":
        for values in result.context.compiled_parameters:
            yield {column: values[column.key] for column in plan.columns}
    elif plan.how == "keys":
        yield from _with_keys(plan, result)
    elif plan.how == "selected":
        assert plan.keys is not None
        yield from select_keys(connection, plan.columns, plan.keys)
    elif plan.how == "deleted":
        yield from plan.before


def _inserting(element: Insert, plan: Plan, params: Sequence[Any]) -> Plan:
    conflict = element._post_values_clause
    if conflict is not None and "update" in type(conflict).__name__.lower():
        raise refused(plan.place, "whether ON CONFLICT DO UPDATE creates or changes a row cannot be seen")
    if element._returning:
        return _by_the_host(element, plan)
    if not plan.place.table.implicit_returning:
        _demand_given(element, plan, params)
    plain = element.select is None and not element._multi_values
    if plain and conflict is None and len(params) > 1 and not element._values:
        if element._return_defaults:
            plan.how, plan.statement = "keys", _with_defaults(element, plan)
            return plan
        if all(_is_given(column, params) for column in plan.columns):
            plan.how = "parameters"
            return plan
    elif plain and conflict is None:
        plan.how, plan.statement = "keys", _with_defaults(element, plan)
        return plan
    plan.how, plan.statement = "returned", element.returning(*plan.columns)
    return plan


def _returning(element: Update | Delete, plan: Plan) -> Plan:
    if not plan.place.table.implicit_returning:
        raise refused(plan.place, "its rows cannot be returned")
    if element._returning:
        return _by_the_host(element, plan)
    plan.statement = _with_defaults(element, plan)
    return plan


def _with_defaults(element: Any, plan: Plan) -> Any:
    """A statement that returns the columns of the plan beside its result, and what the host has returned so."""
    if not plan.place.table.implicit_returning:
        return element.return_defaults(*plan.columns)
    own = element._return_defaults_columns if element._return_defaults else plan.columns
    return element.return_defaults(*(own or ()), supplemental_cols=plan.columns)


def _by_the_host(element: Any, plan: Plan) -> Plan:
    """The host has rows returned: they are read with it, if they have what an entry is made of."""
    returned = set(element.exported_columns)
    if missing := [column.name for column in plan.columns if column not in returned]:
        raise refused(plan.place, f"its RETURNING leaves out {', '.join(missing)}")
    plan.how = "returned"
    return plan


def _by_keys(connection: Connection, element: Update | Delete, plan: Plan, *, params: Sequence[Any]) -> Plan:
    """Many parameter sets at once return no rows: each set has to name its row by `column = parameter`."""
    named = keyed_by(element.whereclause)
    if named is None:
        raise refused(plan.place, "many parameters at once are captured only with a condition of equal keys")
    if _changes(plan, named):
        raise refused(plan.place, "it changes what its condition asks for")
    plan.keys = Keys(tuple(named), [tuple(values[bind] for bind in named.values()) for values in params])
    # The columns of the condition are read too, to tell which set touched which row.
    plan.columns = [*plan.columns, *(column for column in named if column not in set(plan.columns))]
    plan.how = "selected" if isinstance(element, Update) else "deleted"
    if plan.moves or plan.how == "deleted":
        plan.before = list(select_keys(connection, plan.columns, plan.keys, lock=True))
    return plan


def _changes(plan: Plan, named: Mapping[Column[Any], str]) -> bool:
    attributes = (plan.place.attributes[name] for name in plan.changed)
    return not set(named).isdisjoint(attributes)


def _with_keys(plan: Plan, result: Any) -> Iterator[Values]:
    """Rows put together from their new keys and the parameters that made them."""
    primary = list(plan.place.table.primary_key)
    returned = result.returned_defaults_rows or ()
    keys = result.inserted_primary_key_rows
    for at, parameters in enumerate(result.context.compiled_parameters):
        row = {column: parameters[column.key] for column in plan.columns if column.key in parameters}
        if at < len(returned):
            new = returned[at]._mapping
            row |= {column: new[column] for column in plan.columns if column in new}
        if at < len(keys) and keys[at] is not None:
            row |= dict(zip(primary, keys[at], strict=True))
        if any(column not in row for column in plan.columns):
            raise refused(plan.place, "the database did not return what it made")
        yield row


def _demand_given(element: Insert, plan: Plan, params: Sequence[Any]) -> None:
    """Where nothing is returned, everything that an entry is made of has to be given. Raises: UncapturedWriteError."""
    values = _values_of(element)
    given = {key for key, value in values if isinstance(value, BindParameter) and value.unique}
    plain = element.select is None and not element._multi_values
    for column in plan.columns:
        key = column.primary_key and len(params) < 2  # the driver tells it of one row
        if not plain or not (key or column.key in given or _is_given(column, params)):
            raise refused(plan.place, f"{column.name} is not given, and its rows cannot be returned")


def _is_given(column: Column[Any], params: Sequence[Any]) -> bool:
    default = column.default
    return column.key in params[0] or (default is not None and (default.is_scalar or default.is_callable))


def _is_comment(connection: Connection, prefix: Any) -> bool:
    """Whether a prefix is a comment that ends, so that what follows it is read as it would be without."""
    if not isinstance(prefix, str) or not prefix.startswith("/*"):
        return False
    try:
        return [token.text for token in tokens_of(connection.dialect.name, f"{prefix} x")] == ["x"]
    except UncapturedWriteError:
        return False


def _set_by(element: Update, place: TrackedTable, params: Sequence[Any]) -> tuple[str, ...]:
    """What the columns that a statement sets are called."""
    keys: set[Any] = {key for key, _ in _values_of(element)}
    conditions = set((keyed_by(element.whereclause) or {}).values()) if len(params) > 1 else set()
    keys |= {key for key in params[0] if key in place.table.columns and key not in conditions}
    keys |= {
        column.key
        for column in place.attributes.values()
        if column.onupdate is not None or column.server_onupdate is not None
    }
    names = place.attributes.items()
    return tuple(name for name, column in names if not keys.isdisjoint((column.key, column.name)))


def _values_of(element: Any) -> Iterator[tuple[str, Any]]:
    """What a statement sets by itself: the keys of columns, or names of attributes, with their values."""
    for values in (getattr(element, "_values", None), dict(getattr(element, "_ordered_values", None) or ())):
        for column, value in dict(values or {}).items():
            yield column if isinstance(column, str) else column.key, value


def refused(place: TrackedTable, why: str) -> UncapturedWriteError:
    """A statement that cannot be captured, to be raised."""
    return UncapturedWriteError(
        f"{place.table.name}: {why}; say what the statement means with recorded_as(...), or use the session"
    )
