"""The contract of every engine: `Store` keeps logs, `Registry` keeps who may open them.

Owns the words an engine speaks (Head, Identity, Append, StoredEntry) and what it promises. Refuses to hold any
logic that two engines could share: each engine is native, with its own SQL. Nothing here spans two
organisations and no number is global, so that an engine on many machines can keep the same promises.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID

from msgspec import Struct


class Head(Struct, frozen=True, kw_only=True):
    """Where a log ends: `size` entries, the tree's compact `range`, the last `recorded_at`, `items` numbered.

    `removed` counts the bodies that retention took, so that whoever remembers them notices.
    """

    size: int = 0
    range: tuple[bytes, ...] = ()
    recorded_at: int = 0
    items: int = 0
    removed: int = 0


class Identity(Struct, frozen=True, kw_only=True, gc=False):
    """One item version of the directory: what a token stands for; `id`, `name`, `salt` are None once erased.

    An origin is an identity too: type `origin`, `id` its IP address or "", `name` its user agent, and
    `owner` the item number of its actor. Item numbers count from 1 within an organisation.
    """

    item: int
    token: str
    type: str
    id: str | None
    name: str | None
    salt: bytes | None
    owner: int | None = None


class NewRow(Struct, frozen=True, gc=False):
    """An entry on its way in: its id and its body, verbatim."""

    id: UUID
    body: bytes


class StoredEntry(Struct, frozen=True, gc=False):
    """An entry as it lies in the store: `body`, or, where retention removed it, its `leaf` hash."""

    seq: int
    body: bytes | None
    leaf: bytes | None = None


class Blob(Struct, frozen=True, gc=False):
    """A named piece of bytes of one organisation: kind (`tile`, `manifest` ...), key and content."""

    kind: str
    key: str
    content: bytes


class ExpectedBlob(Struct, frozen=True):
    """What a blob must hold for something to be written; `content` is None where it must not be there."""

    kind: str
    key: str
    content: bytes | None


class Append(Struct, frozen=True, kw_only=True):
    """Everything one commit adds: rows from `head.size` before, identities, words, blobs and the new head."""

    rows: Sequence[NewRow]
    identities: Sequence[Identity]
    words: Sequence[tuple[str, int]]
    blobs: Sequence[Blob]
    head: Head


class Store(Protocol):
    """Keeps the logs of many organisations, each apart from every other."""

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

    def holding(self) -> AbstractContextManager[None]:
        """Hold up everybody else who appends, in other processes too: the head stays what this thread makes it.

        What the thread appends meanwhile is durable at the end of it. Raises: StoreError.
        """

    def erase(self, org: str, expected: Head, batch: Append, items: Sequence[int]) -> None:
        """As `append`, and in the same transaction every version of these items becomes a stub without words.

        Of a stub item number, token, type and owner stay; the rest is overwritten on disk before this returns.
        Raises: as `append`.
        """

    def remove(
        self, org: str, expected: Head, batch: Append, leaves: Mapping[int, bytes], sweep: Sequence[str]
    ) -> None:
        """As `append`, and in the same transaction these seqs keep their leaf hash instead of their body.

        `sweep` are tokens that no kept body cites any more: their identities go, and words of items without one.
        Raises: as `append`.
        """

    def seq_of(self, org: str, ids: Sequence[UUID]) -> dict[UUID, int]:
        """The `seq` of each id that is in the log, kept or removed."""

    def kept(self, org: str, start: int, stop: int) -> Iterator[StoredEntry]:
        """Rows start <= seq < stop in order."""

    def kept_at(self, org: str, seqs: Sequence[int]) -> list[StoredEntry]:
        """Rows at these seqs, in the order asked; a seq the log does not have is left out."""

    def identities(self, org: str, keys: Iterable[tuple[str, str, int | None]]) -> list[Identity]:
        """All versions, oldest first, of items by (type, id, owner); owner is None but for origins."""

    def identities_of(self, org: str, tokens: Iterable[str]) -> list[Identity]:
        """The versions with these tokens, stubs included."""

    def versions(self, org: str, items: Iterable[int]) -> list[Identity]:
        """All versions of these item numbers, oldest first, stubs included."""

    def owned(self, org: str, items: Iterable[int]) -> list[Identity]:
        """The versions of what these items own (origins, personal items), oldest first, stubs included."""

    def every_identity(self, org: str, *, past_index: bool = False) -> Iterator[Identity]:
        """The whole directory, in the order it grew; `past_index` reads every row itself, which is slower."""

    def items_by_word(self, org: str, prefix: str) -> set[int]:
        """Item numbers that have a folded word beginning with `prefix`."""

    def items_by_words(self, org: str, prefixes: Sequence[str], limit: int) -> list[int]:
        """At most `limit` item numbers that have, for each of these beginnings, a folded word with it.

        In the order of the words that begin with the first one, and each once.
        """

    def blob(self, org: str, kind: str, key: str) -> bytes | None:
        """The content of a blob, or None."""

    def put_blob(self, org: str, blob: Blob) -> None:
        """Write or replace a blob, durably."""

    def put_blobs(
        self,
        org: str,
        put: Sequence[Blob],
        *,
        drop: Sequence[tuple[str, str]] = (),
        expect: ExpectedBlob,
    ) -> None:
        """Write these blobs and remove those of `drop`, by kind and key, durably and all at once.

        Raises: HeadMovedError, and nothing is done, when a blob is not what `expect` says; StorageFullError;
        StoreError.
        """

    def blob_names(self, org: str) -> list[tuple[str, str]]:
        """Kind and key of every blob, sorted."""

    def every_blob(self, org: str) -> Iterator[Blob]:
        """Every blob, read past whatever index `blob` finds one by."""

    def ids(self, org: str) -> Iterator[tuple[bytes, int]]:
        """Every entry id, as its 16 bytes, with its `seq`, in the order of the ids."""

    def every_word(self, org: str) -> list[tuple[str, int]]:
        """Every folded word with the item number that has it, sorted."""

    def extent(self, org: str, below: int | None = None) -> int:
        """One more than the greatest `seq` (less than `below`) at which a row lies, whatever the head says."""

    def faults(self) -> list[str]:
        """What the engine itself finds wrong with its files, in words: a hint where to look, never a proof."""

    def close(self) -> None:
        """Let go of files and connections; closing twice is fine."""
