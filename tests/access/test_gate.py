"""The gate: what a viewer may see follows from permission and declaration, and what is not recognised is refused."""

from typing import Any

import pytest
from msgspec import structs

from trailbook.access import (
    Clearance,
    Viewer,
    clearance,
    operator,
    require_everything,
    require_full,
    require_proofs,
)
from trailbook.catalogue import load
from trailbook.errors import NotPermittedError
from trailbook.model import Item

DECLARED = load().categories
BOB = Viewer(org="acme", item=Item(type="user", id="u-42", name="Bob Li"), activity_log="full")
NAMED = structs.replace(BOB, restricted=("whistleblowing",))


def cleared(viewer: Any) -> Clearance:
    return clearance(viewer, "acme", required=require_full, declared=DECLARED)


def test_a_restricted_category_is_seen_by_whoever_is_named_for_it() -> None:
    """A viewer of whom nothing is said sees no restricted category; a name of another one opens nothing."""
    assert not cleared(BOB).sees("whistleblowing")
    assert not cleared(structs.replace(BOB, restricted=("salary", "whistle"))).sees("whistleblowing")
    assert cleared(NAMED).sees("whistleblowing")
    assert cleared(BOB).sees("salary")  # the control


def test_what_is_withheld_is_seen_by_nobody() -> None:
    """Being named for a category is no way round it."""
    without = structs.replace(NAMED, withheld=("whistleblowing", "salary"))
    assert [cleared(without).sees(name) for name in ("whistleblowing", "salary", "roles")] == [
        False,
        False,
        True,
    ]


def test_what_is_not_declared_is_seen_by_whoever_holds_the_files() -> None:
    """A category that nobody declares any more may have been a restricted one."""
    for name in ("pets", "", "*", "Roles"):
        assert not cleared(NAMED).sees(name)
        assert cleared(operator("acme")).sees(name)
    assert not cleared(structs.replace(operator("acme"), withheld=("pets",))).sees("pets")


def test_everything_is_a_matter_of_permission() -> None:
    """It takes every restricted category and nothing withheld, of the declared ones."""
    assert [cleared(v).everything for v in (BOB, NAMED, operator("acme"))] == [False, True, True]
    assert not cleared(structs.replace(NAMED, withheld=("salary",))).everything


def test_nobody_comes_by_without_the_permission() -> None:
    """Refused before anything is decided; what is no viewer never gets that far."""
    with pytest.raises(NotPermittedError):
        clearance(BOB, "other", required=require_full, declared=DECLARED)
    with pytest.raises(NotPermittedError):
        clearance(BOB, "acme", required=require_proofs, declared=DECLARED)
    for stranger in (None, "u-42", BOB.item):
        with pytest.raises(TypeError):
            cleared(stranger)


def test_what_shows_everything_is_for_whom_nothing_is_kept_from() -> None:
    """One category less is enough to be refused, and the refusal says what is needed."""
    everything = structs.replace(BOB, restricted=tuple(name for name, c in DECLARED.items() if c.restricted))
    require_everything(cleared(everything))
    require_everything(cleared(operator("acme")))
    for less in (BOB, structs.replace(everything, withheld=("salary",))):
        with pytest.raises(NotPermittedError, match="nothing withheld"):
            require_everything(cleared(less))
