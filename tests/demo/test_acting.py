"""Who acts in the HR system: one unit of work keeps rows and entries together, and passes on no content."""

import random
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from trailbook.demo import tables as t
from trailbook.demo.acting import HR, JOB, Act, entry_id, system_actor
from trailbook.model import Item, NewEntry

AT = datetime(2026, 11, 2, 8, 15, 0, 123456, tzinfo=UTC)


@pytest.fixture
def entries() -> list[NewEntry]:
    """What was passed on to the log."""
    return []


@pytest.fixture
def act(rows: Session, entries: list[NewEntry]) -> Act:
    """An act of the system's own rule."""
    hr = HR(rows, entries.append, random.Random(7))
    return Act(hr=hr, at=AT, actor=system_actor("access-expiry", "Access expiry"), origin=JOB)


def test_a_row_is_found_before_it_is_written(act: Act, rows: Session) -> None:
    """What was added is there at once, also after it was written; what never was added is not."""
    role = t.Role(id="r-1", name="Recruiter", description="")
    act.hr.add(role)
    assert act.hr.get(t.Role, "r-1") is role
    act.hr.flush()
    assert act.hr.get(t.Role, "r-1") is role
    with pytest.raises(NoResultFound):
        act.hr.get(t.Role, "r-2")


def test_a_history_says_who_and_when(act: Act, rows: Session) -> None:
    """Rows of a history are written together, each with its act; until then there are none."""
    behalf = Item(type="user", id="u-1", name="Anna")
    act.hr.add(t.Role(id="r-1", name="Recruiter", description=""))
    act.write(t.RoleChange, role_id="r-1", what="created")
    act.but(behalf=behalf).write(t.RoleChange, role_id="r-1", what="renamed")
    assert rows.scalars(select(t.RoleChange)).all() == []
    act.hr.flush()
    history = rows.scalars(select(t.RoleChange).order_by(t.RoleChange.id)).all()
    assert [(row.what, row.at, row.by, row.behalf) for row in history] == [
        ("created", AT, "system/access-expiry", None),
        ("renamed", AT, "system/access-expiry", "u-1"),
    ]
    act.hr.flush()
    assert len(rows.scalars(select(t.RoleChange)).all()) == 2


def test_what_is_told_is_an_entry(act: Act, entries: list[NewEntry]) -> None:
    """The entry has the act's actor, moment and cause, and each item of each part."""
    target, people = Item(type="role", id="r-1"), [Item(type="user", id=f"u-{n}") for n in (1, 2)]
    cause = act.hr.reserve(AT)
    id_ = act.but(caused_by=cause, purpose="review").tell("role.assigned", target, parts={"member": people})
    assert act.tell("role.created", target, id=cause, fields=["name"]) == cause
    first, second = entries
    assert (first.id, first.caused_by, first.purpose, first.occurred_at) == (id_, cause, "review", AT)
    assert [(c.part, c.id) for c in first.concerns] == [("member", "u-1"), ("member", "u-2")]
    assert (second.id, second.concerns, second.fields) == (cause, (), ("name",))


def test_ids_are_version_7_of_their_moment() -> None:
    """RFC 9562: version, variant and milliseconds; the same chance gives the same id, and another one another."""
    ids = [entry_id(AT, random.Random(seed)) for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert {(id_.version, id_.variant, id_.int >> 80) for id_ in ids} == {
        (7, "specified in RFC 4122", 1_793_607_300_123)
    }
