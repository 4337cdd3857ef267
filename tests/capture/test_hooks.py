"""Hooks: every write of a SQLAlchemy host is captured once with its commit, or refused (F26, R12)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    column,
    create_engine,
    delete,
    event,
    func,
    insert,
    literal,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Session
from tests.capture.small import (
    ANNA,
    BOB,
    Absence,
    Employee,
    Guest,
    Role,
    Setting,
    User,
    capturing,
    item,
    members,
    told,
    waiting,
)

from trailbook.capture import Capture, acting_as, recorded_as
from trailbook.capture.sqlalchemy.checks import CaptureWarning
from trailbook.errors import ConfigurationError, UncapturedWriteError


@pytest.fixture
def capture(engine: Engine) -> Iterator[Capture]:
    """The small host, captured."""
    with capturing(engine) as found:
        yield found


@pytest.fixture
def bob(capture: Capture, engine: Engine) -> int:
    """Bob is there, and what told so is gone."""
    with Session(engine) as session, session.begin():
        bob = User(name="Bob", email="bob@host.test")
        session.add(bob)
        session.flush()
        number = bob.id
    forget(engine)
    return number


def forget(engine: Engine) -> None:
    """Empty the outbox."""
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM trailbook_outbox"))


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
        found = session.get_one(User, bob)
        found.email = "bob@host.test"
        found.seen += 1
    with Session(engine) as session, session.begin():
        session.execute(update(User).values(seen=7))
    assert told(engine) == []


def test_relationships(capture: Capture, engine: Engine, bob: int) -> None:
    """Owners, an association, an orphan and a cascade: each row once, about its person."""
    with Session(engine) as session, session.begin():
        found = session.get_one(User, bob)
        role = Role(name="Manager")
        found.absences = [Absence(start="a"), Absence(start="b")]
        found.roles.append(role)
    entries = waiting(engine)
    about = {(e["action"], c["part"], c["id"]) for e in entries for c in e.get("concerns", ())}
    assert about == {("absence.registered", "owner", str(bob)), ("role.assigned", "member", str(bob))}
    assert sorted(e["action"] for e in entries) == ["absence.registered"] * 2 + [
        "role.assigned",
        "role.created",
    ]
    forget(engine)
    with Session(engine) as session, session.begin():
        found = session.get_one(User, bob)
        found.absences.pop()
        found.roles.clear()
    assert sorted(action for action, _ in told(engine)) == ["absence.deleted", "role.unassigned"]
    forget(engine)
    with Session(engine) as session, session.begin():
        session.delete(session.get_one(User, bob))
    assert sorted(action for action, _ in told(engine)) == ["absence.deleted", "user.deleted"]


def test_rollback_and_savepoints(capture: Capture, engine: Engine) -> None:
    """What is rolled back, as a whole or to a savepoint, leaves nothing; what stays is there once."""
    with Session(engine) as session:
        session.add(User(name="Gone"))
        session.flush()
        session.rollback()
        session.add(User(name="Kept"))
        session.flush()
        with session.begin_nested() as savepoint:
            session.add(User(name="Gone too"))
            session.flush()
            savepoint.rollback()
        with session.begin_nested():
            session.add(User(name="Kept too"))
        session.commit()
    assert [e["target"]["name"] for e in waiting(engine)] == ["Kept", "Kept too"]


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


def rows(engine: Engine) -> set[tuple[int, str]]:
    """The people in the host's table."""
    with Session(engine) as session:
        return {(row.id, row.name) for row in session.execute(select(User.id, User.name))}


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


def test_inheritance(capture: Capture, engine: Engine) -> None:
    """A joined class is one entry though it is two rows; a class that is not tracked is none."""
    with Session(engine) as session, session.begin():
        session.add_all([Employee(name="Eve", title="x"), Guest(name="Gus")])
    with Session(engine) as session, session.begin():
        session.execute(insert(Employee), [{"name": "Ada", "title": "y"}, {"name": "Bea", "title": "z"}])
        session.execute(update(Employee).values(title="w"))
    actions = [e["action"] for e in waiting(engine)]
    assert actions == ["user.created"] * 3 + ["user.profile_updated"] * 3
    assert {tuple(e.get("fields", ())) for e in waiting(engine)[3:]} == {("job_title",)}


TEXTS = [
    "UPDATE app_user SET email = 'x'",
    "INSERT INTO app_user (name, seen) VALUES ('x', 0)",
    'DELETE FROM "app_user" WHERE id > 0',
    "/* harmless */ delete from app_user",
    "SELECT 1; DELETE FROM app_user",
    "WITH old AS (SELECT id FROM app_user) DELETE FROM app_user WHERE id IN (SELECT id FROM old)",
    "EXPLAIN UPDATE app_user SET email = 'x'",
    "REPLACE INTO app_user (id, name, seen) VALUES (1, 'x', 0)",
    "TRUNCATE TABLE app_user",
    "COPY app_user FROM '/nowhere'",
    "CALL something()",
    "DO $$ BEGIN DELETE FROM app_user; END $$",
]


