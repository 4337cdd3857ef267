"""Statements that no flush made: Core, ORM-enabled and bulk INSERT, UPDATE and DELETE on tracked tables.

Owns that each is expanded into its rows by what the database itself returns of them, or is refused before it runs.
Refuses to guess which rows a statement touched, and to look at any column that no entry is made of. What has no plan
here the guard lets through only for a reason of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Delete, Engine, Insert, Update, event
from sqlalchemy.sql.dml import UpdateBase

from trailbook.capture.meaning import current_meaning
from trailbook.capture.sql_tables import TableName
from trailbook.capture.sqlalchemy import guard, rollback
from trailbook.capture.sqlalchemy.facts import facts
from trailbook.capture.sqlalchemy.inherited import PartedRow, is_parted, parts_of
from trailbook.capture.sqlalchemy.rows import Plan, demand_agreement, planned, refused, rows_of
from trailbook.capture.sqlalchemy.session import Flushing, is_bulk
from trailbook.capture.sqlalchemy.tables import TrackedTable

_HANDLED = (Insert, Update, Delete)
Rows = Iterable[Mapping[Column[Any], Any]]
Parts = Sequence[PartedRow]


class Keeper(guard.Keeper, Protocol):
    """Keeps what hooks see."""

    def keep_rows(self, connection: Connection, plan: Plan, rows: Rows) -> None:
        """Write the entries of rows that a planned statement touched."""

    def keep_parts(self, connection: Connection, parts: Parts) -> None:
        """Write the entries of rows that lie in several tables."""


class Statements:
    """Plans what the engines of one capture execute, behind a guard of all engines."""

    def __init__(
        self, keeper: Keeper, flushing: Flushing, others: frozenset[TableName] = frozenset()
    ) -> None:
        self._keeper = keeper
        self._flushing = flushing
        self._option = f"trailbook_{id(self)}"
        self.guard = guard.Guard(keeper, flushing, self._option)
        self.guard.others = others

    def listen(self, engine: Engine) -> None:
        """Capture what an engine executes."""
        event.listen(engine, "before_execute", self._before, retval=True)
        event.listen(engine, "after_execute", self._after)

    def deafen(self, engine: Engine) -> None:
        """Capture no longer what an engine executes."""
        event.remove(engine, "before_execute", self._before)
        event.remove(engine, "after_execute", self._after)

    def stop(self) -> None:
        """Guard no other engine any more."""
        self.guard.stop()

    def _before(
        self, connection: Connection, element: Any, multiparams: Any, params: Any, options: Any
    ) -> tuple[Any, Any, Any]:
        if isinstance(element, UpdateBase):
            # A bulk statement of the ORM names the table that it is for at this moment.
            marks = element._annotations
            table: Any = marks.get("_emit_insert_table", marks.get("_emit_update_table", element.table))
            place = self._keeper.places.get(table)
            if place is None or (self._flushing.unit(options, place) is not None and not is_bulk(element)):
                return element, multiparams, params
            if not place.triggered:
                every = multiparams or [params]
                element = self._planned(connection, element, place, params=every, options=options)
        return element, multiparams, params

    def _planned(
        self,
        connection: Connection,
        element: Any,
        place: TrackedTable,
        *,
        params: Sequence[Any],
        options: Any,
    ) -> Any:
        """The statement to run instead, which carries its plan."""
        if current_meaning() is not None and not self._flushing.is_association(place.table):
            return element
        if not isinstance(element, _HANDLED):
            raise refused(place, "this kind of statement cannot be captured")
        self._keeper.demand_transaction(connection)
        by_orm = "compiled_cache" in options or "_emit_insert_table" in element._annotations
        if not place.base and isinstance(element, Insert) and by_orm:
            # The rest of a row whose first part is captured in the base table.
            plan = Plan(place, "created", "silent", element, [])
        else:
            plan = planned(connection, element, place, params=params)
        return plan.statement.execution_options(**{self._option: plan})

    def _after(
        self, connection: Connection, element: Any, multiparams: Any, params: Any, options: Any, result: Any
    ) -> None:
        if not isinstance(element, UpdateBase):
            return
        passage = self.guard.passage(result.context)
        plan = None if passage is None else passage.plan
        if passage is None or plan is None or plan.how == "silent":
            return
        with rollback.dooming(connection):
            rows = rows_of(connection, plan, result)
            demand_agreement(plan, rows, passage.touched)
            for fact in facts(plan, rows):
                if fact.op == "updated" and is_parted(plan.place):
                    self._keep_parts(connection, plan, fact.rows, options=options)
                else:
                    self._keeper.keep_rows(connection, plan.of(fact.op), fact.rows)
        rollback.end(connection, result.context, self.guard)

    def _keep_parts(self, connection: Connection, plan: Plan, rows: Sequence[Any], *, options: Any) -> None:
        """Keep what an UPDATE of one of several tables touched until the others are written too, or write it."""
        parts = parts_of(connection, self._keeper.places, plan, rows)
        bulk = self._flushing.bulk(options)
        if bulk is None:
            self._keeper.keep_parts(connection, parts)
        else:
            bulk.add(connection, parts)
