"""The guard: whatever made a text, a tracked table is written by what capture understands, or not at all."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Update
from tests.capture.conftest import Database
from tests.capture.small import (
    ANNA,
    Setting,
    User,
    capturing,
    item,
    people,
    rows,
    waiting,
    waiting_actions,
)

from trailbook.capture import Capture, acting_as, recorded_as
from trailbook.capture.sqlalchemy.rollback import doom
from trailbook.errors import ConfigurationError, UncapturedWriteError

USERS: Any = User.__table__
ONE_MORE = "UPDATE app_user SET email = 'x'"


class Twice(Update):
    """A host's own UPDATE, which its compiler makes into another."""

    inherit_cache = False
    made = "{}"


@compiles(Twice)
def _twice(element: Twice, compiler: Any, **more: Any) -> str:
    return element.made.format(compiler.visit_update(element, **more))


@pytest.mark.parametrize(
    "made",
    [
        "{}; DELETE FROM app_user",
        "DELETE FROM app_user",
        "UPDATE OR REPLACE app_user SET id = 1",
        "MYSTERY {}",
    ],
)
def test_a_statement_that_is_not_as_planned(capture: Capture, engine: Engine, bob: int, made: str) -> None:
    """A plan is for one plain write: what a host's own compiler makes of it otherwise does not run."""
    statement = Twice(USERS).values(email="x")
    statement.made = made
    with engine.begin() as connection, pytest.raises(UncapturedWriteError, match=r"app_user|cannot be told"):
        connection.execute(statement)
    statement.made = "{}"
    with engine.begin() as connection:  # the control
        connection.execute(statement)
    assert waiting_actions(engine) == [("user.profile_updated", f"user/{bob}")]


def test_a_second_write_in_a_select(capture: Capture, engine: Engine, bob: int) -> None:
    """Suffixes, prefixes and CTEs that write are seen, whichever statement they stand in."""
    suffixed = select(Setting.id).suffix_with(f"; {ONE_MORE}")
    changed = update(User).values(email="x").returning(USERS.c.name).cte("changed")
    with_cte: list[Any] = [
        select(changed.c.name),
        insert(Setting).from_select(["value"], select(changed.c.name)),
        insert(User).from_select(["name"], select(changed.c.name)),
    ]
    for statement in (suffixed, *with_cte):
        with engine.begin() as connection, pytest.raises(UncapturedWriteError):
            connection.execute(statement)
    assert waiting_actions(engine) == []
    assert rows(engine) == {(bob, "Bob")}


def test_a_listener_has_the_last_word(capture: Capture, engine: Engine, bob: int) -> None:
    """A listener that was added after capture and writes elsewhere is judged by what it hands on."""

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def listen(connection: Any, cursor: Any, statement: str, parameters: Any, *more: Any) -> tuple[str, Any]:
        return statement.replace("SELECT 1", ONE_MORE), parameters

    with engine.begin() as connection, pytest.raises(UncapturedWriteError):
        connection.exec_driver_sql("SELECT 1")
    with engine.begin() as connection:  # the control
        assert connection.exec_driver_sql("SELECT 2").scalar() == 2
    event.remove(engine, "before_cursor_execute", listen)


def test_a_refusal_dooms_nothing(capture: Capture, engine: Engine, bob: int) -> None:
    """What was refused before it ran leaves the transaction as it was: the rest of it is committed."""
    with Session(engine) as session, session.begin():
        session.add(User(name="Eve"))
        with pytest.raises(UncapturedWriteError):
            session.execute(text(ONE_MORE))
    assert {name for _, name in rows(engine)} == {"Bob", "Eve"}
    assert [action for action, _ in waiting_actions(engine)] == ["user.created"]


def test_text_cannot_commit_what_is_doomed(capture: Capture, engine: Engine, bob: int) -> None:
    """A transaction whose entry could not be written is not committed by COMMIT as text either."""
    with engine.connect() as connection:
        connection.execute(update(User).values(email="x"))
        doom(connection)
        for statement in ("COMMIT", "end", "RELEASE SAVEPOINT x"):
            with pytest.raises(UncapturedWriteError, match="rolled back"):
                connection.execute(text(statement))
        connection.rollback()
        connection.execute(text("SELECT 1"))
    assert waiting_actions(engine) == []


def test_a_count_that_differs_is_not_committed(engine: Engine, database: Database) -> None:
    """Where the database says that it touched other rows than those captured, nothing is committed."""
    quiet = {
        "sqlite": "CREATE TRIGGER quiet BEFORE INSERT ON app_user WHEN NEW.name = 'x' BEGIN SELECT RAISE(IGNORE); END",
        "postgresql": "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name = 'x' THEN"
        " RETURN NULL; END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER quiet BEFORE INSERT ON app_user FOR EACH ROW EXECUTE FUNCTION quiet()",
    }
    with capturing(engine):
        with engine.begin() as connection:
            connection.exec_driver_sql(quiet[database.kind])
        two = [{"id": 70, "name": "x"}, {"id": 71, "name": "y"}]
        with engine.connect() as connection:
            with pytest.raises(UncapturedWriteError, match="1"):
                connection.execute(insert(USERS), two)
            with pytest.raises(UncapturedWriteError, match="rolled back"):
                connection.commit()
        with Session(engine) as session:
            session.add_all([User(id=72, name="x"), User(id=73, name="y")])
            with pytest.raises(UncapturedWriteError, match="insert of 2 rows touched 1"):
                session.commit()
        assert waiting_actions(engine) == []
        with engine.begin() as connection:  # the control
            connection.execute(insert(USERS), [{"id": 71, "name": "y"}])
        assert waiting_actions(engine) == [("user.created", "user/71")]
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER quiet" + (" ON app_user" * (database.kind != "sqlite")))


