"""The guard: every text that reaches a driver, whatever made it, is judged once more before it runs.

Owns the rule that a tracked table is written only by what capture understands: a planned statement in just the shape
of its plan, a flush whose objects were seen, what `recorded_as` covers, or a table with triggers. It listens to all
engines, with capture or without. Refuses everything else, before it runs; a refusal dooms no transaction.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.sql.dml import UpdateBase

from trailbook.capture.meaning import Meaning, current_meaning
from trailbook.capture.sql_tables import Judgement, TableName, Write, judged, table_name
from trailbook.capture.sqlalchemy import rollback
from trailbook.capture.sqlalchemy.rows import Plan
from trailbook.capture.sqlalchemy.session import Flushing, Unit, is_bulk
from trailbook.capture.sqlalchemy.tables import TrackedTable
from trailbook.errors import UncapturedWriteError

_ENDS = frozenset(("commit", "end", "prepare", "release"))
_BEGIN = frozenset(
    ("pysqlite", "aiosqlite")
)  # drivers that begin a transaction with a statement that begins so
_TRANSLATED = "schema_translate_map"
_MANY, _LONG = 4096, 10_000  # texts that are remembered, and the letters of one that is not


class Keeper(Protocol):
    """Knows the tables and writes the entries."""

    places: dict[Table, TrackedTable]
    engines: list[Engine]

    def announce(self, connection: Connection) -> None:
        """Tell the triggers of a database who acts."""

    def demand_transaction(self, connection: Connection) -> None:
        """Refuse a write that no transaction holds together with its entry."""

    def keep_meaning(self, connection: Connection, meaning: Meaning) -> None:
        """Write the entries that a host said a statement means."""


class Hit(Struct, frozen=True):
    """A write to a tracked table; `place` is None for an unclear text, which may write to all of them."""

    write: Write
    place: TrackedTable
    begins: bool = False  # whether its text begins with its verb


class Verdict(Struct, frozen=True):
    """What a text is, whoever executes it: `judgement` only where it may write to a tracked table.

    `hit` is the write of a text that does nothing but write plainly to one hooked table.
    """

    judgement: Judgement | None = None
    ends: bool = False  # a transaction, which must not be doomed
    hit: Hit | None = None

    @property
    def known(self) -> bool:
        """Whether it is so whatever the parameters of the text are called."""
        return self.judgement is None or not self.judgement.unclear


class Passage(Struct):
    """Why a text may run, and how many rows its driver said that it touched; None where it does not say."""

    plan: Plan | None = None
    unit: Unit | None = None
    write: Write | None = None
    meaning: Meaning | None = None
    touched: int | None = 0


class Guard:
    """Listens to every engine of the process for one capture."""

    def __init__(self, keeper: Keeper, flushing: Flushing, option: str) -> None:
        self._keeper = keeper
        self._flushing = flushing
        self._option = option  # under which a statement carries its plan
        self._text, self._passage = f"{option}_text", f"{option}_passage"
        self._names: dict[str, list[tuple[TableName, TrackedTable]]] = {}
        self._verdicts: dict[str, dict[str, Verdict]] = {}
        self._known = -1
        self.others: frozenset[TableName] = frozenset()
        self.elsewhere: list[Any] = []  # dialects of engines whose databases have no tracked table
        self._listen(event.listen)

    def stop(self) -> None:
        """Guard nothing any more."""
        self._listen(event.remove)

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
        self._look(connection, statement, parameters, context=context)

    def _last(self, cursor: Any, statement: Any, *more: Any) -> None:
        """What is handed to the driver in the end, where a listener of the host changed it after it was judged."""
        context = more[-1]
        if context is None or getattr(context, self._text, statement) is statement:
            return
        self._look(context.root_connection, statement, more[0], context=context)

    def _look(self, connection: Connection, statement: Any, parameters: Any, *, context: Any) -> None:
        """Let a text through or not. Raises: UncapturedWriteError."""
        if connection.dialect in self.elsewhere:
            return
        verdict = self._verdict(connection.dialect.name, statement, parameters)
        if verdict.ends and rollback.of(connection).doomed is not None:
            raise rollback.is_doomed()
        if verdict.judgement is None or (verdict.hit and self._is_flushed(connection, verdict.hit, context)):
            return
        self._admit(connection, verdict.judgement, context)

    def _verdict(self, dialect: str, statement: Any, parameters: Any) -> Verdict:
        """What a text is; that is worked out once for each."""
        if len(self._keeper.places) != self._known:
            self._index()
        verdicts = self._verdicts.get(dialect)
        if verdicts is None:
            return _NOTHING  # a database that capture does not know
        if not isinstance(statement, str):
            return Verdict(_OPAQUE)
        verdict = verdicts.get(statement)
        if verdict is None:
            verdict = self._judge(dialect, statement, parameters)
            if len(verdicts) >= _MANY:
                verdicts.clear()
            if len(statement) < _LONG and verdict.known:
                verdicts[statement] = verdict
        return verdict

    def _judge(self, dialect: str, statement: str, parameters: Any) -> Verdict:
        judgement = judged(dialect, statement)
        if judgement.unclear and '"' in statement:
            judgement = judged(dialect, _without_names(statement, parameters))
        ends = judgement.begins in _ENDS
        if judgement.harmless or (judgement.tables.isdisjoint(self._names) and not judgement.unclear):
            return Verdict(ends=ends)
        hits = list(self._hits(judgement, None))
        write = _only(judgement, hits)
        plain = write is not None and len(judgement.writes) == len(self._names[write.table]) == 1
        if write is None or not plain or hits[0].place.triggered:
            return Verdict(judgement, ends)
        return Verdict(judgement, ends, Hit(write, hits[0].place, judgement.begins == write.verb))

    def _is_flushed(self, connection: Connection, hit: Hit, context: Any) -> bool:
        """Let a flush's own write through, as `_admit` would after a longer look."""
        unit = None if context is None else self._flushing.unit(context.execution_options, hit.place)
        if unit is None or is_bulk(context.invoked_statement):
            return False
        self._keeper.demand_transaction(connection)
        if not hit.begins or connection.dialect.driver not in _BEGIN:
            begin(connection)
        if getattr(context, self._passage, None) is None:
            setattr(context, self._passage, Passage(unit=unit, write=hit.write))
        return True

    def _index(self) -> None:
        self._verdicts = {"sqlite": {}, "postgresql": {}}
        self._names.clear()
        for table, place in self._keeper.places.items():
            name = table_name(table.name, table.schema)
            self._names.setdefault(name.table, []).append((name, place))
        self._known = len(self._keeper.places)

    def _admit(self, connection: Connection, judgement: Judgement, context: Any) -> None:
        """Let a text through, remembering why. Raises: UncapturedWriteError."""
        hits = list(self._hits(judgement, context))
        triggered = any(hit.place.triggered for hit in hits)
        if (triggered or (judgement.unclear and self._any(triggered=True))) and self._is_captured(connection):
            self._keeper.announce(connection)
        hooked = [hit for hit in hits if not hit.place.triggered]
        if not hooked and not (judgement.unclear and self._any(triggered=False)):
            return
        self._keeper.demand_transaction(connection)
        passage = self._allowed(judgement, context, hooked)
        if passage is None:
            raise self._refused(judgement, context, hooked)
        begin(connection)
        if context is not None and self.passage(context) is None:
            setattr(context, self._passage, passage)

    def _is_captured(self, connection: Connection) -> bool:
        return any(connection.dialect is engine.dialect for engine in self._keeper.engines)

    def _any(self, *, triggered: bool) -> bool:
        return any(place.triggered is triggered for place in self._keeper.places.values())

    def _hits(self, judgement: Judgement, context: Any) -> Iterator[Hit]:
        plan = self._plan(context)
        for write in judgement.writes:
            if TableName(write.table, write.schema) in self.others and write.schema is not None:
                continue
            for name, place in self._names.get(write.table, ()):
                # Under a map of schemas the declared one is a name for whichever the statement goes to.
                moved = plan is not None and plan.place is place
                if moved or name.is_written(write) or _is_translated(context):
                    yield Hit(write, place)

    def _allowed(self, judgement: Judgement, context: Any, hooked: list[Hit]) -> Passage | None:
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
        return None if meaning is None else Passage(meaning=meaning)

    def _plan(self, context: Any) -> Plan | None:
        """The plan that was made for just this statement, which carries it."""
        element = getattr(context, "invoked_statement", None)
        plan: Plan | None = getattr(element, "_execution_options", {}).get(self._option)
        return plan

    def _refused(self, judgement: Judgement, context: Any, hooked: list[Hit]) -> UncapturedWriteError:
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
        touched = _touched(connection, cursor, context, exact=passage.meaning is not None)
        passage.touched = (
            None if None in (touched, passage.touched) else (passage.touched or 0) + (touched or 0)
        )
        if passage.unit is not None:
            passage.unit.compare(passage.write, touched, context)
        elif passage.meaning is not None and touched != 0 and rollback.of(connection).mean(passage.meaning):
            with rollback.dooming(connection):
                self._keeper.keep_meaning(connection, passage.meaning)


