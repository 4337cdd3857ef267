"""Access: roles and their members, requests for roles, what roles allow, and direct permissions.

Owns the tables of roles and permissions. Reasons for a request are free text and stay here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from trailbook.demo.acting import Act
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


def define_role(act: Act, role: Role) -> None:
    """Make a new role."""
    act.hr.add(role)
    act.write(RoleChange, role_id=role.id, what="created")
    act.tell("role.created", role.item)


def describe_role(act: Act, role: Role, description: str) -> None:
    """Change a role's description."""
    role.description = description
    act.write(RoleChange, role_id=role.id, what="updated")
    act.tell("role.updated", role.item, fields=("description",))


def rename_role(act: Act, role: Role, name: str) -> None:
    """Give a role another name."""
    role.name = name
    act.write(RoleChange, role_id=role.id, what="renamed")
    act.tell("role.renamed", role.item, fields=("name",))


def assign_role(act: Act, role: Role, person: Person) -> RoleAssignment:
    """Give a person a role."""
    assignment = RoleAssignment(
        id=act.hr.key("ra"),
        role_id=role.id,
        person_id=person.id,
        given_at=act.at,
        given_by=act.by,
        given_behalf=act.behalf.id if act.behalf else None,
    )
    act.hr.add(assignment)
    act.tell("role.assigned", role.item, parts={"member": person.item})
    return assignment


def unassign_role(act: Act, assignment: RoleAssignment) -> None:
    """Take a role away from a person."""
    role, person = act.hr.get(Role, assignment.role_id), act.hr.get(Person, assignment.person_id)
    _end(assignment, act)
    act.tell("role.unassigned", role.item, parts={"member": person.item})


def request_role(act: Act, role: Role, person: Person, *, reason: str) -> RoleRequest:
    """A person asks for a role."""
    request = RoleRequest(
        id=act.hr.key("rr"),
        role_id=role.id,
        person_id=person.id,
        reason=reason,
        submitted_at=act.at,
        submitted_by=act.by,
    )
    act.hr.add(request)
    _tell_request(act, request, person, what="submitted")
    return request


def decide_request(act: Act, request: RoleRequest, role: Role | None) -> RoleAssignment | None:
    """Approve a request, which gives the `role`, or reject it when `role` is None."""
    person = act.hr.get(Person, request.person_id)
    request.decision = "approved" if role else "rejected"
    request.decided_at, request.decided_by = act.at, act.by
    decided = _tell_request(act, request, person, what=request.decision)
    return assign_role(act.but(caused_by=decided), role, person) if role else None


def grant_permission(act: Act, role: Role, permission: Permission, *, level: str) -> RolePermission:
    """Let a role's members do something more."""
    held = RolePermission(
        id=act.hr.key("rp"),
        role_id=role.id,
        permission_id=permission.id,
        level=level,
        given_at=act.at,
        given_by=act.by,
    )
    act.hr.add(held)
    act.tell("role.permission_granted", role.item, parts={"permission": permission.item})
    return held


def revoke_permission(act: Act, held: RolePermission) -> None:
    """Take a permission from a role."""
    _end(held, act)
    _tell_held(act, "role.permission_revoked", held)


def change_level(act: Act, held: RolePermission, level: str) -> None:
    """Move a permission of a role to another level."""
    held.level = level
    changed = {"permission_id": held.permission_id, "level": level, "what": "changed"}
    act.write(LevelChange, role_id=held.role_id, **changed)
    _tell_held(act, "role.access_level_changed", held, fields=("access_level",))


def grant_directly(act: Act, permission: Permission, person: Person) -> PermissionGrant:
    """Give one person a permission without a role."""
    grant = PermissionGrant(
        id=act.hr.key("pg"),
        permission_id=permission.id,
        person_id=person.id,
        given_at=act.at,
        given_by=act.by,
    )
    act.hr.add(grant)
    act.tell("permission.granted", permission.item, parts={"member": person.item})
    return grant


def revoke_directly(act: Act, grant: PermissionGrant) -> None:
    """Take a direct permission back."""
    permission, person = act.hr.get(Permission, grant.permission_id), act.hr.get(Person, grant.person_id)
    _end(grant, act)
    act.tell("permission.revoked", permission.item, parts={"member": person.item})


def change_set(act: Act, permissions: PermissionSet, members: str) -> None:
    """Make a permission set, or change what is in it."""
    what = "created" if permissions not in act.hr.session else "updated"
    permissions.members = members
    act.hr.add(permissions)
    act.write(PermissionSetChange, permission_set_id=permissions.id, what=what)
    fields = ("permissions",) if what == "updated" else ()
    target = Item(type="permission_set", id=permissions.id, name=permissions.name)
    act.tell(f"permission_set.{what}", target, fields=fields)


def refuse_access(act: Act, person: Person, role: Role) -> None:
    """Somebody tries to open a role that they may not see."""
    act.hr.write(AccessRefusal, person_id=person.id, role_id=role.id, at=act.at)
    act.tell("access.denied", role.item, outcome="denied")


def _tell_held(act: Act, action: str, held: RolePermission, fields: Sequence[str] = ()) -> None:
    role, permission = act.hr.get(Role, held.role_id), act.hr.get(Permission, held.permission_id)
    act.tell(action, role.item, parts={"permission": permission.item}, fields=fields)


def _end(row: _Endable, act: Act) -> None:
    row.ended_at, row.ended_by = act.at, act.by


def _tell_request(act: Act, request: RoleRequest, person: Person, *, what: str) -> UUID:
    target = Item(type="role_request", id=request.id)
    role = act.hr.get(Role, request.role_id)
    parts = {"requester": person.item, "member": person.item, "role": role.item}
    return act.tell(f"role_request.{what}", target, parts=parts)
