"""From the rows that a planned write gave to what became of each: created, updated or deleted, and in which fields.

Owns the reading of rows before and after a write, and what they are called in declarations. Refuses rows that it did
not expect: what the database says before and after has to agree.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field
from msgspec import UNSET, Struct

from trailbook.capture.declarations import ChangeKind, Op
from trailbook.capture.django.plans import Plan, needed_columns
from trailbook.capture.django.tables import Place
from trailbook.capture.entries import CapturedRow, EntryItems, items_of
from trailbook.errors import UncapturedWriteError

Key = tuple[str, ...]
Row = Sequence[Any]
Names = Mapping[Any, tuple[str, ...]]
_TOGETHER = 500  # keys in one SELECT


class Change(Struct, frozen=True):
    """Rows that changed alike, each with the items of its entry."""

    kind: ChangeKind
    rows: list[tuple[Any, EntryItems]]


class Earlier(Struct, frozen=True):
    """A row before an UPDATE: its items where it may become another, and the columns that will differ."""

    items: tuple[Any, EntryItems] | None
    differs: tuple[str, ...]


class Reader:
    """Reads the rows of one write."""

    def __init__(self, connection: BaseDatabaseWrapper, plan: Plan) -> None:
        self.connection = connection
        self.plan = plan
        self.tracked = plan.registered.tracked

    def before(self, params: Any) -> "dict[Key, Earlier]":
        """What is selected before the write runs, by the key that each row has afterwards."""
        plan = self.plan
        if not plan.before:
            return {}
        rows = self._select(plan.before, params)
        if plan.op == "deleted":
            keys = [row[0] for row in rows]
            return {(str(key),): Earlier(items, ()) for key, items in self.inherited(keys)}
        return dict(self._earlier(row) for row in rows)

    def items(self, columns: Sequence[str], row: Row) -> tuple[Any, EntryItems]:
        """A row as declarations read it, and the items of its entry. Raises: UncapturedWriteError."""
        values = dict(zip(columns, row, strict=False))
        fields = [(self.plan.place.fields[column], values.get(column, UNSET)) for column in columns]
        return self._items(fields)

    def inherited(self, keys: Iterable[Any]) -> Iterator[tuple[Any, tuple[Any, EntryItems]]]:
        """Rows that lie in several tables, by the key that they share; a key without a row of the model has none."""
        every = list(keys)
        fields, query = self._joined() if every else ([], "")
        for start in range(0, len(every), _TOGETHER):
            some = every[start : start + _TOGETHER]
            for row in self._select(query + f" ({', '.join(['%s'] * len(some))})", some):
                yield row[0], self._items(list(zip(fields, row[1:], strict=True)))

    def _items(self, fields: "Sequence[tuple[Field[Any, Any], Any]]") -> tuple[Any, EntryItems]:
        values = {field: self._converted(field, value) for field, value in fields}
        if self.plan.registered.reads_object:
            made = self._object(values)
        else:
            names = {name: value for field, value in values.items() for name in (field.name, field.attname)}
            made = CapturedRow({**dict.fromkeys(self._absent(names), UNSET), **names})
        return made, items_of(self.tracked, made)

    def _absent(self, names: Mapping[str, Any]) -> list[str]:
        """What an entry may do without, where a migration has not made its column yet."""
        return [
            part
            for part in (self.tracked.name, self.tracked.hint)
            if isinstance(part, str) and part not in names
        ]

    def _object(self, values: "Mapping[Field[Any, Any], Any]") -> Any:
        known = {field.attname: value for field, value in values.items() if value is not UNSET}
        model = self.plan.registered.model
        names = [field.attname for field in model._meta.concrete_fields if field.attname in known]
        return model.from_db(self.connection.alias, names, [known[name] for name in names])

    def _converted(self, field: "Field[Any, Any]", value: Any) -> Any:
        """A value of the driver's as Django gives it to the host: keys and names are told as the host knows them."""
        if value is UNSET:
            return value
        column = field.get_col(field.model._meta.db_table)
        for convert in _converters(self.connection, column):
            value = convert(value, column, self.connection)
        return value

    def _earlier(self, row: Row) -> tuple[Key, Earlier]:
        plan = self.plan
        width, own = len(plan.place.key), len(plan.old)
        key = dict(zip(plan.place.key, row[:width], strict=True))
        old = self.items(plan.old, row[width : width + own]) if own else None
        set_ = dict(zip(plan.compared, row[width + own :], strict=True))
        after = {
            column: set_.get(column, value) if column in plan.new_key else value
            for column, value in key.items()
        }
        differs = [
            column
            for column, value in set_.items()
            if (str(value) != str(key[column]) if column in plan.new_key else value)
        ]
        return key_of(after.values()), Earlier(old, tuple(differs))

    def _joined(self) -> "tuple[list[Field[Any, Any]], str]":
        """The query for what an entry needs of all tables of an inherited row, and its fields; the key comes first."""
        quoted = self.connection.ops.quote_name
        places = self.plan.registered.places
        at = {place.table: f"{quoted(place.table)}.{quoted(place.key[0])}" for place in places}
        own = at[places[0].table]
        fields = [(place, column) for place in places for column in _wanted(self.plan, place)]
        names = [f"{quoted(place.table)}.{quoted(column)}" for place, column in fields]
        joins = "".join(f" JOIN {quoted(place.table)} ON {at[place.table]} = {own}" for place in places[1:])
        query = f"SELECT {', '.join([own, *names])} FROM {quoted(places[0].table)}{joins} WHERE {own} IN"
        return [place.fields[column] for place, column in fields], query

    def _select(self, query: str, params: Any) -> list[Row]:
        """Rows, past the wrappers of the host."""
        with self.connection.wrap_database_errors, closing(self.connection.create_cursor()) as cursor:
            cursor.execute(query) if params is None else cursor.execute(query, params)
            rows: list[Row] = cursor.fetchall()
            return rows


