"""What a host says a write means, where the write itself cannot be captured: `with recorded_as(...)`.

Owns the block, what it means, and how its entry is looked for in the outbox: a savepoint, a text or a driver may have
taken it away without a word. Refuses to write: that happens when a statement in the block has touched rows.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType

from msgspec import Struct

from trailbook.capture.blocks import Block, Stated
from trailbook.capture.database import HostConnection
from trailbook.capture.outbox import MEANT, missing_outbox
from trailbook.capture.rules import demand, fields_faults, item_faults
from trailbook.errors import ConfigurationError
from trailbook.model import Item

_LAST = "SELECT coalesce(max(position), 0) FROM trailbook_outbox"
_THERE = "SELECT count(*) FROM trailbook_outbox WHERE position > ? AND op = ? AND entry = ?"


class Meaning(Struct):
    """The entries that the statements of one block mean, once the first of them has touched a row."""

    action: str
    targets: tuple[Item, ...]
    concerns: Mapping[str, Item | Sequence[Item]]
    fields: tuple[str, ...]

    @property
    def types(self) -> frozenset[str]:
        """The types of the items that it names."""
        some = [[items] if isinstance(items, Item) else items for items in self.concerns.values()]
        return frozenset(item.type for items in (self.targets, *some) for item in items)


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


_meaning: Stated[Meaning] = Stated("recorded_as")


class recorded_as:  # noqa: N801  # read as a word: with recorded_as("user.deactivated", target=...)
    """A block whose Core statements and text are recorded as said here: one entry a target, if a row was touched.

    Objects that a session flushes meanwhile are captured as ever; of Django's statements are those that write rows of
    other types than the block names. A task or thread that goes on after the block means nothing by it. Raises:
    ConfigurationError for no target; EntryInvalidError for a member that no log would take, with the first row that is
    touched also for what the catalogue does not take; MisplacedBlockError where it is not left in the context in which
    it was entered.
    """

    def __init__(
        self,
        action: str,
        *,
        target: Item | Sequence[Item],
        concerns: Mapping[str, Item | Sequence[Item]] | None = None,
        fields: Sequence[str] = (),
    ) -> None:
        self._action = action
        self._targets = (target,) if isinstance(target, Item) else tuple(target)
        if not self._targets or not all(isinstance(each, Item) for each in self._targets):
            raise ConfigurationError(
                "recorded_as: target: name at least one item, or nothing would be recorded"
            )
        self._concerns = dict(concerns or {})
        several = len(self._targets) > 1
        places = [f"/target/{at}" if several else "/target" for at in range(len(self._targets))]
        demand(*map(item_faults, self._targets, places), fields_faults(fields))
        self._fields = tuple(fields)
        self._block = Block(_meaning)

    def __enter__(self) -> None:
        # A new one each time: what was written in an earlier block is not written in this one.
        self._block.enter(Meaning(self._action, self._targets, self._concerns, self._fields))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.leave(error)


def current_meaning() -> Meaning | None:
    """What the statements of the current block mean, or None."""
    return _meaning.value()
