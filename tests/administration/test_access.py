"""Roles and members: who may change them, that each change is an entry, and that an administrator is left."""

import threading

import pytest

from trailbook import Deployment, Item, open_deployment
from trailbook.access.viewer import Viewer, operator
from trailbook.administration.access import (
    By,
    access_of,
    add_role,
    change_role,
    disable_member,
    put_member,
    remove_member,
    remove_role,
    role_of,
    withhold,
)
from trailbook.errors import (
    InvalidError,
    LastAdministratorError,
    NotFoundError,
    NotPermittedError,
    PredefinedRoleError,
    TrailbookError,
)
from trailbook.query import Query, from_params
from trailbook.testing import FrozenClock, Steady

ORG = "acme"
ANNA, BOB = Item(type="user", id="u-1", name="Anna"), Item(type="user", id="u-2", name="Bob")
ADMIN = "system-administrator"


@pytest.fixture
def opened() -> tuple[Deployment, FrozenClock]:
    """A deployment in memory, and its clock."""
    clock = FrozenClock()
    deployment = open_deployment("memory:", clock=clock, entropy=Steady(3))
    deployment.create(ORG)
    return deployment, clock


@pytest.fixture
def by(opened: tuple[Deployment, FrozenClock]) -> By:
    """The operator of a deployment whose clock stands."""
    return By(opened[0], operator(ORG))


def actions(by: By) -> list[tuple[str, str]]:
    page = by.deployment.log(ORG).search(Query(), viewer=operator(ORG), order="seq", limit=200)
    return [(e.action, e.target.id) for e in page.entries if e.action != "activity_log.searched"]


def test_every_change_is_an_entry(by: By) -> None:
    """What was changed, never a value of it."""
    put_member(by, ANNA, [ADMIN])
    role = add_role(by, "Payroll", {"activity_log": "full"})
    put_member(by, BOB, [role.id, "employee"])
    change_role(by, role.id, "Payroll lead", {"activity_log": "none", "read_proofs": "full"})
    remove_role(by, role.id)
    disable_member(by, "user", "u-2", disabled=True)
    remove_member(by, "user", "u-2")
    withhold(by, ["salary"])
    withhold(by, ["salary"])
    own = f"trailbook.{role.id}"
    assert actions(by) == [
        ("role.assigned", f"trailbook.{ADMIN}"),
        ("role.created", own),
        ("role.assigned", own),
        ("role.assigned", "trailbook.employee"),
        ("role.renamed", own),
        ("role.access_level_changed", own),
        ("role.unassigned", own),
        ("role.deleted", own),
        ("user.deactivated", "u-2"),
        ("role.unassigned", "trailbook.employee"),
        ("activity_log.settings_changed", ORG),
    ]


def test_an_entry_says_which_permissions_of_a_role_were_moved(by: By) -> None:
    role = add_role(by, "Payroll", {"activity_log": "full"})
    change_role(by, role.id, "Payroll", {"read_proofs": "full"})
    log = by.deployment.log(ORG)
    (entry,) = log.rows(from_params([("action", "role.access_level_changed")]), viewer=operator(ORG))
    assert {(c.part, c.id) for c in entry.concerns if c.part != "access"} == {
        ("permission", "trailbook.activity_log"),
        ("permission", "trailbook.read_proofs"),
    }


def test_a_role_that_is_gone_gives_nothing(by: By) -> None:
    role = add_role(by, "Payroll", {"activity_log": "full"})
    put_member(by, BOB, [role.id, "employee"])
    remove_role(by, role.id)
    assert access_of(by).members["user", "u-2"].roles == ("employee",)
    with pytest.raises(NotFoundError):
        role_of(by, role.id)


