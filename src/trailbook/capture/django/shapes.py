"""What the rows of one write look like: which of their columns declarations read, and as what.

Owns the way from a driver's row to the items of an entry, worked out once for a statement and used for each of its
rows. Refuses to read a column that no declaration names.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field
from msgspec import Struct

from trailbook.capture.declarations import Ref, Tracked
from trailbook.capture.django.tables import Registered
from trailbook.capture.entries import CapturedRow, EntryItems, items_of
from trailbook.errors import UncapturedWriteError
from trailbook.model import Item

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
        self._connection = connection
        self._registered = registered
        self._converted = [
            (at, column, converters)
            for at, field in enumerate(fields)
            for column in [field.get_col(field.model._meta.db_table)]
            if (converters := _converters(connection, column))
        ]
        self._places = {name: at for at, field in enumerate(fields) for name in (field.name, field.attname)}
        concrete = registered.model._meta.concrete_fields
        self._members = [each.attname for each in concrete if each.attname in self._places]
        self._items = None if registered.reads_object else _plain_items(registered.tracked, self._places)

    def read(self, row: Row) -> ReadRow:
        """A row, read. Raises: UncapturedWriteError."""
        if self._converted:
            row = self._convert(row)
        if self._items is not None:
            return ReadRow(None, self._items(row))
        made: Any
        if self._registered.reads_object:
            values = [row[self._places[name]] for name in self._members]
            made = self._registered.model.from_db(self._connection.alias, self._members, values)
        else:
            made = CapturedRow({name: row[at] for name, at in self._places.items()})
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


def _plain_items(tracked: Tracked, places: Mapping[str, int]) -> Callable[[Row], EntryItems] | None:
    """What `items_of` makes of a declaration without callables, fit for rows by the thousand.

    None where an id is not among the columns, which `items_of` tells.
    """
    refs = {part: ref for part, ref in tracked.concerns.items() if isinstance(ref, Ref)}
    own = _plain_item(Ref(tracked.type, tracked.id, tracked.name, tracked.hint), places)
    others = [(part, _plain_item(ref, places)) for part, ref in refs.items()]
    if own is None or any(item is None for _, item in others):
        return None
    target = own

    def items(row: Row) -> EntryItems:
        item = target(row)
        if item is None:
            raise UncapturedWriteError(f"{tracked.table}: a row without an id cannot be captured")
        if not others:
            return EntryItems(item)
        concerned = [(part, read(row)) for part, read in others if read is not None]
        return EntryItems(item, tuple((part, each) for part, each in concerned if each is not None))

    return items


def _plain_item(ref: Ref, places: Mapping[str, int]) -> Callable[[Row], Item | None] | None:
    """Reads the item that a row points at, None where it points at none."""
    if not isinstance(ref.id, str) or ref.id not in places:
        return None
    type_, at = ref.type, places[ref.id]
    # A migration may not have made these columns yet: then the entry says nothing of them.
    name = places.get(ref.name) if isinstance(ref.name, str) else None
    hint = places.get(ref.hint) if isinstance(ref.hint, str) else None

    def item(row: Row) -> Item | None:
        id_ = row[at]
        if id_ is None:
            return None
        return Item(
            type=type_,
            id=str(id_),
            name=None if name is None or row[name] is None else str(row[name]),
            hint=None if hint is None else "" if row[hint] is None else str(row[hint]),
        )

    return item
