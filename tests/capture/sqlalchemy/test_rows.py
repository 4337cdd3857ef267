"""From a statement to its rows: each touched row is one entry, or the statement does not run."""

from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session
from tests.capture.small import (
    BOB,
    Absence,
    Base,
    Employee,
    Role,
    User,
    forget,
    rows,
    waiting,
    waiting_actions,
)

from trailbook.capture import Capture, acting_as
from trailbook.errors import UncapturedWriteError

PEOPLE: Any = User.__table__
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


@pytest.mark.parametrize("prefix", ["/* from the roster */", "/* a */ /* b */"])
def test_a_comment_as_prefix(capture: Capture, engine: Engine, bob: int, prefix: str) -> None:
    """A comment changes nothing of what a statement does, and is left in it."""
    with engine.begin() as connection:
        changed = connection.execute(update(User).prefix_with(prefix).values(email="x"))
        assert prefix in changed.context.statement
    assert waiting_actions(engine) == [("user.profile_updated", f"user/{bob}")]


@pytest.mark.parametrize(
    "prefix", ["/* a", "/* a */ OR REPLACE", "/* a */ -- b", "-- a\n", "OR /* a */ IGNORE"]
)
def test_a_prefix_that_is_no_comment(capture: Capture, engine: Engine, bob: int, prefix: str) -> None:
    """More than a comment, or one that does not end before the statement goes on, is refused."""
    with engine.begin() as connection, pytest.raises(UncapturedWriteError, match="its prefix"):
        connection.execute(update(User).prefix_with(prefix).values(email="x"))


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


OWN = {
    "defaults": lambda: (PEOPLE.update().values(email="x").return_defaults(), {}),
    "named defaults": lambda: (PEOPLE.update().values(email="x").return_defaults(PEOPLE.c.phone), {}),
    "parameters": lambda: (PEOPLE.update().values(name=bindparam("new")), {"new": "Bob"}),
    "ordered": lambda: (PEOPLE.update().ordered_values((PEOPLE.c.email, "x"), (PEOPLE.c.name, "Bob")), {}),
}


@pytest.mark.parametrize("way", OWN)
def test_parameters_and_defaults_of_the_hosts_own(
    capture: Capture, engine: Engine, bob: int, way: str
) -> None:
    """What the host names its parameters, and what it has returned itself, changes nothing of what is captured."""
    statement, parameters = OWN[way]()
    with engine.begin() as connection:
        assert connection.execute(statement, parameters).rowcount == 1
    assert [(e["target"]["id"], e["target"]["name"]) for e in waiting(engine)] == [(str(bob), "Bob")]


MOVES = {
    "all": lambda: update(User).values(id=User.id + 10),
    "one": lambda: update(User).where(User.name == "Eve").values(id=90, email="x"),
    "by parameters": lambda: PEOPLE.update().where(PEOPLE.c.id == 70).values(id=71),
    "to what it was": lambda: PEOPLE.update().where(PEOPLE.c.id == 70).values(id=70, email="x"),
    "returned": lambda: update(User).where(User.id == 70).values(id=72).returning(User),
    "to no row": lambda: update(User).where(User.id == -1).values(id=72),
}


@pytest.mark.parametrize("way", MOVES)
def test_a_changed_key_is_two_facts(capture: Capture, engine: Engine, bob: int, way: str) -> None:
    """Of each row whose key a statement changes the old item ends and the new one begins, and no other is told of."""
    with Session(engine) as session, session.begin():
        session.add(User(id=70, name="Eve"))
    forget(engine)
    before = rows(engine)
    with Session(engine) as session, session.begin():
        session.execute(MOVES[way]())
    after = rows(engine)
    ended = {("user.deleted", f"user/{key}") for key, _ in before - after}
    begun = {("user.created", f"user/{key}") for key, _ in after - before}
    same = {("user.profile_updated", "user/70")} if way == "to what it was" else set()
    assert waiting_actions(engine) == sorted(ended | begun | same)


def test_keys_that_cannot_be_known_are_refused(capture: Capture, engine: Engine, bob: int) -> None:
    """A key is not changed where the rows are found through another table, or by many parameters that ask for it."""
    other = update(User).values(id=User.id + 1).where(User.id == Absence.user_id)
    many = PEOPLE.update().where(PEOPLE.c.id == bindparam("b")).values(id=bindparam("n"))
    with engine.begin() as connection:
        with pytest.raises(UncapturedWriteError, match="cannot be known exactly"):
            connection.execute(other)
        with pytest.raises(UncapturedWriteError, match="what its condition asks for"):
            connection.execute(many, [{"b": bob, "n": 7}, {"b": 7, "n": 8}])
    assert rows(engine) == {(bob, "Bob")}
    assert waiting_actions(engine) == []


