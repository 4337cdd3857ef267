"""Triggers: what they know of who acts, that they are as declared, and that they go when they are told to."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session
from tests.capture.conftest import Database
from tests.capture.small import ANNA, USER_ACTIONS, Base, Employee, User, capturing, waiting, waiting_actions

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
        assert len(triggers.remove_triggers(connection, tables, "acme")) == 11
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
        made = capture.track(User, type="user", name=lambda u: u.name, actions=USER_ACTIONS, by="triggers")
        with pytest.raises(ConfigurationError, match="callable"):
            triggers.triggers("sqlite", made, "acme")
        with engine.begin() as connection, pytest.raises(ConfigurationError, match="organisation"):
            triggers.install_triggers(connection, [made], capture.org)
        # The control: where hooks see every table, no trigger has to name it.
        with engine.begin() as connection:
            assert triggers.install_triggers(connection, [], capture.org) == []
            assert triggers.check_triggers(connection, [], capture.org) == []
    finally:
        capture.stop()
