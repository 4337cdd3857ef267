"""Triggers: what they know of who acts, that they are as declared, and that they go when they are told to."""

from collections.abc import Iterator

import pytest
from msgspec import structs
from sqlalchemy import JSON, Column, Engine, Integer, MetaData, Table, select, text, update
from sqlalchemy.exc import NotSupportedError
from sqlalchemy.orm import Session
from tests.capture.conftest import Database
from tests.capture.small import (
    ANNA,
    USER_ACTIONS,
    Base,
    Employee,
    User,
    capturing,
    forget,
    waiting,
    waiting_actions,
)

from trailbook import Log, operator
from trailbook.capture import Capture, acting_as, drain, triggers
from trailbook.capture.outbox_drain import Drained
from trailbook.errors import ConfigurationError


@pytest.fixture
def capture(engine: Engine) -> Iterator[Capture]:
    """The small host, its tables covered by triggers."""
    with capturing(engine, "triggers") as host_capture:
        yield host_capture


def test_what_an_entry_says(capture: Capture, engine: Engine, log: Log) -> None:
    """Names of fields, owner and context are as hooks would have them, and the log takes every entry."""
    with acting_as(ANNA, correlation="c"), Session(engine) as session, session.begin():
        session.add(User(name="Bob 'the' \"Li\""))
    with Session(engine) as session, session.begin():
        session.execute(update(User).values(email="x", phone="1"))
        session.execute(update(User).values(seen=9))
    created, changed = waiting(engine)
    assert (created["target"]["name"], created["actor"]["id"]) == ("Bob 'the' \"Li\"", "u-17")
    assert (created["correlation"], created["origin"]) == ("c", {"interface": "job"})
    assert (changed["fields"], changed["actor"]["kind"]) == (["email", "phone"], "system")
    assert drain(engine, log) == Drained(recorded=3)


def test_what_a_trigger_says_of_a_row_today(engine: Engine, log: Log) -> None:
    """The declared column tells namesakes apart; empty, it takes back what it said. The drain hands it on."""
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    host = Capture("acme")
    try:
        host.track(User, type="user", name="name", hint="email", actions=USER_ACTIONS, by="triggers")
        host.install(engine)
        with Session(engine) as session, session.begin():
            session.add(User(name="Bob", email="Field's south"))
        drain(engine, log)
        hints = [log.hints([("user", "1")], viewer=operator("acme"))]
        with Session(engine) as session, session.begin():
            session.execute(update(User).values(email=None))
        assert [entry["target"]["hint"] for entry in waiting(engine)] == [""]
        drain(engine, log)
        hints.append(log.hints([("user", "1")], viewer=operator("acme")))
    finally:
        host.stop()
    assert hints == [{("user", "1"): "Field's south"}, {}]


def test_nobody_inherits_a_context(capture: Capture, engine: Engine, database: Database) -> None:
    """A context ends with its transaction, however it ends: whoever writes next is not taken for the last user."""
    other = database.engine()
    with acting_as(ANNA), Session(engine) as session, session.begin():
        session.add(User(name="a"))
    with acting_as(ANNA), Session(engine) as session:
        session.add(User(name="gone"))
        session.flush()
        session.rollback()
    with acting_as(ANNA), Session(engine) as session, session.begin():
        session.add(User(name="b"))
        session.flush()
        with session.begin_nested() as savepoint:
            savepoint.rollback()
    with other.begin() as connection:  # a client that knows nothing of capture
        connection.execute(text("INSERT INTO app_user (name, seen) VALUES ('c', 0)"))
    other.dispose()
    who = {e["target"]["name"]: (e["actor"]["id"], e["origin"]["interface"]) for e in waiting(engine)}
    nobody = "database" if database.kind == "sqlite" else "database/postgres"
    assert who == {"a": ("u-17", "job"), "b": ("u-17", "job"), "c": (nobody, "database")}


def test_what_is_meant_folds(capture: Capture, engine: Engine) -> None:
    """Rows that triggers captured fold into what was meant in the same transaction, and into nothing else."""
    with acting_as(ANNA), Session(engine) as session, session.begin():
        bob = User(name="Bob")
        session.add(bob)
        session.flush()
        capture.record_change(session, bob, "user.invited")
        number = bob.id
    with Session(engine) as session, session.begin():
        session.get_one(User, number).email = "x"
    assert [e["action"] for e in waiting(engine)] == ["user.invited", "user.profile_updated"]


def test_they_are_as_declared(capture: Capture, engine: Engine) -> None:
    """A trigger that is missing, or of another declaration, is found; installing mends it, removing takes it away."""
    tables = capture.triggered()
    with engine.begin() as connection:
        assert triggers.check_triggers(connection, tables, "acme") == []
        assert {f.code for f in triggers.check_triggers(connection, tables, "other")} == {"trigger-differs"}
        gone = 'DROP TRIGGER "trailbook_role_created"'
        connection.execute(text(gone + ("" if engine.dialect.name == "sqlite" else " ON role")))
        assert [f.code for f in triggers.check_triggers(connection, tables, "acme")] == ["trigger-missing"]
        triggers.install_triggers(connection, tables, "acme")
        assert triggers.check_triggers(connection, tables, "acme") == []
        more = (
            3 * 2 + 2 + 1 if engine.dialect.name == "sqlite" else 4 + 1
        )  # REPLACE, or TRUNCATE; and of members
        assert len(triggers.remove_triggers(connection, tables, "acme")) == 11 + more
        connection.execute(text("INSERT INTO app_user (name, seen) VALUES ('unseen', 0)"))
    assert waiting_actions(engine) == []
    with Session(engine) as session:
        assert session.scalars(select(User.name)).all() == ["unseen"]