def test_one_key_in_many_parameter_sets(capture: Capture, engine: Engine, bob: int) -> None:
    """A row that is named over and over is one entry, changed or deleted, however many sets there are."""
    by_key = PEOPLE.c.id == bindparam("b")
    sets = [{"b": bob}, {"b": -1}] * 300
    with engine.begin() as connection:
        connection.execute(PEOPLE.update().where(by_key).values(email="x"), sets)
        connection.execute(PEOPLE.delete().where(by_key), sets)
    assert [e["action"] for e in waiting(engine)] == ["user.profile_updated", "user.deleted"]


def test_a_table_that_returns_nothing(engine: Engine) -> None:
    """Without RETURNING an INSERT is captured if all that its entry needs is given, and else does not run."""
    meta = MetaData()
    table = Table(
        "quiet",
        meta,
        Column("id", Integer, primary_key=True),
        Column("name", String),
        implicit_returning=False,
    )
    meta.create_all(engine)
    quiet = Capture("acme")
    actions: Any = {"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"}
    quiet.track(table, type="role", name="name", actions=actions)
    try:
        quiet.install(engine)
        with engine.begin() as connection:
            connection.execute(table.insert().values(id=1, name="a"))
            connection.execute(table.insert(), [{"id": 2, "name": "b"}, {"id": 3, "name": "c"}])
            for statement in (
                table.insert().values(id=4),
                table.insert().values(id=4, name=func.upper("a")),
                table.update().values(name="x"),
                table.delete(),
            ):
                with pytest.raises(UncapturedWriteError):
                    connection.execute(statement)
    finally:
        quiet.stop()
    assert [e["target"]["name"] for e in waiting(engine)] == ["a", "b", "c"]


def test_silence_hides_no_other_fact(engine: Engine) -> None:
    """Where a kind of change is silent on purpose, a statement that may do another kind is judged by that."""
    Base.metadata.create_all(engine)
    silent = Capture("acme")
    silent.track(
        Role,
        type="role",
        name="name",
        actions={"created": None, "updated": "role.updated", "deleted": "role.deleted"},
    )
    made: Any = sqlite_insert if engine.dialect.name == "sqlite" else postgresql_insert
    try:
        silent.install(engine)
        with engine.begin() as connection:
            connection.execute(made(Role).values(id=1, name="a"))
            upsert = made(Role).values(id=1, name="b")
            with pytest.raises(UncapturedWriteError):
                connection.execute(upsert.on_conflict_do_update(index_elements=["id"], set_={"name": "b"}))
            with pytest.raises(UncapturedWriteError):
                connection.execute(insert(Role).prefix_with("OR REPLACE").values(id=1, name="b"))
            connection.execute(update(Role).values(id=2))
    finally:
        silent.stop()
    assert waiting_actions(engine) == [("role.deleted", "role/1")]


def test_a_key_that_names_no_item(engine: Engine) -> None:
    """Of an item that is named by another column than the key, a new key is a change, and a new name another item."""
    meta = MetaData()
    columns = [Column("id", Integer, primary_key=True), Column("code", String), Column("name", String)]
    coded = Table("coded", meta, *columns)
    meta.create_all(engine)
    capture = Capture("acme")
    actions: Any = {"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"}
    capture.track(coded, type="role", id="code", name="name", actions=actions)
    try:
        capture.install(engine)
        with engine.begin() as connection:
            connection.execute(
                coded.insert(), [{"id": n, "code": c, "name": c} for n, c in ((1, "a"), (2, "b"))]
            )
        forget(engine)
        with engine.begin() as connection:
            connection.execute(coded.update().values(id=coded.c.id + 10))
            connection.execute(coded.update().where(coded.c.id == 11).values(code="c"))
            connection.execute(coded.update().where(coded.c.id == 12).values(id=1, code=coded.c.code))
    finally:
        capture.stop()
    expected = [("role.updated", "role/a"), ("role.updated", "role/b"), ("role.updated", "role/b")]
    assert waiting_actions(engine) == sorted(
        [*expected, ("role.deleted", "role/a"), ("role.created", "role/c")]
    )
