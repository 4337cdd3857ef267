"""The unit of work: objects that a session's flush inserts, changes and deletes.

Owns that one change of an object is one entry, whatever statements it takes, and that only the names of changed
attributes are asked for. Refuses statements: those that a flush did not make are `statements`' business.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from itertools import groupby
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, event, inspect
from sqlalchemy.orm import InstanceState, Mapper, Session, object_session
from sqlalchemy.orm.base import PassiveFlag

from trailbook.capture.captured import Captured, Says, says
from trailbook.capture.declared import Op, Tracked

_UNIT = "trailbook_unit"
_flushing: ContextVar[Session | None] = ContextVar("trailbook_flushing", default=None)


class Change(Struct):
    """One object's change in a flush; `said` is read before the row goes, or else after the flush."""

    connection: Connection
    op: Op
    tracked: Tracked
    found: Any
    said: Says | None = None


# The connection, what kind of change it is, the names of what changed, the change, and what it says.
_Told = tuple[Connection, tuple[Tracked, Op], tuple[str, ...], Change, Says]
Find = Callable[[Mapper[Any]], Tracked | None]
Make = Callable[[tuple[Tracked, Op], Sequence[tuple[Any, Says]], Iterable[str]], list[Captured]]
Write = Callable[[Connection, Sequence[Captured]], None]


def is_unit_of_work(options: Any) -> bool:
    """Whether a statement with these options is one that a flush made of its objects."""
    session = _flushing.get()
    # The flush of a session executes with its mapper's own cache; what a host executes meanwhile does not.
    return session is not None and bool(session._flushing) and "compiled_cache" in options


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
        do(model, "after_insert", self._inserted, **more)
        do(model, "after_update", self._updated, **more)
        do(model, "before_delete", self._deleting, **more)

    def _begin(self, session: Session, context: Any, instances: Any) -> None:
        _flushing.set(session)
        session.info[_UNIT, id(self)] = {}

    def _inserted(self, mapper: Mapper[Any], connection: Connection, found: Any) -> None:
        self._note(mapper, connection, found, "created")

    def _updated(self, mapper: Mapper[Any], connection: Connection, found: Any) -> None:
        self._note(mapper, connection, found, "updated")

    def _deleting(self, mapper: Mapper[Any], connection: Connection, found: Any) -> None:
        change = self._note(mapper, connection, found, "deleted")
        if change is not None:
            change.said = says(change.tracked, found)

    def _note(self, mapper: Mapper[Any], connection: Connection, found: Any, op: Op) -> Change | None:
        tracked, session = self._find(mapper), object_session(found)
        if tracked is None or session is None or tracked.by == "triggers":
            return None
        unit: dict[int, Change] = session.info[_UNIT, id(self)]
        change = Change(connection, op, tracked, found)
        return unit.setdefault(id(found), change)

    def _end(self, session: Session, context: Any) -> None:
        unit: dict[int, Change] = session.info.pop((_UNIT, id(self)), {})
        for found in session.dirty:
            if id(found) not in unit and (late := self._unnoticed(session, found)) is not None:
                unit[id(found)] = late
        _flushing.set(None)
        told: dict[Connection, list[Captured]] = {}
        for (connection, kind, names), alike in groupby(self._told(unit.values()), lambda one: one[:3]):
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
        return Change(session.connection(bind_arguments={"mapper": state.mapper}), "updated", tracked, found)

    def _told(self, changes: Iterable[Change]) -> Iterator[_Told]:
        """What is to be told of each change; one that changed nothing is not."""
        for change in changes:
            names: tuple[str, ...] = ()
            if change.op == "updated":
                names = tuple(changed(inspect(change.found), change.tracked))
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
