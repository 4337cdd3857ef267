"""Sealing in the background: logs whose tail has grown are sealed off the commit path, one after the other.

Owns one thread a deployment, begun when it is first needed. Refuses to be relied on: whatever is not sealed is
found all the same, only more slowly, and whoever reads seals nothing.
"""

import threading
from collections.abc import Callable

from trailbook.errors import TrailbookError
from trailbook.log import Log


class Sealer:
    """Seals the logs it is told of; `fault` hears what went wrong, which is tried again with the next entries."""

    def __init__(self, fault: Callable[[str, TrailbookError], None] = lambda org, error: None) -> None:
        self._fault = fault
        self._waiting: dict[str, Log] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def wake(self, log: Log) -> None:
        """Seal this log soon."""
        with self._changed:
            if self._closed:
                return
            self._waiting[log.org] = log
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="trailbook-sealing", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Finish the segment under way and end; what waits is sealed by whoever opens the store next."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                org, log = self._waiting.popitem()
            try:
                log.seal(stopped=lambda: self._closed)
            except TrailbookError as error:
                self._fault(org, error)
