"""Sessions as an engine keeps them, and the one-time links by which they begin.

Owns the row and the promise that a link works once. Both are one part, for whoever is signed out everywhere loses
their links in the same moment. Refuses to judge: it keeps what it is given.
"""

from typing import Protocol

from msgspec import Struct


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


class Sessions(Protocol):
    """Keeps sessions and one-time links."""

    def add(self, session: Session) -> None:
        """Keep a session or a one-time link."""

    def get(self, token_hash: bytes) -> Session | None:
        """The session of this token, or None; a link is not a session."""

    def touch(self, token_hash: bytes, at: int) -> None:
        """Remember when a session was last used."""

    def end(self, token_hash: bytes) -> None:
        """End a session; ending one that is gone is fine."""

    def end_all_of(self, org: str, type_: str, id_: str) -> int:
        """End every session and link of a person; how many there were."""

    def link(self, token_hash: bytes, kind: str) -> Session | None:
        """The link of this token and kind, left where it is, or None."""

    def take_link(self, token_hash: bytes, kind: str) -> Session | None:
        """The link of this token and kind, removed as it is given out, so that it works once."""

    def sweep(self, now: int, idle_since: int) -> int:
        """Remove sessions and links that ended before `now` or were last seen before `idle_since`; how many."""
