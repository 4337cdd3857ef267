"""The guard: every text that reaches a driver, whatever made it, is judged once more before it runs.

Owns the rule that a tracked table is written only by what capture understands: a planned statement in just the shape
of its plan, a flush whose objects were seen, what `recorded_as` covers, or a table with triggers. It listens to all
engines, with capture or without. Refuses everything else, before it runs; a refusal dooms no transaction.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.sql.dml import UpdateBase

from trailbook.capture.database import HostConnection
from trailbook.capture.meaning import Meaning, current_meaning
from trailbook.capture.relatives import relatives, view_triggers, views_over
from trailbook.capture.sql_tables import Judgement, TableName, Write, judged, table_name
from trailbook.capture.sqlalchemy import rollback
from trailbook.capture.sqlalchemy.rows import Plan
from trailbook.capture.sqlalchemy.session import Flushing, Unit, is_bulk
from trailbook.capture.sqlalchemy.tables import TrackedTable
from trailbook.capture.trigger_reach import Reach, reach_of
from trailbook.capture.trigger_sql import quoted
from trailbook.errors import UncapturedWriteError

_COMMITS = frozenset(("commit", "end"))
_ENDS = frozenset(("commit", "end", "prepare", "release"))
_TRANSLATED = "schema_translate_map"
_BEGINNING = frozenset(("insert", "update", "delete", "replace"))  # before which sqlite3 begins a transaction
_MOST, _KEPT = 4096, 10_000  # texts of which is kept what was seen in them, and their longest
_UNSEEN: Any = object()


class Keeper(Protocol):
    """Knows the tables and writes the entries."""

    places: dict[Table, TrackedTable]
    engines: list[Engine]

    def announce(self, connection: Connection) -> None:
        """Tell the triggers of a database who acts."""

    def demand_transaction(self, connection: Connection) -> None:
        """Refuse a write that no transaction holds together with its entry."""

    def keep_meaning(self, connection: Connection, meaning: Meaning) -> None:
        """Write the entries that a host said a statement means, where they do not stand in the transaction."""


class Hit(Struct, frozen=True):
    """A write to a tracked table; `place` is None for an unclear text, which may write to all of them."""

    write: Write
    place: TrackedTable

    @property
    def counted(self) -> bool:
        """Whether the driver counts the rows: of those written by another name not each database does."""
        table = self.place.table
        return table_name(table.name, table.schema).is_written(self.write)


class Sight(Struct, frozen=True):
    """What is seen in a text: its judgement, whether it ends a transaction, and its writes to tracked tables.

    `alone` is the write of a text that does nothing but write plainly to one hooked table; `reach` is `none` where no
    tracked table has triggers.
    """

    judgement: Judgement
    ends: bool
    hits: tuple[Hit, ...]
    hooked: tuple[Hit, ...]
    alone: Hit | None
    reach: Reach


class Passage(Struct):
    """Why a text may run, and how many rows its driver said that it touched; None where it does not say."""

    plan: Plan | None = None
    unit: Unit | None = None
    write: Write | None = None
    meaning: Meaning | None = None
    counted: bool = True
    touched: int | None = 0

    @property
    def is_due(self) -> bool:
        """Whether the statement is to have entries of its own; those of a flush come or go with the flush."""
        return self.meaning is not None or (self.plan is not None and self.plan.how != "silent")


class Guard:
    """Listens to every engine of the process for one capture."""

    def __init__(self, keeper: Keeper, flushing: Flushing, option: str) -> None:
        self._keeper = keeper
        self._flushing = flushing
        self._option = option  # under which a statement carries its plan
        self._text, self._passage = f"{option}_text", f"{option}_passage"
        self._names: dict[str, list[tuple[TableName, TrackedTable]]] = {}
        self._known = -1
        self._sights: dict[str, dict[Any, Sight | None]] = {}  # by dialect and text
        self.others: frozenset[TableName] = frozenset()
        self._relatives: dict[Table, set[TableName]] = {}
        self.elsewhere: list[Any] = []  # dialects of engines whose databases have no tracked table
        self._listen(event.listen)

    def stop(self) -> None:
        """Guard nothing any more."""
        self._listen(event.remove)

    def relate(self, connection: HostConnection) -> None:
        """Ask a database by which other names rows of the tracked tables are written there: they count as theirs."""
        triggers = view_triggers(connection)
        for table in self._keeper.places:
            schema = "" if table.schema is None else f"{quoted(table.schema)}."
            names = {each.name for each in relatives(connection, f"{schema}{quoted(table.name)}")}
            names |= views_over(triggers, [table_name(table.name, table.schema)])
            self._relatives.setdefault(table, set()).update(names)
        self._known = -1

    def passage(self, context: Any) -> Passage | None:
        """Why a statement was let through, if it touches a tracked table."""
        passage: Passage | None = getattr(context, self._passage, None)
        return passage

    def _listen(self, do: Any) -> None:
        more = {"retval": False} if do is event.listen else {}
        do(Engine, "before_cursor_execute", self._before, **more)
        do(Engine, "after_cursor_execute", self._after)
        for name in ("do_execute", "do_executemany", "do_execute_no_params"):
            do(Engine, name, self._last)

    def _before(
        self, connection: Connection, cursor: Any, statement: Any, parameters: Any, context: Any, many: bool
    ) -> None:
        if context is not None:
            setattr(context, self._text, statement)
        sight = self._sight(connection, statement, parameters)
        if sight is not None:
            self._admit(connection, sight, context)

    def _last(self, cursor: Any, statement: Any, *more: Any) -> None:
        """What is handed to the driver in the end, where a listener of the host changed it after it was judged.

        From here on it may have written, whoever raises before its entries are.
        """
        context = more[-1]
        if context is None:
            return
        if getattr(context, self._text, statement) is not statement:
            sight = self._sight(context.root_connection, statement, more[0])
            if sight is not None:
                self._admit(context.root_connection, sight, context)
        passage = self.passage(context)
        if passage is not None and passage.is_due:
            rollback.start(context.root_connection, context, self)

    def _sight(self, connection: Connection, statement: Any, parameters: Any) -> Sight | None:
        """What is seen in a text that may write to a tracked table, else None; a doomed transaction is not ended."""
        dialect = connection.dialect
        if len(self._keeper.places) != self._known:
            self._index()
        known = self._sights.get(dialect.name)
        if known is None or dialect in self.elsewhere:
            return None
        kept = isinstance(statement, str) and len(statement) < _KEPT
        sight: Sight | None = known.get(statement, _UNSEEN) if kept else _UNSEEN
        if sight is _UNSEEN:
            sight = self._look(dialect.name, statement, parameters)
            if kept:
                if len(known) >= _MOST:
                    known.clear()
                known[statement] = sight
        if sight is not None and sight.ends:
            if rollback.of(connection).is_doomed:
                raise rollback.doomed_error()
            rollback.nobody_acts(connection)
            if sight.judgement.begins in _COMMITS:
                rollback.of(connection).forget()
            return None if sight.judgement.harmless else sight
        return sight

    def _look(self, dialect: str, statement: Any, parameters: Any) -> Sight | None:
        judgement = judged(dialect, statement) if isinstance(statement, str) else _OPAQUE
        if judgement.unclear and isinstance(statement, str) and '"' in statement:
            judgement = judged(dialect, _without_names(statement, parameters))
        ends = judgement.begins in _ENDS
        unknown = judgement.tables.isdisjoint(self._names) and not judgement.unclear
        reach = self._reach(dialect, statement)
        if (unknown or judgement.harmless) and not ends and reach == "none":
            return None
        hits = tuple(self._hits(judgement, declared=True))
        hooked = tuple(hit for hit in hits if not hit.place.triggered)
        alone = len(hits) == len(judgement.writes) == 1 and _only(judgement, hooked) is not None
        return Sight(judgement, ends, hits, hooked, hits[0] if alone else None, reach)

    def _reach(self, dialect: str, statement: Any) -> Reach:
        if not self._any(triggered=True):
            return "none"
        return reach_of(dialect, statement) if isinstance(statement, str) else "announced"

    def _index(self) -> None:
        self._sights = {"sqlite": {}, "postgresql": {}}
        self._names.clear()
        for table, place in self._keeper.places.items():
            name = table_name(table.name, table.schema)
            self._names.setdefault(name.table, []).append((name, place))
        own = {table_name(table.name, table.schema) for table in self._keeper.places}
        for table, names in self._relatives.items():
            for name in names:
                if not any(each.covers(name) for each in own):  # which is tracked by itself
                    self._names.setdefault(name.table, []).append((name, self._keeper.places[table]))
        self._known = len(self._keeper.places)

    def _admit(self, connection: Connection, sight: Sight, context: Any) -> None:
        """Let a text through, remembering why. Raises: UncapturedWriteError."""
        judgement, hooked = sight.judgement, sight.hooked
        if sight.reach != "none" and self._is_captured(connection):
            self._announce(connection, sight.reach)
        if sight.alone is not None and context is not None and self._is_flushed(connection, sight, context):
            return
        if context is not None and _TRANSLATED in context.execution_options:
            # Under a map of schemas the declared one is a name for whichever the statement goes to.
            hooked = tuple(hit for hit in self._hits(judgement, declared=False) if not hit.place.triggered)
        if not hooked and not (judgement.unclear and self._any(triggered=False)):
            return
        self._keeper.demand_transaction(connection)
        passage = self._allowed(judgement, context, hooked)
        if passage is None:
            raise self._refused(judgement, context, hooked)
        if judgement.begins not in _BEGINNING:
            rollback.begin(connection)
        if context is not None and self.passage(context) is None:
            setattr(context, self._passage, passage)

    def _announce(self, connection: Connection, reach: Reach) -> None:
        running = rollback.of(connection)
        if reach == "lost":
            running.announced = None
        elif reach == "announced" or running.announced is not None:
            self._keeper.announce(connection)

    def _is_flushed(self, connection: Connection, sight: Sight, context: Any) -> bool:
        """Let through what a flush writes, as nearly all is written: what is done below, in fewer steps."""
        alone, options = sight.alone, context.execution_options
        unit = None if alone is None else self._flushing.unit(options, alone.place)
        if alone is None or unit is None or _TRANSLATED in options or is_bulk(context.invoked_statement):
            return False
        self._keeper.demand_transaction(connection)
        if sight.judgement.begins not in _BEGINNING:
            rollback.begin(connection)
        if getattr(context, self._passage, None) is None:
            setattr(context, self._passage, Passage(unit=unit, write=alone.write))
        return True

    def _is_captured(self, connection: Connection) -> bool:
        return any(connection.dialect is engine.dialect for engine in self._keeper.engines)

    def _any(self, *, triggered: bool) -> bool:
        return any(place.triggered is triggered for place in self._keeper.places.values())

    def _hits(self, judgement: Judgement, *, declared: bool) -> Iterator[Hit]:
        """The writes to tracked tables; where schemas are not as `declared`, whatever the schema."""
        for write in judgement.writes:
            if TableName(write.table, write.schema) in self.others and write.schema is not None:
                continue
            for name, place in self._names.get(write.table, ()):
                if not declared or name.is_written(write):
                    yield Hit(write, place)

    def _allowed(self, judgement: Judgement, context: Any, hooked: Sequence[Hit]) -> Passage | None:
        meaning = current_meaning()
        options = {} if context is None else context.execution_options
        write = _only(judgement, hooked)
        if write is not None:
            for hit in hooked:
                unit = self._flushing.unit(options, hit.place)
                if unit is not None and not is_bulk(context.invoked_statement):
                    return Passage(unit=unit, write=write)
            plan = self._plan(context)
            if plan is not None and any(plan.is_of(write.verb, hit.place) for hit in hooked):
                return Passage(plan=plan, write=write)
        if meaning is None:
            return None
        return Passage(meaning=meaning, counted=_is_whole(judgement) and all(hit.counted for hit in hooked))

    def _plan(self, context: Any) -> Plan | None:
        """The plan that was made for just this statement, which carries it."""
        element = getattr(context, "invoked_statement", None)
        plan: Plan | None = getattr(element, "_execution_options", {}).get(self._option)
        return plan

    def _refused(self, judgement: Judgement, context: Any, hooked: Sequence[Hit]) -> UncapturedWriteError:
        names = sorted({hit.place.table.name for hit in hooked})
        where = ", ".join(names) or "tracked tables"
        rest = "say what it means with recorded_as(...), or cover the table with triggers"
        if judgement.unclear:
            return UncapturedWriteError(f"{judgement.unclear}, perhaps to tracked tables: {rest}")
        if isinstance(getattr(context, "invoked_statement", None), UpdateBase):
            return UncapturedWriteError(
                f"{where}: this statement is not one plain write to it that can be captured (a second write in it,"
                f" OR REPLACE, an alias, or it is tracked as another Table than the one that is written); {rest}"
            )
        return UncapturedWriteError(f"text that writes to {where} cannot be captured: {rest}")

    def _after(
        self, connection: Connection, cursor: Any, statement: Any, parameters: Any, context: Any, many: bool
    ) -> None:
        passage: Passage | None = getattr(context, self._passage, None)
        if passage is None:
            return
        exact = passage.meaning is not None
        touched = _touched(connection, cursor, context, exact=exact) if passage.counted else None
        passage.touched = (
            None if None in (touched, passage.touched) else (passage.touched or 0) + (touched or 0)
        )
        if passage.unit is not None:
            passage.unit.compare(passage.write, touched, context)
        elif passage.meaning is not None:
            if touched != 0:
                with rollback.dooming(connection):
                    self._keeper.keep_meaning(connection, passage.meaning)
            rollback.end(connection, context, self)


_OPAQUE = Judgement(unclear="a statement that is no text: it cannot be told what it writes", statements=1)


def _without_names(statement: str, parameters: Any) -> str:
    """A text without the names of its parameters, which psycopg finds by themselves, quotes in them or not."""
    sets = parameters if isinstance(parameters, list) else [parameters]
    for name in sets[0] if sets and isinstance(sets[0], Mapping) else ():
        statement = statement.replace(f"%({name})s", "%s")
    return statement


def _only(judgement: Judgement, hooked: Sequence[Hit]) -> Write | None:
    """The one plain write to a tracked table that a text makes as its last, or None."""
    if judgement.unclear or judgement.statements != 1 or not hooked:
        return None
    write = judgement.writes[-1]
    same = all(hit.write is write for hit in hooked)
    return write if same and write.plain and write.verb in ("insert", "update", "delete") else None


def _is_whole(judgement: Judgement) -> bool:
    """Whether a text is just one write, so that what a driver counts are its rows: not those of the SELECT after it."""
    writes = judgement.writes
    alone = len(writes) == judgement.statements == 1 and not judgement.unclear
    return alone and judgement.begins == writes[0].verb


def _touched(connection: Connection, cursor: Any, context: Any, *, exact: bool) -> int | None:
    """How many rows a driver says that it touched. sqlite3 does not know before the rows it returns are read."""
    if connection.dialect.name != "sqlite" or cursor.description is None:
        count: int = cursor.rowcount
        return count if count >= 0 else None
    if not exact:
        return None
    rows = deque(cursor.fetchall())
    context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(cursor, initial_buffer=rows)
    return len(rows)
