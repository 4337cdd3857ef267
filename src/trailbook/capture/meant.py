"""What was meant in a running transaction, and whether it still stands there.

Owns how an entry that `recorded_as` made is looked for in the outbox: a savepoint, a text or a driver may have taken
it away without a word. Refuses to take for written what memory alone says.
"""

from msgspec import Struct

from trailbook.capture.database import HostConnection
from trailbook.capture.meaning import Meaning
from trailbook.capture.outbox import MEANT, missing_outbox

_LAST = "SELECT coalesce(max(position), 0) FROM trailbook_outbox"
_THERE = "SELECT count(*) FROM trailbook_outbox WHERE position > ? AND op = ? AND entry = ?"


class WrittenMeaning(Struct, frozen=True):
    """A meaning that was written: its first entry, and the position in the outbox after which that stands."""

    meaning: Meaning
    after: int
    text: str

    def is_there(self, connection: HostConnection) -> bool:
        """Whether its entry stands in the outbox, as the connection's transaction sees it."""
        return bool(connection.execute(_THERE, (self.after, MEANT, self.text)).rows[0][0])


def last_position(connection: HostConnection) -> int:
    """Where the outbox ends, so that not all of it has to be searched. Raises: UncapturedWriteError without outbox."""
    try:
        return int(connection.execute(_LAST).rows[0][0])
    except Exception as error:
        if (missing := missing_outbox(error)) is not None:
            raise missing from error
        raise
