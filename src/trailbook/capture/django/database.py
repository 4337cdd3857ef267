"""Django's connections as the outbox, the drain and triggers see them: plain statements in the host's transaction.

Owns the way past Django's own cursors, so that capture's statements are neither captured nor logged nor counted by the
host. Refuses databases other than SQLite and PostgreSQL.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from trailbook.capture.database import Answer, EngineName, HostConnection, in_style, supported
from trailbook.capture.outbox import missing_outbox

_NOTHING = "DELETE FROM trailbook_outbox WHERE 0"


class DjangoConnection:
    """A connection of Django's, in whatever transaction it is."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        """Raises: ConfigurationError for a database that is not supported."""
        self.connection = connection
        self._engine = supported(connection.vendor)
        self._style = "qmark" if self._engine == "sqlite" else "format"

    @property
    def engine(self) -> EngineName:
        """Which database it is."""
        return self._engine

    @property
    def database(self) -> tuple[str, str]:
        """Its alias, and the name of the database that the alias stands for now."""
        return self.connection.alias, str(self.connection.settings_dict["NAME"])

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Answer:
        """Execute a statement, with a parameter for each `?`. Raises: django.db.Error."""
        with self.connection.wrap_database_errors, closing(self._cursor()) as cursor:
            if parameters:
                cursor.execute(in_style(self._style, statement), tuple(parameters))
            else:
                cursor.execute(statement)
            rows = [] if cursor.description is None else cursor.fetchall()
            return Answer(rows, cursor.rowcount)

    def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once for each row of parameters. Raises: django.db.Error."""
        text = in_style(self._style, statement)
        with self.connection.wrap_database_errors, closing(self._cursor()) as cursor:
            if len(rows) == 1:
                cursor.execute(text, tuple(rows[0]))
            else:
                cursor.executemany(text, [tuple(row) for row in rows])

    def write_first(self) -> None:
        """Write nothing, before anything is read in a transaction of SQLite, which has one writer.

        Who has read already is refused at once where another writes; who writes first waits. Without an outbox
        nothing is done. Raises: django.db.Error.
        """
        if self._engine != "sqlite":
            return
        try:
            self.execute(_NOTHING)
        except DatabaseError as error:
            if missing_outbox(error) is None:
                raise

    def _cursor(self) -> Any:
        """The driver's own, which is quicker than Django's and not logged."""
        return (
            self.connection.connection.cursor()
            if self._engine == "sqlite"
            else self.connection.create_cursor()
        )


class DjangoDatabase:
    """One of a project's databases, by its alias, for whoever works beside the host: the drain, commands."""

    def __init__(self, alias: str = "default") -> None:
        """Raises: ConfigurationError for a database that is not supported."""
        self.alias = alias
        self._engine = supported(connections[alias].vendor)

    @property
    def engine(self) -> EngineName:
        """Which database it is."""
        return self._engine

    @contextmanager
    def connect(self) -> Iterator[HostConnection]:
        """A connection to read from."""
        with self._lent() as connection:
            connection.ensure_connection()
            yield DjangoConnection(connection)

    @contextmanager
    def begin(self) -> Iterator[HostConnection]:
        """A transaction: committed at the end of the block, rolled back where it raises."""
        with self._lent() as connection, transaction.atomic(using=self.alias):
            plain = DjangoConnection(connection)
            plain.write_first()
            yield plain

    @contextmanager
    def _lent(self) -> Iterator[BaseDatabaseWrapper]:
        """This thread's connection; where it was opened for this block, closed as the setting CONN_MAX_AGE says."""
        connection = connections[self.alias]
        opened = connection.connection is None
        try:
            yield connection
        finally:
            if opened:
                connection.close_if_unusable_or_obsolete()
