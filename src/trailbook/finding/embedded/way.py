"""The right of way: while anybody in this process records, whoever reads the index stops between two of its parts.

Owns that one who records has the interpreter when they need it: it is shared, a reader gives it away only every few
milliseconds, and one commit needs it a dozen times. Refuses to hold a reader up for long: each stop has an end.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STOP = 0.001  # seconds at most, so that readers go on beside somebody who records all day


class RightOfWay:
    """Who records in this process, and whoever reads meanwhile; any number of threads of either kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recording = 0
        self._free = threading.Event()
        self._free.set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Record with the way free."""
        with self._lock:
            self._recording += 1
            self._free.clear()
        try:
            yield
        finally:
            with self._lock:
                self._recording -= 1
                if not self._recording:
                    self._free.set()

    def give(self) -> None:
        """Stop while somebody records, for a moment at most."""
        if self._recording:
            self._free.wait(_STOP)
