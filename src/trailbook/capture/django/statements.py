"""Every statement that Django passes to a driver, looked at in one place: captured, let through, or refused.

Owns the wrapper that stands on each connection of each thread, and that a write and its entries are committed together
or not at all. Refuses, before it runs, a write to a registered table that is not understood; it never looks at a value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from secrets import token_hex
from typing import Any, get_args

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from trailbook.capture.actor import current
from trailbook.capture.database import EngineName
from trailbook.capture.declarations import ChangeKind
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
from trailbook.capture.django.plans import Layout, layout_of, plan_of
from trailbook.capture.django.rows import RowsRead, unread
from trailbook.capture.django.tables import Registered
from trailbook.capture.django.triggers import covered, existing, forget_who_acts, is_told
from trailbook.capture.entries import Captured, EntryItems
from trailbook.capture.meaning import Meaning, WrittenMeaning, current_meaning, last_position
from trailbook.capture.outbox import missing_outbox
from trailbook.capture.sql_tables import Judgement, judged
from trailbook.errors import UncapturedWriteError

# Readers that a connection keeps: many, and a few of long texts, for `bulk_update` writes the same one again and again.
_MANY, _FEW = 4096, 16
_LONG, _TOO_LONG = 10_000, 1_000_000  # characters
_WORD = re.compile(r"\w+")
_WRITES = frozenset(("insert", "update", "delete", "replace", "merge", "truncate", "load", "call"))
_SCHEMA = frozenset(("create", "alter", "drop"))


class Statements:
    """The wrapper of one connection; it remembers that connection's transaction."""

    def __init__(self, host: Host, connection: BaseDatabaseWrapper) -> None:
        self.host = host
        self.connection = connection
        self._plain = DjangoConnection(connection) if connection.vendor in get_args(EngineName) else None
        self.announced: str | None = None  # who acts, as triggers know it
        self.context = False  # whether that stands in a table of SQLite
        self._altered = False  # whether a schema may have changed in this transaction
        self._name: str | None = None
        self._inherited: InheritedUpdate | None = None
        self._meant: list[WrittenMeaning] = []  # what was meant in this transaction
        self._readers: dict[str, Reader | None] = {}
        self._long_readers: dict[str, Reader | None] = {}
        self._layouts: dict[str, Layout] = {}

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        """Execute a statement; `execute` is the rest of the way to the driver."""
        if _is_wrapped(execute):
            return self._innermost(execute)(sql, params, many, context)
        cursor = context["cursor"]
        unread(cursor)
        self._look()
        before, self._inherited = self._inherited, None
        text = self._text(sql)
        if self._plain is None:
            self._demand_other_tables(text)
            return execute(sql, params, many, context)
        judgement = judged(self.connection.vendor, text)
        self._follow(judgement)
        if judgement.harmless:
            if before is not None and before.is_sought(text, self.connection.ops.quote_name):
                self._inherited = before
            with self._called(text) if self.host.by_triggers else nullcontext():
                return execute(sql, params, many, context)
        triggered = covered(self.host, self.plain)
        touched = self._touched(judgement, triggered)
        hooked = [each for each in touched if each.tracked.table not in triggered]
        if not (touched or triggered) or self._is_flush(judgement):
            return execute(sql, params, many, context)
        with self._together(), self._announced() if triggered else nullcontext():
            meaning = current_meaning() if hooked else None
            reader = self._reader_beside(meaning, text, judgement, hooked) if hooked else None
            if reader is None:
                with nullcontext() if meaning is None else self._whole():
                    execute(sql, params, many, context)
                return self._read(cursor, meaning, judgement)
            if many:
                return self._each(text, params, context)
            self._inherited = before
            self._captured(reader, execute, params, context)
            return cursor.cursor if meaning is None else self._read(cursor, meaning, judgement)

    def _innermost(self, execute: Any) -> Any:
        """The rest of the way to the driver with this wrapper last, so that it sees what later ones make of it."""
        if not _is_wrapped(execute):
            return partial(self, execute)
        return partial(execute.func, self._innermost(execute.args[0]))

    @property
    def plain(self) -> DjangoConnection:
        """The connection for statements of capture's own."""
        assert self._plain is not None
        return self._plain

    def transaction(self) -> str | None:
        """A name for the running transaction, made when first asked for; PostgreSQL has its own."""
        if self.connection.vendor == "sqlite" and self._name is None:
            self._name = token_hex(16)
        return self._name

    def write(self, captured: Sequence[Captured]) -> None:
        """Write entries in the running transaction. Raises: OutboxFullError, UncapturedWriteError."""
        alias = self.connection.alias
        try:
            self.host.recorder.write(self.plain, captured, tx=self.transaction(), database=alias)
        except (UncapturedWriteError, DatabaseError) as error:
            raise self._explained(error) from error.__cause__

    def _write_row(self, kind: ChangeKind, row: tuple[Any, EntryItems]) -> None:
        """As `write`, the entry of one row."""
        tx, alias = self.transaction(), self.connection.alias
        try:
            self.host.recorder.write_row(self.plain, kind, row, tx=tx, database=alias)
        except (UncapturedWriteError, DatabaseError) as error:
            raise self._explained(error) from error.__cause__

    def is_transacted(self) -> bool:
        """Whether a transaction is open, or will be with the next statement."""
        return self.connection.in_atomic_block or not self.connection.get_autocommit()

    def _look(self) -> None:
        """Forget a transaction that has ended."""
        if not (self._name or self.announced or self._inherited or self._meant or self._altered):
            return
        driver: Any = self.connection.connection
        if self.connection.vendor == "sqlite":
            running = driver is not None and driver.in_transaction
        else:
            running = driver is not None and int(driver.info.transaction_status) != 0
        if not running:
            self._name = self.announced = self._inherited = None
            self._meant = []
            if self._altered:  # or was rolled back, which alters it once more
                self._altered = False
                self.host.forget_schemas()

    def _follow(self, judgement: Judgement) -> None:
        if judgement.begins == "rollback":
            self.announced = None  # what was rolled back with a savepoint
        elif judgement.begins in _SCHEMA or judgement.statements > 1 or judgement.unclear:
            self._readers.clear()
            self._long_readers.clear()
            self._layouts.clear()
            self.host.forget_schemas()
            self._altered = True

    def _text(self, sql: Any) -> str:
        """The statement as text; psycopg composes it of pieces."""
        if isinstance(sql, str):
            return sql
        if hasattr(sql, "as_string"):
            self.connection.ensure_connection()
            return str(sql.as_string(self.connection.connection))
        raise UncapturedWriteError(f"a statement of type {type(sql).__name__} cannot be read")

    def _touched(self, judgement: Judgement, triggered: frozenset[str]) -> list[Registered]:
        """The registered models whose tables may be written to; of a text that is unclear those that are there."""
        if judgement.unclear:
            every = self.host.registered.values()
            if current_meaning() is not None:
                return list(every)
            return existing(self.plain, every, triggered)
        written = (each for write in judgement.writes for each in self.host.written(self.plain, write))
        return list({each.model: each for each in written}.values())

    def _is_flush(self, judgement: Judgement) -> bool:
        """Whether a test empties tables, where its settings allow that."""
        allowed = self.host.settings.truncate == "allow" and bool(judgement.writes)
        return allowed and all(write.verb == "truncate" for write in judgement.writes)

    def _together(self) -> AbstractContextManager[Any]:
        """A transaction of the statement's own, where the host opened none."""
        if self.is_transacted():
            return nullcontext()
        own: AbstractContextManager[Any] = transaction.atomic(using=self.connection.alias, savepoint=False)
        return own

    def _demand_other_tables(self, text: str) -> None:
        """Refuse what may write to a registered table in a database that capture does not know."""
        words = set(_WORD.findall(text.casefold()))
        if not words.isdisjoint(_WRITES) and not words.isdisjoint(self.host.tables):
            where = f"{self.connection.alias}: {self.connection.vendor}"
            raise UncapturedWriteError(f"{where} is not supported, and a registered table may be written")

    @contextmanager
    def _called(self, text: str) -> Iterator[None]:
        """Triggers know who acts while what a statement calls writes, which on PostgreSQL a SELECT can."""
        needed = is_told(
            self.plain, text, alone=not self.is_transacted(), announced=self.announced is not None
        )
        if needed and covered(self.host, self.plain):
            with self._together(), self._announced():
                yield
        else:
            yield

    @contextmanager
    def _announced(self) -> Iterator[None]:
        """Triggers know who acts while the statement runs."""
        self.lock()  # who acts may have to be read
        self.host.recorder.announce(self.plain, self, self.transaction)
        try:
            yield
        finally:
            if self.context:
                self.context, self.announced = False, None
                forget_who_acts(self.plain)

    def _reader(self, text: str, judgement: Judgement, hooked: Sequence[Registered]) -> Reader | None:
        """How the rows of a write are read, or None where nothing of it is recorded. Raises: UncapturedWriteError."""
        kept, most = (self._readers, _MANY) if len(text) < _LONG else (self._long_readers, _FEW)
        if text in kept:
            return kept[text]
        names = ", ".join(sorted(each.model.__name__ for each in hooked))
        if judgement.unclear or len(judgement.writes) != 1:
            why = judgement.unclear or "it writes more than once"
            raise UncapturedWriteError(
                f"SQL that may write to the table of {names} cannot be captured: {why}; say what it means with"
                " recorded_as(...), or cover the table with triggers"
            )
        self.lock()  # what columns there are is read
        plan = plan_of(self.connection, hooked[0], text, self._layout)
        reader = None if plan is None else Reader(self.connection, plan)
        if len(text) < _TOO_LONG:
            if len(kept) >= most:
                kept.clear()
            kept[text] = reader
        return reader

    def _reader_beside(
        self, meaning: Meaning | None, text: str, judgement: Judgement, hooked: Sequence[Registered]
    ) -> Reader | None:
        """As `_reader`, in a block of `recorded_as`: that speaks for the types it names and for what cannot be read."""
        if meaning is None:
            return self._reader(text, judgement, hooked)
        if any(each.tracked.type in meaning.types for each in hooked):
            return None
        try:
            return self._reader(text, judgement, hooked)
        except UncapturedWriteError:
            return None

    def _layout(self, target: str, table: str) -> Layout:
        if target not in self._layouts:
            self._layouts[target] = layout_of(self.plain, target, table)
        return self._layouts[target]

    def _each(self, text: str, every: Iterable[Any], context: Mapping[str, Any]) -> Any:
        """Many parameter sets, one after the other, for together they return nothing."""
        cursor, count = context["cursor"], 0
        for params in every:
            unread(cursor)
            self(cursor._execute, text, params, False, context)  # past the other wrappers, which have seen it
            count += cursor.rowcount
        unread(cursor)
        cursor.cursor = RowsRead(cursor.cursor, (), count=count, added=0)
        return cursor.cursor

    def _captured(self, reader: Reader, execute: Any, params: Any, context: Mapping[str, Any]) -> Any:
        """Execute a write by its plan, and write its entries."""
        self.connection.validate_no_broken_transaction()
        plan = reader.plan
        if plan.before:
            self.lock()
        before = reader.before(params)
        with self._whole():
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

    def lock(self) -> None:
        """Write before anything is read in the running transaction."""
        self._look()
        if self._name is None:  # else capture has written in it
            self.plain.write_first()

    def _explained(self, error: Exception) -> Exception:
        """An error, or of an outbox that is not there what makes it."""
        cause = error.__cause__ if isinstance(error, UncapturedWriteError) else error
        if cause is None or missing_outbox(cause) is None:
            return error
        alias = self.connection.alias
        why = f"{alias}: the outbox is not there, so that nothing that is registered is written"
        return UncapturedWriteError(f"{why}: run manage.py migrate --database {alias}")

    def _keep(self, changes: Sequence[Change]) -> None:
        recorder = self.host.recorder
        if len(changes) == 1 and len(changes[0].rows) == 1:  # as most writes have
            self._write_row(changes[0].kind, changes[0].rows[0])
        else:
            self.write([entry for each in changes for entry in recorder.entries_of(each.kind, each.rows)])

    def _keep_inherited(self, reader: Reader, names: Names) -> None:
        """Write the entries of an update of inherited rows, together with those of the table before."""
        before = self._inherited  # at first: to find out who acts may be a statement too
        update = InheritedUpdate(reader.plan, current(self.host.recorder.job), names)
        if before is not None and before.goes_on(reader.plan, update.acting):
            before.take_back(self.plain, self.transaction())
            update.join(before)
        update.keep(self.plain, lambda all_: self._keep(inherited_changes(reader, all_)))
        self._inherited = update

    def _read(self, cursor: Any, meaning: Meaning | None, judgement: Judgement) -> Any:
        """Read what the host asked for, for no transaction ends before, and write what it said that it means."""
        with self._or_nothing():
            driver = cursor.cursor
            if driver.description:
                with self.connection.wrap_database_errors:
                    rows = driver.fetchall()
                cursor.cursor = RowsRead(driver, rows, count=driver.rowcount, added=0)
            if meaning is not None and self._may_touch(driver, judgement) and not self._is_written(meaning):
                self._mean(meaning)
            return cursor.cursor

    def _may_touch(self, driver: Any, judgement: Judgement) -> bool:
        """Whether a row may have been touched: not each database counts those written by another name.

        Of several statements, and of one whose CTEs write, the count is that of a part.
        """
        if driver.rowcount != 0 or not _is_plain(judgement):
            return True
        return any(list(self.host.written_by_other_name(self.plain, write)) for write in judgement.writes)

    def _mean(self, meaning: Meaning) -> None:
        """Write the entries of what is meant, and remember where to look for them."""
        entries = self.host.recorder.meant_entries(meaning)
        try:
            after = last_position(self.plain)
        except UncapturedWriteError as error:
            raise self._explained(error) from error.__cause__
        self.write(entries)
        others = [each for each in self._meant if each.meaning is not meaning]
        self._meant = [*others, WrittenMeaning(meaning, after, entries[0].texts[0])]

    def _is_written(self, meaning: Meaning) -> bool:
        """Whether what is meant stands in the outbox: a savepoint may have taken it away again."""
        return any(each.meaning is meaning and each.is_there(self.plain) for each in self._meant)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """What fails half way on SQLite leaves rows without their entries: then nothing of it is committed.

        Many parameter sets can, and ON CONFLICT FAIL and RAISE(FAIL). What SQLite has undone it does not count.
        """
        before = self._changes()
        try:
            yield
        except BaseException:
            if self._changes() > before:
                self._doom()
            raise

    def _changes(self) -> int:
        """How many rows this connection has changed, on SQLite; elsewhere an error ends the transaction."""
        driver: Any = self.connection.connection
        return driver.total_changes if self.connection.vendor == "sqlite" and driver is not None else 0

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """A statement ran: if its entry cannot be written it is not committed, even where the host goes on."""
        try:
            yield
        except BaseException:
            self._doom()
            raise

    def _doom(self) -> None:
        """Let the running transaction be rolled back."""
        if self.connection.in_atomic_block:
            self.connection.needs_rollback = True
        else:
            self.connection.rollback()


def _is_wrapped(execute: Any) -> bool:
    """Whether another wrapper stands on the way to the driver, as Django puts it there."""
    return isinstance(execute, partial) and len(execute.args) == 1 and not execute.keywords


def _is_plain(judgement: Judgement) -> bool:
    """Whether a text is one write and nothing else."""
    if judgement.unclear or judgement.statements != 1 or len(judgement.writes) != 1:
        return False
    return judgement.begins == judgement.writes[0].verb


def statements_of(connection: BaseDatabaseWrapper) -> Statements | None:
    """The wrapper of a connection, or None where it has none."""
    return next((each for each in connection.execute_wrappers if isinstance(each, Statements)), None)
