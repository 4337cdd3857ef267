"""The registry of an embedded log: API keys, one-time links and sessions in the same SQLite file.

Owns who may open a log; keeps no secret in clear, only SHA-256 hashes.
"""

from typing import Any

from trailbook.stores.protocol import ApiKey, Session
from trailbook.stores.sqlite.connection import Connections

_KEY = "SELECT id, org, name, scopes, secret_hash, created_at, expires_at, revoked_at FROM api_key"
_ADD_KEY = "INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SESSION = "SELECT token_hash, org, type, id, name, activity_log, expires_at, link FROM session"
_ADD_SESSION = "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class SqliteRegistry:
    """A `Registry` in the log's own file."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def add_key(self, key: ApiKey) -> None:
        with self._connections.writing() as db:
            scopes = " ".join(key.scopes)
            row = (
                key.id,
                key.org,
                key.name,
                scopes,
                key.secret_hash,
                key.created_at,
                key.expires_at,
                key.revoked_at,
            )
            db.execute(_ADD_KEY, row)

    def key(self, key_id: str) -> ApiKey | None:
        with self._connections.reading() as db:
            row = db.execute(_KEY + " WHERE id = ?", (key_id,)).fetchone()
            return None if row is None else _key(row)

    def keys(self, org: str) -> list[ApiKey]:
        with self._connections.reading() as db:
            return [_key(row) for row in db.execute(_KEY + " WHERE org = ? ORDER BY created_at, id", (org,))]

    def revoke_key(self, key_id: str, at: int) -> bool:
        with self._connections.writing() as db:
            db.execute("UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, key_id))
            return db.changes() == 1

    def add_session(self, session: Session) -> None:
        with self._connections.writing() as db:
            db.execute(_ADD_SESSION, tuple(getattr(session, name) for name in session.__struct_fields__))

    def session(self, token_hash: bytes) -> Session | None:
        with self._connections.reading() as db:
            return _session(
                db.execute(_SESSION + " WHERE token_hash = ? AND link = 0", (token_hash,)).fetchone()
            )

    def take_link(self, token_hash: bytes) -> Session | None:
        with self._connections.writing() as db:
            found = _session(
                db.execute(_SESSION + " WHERE token_hash = ? AND link = 1", (token_hash,)).fetchone()
            )
            db.execute("DELETE FROM session WHERE token_hash = ? AND link = 1", (token_hash,))
            return found

    def end_session(self, token_hash: bytes) -> None:
        with self._connections.writing() as db:
            db.execute("DELETE FROM session WHERE token_hash = ? AND link = 0", (token_hash,))


def _key(row: tuple[Any, ...]) -> ApiKey:
    id_, org, name, scopes, secret_hash, created_at, expires_at, revoked_at = row
    return ApiKey(
        id=id_,
        org=org,
        name=name,
        scopes=tuple(scopes.split()),
        secret_hash=secret_hash,
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


def _session(row: tuple[Any, ...] | None) -> Session | None:
    if row is None:
        return None
    token_hash, org, type_, id_, name, activity_log, expires_at, link = row
    return Session(
        token_hash=token_hash,
        org=org,
        type=type_,
        id=id_,
        name=name,
        activity_log=activity_log,
        expires_at=expires_at,
        link=bool(link),
    )