_NOTHING = Verdict()
_OPAQUE = Judgement(unclear="a statement that is no text: it cannot be told what it writes", statements=1)


def begin(connection: Connection) -> None:
    """Begin the transaction that the change and its entry share, where sqlite3 would not: before WITH, for one."""
    if connection.dialect.name == "sqlite":
        pooled = connection.connection
        driver: Any = pooled.driver_connection if connection.dialect.is_async else pooled.dbapi_connection
        if not driver.in_transaction:
            cursor = pooled.cursor()
            cursor.execute("BEGIN")
            cursor.close()


def _without_names(statement: str, parameters: Any) -> str:
    """A text without the names of its parameters, which psycopg finds by themselves, quotes in them or not."""
    sets = parameters if isinstance(parameters, list) else [parameters]
    for name in sets[0] if sets and isinstance(sets[0], Mapping) else ():
        statement = statement.replace(f"%({name})s", "%s")
    return statement


def _only(judgement: Judgement, hooked: list[Hit]) -> Write | None:
    """The one plain write to a tracked table that a text makes as its last, or None."""
    if judgement.unclear or judgement.statements != 1 or not hooked:
        return None
    write = judgement.writes[-1]
    same = all(hit.write is write for hit in hooked)
    return write if same and write.plain and write.verb in ("insert", "update", "delete") else None


def _is_translated(context: Any) -> bool:
    return context is not None and _TRANSLATED in context.execution_options


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