@pytest.mark.parametrize(
    ("name", "permissions", "pointer"),
    [
        ("", {}, "/name"),
        ("hr", {}, "/name"),
        ("Own", {"activity_log": "limited"}, "/permissions/activity_log"),
        ("Own", {"activity_log": "some"}, "/permissions/activity_log"),
        ("Own", {"salary": "full"}, "/permissions/salary"),
    ],
)
def test_roles_that_cannot_be(by: By, name: str, permissions: dict[str, str], pointer: str) -> None:
    """A refusal names the member; `limited` is reserved."""
    with pytest.raises(InvalidError) as refused:
        add_role(by, name, permissions)
    assert [f.pointer for f in refused.value.faults] == [pointer]
    assert actions(by) == []
    assert add_role(by, "Own", {"activity_log": "none"}).full == ()


def test_predefined_roles_stay(by: By) -> None:
    with pytest.raises(PredefinedRoleError):
        change_role(by, "hr", "People", {})
    with pytest.raises(PredefinedRoleError):
        remove_role(by, "hr")


@pytest.mark.parametrize(
    ("item", "roles", "pointer"),
    [
        (ANNA, [], "/roles"),
        (ANNA, ["none"], "/roles/0"),
        (Item(type="role", id="r-1"), ["hr"], "/type"),
        (Item(type="user", id=""), ["hr"], "/id"),
    ],
)
def test_members_that_cannot_be(by: By, item: Item, roles: list[str], pointer: str) -> None:
    with pytest.raises(InvalidError) as refused:
        put_member(by, item, roles)
    assert [f.pointer for f in refused.value.faults] == [pointer]


def test_somebody_is_left_who_manages_access(by: By) -> None:
    """The last administrator is not removed, disabled, demoted, or lost with a role; with another one, each goes."""
    boss = add_role(by, "Boss", {"manage_access": "full"})
    put_member(by, BOB, ["employee"])
    put_member(by, ANNA, [boss.id])
    before = access_of(by)

    def tries() -> list[object]:
        return [
            lambda: disable_member(by, "user", "u-1", disabled=True),
            lambda: put_member(by, ANNA, ["employee"]),
            lambda: change_role(by, boss.id, "Boss", {"manage_access": "none"}),
            lambda: remove_role(by, boss.id),
            lambda: remove_member(by, "user", "u-1"),
        ]

    history = actions(by)
    for tried in tries():
        with pytest.raises(LastAdministratorError):
            tried()  # type: ignore[operator]
    assert access_of(by) == before
    assert actions(by) == history
    put_member(by, BOB, [ADMIN])
    for tried in tries():
        if tried is not None:
            tried()  # type: ignore[operator]
            if ("user", "u-1") in access_of(by).members:
                disable_member(by, "user", "u-1", disabled=False)
            if boss.id in access_of(by).roles:
                change_role(by, boss.id, "Boss", {"manage_access": "full"})
                put_member(by, ANNA, [boss.id])


def test_two_administrators_cannot_remove_each_other(by: By) -> None:
    """The last one stays also when both go at the same moment."""
    put_member(by, ANNA, [ADMIN])
    put_member(by, BOB, [ADMIN])
    refused: list[TrailbookError] = []
    start = threading.Barrier(2)

    def remove(id_: str) -> None:
        start.wait()
        try:
            remove_member(by, "user", id_)
        except TrailbookError as error:
            refused.append(error)

    threads = [threading.Thread(target=remove, args=(id_,)) for id_ in ("u-1", "u-2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.code for error in refused] == ["last-administrator"]
    assert len(access_of(by).members) == 1


def test_who_may_not_manage_access_changes_nothing(by: By) -> None:
    """A full reader is refused before anything is looked up, and the words name what is missing."""
    reader = By(by.deployment, Viewer(org=ORG, item=ANNA, activity_log="full", read_proofs="full"))
    for tried in (
        lambda: add_role(reader, "Own", {}),
        lambda: put_member(reader, ANNA, [ADMIN]),
        lambda: remove_member(reader, "user", "nobody"),
        lambda: withhold(reader, []),
    ):
        with pytest.raises(NotPermittedError) as refused:
            tried()
        assert "Manage access" in refused.value.detail
    assert actions(by) == []
