"""The host's database, as the outbox, the drain, triggers and quarantine see it, whatever library the host uses.

Owns the two protocols that each framework's room implements, with `?` as the mark of a parameter, and what becomes of
that mark in a driver's own style. Refuses any database but SQLite and PostgreSQL, and to import a framework before
somebody hands over an object of it. A `?` or `%` that is no mark may stand only where there are no parameters.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, get_args

from msgspec import Struct

from trailbook.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

EngineName = Literal["sqlite", "postgresql"]


_NAMES = frozenset(get_args(EngineName))


class Answer(Struct, frozen=True, gc=False):
    """What a statement gave: its rows, and how many it touched, -1 where the driver does not say."""

    rows: list[tuple[Any, ...]]
    count: int


class HostConnection(Protocol):
    """A connection to a host's database, in the transaction of whoever handed it over."""

    @property
    def engine(self) -> EngineName:
        """Which database it is."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Answer:
        """Execute a statement, with a parameter for each `?`; without parameters it is not looked at."""

    def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once for each row of parameters."""


class HostDatabase(Protocol):
    """A host's database, for whoever works beside the host."""

    @property
    def engine(self) -> EngineName:
        """Which database it is."""

    def connect(self) -> AbstractContextManager[HostConnection]:
        """A connection to read from, given back at the end of the block."""

    def begin(self) -> AbstractContextManager[HostConnection]:
        """A transaction: committed at the end of the block, rolled back where it raises."""


def database_of(host: "HostDatabase | Engine") -> HostDatabase:
    """A host's database as such: itself, or an engine of SQLAlchemy wrapped. Raises: ConfigurationError."""
    if isinstance(getattr(host, "engine", None), str):
        return cast(HostDatabase, host)
    return cast(HostDatabase, import_module("trailbook.capture.sqlalchemy.database").EngineDatabase(host))


def connection_of(connection: "HostConnection | Connection") -> HostConnection:
    """A connection as such: itself, or one of SQLAlchemy wrapped. Raises: ConfigurationError."""
    if isinstance(getattr(connection, "engine", None), str):
        return cast(HostConnection, connection)
    room = import_module("trailbook.capture.sqlalchemy.database")
    return cast(HostConnection, room.EngineConnection(connection))


def supported(name: str) -> EngineName:
    """The name of a database that capture works on. Raises: ConfigurationError for any other."""
    if name not in _NAMES:
        raise ConfigurationError(f"capture: {name} is not supported; SQLite and PostgreSQL are")
    return cast(EngineName, name)


@lru_cache(maxsize=256)
def in_style(style: str, statement: str) -> str:
    """A statement written with `?`, in the style of parameters that a driver takes. Source: PEP 249."""
    if style == "qmark":
        return statement
    if style == "numeric_dollar":
        pieces = statement.split("?")
        return "".join(f"{piece}${at}" for at, piece in enumerate(pieces[:-1], 1)) + pieces[-1]
    return statement.replace("%", "%%").replace("?", "%s")
