"""The write paths of a SQLAlchemy host, each with its verdict: what `test_matrix.py` proves and the reference prints.

Run as a module it prints `docs/reference/capture.md`.
"""

import asyncio
import threading
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from tests.capture import slips
from tests.capture.small import BOB, Absence, Employee, Guest, Role, User, item, members
from tests.capture.ways import (
    AROUND,
    BULK,
    CORE,
    GROUPS,
    MEANING,
    TEXT,
    UNIT,
    WAYS,
    Host,
    Verdict,
    Way,
    statement,
    way,
)

from trailbook.capture import acting_as, recorded_as


@way(UNIT, "add")
def _add(host: Host) -> None:
    with host.session() as session, session.begin():
        session.add_all([User(name="New"), User(name="Newer"), Absence(user_id=host.bob)])


@way(UNIT, "change attributes")
def _change(host: Host) -> None:
    with host.session() as session, session.begin():
        session.get_one(User, host.bob).email = "x"
        session.get_one(Role, host.role).name = "Boss"


@way(UNIT, "change to an SQL expression")
def _expression(host: Host) -> None:
    with host.session() as session, session.begin():
        session.get_one(User, host.bob).email = func.upper("x")


@way(UNIT, "delete, with cascades of the session")
def _delete(host: Host) -> None:
    with host.session() as session, session.begin():
        session.delete(session.get_one(User, host.bob))


@way(UNIT, "orphans and moved children")
def _orphans(host: Host) -> None:
    with host.session() as session, session.begin():
        bob = session.get_one(User, host.bob)
        bob.absences.clear()


@way(UNIT, "many to many, through a tracked association")
def _many(host: Host) -> None:
    with host.session() as session, session.begin():
        new = User(name="New")
        session.get_one(Role, host.role).users = [new]


@way(UNIT, "merge")
def _merge(host: Host) -> None:
    with host.session() as session, session.begin():
        session.merge(User(id=host.bob, name="Bob", email="merged"))
        session.merge(User(id=host.bob + 50, name="New"))


@way(UNIT, "joined and single inheritance")
def _inherit(host: Host) -> None:
    with host.session() as session, session.begin():
        session.add_all([Employee(name="Ada", title="x"), Guest(name="Gus")])
        session.get_one(Employee, host.eve).title = "y"


@way(UNIT, "attributes set to what they were", "nothing")
def _same(host: Host) -> None:
    with host.session() as session, session.begin():
        bob = session.get_one(User, host.bob)
        bob.email, bob.name = bob.email, "Bob"


@way(BULK, "bulk_save_objects, bulk_insert_mappings, bulk_update_mappings")
def _legacy(host: Host) -> None:
    with host.session() as session, session.begin():
        session.bulk_save_objects([User(name="a"), User(name="b")])
        session.bulk_save_objects([User(name="c"), User(name="d")], return_defaults=True)
        session.bulk_insert_mappings(User, [{"name": "e"}, {"name": "f"}])
        session.bulk_update_mappings(User, [{"id": host.bob, "email": "x"}])


@way(BULK, "Query.update, Query.delete")
def _query(host: Host) -> None:
    with host.session() as session, session.begin():
        session.query(Role).filter(Role.id == host.role).update({"name": "Boss"})
        session.query(Absence).delete()


def _two(host: Host) -> list[dict[str, Any]]:
    return [{"name": "a"}, {"name": "b"}]


statement(BULK, "insert(Model), many rows", lambda h: (insert(User), _two(h)))
statement(BULK, "insert(Model).values(...) of many", lambda h: insert(User).values(_two(h)))
statement(BULK, "insert(Model).returning(Model)", lambda h: (insert(User).returning(User), _two(h)))
statement(
    BULK, "insert(Model), joined inheritance", lambda h: (insert(Employee), [{"name": "a", "title": "x"}] * 2)
)
statement(
    BULK, "update(Model).where(...)", lambda h: update(User).where(User.name == "Bob").values(email="x")
)
statement(BULK, "update(Model) by keys", lambda h: (update(User), [{"id": h.bob, "email": "x"}]))
statement(BULK, "update(Model).returning(Model)", lambda h: update(User).values(email="x").returning(User))
statement(BULK, "update(Model), joined inheritance", lambda h: update(Employee).values(title="z"))
statement(BULK, "delete(Model).where(...)", lambda h: delete(Absence).where(Absence.id > 0))
statement(
    BULK,
    "delete(Model), the rest of an inherited row",
    lambda h: delete(Employee),
    verdict="refused",
    triggers="refused",
)