def test_what_a_database_cannot_do_is_refused(engine: Engine) -> None:
    """A callable in the declaration, an organisation that only rows name, a class in two tables: refused when said."""
    capture = Capture(lambda row: "acme")
    try:
        with pytest.raises(ConfigurationError, match="one table"):
            capture.track(Employee, type="user", actions=USER_ACTIONS, by="triggers")
        with pytest.raises(ConfigurationError, match=r"track\(app_user\): by: triggers need an organisation"):
            capture.track(User, type="user", name="name", actions=USER_ACTIONS, by="triggers")
        made = structs.replace(capture.track(User, type="user", actions=USER_ACTIONS), by="triggers")
        with engine.begin() as connection, pytest.raises(ConfigurationError, match="organisation"):
            triggers.install_triggers(connection, [made], capture.org)
        called = structs.replace(made, name=lambda user: user.name)
        with engine.begin() as connection, pytest.raises(ConfigurationError, match="callable"):
            triggers.install_triggers(connection, [called], "acme")
        # The control: where hooks see every table, no trigger has to name it.
        with engine.begin() as connection:
            assert triggers.install_triggers(connection, [], capture.org) == []
            assert triggers.check_triggers(connection, [], capture.org) == []
    finally:
        capture.stop()


def test_a_changed_key_is_two_facts(engine: Engine) -> None:
    """The old item ends and the new one begins, each where it is told; what changes beside it is neither."""
    with capturing(engine, "triggers"):
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO app_user (id, name, seen) VALUES (1, 'Bob', 0), (2, 'Eve', 0)")
            )
            connection.execute(text("INSERT INTO role (id, name) VALUES (7, 'Manager')"))
            connection.execute(text("INSERT INTO role_member (role_id, user_id) VALUES (7, 1)"))
        forget(engine)
        with engine.begin() as connection:
            connection.execute(text("UPDATE role_member SET user_id = 2"))
            connection.execute(text("UPDATE app_user SET id = 3, email = 'x' WHERE id = 1"))
            connection.execute(text("UPDATE app_user SET seen = 1"))
        assert [(e["action"], e["target"]["id"]) for e in waiting(engine)] == [
            ("role.unassigned", "7"),
            ("role.assigned", "7"),
            ("user.deleted", "1"),
            ("user.created", "3"),
        ]
        about = [e["concerns"][0]["id"] for e in waiting(engine) if "concerns" in e]
        assert about == ["1", "2"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_truncate_is_refused(capture: Capture, engine: Engine) -> None:
    """It fires no trigger of rows, so that it is refused, and says what to do; removed with the others it is free."""
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO app_user (name, seen) VALUES ('Bob', 0)"))
    with (
        pytest.raises(NotSupportedError, match=r"TRUNCATE of app_user .* use DELETE"),
        engine.begin() as connection,
    ):
        connection.execute(text("TRUNCATE app_user, absence, role_member"))
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM app_user")).scalar() == 1
        connection.execute(text("ALTER TABLE app_user DISABLE TRIGGER trailbook_app_user_truncated"))
        spots = triggers.check_triggers(connection, capture.triggered(), "acme")
        assert [(spot.table, spot.code) for spot in spots] == [("app_user", "trigger-missing")]
        triggers.remove_triggers(connection, capture.triggered(), "acme")
        connection.execute(text("TRUNCATE app_user, absence, role_member"))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_type_without_equality_and_a_table_in_the_way(engine: Engine) -> None:
    """JSON has no `=`; and a client's own temporary table does not take what belongs into the outbox."""
    meta = MetaData()
    note = Table(
        "note", meta, Column("id", Integer, primary_key=True), Column("content", JSON(), nullable=False)
    )
    meta.create_all(engine)
    host = Capture("acme")
    try:
        host.track(note, type="user", actions=USER_ACTIONS, by="triggers")
        host.install(engine)
        forget(engine)
        with engine.begin() as connection:
            connection.execute(
                text("CREATE TEMPORARY TABLE trailbook_outbox (LIKE trailbook_outbox INCLUDING ALL)")
            )
            connection.execute(text("INSERT INTO note (id, content) VALUES (1, '[1]')"))
            connection.execute(text("UPDATE note SET content = '[1]'"))
            connection.execute(text("UPDATE note SET content = '[2]'"))
        engine.dispose()
        assert [e["action"] for e in waiting(engine)] == ["user.created", "user.profile_updated"]
    finally:
        host.stop()
