"""Both halves of a log in one SQLite file: the store and the registry, over the same connections."""

from pathlib import Path

from trailbook.stores.registry import Registry
from trailbook.stores.sqlite.access import SqliteAccess
from trailbook.stores.sqlite.api_keys import SqliteKeys
from trailbook.stores.sqlite.connection import Connections
from trailbook.stores.sqlite.jobs import SqliteJobs
from trailbook.stores.sqlite.sessions import SqliteSessions
from trailbook.stores.sqlite.store import SqliteStore
from trailbook.stores.sqlite.views import SqliteViews


def open_sqlite(path: Path, *, create: bool) -> tuple[SqliteStore, Registry]:
    """The store and the registry in the file at `path`. Raises: StoreError, SchemaNewerError, DamagedError."""
    connections = Connections(path, create=create)
    registry = Registry(
        keys=SqliteKeys(connections),
        sessions=SqliteSessions(connections),
        access=SqliteAccess(connections),
        jobs=SqliteJobs(connections),
        views=SqliteViews(connections),
    )
    return SqliteStore(connections), registry
