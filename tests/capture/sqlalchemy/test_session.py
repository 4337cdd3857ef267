"""The unit of work: each changed object is one entry, whatever statements its flush takes."""

import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import (
    Engine,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, object_session
from tests.capture.small import (
    ANNA,
    BOB,
    Absence,
    Role,
    User,
    forget,
    item,
    members,
    waiting,
    waiting_actions,
)

from trailbook.capture import Capture, acting_as, recorded_as


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


@pytest.mark.parametrize("how", ["by the database", "by a listener"])
def test_a_flush_that_failed_is_forgotten(capture: Capture, engine: Engine, bob: int, how: str) -> None:
    """Sessions whose flush failed do not stay behind, whether the database refused it or a listener of the host."""

    def refuse(*more: Any) -> None:
        raise ValueError("a validation of the host's")

    left = []
    for _ in range(5):
        with Session(engine) as session:
            if how == "by a listener":
                event.listen(session, "before_flush", refuse)
            session.add(User(id=bob, name="Bob again"))
            with pytest.raises((IntegrityError, ValueError)):
                session.flush()
            left.append(weakref.ref(session))
        assert not session.info
    del session
    gc.collect()
    assert [each() for each in left] == [None] * 5


def test_pairs_in_a_block_that_means_something(capture: Capture, engine: Engine, bob: int) -> None:
    """What is flushed in a block of `recorded_as` is captured as ever, the pairs of a relationship too."""
    eve = item("user", 99, "Eve")
    with Session(engine) as session, session.begin():
        session.add(Role(id=1, name="Lead"))
    forget(engine)
    with Session(engine) as session, session.begin(), recorded_as("user.deactivated", target=eve):
        role = session.get_one(Role, 1)
        role.users.append(session.get_one(User, bob))
        session.flush()
    assert waiting_actions(engine) == [("role.assigned", "role/1")]
    forget(engine)
    with Session(engine) as session, session.begin():
        role = session.get_one(Role, 1)
        role.users.clear()
        with recorded_as("user.deactivated", target=eve):
            session.scalars(select(User)).all()
    assert waiting_actions(engine) == [("role.unassigned", "role/1")]


def test_a_block_in_a_listener(capture: Capture, engine: Engine, bob: int) -> None:
    """The control: what a listener of the host writes in a block of its own during a flush is what it says it is."""

    def listen(mapper: Any, connection: Any, target: Any) -> None:
        with recorded_as("user.deactivated", target=item("user", bob, "Bob")):
            connection.execute(insert(members).values(role_id=1, user_id=bob))

    event.listen(Role, "after_insert", listen)
    try:
        with Session(engine) as session, session.begin():
            session.add(Role(id=1, name="Lead"))
    finally:
        event.remove(Role, "after_insert", listen)
    assert waiting_actions(engine) == [("role.created", "role/1"), ("user.deactivated", f"user/{bob}")]


def _lines(engine: Engine) -> list[tuple[str, str, list[str], list[str]]]:
    return [
        (
            e["action"],
            e["target"]["id"],
            [about["id"] for about in e.get("concerns", ())],
            e.get("fields", []),
        )
        for e in waiting(engine)
    ]


def test_a_changed_key_is_two_facts(capture: Capture, engine: Engine, bob: int) -> None:
    """The old item ends, with whom it was about, and the new one begins; a key set to what it was is nothing."""
    with Session(engine) as session, session.begin():
        session.add_all([User(id=70, name="Eve"), Absence(id=1, user_id=bob, start="a")])
    forget(engine)
    with Session(engine) as session, session.begin():
        absence = session.get_one(Absence, 1)
        session.expire(absence)
        absence.id, absence.user_id = 2, 70
    assert _lines(engine) == [
        ("absence.deleted", "1", [str(bob)], []),
        ("absence.registered", "2", ["70"], []),
    ]
    forget(engine)
    with Session(engine) as session, session.begin():
        absence = session.get_one(Absence, 2)
        absence.id, absence.start = 2, "b"
    assert _lines(engine) == [("absence.updated", "2", ["70"], ["start_date"])]


def test_an_object_takes_the_place_of_another(capture: Capture, engine: Engine, bob: int) -> None:
    """Deleted and added with one key in one flush, which SQLAlchemy writes as an UPDATE: the one ends, one begins."""
    with Session(engine) as session, session.begin():
        session.add_all([User(id=70, name="Eve"), Absence(id=1, user_id=bob, start="a")])
    forget(engine)
    with Session(engine) as session, session.begin():
        session.delete(session.get_one(Absence, 1))
        session.add(Absence(id=1, user_id=70, start="b"))
    assert _lines(engine) == [
        ("absence.deleted", "1", [str(bob)], []),
        ("absence.registered", "1", ["70"], []),
    ]


def test_what_an_update_sets_along(engine: Engine, by_callable: Capture) -> None:
    """A column that every UPDATE sets counts as changed, in a flush and in statements, and only then."""
    with Session(engine) as session, session.begin():
        session.add(Stamped(id=1, code="a", seen=0))
    forget(engine)
    with Session(engine) as session, session.begin():
        stamped = session.get_one(Stamped, 1)
        stamped.seen = 1  # which alone is no entry
    with Session(engine) as session, session.begin():
        session.execute(update(Stamped).values(seen=2))
        stamped = session.get_one(Stamped, 1)
        stamped.seen = 2
    assert [(e["action"], e.get("fields")) for e in waiting(engine)] == [("role.updated", ["name"])] * 2


def test_an_item_that_a_callable_names(engine: Engine, by_callable: Capture) -> None:
    """Where a callable says which item a row is, another answer is another item, in a flush and in statements."""
    with Session(engine) as session, session.begin():
        session.add_all([Stamped(id=1, code="a", seen=0), Stamped(id=2, code="b", seen=0)])
    forget(engine)
    with Session(engine) as session, session.begin():
        session.get_one(Stamped, 1).code = "c"
    with Session(engine) as session, session.begin():
        session.execute(update(Stamped).where(Stamped.id > 0).values(code=func.upper(Stamped.code)))
    with Session(engine) as session, session.begin():
        session.execute(update(Stamped), [{"id": 1, "code": "d"}, {"id": 2, "code": "b"}])
    assert waiting_actions(engine) == sorted(
        [
            ("role.deleted", "role/x-a"),
            ("role.created", "role/x-c"),
            # The callable folds letters, so that these are the same items.
            ("role.updated", "role/x-c"),
            ("role.updated", "role/x-b"),
            ("role.deleted", "role/x-c"),
            ("role.created", "role/x-d"),
            ("role.updated", "role/x-b"),
        ]
    )


class Own(DeclarativeBase):
    """Tables of these tests alone."""


class Stamped(Own):
    """A row that its database table renames with every UPDATE; its item has no column."""

    __tablename__ = "stamped"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    seen: Mapped[int]
    name: Mapped[str | None] = mapped_column(onupdate=lambda: "changed")


@pytest.fixture
def by_callable(engine: Engine) -> Iterator[Capture]:
    """Such rows, captured."""
    Own.metadata.create_all(engine)
    own = Capture("acme")
    own.track(
        Stamped,
        type="role",
        id=lambda row: f"x-{row.code.lower()}",
        name="name",
        actions={"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"},
        fields=["name"],
        ignore=["seen"],
    )
    try:
        own.install(engine)
        yield own
    finally:
        own.stop()


def test_a_failed_flush_ends(capture: Capture, engine: Engine, bob: int) -> None:
    """A flush that failed, or whose listener did, is over: what bulk writes afterwards is captured by itself."""

    def fail(session: Session, *more: Any) -> None:
        raise ValueError("the host's own")

    with Session(engine) as session:
        event.listen(session, "before_flush", fail)
        session.add(User(name="a"))
        with pytest.raises(ValueError, match="own"):
            session.flush()
        event.remove(session, "before_flush", fail)
        session.rollback()
        session.bulk_insert_mappings(User, [{"name": "b"}])  # type: ignore[arg-type]
        with pytest.raises(IntegrityError):
            session.bulk_insert_mappings(User, [{"id": bob, "name": "c"}])  # type: ignore[arg-type]
        session.rollback()
        session.bulk_insert_mappings(User, [{"name": "d"}, {"name": "e"}])  # type: ignore[arg-type]
        session.add(User(name="f"))
        session.commit()
    assert [e["target"]["name"] for e in waiting(engine)] == ["d", "e", "f"]


def test_bulk_within_a_flush_of_the_same_session(capture: Capture, engine: Engine, bob: int) -> None:
    """A listener that writes in bulk by the session that flushes: each row is an entry, none is two."""

    def listen(mapper: Any, connection: Any, target: Any) -> None:
        inner = object_session(target)
        assert inner is not None
        with inner.no_autoflush:
            inner.execute(insert(Role), [{"name": "orm"}, {"name": "orm 2"}])
            inner.bulk_insert_mappings(Role, [{"name": "bulk"}])  # type: ignore[arg-type]

    event.listen(Role, "before_insert", listen)
    try:
        with Session(engine) as session, session.begin():
            session.add(Role(name="flushed"))
    finally:
        event.remove(Role, "before_insert", listen)
    assert sorted(e["target"]["name"] for e in waiting(engine)) == ["bulk", "flushed", "orm", "orm 2"]
