"""Every statement that Django passes to a driver, looked at in one place: captured, let through, or refused.

Owns the wrapper that stands on each connection of each thread, and that a write and its entries are committed together
or not at all. Refuses, before it runs, a write to a registered table that is not understood; it never looks at a value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from secrets import token_hex
from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from trailbook.capture.actor import current
from trailbook.capture.django.database import DjangoConnection
from trailbook.capture.django.entries import (
    Change,
    Names,
    Reader,
    changes_of,
    inherited_changes,
    inherited_names,
)
from trailbook.capture.django.host import Host
from trailbook.capture.django.inherited import InheritedUpdate
from trailbook.capture.django.plans import Layout, Plan, layout_of, plan_of
from trailbook.capture.django.rows import RowsRead, unread
from trailbook.capture.django.tables import Registered
from trailbook.capture.entries import Captured
from trailbook.capture.meaning import Meaning, current_meaning
from trailbook.capture.sql_tables import Judgement, judged
from trailbook.errors import UncapturedWriteError

_MANY = 4096  # plans that a connection keeps
_SCHEMA = frozenset(("create", "alter", "drop"))


class Statements:
    """The wrapper of one connection; it remembers that connection's transaction."""

    def __init__(self, host: Host, connection: BaseDatabaseWrapper) -> None:
        self.host = host
        self.connection = connection
        self.announced: str | None = None  # who acts, as triggers know it
        self.context = False  # whether that stands in a table of SQLite
        self._name: str | None = None
        self._inherited: InheritedUpdate | None = None
        self._plans: dict[str, Plan | None] = {}
        self._layouts: dict[str, Layout] = {}

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        """Execute a statement; `execute` is the rest of the way to the driver."""
        cursor = context["cursor"]
        unread(cursor)
        self._look()
        before, self._inherited = self._inherited, None
        text = self._text(sql)
        judgement = judged(self.connection.vendor, text)
        if judgement.harmless:
            self._follow(judgement)
            return execute(sql, params, many, context)
        touched = self._touched(judgement)
        hooked = [each for each in touched if each.tracked.by == "hooks"]
        if not touched or self._is_flush(judgement):
            return execute(sql, params, many, context)
        with self._together(), self._announced(any(each.tracked.by == "triggers" for each in touched)):
            meaning = current_meaning() if hooked else None
            plan = self._plan(text, judgement, hooked) if hooked and meaning is None else None
            if plan is None:
                execute(sql, params, many, context)
                return self._read(cursor, meaning)
            if many:
                return self._each(cursor, text, params)
            self._inherited = before
            return self._captured(plan, execute, params, context)

    def transaction(self) -> str | None:
        """A name for the running transaction, made when first asked for; PostgreSQL has its own."""
        if self.connection.vendor == "sqlite" and self._name is None:
            self._name = token_hex(16)
        return self._name

    def write(self, captured: Sequence[Captured]) -> None:
        """Write entries in the running transaction. Raises: OutboxFullError, UncapturedWriteError."""
        alias = self.connection.alias
        try:
            connection = DjangoConnection(self.connection)
            self.host.recorder.write(connection, captured, tx=self.transaction(), database=alias)
        except DatabaseError as error:
            if "trailbook_outbox" not in str(error) or not captured:
                raise
            why = f"{alias}: the outbox cannot be written: has manage.py migrate --database {alias} run?"
            raise UncapturedWriteError(why) from error

    def is_transacted(self) -> bool:
        """Whether a transaction is open, or will be with the next statement."""
        return self.connection.in_atomic_block or not self.connection.get_autocommit()

    def _look(self) -> None:
        """Forget a transaction that has ended."""
        if self._name is None and self.announced is None and self._inherited is None:
            return
        driver: Any = self.connection.connection
        if self.connection.vendor == "sqlite":
            running = driver is not None and driver.in_transaction
        else:
            running = driver is not None and int(driver.info.transaction_status) != 0
        if not running:
            self._name = self.announced = self._inherited = None

    def _follow(self, judgement: Judgement) -> None:
        if judgement.begins == "rollback":
            self.announced = None  # what was rolled back with a savepoint
        elif judgement.begins in _SCHEMA:
            self._plans.clear()
            self._layouts.clear()

    def _text(self, sql: Any) -> str:
        """The statement as text; psycopg composes it of pieces."""
        if isinstance(sql, str):
            return sql
        if hasattr(sql, "as_string"):
            self.connection.ensure_connection()
            return str(sql.as_string(self.connection.connection))
        raise UncapturedWriteError(f"a statement of type {type(sql).__name__} cannot be read")

    def _touched(self, judgement: Judgement) -> list[Registered]:
        """The registered models whose tables may be written to."""
        if judgement.unclear:
            return list(self.host.registered.values())
        tables = self.host.tables
        return [tables[name] for name in judgement.tables if name in tables]

    def _is_flush(self, judgement: Judgement) -> bool:
        """Whether a test empties tables, where its settings allow that."""
        allowed = self.host.settings.truncate == "allow" and not judgement.unclear
        return allowed and all(write.verb == "truncate" for write in judgement.writes)

    def _together(self) -> AbstractContextManager[Any]:
        """A transaction of the statement's own, where the host opened none."""
        if self.is_transacted():
            return nullcontext()
        own: AbstractContextManager[Any] = transaction.atomic(using=self.connection.alias, savepoint=False)
        return own

    @contextmanager
    def _announced(self, needed: bool) -> Iterator[None]:
        """Triggers know who acts while the statement runs."""
        if not needed:
            yield
            return
        connection = DjangoConnection(self.connection)
        self.host.recorder.announce(connection, self, self.transaction)
        yield
        if self.context:
            # Django does not say when it commits, and nobody else may be taken for who acts now.
            connection.execute("DELETE FROM trailbook_context")
            self.context, self.announced = False, None

    def _plan(self, text: str, judgement: Judgement, hooked: Sequence[Registered]) -> Plan | None:
        if text in self._plans:
            return self._plans[text]
        names = ", ".join(sorted(each.model.__name__ for each in hooked))
        if judgement.unclear or len(judgement.writes) != 1:
            why = judgement.unclear or "it writes more than once"
            raise UncapturedWriteError(
                f"SQL that may write to the table of {names} cannot be captured: {why}; say what it means with"
                " recorded_as(...), or cover the table with triggers"
            )
        plan = plan_of(self.connection, hooked[0], text, self._layout)
        if len(text) < 10_000:
            if len(self._plans) >= _MANY:
                self._plans.clear()
            self._plans[text] = plan
        return plan

    def _layout(self, target: str) -> Layout:
        if target not in self._layouts:
            self._layouts[target] = layout_of(DjangoConnection(self.connection), target)
        return self._layouts[target]

    def _each(self, cursor: Any, text: str, every: Iterable[Any]) -> Any:
        """Many parameter sets, one after the other, for together they return nothing."""
        count = 0
        for params in every:
            cursor.execute(text, params)
            count += cursor.rowcount
        unread(cursor)
        cursor.cursor = RowsRead(cursor.cursor, (), count=count, added=0)
        return cursor.cursor

    def _captured(self, plan: Plan, execute: Any, params: Any, context: Mapping[str, Any]) -> Any:
        """Execute a write by its plan, and write its entries."""
        reader = Reader(self.connection, plan)
        before = reader.before(params)
        execute(plan.text, params, False, context)
        with self._or_nothing():
            cursor = context["cursor"]
            driver = cursor.cursor
            with self.connection.wrap_database_errors:
                rows = driver.fetchall()
            count = driver.rowcount
            if count not in (-1, len(rows)):
                raise UncapturedWriteError(
                    f"{plan.place.table}: {count} rows were touched, and {len(rows)} returned"
                )
            cursor.cursor = RowsRead(driver, rows, count=len(rows), added=len(plan.returned))
            if plan.op == "updated" and plan.registered.inherits:
                self._keep_inherited(reader, inherited_names(reader, before, rows))
            else:
                self._inherited = None
                self._keep(changes_of(reader, before, rows))
            return cursor.cursor

    def _keep(self, changes: Iterable[Change]) -> None:
        recorder = self.host.recorder
        self.write([entry for each in changes for entry in recorder.entries_of(each.kind, each.rows)])

    def _keep_inherited(self, reader: Reader, names: Names) -> None:
        """Write the entries of an update of inherited rows, together with those of the table before."""
        connection = DjangoConnection(self.connection)
        update = InheritedUpdate(reader.plan, current(self.host.recorder.job), names)
        before = self._inherited
        if before is not None and before.goes_on(reader.plan, update.acting):
            before.take_back(connection, self.transaction())
            update.join(before)
        update.keep(connection, lambda all_: self._keep(inherited_changes(reader, all_)))
        self._inherited = update

    def _read(self, cursor: Any, meaning: Meaning | None) -> Any:
        """Read what the host asked for, for no transaction ends before, and write what it said that it means."""
        with self._or_nothing():
            driver = cursor.cursor
            if driver.description:
                with self.connection.wrap_database_errors:
                    rows = driver.fetchall()
                cursor.cursor = RowsRead(driver, rows, count=driver.rowcount, added=0)
            if meaning is not None and driver.rowcount != 0 and not meaning.written:
                self.write(self.host.recorder.meant_entries(meaning))
                meaning.written = True
            return cursor.cursor

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """A statement ran: if its entry cannot be written it is not committed, even where the host goes on."""
        try:
            yield
        except BaseException:
            if self.connection.in_atomic_block:
                self.connection.needs_rollback = True
            else:
                self.connection.rollback()
            raise


def statements_of(connection: BaseDatabaseWrapper) -> Statements | None:
    """The wrapper of a connection, or None where it has none."""
    return next((each for each in connection.execute_wrappers if isinstance(each, Statements)), None)
