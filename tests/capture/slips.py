"""Write paths in a shape, or under a name, that a list of known ones would not know: aliases, other tables, own
elements, listeners. Each is captured or refused, whatever made it; `matrix.py` has the plain ones.
"""

import asyncio
from typing import Any

from sqlalchemy import (
    DDL,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql.expression import ClauseElement, Executable
from tests.capture.small import Absence, Role, User, item, members
from tests.capture.ways import CORE, SHAPES, TEXT, UNIT, WAYS, Host, statement, way

from trailbook.capture import recorded_as

_users: Any = User.__table__
_roles: Any = Role.__table__


class Rename(Executable, ClauseElement):
    """An element of a host's own that compiles to a write."""

    inherit_cache = False


@compiles(Rename)
def _renamed(element: Rename, compiler: Any, **more: Any) -> str:
    return "UPDATE role SET name = 'Boss'"


def last() -> None:
    """Move these paths behind the plain ones of their groups."""
    for name in _NAMES:
        WAYS[name] = WAYS.pop(name)


@way(UNIT, "change the primary key")
def _rekey(host: Host) -> None:
    with host.session() as session, session.begin():
        absence = session.scalars(select(Absence)).one()
        absence.id, absence.start = absence.id + 70, "moved"


@way(UNIT, "bulk on a second session, in the midst of a flush")
def _second_session(host: Host) -> None:
    def listen(mapper: Any, connection: Connection, target: Any) -> None:
        inner = Session(connection)
        inner.bulk_insert_mappings(Role, [{"name": "a"}, {"name": "b"}])  # type: ignore[arg-type]

    event.listen(Role, "before_insert", listen)
    try:
        with host.session() as session, session.begin():
            session.add(Role(name="c"))
    finally:
        event.remove(Role, "before_insert", listen)


@way(UNIT, "bulk before the flush, by a listener")
def _before_flush(host: Host) -> None:
    def listen(session: Session, context: Any, instances: Any) -> None:
        session.bulk_insert_mappings(Role, [{"name": "a"}, {"name": "b"}])  # type: ignore[arg-type]

    with host.session() as session, session.begin():
        event.listen(session, "before_flush", listen)
        session.add(Role(name="c"))


statement(CORE, "a changed key, by condition", lambda h: update(Absence).values(id=Absence.id + 70))
statement(
    CORE,
    "one key repeated over many parameter sets",
    lambda h: (
        _users.update().where(_users.c.id == bindparam("b")).values(email="x"),
        [{"b": h.bob}] * 450 + [{"b": -1}],
    ),
)


@way(CORE, "a changed key, where no other change is an entry")
def _rekey_alone(host: Host) -> None:
    with host.engine.begin() as connection:
        connection.execute(_users.insert().values(id=70, name="Carl"))
        bobs = members.update().where(members.c.user_id == host.bob)
        connection.execute(bobs.values(user_id=bindparam("new")), {"new": 70})


def _in_default_schema(host: Host, name: str, schema: str | None) -> Table:
    return Table(
        name, MetaData(), Column("id", Integer, primary_key=True), Column("email", String), schema=schema
    )


def _schema(host: Host) -> str:
    return "main" if host.engine.dialect.name == "sqlite" else "public"


statement(
    SHAPES, "update(aliased(Model))", lambda h: update(aliased(User)).values(email="x"), verdict="refused"
)
statement(
    SHAPES, "update(table.alias())", lambda h: update(_users.alias("u")).values(email="x"), verdict="refused"
)
statement(
    SHAPES,
    "select(Model).from_statement(update(...))",
    lambda h: select(User).from_statement(update(User).values(email="x").returning(User)),
    verdict="refused",
)
statement(
    SHAPES,
    "select(Model).from_statement(text(...))",
    lambda h: select(User).from_statement(text("UPDATE app_user SET email = 'x' RETURNING *")),
    verdict="refused",
)
statement(
    SHAPES,
    "another Table object, with a schema",
    lambda h: _in_default_schema(h, "app_user", _schema(h)).update().values(email="x"),
    verdict="refused",
)
statement(
    SHAPES,
    "another Table object, in other letters",
    lambda h: _in_default_schema(h, quoted_name("App_User", quote=False), None).update().values(email="x"),
    verdict="refused",
)
statement(SHAPES, "an element of the host's own", lambda h: Rename(), verdict="refused")
statement(SHAPES, "DDL(...) that writes", lambda h: DDL("UPDATE app_user SET email = 'x'"), verdict="refused")
statement(
    SHAPES,
    "text(), with quotes and comments around the name",
    lambda h: text("/* a */ UPDATE -- b\n \"app_user\" /* c */ SET email = 'x'"),
    verdict="refused",
)
statement(
    SHAPES,
    "insert().from_select(...) of a table that is not tracked",
    lambda h: insert(User).from_select(["name", "seen"], select(_roles.c.name, _roles.c.id)),
)
statement(
    SHAPES,
    "a condition with a CTE",
    lambda h: update(User).where(_users.c.id.in_(select(_ids(h)))).values(email="x"),
)


def _ids(host: Host) -> Any:
    return select(_users.c.id).where(_users.c.id == host.bob).cte("known").c.id


@way(SHAPES, "a listener that puts another statement in its place", "refused")
def _listener(host: Host) -> None:
    def listen(connection: Any, cursor: Any, statement: str, parameters: Any, *more: Any) -> tuple[str, Any]:
        return statement.replace("plain_setting", "role").replace("value", "name"), parameters

    event.listen(host.engine, "before_cursor_execute", listen, retval=True)
    try:
        with host.engine.begin() as connection:
            connection.execute(text("UPDATE plain_setting SET value = 'Boss'"))
    finally:
        event.remove(host.engine, "before_cursor_execute", listen)


@way(SHAPES, "a map of schemas")
def _translated(host: Host) -> None:
    mapped = host.engine.execution_options(schema_translate_map={None: _schema(host)})
    with Session(mapped) as session, session.begin():
        session.add(Role(name="New"))
        session.execute(update(User).values(email="x"))


@way(SHAPES, "a map of schemas, and text", "refused")
def _translated_text(host: Host) -> None:
    mapped = host.engine.execution_options(schema_translate_map={None: _schema(host)})
    with mapped.begin() as connection:
        connection.execute(text(f"UPDATE {_schema(host)}.app_user SET email = 'x'"))


@way(SHAPES, "text(), awaited", "refused")
def _awaited_text(host: Host) -> None:
    async def write() -> None:
        await host.capture.install_async(host.awaited)
        try:
            async with AsyncSession(host.awaited) as session, session.begin():
                await session.execute(text("UPDATE app_user SET email = 'x'"))
        finally:
            await host.capture.leave_async(host.awaited)
            await host.awaited.dispose()

    asyncio.run(write())


@way(SHAPES, "text() through an engine that is not captured", "refused", database=True)
def _uncaptured_text(host: Host) -> None:
    with host.other.begin() as connection:
        connection.execute(text("UPDATE app_user SET email = 'x'"))


@way(SHAPES, "exec_driver_sql through an engine that is not captured", "refused", database=True)
def _uncaptured_driver_sql(host: Host) -> None:
    with host.other.begin() as connection:
        connection.exec_driver_sql("UPDATE app_user SET email = 'x'")


@way(TEXT, "text() with RETURNING, in recorded_as(...)")
def _recorded_returning(host: Host) -> None:
    declaration = recorded_as("user.profile_updated", target=item("user", host.bob))
    with host.session() as session, session.begin(), declaration:
        assert session.execute(text("UPDATE app_user SET email = 'x' RETURNING name")).all() == [("Bob",)]


@way(TEXT, "recorded_as(...) over a savepoint that was rolled back")
def _recorded_again(host: Host) -> None:
    declaration = recorded_as("user.profile_updated", target=item("user", host.bob))
    with host.session() as session, session.begin(), declaration:
        with session.begin_nested() as savepoint:
            session.execute(text("UPDATE app_user SET email = 'gone'"))
            savepoint.rollback()
        session.execute(text("UPDATE app_user SET email = 'x'"))


@way(CORE, "a condition with a CTE, rolled back", "nothing")
def _cte_rolled_back(host: Host) -> None:
    with host.session() as session:
        session.execute(delete(Absence).where(Absence.user_id.in_(select(_ids(host)))))
        session.rollback()


_NAMES = tuple(WAYS)
