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


def open_store(url: str, *, create: bool = False) -> tuple[Store, Registry]:
    """Open the engine a URL names: `sqlite:///relative.db`, `sqlite:////absolute.db` or `memory:`.

    Raises: ConfigurationError for a URL nobody knows; NotFoundError for a missing file unless `create`.
    """
    if url == "memory:":
        return MemoryStore(), memory_registry()
    if not url.startswith("sqlite:///"):
        raise ConfigurationError(
            f"store: {url.split(':', 1)[0]!r} is not a known kind of store; use sqlite:///FILE"
        )
    path = sqlite_path(url)
    if not create and not path.exists():
        lost = path.with_name(path.name + ".keys").exists()
        how = "its secrets are there: `trailbook restore` a backup" if lost else "`trailbook init` makes one"
        raise NotFoundError(f"there is no log at {path}; {how}")
    if not path.parent.is_dir():
        raise NotFoundError(f"the folder {path.parent} does not exist")
    return sqlite.open_sqlite(path, create=create)


def schema_of(url: str) -> tuple[int, int] | None:
    """The schema of a file and the one that is known here, without bringing it up to date; None where there is none.

    Raises: StoreError.
    """
    if not url.startswith("sqlite:///") or not sqlite_path(url).exists():
        return None
    return sqlite.schema_of_file(sqlite_path(url))


def is_log_file(path: Path) -> bool:
    """Whether a file begins as a SQLite database of Trailbook does. Source: SQLite file format, 1.3."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.read(100)
    return begin.startswith(b"SQLite format 3\0") and begin[68:72] == b"trbk"


def sqlite_path(url: str) -> Path:
    """The file an sqlite URL names."""
    return Path(url.removeprefix("sqlite:///"))
