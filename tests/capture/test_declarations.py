"""Declarations: what would be refused of every entry is refused of the declaration."""

from typing import Any

import pytest
from msgspec import structs
from tests.capture.small import CATALOGUE, USER_ACTIONS, Employee, Party, User, item

from trailbook.capture import Capture, Ref
from trailbook.capture.declarations import (
    OPS,
    ChangeKind,
    Columns,
    Declared,
    Tracked,
    WrittenBy,
    check_declared,
)
from trailbook.capture.entries import CapturedRow, items_of
from trailbook.capture.recorder import Recorder
from trailbook.errors import ConfigurationError, UncapturedWriteError


async def _awaited(row: Any) -> str:
    return str(row.name)


DECLARED: list[tuple[dict[str, Any], str]] = [
    ({"type": "usr"}, "type: 'usr'"),
    ({"fields": ["emial"]}, "fields"),
    ({"id": "number"}, "no column 'number'"),
    ({"actions": {"created": "user.created"}}, "updated, deleted"),
    ({"actions": {"created": "role.created", "updated": None, "deleted": None}}, "no target"),
    ({"category": "roles"}, "belongs to users"),
    ({"concerns": {"merged": Ref("role", "email")}}, "the part merged takes user, not role"),
    # Each of what follows was found when the first row came, or by the log, or never.
    ({"type": None}, "type: None is not declared"),
    ({"type": ["user"]}, r"type: \['user'\] is not declared"),
    ({"by": "trigger"}, "by: 'trigger' is not one of hooks, triggers"),
    ({"category": "usres"}, "category: 'usres' is not declared in the catalogue"),
    ({"id": 5}, "id: is an int, where an attribute's name or a callable is due"),
    ({"name": ["name"]}, "name: is a list, where an attribute's name"),
    ({"name": "nmae"}, "name: there is no column 'nmae'"),
    ({"hint": "nmae"}, "hint: there is no column 'nmae'"),
    ({"name": _awaited}, "name: is awaited"),
    ({"owner": "email"}, r"owner: is a str, where a Ref\(type, id\), or a callable"),
    ({"owner": Ref("usr", "email")}, r"owner\.type: 'usr' is not declared"),
    ({"owner": Ref("user", "emial")}, r"owner\.id: there is no column 'emial'"),
    ({"owner": _awaited}, "owner: is awaited"),
    ({"owner": Ref("user", "email")}, "owner: no action asks"),
    ({"concerns": [Ref("user", "email")]}, "concerns: is a list, where a mapping is due"),
    ({"concerns": {"merged": "email"}}, r"concerns\.merged: is a str, where a Ref"),
    ({"concerns": {"merged": [Ref("user", "email")]}}, r"concerns\.merged: is a list, where a Ref"),
    ({"concerns": {"merged": Ref("user", None)}}, r"concerns\.merged\.id: has to be given"),
    ({"concerns": {"merged": Ref("user", "emial")}}, r"concerns\.merged\.id: there is no column 'emial'"),
    ({"concerns": {"merged": Ref("user", "id", name="nmae")}}, r"concerns\.merged\.name: there is no column"),
    ({"concerns": {"merged": Ref("user", "id", hint=5)}}, r"concerns\.merged\.hint: is an int"),
    (
        {"concerns": {"merged": Ref("absence", "id", name="name")}},
        r"concerns\.merged\.name: is given, but the type",
    ),
    ({"concerns": {"nobody": Ref("user", "email")}}, "has no part 'nobody'"),
    ({"actions": None}, "actions: say what created, updated, deleted means"),
    ({"actions": "user.created"}, "actions: is a str, where a mapping is due"),
    ({"actions": dict.fromkeys(OPS)}, "actions: all are None"),
    ({"actions": {**USER_ACTIONS, "removed": None}}, "actions: 'removed' is not one of"),
    (
        {"actions": {**USER_ACTIONS, "deleted": False}},
        r"actions\.deleted: is a bool, where the name of an action",
    ),
    ({"fields": "email"}, "fields: is a str, where a list of attributes' names is due"),
    ({"fields": None}, "fields: is a NoneType, where a list"),
    ({"fields": [User.email]}, "fields: has an InstrumentedAttribute, where an attribute's name is due"),
    ({"fields": {"emial": "email"}}, "fields: there is no column 'emial'"),
    ({"fields": {"email": None}}, r"fields\.email: is called by a NoneType"),
    ({"ignore": "seen"}, "ignore: is a str, where a list"),
    ({"ignore": ["sene"]}, "ignore: there is no column 'sene'"),
    ({"ignore": [5]}, "ignore: has an int, where"),
    ({"by": "triggers", "name": lambda user: user.name}, "by: triggers cannot call a callable"),
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


BY: tuple[WrittenBy, ...] = ("hooks", "triggers")
PAIRS: list[tuple[WrittenBy, WrittenBy]] = [
    ("hooks", "triggers"),
    ("triggers", "hooks"),
    ("triggers", "triggers"),
]
ROW = CapturedRow({"id": 5, "user_id": 7, "note": "a secret"})


def absence(**more: Any) -> Tracked:
    declared: dict[str, Any] = {
        "type": "absence",
        "actions": ACTIONS,
        "owner": Ref("user", "user_id"),
        **more,
    }
    return check_declared(CATALOGUE, COLUMNS, Declared(**declared))


@pytest.mark.parametrize(
    "items",
    [item("user", 7), [item("user", 7)], (item("user", 7),), iter([item("user", 7)])],
    ids=["item", "list", "tuple", "iterator"],
)
def test_whom_a_callable_may_return(items: Any) -> None:
    """An item, or any list of items; None is nobody."""
    assert items_of(absence(owner=lambda row: items), ROW).concerns == (("owner", item("user", 7)),)
    assert items_of(absence(owner=lambda row: None), ROW).concerns == ()


async def _later() -> None:
    """Nobody awaits it."""


RETURNED = [
    ({"owner": lambda row: "u-7"}, "concerns.owner: its callable returned a str, where an Item"),
    ({"owner": lambda row: ["u-7"]}, "concerns.owner: its callable returned a list with a str"),
    ({"owner": lambda row: {"type": "user"}}, "concerns.owner: its callable returned a dict"),
    ({"owner": lambda row: 7}, "concerns.owner: its callable returned an int"),
    ({"owner": lambda row: Ref("user", "user_id")}, "concerns.owner: its callable returned a Ref"),
    ({"owner": lambda row: _later()}, "concerns.owner: its callable returned a coroutine"),
    ({"owner": lambda row: row.nobody}, r"concerns.owner: could not be read from the row \(AttributeError\)"),
    ({"owner": Ref("user", lambda row: [row.note])}, "concerns.owner.id: its callable returned a list"),
    (
        {"owner": Ref("user", "user_id", name=lambda row: [row.note])},
        "concerns.owner.name: its callable returned a list",
    ),
    ({"id": lambda row: item("absence", 5)}, "id: its callable returned an Item, where a text"),
    ({"id": lambda row: _later()}, "id: its callable returned a coroutine"),
    ({"id": lambda row: None}, "a row without an id cannot be captured"),
    ({"id": lambda row: 1 / 0}, r"id: could not be read from the row \(ZeroDivisionError\)"),
]


@pytest.mark.parametrize(("wrong", "why"), RETURNED, ids=[why[:40] for _, why in RETURNED])
def test_what_a_callable_may_not_return(wrong: dict[str, Any], why: str) -> None:
    """The first row says which member of which table it was, and nothing of the row; the control is a right one."""
    with pytest.raises(UncapturedWriteError, match=rf"^hr\.absence: .*{why}") as refusal:
        items_of(absence(**wrong), ROW)
    assert "secret" not in str(refusal.value)
    assert items_of(absence(), ROW).target == item("absence", 5)


def test_what_the_log_would_refuse_of_a_callable_is_refused_at_once() -> None:
    """A type that is not declared, a type that another part is of, and more items than the action takes."""
    recorder = Recorder("acme")
    for owner, why in (
        (lambda row: item("usr", 7), "an item of the type 'usr', which the catalogue does not have"),
        (lambda row: [item("user", 7), item("user", 8)], "2 items, of which absence.updated takes 1"),
    ):
        kind = ChangeKind(absence(owner=owner), "updated")
        with pytest.raises(
            UncapturedWriteError, match=rf"hr\.absence: concerns\.owner: its callable returned {why}"
        ):
            recorder.entries_of(kind, [(ROW, items_of(kind.tracked, ROW))])
    merged = structs.replace(absence(), concerns={"merged": lambda row: item("role", 7)})
    with pytest.raises(UncapturedWriteError, match=r"concerns\.merged: .* the type role, where user is due"):
        items_of(merged, ROW)
    kind = ChangeKind(absence(owner=lambda row: item("user", 7)), "updated")  # the control
    assert len(recorder.entries_of(kind, [(ROW, items_of(kind.tracked, ROW))])) == 1


@pytest.mark.parametrize("org", ["", None, 5])
def test_an_organisation_is_a_name(org: Any) -> None:
    """Or a callable that returns one, which the first row shows."""
    with pytest.raises(ConfigurationError, match="org: is neither"):
        Recorder(org)
    kind = ChangeKind(absence(), "created")
    rows = [(ROW, items_of(kind.tracked, ROW))]
    with pytest.raises(
        UncapturedWriteError, match=r"org: its callable returned .*, where an organisation's name"
    ):
        Recorder(lambda row: org).entries_of(kind, rows)
    assert Recorder(lambda row: "acme").entries_of(kind, rows)[0].org == "acme"


def test_a_table_has_hooks_or_triggers() -> None:
    """Of a table that triggers cover there is one declaration, whichever came first."""
    for first, second in PAIRS:
        recorder = Recorder("acme")
        declared = {
            by: Declared(type="absence", actions=ACTIONS, owner=Ref("user", "user_id"), by=by) for by in BY
        }
        recorder.track(COLUMNS, declared[first])
        with pytest.raises(ConfigurationError, match=rf"by: the table is tracked by {first} already"):
            recorder.track(COLUMNS, declared[second])


def test_one_declaration_of_each_class() -> None:
    """A second one of the same class, or of its table, is refused; of a class below it is not."""
    capture = Capture("acme")
    again: dict[str, Any] = {"type": "user", "actions": USER_ACTIONS}
    try:
        capture.track(User, **again)
        for model in (User, User.__table__):
            with pytest.raises(ConfigurationError, match=r"track\(app_user\): is tracked already"):
                capture.track(model, **again)
        with pytest.raises(
            ConfigurationError, match="track: is a str, where a mapped class or a Table is due"
        ):
            capture.track("app_user", **again)
        capture.track(Party, **again)
        assert capture.track(Employee, **again).table == "employee"
    finally:
        capture.stop()
