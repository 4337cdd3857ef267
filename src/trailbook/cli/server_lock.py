"""One server on a log: a lock on a file, and in it the address where the log is served.

Owns what is in the lock file; where it lies is for `Locations` to say. The lock is the kernel's, so that a dead process
never holds it, whatever the file says. Refuses nothing but a second server: the library and the command line go on
beside a running one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trailbook.errors import ConfigurationError


@contextmanager
def alone(lock: Path, address: str) -> Iterator[str]:
    """Serve a log at an address, alone; gives the address. Raises: ConfigurationError when it is served."""
    handle = _opened(lock)
    try:
        if not _taken(handle, fcntl.LOCK_EX):
            other = os.read(handle, 1000).decode("utf-8", "replace") or "an address that it has not said yet"
            raise ConfigurationError(
                f"store: another server serves this log, at {other}; stop that one first"
            )
        os.ftruncate(handle, 0)
        os.write(handle, address.encode())
        yield address
    finally:
        os.close(handle)


def served_at(lock: Path) -> str | None:
    """The address of the server that holds a lock file now, or None."""
    if not lock.exists():
        return None
    handle = os.open(lock, os.O_RDONLY)
    try:
        free = _taken(handle, fcntl.LOCK_SH)
        return None if free else os.read(handle, 1000).decode("utf-8", "replace") or None
    finally:
        os.close(handle)


def _opened(lock: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(f"lock_file: {lock}: {error.strerror}") from None


def _taken(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
