"""The saved views of an embedded log, in the same SQLite file.

Owns the rows. Refuses to know what a filter means.
"""

from typing import Any

import apsw
from msgspec import structs

from trailbook.stores.sqlite.connection import Connections
from trailbook.stores.views import Choice, SavedView

_COLUMNS = SavedView.__struct_encode_fields__
_VIEW = f"SELECT {', '.join(_COLUMNS)} FROM saved_view"
_PUT = f"INSERT INTO saved_view ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_OF = _VIEW + " WHERE org = ? AND (owner = ? OR shared) ORDER BY name, id"
_OTHERS = (
    "SELECT count(*), coalesce(sum(name = ?), 0) FROM saved_view WHERE org = ? AND owner = ? AND id <> ?"
)
_CHOICES = (
    "SELECT org, viewer, view, is_default, alert, seen FROM choice WHERE org = ? AND viewer = ? ORDER BY view"
)
_FORGET_CHOICES = (
    "DELETE FROM choice WHERE org = ? AND (viewer = ? OR view IN"
    " (SELECT id FROM saved_view WHERE org = ? AND owner = ?))"
)
_CHOOSE = "INSERT OR REPLACE INTO choice VALUES (?, ?, ?, ?, ?, ?)"
_UNMAKE = "UPDATE choice SET is_default = 0 WHERE org = ? AND viewer = ?"


class SqliteViews:
    """`Views` in the log's own file."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def of(self, org: str, viewer: str) -> list[SavedView]:
        with self._connections.reading() as db:
            return [_view(row) for row in db.execute(_OF, (org, viewer))]

    def every(self, org: str) -> list[SavedView]:
        with self._connections.reading() as db:
            return [_view(row) for row in db.execute(_VIEW + " WHERE org = ? ORDER BY id", (org,))]

    def get(self, org: str, id_: str) -> SavedView | None:
        with self._connections.reading() as db:
            row = db.execute(_VIEW + " WHERE org = ? AND id = ?", (org, id_)).fetchone()
            return None if row is None else _view(row)

    def put(self, view: SavedView, most: int) -> bool:
        with self._connections.writing() as db:
            others, named = db.execute(_OTHERS, (view.name, view.org, view.owner, view.id)).get
            if named:
                raise ValueError("the name is taken")
            if others < most:
                _delete(db, view.org, view.id)
                db.execute(_PUT, structs.astuple(view))
            return bool(others < most)

    def drop(self, org: str, id_: str) -> None:
        with self._connections.writing() as db:
            _delete(db, org, id_)
            db.execute("DELETE FROM choice WHERE org = ? AND view = ?", (org, id_))
        self._connections.empty_wal()

    def forget(self, org: str, viewer: str) -> int:
        with self._connections.writing() as db:
            db.execute(_FORGET_CHOICES, (org, viewer, org, viewer))
            db.execute("DELETE FROM saved_view WHERE org = ? AND owner = ?", (org, viewer))
            views = db.changes()
        self._connections.empty_wal()
        return views

    def choices(self, org: str, viewer: str) -> list[Choice]:
        with self._connections.reading() as db:
            return [_choice(row) for row in db.execute(_CHOICES, (org, viewer))]

    def choose(self, choice: Choice) -> None:
        with self._connections.writing() as db:
            if choice.default:
                db.execute(_UNMAKE, (choice.org, choice.viewer))
            row = (choice.org, choice.viewer, choice.view, choice.default, choice.alert, choice.seen)
            db.execute(_CHOOSE, row)


def _delete(db: apsw.Connection, org: str, id_: str) -> None:
    db.execute("DELETE FROM saved_view WHERE org = ? AND id = ?", (org, id_))


def _view(row: Any) -> SavedView:
    id_, org, owner, name, shared, filter_, created_at = row
    return SavedView(
        id=id_, org=org, owner=owner, name=name, shared=bool(shared), filter=filter_, created_at=created_at
    )


def _choice(row: Any) -> Choice:
    org, viewer, view, default, alert, seen = row
    return Choice(org=org, viewer=viewer, view=view, default=bool(default), alert=bool(alert), seen=seen)
