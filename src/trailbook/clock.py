"""Clock and Entropy: the two callables that everything which needs time or chance is handed.

Owns their types and the machine's own clock. Refuses to be asked behind anybody's back: whoever needs either takes it
as an argument, so that a test can say what time it is.
"""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]  # with a zone
Entropy = Callable[[int], bytes]  # so many random bytes


def utc_now() -> datetime:
    """What the clock of this machine says, in UTC."""
    return datetime.now(UTC)
