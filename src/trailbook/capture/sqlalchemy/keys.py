"""Keys: which rows many parameter sets name, and which a statement that changes keys is about to touch.

Owns every SELECT that capture makes of a tracked table. Refuses a condition that does not name its rows, and an old
key that cannot be read before the statement runs.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Connection, Delete, Update, and_, or_, select
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList
from sqlalchemy.sql.operators import and_ as and_operator, eq

from trailbook.capture.sqlalchemy.rollback import begin
from trailbook.capture.sqlalchemy.tables import TrackedTable
from trailbook.errors import UncapturedWriteError

Values = Mapping[Column[Any], Any]
_TOGETHER = 200  # keys in one SELECT


class Keys(Struct, frozen=True):
    """What many parameter sets ask for: the columns, and the values of each set, in order."""

    columns: tuple[Column[Any], ...]
    sets: list[tuple[Any, ...]]


def moves(place: TrackedTable, changed: Iterable[str]) -> bool:
    """Whether a change of these attributes may change which item a row is."""
    names = set(changed)
    mark = place.discriminator()
    if mark is not None and any(place.attributes[name] is mark for name in names):
        return True
    return any(
        callable(each.tracked.id) or not names.isdisjoint(each.tracked.identity) for each in place.declared
    )


def keyed_by(where: Any) -> dict[Column[Any], str] | None:
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


def select_keys(
    connection: Connection, columns: Sequence[Column[Any]], keys: Keys, *, lock: bool = False
) -> Iterator[Values]:
    """The rows that parameter sets name, each once however often it is named."""
    begin(connection)  # what is read is of the transaction that writes
    sets = list(dict.fromkeys(keys.sets))
    for start in range(0, len(sets), _TOGETHER):
        some = sets[start : start + _TOGETHER]
        if len(keys.columns) == 1:
            condition: ColumnElement[bool] = keys.columns[0].in_([value for (value,) in some])
        else:
            condition = or_(
                *(and_(*(c == v for c, v in zip(keys.columns, each, strict=True))) for each in some)
            )
        rows = select(*columns).where(condition)
        for row in connection.execute(rows.with_for_update() if lock else rows):
            yield dict(zip(columns, row, strict=True))


def repeated(keys: Keys, rows: Iterable[Values]) -> int:
    """How often parameter sets named these rows."""
    times = Counter(keys.sets)
    return sum(times[tuple(row[column] for column in keys.columns)] for row in rows)


def read_before(
    connection: Connection,
    element: Update | Delete,
    place: TrackedTable,
    columns: list[Column[Any]],
    params: Any,
) -> Iterator[Values]:
    """The rows that a statement will touch, locked. Raises: UncapturedWriteError if they cannot be known exactly."""
    where = element.whereclause
    rows = select(*columns).select_from(place.table)
    if where is not None:
        rows = rows.where(where)
    if not place.base or set(rows.get_final_froms()) != {place.table} or element._independent_ctes:
        raise UncapturedWriteError(
            f"{place.table.name}: it changes the keys of rows that cannot be known exactly; say what the statement"
            " means with recorded_as(...), or use the session"
        )
    begin(connection)
    for row in connection.execute(rows.with_for_update(), params or {}):
        yield dict(zip(columns, row, strict=True))
