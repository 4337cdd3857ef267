"""The unit of work: objects that a session's flush inserts, changes and deletes.

Owns that one change of an object is one entry, whatever statements it takes, and that only the names of changed
attributes are asked for. Refuses statements: those that a flush did not make are `statements`' business.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection, event, inspect
from sqlalchemy.engine.interfaces import ExecuteStyle
from sqlalchemy.orm import (
    InstanceState,
    Mapper,
    ORMExecuteState,
    Session,
    SessionTransaction,
    SessionTransactionOrigin,
    UOWTransaction,
)

from trailbook.capture.declarations import ChangeKind, Op, Tracked
from trailbook.capture.entries import Captured, EntryItems, items_of
from trailbook.capture.meaning import Meaning, current_meaning
from trailbook.capture.recorder import Recorder
from trailbook.capture.sql_tables import Write
from trailbook.capture.sqlalchemy.inherited import Bulk, PartedRow, bulk, may_be_parted, running
from trailbook.capture.sqlalchemy.objects import (
    Change,
    CommittedRow,
    changed,
    read_before,
    recorded,
    replaced,
)
from trailbook.capture.sqlalchemy.tables import TrackedTable
from trailbook.errors import UncapturedWriteError


class Unit(Struct, eq=False):
    """One flush of a session: the changes so far, by object, and what its statements did otherwise than they should."""

    session: Session
    work: UOWTransaction
    changes: dict[int, Change]
    meaning: Meaning | None  # of a block around the flush
    wrong: str | None = None

    def compare(self, write: Write | None, touched: int | None, context: Any) -> None:
        """Keep in mind a statement that touched fewer rows than it was made for; of others the session itself tells."""
        if write is None or touched is None or context.execute_style is ExecuteStyle.INSERTMANYVALUES:
            return
        objects = len(context.compiled_parameters)
        if write.verb != "update" and touched != objects:
            self.wrong = f"{write.table}: {write.verb} of {objects} rows touched {touched}"


# The transactions of flushes and bulk operations that are under way, the innermost last.
_scopes: ContextVar[tuple[SessionTransaction, ...]] = ContextVar("trailbook_scopes", default=())

_ALIKE = attrgetter("connection", "kind")


class Keeper(Protocol):
    """Knows the declarations and writes the entries."""

    @property
    def recorder(self) -> Recorder:
        """What makes the entries of rows."""

    def find(self, mapper: Mapper[Any] | None) -> Tracked | None:
        """The declaration of a class, or None."""

    def write(self, connection: Connection, captured: Sequence[Captured]) -> None:
        """Write entries."""

    def keep_parts(self, connection: Connection, parts: Sequence[PartedRow]) -> None:
        """Write the entries of rows that lie in several tables."""

    def write_row(self, connection: Connection, kind: ChangeKind, row: tuple[Any, EntryItems]) -> None:
        """Write the entry of one row."""


def is_bulk(statement: Any) -> bool:
    """Whether this is a bulk statement of the ORM, which tells no listener of objects."""
    marks = getattr(statement, "_annotations", None) or {}
    return bool(marks) and ("_emit_insert_table" in marks or "_emit_update_table" in marks)


class Flushing:
    """Listens to the sessions and classes of one capture."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._classes: list[type[Any]] = []
        # A session keeps its flush in its own `info`: a flush that fails goes with its session, whoever let it fail.
        self._key, self._bulk_key = f"trailbook_{id(self)}", f"trailbook_{id(self)}_bulk"
        for name, listener in self._listeners():
            event.listen(Session, name, listener)

    def unit(self, options: Mapping[str, Any], place: TrackedTable) -> Unit | None:
        """The flush that made a statement of objects of these classes, which their listeners have seen.

        A flush executes with its class's own cache of statements; so does a bulk operation, in its own transaction.
        """
        cache = options.get("compiled_cache")
        if cache is None:
            return None
        for each in place.declared:
            if each.mapper is not None and each.mapper.base_mapper._compiled_cache is cache:
                break
        else:
            return None
        return self._innermost()

    def is_association(self, table: Any) -> bool:
        """Whether what is written to a table are the pairs of a relationship that is flushed.

        No listener is told of them, and what a block around the flush means is not about them; a block that a listener
        of the host enters during the flush is.
        """
        unit = self._innermost()
        if unit is None or current_meaning() is not unit.meaning:
            return False
        return any(each.secondary is table for mapper in unit.work.mappers for each in mapper.relationships)

    def bulk(self, options: Mapping[str, Any]) -> Bulk | None:
        """The bulk update that made a statement, if its rows may lie in several tables: a statement or a method."""
        if "compiled_cache" not in options:
            return None
        scopes = _scopes.get()
        if running(self) is not None or not scopes or self._innermost() is not None:
            return running(self)
        session = scopes[-1].session
        each: Bulk = session.info.setdefault(self._bulk_key, Bulk(self, scopes[-1], {}))
        return each

    def _execute(self, state: ORMExecuteState) -> Any:
        tracked = self._keeper.find(state.bind_mapper) if may_be_parted(state) else None
        if tracked is None or tracked.by == "triggers":
            return None
        with bulk(self) as each:
            result = state.invoke_statement()
            each.write(self._keeper.keep_parts)
        return result

    def _innermost(self) -> Unit | None:
        """The flush that runs, unless a bulk operation runs inside of it."""
        scopes = _scopes.get()
        if not scopes:
            return None
        unit: Unit | None = scopes[-1].session.info.get(self._key)
        return unit if getattr(getattr(unit, "work", None), "transaction", None) is scopes[-1] else None

    def watch(self, model: type[Any]) -> None:
        """Listen to a class and everything that inherits from it, once."""
        if any(issubclass(model, watched) for watched in self._classes):
            return
        for below in [watched for watched in self._classes if issubclass(watched, model)]:
            self._listen(below, event.remove)
            self._classes.remove(below)
        self._listen(model, event.listen)
        self._classes.append(model)

    def stop(self) -> None:
        """Listen no more."""
        for name, listener in self._listeners():
            event.remove(Session, name, listener)
        for model in self._classes:
            self._listen(model, event.remove)
        self._classes.clear()

    def _listeners(self) -> list[tuple[str, Any]]:
        return [
            ("before_flush", self._begin),
            ("after_flush", self._end),
            ("after_transaction_create", self._entered),
            ("after_transaction_end", self._left),
            ("do_orm_execute", self._execute),
        ]

    def _listen(self, model: type[Any], do: Callable[..., Any]) -> None:
        more = {"propagate": True, "raw": True} if do is event.listen else {}
        do(model, "before_insert", self._inserting, **more)
        do(model, "before_update", self._updating, **more)
        do(model, "before_delete", self._deleting, **more)

    def _entered(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.origin is SessionTransactionOrigin.SUBTRANSACTION:
            others = (each for each in _scopes.get() if each is not transaction)  # another capture saw it
            _scopes.set((*others, transaction))

    def _left(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.origin is SessionTransactionOrigin.SUBTRANSACTION and _scopes.get():
            _scopes.set(tuple(each for each in _scopes.get() if each is not transaction))
        each: Bulk | None = session.info.get(self._bulk_key)
        if each is not None and each.scope is transaction:
            del session.info[self._bulk_key]
            if transaction.parent is not None and transaction.parent.is_active:
                each.write(self._keeper.keep_parts)
        # A flush that failed, or that a listener of the host ended before it began, is over with its transaction.
        unit: Unit | None = session.info.get(self._key)
        if unit is not None and (
            transaction.parent is None or getattr(unit.work, "transaction", None) is transaction
        ):
            del session.info[self._key]

    def _begin(self, session: Session, context: UOWTransaction, instances: Any) -> None:
        session.info[self._key] = Unit(session, context, {}, current_meaning())

    def _inserting(self, mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
        self._note(mapper, connection, state, op="created")

    def _updating(self, mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
        change = self._note(mapper, connection, state, op="updated")
        if change is not None:
            # Here, for what is set to an expression of SQL is forgotten when it was written.
            change.names.update(changed(state, change.tracked))
            read_before(change, state)

    def _deleting(self, mapper: Mapper[Any], connection: Connection, state: InstanceState[Any]) -> None:
        change = self._note(mapper, connection, state, op="deleted")
        if change is not None:
            change.items = items_of(change.tracked, change.instance)

    def _note(
        self, mapper: Mapper[Any], connection: Connection, state: InstanceState[Any], *, op: Op
    ) -> Change | None:
        tracked, session = self._keeper.find(mapper), state.session
        if tracked is None or session is None or tracked.by == "triggers":
            return None
        instance, unit = state.obj(), self._running(session)
        change = unit.changes.get(id(instance))
        if change is None:
            change = unit.changes[id(instance)] = Change(connection, op, tracked, instance, set())
        return change

    def _running(self, session: Session) -> Unit:
        """The flush of a session that runs."""
        unit: Unit | None = session.info.get(self._key)
        if unit is None:
            raise UncapturedWriteError("an object is written outside of a flush")
        return unit

    def _end(self, session: Session, context: Any) -> None:
        unit = self._running(session)
        self._complete(unit)
        del session.info[self._key]
        if unit.wrong is not None:
            raise UncapturedWriteError(f"{unit.wrong}: it cannot be told what became of them")
        changes = recorded(unit.changes.values())
        if len(changes) == 1:  # as most flushes have
            (only,) = changes
            self._keeper.write_row(only.connection, only.kind, (only.instance, only.items))
            return
        entries: dict[Connection, list[Captured]] = {}
        for (connection, kind), alike in groupby(changes, _ALIKE):
            rows = [(change.instance, change.items) for change in alike]
            entries.setdefault(connection, []).extend(self._keeper.recorder.entries_of(kind, rows))
        for connection, captured in entries.items():
            self._keeper.write(connection, captured)

    def _complete(self, unit: Unit) -> None:
        """Take in what no listener was told of."""
        session = unit.session
        # Of most flushes nothing is left to look for; and the session makes its sets anew whenever they are asked for.
        if [each for each in session.identity_map._modified if id(each.obj()) not in unit.changes]:
            for instance in session.dirty:
                if id(instance) not in unit.changes:
                    late = self._unnoticed(session, instance)
                    if late is not None:
                        unit.changes[id(instance)] = late
        if session._deleted:
            unit.changes = {id(each.instance): each for each in self._replaced(unit)} | unit.changes

    def _replaced(self, unit: Unit) -> Iterator[Change]:
        """The ends of objects whose row an added one took over."""
        gone = [instance for instance in unit.session.deleted if id(instance) not in unit.changes]
        for instance, taker in replaced(gone, unit.changes.values()) if gone else ():
            state: InstanceState[Any] = inspect(instance)
            tracked = self._keeper.find(state.mapper)
            if tracked is not None and tracked.by == "hooks":
                items = items_of(tracked, CommittedRow(state))
                yield Change(taker.connection, "deleted", tracked, instance, set(), items)

    def _unnoticed(self, session: Session, instance: Any) -> Change | None:
        """A change that a relationship alone wrote (post_update), which tells no listener."""
        state: InstanceState[Any] = inspect(instance)
        tracked = self._keeper.find(state.mapper)
        if tracked is None or tracked.by == "triggers" or not state.has_identity:
            return None
        if not any(changed(state, tracked)):
            return None
        connection = session.connection(bind_arguments={"mapper": state.mapper})
        return Change(connection, "updated", tracked, instance, set())
