"""From a statement to its rows: each touched row is one entry, or the statement does not run."""

from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session
from tests.capture.small import BOB, Employee, User, rows, waiting, waiting_actions

from trailbook.capture import Capture, acting_as
from trailbook.errors import UncapturedWriteError

BULK = {
    "insert": lambda s, b: s.execute(insert(User), [{"name": "x"}, {"name": "y"}]),
    "insert one": lambda s, b: s.execute(insert(User).values(name=func.upper("x"))),
    "insert values": lambda s, b: s.execute(insert(User).values([{"name": "x"}, {"name": "y"}])),
    "insert returning": lambda s, b: s.scalars(
        insert(User).returning(User), [{"name": "x"}, {"name": "y"}]
    ).all(),
    "insert select": lambda s, b: s.execute(
        insert(User).from_select(["name", "seen"], select(User.name, User.seen))
    ),
    "update": lambda s, b: s.execute(update(User).where(User.name == "Bob").values(email="z")),
    "update returning": lambda s, b: s.scalars(update(User).values(email="z").returning(User)).all(),
    "update keys": lambda s, b: s.execute(update(User), [{"id": b, "email": "z"}]),
    "update fetch": lambda s, b: s.execute(
        update(User).values(email="z"), execution_options={"synchronize_session": "fetch"}
    ),
    "delete": lambda s, b: s.execute(delete(User).where(User.id == b)),
    "query update": lambda s, b: s.query(User).filter(User.id == b).update({"email": "z"}),
    "query delete": lambda s, b: s.query(User).filter(User.id == b).delete(),
    "bulk save": lambda s, b: s.bulk_save_objects([User(name="x"), User(name="y")]),
    "bulk save with keys": lambda s, b: s.bulk_save_objects(
        [User(name="x"), User(name="y")], return_defaults=True
    ),
    "bulk insert": lambda s, b: s.bulk_insert_mappings(User, [{"name": "x"}, {"name": "y"}]),
    "bulk update": lambda s, b: s.bulk_update_mappings(User, [{"id": b, "email": "z"}]),
    "core insert": lambda s, b: s.connection().execute(
        User.__table__.insert(), [{"name": "x"}, {"name": "y"}]
    ),
    "core update": lambda s, b: s.connection().execute(User.__table__.update().values(email="z")),
    "core delete": lambda s, b: s.connection().execute(User.__table__.delete()),
    "core returning": lambda s, b: (
        s.connection()
        .execute(
            User.__table__.insert().returning(User.__table__.c.id, User.__table__.c.name),
            [{"name": "x"}, {"name": "y"}],
        )
        .all()
    ),
}


EXPECTED = {"insert one": 1, "insert select": 1}


@pytest.mark.parametrize("path", BULK)
def test_bulk(capture: Capture, engine: Engine, bob: int, path: str) -> None:
    """A statement on many rows is one entry a row, with the keys and names that the database gave them."""
    before = rows(engine)
    with Session(engine) as session, session.begin(), acting_as(BOB):
        BULK[path](session, bob)
    after, entries = rows(engine), waiting(engine)
    if "insert" in path or "save" in path or path == "core returning":
        assert len(entries) == EXPECTED.get(path, 2)
        assert {(int(e["target"]["id"]), e["target"]["name"]) for e in entries} == after - before
    else:
        verb = "deleted" if "delete" in path else "profile_updated"
        assert [(e["action"], e["target"]["id"]) for e in entries] == [(f"user.{verb}", str(bob))]
    assert {e["actor"]["id"] for e in entries} == {"u-42"}
    assert {tuple(e.get("fields", ())) for e in entries} <= {(), ("email",)}


def test_results_of_bulk_statements_are_the_hosts(capture: Capture, engine: Engine, bob: int) -> None:
    """The host gets rowcounts, keys and returned rows as without capture."""
    with engine.begin() as connection:
        people = User.__table__
        made = connection.execute(people.insert().values(name="x"))
        assert made.inserted_primary_key is not None
        changed = connection.execute(people.update().values(email="q"))
        assert changed.rowcount == 2
        told_ = connection.execute(people.update().values(phone="1").returning(people.c.id, people.c.name))
        assert sorted(told_.all()) == sorted([(bob, "Bob"), (made.inserted_primary_key[0], "x")])
        assert connection.execute(people.delete().where(people.c.id == -1)).rowcount == 0
    assert len(waiting(engine)) == 1 + 2 + 2


REFUSED = {
    "many keys": lambda c: c.execute(
        update(User.__table__).where(User.__table__.c.name > text(":n")).values(email="x"),
        [{"n": "a"}, {"n": "b"}],
    ),
    "returning too little": lambda c: c.execute(
        update(User.__table__).values(email="x").returning(literal(1))
    ),
    "prefix": lambda c: c.execute(insert(User.__table__).prefix_with("OR REPLACE").values(id=1, name="x")),
    "rest of a row": lambda c: c.execute(delete(Employee.__table__)),
}


@pytest.mark.parametrize("path", REFUSED)
def test_statements_that_cannot_be_known_are_refused(
    capture: Capture, engine: Engine, bob: int, path: str
) -> None:
    """A statement whose rows cannot be known exactly does not run."""
    with engine.begin() as connection, pytest.raises(UncapturedWriteError):
        REFUSED[path](connection)
    assert waiting_actions(engine) == []


def test_upserts(capture: Capture, engine: Engine, bob: int) -> None:
    """ON CONFLICT DO NOTHING tells what it inserted; DO UPDATE, which may be either, is refused."""
    made: Any = sqlite_insert if engine.dialect.name == "sqlite" else postgresql_insert
    known, new = {"id": bob, "name": "Bob", "seen": 0}, {"id": bob + 7, "name": "Eve", "seen": 0}
    with Session(engine) as session, session.begin():
        session.execute(made(User).on_conflict_do_nothing(), [known, new])
    assert waiting_actions(engine) == [("user.created", f"user/{bob + 7}")]
    with Session(engine) as session, session.begin(), pytest.raises(UncapturedWriteError):
        session.execute(made(User).on_conflict_do_update(index_elements=["id"], set_={"email": "x"}), [known])


def test_keys_that_the_host_makes(capture: Capture, engine: Engine) -> None:
    """Keys from a default in Python, or given, are known without asking the database."""
    with Session(engine) as session, session.begin():
        session.execute(insert(User), [{"id": 70, "name": "x"}, {"id": 71, "name": "y"}])
    assert waiting_actions(engine) == [("user.created", "user/70"), ("user.created", "user/71")]