@pytest.mark.parametrize("statement", TEXTS)
@pytest.mark.parametrize("way", ["text", "driver"])
def test_text_is_refused(capture: Capture, engine: Engine, bob: int, statement: str, way: str) -> None:
    """Text that writes to a tracked table does not run, and the row is as it was."""
    with engine.connect() as connection:
        run = connection.exec_driver_sql if way == "driver" else lambda given: connection.execute(text(given))
        with pytest.raises(UncapturedWriteError, match="recorded_as"):
            run(statement)
    assert rows(engine) == {(bob, "Bob")}
    assert told(engine) == []


def test_text_elsewhere_is_let_through(capture: Capture, engine: Engine, bob: int) -> None:
    """The control: reading a tracked table, and writing to another one, is nobody's business."""
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO plain_setting (id, value) VALUES (1, 'update app_user')"))
        connection.execute(text("UPDATE plain_setting SET value = 'DELETE FROM app_user'"))
        assert connection.execute(text("SELECT name FROM app_user -- delete from app_user")).all() == [
            ("Bob",)
        ]
    with Session(engine) as session, session.begin():
        session.add(Setting(id=2, value="x"))
        session.execute(update(Setting).values(value="y"))
    assert told(engine) == []


def test_text_in_words_is_recorded(capture: Capture, engine: Engine, bob: int) -> None:
    """What a host says a text means is recorded with it, once, and not when no row was touched."""
    with Session(engine) as session, session.begin(), acting_as(ANNA):
        with recorded_as("user.deactivated", target=item("user", bob, "Bob"), fields=["status"]):
            session.execute(text("UPDATE app_user SET email = NULL WHERE id = -1"))
        assert told(engine) == []
        with recorded_as("user.deactivated", target=item("user", bob, "Bob"), fields=["status"]):
            session.execute(text("UPDATE app_user SET email = NULL"))
            session.execute(update(User).values(phone=None))
    assert told(engine) == [("user.deactivated", f"user/{bob}")]


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
    assert told(engine) == []


def test_upserts(capture: Capture, engine: Engine, bob: int) -> None:
    """ON CONFLICT DO NOTHING tells what it inserted; DO UPDATE, which may be either, is refused."""
    made: Any = sqlite_insert if engine.dialect.name == "sqlite" else postgresql_insert
    known, new = {"id": bob, "name": "Bob", "seen": 0}, {"id": bob + 7, "name": "Eve", "seen": 0}
    with Session(engine) as session, session.begin():
        session.execute(made(User).on_conflict_do_nothing(), [known, new])
    assert told(engine) == [("user.created", f"user/{bob + 7}")]
    with Session(engine) as session, session.begin(), pytest.raises(UncapturedWriteError):
        session.execute(made(User).on_conflict_do_update(index_elements=["id"], set_={"email": "x"}), [known])


def test_autocommit_is_refused(capture: Capture, engine: Engine, bob: int) -> None:
    """Without a transaction an entry and its change could part: the write does not happen."""
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection, pytest.raises(UncapturedWriteError, match="autocommit"):
        connection.execute(update(User).values(email="x"))
    with Session(alone) as session:
        session.get_one(User, bob).email = "x"
        with pytest.raises(UncapturedWriteError, match="autocommit"):
            session.flush()
    with Session(engine) as session:
        assert session.get_one(User, bob).email == "bob@host.test"


def test_an_engine_without_capture_is_refused(capture: Capture, engine: Engine, bob: int) -> None:
    """Several databases: each has its own outbox, and one without is not written by accident."""
    other = create_engine(engine.url)
    with Session(other) as session:
        session.add(User(name="x"))
        with pytest.raises(UncapturedWriteError, match="install"):
            session.flush()
    with other.begin() as connection, pytest.raises(UncapturedWriteError, match="install"):
        connection.execute(delete(User))
    other.dispose()
    assert rows(engine) == {(bob, "Bob")}


