"""The sessions and one-time links of an embedded log, in the same SQLite file.

Owns their SQL; keeps no token in clear, only SHA-256 hashes.
"""

from typing import Any

from msgspec import structs

from trailbook.stores.sessions import Session
from trailbook.stores.sqlite.connection import Connections

_SESSION = "SELECT token_hash, org, type, id, name, roles, expires_at, kind, seen_at FROM session"
_ADD_SESSION = "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SWEEP = "DELETE FROM session WHERE expires_at <= ? OR (kind = 'session' AND seen_at < ?)"


class SqliteSessions:
    """`Sessions` in the log's own file."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def add(self, session: Session) -> None:
        with self._connections.writing() as db:
            db.execute(_ADD_SESSION, _session_row(session))

    def get(self, token_hash: bytes) -> Session | None:
        return self.link(token_hash, "session")

    def touch(self, token_hash: bytes, at: int) -> None:
        with self._connections.writing() as db:
            db.execute("UPDATE session SET seen_at = ? WHERE token_hash = ?", (at, token_hash))

    def link(self, token_hash: bytes, kind: str) -> Session | None:
        with self._connections.reading() as db:
            row = db.execute(_SESSION + " WHERE token_hash = ? AND kind = ?", (token_hash, kind)).fetchone()
            return None if row is None else _session(row)

    def take_link(self, token_hash: bytes, kind: str) -> Session | None:
        with self._connections.writing() as db:
            row = db.execute(_SESSION + " WHERE token_hash = ? AND kind = ?", (token_hash, kind)).fetchone()
            db.execute("DELETE FROM session WHERE token_hash = ? AND kind = ?", (token_hash, kind))
            return None if row is None else _session(row)

    def end(self, token_hash: bytes) -> None:
        with self._connections.writing() as db:
            db.execute("DELETE FROM session WHERE token_hash = ? AND kind = 'session'", (token_hash,))

    def end_all_of(self, org: str, type_: str, id_: str) -> int:
        with self._connections.writing() as db:
            db.execute("DELETE FROM session WHERE org = ? AND type = ? AND id = ?", (org, type_, id_))
            return db.changes()

    def sweep(self, now: int, idle_since: int) -> int:
        with self._connections.writing() as db:
            db.execute(_SWEEP, (now, idle_since))
            return db.changes()


def _session_row(session: Session) -> tuple[Any, ...]:
    roles = None if session.roles is None else " ".join(session.roles)
    return tuple((structs.asdict(session) | {"roles": roles}).values())


def _session(row: tuple[Any, ...]) -> Session:
    members: dict[str, Any] = dict(zip(Session.__struct_fields__, row, strict=True))
    roles = members["roles"]
    return Session(**members | {"roles": None if roles is None else tuple(roles.split())})
