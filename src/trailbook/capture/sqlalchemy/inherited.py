"""Rows of inherited classes, which lie in several tables: one row, whichever of them a statement writes.

Owns that a bulk update, which writes table after table, is one entry a row, and that the rest of a row has the name
that stands in its other table. Refuses to put together what different statements of the host did.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from msgspec import UNSET, Struct
from sqlalchemy import Column, Connection, Table
from sqlalchemy.orm import Mapper, ORMExecuteState, SessionTransaction

from trailbook.capture.declarations import Tracked
from trailbook.capture.sqlalchemy import rollback
from trailbook.capture.sqlalchemy.keys import Keys, select_keys
from trailbook.capture.sqlalchemy.rows import Plan
from trailbook.capture.sqlalchemy.tables import TrackedTable, nearest

Values = Mapping[Column[Any], Any]
Places = Mapping[Table, TrackedTable]


class PartedRow(Struct):
    """What is known of a row: its key, its declaration, values of attributes, and the names of those that changed."""

    key: tuple[Any, ...]
    tracked: Tracked
    values: dict[str, Any]
    changed: set[str]


class Bulk(Struct, eq=False):
    """A bulk update that runs: the rows that it has touched on each connection, by their keys."""

    owner: object  # whose listeners see it, for there may be several captures
    scope: SessionTransaction | None = None
    parts: dict[Connection, dict[tuple[Any, ...], PartedRow]] = {}

    def add(self, connection: Connection, parts: Sequence[PartedRow]) -> None:
        """Take in what one of its statements touched."""
        rollback.start(connection, self, self.owner)
        known = self.parts.setdefault(connection, {})
        for part in parts:
            same = known.setdefault(part.key, part)
            same.values.update(part.values)
            same.changed.update(part.changed)

    def write(self, keep: Callable[[Connection, Sequence[PartedRow]], None]) -> None:
        """Write the entries, at its end; where they cannot be written nothing is committed."""
        for connection, parts in self.parts.items():
            with rollback.dooming(connection):
                keep(connection, list(parts.values()))
            rollback.end(connection, self, self.owner)


# The bulk statements of the ORM that run in this thread or task, the innermost first.
_bulks: ContextVar[tuple[Bulk, ...]] = ContextVar("trailbook_bulks", default=())


def running(owner: object) -> Bulk | None:
    """The bulk statement that runs, if one does."""
    return next((each for each in _bulks.get() if each.owner is owner), None)


@contextmanager
def bulk(owner: object) -> Iterator[Bulk]:
    """A block in which the statements on several tables are those of one bulk update."""
    each = Bulk(owner)
    token = _bulks.set((each, *_bulks.get()))
    try:
        yield each
    finally:
        _bulks.reset(token)


def may_be_parted(state: ORMExecuteState) -> bool:
    """Whether a statement of a session may be a bulk update of rows in several tables."""
    mapper = state.bind_mapper
    return state.is_update and bool(state.parameters) and mapper is not None and len(mapper.tables) > 1


def is_parted(place: TrackedTable) -> bool:
    """Whether rows of a table may have parts in others."""
    return any(each.mapper is not None and len(each.mapper.tables) > 1 for each in place.declared)


def parts_of(connection: Connection, places: Places, plan: Plan, rows: Sequence[Values]) -> list[PartedRow]:
    """What is known of the rows that an UPDATE of one of their tables touched."""
    place, root = plan.place, plan.place.declared[0]
    assert root.mapper is not None
    marks = {} if place.base or len(place.declared) == 1 else _marks(connection, places, place, rows)
    parts = []
    for row in rows:
        values = {name: row[c] for name, c in place.attributes.items() if c in row}
        key = tuple(values[name] for name in root.tracked.key)
        tracked = nearest(marks[key], place.declared) if key in marks else place.tracked(row)
        if tracked is not None and tracked.counts(plan.changed):
            changed = set(plan.changed) - tracked.ignore
            parts.append(PartedRow((root.mapper.base_mapper, *key), tracked, values, changed))
    if not place.base:
        _complete(connection, places, place, parts)
    return parts


def _marks(
    connection: Connection, places: Places, place: TrackedTable, rows: Sequence[Values]
) -> dict[tuple[Any, ...], Mapper[Any] | None]:
    """The class of each row, by its key, as its base table says it."""
    root = place.declared[0]
    mark = root.mapper and root.mapper.polymorphic_on
    if root.mapper is None or not isinstance(mark, Column) or not isinstance(mark.table, Table):
        return {}
    keys = [tuple(row[place.attributes[name]] for name in root.tracked.key) for row in rows]
    read = _read(connection, places[mark.table], root.tracked.key, mark, keys=keys)
    return {key: root.mapper.polymorphic_map.get(value) for key, value in read.items()}


def _complete(
    connection: Connection, places: Places, place: TrackedTable, parts: Sequence[PartedRow]
) -> None:
    """Take in the names and hints that stand in another table of the rows."""
    for tracked in {id(part.tracked): part.tracked for part in parts}.values():
        own = [part for part in parts if part.tracked is tracked]
        for name in (tracked.name, tracked.hint):
            if isinstance(name, str) and name not in place.attributes:
                other = next(each for each in _tables(places, place, tracked) if name in each.attributes)
                keys = [part.key[1:] for part in own]
                read = _read(connection, other, tracked.key, other.attributes[name], keys=keys)
                for part in own:
                    part.values[name] = read.get(part.key[1:], UNSET)


def _tables(places: Places, place: TrackedTable, tracked: Tracked) -> Iterator[TrackedTable]:
    """The tables of a class that has rows in one of them."""
    mapper = next(each.mapper for each in place.declared if each.tracked is tracked)
    yield from (places[each] for each in mapper.tables if isinstance(each, Table)) if mapper else ()


def _read(
    connection: Connection,
    place: TrackedTable,
    names: Sequence[str],
    column: Column[Any],
    *,
    keys: list[tuple[Any, ...]],
) -> dict[tuple[Any, ...], Any]:
    """The values of a column, by the keys of their rows."""
    primary = tuple(place.attributes[name] for name in names)
    read = select_keys(connection, [*primary, column], Keys(primary, keys))
    return {tuple(row[c] for c in primary): row[column] for row in read}
