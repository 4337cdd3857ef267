"""The unit of work: each changed object is one entry, whatever statements its flush takes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    event,
    func,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from tests.capture.small import (
    ANNA,
    BOB,
    Absence,
    Role,
    User,
    forget,
    waiting,
    waiting_actions,
)

from trailbook.capture import Capture, acting_as


def test_unit_of_work(capture: Capture, engine: Engine) -> None:
    """Insert, update and delete by the session: an entry each, with the actor, names of fields, and no more."""
    with Session(engine) as session, acting_as(ANNA, correlation="c-1"):
        bob = User(name="Bob")
        session.add(bob)
        session.commit()
        bob.email, bob.phone = "bob@host.test", "1"
        session.commit()
        session.delete(bob)
        session.commit()
    entries = waiting(engine)
    assert [e["action"] for e in entries] == ["user.created", "user.profile_updated", "user.deleted"]
    assert [e.get("fields") for e in entries] == [None, ["email", "phone"], None]
    assert {e["target"]["name"] for e in entries} == {"Bob"}
    assert {e["actor"]["id"] for e in entries} == {"u-17"}
    assert {e["correlation"] for e in entries} == {"c-1"}


def test_nothing_changed_is_nothing(capture: Capture, engine: Engine, bob: int) -> None:
    """An attribute set to what it was, or one declared to mean nothing, is no entry."""
    with Session(engine) as session, session.begin():
        user = session.get_one(User, bob)
        user.email = "bob@host.test"
        user.seen += 1
    with Session(engine) as session, session.begin():
        session.execute(update(User).values(seen=7))
    assert waiting_actions(engine) == []


def test_relationships(capture: Capture, engine: Engine, bob: int) -> None:
    """Owners, an association, an orphan and a cascade: each row once, about its person."""
    with Session(engine) as session, session.begin():
        user = session.get_one(User, bob)
        role = Role(name="Manager")
        user.absences = [Absence(start="a"), Absence(start="b")]
        user.roles.append(role)
    entries = waiting(engine)
    about = {(e["action"], c["part"], c["id"]) for e in entries for c in e.get("concerns", ())}
    assert about == {("absence.registered", "owner", str(bob)), ("role.assigned", "member", str(bob))}
    assert sorted(e["action"] for e in entries) == ["absence.registered"] * 2 + [
        "role.assigned",
        "role.created",
    ]
    forget(engine)
    with Session(engine) as session, session.begin():
        user = session.get_one(User, bob)
        user.absences.pop()
        user.roles.clear()
    assert sorted(action for action, _ in waiting_actions(engine)) == ["absence.deleted", "role.unassigned"]
    forget(engine)
    with Session(engine) as session, session.begin():
        session.delete(session.get_one(User, bob))
    assert sorted(action for action, _ in waiting_actions(engine)) == ["absence.deleted", "user.deleted"]


def test_threads_and_no_context(capture: Capture, engine: Engine) -> None:
    """Each thread acts for itself; one without a context is the system, never the last user."""
    barrier = threading.Barrier(2)

    def write(name: str) -> None:
        barrier.wait()
        with Session(engine) as session, session.begin():
            session.add(User(name=name))

    def act(name: str) -> None:
        with acting_as(ANNA if name == "a" else BOB):
            write(name)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(act, ["a", "b"]))
        list(pool.map(write, ["c", "d"]))
    who = {e["target"]["name"]: (e["actor"]["kind"], e["actor"]["id"]) for e in waiting(engine)}
    assert (who["a"], who["b"]) == (("person", "u-17"), ("person", "u-42"))
    assert who["c"] == who["d"]
    assert who["c"][0] == "system"


def test_an_expression_of_sql(capture: Capture, engine: Engine, bob: int) -> None:
    """An attribute set to an expression, which the session forgets when it is written, is named all the same."""
    with Session(engine) as session, session.begin():
        session.get_one(User, bob).email = func.upper("x")
    assert [e["fields"] for e in waiting(engine)] == [["email"]]


def test_statements_inside_a_flush(capture: Capture, engine: Engine, bob: int) -> None:
    """What a host's own listener executes during a flush is captured as well, and another session's flush apart."""

    def listen(mapper: Any, connection: Any, target: Any) -> None:
        connection.execute(update(User.__table__).where(User.__table__.c.id == bob).values(phone="9"))
        with Session(connection) as inner:
            inner.add(Role(name="Inner"))
            inner.flush()
            inner.commit()

    event.listen(Absence, "after_insert", listen)
    try:
        with Session(engine) as session, session.begin():
            session.add_all([Absence(user_id=bob), User(name="Outer")])
    finally:
        event.remove(Absence, "after_insert", listen)
    entries = sorted((e["action"], e["target"].get("name", "")) for e in waiting(engine))
    assert entries == [
        ("absence.registered", ""),
        ("role.created", "Inner"),
        ("user.created", "Outer"),
        ("user.profile_updated", "Bob"),
    ]


def test_a_flush_that_failed_leaves_nothing(capture: Capture, engine: Engine, bob: int) -> None:
    """After a flush that failed, the next statements of the same session are captured as if it had not been."""
    with Session(engine) as session:
        session.add(User(name=None))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
        session.bulk_insert_mappings(User, [{"name": "x"}])
        session.add(User(name="y"))
        session.commit()
    assert [e["target"]["name"] for e in waiting(engine)] == ["x", "y"]
