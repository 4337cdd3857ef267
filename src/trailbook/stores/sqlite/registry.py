"""The registry of an embedded log: API keys, one-time links and sessions in the same SQLite file.

Owns who may open a log; keeps no secret in clear, only SHA-256 hashes. Organisations, roles and members are in
`access` beside it.
"""

from typing import Any

from msgspec import structs

from trailbook.stores.access import Access
from trailbook.stores.jobs import Jobs
from trailbook.stores.registry import ApiKey, Session
from trailbook.stores.sqlite.access import SqliteAccess
from trailbook.stores.sqlite.connection import Connections
from trailbook.stores.sqlite.jobs import SqliteJobs
from trailbook.stores.sqlite.views import SqliteViews
from trailbook.stores.views import Views

_KEY_COLUMNS = (
    "id, org, name, scopes, secret_hash, created_at, expires_at, revoked_at, old_hash, old_until, used_at, "
    "categories, only_itself, restricted"
)
_LISTS = ("scopes", "categories", "restricted")  # kept as texts, with blanks between
_KEY = f"SELECT {_KEY_COLUMNS} FROM api_key"
_ADD_KEY = f"INSERT INTO api_key ({_KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REPLACE_KEY = "DELETE FROM api_key WHERE id = ? AND secret_hash = ? AND revoked_at IS NULL"
_SESSION = "SELECT token_hash, org, type, id, name, roles, expires_at, kind, seen_at FROM session"
_ADD_SESSION = "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SWEEP = "DELETE FROM session WHERE expires_at <= ? OR (kind = 'session' AND seen_at < ?)"


class SqliteRegistry:
    """A `Registry` in the log's own file."""

    def __init__(self, connections: Connections) -> None:
        self.access: Access = SqliteAccess(connections)
        self._connections = connections
        self.jobs: Jobs = SqliteJobs(connections)
        self.views: Views = SqliteViews(connections)

    def add_key(self, key: ApiKey) -> None:
        with self._connections.writing() as db:
            db.execute(_ADD_KEY, _key_row(key))

    def key(self, key_id: str) -> ApiKey | None:
        with self._connections.reading() as db:
            row = db.execute(_KEY + " WHERE id = ?", (key_id,)).fetchone()
            return None if row is None else _key(row)

    def keys(self, org: str) -> list[ApiKey]:
        with self._connections.reading() as db:
            return [_key(row) for row in db.execute(_KEY + " WHERE org = ? ORDER BY created_at, id", (org,))]

    def replace_key(self, old: ApiKey, new: ApiKey) -> bool:
        with self._connections.writing() as db:
            db.execute(_REPLACE_KEY, (old.id, old.secret_hash))
            if db.changes() == 0:
                return False
            db.execute(_ADD_KEY, _key_row(new))
            return True

    def touch_key(self, key_id: str, at: int) -> None:
        with self._connections.writing() as db:
            db.execute("UPDATE api_key SET used_at = ? WHERE id = ?", (at, key_id))

    def revoke_key(self, key_id: str, at: int) -> bool:
        with self._connections.writing() as db:
            db.execute("UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, key_id))
            return db.changes() == 1

    def add_session(self, session: Session) -> None:
        with self._connections.writing() as db:
            db.execute(_ADD_SESSION, _session_row(session))

    def session(self, token_hash: bytes) -> Session | None:
        return self.link(token_hash, "session")

    def touch_session(self, token_hash: bytes, at: int) -> None:
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

    def end_session(self, token_hash: bytes) -> None:
        with self._connections.writing() as db:
            db.execute("DELETE FROM session WHERE token_hash = ? AND kind = 'session'", (token_hash,))

    def end_sessions_of(self, org: str, type_: str, id_: str) -> None:
        with self._connections.writing() as db:
            db.execute("DELETE FROM session WHERE org = ? AND type = ? AND id = ?", (org, type_, id_))

    def sweep_sessions(self, now: int, idle_since: int) -> int:
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


def _key_row(key: ApiKey) -> tuple[Any, ...]:
    row = structs.asdict(key) | {name: " ".join(getattr(key, name)) for name in _LISTS}
    return tuple(row[name.strip()] for name in _KEY_COLUMNS.split(","))


def _key(row: tuple[Any, ...]) -> ApiKey:
    members: dict[str, Any] = dict(zip((n.strip() for n in _KEY_COLUMNS.split(",")), row, strict=True))
    for name in _LISTS:
        members[name] = tuple(members[name].split())
    return ApiKey(**members | {"only_itself": bool(members["only_itself"])})