def test_an_object_that_is_gone_already(capture: Capture, engine: Engine, bob: int) -> None:
    """Two sessions that delete one row: the second, whose DELETE touches none, is not told as a deletion."""
    with Session(engine) as first, Session(engine) as second:
        mine, theirs = first.get_one(User, bob), second.get_one(User, bob)
        second.expunge(theirs)
        first.delete(mine)
        first.commit()
    with Session(engine) as second:
        second.add(theirs)
        second.delete(theirs)
        with (
            pytest.raises(UncapturedWriteError, match="delete of 1 rows touched 0"),
            pytest.warns(Warning, match="0 were matched"),
        ):
            second.commit()
    assert waiting_actions(engine) == [("user.deleted", f"user/{bob}")]


@pytest.fixture
def archive(engine: Engine, database: Database) -> str:
    """A schema beside the host's own, with a table of a tracked table's name."""
    if database.kind == "sqlite":

        @event.listens_for(engine, "connect")
        def attach(connection: Any, record: object) -> None:
            connection.execute("ATTACH ':memory:' AS archive")
            connection.execute("CREATE TABLE archive.app_user (id INTEGER, email TEXT)")

        engine.dispose()
    else:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA archive")
            connection.exec_driver_sql("CREATE TABLE archive.app_user (id INTEGER, email TEXT)")
    return "archive.app_user"


def test_a_table_of_the_same_name_elsewhere(engine: Engine, archive: str) -> None:
    """A host that has another table of the same name says so; without that, a write to it is refused."""
    write = text(f"INSERT INTO {archive} (id, email) VALUES (1, 'x')")
    with capturing(engine), engine.begin() as connection, pytest.raises(UncapturedWriteError):
        connection.execute(write)
    with capturing(engine, others=[archive]):
        with engine.begin() as connection:
            connection.execute(write)
            with pytest.raises(UncapturedWriteError):
                connection.execute(text(ONE_MORE))
        assert waiting_actions(engine) == []
    with pytest.raises(ConfigurationError, match="schema and a table"):
        Capture("acme", others=["app_user"])


def test_another_database_with_the_same_names(capture: Capture, engine: Engine) -> None:
    """An engine whose database has nothing to do with the host's is named once, and is not watched."""
    other = create_engine("sqlite://")
    meta = MetaData()
    namesake = Table("app_user", meta, Column("id", Integer, primary_key=True), Column("name", String))
    meta.create_all(other)
    with other.begin() as connection, pytest.raises(UncapturedWriteError, match="without capture"):
        connection.execute(namesake.insert().values(name="x"))
    capture.elsewhere(other)
    with other.begin() as connection:
        connection.execute(namesake.insert().values(name="x"))
    with pytest.raises(ConfigurationError, match="is captured"):
        capture.elsewhere(engine)
    other.dispose()


def test_recorded_as_needs_somebody() -> None:
    """What nobody is the target of would be recorded nowhere: it is refused when it is made."""
    with pytest.raises(ConfigurationError, match="at least one item"):
        recorded_as("user.deactivated", target=[])
    with pytest.raises(ConfigurationError, match="at least one item"):
        recorded_as("user.deactivated", target=["u-1"])  # type: ignore[list-item]
    recorded_as("user.deactivated", target=item("user", 1))


def test_two_transactions_in_one_block(capture: Capture, engine: Engine, bob: int) -> None:
    """What a block means is recorded with each transaction that it covers, and not for one that is rolled back."""
    with recorded_as("user.deactivated", target=item("user", bob)):
        for word in ("a", "b"):
            with engine.begin() as connection:
                connection.execute(text(f"UPDATE app_user SET email = '{word}'"))
        with engine.connect() as connection:
            connection.execute(text(ONE_MORE))
            connection.rollback()
    assert waiting_actions(engine) == [("user.deactivated", f"user/{bob}")] * 2


def test_two_captures_in_one_process(capture: Capture, engine: Engine, bob: int) -> None:
    """Each capture sees its own tables in one flush, whichever listened first; one that ends leaves the other."""
    second = Capture("other")
    second.track(
        Setting,
        type="role",
        actions={"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"},
    )
    try:
        second.install(engine)
        with Session(engine) as session, session.begin():
            session.add_all([User(name="New"), Setting(id=7, value="x")])
            session.get_one(User, bob).email = "x"
    finally:
        second.stop()
    people(engine, "Later")
    actions = sorted(action for action, _ in waiting_actions(engine))
    assert actions == ["role.created", "user.created", "user.created", "user.profile_updated"]


