"""The contract of every engine: `Store` keeps logs, `Registry` keeps who may open them.

Owns the words an engine speaks (Head, Identity, Append, Kept) and what it promises. Refuses to hold any
logic that two engines could share: each engine is native, with its own SQL. Nothing here spans two
organisations and no number is global, so that an engine on many machines can keep the same promises.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import UUID

from msgspec import Struct

from trailbook.stores.access import Access
from trailbook.stores.jobs import Jobs
from trailbook.stores.views import Views


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
        expect: tuple[str, str, bytes | None],
    ) -> None:
        """Write these blobs and remove those of `drop`, by kind and key, durably and all at once.

        `expect` is a blob's kind and key with what it must hold until then, None for one that is not there.
        Raises: HeadMovedError, and nothing is done, when it holds something else; StorageFullError; StoreError.
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


@runtime_checkable
class Copies(Protocol):
    """What a store in one file can do besides: be copied while it is written to."""

    def copy_to(self, file: Path, progress: Callable[[int, int], None]) -> None:
        """Copy everything as it is now to a new file; `progress` gets pages done and in all. Raises: StoreError."""


@runtime_checkable
class Filed(Protocol):
    """What a store in one file can say of itself."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def fit(self) -> bool:
        """False once a write of this process failed below the engine: it writes no more."""

    def schema(self) -> tuple[int, int]:
        """The schema that the file has now, and the one that this Trailbook knows. Raises: StoreError."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """A host's credential: only SHA-256 hashes of its secrets are kept; times are microseconds since 1970.

    A rotated key has two secrets until `old_until`. It records in `categories` only, where there are any, and
    names as actor any person, or with `only_itself` nobody but itself.
    """

    id: str
    org: str
    name: str
    scopes: tuple[str, ...]
    secret_hash: bytes
    created_at: int
    expires_at: int
    revoked_at: int | None = None
    old_hash: bytes | None = None
    old_until: int | None = None
    used_at: int | None = None
    categories: tuple[str, ...] = ()
    only_itself: bool = False


class Session(Struct, frozen=True, kw_only=True):
    """A signed-in person, or a one-time link to become one or to set a password; only its SHA-256 is kept.

    `roles` are those that a host's link brings along, or None: the person's own, looked up at each request.
    `kind` is `session`, `sign-in` or `password`; `seen_at` is when a session was last used, to the minute.
    """

    token_hash: bytes
    org: str
    type: str
    id: str
    name: str
    roles: tuple[str, ...] | None
    expires_at: int
    kind: str = "session"
    seen_at: int = 0


class Registry(Protocol):
    """Keeps who may open a log: API keys, one-time links and sessions; in `access` what they may do there."""

    access: Access
    jobs: Jobs
    views: Views

    def add_key(self, key: ApiKey) -> None:
        """Keep a new API key."""

    def key(self, key_id: str) -> ApiKey | None:
        """The key with this id, revoked and expired ones included, or None."""

    def keys(self, org: str) -> list[ApiKey]:
        """The keys of an organisation, oldest first."""

    def replace_key(self, old: ApiKey, new: ApiKey) -> bool:
        """Keep `new` for `old`, of the same id; False when it was revoked or its secret replaced meanwhile."""

    def touch_key(self, key_id: str, at: int) -> None:
        """Remember when a key was last used."""

    def revoke_key(self, key_id: str, at: int) -> bool:
        """Revoke a key; False when there is none or it was revoked before."""

    def add_session(self, session: Session) -> None:
        """Keep a session or a one-time link."""

    def session(self, token_hash: bytes) -> Session | None:
        """The session of this token, or None; a link is not a session."""

    def touch_session(self, token_hash: bytes, at: int) -> None:
        """Remember when a session was last used."""

    def link(self, token_hash: bytes, kind: str) -> Session | None:
        """The link of this token and kind, left where it is, or None."""

    def take_link(self, token_hash: bytes, kind: str) -> Session | None:
        """The link of this token and kind, removed as it is given out, so that it works once."""

    def end_session(self, token_hash: bytes) -> None:
        """End a session; ending one that is gone is fine."""

    def end_sessions_of(self, org: str, type_: str, id_: str) -> None:
        """End every session and link of a person."""

    def sweep_sessions(self, now: int, idle_since: int) -> int:
        """Remove sessions and links that ended before `now` or were last seen before `idle_since`; how many."""
