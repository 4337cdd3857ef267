"""Both halves of a log in one SQLite file: the store and the registry, over the same connections."""

from pathlib import Path

from trailbook.stores.sqlite.connection import Connections
from trailbook.stores.sqlite.registry import SqliteRegistry
from trailbook.stores.sqlite.store import SqliteStore


def open_sqlite(path: Path, *, create: bool) -> tuple[SqliteStore, SqliteRegistry]:
    """The store and the registry in the file at `path`. Raises: StoreError, SchemaNewerError, DamagedError."""
    connections = Connections(path, create=create)
    return SqliteStore(connections), SqliteRegistry(connections)
