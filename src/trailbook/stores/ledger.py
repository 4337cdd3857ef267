"""The ledger of an engine: where each log ends, its rows in order, and the commits that make it longer.

Owns what one commit is, and the promise that all of it is there or nothing: rows, and what lies in the directory and
among the blobs because of them. Nothing here spans two organisations and no number is global, so that an engine on
many machines can keep the same promises. Refuses to hold any logic that two engines could share: each is native.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from trailbook.stores.blobs import Blob
from trailbook.stores.directory import Hint, Identity


class Head(Struct, frozen=True, kw_only=True):
    """Where a log ends: `size` entries, the tree's compact `range`, the last `recorded_at`, `items` numbered.

    `removed` counts the bodies that retention took, so that whoever remembers them notices.
    """

    size: int = 0
    range: tuple[bytes, ...] = ()
    recorded_at: int = 0
    items: int = 0
    removed: int = 0


class NewRow(Struct, frozen=True, gc=False):
    """An entry on its way in: its id and its body, verbatim."""

    id: UUID
    body: bytes


class StoredEntry(Struct, frozen=True, gc=False):
    """An entry as it lies in the store: `body`, or, where retention removed it, its `leaf` hash."""

    seq: int
    body: bytes | None
    leaf: bytes | None = None


class Append(Struct, frozen=True, kw_only=True):
    """Everything one commit adds: rows from `head.size` before, identities, words, blobs and the new head.

    A hint takes the place of one of the same item unless that was said of a later time. `owners` are item numbers by
    the tokens of rows that belong to them from now on.
    """

    rows: Sequence[NewRow]
    identities: Sequence[Identity]
    words: Sequence[tuple[str, int]]
    blobs: Sequence[Blob]
    head: Head
    hints: Sequence[Hint] = ()
    owners: Mapping[str, int] = {}


class Ledger(Protocol):
    """Keeps the entries of many organisations, each log apart from every other."""

    def create(self, org: str) -> None:
        """Begin the log of an organisation; nothing happens when it exists. Raises: StoreError."""

    def orgs(self) -> list[str]:
        """The organisations that have a log, sorted by name."""

    def head(self, org: str) -> Head:
        """Where the log ends. Raises: NotFoundError when the organisation has no log."""

    def append(self, org: str, expected: Head, batch: Append) -> None:
        """Add everything of `batch` or nothing, durably, if the head still is `expected`.

        Readers see all of it or none; what lies at or beyond a head they read does not exist for them.
        Raises: HeadMovedError when somebody else appended; StorageFullError; StoreError.
        """

    def holding(self, org: str) -> AbstractContextManager[None]:
        """Hold up everybody else who appends to this log, in other processes too: the head is this thread's to move.

        What the thread appends meanwhile is durable as ever, and whoever records for another organisation goes on;
        whoever wants to hold another one may have to wait. Raises: NotFoundError; StoreError.
        """

    def erase(self, org: str, expected: Head, batch: Append, *, items: Sequence[int]) -> None:
        """As `append`, and in the same transaction every version of these items becomes a stub without words or hint.

        Of a stub item number, token, type and owner stay; the rest is overwritten on disk before this returns.
        Raises: as `append`.
        """

    def remove(
        self,
        org: str,
        expected: Head,
        batch: Append,
        *,
        leaves: Mapping[int, bytes],
        sweep: Sequence[str],
        forget: Sequence[tuple[str, int]] = (),
    ) -> None:
        """As `append`, and in the same transaction these seqs keep their leaf hash instead of their body.

        `sweep` are tokens that no kept body cites any more: their identities go, and words and hints of items
        without one. `forget` are words that no name left of their item has, which go too.
        Raises: as `append`.
        """

    def seq_of(self, org: str, ids: Sequence[UUID]) -> dict[UUID, int]:
        """The `seq` of each id that is in the log, kept or removed."""

    def kept(self, org: str, start: int, stop: int) -> Iterator[StoredEntry]:
        """Rows start <= seq < stop in order."""

    def kept_at(self, org: str, seqs: Sequence[int]) -> list[StoredEntry]:
        """Rows at these seqs, in the order asked; a seq the log does not have is left out."""
