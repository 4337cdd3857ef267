"""Sign-ins and refusals that wait to be recorded: a store that cannot be written keeps nobody out, or in.

Owns their order and how many may wait; they are recorded as soon as the store is written again. Refuses to hold back
anything else: what reads or changes something does not happen where it cannot be recorded. What waits
is in memory alone, for the disk takes nothing; whoever ends the process hears how many were lost.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from trailbook.errors import EntryConflictError, StoreError, UnwritableError
from trailbook.model import NewEntry
from trailbook.recording import Result

MOST = 10_000  # of one log; they take a kilobyte each
_TOGETHER = 500
_WAIT = "sign-ins wait to be recorded"
_LOG = logging.getLogger("trailbook")

RecordEach = Callable[[Sequence[NewEntry]], Sequence[Result]]


class HeldBack:
    """The entries of one log that wait for its store."""

    def __init__(self, org: str, record_each: RecordEach, most: int = MOST) -> None:
        self._org = org
        self._record_each = record_each
        self._most = most
        self._waiting: deque[NewEntry] = deque()
        self._lost = 0
        self._lock = threading.Lock()
        self._settling = threading.Lock()
        self.on_held: Callable[[], None] = lambda: None  # told when something begins to wait

    @property
    def count(self) -> int:
        """How many entries about sign-ins and refusals are not recorded."""
        return len(self._waiting) + self._lost

    def record(self, entry: NewEntry, *, always: bool = False) -> None:
        """Record an entry, or hold it back until the store can be written.

        Where no more may wait, `always` lets it be counted alone. Raises: UnwritableError; what recording raises.
        """
        try:
            refused = self._record_each([entry])[0].refused
        except UnwritableError:
            if not self._hold(entry, always=always):
                raise
            return
        if refused is not None:
            raise refused

    def settle(self) -> None:
        """Record what waits, the oldest first. Raises: UnwritableError, which says how many wait."""
        with self._settling:
            while part := list(islice(self._waiting, _TOGETHER)):
                try:
                    results = self._record_each(part)
                except StoreError as error:
                    raise UnwritableError(f"{_WAIT}, {self.count} in all: {error.detail}") from error
                self._let_go(results)
            if self._lost:
                words = "%s: sign-ins were not recorded, %d in all: more waited than may"
                _LOG.error(words, self._org, self._lost)
                self._lost = 0

    def end(self) -> None:
        """Record what waits for the last time; what cannot be recorded is told on stderr, and lost."""
        try:
            self.settle()
        except StoreError as error:
            _LOG.error("%s is closed while %s", self._org, error.detail)  # its trace says nothing
            self._waiting.clear()

    def _hold(self, entry: NewEntry, *, always: bool) -> bool:
        """Let an entry wait, or count it; whether either may be."""
        with self._lock:
            room = len(self._waiting) < self._most
            if room:
                self._waiting.append(entry)
            self._lost += always and not room
        self.on_held()
        return room or always

    def _let_go(self, results: Sequence[Result]) -> None:
        for result in results:
            self._waiting.popleft()
            if result.refused is not None and not isinstance(result.refused, EntryConflictError):
                _LOG.error("%s: what waited to be recorded was refused: %s", self._org, result.refused.detail)
