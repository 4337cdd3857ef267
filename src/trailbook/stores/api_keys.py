"""API keys as an engine keeps them.

Owns the row and the promise that a key is replaced only by who read it last. Refuses to judge a key: `access` does.
"""

from typing import Protocol

from msgspec import Struct


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


class ApiKeys(Protocol):
    """Keeps the keys of hosts."""

    def add(self, key: ApiKey) -> None:
        """Keep a new API key."""

    def get(self, id_: str) -> ApiKey | None:
        """The key with this id, revoked and expired ones included, or None."""

    def every(self, org: str) -> list[ApiKey]:
        """The keys of an organisation, oldest first."""

    def replace(self, old: ApiKey, new: ApiKey) -> bool:
        """Keep `new` for `old`, of the same id; False when it was revoked or its secret replaced meanwhile."""

    def touch(self, id_: str, at: int) -> None:
        """Remember when a key was last used."""

    def revoke(self, id_: str, at: int) -> bool:
        """Revoke a key; False when there is none or it was revoked before."""