_users: Any = User.__table__
statement(CORE, "table.insert()", lambda h: _users.insert().values(name="a"))
statement(CORE, "table.insert(), many rows, keys by the database", lambda h: (_users.insert(), _two(h)))
statement(
    CORE,
    "table.insert(), many rows, keys by the host",
    lambda h: (_users.insert(), [{"id": h.bob + n, "name": "a"} for n in (5, 6)]),
)
statement(
    CORE,
    "table.insert().from_select(...)",
    lambda h: _users.insert().from_select(["name", "seen"], select(_users.c.name, _users.c.seen)),
)
statement(CORE, "table.update()", lambda h: _users.update().values(email="x"))
statement(CORE, "table.delete()", lambda h: members.delete())
statement(
    CORE,
    "RETURNING of the host's own",
    lambda h: _users.update().values(email="x").returning(_users.c.id, _users.c.name),
)
statement(
    CORE,
    "RETURNING that leaves out the key",
    lambda h: _users.update().values(email="x").returning(_users.c.email),
    verdict="refused",
)


@way(CORE, "many parameter sets, by equal keys")
def _parameters(host: Host) -> None:
    with host.engine.begin() as connection:
        from_key = _users.c.id == bindparam("b")
        connection.execute(_users.update().where(from_key).values(email="x"), [{"b": host.bob}, {"b": -1}])
        gone = (members.c.role_id == bindparam("r")) & (members.c.user_id == bindparam("u"))
        connection.execute(
            members.delete().where(gone), [{"r": host.role, "u": host.bob}, {"r": -1, "u": -1}]
        )


@way(CORE, "many parameter sets, by another condition", "refused")
def _conditions(host: Host) -> None:
    with host.engine.begin() as connection:
        connection.execute(
            _users.update().where(_users.c.id > bindparam("b")).values(email="x"), [{"b": 0}, {"b": 1}]
        )


def _upsert(host: Host) -> Any:
    made: Any = sqlite_insert if host.engine.dialect.name == "sqlite" else postgresql_insert
    return made(User)


def _known_and_new(host: Host) -> list[dict[str, Any]]:
    return [{"id": host.bob, "name": "Bob", "seen": 0}, {"id": host.bob + 9, "name": "New", "seen": 0}]


statement(CORE, "ON CONFLICT DO NOTHING", lambda h: (_upsert(h).on_conflict_do_nothing(), _known_and_new(h)))
statement(
    CORE,
    "ON CONFLICT DO UPDATE",
    lambda h: (
        _upsert(h).on_conflict_do_update(index_elements=["id"], set_={"email": "x"}),
        _known_and_new(h),
    ),
    verdict="refused",
)
statement(TEXT, "text()", lambda h: text("UPDATE app_user SET email = 'x'"), verdict="refused")
statement(
    TEXT,
    "text() with a CTE that writes",
    lambda h: text("WITH x AS (SELECT 1) DELETE FROM absence"),
    verdict="refused",
)
statement(
    TEXT,
    "TRUNCATE, COPY, MERGE, REPLACE as text",
    lambda h: text("TRUNCATE TABLE absence"),
    verdict="refused",
    triggers="refused",
)
statement(
    TEXT,
    "procedures and anonymous blocks",
    lambda h: text("CALL anything()"),
    verdict="refused",
    triggers="refused",
)


@way(TEXT, "exec_driver_sql", "refused")
def _driver_sql(host: Host) -> None:
    with host.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM absence")


@way(TEXT, "text() in recorded_as(...)")
def _recorded_as(host: Host) -> None:
    declaration = recorded_as("user.profile_updated", target=item("user", host.bob))
    with host.session() as session, session.begin(), declaration:
        session.execute(text("UPDATE app_user SET email = 'x'"))


@way(TEXT, "the driver's own cursor", "unseen", database=True)
def _cursor(host: Host) -> None:
    with host.engine.begin() as connection:
        connection.connection.cursor().execute("UPDATE app_user SET email = 'x'")


@way(AROUND, "rolled back", "nothing")
def _rolled_back(host: Host) -> None:
    with host.session() as session:
        session.add(User(name="Gone"))
        session.execute(update(User).values(email="x"))
        session.rollback()


@way(AROUND, "savepoints, rolled back and kept, nested")
def _savepoints(host: Host) -> None:
    with host.session() as session, session.begin(), session.begin_nested():
        session.add(User(name="Kept"))
        with session.begin_nested() as inner:
            session.execute(delete(Absence))
            session.add(User(name="Gone"))
            session.flush()
            inner.rollback()