def test_a_capture_that_cannot_say_goodbye_stops_all_the_same(engine: Engine) -> None:
    """Where the entry of its end cannot be written it hears of it, and nothing listens any more."""
    with pytest.raises(Exception, match="trailbook_outbox"), capturing(engine), engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE trailbook_outbox")
    with engine.begin() as connection:
        connection.execute(text(ONE_MORE))


def test_awaited_connections(database: Database) -> None:
    """Core, text and streams of an awaited connection are captured or refused as any other's."""
    waited = database.engine()

    async def write(capture: Capture) -> None:
        engine = create_async_engine(database.awaited)
        await capture.install_async(engine)
        async with engine.begin() as connection:
            await connection.execute(insert(USERS), [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
            streamed = await connection.stream(
                update(USERS).values(email="x").returning(USERS.c.id, USERS.c.name)
            )
            assert len(await streamed.all()) == 2
            with pytest.raises(UncapturedWriteError):
                await connection.execute(text(ONE_MORE))
            with pytest.raises(UncapturedWriteError):
                await connection.exec_driver_sql(ONE_MORE)
            await connection.execute(delete(USERS).where(USERS.c.id == 1))
        await capture.leave_async(engine)
        await engine.dispose()

    with capturing(waited) as capture, acting_as(ANNA):
        asyncio.run(write(capture))
    assert [e["action"] for e in waiting(waited)] == ["user.created"] * 2 + ["user.profile_updated"] * 2 + [
        "user.deleted"
    ]
    waited.dispose()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has no two phases
@pytest.mark.parametrize("prepares", [True, False])
def test_two_phases(engine: Engine, prepares: bool) -> None:
    """A transaction in two phases whose entry could not be written is neither prepared nor committed."""
    with capturing(engine):
        with engine.connect() as connection:
            phases = connection.begin_twophase()
            connection.execute(insert(USERS).values(name="gone"))
            doom(connection)
            with pytest.raises(UncapturedWriteError, match="rolled back"):
                phases.prepare() if prepares else phases.commit()
            if prepares:
                phases.rollback()
        assert waiting_actions(engine) == []
        assert rows(engine) == set()
        with engine.connect() as connection:  # the control
            phases = connection.begin_twophase()
            connection.execute(insert(USERS).values(id=70, name="kept"))
            if prepares and connection.exec_driver_sql("SHOW max_prepared_transactions").scalar() != "0":
                phases.prepare()
            phases.commit()
        assert waiting_actions(engine) == [("user.created", "user/70")]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has no cursors on the server
def test_server_side_cursors(capture: Capture, engine: Engine, bob: int) -> None:
    """A result that is streamed from the server comes from a statement like any other."""
    with engine.connect().execution_options(stream_results=True) as connection:
        with pytest.raises(UncapturedWriteError):
            connection.execute(text(ONE_MORE))
        assert connection.execute(select(USERS.c.name)).all() == [("Bob",)]
    assert waiting_actions(engine) == []


def test_a_connection_from_before(engine: Engine, database: Database) -> None:
    """A connection that was open when capture began is judged like any other."""
    other = database.engine()
    with engine.connect() as connection, capturing(other), pytest.raises(UncapturedWriteError):
        connection.execute(text(ONE_MORE))
    other.dispose()


def test_a_foreign_statement_object(capture: Capture, engine: Engine, database: Database) -> None:
    """What is no text cannot be judged: psycopg's composed statements, for one."""
    if database.kind != "postgresql":
        return
    composed: Any = __import__("psycopg").sql.SQL(ONE_MORE)
    with engine.begin() as connection, pytest.raises(UncapturedWriteError, match="no text"):
        connection.exec_driver_sql(composed)


def test_names_that_have_to_be_quoted(engine: Engine) -> None:
    """Quotes, percent signs and brackets in the names of tables and columns hide nothing, and refuse nothing."""
    meta = MetaData()
    table = Table(
        'a "table" of 100%',
        meta,
        Column('the "id"', Integer, primary_key=True),
        Column("na%me (x)", String, key="name"),
        Column("update", String),
    )
    meta.create_all(engine)
    odd = Capture("acme")
    actions: Any = {"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"}
    odd.track(table, type="role", id='the "id"', name="name", actions=actions)
    percent = "%%" if engine.dialect.name == "postgresql" else "%"
    try:
        odd.install(engine)
        with engine.begin() as connection:
            connection.execute(table.insert(), [{'the "id"': 1, "name": "a"}, {'the "id"': 2, "name": "b"}])
            connection.execute(table.update().values({"name": "c", "update": "d"}))
            connection.execute(table.delete().where(table.c["name"] == "c"))
            with pytest.raises(UncapturedWriteError):
                connection.exec_driver_sql(f'DELETE FROM "a ""table"" of 100{percent}"')
    finally:
        odd.stop()
    assert [e["action"] for e in waiting(engine)] == ["role.created"] * 2 + ["role.updated"] * 2 + [
        "role.deleted"
    ] * 2
