"""Capture: what is meant is recorded in the host's transaction, from rows of any organisation, awaited or not."""

import asyncio

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from tests.capture.conftest import Database
from tests.capture.small import (
    ANNA,
    BOB,
    Absence,
    Base,
    Role,
    Setting,
    User,
    capturing,
    declare,
    item,
    people,
    waiting,
    waiting_actions,
)

from trailbook.capture import Bounds, Capture, acting_as, outbox
from trailbook.capture.database import database_of
from trailbook.errors import ConfigurationError, OutboxFullError
from trailbook.model import Actor, Item


def test_what_is_meant_begins_a_transaction(capture: Capture, engine: Engine) -> None:
    """On a connection that has done nothing yet, an entry alone is committed, or rolled back, as a row would be."""
    with engine.connect() as connection:
        capture.record(connection, "role.created", target=item("role", 1, "Manager"))
        connection.rollback()
        assert waiting(engine) == []
        capture.record(connection, "role.created", target=item("role", 2, "Reader"))
        connection.commit()
    assert len(waiting(engine)) == 1


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
    assert waiting_actions(engine) == [("absence.requested", f"absence/{number}")]
    with Session(engine) as session, pytest.raises(ConfigurationError, match="not tracked"):
        capture.record_change(session, Setting(id=1, value="x"), "setting.updated")


def test_on_failure_is_the_hosts(engine: Engine) -> None:
    """The host sets a category's or an action's policy; a name or a policy that does not exist is refused."""
    with capturing(
        engine, bounds=Bounds(outbox=1, every=0), on_failure={"roles": "spool", "user.created": "refuse"}
    ):
        with Session(engine) as session, session.begin():
            session.add(Role(name="R"))
        with Session(engine) as session:
            session.add(User(name="refused"))
            with pytest.raises(OutboxFullError):
                session.flush()
    with pytest.raises(ConfigurationError, match="rolls"):
        Capture("acme", on_failure={"rolls": "spool"})
    with pytest.raises(ConfigurationError, match="refuse or spool"):
        Capture("acme", on_failure={"roles": "ignore"})  # type: ignore[dict-item]


CARA = Item(type="user", id="u-9", name="Cara")


def test_awaited_sessions(database: Database) -> None:
    """An awaited session's unit of work, bulk and what is meant are captured as any other, each task with its actor."""
    engine = create_async_engine(database.awaited)
    capture = declare(Capture("acme"))

    async def write(actor: Actor, name: str) -> None:
        async with AsyncSession(engine) as session, session.begin():
            with acting_as(actor):
                session.add(User(name=name))
                await session.flush()
                await session.run_sync(capture.record, "user.invited", target=CARA)

    async def whole() -> None:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await capture.install_async(engine)
        await write(ANNA, "a")
        await write(BOB, "b")
        async with AsyncSession(engine) as session:
            session.add(User(name="gone"))
            await session.flush()
            await session.rollback()
        await capture.leave_async(engine)
        await engine.dispose()

    try:
        asyncio.run(whole())
    finally:
        capture.stop()
    waited = database.engine()
    entries = [(e["action"], e["actor"]["id"]) for e in waiting(waited)]
    assert entries == [
        ("user.created", "u-17"),
        ("user.invited", "u-17"),
        ("user.created", "u-42"),
        ("user.invited", "u-42"),
    ]
    assert len(waiting_actions(waited)) == 4
    waited.dispose()


def test_rows_may_name_their_organisation(engine: Engine) -> None:
    """A callable finds the organisation of each row, and its entry is that one's; of capture itself nothing is said."""
    Base.metadata.create_all(engine)
    capture = declare(Capture(lambda row: f"of-{row.name}" if hasattr(row, "name") else "acme"))
    try:
        capture.install(engine)
        people(engine, "a", "b")
    finally:
        capture.stop()
    with database_of(engine).connect() as connection:
        assert [(row.org, row.op) for row in outbox.page(connection, 10)] == [
            ("of-a", "created"),
            ("of-b", "created"),
        ]
