"""The contract of every registry: keys, links and sessions, and the parts that say who may do what.

Owns what is promised of these, in words that every engine is held to. Refuses to judge: it keeps what it is given.
"""

from typing import Protocol

from msgspec import Struct

from trailbook.stores.access import Access
from trailbook.stores.jobs import Jobs
from trailbook.stores.views import Views


class ApiKey(Struct, frozen=True, kw_only=True):
    """A host's credential: only SHA-256 hashes of its secrets are kept; times are microseconds since 1970.

    A rotated key has two secrets until `old_until`. It records in `categories` only, where there are any, and
    names as actor any person, or with `only_itself` nobody but itself. `restricted` are the restricted categories
    that it may read.
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
    restricted: tuple[str, ...] = ()


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
