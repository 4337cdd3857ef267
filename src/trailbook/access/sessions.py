"""Sessions and one-time links, which go on while the registry can be read but not be written.

Owns what this process knows better than the registry meanwhile: sessions that began, when others were last used, which
ended, which links were used up. All of it is written as soon as that can be. Refuses to outlive the process: then
whoever signed in meanwhile signs in again.
"""

import threading

from msgspec import structs

from trailbook.errors import UnwritableError
from trailbook.stores import Session, Sessions

MOST = 10_000  # of each kind that are known here alone


class SignIns:
    """The sessions and links of a registry, and what of them could not be written yet."""

    def __init__(self, kept: Sessions, most: int = MOST) -> None:
        self._kept = kept
        self._most = most
        self._begun: dict[bytes, Session] = {}
        self._used: dict[bytes, int] = {}
        self._ended: dict[bytes, str] = {}  # the token's hash, and of which kind it was
        self._lock = threading.RLock()

    def begin(self, session: Session, idle_since: int) -> None:
        """Keep a new session, and forget those that ended.

        Raises: UnwritableError when no more may wait; StoreError.
        """
        with self._lock:
            try:
                self._settle()
                self._kept.sweep(session.seen_at, idle_since)
                self._kept.add(session)
            except UnwritableError:
                if len(self._begun) >= self._most:
                    raise
                self._begun[session.token_hash] = session

    def session(self, token_hash: bytes) -> Session | None:
        """The session of this token, or None."""
        if token_hash in self._ended:
            return None
        session = self._begun.get(token_hash) or self._kept.get(token_hash)
        used = self._used.get(token_hash)
        return session if session is None or used is None else structs.replace(session, seen_at=used)

    def touch(self, token_hash: bytes, at: int) -> None:
        """Remember when a session was last used."""
        with self._lock:
            try:
                self._settle()
                self._kept.touch(token_hash, at)
            except UnwritableError:
                self._touch_here(token_hash, at)

    def end(self, token_hash: bytes) -> None:
        """End a session. Raises: UnwritableError when no more may wait; StoreError."""
        with self._lock:
            self._used.pop(token_hash, None)
            self._begun.pop(token_hash, None)
            self._end(token_hash, "session")

    def end_all_of(self, org: str, type_: str, id_: str) -> int:
        """End every session and link of a person; how many there were. Raises: StoreError."""
        with self._lock:
            theirs = [h for h, s in self._begun.items() if (s.org, s.type, s.id) == (org, type_, id_)]
            for token_hash in theirs:
                del self._begun[token_hash]
            return len(theirs) + self._kept.end_all_of(org, type_, id_)

    def link(self, token_hash: bytes, kind: str) -> Session | None:
        """The link of this token and kind, left where it is, or None."""
        return None if token_hash in self._ended else self._kept.link(token_hash, kind)

    def use_up(self, token_hash: bytes, kind: str) -> Session | None:
        """The link of this token and kind, which works once.

        Raises: UnwritableError when no more may wait; StoreError.
        """
        with self._lock:
            link = self.link(token_hash, kind)
            return None if link is None or not self._end(token_hash, kind) else link

    def settle(self) -> None:
        """Write what this process alone knows. Raises: StoreError."""
        with self._lock:
            self._settle()

    def _end(self, token_hash: bytes, kind: str) -> bool:
        """End a session or a link; whether this call was it that did."""
        try:
            self._settle()
            return self._end_there(token_hash, kind)
        except UnwritableError:
            if len(self._ended) >= self._most:
                raise
            self._ended[token_hash] = kind
            return True

    def _end_there(self, token_hash: bytes, kind: str) -> bool:
        if kind == "session":
            self._kept.end(token_hash)
            return True
        return self._kept.take_link(token_hash, kind) is not None

    def _touch_here(self, token_hash: bytes, at: int) -> None:
        if token_hash in self._used or len(self._used) < self._most:
            self._used[token_hash] = at

    def _settle(self) -> None:
        """Write what waits, each as soon as it can be; what was written waits no more."""
        for token_hash, kind in list(self._ended.items()):
            self._end_there(token_hash, kind)
            del self._ended[token_hash]
        for token_hash, session in list(self._begun.items()):
            self._kept.add(session)
            del self._begun[token_hash]
        for token_hash, at in list(self._used.items()):
            self._kept.touch(token_hash, at)
            del self._used[token_hash]
