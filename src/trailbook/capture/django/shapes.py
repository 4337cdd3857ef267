"""What the rows of one write look like: which of their columns declarations read, and as what.

Owns the way from a driver's row to the items of an entry, worked out once for a statement and used for each of its
rows. Refuses to read a column that no declaration names.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field
from msgspec import UNSET, Struct

from trailbook.capture.django.tables import Registered
from trailbook.capture.entries import CapturedRow, EntryItems, items_of

Row = tuple[Any, ...]


class ReadRow(Struct, frozen=True, gc=False):
    """A row as declarations read it, and the items of its entry."""

    row: Any
    items: EntryItems


class RowShape:
    """Rows that have these fields, in this order."""

    def __init__(
        self, connection: BaseDatabaseWrapper, registered: Registered, fields: "Sequence[Field[Any, Any]]"
    ) -> None:
        tracked = registered.tracked
        self._alias = connection.alias
        self._connection = connection
        self._registered = registered
        self._converted = [
            (at, column, converters)
            for at, field in enumerate(fields)
            for column in [field.get_col(field.model._meta.db_table)]
            if (converters := _converters(connection, column))
        ]
        self._read = [
            (name, at)
            for at, field in enumerate(fields)
            for name in dict.fromkeys((field.name, field.attname))
            if name in tracked.needs
        ]
        places = {field.attname: at for at, field in enumerate(fields)}
        concrete = registered.model._meta.concrete_fields
        self._members = [(each.attname, places[each.attname]) for each in concrete if each.attname in places]
        known = {name for name, _ in self._read}
        # What an entry may do without, where a migration has not made its column yet.
        self._absent = {
            part: UNSET
            for part in (tracked.name, tracked.hint)
            if isinstance(part, str) and part not in known
        }

    def read(self, row: Row) -> ReadRow:
        """A row, read. Raises: UncapturedWriteError."""
        if self._converted:
            row = self._convert(row)
        made: Any
        if self._registered.reads_object:
            names = [name for name, _ in self._members]
            made = self._registered.model.from_db(self._alias, names, [row[at] for _, at in self._members])
        else:
            made = CapturedRow({**self._absent, **{name: row[at] for name, at in self._read}})
        return ReadRow(made, items_of(self._registered.tracked, made))

    def _convert(self, row: Row) -> Row:
        """The values of the driver's as Django gives them to the host: so keys and names are known there."""
        values = list(row)
        for at, column, converters in self._converted:
            for convert in converters:
                values[at] = convert(values[at], column, self._connection)
        return tuple(values)


def _converters(connection: BaseDatabaseWrapper, column: Any) -> list[Callable[..., Any]]:
    return [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
