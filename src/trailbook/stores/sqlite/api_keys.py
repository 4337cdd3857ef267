"""The API keys of an embedded log, in the same SQLite file.

Owns their SQL; keeps no secret in clear, only SHA-256 hashes.
"""

from typing import Any

from msgspec import structs

from trailbook.stores.api_keys import ApiKey
from trailbook.stores.sqlite.connection import Connections

_KEY_COLUMNS = (
    "id, org, name, scopes, secret_hash, created_at, expires_at, revoked_at, old_hash, old_until, used_at, "
    "categories, only_itself, restricted"
)
_LISTS = ("scopes", "categories", "restricted")  # kept as texts, with blanks between
_KEY = f"SELECT {_KEY_COLUMNS} FROM api_key"
_ADD_KEY = f"INSERT INTO api_key ({_KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REPLACE_KEY = "DELETE FROM api_key WHERE id = ? AND secret_hash = ? AND revoked_at IS NULL"


class SqliteKeys:
    """`ApiKeys` in the log's own file."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def add(self, key: ApiKey) -> None:
        with self._connections.writing() as db:
            db.execute(_ADD_KEY, _key_row(key))

    def get(self, id_: str) -> ApiKey | None:
        with self._connections.reading() as db:
            row = db.execute(_KEY + " WHERE id = ?", (id_,)).fetchone()
            return None if row is None else _key(row)

    def every(self, org: str) -> list[ApiKey]:
        with self._connections.reading() as db:
            return [_key(row) for row in db.execute(_KEY + " WHERE org = ? ORDER BY created_at, id", (org,))]

    def replace(self, old: ApiKey, new: ApiKey) -> bool:
        with self._connections.writing() as db:
            db.execute(_REPLACE_KEY, (old.id, old.secret_hash))
            if db.changes() == 0:
                return False
            db.execute(_ADD_KEY, _key_row(new))
            return True

    def touch(self, id_: str, at: int) -> None:
        with self._connections.writing() as db:
            db.execute("UPDATE api_key SET used_at = ? WHERE id = ?", (at, id_))

    def revoke(self, id_: str, at: int) -> bool:
        with self._connections.writing() as db:
            db.execute("UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, id_))
            return db.changes() == 1


def _key_row(key: ApiKey) -> tuple[Any, ...]:
    row = structs.asdict(key) | {name: " ".join(getattr(key, name)) for name in _LISTS}
    return tuple(row[name.strip()] for name in _KEY_COLUMNS.split(","))


def _key(row: tuple[Any, ...]) -> ApiKey:
    members: dict[str, Any] = dict(zip((n.strip() for n in _KEY_COLUMNS.split(",")), row, strict=True))
    for name in _LISTS:
        members[name] = tuple(members[name].split())
    return ApiKey(**members | {"only_itself": bool(members["only_itself"])})