@way(AROUND, "after a flush that failed")
def _failed(host: Host) -> None:
    with host.session() as session:
        session.add(User(id=host.bob, name="Twice"))
        try:
            session.flush()
        except Exception:  # noqa: BLE001  # the host's own business
            session.rollback()
        session.execute(update(User).values(email="x"))
        session.commit()


@way(AROUND, "autocommit", "refused", database=True)
def _autocommit(host: Host) -> None:
    with host.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(update(User).values(email="x"))


@way(AROUND, "a second engine, captured")
def _second(host: Host) -> None:
    host.capture.install(host.other)
    with Session(host.other) as session, session.begin():
        session.add(User(name="New"))
        session.execute(update(Role).values(name="Boss"))


@way(AROUND, "a second engine, not captured", "refused", database=True)
def _uncaptured(host: Host) -> None:
    with Session(host.other) as session, session.begin():
        session.execute(update(Role).values(name="Boss"))


@way(AROUND, "awaited sessions", who=BOB.id)
def _awaited(host: Host) -> None:
    async def write() -> None:
        await host.capture.install_async(host.awaited)
        async with AsyncSession(host.awaited) as session, session.begin():
            with acting_as(BOB):
                session.add(User(name="New"))
                await session.flush()
                await session.execute(update(Role).values(name="Boss"))
        await host.capture.leave_async(host.awaited)
        await host.awaited.dispose()

    asyncio.run(write())


@way(AROUND, "a thread of its own, without a context", who=None)
def _thread(host: Host) -> None:
    def write() -> None:
        with host.session() as session, session.begin():
            session.add(User(name="New"))

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()


@way(AROUND, "what is meant, and its rows")
def _meant(host: Host) -> None:
    with host.session() as session, session.begin():
        absence = session.scalars(select(Absence)).one()
        absence.start = "new"
        host.capture.record_change(session, absence, "absence.updated")


slips.last()


def by_triggers(each: Way) -> Verdict:
    """The verdict of a path where triggers cover the table."""
    return each.triggers or ("nothing" if each.verdict == "nothing" else "recorded")


def _by_triggers(each: Way) -> str:
    verdict = by_triggers(each)
    if verdict == "recorded" and each.database:
        return "recorded once; the actor is the database's user"
    return "not seen" if verdict == "unseen" else MEANING[verdict]


def page() -> str:
    """The reference, as it stands in `docs/reference/capture.md`."""
    lines = [
        "# Write paths of a SQLAlchemy host",
        "",
        "What becomes of each way to write to a tracked table. Made from the matrix of the test suite",
        "(`python -m tests.capture.matrix`), which runs every line on SQLite and PostgreSQL, with SQLAlchemy 2.0 and",
        "2.1, and compares the host's rows before and after with the outbox: an entry for each row that differs, no",
        "other, none twice, and the right actor.",
        "",
    ]
    for group in GROUPS:
        lines += [f"## {group}", "| write path | hooks | triggers |", "|---|---|---|"]
        lines += [
            f"| {e.name} | {MEANING[e.verdict]} | {_by_triggers(e)} |"
            for e in WAYS.values()
            if e.group == group
        ]
        lines.append("")
    lines += [
        "## Not seen by hooks, whatever they do",
        "- What other clients write, and what goes past SQLAlchemy: a driver's own cursor, `psql`, COPY by the driver.",
        "- What the database does by itself: ON DELETE and ON UPDATE actions (`Capture.install` warns of those that",
        "  the tables declare), triggers, functions that a SELECT calls; on SQLite the row that",
        "  `ON CONFLICT REPLACE` of a table's own removes (`install` refuses such tables). Partitions, tables that",
        "  inherit, views and rules of PostgreSQL, and views of SQLite whose triggers write, are known as they were",
        "  when capture was installed: a write to them as text is refused, as one to the tracked table is. Install",
        "  again for new ones.",
        "- DDL: `DROP TABLE` and `ALTER TABLE` are no changes of rows.",
        "",
        "Triggers see what any client writes, and refuse TRUNCATE; an UPDATE that changes nothing is nothing to them.",
        "They stand on tables that inherit from theirs as well; TRUNCATE of a partition made later is refused once",
        "capture is installed again.",
        "A row that REPLACE removes on SQLite is deleted, and the one that takes its place created, also where both",
        "have the same key. A key that changes is the old item's deletion and the new one's creation.",
        "With hooks an UPDATE statement is an entry for each row it matched, whether or not values differ: nobody",
        "looks at them.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
