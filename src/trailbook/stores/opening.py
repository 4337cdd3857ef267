"""The one door that opens an engine: from a URL to its store and its registry.

Owns which URLs there are. Refuses to let an engine's driver be imported before a URL asks for it: an engine that has
one has a front.
"""

from pathlib import Path

from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.stores import sqlite
from trailbook.stores.memory.registry import memory_registry
from trailbook.stores.memory.store import MemoryStore
from trailbook.stores.registry import Registry
from trailbook.stores.store import Store

_FILE = "sqlite:///"


def open_store(url: str, *, create: bool = False) -> tuple[Store, Registry]:
    """Open the engine a URL names: `sqlite:///relative.db`, `sqlite:////absolute.db` or `memory:`.

    Raises: ConfigurationError for a URL nobody knows; NotFoundError for a missing file unless `create`.
    """
    if url == "memory:":
        return MemoryStore(), memory_registry()
    path = store_file(url)
    if path is None:
        raise ConfigurationError(
            f"store: {url.split(':', 1)[0]!r} is not a known kind of store; use sqlite:///FILE"
        )
    if not create and not path.exists():
        raise NotFoundError(f"there is no log at {path}; `trailbook init` makes one")
    if not path.parent.is_dir():
        raise NotFoundError(f"the folder {path.parent} does not exist")
    return sqlite.open_sqlite(path, create=create)


def schema_of(url: str) -> tuple[int, int] | None:
    """The schema of a file and the one that is known here, without bringing it up to date; None where there is none.

    Raises: StoreError.
    """
    path = store_file(url)
    return None if path is None or not path.exists() else sqlite.schema_of_file(path)


def is_log_file(path: Path) -> bool:
    """Whether a file begins as a SQLite database of Trailbook does. Source: SQLite file format, 1.3."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.read(100)
    return begin.startswith(b"SQLite format 3\0") and begin[68:72] == b"trbk"


def store_file(url: str) -> Path | None:
    """The file that a store is, by its URL; None for one that is no file."""
    return Path(url.removeprefix(_FILE)) if url.startswith(_FILE) else None
