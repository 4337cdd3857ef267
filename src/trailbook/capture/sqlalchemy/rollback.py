"""Transactions in which something may have no entry: they may be rolled back, and nothing else.

Owns what is remembered of a connection's transaction: its name, its savepoints, which statements have begun of which no
end was seen, and whether it is doomed. Refuses a commit of what is not told, even where a host caught the error and
went on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from msgspec import Struct, structs
from sqlalchemy import Connection, Engine, ExceptionContext, event

from trailbook.capture.meaning import WrittenMeaning
from trailbook.capture.sqlalchemy.database import EngineConnection, tell_missing
from trailbook.capture.trigger_sqlite import IS_PLACE, NOBODY
from trailbook.errors import UncapturedWriteError

_KEY = "trailbook_transaction"
_listening: WeakKeyDictionary[Engine, int] = WeakKeyDictionary()


class Begun(Struct, frozen=True):
    """A statement that began, who waits for its end, how many savepoints were open, and what SQLite had changed."""

    statement: object
    owner: object
    savepoints: int
    changes: int | None


class Transaction(Struct):
    """A running transaction: its open savepoints, and how many of them were when an entry could not be written."""

    name: str | None = None
    savepoints: int = 0
    doomed: int | None = None
    announced: str | None = None  # who acts, as triggers know it
    context: bool = False  # whether this transaction wrote that down, and has to take it away
    meant: list[WrittenMeaning] = []
    begun: list[Begun] = []  # what may have written, and has no entry yet

    @property
    def is_doomed(self) -> bool:
        """Whether something may have been written that no entry tells."""
        return self.doomed is not None or bool(self.begun)

    def forget(self) -> None:
        """Keep nothing of a transaction that was ended by a text or the driver, and may have another after it."""
        self.name = self.announced = None
        self.meant = []


def of(connection: Connection) -> Transaction:
    """What is remembered of a connection's transaction."""
    memory = connection.connection.info
    transaction: Transaction | None = memory.get(_KEY)
    if transaction is None:
        transaction = memory[_KEY] = Transaction()
    return transaction


def doom(connection: Connection) -> None:
    """An entry could not be written: what is not rolled back to before now is not committed."""
    transaction = of(connection)
    transaction.doomed = _least(transaction.doomed, transaction.savepoints)


def start(connection: Connection, statement: object, owner: object) -> None:
    """A statement begins that is to have entries: until `owner` has seen its end nothing is committed."""
    transaction = of(connection)
    if not any(each.statement is statement and each.owner is owner for each in transaction.begun):
        changes = _changes(connection)
        transaction.begun.append(Begun(statement, owner, transaction.savepoints, changes))


def end(connection: Connection, statement: object, owner: object) -> None:
    """The entries of a statement are written, or it has none."""
    transaction = of(connection)
    transaction.begun = [
        each for each in transaction.begun if each.statement is not statement or each.owner is not owner
    ]


def look(connection: Connection) -> None:
    """Forget a transaction that was ended without SQLAlchemy: by a text, or by the driver's own commit or rollback."""
    transaction = of(connection)
    known = transaction.name or transaction.announced or transaction.meant
    if known and not in_transaction(connection.connection.driver_connection):
        transaction.forget()


def in_transaction(driver: Any) -> bool:
    """Whether a driver's connection has a transaction open, as far as it tells."""
    state = getattr(driver, "in_transaction", None)
    if state is not None:  # sqlite3, aiosqlite
        return bool(state)
    ask = getattr(driver, "is_in_transaction", None)
    if ask is not None:  # asyncpg
        return bool(ask())
    info = getattr(driver, "info", None)
    return info is not None and int(getattr(info, "transaction_status", 0)) != 0  # psycopg


def begin(connection: Connection) -> None:
    """Begin the transaction that the change and its entry share, where sqlite3 would not: before WITH, for one.

    It takes the right to write at once, and waits for it as the host's own statement would have waited: a transaction
    that reads first is refused that right where another writes meanwhile, without any wait ("database is locked").
    """
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            if driver.isolation_level is not None:
                EngineConnection(connection).execute("BEGIN IMMEDIATE")
        else:  # as a host begins it that writes BEGIN itself
            EngineConnection(connection).execute("DELETE FROM trailbook_outbox WHERE 0")


@contextmanager
def dooming(connection: Connection) -> Iterator[None]:
    """A statement ran: if its entry cannot be written it is not committed, even where the host goes on."""
    try:
        yield
    except BaseException:
        doom(connection)
        raise


def doomed_error() -> UncapturedWriteError:
    """What a host hears that commits a doomed transaction, to be raised."""
    return UncapturedWriteError(
        "an entry of this transaction could not be written, or a statement failed half way: it can only be"
        " rolled back"
    )


