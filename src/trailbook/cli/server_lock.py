"""One server on a log: a lock beside the file, and the address where it is served.

Owns the file `<log>.serving`. The lock is the kernel's, so that a dead process never holds it, whatever the file
says. Refuses nothing but a second server: the library and the command line go on beside a running one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trailbook.errors import ConfigurationError


@contextmanager
def alone(store: str, address: str) -> Iterator[str]:
    """Serve a store at an address, alone; gives the address. Raises: ConfigurationError when it is served."""
    handle = os.open(_lock(store), os.O_RDWR | os.O_CREAT, 0o600)
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


def served_at(store: str) -> str | None:
    """The address of the server that serves a store now, or None."""
    path = _lock(store)
    if not path.exists():
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        free = _taken(handle, fcntl.LOCK_SH)
        return None if free else os.read(handle, 1000).decode("utf-8", "replace") or None
    finally:
        os.close(handle)


def _lock(store: str) -> Path:
    path = Path(store.removeprefix("sqlite:///"))
    return path.with_name(path.name + ".serving")


def _taken(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
