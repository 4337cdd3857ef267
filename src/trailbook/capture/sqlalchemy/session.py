"""The unit of work: objects that a session's flush inserts, changes and deletes.

Owns that one change of an object is one entry, whatever statements it takes, and that only the names of changed
attributes are asked for. Refuses statements: those that a flush did not make are `statements`' business.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from itertools import groupby
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, event, inspect
from sqlalchemy.orm import InstanceState, Mapper, Session, object_session
from sqlalchemy.orm.base import PassiveFlag

from trailbook.capture.declarations import Op, Tracked
from trailbook.capture.entries import Captured, Says, says


class Change(Struct):
    """One object's change in a flush; `said` is read before the row goes, or else after the flush."""

    connection: Connection
    op: Op
    tracked: Tracked
    found: Any
    names: set[str]  # of what changed, known before the statement ran
    said: Says | None = None


class Unit(Struct, eq=False):
    """One flush of a session: the changes so far, by object."""

    session: Session
    of: "Flushing"
    changes: dict[int, Change]
    connections: set[Connection]


# The flushes that run in this thread or task; one may begin inside another.
_units: ContextVar[tuple[Unit, ...]] = ContextVar("trailbook_units", default=())

# The connection, what kind of change it is, the names of what changed, the change, and what it says.
_Change = tuple[Connection, tuple[Tracked, Op], tuple[str, ...], Change, Says]
Find = Callable[[Mapper[Any]], Tracked | None]
Make = Callable[[tuple[Tracked, Op], Sequence[tuple[Any, Says]], Iterable[str]], list[Captured]]
Write = Callable[[Connection, Sequence[Captured]], None]


def is_unit_of_work(
    connection: Connection, options: Mapping[str, Any], mappers: Iterable[Mapper[Any] | None]
) -> bool:
    """Whether a flush made this statement of objects of these classes, which their listeners have seen.

    A flush executes with its class's own cache of statements; what a host executes meanwhile does not.
    """
    cache = options.get("compiled_cache")
    ours = any(mapper is not None and mapper.base_mapper._compiled_cache is cache for mapper in mappers)
    return ours and any(unit.session._flushing and connection in unit.connections for unit in _units.get())


class Flushing:
    """Listens to the sessions and classes of one capture."""

    def __init__(self, find: Find, make: Make, write: Write) -> None:
        self._find = find
        self._make = make
        self._write = write
        self._classes: list[type[Any]] = []
        event.listen(Session, "before_flush", self._begin)
        event.listen(Session, "after_flush", self._end)

    def watch(self, model: type[Any]) -> None:
        """Listen to a class and everything that inherits from it, once."""
        if any(issubclass(model, known) for known in self._classes):
            return
        for below in [known for known in self._classes if issubclass(known, model)]:
            self._listen(below, event.remove)
            self._classes.remove(below)
        self._listen(model, event.listen)
        self._classes.append(model)

    def stop(self) -> None:
        """Listen no more."""
        event.remove(Session, "before_flush", self._begin)
        event.remove(Session, "after_flush", self._end)
        for model in self._classes:
            self._listen(model, event.remove)
        self._classes.clear()

    def _listen(self, model: type[Any], do: Callable[..., Any]) -> None:
        more = {"propagate": True} if do is event.listen else {}
        do(model, "before_insert", self._inserting, **more)
        do(model, "before_update", self._updating, **more)
        do(model, "before_delete", self._deleting, **more)

    def _begin(self, session: Session, context: Any, instances: Any) -> None:
        others = [unit for unit in _units.get() if unit.session is not session and unit.session._flushing]
        _units.set((*others, Unit(session, self, {}, set())))

    def _inserting(self, mapper: Mapper[Any], connection: Connection, found: Any) -> None:
        self._note(mapper, connection, found, "created")

    def _updating(self, mapper: Mapper[Any], connection: Connection, found: Any) -> None:
        change = self._note(mapper, connection, found, "updated")
        if change is not None:
            # Here, for what is set to an expression of SQL is forgotten when it was written.
            change.names.update(changed(inspect(found), change.tracked))

    def _deleting(self, mapper: Mapper[Any], connection: Connection, found: Any) -> None:
        change = self._note(mapper, connection, found, "deleted")
        if change is not None:
            change.said = says(change.tracked, found)

    def _note(self, mapper: Mapper[Any], connection: Connection, found: Any, op: Op) -> Change | None:
        tracked, session = self._find(mapper), object_session(found)
        if tracked is None or session is None or tracked.by == "triggers":
            return None
        unit = next(unit for unit in _units.get() if unit.session is session and unit.of is self)
        unit.connections.add(connection)
        return unit.changes.setdefault(id(found), Change(connection, op, tracked, found, set()))

    def _end(self, session: Session, context: Any) -> None:
        unit = next(unit for unit in _units.get() if unit.session is session and unit.of is self)
        for found in session.dirty:
            if id(found) not in unit.changes and (late := self._unnoticed(session, found)) is not None:
                unit.changes[id(found)] = late
        _units.set(tuple(each for each in _units.get() if each is not unit))
        told: dict[Connection, list[Captured]] = {}
        for (connection, kind, names), alike in groupby(
            self._told(unit.changes.values()), lambda one: one[:3]
        ):
            found = [(change.found, said) for _, _, _, change, said in alike]
            told.setdefault(connection, []).extend(self._make(kind, found, names))
        for connection, captured in told.items():
            self._write(connection, captured)

    def _unnoticed(self, session: Session, found: Any) -> Change | None:
        """A change that a relationship alone wrote (post_update), which tells no listener."""
        state: InstanceState[Any] = inspect(found)
        tracked = self._find(state.mapper)
        if tracked is None or tracked.by == "triggers" or not state.has_identity:
            return None
        if not any(changed(state, tracked)):
            return None
        return Change(
            session.connection(bind_arguments={"mapper": state.mapper}), "updated", tracked, found, set()
        )

    def _told(self, changes: Iterable[Change]) -> Iterator[_Change]:
        """What is to be told of each change; one that changed nothing is not."""
        for change in changes:
            names: tuple[str, ...] = ()
            if change.op == "updated":
                change.names.update(changed(inspect(change.found), change.tracked))
                names = tuple(sorted(change.names))
                if not names:
                    continue
            said = change.said or says(change.tracked, change.found)
            yield change.connection, (change.tracked, change.op), names, change, said


def changed(state: InstanceState[Any], tracked: Tracked) -> Iterator[str]:
    """The names of attributes that differ from what was loaded, but for those declared to mean nothing.

    SQLAlchemy compares; what is compared is not looked at here.
    """
    for name in list(state.committed_state):
        told = name in tracked.columns and name not in tracked.ignore
        if told and state.get_history(name, PassiveFlag.PASSIVE_NO_INITIALIZE).has_changes():
            yield name
