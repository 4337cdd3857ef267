"""Declarations: what would be refused of every entry is refused of the declaration."""

from typing import Any

import pytest
from msgspec import structs
from tests.capture.small import CATALOGUE, User

from trailbook.capture import Capture, Ref
from trailbook.capture.declarations import Columns, Declared, check_declared
from trailbook.errors import ConfigurationError

DECLARED = [
    ({"type": "usr"}, "type: 'usr'"),
    ({"fields": ["emial"]}, "fields"),
    ({"id": "number"}, "no column 'number'"),
    ({"actions": {"created": "user.created"}}, "updated, deleted"),
    ({"actions": {"created": "role.created", "updated": None, "deleted": None}}, "no target"),
    ({"category": "roles"}, "belongs to users"),
    ({"owner": "email"}, "no action asks"),
]


@pytest.mark.parametrize(
    ("wrong", "named"), DECLARED, ids=[next(iter(w)) + str(n) for n, (w, _) in enumerate(DECLARED)]
)
def test_a_wrong_declaration_is_refused(wrong: dict[str, Any], named: str) -> None:
    """What would be refused of every entry is refused of the declaration, naming the member."""
    capture = Capture("acme")
    right: dict[str, Any] = {
        "type": "user",
        "actions": {"created": "user.created", "updated": "user.profile_updated", "deleted": "user.deleted"},
    }
    try:
        with pytest.raises(ConfigurationError, match=named):
            capture.track(User, **{**right, **wrong})
        assert capture.track(User, **right).table == "app_user"
    finally:
        capture.stop()


COLUMNS = Columns(table="hr.absence", key=("id",), columns={"id": "id", "user_id": "person", "note": "note"})
ACTIONS = {"created": "absence.registered", "updated": "absence.updated", "deleted": "absence.deleted"}


def test_what_is_left_out_is_known() -> None:
    """The key is the id, the action tells the category, and the owner fills the part that the actions ask for."""
    owner = Ref("user", "user_id")
    declared = Declared(
        type="absence", actions=ACTIONS, owner=owner, fields={"note": "note"}, ignore=["note"]
    )
    tracked = check_declared(CATALOGUE, COLUMNS, declared)
    assert (tracked.table, tracked.id, tracked.category, tracked.by) == (
        "hr.absence",
        "id",
        "absence",
        "hooks",
    )
    assert tracked.concerns == {"owner": owner}
    assert (tracked.fields, tracked.ignore) == ({"note": "note"}, {"note"})
    two = structs.replace(COLUMNS, key=("id", "user_id"))
    with pytest.raises(ConfigurationError, match="id: has to be given"):
        check_declared(CATALOGUE, two, declared)
    assert check_declared(CATALOGUE, two, structs.replace(declared, id="user_id")).id == "user_id"


def test_only_what_an_entry_is_made_of_is_needed() -> None:
    """The columns of ids and names, and no other; all of them where a callable may ask for any."""
    declared = Declared(type="absence", actions=ACTIONS, owner=Ref("user", "user_id"))
    assert check_declared(CATALOGUE, COLUMNS, declared).needs == {"id", "user_id"}
    called = structs.replace(declared, owner=lambda row: row.user_id)
    assert check_declared(CATALOGUE, COLUMNS, called).needs == {"id", "user_id", "note"}
    hinted = structs.replace(declared, owner=Ref("user", "user_id", hint="note"))
    assert check_declared(CATALOGUE, COLUMNS, hinted).needs == {"id", "user_id", "note"}
    with pytest.raises(ConfigurationError, match="hint: is given, but the type absence takes no hint"):
        check_declared(CATALOGUE, COLUMNS, structs.replace(declared, hint="note"))
