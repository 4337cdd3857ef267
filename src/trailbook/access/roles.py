"""Roles: what each allows, the four that every organisation has, and how several combine.

Owns the names of the system permissions and the rule that the greatest level wins. Refuses `limited`, which is
reserved, and changes of the predefined roles.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence

from trailbook.access.viewer import (
    ACTIVITY_LOG,
    MANAGE_ACCESS,
    MANAGE_EXPORTS,
    MANAGE_RETENTION,
    READ_PROOFS,
    VERIFY_LOG,
    Level,
)
from trailbook.errors import Fault, LastAdministratorError
from trailbook.model import MAX_NAME, name_fault
from trailbook.stores import Member, Role

PERMISSIONS = {
    "activity_log": ACTIVITY_LOG,
    "manage_access": MANAGE_ACCESS,
    "manage_exports": MANAGE_EXPORTS,
    "manage_retention": MANAGE_RETENTION,
    "read_proofs": READ_PROOFS,
    "verify_log": VERIFY_LOG,
}
_LAST = "somebody must be left who may manage access: give another member such a role first"
ADMINISTRATOR, HR, AUDITOR, EMPLOYEE = "system-administrator", "hr", "auditor", "employee"
PREDEFINED = {
    role.id: role
    for role in (
        Role(id=ADMINISTRATOR, name="System administrator", full=tuple(PERMISSIONS)),
        Role(id=HR, name="HR", full=("activity_log", "manage_exports")),
        Role(
            id=AUDITOR, name="Auditor", full=("activity_log", "manage_exports", "read_proofs", "verify_log")
        ),
        Role(id=EMPLOYEE, name="Employee"),
    )
}


def every_role(own: Iterable[Role]) -> dict[str, Role]:
    """The roles of an organisation by id: the predefined ones, then its own."""
    return PREDEFINED | {role.id: role for role in own}


def levels(roles: Iterable[Role]) -> dict[str, Level]:
    """What several roles allow together: the greatest level of each permission."""
    full = {name for role in roles for name in role.full}
    return {name: "full" if name in full else "none" for name in PERMISSIONS}


def administrators(members: Iterable[Member], roles: Mapping[str, Role]) -> list[Member]:
    """Those who are let in and may manage access, `roles` by id."""

    def manages(member: Member) -> bool:
        held = [roles[id_] for id_ in member.roles if id_ in roles]
        return member.disabled_at is None and levels(held)["manage_access"] == "full"

    return [member for member in members if manages(member)]


def refuse_locking_out(before: Sequence[Member], after: Sequence[Member]) -> None:
    """Refuse a change that leaves no administrator where there was one. Raises: LastAdministratorError."""
    if before and not after:
        raise LastAdministratorError(_LAST)


def full_of(permissions: Mapping[str, str]) -> tuple[str, ...]:
    """The permissions given as full, in their own order."""
    return tuple(name for name in PERMISSIONS if permissions.get(name) == "full")


def permissions_of(role: Role) -> dict[str, Level]:
    """Every permission of a role with its level."""
    return levels((role,))


def new_role_id(random: bytes) -> str:
    """The id of an organisation's own role."""
    return base64.b32encode(random).decode().rstrip("=").lower()


def role_faults(name: str, permissions: Mapping[str, str], taken: Sequence[str]) -> tuple[Fault, ...]:
    """What is wrong with a role as it is given; `taken` are the names of the others."""
    faults = []
    if why := name_fault(name, MAX_NAME):
        faults.append(Fault("/name", "invalid", why))
    elif name.casefold() in {other.casefold() for other in taken}:
        faults.append(Fault("/name", "invalid", "is the name of another role"))
    for permission, level in permissions.items():
        pointer = f"/permissions/{permission[:80]}"
        if permission not in PERMISSIONS:
            faults.append(Fault(pointer, "invalid", f"is not one of {', '.join(PERMISSIONS)}"))
        elif level == "limited":
            faults.append(Fault(pointer, "invalid", "limited is reserved and cannot be given yet"))
        elif level not in ("none", "full"):
            faults.append(Fault(pointer, "invalid", "is not one of none, full"))
    return tuple(faults)
