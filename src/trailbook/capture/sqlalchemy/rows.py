"""From one statement to the rows it touched: RETURNING, or its parameters, or the keys it names.

Owns the plan that is made before a statement runs and read after it. Refuses, before anything runs, a statement whose
rows cannot be known exactly.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Column, Connection, Delete, Insert, Update, and_, or_, select
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList
from sqlalchemy.sql.operators import and_ as and_operator, eq

from trailbook.capture.declarations import Op
from trailbook.capture.sqlalchemy.tables import TrackedTable
from trailbook.errors import UncapturedWriteError

How = Literal["parameters", "defaults", "keys", "returned", "selected", "deleted"]
Values = Mapping[Column[Any], Any]
_TOGETHER = 200  # keys in one SELECT


class Plan(Struct):
    """How the rows of a statement will be known, and the statement to run instead of it.

    `before` are keys or rows that were read before it ran.
    """

    place: TrackedTable
    op: Op
    how: How
    statement: Any
    columns: list[Column[Any]]
    changed: tuple[str, ...] = ()
    before: Sequence[Any] = ()


def planned(
    connection: Connection,
    element: Insert | Update | Delete,
    place: TrackedTable,
    *,
    params: Sequence[Any],
) -> Plan | None:
    """The plan of a statement, or None where it changes nothing that is recorded.

    Raises: UncapturedWriteError when its rows cannot be known.
    """
    op: Op = (
        "created" if isinstance(element, Insert) else "updated" if isinstance(element, Update) else "deleted"
    )
    if not place.base and op != "updated":
        raise _refused(place, "only the ORM writes the rest of an inherited row")
    if all(each.tracked.actions[op] is None for each in place.declared):
        return None
    if element._prefixes or getattr(element, "_suffixes", ()):
        raise _refused(place, "its prefix may change what it does")
    columns = place.columns()
    if isinstance(element, Insert):
        return _inserting(element, Plan(place, op, "parameters", element, columns), params)
    changed = _set_by(element, place, params) if isinstance(element, Update) else ()
    if isinstance(element, Update) and changed and all(_ignored(place, name) for name in changed):
        return None
    plan = Plan(place, op, "defaults", element, columns, changed)
    if len(params) > 1:
        return _by_keys(connection, element, plan, params=params)
    return _returning(element, plan)


def rows_of(connection: Connection, plan: Plan, result: Any) -> Iterator[Values]:
    """The rows that a planned statement touched, each with the values of the declaration's columns."""
    if plan.how == "returned":
        rows = result.all()
        result._rewind(rows)  # the host reads them again
        for row in rows:
            yield {column: row._mapping[column] for column in plan.columns}
    elif plan.how == "defaults":
        values = result.context.compiled_parameters[0]  # what a statement sets it does not return
        for row in result.returned_defaults_rows or ():
            new = row._mapping
            yield {column: new[column] if column in new else values[column.key] for column in plan.columns}
    elif plan.how == "parameters":
        for values in result.context.compiled_parameters:
            yield {column: values[column.key] for column in plan.columns}
    elif plan.how == "keys":
        yield from _with_keys(plan, result)
    elif plan.how == "selected":
        yield from _select(connection, plan, plan.before)
    else:
        yield from plan.before


def _inserting(element: Insert, plan: Plan, params: Sequence[Any]) -> Plan:
    conflict = element._post_values_clause
    if conflict is not None and "update" in type(conflict).__name__.lower():
        raise _refused(plan.place, "whether ON CONFLICT DO UPDATE creates or changes a row cannot be seen")
    if element._returning:
        return _by_the_host(element, plan)
    plain = element.select is None and not element._multi_values
    if plain and conflict is None and len(params) > 1 and not element._values:
        if element._return_defaults:
            plan.how = "keys"
            return plan
        if all(_is_given(column, params) for column in plan.columns):
            return plan
    elif plain and conflict is None:
        plan.how, plan.statement = "keys", element.return_defaults(*plan.columns)
        return plan
    plan.how, plan.statement = "returned", element.returning(*plan.columns)
    return plan


