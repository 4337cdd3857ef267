"""What a host says a write means, where the write itself cannot be captured: `with recorded_as(...)`.

Owns the block and what it means. Refuses to write: that happens when a statement in the block has touched rows.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from types import TracebackType

from msgspec import Struct

from trailbook.model import Item


class Meaning(Struct):
    """The entries that the statements of one block mean; `written` once the first of them has touched a row."""

    action: str
    targets: tuple[Item, ...]
    concerns: Mapping[str, Item | Sequence[Item]]
    fields: tuple[str, ...]
    written: bool = False


_meaning: ContextVar[Meaning | None] = ContextVar("trailbook_meaning", default=None)


class recorded_as:  # noqa: N801  # read as a word: with recorded_as("user.deactivated", target=...)
    """A block whose Core statements and text are recorded as said here: one entry a target, if a row was touched.

    Objects that a session flushes meanwhile are captured as ever.
    """

    def __init__(
        self,
        action: str,
        *,
        target: Item | Sequence[Item],
        concerns: Mapping[str, Item | Sequence[Item]] | None = None,
        fields: Sequence[str] = (),
    ) -> None:
        targets = (target,) if isinstance(target, Item) else tuple(target)
        self._meaning = Meaning(action, targets, dict(concerns or {}), tuple(fields))
        self._before: Token[Meaning | None] | None = None

    def __enter__(self) -> None:
        self._before = _meaning.set(self._meaning)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            _meaning.reset(self._before)


def current_meaning() -> Meaning | None:
    """What the statements of the current block mean, or None."""
    return _meaning.get()
