"""The files of an open database: that they are where they were, and the same ones.

Owns what is compared: device and inode of the database, its write-ahead log and the index of that log. Refuses to let a
connection go on into a file that has lost its name: whoever opens the log by its name would find none of it.
"""

import os
from pathlib import Path

from msgspec import Struct

from trailbook.errors import StoreError

_BESIDE = ("-wal", "-shm")


class _Place(Struct, frozen=True):
    """A file by its name, and which one it was when it was opened."""

    name: str
    device: int
    inode: int


class Files:
    """The files beside one another that an open database is, as they were when this was made."""

    def __init__(self, path: Path) -> None:
        """Raises: StoreError when one of them is not there."""
        target = path.resolve()  # beside it SQLite keeps the others, whatever links lead to it
        names = (str(path.absolute()), *(f"{target}{ending}" for ending in _BESIDE))
        self._places = [_looked_at(name) for name in names]

    def require(self) -> None:
        """Let a connection go on. Raises: StoreError naming the file that was moved away, removed or replaced."""
        for place in self._places:
            if _looked_at(place.name) != place:
                raise _lost(place.name, "was replaced")


def _looked_at(name: str) -> _Place:
    try:
        status = os.stat(name)
    except OSError as error:
        raise _lost(name, "is not where it was") from error
    return _Place(name, status.st_dev, status.st_ino)


def _lost(name: str, what: str) -> StoreError:
    return StoreError(
        f"the file {os.path.basename(name)} {what} since the log was opened: put the same file back, or open it again"
    )
