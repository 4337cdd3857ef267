"""Folding: what was meant and the capture of the same change are one entry, and nothing else is."""

import json
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.capture.small import CATALOGUE, Role, User, item, waiting

from trailbook.capture import Capture
from trailbook.capture.folding import folded
from trailbook.capture.outbox import OutboxRow

BOB, EVE = ({"part": "member", "type": "user", "id": id_} for id_ in ("u-42", "u-7"))


def entry(action: str, *concerns: dict[str, str], target: str = "role/r-3", **more: Any) -> str:
    type_, _, id_ = target.partition("/")
    about = {"concerns": list(concerns)} if concerns else {}
    return json.dumps({"action": action, "target": {"type": type_, "id": id_}, **about, **more})


def row(position: int, op: str, text: str, **more: Any) -> OutboxRow:
    whole = {"org": "acme", "tx": "1", "captured_at": 0, **more}
    return OutboxRow(position=position, op=op, entry=text, **whole)


def left(*rows: OutboxRow) -> list[tuple[str, list[str]]]:
    """What is recorded of these rows: each entry's action, and the fields it names."""
    entries = folded(rows, lambda org, action: CATALOGUE.action(action).verb)
    bodies = [json.loads(each.text) for each in entries if not each.folds]
    return [(each["action"], each.get("fields", [])) for each in bodies]


MEANT = row(1, "meant", entry("role.renamed", fields=["name"]))
CAPTURED = row(2, "updated", entry("role.updated", fields=["description"]))


def test_the_same_change_is_one_entry() -> None:
    """A captured row folds into what was meant of its item, before or after it, and leaves the names of its fields."""
    assert left(MEANT, CAPTURED) == [("role.renamed", ["description", "name"])]
    assert left(structs.replace(CAPTURED, position=0), MEANT) == [("role.renamed", ["description", "name"])]


@pytest.mark.parametrize(
    "other",
    [
        {"tx": "2"},
        {"tx": None},
        {"org": "other"},
        {"entry": entry("role.updated", target="role/r-4")},
        {"entry": entry("role.updated", BOB)},
    ],
    ids=["transaction", "no transaction", "organisation", "item", "person"],
)
def test_another_change_stays(other: dict[str, Any]) -> None:
    """Of another transaction, organisation, item or person: what was meant is not about it."""
    assert [action for action, _ in left(MEANT, structs.replace(CAPTURED, **other))] == [
        "role.renamed",
        "role.updated",
    ]


@pytest.mark.parametrize(
    ("meant", "op", "captured", "folds"),
    [
        ("role.assigned", "created", "role.created", False),
        ("role.assigned", "updated", "role.updated", False),
        ("role.assigned", "created", "role.assigned", True),
        ("role.renamed", "created", "role.created", False),
        ("role.renamed", "deleted", "role.deleted", False),
        ("user.deactivated", "deleted", "user.deleted", False),
        ("absence.approved", "deleted", "absence.deleted", False),
        ("document.deleted", "deleted", "document.removed", True),
        ("role.unassigned", "deleted", "role.unassigned", True),
        ("absence.approved", "created", "absence.registered", True),
        ("role.renamed", "updated", "role.updated", True),
    ],
)
def test_a_kind_of_change_that_would_be_lost_stays(meant: str, op: str, captured: str, folds: bool) -> None:
    """A new role is not told by who was given it, nor a deleted one by its new name."""
    actions = [action for action, _ in left(row(1, "meant", entry(meant)), row(2, op, entry(captured)))]
    assert actions == ([meant] if folds else [meant, captured])


def test_whom_it_is_about() -> None:
    """What is meant about more people takes in a row about some of them, never the other way round."""
    assigned = row(2, "created", entry("role.assigned", BOB))
    assert len(left(row(1, "meant", entry("role.assigned", BOB, EVE)), assigned)) == 1
    assert len(left(row(1, "meant", entry("role.assigned", EVE)), assigned)) == 2


def test_what_is_covered_folds_whatever_it_is() -> None:
    """A row of a further item that what was meant covers folds in; its fields are not those of another type."""
    meant = row(1, "meant", entry("role.renamed"), covers="user/u-42\nuser/u-7")
    assert left(meant, row(2, "deleted", entry("user.deleted", target="user/u-7", fields=["email"]))) == [
        ("role.renamed", [])
    ]
    assert len(left(meant, row(2, "deleted", entry("user.deleted", target="user/u-8")))) == 2


def test_a_deletion_stays_where_the_item_is_covered_by_itself() -> None:
    """`record_change` covers the item of its object, which says nothing of its end; the control: the end does."""
    meant = row(1, "meant", entry("role.renamed"), covers="role/r-3")
    gone = row(2, "deleted", entry("role.deleted", BOB))
    assert left(meant, gone) == [("role.renamed", []), ("role.deleted", [])]
    assert left(structs.replace(meant, entry=entry("role.deleted")), gone) == [("role.deleted", [])]
    assert left(meant, structs.replace(gone, op="updated")) == [("role.renamed", [])]


def test_each_entry_of_a_row_is_by_itself() -> None:
    """Of many entries in one row those fold that fit, and each of the others keeps its place in the row."""
    many = f"[{entry('role.updated')},{entry('role.updated', target='role/r-4')},{entry('role.updated')}]"
    rows = [MEANT, row(2, "updated", many)]
    entries = folded(rows, lambda org, action: CATALOGUE.action(action).verb)
    assert [(each.position, each.part, each.folds) for each in entries] == [
        (1, 0, False),
        (2, 0, True),
        (2, 1, False),
        (2, 2, True),
    ]


@pytest.mark.parametrize("text", ["no JSON", "[no JSON", "17"])
def test_what_is_no_entry_is_passed_on_as_it_is(text: str) -> None:
    """It is for the drain to set aside; nothing is lost here."""
    entries = list(folded([MEANT, row(2, "updated", text)], lambda org, action: "updated"))
    assert (entries[1].text, entries[1].folds) == (text, False)


def test_semantics_fold(capture: Capture, engine: Engine, bob: int) -> None:
    """What is meant is one entry with the row's field names; another person's row in the same transaction stays."""
    with Session(engine) as session, session.begin():
        eve, role = User(name="Eve"), Role(name="Manager")
        session.add_all([eve, role])
        session.flush()
        bob_ = session.get_one(User, bob)
        bob_.email = "x"
        capture.record(session, "user.email_changed", target=item("user", bob, "Bob"))
        bob_.phone = "2"
        role.users = [bob_, eve]
        capture.record(
            session, "role.assigned", target=item("role", role.id), concerns={"member": item("user", bob)}
        )
        number, eves = role.id, eve.id
    entries = waiting(engine)
    assert sorted((e["action"], e["target"]["id"]) for e in entries) == sorted(
        [
            ("user.created", str(eves)),
            ("role.created", str(number)),
            ("user.email_changed", str(bob)),
            ("role.assigned", str(number)),
            ("role.assigned", str(number)),
        ]
    )
    changed = next(e for e in entries if e["action"] == "user.email_changed")
    assert changed["fields"] == ["email", "phone"]
    about = sorted(c["id"] for e in entries if e["action"] == "role.assigned" for c in e["concerns"])
    assert about == sorted([str(bob), str(eves)])
