"""Who is let in: every permission at every level, in one's own organisation and in another."""

from collections.abc import Callable
from itertools import product

import pytest

from trailbook.access import viewer as access
from trailbook.access.viewer import Viewer, operator
from trailbook.errors import NotPermittedError
from trailbook.model import Item, Origin

BOB = Item(type="user", id="u-42", name="Bob Li")
PERMISSIONS = (
    "activity_log",
    "read_proofs",
    "manage_access",
    "manage_exports",
    "manage_retention",
    "verify_log",
)
# What each door asks for, and the name of the first that is missing.
DOORS: dict[Callable[[Viewer, str], None], tuple[tuple[str, str], ...]] = {
    access.require_full: (("activity_log", "Activity log"),),
    access.require_proofs: (("activity_log", "Activity log"), ("read_proofs", "Read proofs")),
    access.require_access: (("manage_access", "Manage access"),),
    access.require_exports: (("activity_log", "Activity log"), ("manage_exports", "Manage exports")),
    access.require_retention: (("manage_retention", "Manage retention"),),
    access.require_verifying: (("activity_log", "Activity log"), ("verify_log", "Verify log")),
}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_each_door_asks_for_its_permissions(door: Callable[[Viewer, str], None]) -> None:
    """Of all 64 combinations exactly those with what the door needs get in; the refusal names what is missing first."""
    needed = DOORS[door]
    for levels in product(("none", "full"), repeat=len(PERMISSIONS)):
        given = dict(zip(PERMISSIONS, levels, strict=True))
        viewer = Viewer(org="acme", item=BOB, **given)  # type: ignore[arg-type]
        missing = [name for field, name in needed if given[field] == "none"]
        if not missing:
            door(viewer, "acme")
        else:
            with pytest.raises(NotPermittedError) as refused:
                door(viewer, "acme")
            assert refused.value.permission == missing[0]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_nobody_gets_into_another_organisation(door: Callable[[Viewer, str], None]) -> None:
    """With every permission at full in one organisation, nothing in any other, however near its name."""
    for other in ("acme2", "Acme", "acm", "", "zeta"):
        with pytest.raises(NotPermittedError) as refused:
            door(operator("acme"), other)
        assert refused.value.permission == DOORS[door][0][1]
    door(operator("acme"), "acme")


def test_nothing_is_given_unless_it_is_said() -> None:
    """A viewer of whom nothing is said may nothing, and is a person with nothing withheld."""
    viewer = Viewer(org="acme", item=BOB)
    assert [getattr(viewer, name) for name in PERMISSIONS] == ["none"] * 6
    assert (viewer.kind, viewer.withheld, viewer.origin, viewer.roles) == ("person", (), None, None)


def test_the_operator() -> None:
    """Whoever holds the files is a system, by name, at the command line, with every permission."""
    viewer = operator("acme")
    assert (viewer.org, viewer.kind, viewer.origin) == ("acme", "system", Origin(interface="cli"))
    assert viewer.item == Item(type="system", id="operator", name="Operator")
    assert [getattr(viewer, name) for name in PERMISSIONS] == ["full"] * 6
