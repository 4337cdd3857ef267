"""Objects of a session: what of them changed in a flush, by name, and which items they were before it.

Owns that only names are asked for, that what the database or a default sets along with an UPDATE counts too, and that
an object with another key is two facts. Refuses to guess an old key that was not loaded.
"""

from collections.abc import Container, Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from msgspec import Struct
from sqlalchemy import Column, Connection, Table, inspect
from sqlalchemy.orm import InstanceState, Mapper
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.base import NEVER_SET, NO_VALUE, PassiveFlag

from trailbook.capture.declarations import ChangeKind, Op, Tracked
from trailbook.capture.entries import EntryItems, items_of
from trailbook.capture.sqlalchemy.tables import columns_in
from trailbook.errors import UncapturedWriteError

_UNKNOWN = (NO_VALUE, NEVER_SET)


class Change(Struct):
    """One object's change in a flush; its items are read before the row goes, or else after the flush."""

    connection: Connection
    op: Op
    tracked: Tracked
    instance: Any
    names: set[str]  # of what changed, known before the statement ran
    items: EntryItems | None = None
    before: EntryItems | None = None  # where its key or item changes, those that it had


class RecordedChange(Struct, frozen=True):
    """A change that is recorded: on which connection, of what kind, of which object, and the items of its entry."""

    connection: Connection
    kind: ChangeKind
    instance: Any
    items: EntryItems


class CommittedRow:
    """An object as its row was before the flush; a callable of a declaration reads it like the object."""

    __slots__ = ("_state",)

    def __init__(self, state: InstanceState[Any]) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        state = self._state
        value = state.committed_state.get(name, self)
        if value is self:
            return getattr(state.obj(), name)
        if any(value is unknown for unknown in _UNKNOWN):
            return self._by_identity(name)
        return value

    def _by_identity(self, name: str) -> Any:
        state = self._state
        keys = [state.mapper.get_property_by_column(column).key for column in state.mapper.primary_key]
        if state.key is None or name not in keys:
            raise UncapturedWriteError(f"{type(state.obj()).__name__}.{name}: its old value was not loaded")
        return state.key[1][keys.index(name)]


def changed(state: InstanceState[Any], tracked: Tracked, known: Container[str] = ()) -> list[str]:
    """The names of attributes that differ from what was loaded, but for those declared to mean nothing.

    SQLAlchemy compares; what is compared is not looked at here, and of what is `known` to differ not again.
    """
    tables: set[Any] = set()
    columns = _columns_of(state.manager.mapper)
    names = []
    for name in list(state.committed_state):
        column = columns.columns.get(name)
        if column is None:
            continue
        if name not in known and not state.get_history(name, PassiveFlag.PASSIVE_NO_INITIALIZE).has_changes():
            continue
        tables.add(column.table)
        if _counts(name, column, tracked):
            names.append(name)
    for name, column in columns.along if tables else ():
        if column.table in tables and _counts(name, column, tracked):
            names.append(name)
    return names


def _counts(name: str, column: Column[Any], tracked: Tracked) -> bool:
    """Whether a change is an entry, of a column of a tracked row: another class in its table may have more of them."""
    own = name in tracked.columns or column.table.fullname == tracked.table
    return own and name not in tracked.ignore


def read_before(change: Change, state: InstanceState[Any]) -> None:
    """Remember which item an object was, if it may become another. Raises: UncapturedWriteError if nobody knows."""
    tracked = change.tracked
    mapper = state.manager.mapper
    mark = mapper.polymorphic_on
    if isinstance(mark, Column) and _differs(state, mapper.get_property_by_column(mark).key):
        raise UncapturedWriteError(
            f"{tracked.table}: it sets the class of a row: delete it, and add one of the other"
        )
    if not callable(tracked.id) and state.committed_state.keys().isdisjoint(tracked.identity):
        return
    before = items_of(tracked, CommittedRow(state))
    after = items_of(tracked, state.obj())  # and what it takes to read it, while the row has its old key
    if before.target.id != after.target.id or _is_rekeyed(tracked, state):
        change.before = before


def recorded(changes: Iterable[Change]) -> list[RecordedChange]:
    """The changes that are recorded; an update that changed nothing is not, and one of a key is two."""
    facts = []
    for change in changes:
        items = change.items
        names: tuple[str, ...] = ()
        op = change.op
        if op == "updated":
            change.names.update(changed(instance_state(change.instance), change.tracked, change.names))
            names = tuple(sorted(change.names))
            if change.before is not None:
                kind = ChangeKind(change.tracked, "deleted")
                facts.append(RecordedChange(change.connection, kind, change.instance, change.before))
                op, names = "created", ()
            elif not names:
                continue
        items = items or items_of(change.tracked, change.instance)
        kind = ChangeKind(change.tracked, op, names)
        facts.append(RecordedChange(change.connection, kind, change.instance, items))
    return facts


def replaced(old: Iterable[Any], changes: Iterable[Change]) -> Iterator[tuple[Any, Change]]:
    """The deleted objects whose row an added object took over in the same flush, which tells no listener."""
    keys = {_identity(each): each for each in changes if each.op == "created"}
    for instance in old:
        if (change := keys.get(inspect(instance).key)) is not None:
            yield instance, change


def _identity(change: Change) -> Any:
    mapper: Mapper[Any] = inspect(change.instance).mapper
    return mapper.identity_key_from_instance(change.instance)


def _is_rekeyed(tracked: Tracked, state: InstanceState[Any]) -> bool:
    return not callable(tracked.id) and any(_differs(state, name) for name in tracked.identity)


def _differs(state: InstanceState[Any], name: str) -> bool:
    if name not in state.committed_state:
        return False
    history = state.get_history(name, PassiveFlag.PASSIVE_NO_INITIALIZE)
    return bool(history.has_changes())


class _Columns(Struct, frozen=True):
    """The column of each attribute of a class, and those that UPDATEs of its tables set, whoever names them."""

    columns: dict[str, Column[Any]]
    along: tuple[tuple[str, Column[Any]], ...]


_classes: WeakKeyDictionary[Mapper[Any], _Columns] = WeakKeyDictionary()


def _columns_of(mapper: Mapper[Any]) -> _Columns:
    known = _classes.get(mapper)
    if known is None:
        pairs = ((attribute.key, attribute.columns[0]) for attribute in mapper.column_attrs)
        columns = {name: column for name, column in pairs if isinstance(column, Column)}
        known = _classes[mapper] = _Columns(columns, tuple(_set_along(mapper)))
    return known


def _set_along(mapper: Mapper[Any]) -> Iterator[tuple[str, Column[Any]]]:
    for table in (each for each in mapper.tables if isinstance(each, Table)):
        for name, column in columns_in(table, [mapper]).items():
            by_itself = column.onupdate is not None or column.server_onupdate is not None
            if by_itself or column is mapper.version_id_col:
                yield name, column
