"""SQLAlchemy's engines and connections, as the outbox sees them.

Owns the way past SQLAlchemy's own execution, which is half of what a single write would cost, and the address of a
host's database. Refuses to let a driver's error out bare: it is one of SQLAlchemy's, without the parameters.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, inspect
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from trailbook.capture.database import Answer, EngineName, HostConnection, in_style, supported
from trailbook.capture.outbox import missing_outbox
from trailbook.errors import ConfigurationError, NotFoundError, StoreError

_NAMES: dict[str, EngineName] = {"sqlite": "sqlite", "postgresql": "postgresql"}


class EngineConnection:
    """A connection in the host's transaction; it begins one where there is none, as a statement of the host would."""

    __slots__ = ("_connection", "engine")

    def __init__(self, connection: Connection) -> None:
        """Raises: ConfigurationError for a database that is not supported."""
        self._connection = connection
        self.engine: EngineName = _NAMES.get(connection.dialect.name) or supported(connection.dialect.name)

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Answer:
        """Execute a statement, past listeners and logs. Raises: sqlalchemy.exc.DBAPIError."""
        connection = self._connection
        cursor = _cursor(connection)
        try:
            dialect = connection.dialect
            if parameters:
                dialect.do_execute(cursor, in_style(dialect.paramstyle, statement), tuple(parameters))
            else:
                dialect.do_execute_no_params(cursor, statement)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            return Answer(rows, cursor.rowcount)
        except connection.dialect.loaded_dbapi.Error as error:
            raise _wrapped(connection, statement, error, cursor=cursor) from error
        finally:
            cursor.close()

    def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each row. Raises: sqlalchemy.exc.DBAPIError."""
        connection = self._connection
        dialect = connection.dialect
        cursor = _cursor(connection)
        try:
            own = in_style(dialect.paramstyle, statement)
            if len(rows) == 1:
                dialect.do_execute(cursor, own, tuple(rows[0]))
            elif rows:
                dialect.do_executemany(cursor, own, [tuple(row) for row in rows])
        except dialect.loaded_dbapi.Error as error:
            raise _wrapped(connection, statement, error, cursor=cursor) from error
        finally:
            cursor.close()


class EngineDatabase:
    """An engine, as the drain sees it; one that is awaited needs a plain one beside it."""

    def __init__(self, engine: Engine) -> None:
        self.engine: EngineName = engine_name(engine)
        self._engine = engine

    @contextmanager
    def connect(self) -> Iterator[HostConnection]:
        """A connection to read from."""
        with self._engine.connect() as connection:
            yield EngineConnection(connection)

    @contextmanager
    def begin(self) -> Iterator[HostConnection]:
        """A transaction, committed at the end of the block."""
        with self._engine.begin() as connection:
            yield EngineConnection(connection)


def engine_name(connection: Connection | Engine) -> EngineName:
    """`sqlite` or `postgresql`. Raises: ConfigurationError for any other database."""
    return supported(connection.dialect.name)


def tell_missing(context: ExceptionContext) -> None:
    """Of a statement whose triggers want an outbox that is not there, say what to do. Raises: UncapturedWriteError."""
    missing = missing_outbox(context.original_exception)
    if missing is not None and "trailbook_" in str(context.original_exception):
        raise missing from context.original_exception


@contextmanager
def open_host(url: str, *, new: bool = False) -> Iterator[Engine]:
    """The engine of a host's database that has an outbox, or is to have one where it is `new`.

    Raises: ConfigurationError, NotFoundError; StoreError for whatever goes wrong there, without what it was about.
    """
    try:
        engine = create_engine(url)
        if engine.dialect.is_async:
            raise ConfigurationError(f"from: {engine.dialect.driver} is awaited; name a driver that is not")
        engine_name(engine)
        file = engine.url.database
        absent = engine.dialect.name == "sqlite" and file and not Path(file).exists()  # or it would be made
        if absent or not (new or inspect(engine).has_table("trailbook_outbox")):
            raise NotFoundError("the host's database has no outbox: Capture.install makes it")
    except (ArgumentError, ImportError) as error:
        raise ConfigurationError(f"from: is no address of a database ({type(error).__name__})") from None
    except SQLAlchemyError as error:
        raise StoreError(f"the host's database does not answer ({type(error).__name__})") from None
    try:
        yield engine
    except SQLAlchemyError as error:
        raise StoreError(f"the host's database failed ({type(error).__name__})") from None
    finally:
        engine.dispose()


def _cursor(connection: Connection) -> Any:
    """A cursor of the driver, in the connection's transaction."""
    if not connection.in_transaction():
        connection.begin()
    return connection.connection.cursor()


def _wrapped(connection: Connection, statement: str, error: Exception, *, cursor: Any) -> BaseException:
    """What a driver raised, as SQLAlchemy would raise it."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection, cursor)  # type: ignore[arg-type]  # the driver's own
    if lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        statement,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    )
