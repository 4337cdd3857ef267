"""What the writer of a log is asked, what it answers, and what it tells of a commit.

Owns these shapes alone, so that whoever asks or listens needs to know nothing of how a commit is made.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.clock import Clock, Entropy
from trailbook.errors import BatchRefusedError, TrailbookError
from trailbook.index import IndexRow
from trailbook.model import EARLIEST, Item, NewEntry, Receipt
from trailbook.record import Complete
from trailbook.stores import Append, Blob, Head, Identity


class Committed(Struct, frozen=True):
    """What the writer tells after a commit: the rows it added, the identities among them, and the new head."""

    rows: Sequence[IndexRow]
    identities: Sequence[Identity]
    before: Head
    head: Head


class Result(Struct, frozen=True):
    """What became of one entry of a batch: a receipt, or why it was refused."""

    receipt: Receipt | None
    refused: TrailbookError | None = None


class Means(Struct, frozen=True, kw_only=True):
    """What recording needs besides a store: rules, time, randomness and the organisation's key."""

    catalogue: Catalogue
    clock: Clock
    entropy: Entropy
    key: bytes
    earliest: datetime = EARLIEST


class LogChange(Struct, frozen=True, kw_only=True):
    """An entry that does more than say so: the blobs beside it, and how the store makes it true in one commit."""

    entry: NewEntry
    blobs: tuple[Blob, ...]
    removed: int
    apply: Callable[[Head, Append], None]


class Batch(Struct, frozen=True):
    """Entries that one caller gives under one credential; `atomic`: all of them or none.

    `manifests` are blobs that they cite, written with them.
    """

    checked: tuple[Complete | TrailbookError, ...]
    source: Item
    atomic: bool
    manifests: tuple[Blob, ...] = ()

    @property
    def refused(self) -> dict[int, TrailbookError]:
        """The entries that no log is needed to refuse."""
        return {at: error for at, error in enumerate(self.checked) if isinstance(error, TrailbookError)}


Answer = list[Result] | BatchRefusedError
Tell = Callable[[Committed], None]