def _returning(element: Update | Delete, plan: Plan) -> Plan:
    if not plan.place.table.implicit_returning:
        raise _refused(plan.place, "its rows cannot be returned")
    if element._returning:
        return _by_the_host(element, plan)
    plan.statement = element.return_defaults(*plan.columns)
    return plan


def _by_the_host(element: Any, plan: Plan) -> Plan:
    """The host has rows returned: they are read with it, if they have what an entry is made of."""
    returned = set(element.exported_columns)
    if missing := [column.name for column in plan.columns if column not in returned]:
        raise _refused(plan.place, f"its RETURNING leaves out {', '.join(missing)}")
    plan.how = "returned"
    return plan


def _by_keys(connection: Connection, element: Update | Delete, plan: Plan, *, params: Sequence[Any]) -> Plan:
    """Many parameter sets at once return no rows: each set has to name its row by `column = parameter`."""
    named = _equals(element.whereclause)
    if named is None:
        raise _refused(plan.place, "many parameters at once are captured only with a condition of equal keys")
    if {column.key for column in named} & set(plan.changed):
        raise _refused(plan.place, "it changes what its condition asks for")
    keys = [{column: values[bind] for column, bind in named.items()} for values in params]
    if isinstance(element, Update):
        plan.how, plan.before = "selected", keys
    else:
        plan.how, plan.before = "deleted", list(_select(connection, plan, keys, lock=True))
    return plan


def _select(
    connection: Connection, plan: Plan, keys: Sequence[Values], *, lock: bool = False
) -> Iterator[Values]:
    for start in range(0, len(keys), _TOGETHER):
        some = [and_(*(c == v for c, v in key.items())) for key in keys[start : start + _TOGETHER]]
        if all(len(key) == 1 for key in keys):
            ((column, _),) = keys[start].items()
            some = [column.in_([key[column] for key in keys[start : start + _TOGETHER]])]
        rows = select(*plan.columns).where(or_(*some))
        for row in connection.execute(rows.with_for_update() if lock else rows):
            yield dict(zip(plan.columns, row, strict=True))


def _equals(where: Any) -> dict[Column[Any], str] | None:
    """The columns that a condition compares with parameters for equality, or None if it does anything else."""
    if isinstance(where, BooleanClauseList) and where.operator is and_operator:
        clauses: Iterable[Any] = where.clauses
    else:
        clauses = (where,)
    binds: dict[Column[Any], str] = {}
    for clause in clauses:
        if not isinstance(clause, BinaryExpression) or clause.operator is not eq:
            return None
        left, right = clause.left, clause.right
        if not isinstance(left, Column) or not isinstance(right, BindParameter) or not right.required:
            return None
        binds[left] = right.key
    return binds


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
            raise _refused(plan.place, "the database did not return what it made")
        yield row


def _is_given(column: Column[Any], params: Sequence[Any]) -> bool:
    default = column.default
    return column.key in params[0] or (default is not None and (default.is_scalar or default.is_callable))


def _set_by(element: Update, place: TrackedTable, params: Sequence[Any]) -> tuple[str, ...]:
    """The attributes whose columns a statement sets."""
    keys: set[Any] = set()
    for values in (element._values, dict(getattr(element, "_ordered_values", None) or ())):
        keys |= {column if isinstance(column, str) else column.key for column in values or ()}
    conditions = set((_equals(element.whereclause) or {}).values()) if len(params) > 1 else set()
    keys |= {key for key in params[0] if key in place.table.columns and key not in conditions}
    return tuple(
        name for name, column in place.attributes.items() if column.key in keys or column.name in keys
    )


def _ignored(place: TrackedTable, name: str) -> bool:
    return all(name in each.tracked.ignore for each in place.declared)


def _refused(place: TrackedTable, why: str) -> UncapturedWriteError:
    return UncapturedWriteError(
        f"{place.table.name}: {why}; say what the statement means with recorded_as(...), or use the session"
    )
