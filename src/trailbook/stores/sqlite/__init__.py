"""SQLite, the embedded default: one file, one writing transaction at a time, readers apart."""

from pathlib import Path

from trailbook.stores.sqlite.connection import Connections, schema_of as schema_of
from trailbook.stores.sqlite.registry import SqliteRegistry
from trailbook.stores.sqlite.store import SqliteStore


def open_sqlite(path: Path, *, create: bool) -> tuple[SqliteStore, SqliteRegistry]:
    """The store and the registry in the file at `path`. Raises: StoreError, SchemaNewerError, DamagedError."""
    connections = Connections(path, create=create)
    return SqliteStore(connections), SqliteRegistry(connections)
