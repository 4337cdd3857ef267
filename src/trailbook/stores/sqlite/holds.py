"""Who holds an organisation up, in whichever process: a lock beside the log, and in it who is held.

Owns the file `<log>.held`. The lock is the kernel's, so that a dead process holds nobody. One organisation of a file is
held at a time: who wants to hold another waits, who records in another does not. Refuses to wait itself while the
database is being written, or everybody would.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from trailbook.errors import StoreError, UnwritableError
from trailbook.stores.sqlite.connection import BUSY_MS, make_private

_LONGEST = 1000  # bytes of a name that are compared
_PAUSE = 0.002  # seconds between two looks at the lock


class HeldError(Exception):
    """Somebody else holds the organisation: let go of the database, and wait."""


class Holds:
    """The organisation of one file that is held, and by whom."""

    def __init__(self, path: Path, patience: float = BUSY_MS / 1000) -> None:
        """Of the log at `path`; nobody waits longer than `patience` seconds."""
        self._patience = patience
        target = path.resolve()  # one file has one lock, whatever links lead to it
        self._path = f"{target}.held"
        self._mine = threading.local()

    def is_mine(self, org: str) -> bool:
        """Whether this thread holds the organisation."""
        held: str | None = getattr(self._mine, "org", None)
        return held == org

    @contextmanager
    def holding(self, org: str) -> Iterator[None]:
        """Hold an organisation; what others began to write before may still come after this. Raises: StoreError."""
        make_private(Path(self._path))
        handle = os.open(self._path, os.O_RDWR)
        try:
            _until(lambda: _locked(handle, fcntl.LOCK_EX), self._patience)
            _write(handle, _name(org))
            self._mine.org = org
            yield
        finally:
            self._mine.org = None
            os.close(handle)

    def require_free(self, org: str) -> None:
        """Let whoever appends go on. Raises: HeldError."""
        if self._is_held(org):
            raise HeldError

    def wait(self, org: str) -> None:
        """Wait until nobody holds an organisation. Raises: StoreError when that takes too long."""
        _until(lambda: not self._is_held(org), self._patience)

    def _is_held(self, org: str) -> bool:
        # Where nobody ever held anything there is no file; every commit asks, and this is quick.
        if not os.access(self._path, os.F_OK):
            return False
        try:
            handle = os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise StoreError(f"the lock beside the log cannot be read: {error.strerror}") from error
        try:
            return not _locked(handle, fcntl.LOCK_SH) and os.pread(handle, _LONGEST, 0) == _name(org)
        finally:
            os.close(handle)


def _name(org: str) -> bytes:
    return org.encode()[:_LONGEST]


def _write(handle: int, name: bytes) -> None:
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, name, 0)
    except OSError as error:
        raise UnwritableError(f"the log cannot be held: {error.strerror}") from error


def _locked(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _until(free: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not free():
        if time.monotonic() > deadline:
            raise StoreError("the log is held for somebody who writes to it; try again")
        time.sleep(_PAUSE)