def test_an_outbox_that_cannot_be_written(capture: Capture, engine: Engine, bob: int) -> None:
    """The host hears it as its own statement's failure, without a value in it, and nothing is committed."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE trailbook_outbox RENAME TO elsewhere"))
    with Session(engine) as session:
        session.add(User(name="Eve", email="eve@host.test"))
        with pytest.raises((OperationalError, ProgrammingError), match="trailbook_outbox") as told:
            session.flush()
        assert not told.value.connection_invalidated
        assert "Eve" not in str(told.value)
    assert rows(engine) == {(bob, "Bob")}
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO trailbook_outbox"))
    with Session(engine) as session, session.begin():  # the control
        session.add(User(name="Eve", email="eve@host.test"))
    assert len(rows(engine)) == len(waiting(engine)) + 1 == 2


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # a file does not go away
def test_a_connection_that_is_lost_before_its_entry(capture: Capture, engine: Engine, bob: int) -> None:
    """A server that goes away between the row and its entry: the connection is given up, and the next one works."""
    other = create_engine(engine.url)

    @event.listens_for(engine, "after_cursor_execute")
    def cut(connection: Connection, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith("INSERT INTO app_user"):
            ours = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            with other.begin() as killing:
                killing.execute(select(func.pg_terminate_backend(ours, 5000)))

    with Session(engine) as session:
        session.add(User(name="Eve"))
        with pytest.raises(OperationalError) as told:
            session.flush()
        assert told.value.connection_invalidated
    event.remove(engine, "after_cursor_execute", cut)
    other.dispose()
    with Session(engine) as session, session.begin():
        session.add(User(name="Eva"))
    assert {name for _, name in rows(engine)} == {"Bob", "Eva"}
    assert len(waiting(engine)) == 1


def test_what_is_meant_begins_a_transaction(capture: Capture, engine: Engine) -> None:
    """On a connection that has done nothing yet, an entry alone is committed, or rolled back, as a row would be."""
    with engine.connect() as connection:
        capture.record(connection, "role.created", target=item("role", 1, "Manager"))
        connection.rollback()
        assert waiting(engine) == []
        capture.record(connection, "role.created", target=item("role", 2, "Reader"))
        connection.commit()
    assert len(waiting(engine)) == 1


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


def test_record_change(capture: Capture, engine: Engine, bob: int) -> None:
    """The declaration gives target, name and owner; the row folds in; a savepoint takes both back."""
    with Session(engine) as session, session.begin():
        absence = Absence(user_id=bob, start="a")
        session.add(absence)
        capture.record_change(session, absence, "absence.requested")
        with session.begin_nested() as savepoint:
            absence.start = "b"
            capture.record_change(session, absence, "absence.approved")
            savepoint.rollback()
        number = absence.id
    assert told(engine) == [("absence.requested", f"absence/{number}")]
    with Session(engine) as session, pytest.raises(ConfigurationError, match="not tracked"):
        capture.record_change(session, Setting(id=1, value="x"), "setting.updated")


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


def test_a_blind_spot_is_told_at_the_start(engine: Engine) -> None:
    """What the database deletes by itself hooks cannot see: capture says so when it begins."""
    capture = Capture("acme")
    capture.track(
        cascading(), type="user", actions={"created": "user.created", "updated": None, "deleted": None}
    )
    with pytest.warns(CaptureWarning, match="triggers only"):
        found = capture.install(engine)
    capture.stop()
    assert [(f.table, f.code) for f in found] == [("child", "cascade-in-database")]


def cascading() -> Any:
    """A table whose rows the database deletes when their parent goes."""
    from_base = members.metadata.__class__()
    parent = members.metadata.tables["role"].to_metadata(from_base)
    column = type(parent.c.id)
    key = members.c.role_id.foreign_keys.copy().pop()
    foreign = type(key)("role.id", ondelete="CASCADE")
    integer = parent.c.id.type
    return type(parent)("child", from_base, column("id", integer, primary_key=True), column("role", foreign))


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


def test_an_expression_of_sql(capture: Capture, engine: Engine, bob: int) -> None:
    """An attribute set to an expression, which the session forgets when it is written, is named all the same."""
    with Session(engine) as session, session.begin():
        session.get_one(User, bob).email = func.upper("x")
    assert [e["fields"] for e in waiting(engine)] == [["email"]]


def test_statements_inside_a_flush(capture: Capture, engine: Engine, bob: int) -> None:
    """What a host's own listener executes during a flush is captured as well, and another session's flush apart."""

    def listen(mapper: Any, connection: Any, found: Any) -> None:
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
    found = sorted((e["action"], e["target"].get("name", "")) for e in waiting(engine))
    assert found == [
        ("absence.registered", ""),
        ("role.created", "Inner"),
        ("user.created", "Outer"),
        ("user.profile_updated", "Bob"),
    ]


def test_a_second_class_on_a_tracked_table(capture: Capture, engine: Engine, bob: int) -> None:
    """A class that was not declared, mapped to a tracked table, is captured by its statements."""

    class Also(DeclarativeBase):
        """Another base."""

    class Twin(Also):
        """The same rows."""

        __table__ = User.__table__

    with Session(engine) as session, session.begin():
        session.add(Twin(name="Twin"))
        session.get_one(Twin, bob).email = "x"
    assert sorted(e["action"] for e in waiting(engine)) == ["user.created", "user.profile_updated"]


def test_a_second_table_of_the_same_name_is_refused(capture: Capture, engine: Engine, bob: int) -> None:
    """A table object that was not declared, with a tracked table's name, is not written past capture."""
    for other in (table("app_user", column("email")), User.__table__.to_metadata(MetaData())):
        with engine.begin() as connection, pytest.raises(UncapturedWriteError, match="another Table"):
            connection.execute(update(other).values(email="x"))
    assert rows(engine) == {(bob, "Bob")}


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


def test_keys_that_the_host_makes(capture: Capture, engine: Engine) -> None:
    """Keys from a default in Python, or given, are known without asking the database."""
    with Session(engine) as session, session.begin():
        session.execute(insert(User), [{"id": 70, "name": "x"}, {"id": 71, "name": "y"}])
    assert told(engine) == [("user.created", "user/70"), ("user.created", "user/71")]
