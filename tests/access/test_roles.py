"""Roles: the four that every organisation has, how several combine, and which can be made."""

import pytest

from trailbook.access.roles import (
    PERMISSIONS,
    PREDEFINED,
    every_role,
    full_of,
    levels,
    permissions_of,
    role_faults,
)
from trailbook.stores import Role


def test_the_four_predefined_roles() -> None:
    """What each allows; several together allow what any of them does."""
    allowed = {
        id_: {p for p, level in levels([r]).items() if level == "full"} for id_, r in PREDEFINED.items()
    }
    assert allowed == {
        "system-administrator": set(PERMISSIONS),
        "hr": {"activity_log", "manage_exports"},
        "auditor": {"activity_log", "manage_exports", "read_proofs", "verify_log"},
        "employee": set(),
    }
    both = levels([PREDEFINED["hr"], PREDEFINED["auditor"], PREDEFINED["employee"]])
    assert (both["read_proofs"], both["manage_access"]) == ("full", "none")


def test_an_organisations_own_roles_stand_after_the_predefined() -> None:
    """By their ids; what a role does not name it does not allow."""
    own = Role(id="r-1", name="Payroll", full=full_of({"read_proofs": "full", "activity_log": "full"}))
    assert list(every_role([own])) == [*PREDEFINED, "r-1"]
    assert own.full == (
        "activity_log",
        "read_proofs",
    )  # in their own order, whatever the order they are given in
    full = {name for name, level in permissions_of(own).items() if level == "full"}
    assert (set(permissions_of(own)), full) == (set(PERMISSIONS), {"activity_log", "read_proofs"})


@pytest.mark.parametrize(
    ("name", "permissions", "pointers"),
    [
        ("", {}, ["/name"]),
        ("x" * 301, {}, ["/name"]),
        ("PAYROLL", {}, ["/name"]),
        ("Own", {"activity_log": "limited"}, ["/permissions/activity_log"]),
        (
            "Own",
            {"activity_log": "some", "salary": "full"},
            ["/permissions/activity_log", "/permissions/salary"],
        ),
        ("Own", {"activity_log": "none", "read_proofs": "full"}, []),
    ],
)
def test_roles_that_cannot_be(name: str, permissions: dict[str, str], pointers: list[str]) -> None:
    """Each fault names its member; the last is the same without one."""
    assert [fault.pointer for fault in role_faults(name, permissions, ["Payroll"])] == pointers