def listen(engine: Engine) -> None:
    """Follow an engine's transactions, for one capture more."""
    _listening[engine] = _listening.get(engine, 0) + 1
    if _listening[engine] == 1:
        for name, listener in _LISTENERS.items():
            # Of an error we hear before a listener of the host makes another of it.
            event.listen(engine, name, listener, insert=name == "handle_error")


def deafen(engine: Engine) -> None:
    """Follow them for one capture less."""
    _listening[engine] -= 1
    if _listening[engine] == 0:
        for name, listener in _LISTENERS.items():
            event.remove(engine, name, listener)


def nobody_acts(connection: Connection) -> None:
    """Before a transaction of SQLite is committed: nobody is taken for who acted in it."""
    transaction = of(connection)
    transaction.announced = None
    if transaction.context:
        transaction.context = False
        EngineConnection(connection).execute(NOBODY)


def _begun(connection: Connection, *more: Any) -> None:
    # What a driver's own commit left is there yet.
    connection.connection.info[_KEY] = Transaction(context=of(connection).context)


def _returned(driver: Any, record: Any) -> None:
    """A connection goes back to its pool, where a driver's own commit may have left who acted."""
    transaction: Transaction | None = record.info.pop(_KEY, None)
    if driver is not None and transaction is not None and transaction.context:
        cursor = driver.cursor()
        cursor.execute(IS_PLACE)
        if cursor.fetchone() is not None:
            cursor.execute(NOBODY)
            driver.commit()
        cursor.close()


def _saved(connection: Connection, name: str | None) -> None:
    of(connection).savepoints += 1


def _released(connection: Connection, name: str, context: Any) -> None:
    transaction = of(connection)
    transaction.savepoints -= 1
    transaction.begun = [
        structs.replace(each, savepoints=min(each.savepoints, transaction.savepoints))
        for each in transaction.begun
    ]
    if transaction.doomed is not None:
        transaction.doomed = _least(transaction.doomed, transaction.savepoints)


def _rolled_back(connection: Connection, name: str, context: Any) -> None:
    transaction = of(connection)
    transaction.savepoints -= 1
    if transaction.doomed is not None and transaction.doomed > transaction.savepoints:
        transaction.doomed = None
    transaction.begun = [each for each in transaction.begun if each.savepoints <= transaction.savepoints]
    transaction.announced = None  # that may have been rolled back too


def _failed(context: ExceptionContext) -> None:
    """A statement failed: it is over where its database took all of it back, and else may have left some of it."""
    connection = context.connection
    if connection is not None and not (connection.closed or connection.invalidated):
        transaction, statement = of(connection), context.execution_context
        transaction.begun = [
            each
            for each in transaction.begun
            if each.statement is not statement or not _is_taken_back(connection, each, context)
        ]
    tell_missing(context)


def _is_taken_back(connection: Connection, begun: Begun, context: ExceptionContext) -> bool:
    """Whether nothing is left: SQLite says so, where earlier rows may stay; PostgreSQL's own error undoes it all."""
    if connection.dialect.name == "sqlite":
        if (running := context.execution_context) is not None:
            running.cursor.close()  # what returns rows is counted when it is over
        return begun.changes is not None and begun.changes == _changes(connection)
    error = context.original_exception
    return isinstance(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None), str)


def _changes(connection: Connection) -> int | None:
    """How many rows SQLite has changed on this connection, without those that a statement took back."""
    changes: int | None = getattr(connection.connection.driver_connection, "total_changes", None)
    return changes


def _committing(connection: Connection) -> None:
    _demand_sound(connection, lambda: connection.connection.rollback())


def _preparing(connection: Connection, xid: Any) -> None:
    _demand_sound(connection)


def _committing_twophase(connection: Connection, xid: Any, is_prepared: bool) -> None:
    if not is_prepared:  # else it was looked at when it was
        dialect = connection.dialect
        _demand_sound(connection, lambda: dialect.do_rollback_twophase(connection, xid, is_prepared=False))


def _demand_sound(connection: Connection, undo: Callable[[], object] = lambda: None) -> None:
    transaction = of(connection)
    nobody_acts(connection)
    if transaction.is_doomed:
        undo()  # SQLAlchemy takes a commit that raises for one that the database has undone.
        raise doomed_error()


def _least(doomed: int | None, savepoints: int) -> int:
    return savepoints if doomed is None else min(doomed, savepoints)


_LISTENERS: dict[str, Callable[..., None]] = {
    "begin": _begun,
    "begin_twophase": _begun,
    "savepoint": _saved,
    "release_savepoint": _released,
    "rollback_savepoint": _rolled_back,
    "commit": _committing,
    "prepare_twophase": _preparing,
    "commit_twophase": _committing_twophase,
    "handle_error": _failed,
    "checkin": _returned,
}