def changes_of(reader: Reader, before: Mapping[Key, Earlier], rows: Sequence[Row]) -> list[Change]:
    """What became of the rows that a write returned, those that changed alike together.

    Raises: UncapturedWriteError where what was selected before and what was returned do not agree.
    """
    return _alike(reader, _changes(reader, before, rows))


def inherited_names(reader: Reader, before: Mapping[Key, Earlier], rows: Sequence[Row]) -> Names:
    """The names of what an UPDATE of one table of an inherited model changed, by the key that its tables share.

    Raises: UncapturedWriteError, as `changes_of`.
    """
    return {row[0]: names for row, _, names in _differing(reader, before, _added(reader, rows))}


def inherited_changes(reader: Reader, names: Names) -> list[Change]:
    """What became of inherited rows, all of whose tables were written."""
    items = reader.inherited(names)
    return _alike(reader, (("updated", names[key], pair) for key, pair in items))


def _alike(
    reader: Reader, changes: Iterable[tuple[Op, tuple[str, ...], tuple[Any, EntryItems]]]
) -> list[Change]:
    groups: dict[tuple[Op, tuple[str, ...]], list[tuple[Any, EntryItems]]] = {}
    for op, names, items in changes:
        groups.setdefault((op, names), []).append(items)
    return [Change(ChangeKind(reader.tracked, op, names), some) for (op, names), some in groups.items()]


def _added(reader: Reader, rows: Sequence[Row]) -> list[Row]:
    """What capture had returned, beside what the host did."""
    width = len(reader.plan.returned)
    return [row[len(row) - width :] for row in rows]


def key_of(values: Iterable[Any]) -> Key:
    """A key to look rows up by, whatever the driver makes of its values."""
    return tuple(str(value) for value in values)


def _changes(
    reader: Reader, before: Mapping[Key, Earlier], rows: Sequence[Row]
) -> Iterator[tuple[Op, tuple[str, ...], tuple[Any, EntryItems]]]:
    plan = reader.plan
    added = _added(reader, rows)
    if plan.op == "updated":
        yield from _updates(reader, before, added)
    elif plan.registered.inherits and plan.op == "created":
        for _, items in reader.inherited(row[0] for row in added):
            yield "created", (), items
    elif plan.registered.inherits:
        for row in added:
            yield "deleted", (), _known(plan, before, key_of(row[:1])).items  # type: ignore[misc]
    else:
        for row in added:
            yield plan.op, (), reader.items(plan.returned, row)


def _updates(
    reader: Reader, before: Mapping[Key, Earlier], added: Sequence[Row]
) -> Iterator[tuple[Op, tuple[str, ...], tuple[Any, EntryItems]]]:
    for row, earlier, names in _differing(reader, before, added):
        items = reader.items(reader.plan.returned, row)
        if earlier.items is not None and earlier.items[1].target.id != items[1].target.id:
            yield "deleted", (), earlier.items
            yield "created", (), items
        else:
            yield "updated", names, items


def _differing(
    reader: Reader, before: Mapping[Key, Earlier], added: Sequence[Row]
) -> Iterator[tuple[Row, Earlier, tuple[str, ...]]]:
    """The rows in which something else differs than what is declared to mean nothing, and the names of what does."""
    plan = reader.plan
    width = len(plan.place.key)
    for row in added:
        earlier = _known(plan, before, key_of(row[:width]))
        names = _names(plan, earlier.differs)
        if set(names) - reader.tracked.ignore:
            yield row, earlier, names


def _names(plan: Plan, columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for column in columns for name in plan.place.attributes(column))


def _known(plan: Plan, before: Mapping[Key, Earlier], key: Key) -> Earlier:
    earlier = before.get(key)
    if earlier is None:
        # Somebody else committed this row after it was selected, or its new key is not what was worked out.
        raise UncapturedWriteError(
            f"{plan.place.table}: a row was touched that was not there a moment ago; try again"
        )
    return earlier


def _wanted(plan: Plan, place: Place) -> list[str]:
    return list(needed_columns(plan.registered, place))


def _converters(connection: BaseDatabaseWrapper, column: Any) -> list[Callable[..., Any]]:
    return [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
