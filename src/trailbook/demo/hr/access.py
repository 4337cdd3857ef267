"""Access: roles and their members, requests for roles, what roles allow, and direct permissions.

Owns the tables of roles and permissions. Reasons for a request are free text and stay here.
"""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from trailbook.demo.acting import HR, Act
from trailbook.demo.tables import (
    AccessRefusal,
    LevelChange,
    Permission,
    PermissionGrant,
    PermissionSet,
    PermissionSetChange,
    Person,
    Role,
    RoleAssignment,
    RoleChange,
    RolePermission,
    RoleRequest,
)
from trailbook.model import Item


class _Endable(Protocol):
    ended_at: datetime | None
    ended_by: str | None


def define_role(hr: HR, act: Act, role: Role) -> None:
    """Make a new role."""
    hr.session.add(role)
    hr.write(RoleChange, role_id=role.id, what="created", **act.done)
    hr.tell(act, "role.created", role.item)


def describe_role(hr: HR, act: Act, role: Role, description: str) -> None:
    """Change a role's description."""
    role.description = description
    hr.write(RoleChange, role_id=role.id, what="updated", **act.done)
    hr.tell(act, "role.updated", role.item, fields=("description",))


def rename_role(hr: HR, act: Act, role: Role, name: str) -> None:
    """Give a role another name."""
    role.name = name
    hr.write(RoleChange, role_id=role.id, what="renamed", **act.done)
    hr.tell(act, "role.renamed", role.item, fields=("name",))


def assign_role(hr: HR, act: Act, role: Role, person: Person) -> RoleAssignment:
    """Give a person a role."""
    assignment = RoleAssignment(
        id=hr.key("ra"),
        role_id=role.id,
        person_id=person.id,
        given_at=act.at,
        given_by=act.by,
        given_behalf=act.behalf.id if act.behalf else None,
    )
    hr.session.add(assignment)
    hr.tell(act, "role.assigned", role.item, parts={"member": person.item})
    return assignment


def unassign_role(hr: HR, act: Act, assignment: RoleAssignment, role: Role, person: Person) -> None:
    """Take a role away from a person."""
    _end(assignment, act)
    hr.tell(act, "role.unassigned", role.item, parts={"member": person.item})


def request_role(hr: HR, act: Act, role: Role, person: Person, reason: str) -> RoleRequest:
    """A person asks for a role."""
    request = RoleRequest(
        id=hr.key("rr"),
        role_id=role.id,
        person_id=person.id,
        reason=reason,
        submitted_at=act.at,
        submitted_by=act.by,
    )
    hr.session.add(request)
    _tell_request(hr, act, request, person, "submitted")
    return request


def decide_request(hr: HR, act: Act, request: RoleRequest, person: Person, role: Role | None) -> None:
    """Approve a request, which gives the `role`, or reject it when `role` is None."""
    request.decision = "approved" if role else "rejected"
    request.decided_at, request.decided_by = act.at, act.by
    decided = _tell_request(hr, act, request, person, request.decision)
    if role:
        assign_role(hr, act.but(caused_by=decided), role, person)


def grant_permission(hr: HR, act: Act, role: Role, permission: Permission, level: str) -> RolePermission:
    """Let a role's members do something more."""
    held = RolePermission(
        id=hr.key("rp"),
        role_id=role.id,
        permission_id=permission.id,
        level=level,
        given_at=act.at,
        given_by=act.by,
    )
    hr.session.add(held)
    hr.tell(act, "role.permission_granted", role.item, fields=("permissions",))
    return held


def revoke_permission(hr: HR, act: Act, role: Role, held: RolePermission) -> None:
    """Take a permission from a role."""
    _end(held, act)
    hr.tell(act, "role.permission_revoked", role.item, fields=("permissions",))


def change_level(hr: HR, act: Act, role: Role, held: RolePermission, level: str) -> None:
    """Move a permission of a role to another level."""
    held.level = level
    changed = {"permission_id": held.permission_id, "level": level, "what": "changed"}
    hr.write(LevelChange, role_id=role.id, **changed, **act.done)
    hr.tell(act, "role.access_level_changed", role.item, fields=("access_level",))


def grant_directly(hr: HR, act: Act, permission: Permission, person: Person) -> PermissionGrant:
    """Give one person a permission without a role."""
    grant = PermissionGrant(
        id=hr.key("pg"), permission_id=permission.id, person_id=person.id, given_at=act.at, given_by=act.by
    )
    hr.session.add(grant)
    hr.tell(act, "permission.granted", _permission(permission), parts={"member": person.item})
    return grant


def revoke_directly(hr: HR, act: Act, grant: PermissionGrant, permission: Permission, person: Person) -> None:
    """Take a direct permission back."""
    _end(grant, act)
    hr.tell(act, "permission.revoked", _permission(permission), parts={"member": person.item})


def change_set(hr: HR, act: Act, found: PermissionSet, members: str) -> None:
    """Make a permission set, or change what is in it."""
    what = "created" if found not in hr.session else "updated"
    found.members = members
    hr.session.add(found)
    hr.write(PermissionSetChange, permission_set_id=found.id, what=what, **act.done)
    fields = ("permissions",) if what == "updated" else ()
    target = Item(type="permission_set", id=found.id, name=found.name)
    hr.tell(act, f"permission_set.{what}", target, fields=fields)


def refuse_access(hr: HR, act: Act, person: Person, role: Role) -> None:
    """Somebody tries to open a role that they may not see."""
    hr.write(AccessRefusal, person_id=person.id, role_id=role.id, at=act.at)
    hr.tell(act, "access.denied", role.item, outcome="denied")


def _permission(permission: Permission) -> Item:
    return Item(type="permission", id=permission.id, name=permission.name)


def _end(row: _Endable, act: Act) -> None:
    row.ended_at, row.ended_by = act.at, act.by


def _tell_request(hr: HR, act: Act, request: RoleRequest, person: Person, what: str) -> UUID:
    target = Item(type="role_request", id=request.id)
    parts = {"requester": person.item, "member": person.item}
    return hr.tell(act, f"role_request.{what}", target, parts=parts)
