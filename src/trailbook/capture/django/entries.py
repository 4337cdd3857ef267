"""From the rows that a planned write gave to what became of each: created, updated or deleted, and in which fields.

Owns the reading of rows before and after a write. Refuses rows that it did not expect: what the database says before
and after has to agree.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from msgspec import Struct

from trailbook.capture.declarations import ChangeKind, Op
from trailbook.capture.django.plans import Plan, needed_columns
from trailbook.capture.django.shapes import ReadRow, Row, RowShape
from trailbook.capture.entries import EntryItems
from trailbook.errors import UncapturedWriteError

Key = tuple[Any, ...]
Names = Mapping[Any, tuple[str, ...]]
_TOGETHER = 500  # keys in one SELECT


class Change(Struct, frozen=True):
    """Rows that changed alike, each with the items of its entry."""

    kind: ChangeKind
    rows: list[tuple[Any, EntryItems]]


class Earlier(Struct, frozen=True, gc=False):
    """A row before a write: as it was, where it may become another or goes, and the columns that will differ."""

    row: ReadRow | None
    differs: tuple[str, ...] = ()


class Reader:
    """Reads the rows of one write, as often as it runs."""

    def __init__(self, connection: BaseDatabaseWrapper, plan: Plan) -> None:
        fields = plan.place.fields
        self.connection = connection
        self.plan = plan
        self.tracked = plan.registered.tracked
        self.identity = plan.registered.identity
        self._new = self._shape([fields[column] for column in plan.returned])
        self._old = self._shape([fields[column] for column in plan.old])
        if plan.registered.inherits:
            columns, self._query = self._joined()
            self._whole = self._shape(columns)

    def before(self, params: Any) -> dict[Key, Earlier]:
        """What is selected before the write runs, by the key that each row has afterwards."""
        plan = self.plan
        if not plan.before:
            return {}
        rows = self._select(plan.before, params)
        if plan.op == "deleted":
            return {(key,): Earlier(row) for key, row in self.inherited(row[0] for row in rows)}
        if plan.old:
            return dict(self._renamed(row) for row in rows)
        width = len(plan.place.key)
        return {row[:width]: Earlier(None, self._differing(row[width:])) for row in rows}

    def new(self, row: Row) -> ReadRow:
        """A row that the write returned, as it is now. Raises: UncapturedWriteError."""
        return self._new.read(row)

    def key(self, row: Row) -> Key:
        """The key of a row that the write returned, as `before` has it."""
        key = tuple(row[: len(self.plan.place.key)])
        return _as_text(key) if self.plan.new_key else key

    def names(self, columns: Iterable[str]) -> tuple[str, ...]:
        """What declarations call columns."""
        return tuple(name for column in columns for name in self.plan.place.attributes(column))

    def inherited(self, keys: Iterable[Any]) -> Iterator[tuple[Any, ReadRow]]:
        """Rows that lie in several tables, by the key that they share; a key without a row of the model has none."""
        every = list(keys)
        for start in range(0, len(every), _TOGETHER):
            some = every[start : start + _TOGETHER]
            for row in self._select(f"{self._query} ({', '.join(['%s'] * len(some))})", some):
                yield row[0], self._whole.read(row[1:])

    def _differing(self, values: Row) -> tuple[str, ...]:
        return tuple(column for column, differs in zip(self.plan.compared, values, strict=True) if differs)

    def _renamed(self, row: Row) -> tuple[Key, Earlier]:
        """A row that may become another item: by its key to be, as it was."""
        plan = self.plan
        width, own = len(plan.place.key), len(plan.old)
        key = dict(zip(plan.place.key, row[:width], strict=True))
        set_ = dict(zip(plan.compared, row[width + own :], strict=True))
        differs = [
            column
            for column, value in set_.items()
            if (str(value) != str(key[column]) if column in plan.new_key else value)
        ]
        after = tuple(set_[c] if c in plan.new_key else value for c, value in key.items())
        earlier = Earlier(self._old.read(row[width : width + own]), tuple(differs))
        return (_as_text(after) if plan.new_key else after), earlier

    def _shape(self, fields: Sequence[Any]) -> RowShape:
        return RowShape(self.connection, self.plan.registered, fields)

    def _joined(self) -> tuple[list[Any], str]:
        """The fields that an entry needs of all tables of an inherited row, and their query; the key comes first."""
        quoted = self.connection.ops.quote_name
        registered = self.plan.registered
        at = {place.table: f"{quoted(place.table)}.{quoted(place.key[0])}" for place in registered.places}
        own, *others = registered.places
        fields = [(each, column) for each in registered.places for column in needed_columns(registered, each)]
        names = [f"{quoted(each.table)}.{quoted(column)}" for each, column in fields]
        joins = "".join(
            f" JOIN {quoted(each.table)} ON {at[each.table]} = {at[own.table]}" for each in others
        )
        selected = ", ".join([at[own.table], *names])
        query = f"SELECT {selected} FROM {quoted(own.table)}{joins} WHERE {at[own.table]} IN"
        return [each.fields[column] for each, column in fields], query

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
    plan = reader.plan
    added = _added(reader, rows)
    if plan.op == "updated":
        return _alike(reader, _updates(reader, before, added))
    if not plan.registered.inherits:
        return _alike(reader, ((plan.op, (), reader.new(row)) for row in added))
    if plan.op == "created":
        return _alike(reader, (("created", (), row) for row in _whole(reader, added)))
    gone = [_known(reader, before, row) for row in added]
    return _alike(reader, (("deleted", (), each.row) for each in gone if each.row is not None))


def inherited_names(reader: Reader, before: Mapping[Key, Earlier], rows: Sequence[Row]) -> Names:
    """The names of what an UPDATE of one table of an inherited model changed, by the key that its tables share.

    Raises: UncapturedWriteError, as `changes_of`.
    """
    return {row[0]: names for row, _, names in _differing(reader, before, _added(reader, rows))}


def inherited_changes(reader: Reader, names: Names) -> list[Change]:
    """What became of inherited rows, all of whose tables were written."""
    rows = reader.inherited(names)
    return _alike(reader, (("updated", names[key], row) for key, row in rows))


def _alike(reader: Reader, changes: Iterable[tuple[Op, tuple[str, ...], ReadRow]]) -> list[Change]:
    groups: dict[tuple[Op, tuple[str, ...]], list[tuple[Any, EntryItems]]] = {}
    for op, names, row in changes:
        groups.setdefault((op, names), []).append((row.row, row.items))
    return [Change(ChangeKind(reader.tracked, op, names), some) for (op, names), some in groups.items()]


def _added(reader: Reader, rows: Sequence[Row]) -> list[Row]:
    """What capture had returned, beside what the host did."""
    width = len(reader.plan.returned)
    return [row[len(row) - width :] for row in rows]


def _updates(
    reader: Reader, before: Mapping[Key, Earlier], added: Sequence[Row]
) -> Iterator[tuple[Op, tuple[str, ...], ReadRow]]:
    for row, earlier, names in _differing(reader, before, added):
        new = reader.new(row)
        if earlier.row is not None and (
            earlier.row.items.target.id != new.items.target.id
            or not reader.identity.isdisjoint(earlier.differs)
        ):
            yield "deleted", (), earlier.row
            yield "created", (), new
        else:
            yield "updated", names, new


def _whole(reader: Reader, added: Sequence[Row]) -> list[ReadRow]:
    """Rows inserted into the last of their tables. Raises: UncapturedWriteError for one that has no parent yet."""
    made = [row for _, row in reader.inherited(row[0] for row in added)]
    if len(made) < len(added):
        table = reader.plan.place.table
        raise UncapturedWriteError(
            f"{table}: a row was inserted before its parent's, so that it cannot be recorded; insert the parent first"
        )
    return made


def _differing(
    reader: Reader, before: Mapping[Key, Earlier], added: Sequence[Row]
) -> Iterator[tuple[Row, Earlier, tuple[str, ...]]]:
    """The rows in which something else differs than what is declared to mean nothing, and the names of what does."""
    names: dict[tuple[str, ...], tuple[str, ...]] = {}
    for row in added:
        earlier = _known(reader, before, row)
        own = names.get(earlier.differs)
        if own is None:
            own = names[earlier.differs] = reader.names(earlier.differs)
        if not (reader.tracked.ignore.issuperset(own) and reader.identity.isdisjoint(earlier.differs)):
            yield row, earlier, own


def _known(reader: Reader, before: Mapping[Key, Earlier], row: Row) -> Earlier:
    earlier = before.get(reader.key(row))
    if earlier is not None:
        return earlier
    plan = reader.plan
    if plan.op == "updated" and not plan.old:
        # Somebody else committed this row after the others were selected: what was set counts as changed.
        return Earlier(None, plan.compared)
    raise UncapturedWriteError(
        f"{plan.place.table}: a row was touched that was not there a moment ago; try again"
    )


def _as_text(key: Key) -> Key:
    """A key to look rows up by where it was worked out, whatever the driver made of its values."""
    return tuple(str(value) for value in key)
