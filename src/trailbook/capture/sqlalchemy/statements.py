"""Statements that no flush made: Core, ORM-enabled and bulk INSERT, UPDATE and DELETE on tracked tables, and text.

Owns that each is expanded into its rows by what the database itself returns of them, or is refused before it runs.
Refuses to guess which rows a statement touched, and to look at any column that no entry is made of.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Delete, Engine, Insert, Table, Update, event
from sqlalchemy.sql.dml import UpdateBase

from trailbook.capture.meaning import Meaning, current_meaning
from trailbook.capture.sql_tables import judged
from trailbook.capture.sqlalchemy.rollback import doom
from trailbook.capture.sqlalchemy.rows import Plan, planned, rows_of
from trailbook.capture.sqlalchemy.session import is_unit_of_work
from trailbook.capture.sqlalchemy.tables import TrackedTable
from trailbook.errors import UncapturedWriteError

_PLAN, _MEANING, _TEXT = "trailbook_plan", "trailbook_meaning", "trailbook_text"
_HANDLED = (Insert, Update, Delete)
Rows = Iterable[Mapping[Column[Any], Any]]


class Keeper(Protocol):
    """Keeps what hooks see."""

    places: dict[Table, TrackedTable]

    def demand_engine(self, connection: Connection) -> None:
        """Refuse a write through an engine without capture."""

    def announce(self, connection: Connection) -> None:
        """Tell the triggers of a database who acts."""

    def demand_transaction(self, connection: Connection) -> None:
        """Refuse a write that no transaction holds together with its entry."""

    def keep_rows(self, connection: Connection, plan: Plan, rows: Rows) -> None:
        """Write the entries of rows that a planned statement touched."""

    def keep_meaning(self, connection: Connection, meaning: Meaning) -> None:
        """Write the entries that a host said a statement means."""


class Statements:
    """Listens to the engines of one capture, and guards its tables on all others."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        event.listen(Engine, "before_execute", self._elsewhere)

    def listen(self, engine: Engine) -> None:
        """Capture what an engine executes."""
        event.listen(engine, "before_execute", self._before, retval=True)
        event.listen(engine, "after_execute", self._after)
        event.listen(engine, "before_cursor_execute", self._before_text)
        event.listen(engine, "after_cursor_execute", self._after_text)

    def deafen(self, engine: Engine) -> None:
        """Capture no longer what an engine executes."""
        event.remove(engine, "before_execute", self._before)
        event.remove(engine, "after_execute", self._after)
        event.remove(engine, "before_cursor_execute", self._before_text)
        event.remove(engine, "after_cursor_execute", self._after_text)

    def stop(self) -> None:
        """Guard no other engine any more."""
        event.remove(Engine, "before_execute", self._elsewhere)

    def _place(self, element: Any) -> TrackedTable | None:
        if not isinstance(element, UpdateBase):
            return None
        # A bulk statement of the ORM names the table that it is for at this moment.
        marks = element._annotations
        table: Any = marks.get("_emit_insert_table", marks.get("_emit_update_table", element.table))
        while not isinstance(table, Table) and getattr(table, "element", None) is not None:
            table = table.element  # an alias writes to what it stands for
        place = self._keeper.places.get(table)
        if place is None and any(_is_named(table, tracked) for tracked in self._keeper.places):
            raise UncapturedWriteError(
                f"{table.name}: is tracked as another Table than the one that is written"
            )
        return place

    def _elsewhere(self, connection: Connection, element: Any, *more: Any) -> None:
        """On an engine without capture a tracked table is not written."""
        place = self._place(element)
        if place is not None and not place.triggered:
            self._keeper.demand_engine(connection)

    def _before(
        self, connection: Connection, element: Any, multiparams: Any, params: Any, options: Any
    ) -> tuple[Any, Any, Any]:
        place = self._place(element)
        if place is not None and place.triggered:
            self._keeper.announce(connection)
        elif place is not None:
            self._keeper.demand_transaction(connection)
            if not is_unit_of_work(connection, options, (each.mapper for each in place.declared)):
                every = multiparams or [params]
                element = self._planned(connection, element, place, params=every, options=options)
        return element, multiparams, params

    def _planned(
        self, connection: Connection, element: Any, place: TrackedTable, *, params: Any, options: Any
    ) -> Any:
        """The statement to run instead, which carries its plan or what the host says that it means."""
        meaning = current_meaning()
        if meaning is not None:
            return element.execution_options(**{_MEANING: meaning})
        if not isinstance(element, _HANDLED):
            raise UncapturedWriteError(f"{place.table.name}: this kind of statement cannot be captured")
        by_orm = "compiled_cache" in options or "_emit_insert_table" in element._annotations
        if not place.base and isinstance(element, Insert) and by_orm:
            return element  # the rest of a row whose first part is captured in the base table
        plan = planned(connection, element, place, params=params)
        return element if plan is None else plan.statement.execution_options(**{_PLAN: plan})

    def _after(
        self, connection: Connection, element: Any, multiparams: Any, params: Any, options: Any, result: Any
    ) -> None:
        if not isinstance(element, UpdateBase):
            return
        own = element.get_execution_options()
        with _or_nothing(connection):
            if _PLAN in own:
                plan: Plan = own[_PLAN]
                self._keeper.keep_rows(connection, plan, rows_of(connection, plan, result))
            elif _MEANING in own and result.rowcount != 0:
                self._keep(connection, own[_MEANING])

    def _before_text(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if _is_expanded(context, statement):
            return
        judgement = judged(connection.dialect.name, statement)
        places = [
            place
            for place in self._keeper.places.values()
            if judgement.unclear or place.table.name.casefold() in judgement.tables
        ]
        if any(place.triggered for place in places):
            self._keeper.announce(connection)
        hooked = [place.table.name for place in places if not place.triggered]
        if hooked:
            self._keeper.demand_transaction(connection)
            if current_meaning() is None:
                what = "may write" if judgement.unclear else "writes"
                raise UncapturedWriteError(
                    f"text that {what} to {', '.join(sorted(hooked))} cannot be captured: say what it means"
                    " with recorded_as(...), or cover the table with triggers"
                )
            context.execution_options = context.execution_options.union({_TEXT: True})

    def _after_text(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        meaning = current_meaning()
        if meaning is not None and context.execution_options.get(_TEXT) and cursor.rowcount != 0:
            with _or_nothing(connection):
                self._keep(connection, meaning)

    def _keep(self, connection: Connection, meaning: Meaning) -> None:
        if not meaning.written:
            meaning.written = True
            self._keeper.keep_meaning(connection, meaning)


@contextmanager
def _or_nothing(connection: Connection) -> Iterator[None]:
    """A statement ran: if its entry cannot be written it is not committed, even where the host goes on."""
    try:
        yield
    except BaseException:
        doom(connection)
        raise


def _is_named(table: Any, tracked: Table) -> bool:
    """Whether something is named as a tracked table is."""
    return getattr(table, "name", None) == tracked.name and getattr(table, "schema", None) == tracked.schema


def _is_expanded(context: Any, statement: str) -> bool:
    """Whether a statement was built by SQLAlchemy, and so was looked at before it became text."""
    compiled = getattr(context, "compiled", None)
    if compiled is None:
        return bool(getattr(context, "isddl", False))
    if getattr(compiled.statement, "is_text", False) or getattr(compiled.statement, "_is_textual", False):
        return False
    if statement.lstrip()[:4].lower() != "with":
        return True
    # A SELECT may have a writing statement as a CTE; an INSERT of ours may too, beside its own table.
    return bool(isinstance(compiled.statement, UpdateBase) and len(judged("sqlite", statement).tables) < 2)
