"""Organisations, roles and members of an embedded log, in the same SQLite file.

Owns that a change of access is one transaction under the organisation's version. Refuses to judge a change:
what may be is decided above.
"""

from typing import Any

import apsw
from msgspec import structs

from trailbook.errors import HeadMovedError
from trailbook.stores.access import Change, Member, Organisation, Role
from trailbook.stores.sqlite.connection import Connections

_ORGANISATION = "SELECT org, version, suspended_at, withheld, working_hours FROM organisation WHERE org = ?"
_PUT_ORGANISATION = "REPLACE INTO organisation VALUES (?, ?, ?, ?, ?)"
_ROLES = "SELECT id, name, permissions, categories FROM role WHERE org = ? ORDER BY id"
_PUT_ROLE = "REPLACE INTO role VALUES (?, ?, ?, ?, ?)"
_MEMBER = "SELECT type, id, name, roles, login, password, disabled_at FROM member WHERE org = ?"
# Not REPLACE: a login that somebody else has must be refused, not taken from them.
_DROP_MEMBER = "DELETE FROM member WHERE org = ? AND type = ? AND id = ?"
_PUT_MEMBER = "INSERT INTO member VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class SqliteAccess:
    """The `Access` part of a registry in the log's own file."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def organisation(self, org: str) -> Organisation:
        with self._connections.reading() as db:
            return _organisation(db, org)

    def change_access(self, expected: Organisation, change: Change) -> None:
        org, new = expected.org, change.organisation
        with self._connections.writing() as db:
            if _organisation(db, org) != expected:
                raise HeadMovedError("somebody else changed access meanwhile")
            row = (org, expected.version + 1, new.suspended_at, " ".join(new.withheld), new.working_hours)
            db.execute(_PUT_ORGANISATION, row)
            for id_ in change.drop_roles:
                db.execute("DELETE FROM role WHERE org = ? AND id = ?", (org, id_))
            for role in change.put_roles:
                db.execute(_PUT_ROLE, (org, *structs.astuple(_written(role))))
            for type_, id_ in (*change.drop_members, *((m.type, m.id) for m in change.put_members)):
                db.execute(_DROP_MEMBER, (org, type_, id_))
            for member in change.put_members:
                db.execute(_PUT_MEMBER, (org, *structs.astuple(_flat(member))))

    def roles(self, org: str) -> list[Role]:
        with self._connections.reading() as db:
            return [
                Role(id=id_, name=name, full=tuple(full.split()), categories=tuple(categories.split()))
                for id_, name, full, categories in db.execute(_ROLES, (org,))
            ]

    def members(self, org: str) -> list[Member]:
        with self._connections.reading() as db:
            return [_member(row) for row in db.execute(_MEMBER + " ORDER BY type, id", (org,))]

    def member(self, org: str, type_: str, id_: str) -> Member | None:
        with self._connections.reading() as db:
            row = db.execute(_MEMBER + " AND type = ? AND id = ?", (org, type_, id_)).fetchone()
            return None if row is None else _member(row)

    def member_by_login(self, org: str, login: str) -> Member | None:
        with self._connections.reading() as db:
            row = db.execute(_MEMBER + " AND login = ?", (org, login)).fetchone()
            return None if row is None else _member(row)


def _organisation(db: apsw.Connection, org: str) -> Organisation:
    row = db.execute(_ORGANISATION, (org,)).fetchone()
    if row is None:
        return Organisation(org=org)
    _, version, suspended_at, withheld, working_hours = row
    return Organisation(
        org=org,
        version=version,
        suspended_at=suspended_at,
        withheld=tuple(withheld.split()),
        working_hours=working_hours,
    )


def _written(role: Role) -> Any:
    return structs.replace(role, full=" ".join(role.full), categories=" ".join(role.categories))


def _flat(member: Member) -> Any:
    return structs.replace(member, roles=" ".join(member.roles))


def _member(row: tuple[Any, ...]) -> Member:
    type_, id_, name, roles, login, password, disabled_at = row
    return Member(
        type=type_,
        id=id_,
        name=name,
        roles=tuple(roles.split()),
        login=login,
        password=password,
        disabled_at=disabled_at,
    )
