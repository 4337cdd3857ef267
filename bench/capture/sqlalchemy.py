"""A host on SQLAlchemy: without audit, captured by hooks, by triggers, SQLAlchemy-Continuum, postgresql-audit.

Owns how each library is set up, as its own documentation does it. Refuses a way that is none of these.
"""

import importlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from msgspec import Struct
from sqlalchemy import Engine, Integer, String, create_engine, event, insert, text, update
from sqlalchemy.orm import DeclarativeBase, Session, configure_mappers, mapped_column

from bench.capture.host import ACTIONS, ANNA, OUTBOX, Host, Write, before, rows_from
from trailbook.capture import Capture, acting_as


class Audited(Struct, frozen=True):
    """A mapped class that is audited, and the query that counts what the audit kept."""

    model: Any
    kept: str | None = None


def host(way: str, url: str) -> Host:
    """The host of a way, in an empty database. Raises: KeyError for a way that is none."""
    engine = create_engine(url)
    event.listen(engine, "connect", _unhurried)
    set_ups: Mapping[str, Callable[[Engine], Audited]] = {
        "no audit": _plain,
        "hooks": lambda engine: _captured(engine, "hooks"),
        "triggers": lambda engine: _captured(engine, "triggers"),
        "Continuum": _continuum,
        "postgresql-audit": _postgresql_audit,
    }
    audited = set_ups[way](engine)
    ours = way in ("hooks", "triggers")
    return Host(
        _writes(engine, audited.model),
        acting_as(ANNA) if ours else nullcontext(),
        lambda: _traces(engine, audited.kept),
    )


def _writes(engine: Engine, model: Any) -> dict[str, Write]:
    def add(at: int, size: int, word: str) -> None:
        with Session(engine) as session, session.begin():
            session.add_all([model(**row) for row in rows_from(at, size, word)])

    def edit(at: int, size: int, word: str) -> None:
        with Session(engine) as session, session.begin():
            session.get_one(model, 1 + at % 50).phone = f"{word}-{at}"

    def put(at: int, size: int, word: str) -> None:
        with Session(engine) as session, session.begin():
            session.execute(insert(model), rows_from(at, size, word))

    def set_all(at: int, size: int, word: str) -> None:
        with Session(engine) as session, session.begin():
            low = before(at, size)
            change = update(model).where(model.id >= low, model.id < low + size).values(phone=f"{word}-{at}")
            session.execute(change, execution_options={"synchronize_session": False})

    return {
        "single insert": add,
        "single update": edit,
        "flush of many": add,
        "bulk insert": put,
        "bulk update": set_all,
    }


def _traces(engine: Engine, kept: str | None) -> int:
    if kept is None:
        return 0
    with engine.begin() as connection:
        count = int(connection.execute(text(kept)).scalar_one())
        connection.execute(text(f"DELETE FROM {kept.rpartition(' ')[2]}"))
    return count


def _plain(engine: Engine) -> Audited:
    base, model = _model()
    base.metadata.create_all(engine)
    return Audited(model)


def _captured(engine: Engine, by: Any) -> Audited:
    base, model = _model()
    base.metadata.create_all(engine)
    capture = Capture("acme")
    capture.track(model, type="user", name="name", fields=["phone"], actions=ACTIONS, by=by)
    capture.install(engine)
    return Audited(model, OUTBOX)


def _continuum(engine: Engine) -> Audited:
    continuum = importlib.import_module("sqlalchemy_continuum")
    continuum.make_versioned(user_cls=None)
    base, model = _model({"__versioned__": {}})
    configure_mappers()
    base.metadata.create_all(engine)
    return Audited(model, "SELECT count(*) FROM person_version")


def _postgresql_audit(engine: Engine) -> Audited:
    audit = importlib.import_module("postgresql_audit")
    base, model = _model()
    keeper = audit.VersioningManager()
    keeper.init(base)
    keeper.values = {"actor_id": ANNA.id}
    configure_mappers()
    base.metadata.create_all(engine)
    # As its own set-up does, but for a cast without which psycopg's parameter finds no function.
    with engine.begin() as connection:
        connection.execute(text("SELECT audit_table('person'::regclass)"))
    model.__versioned__ = {}
    return Audited(model, "SELECT count(*) FROM activity")


def _model(more: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
    base: Any = type("Base", (DeclarativeBase,), {})
    columns = {name: mapped_column(String) for name in ("name", "phone", "title")}
    key = mapped_column(Integer, primary_key=True, autoincrement=False)
    return base, type("Person", (base,), {"__tablename__": "person", "id": key, **columns, **(more or {})})


def _unhurried(connection: Any, record: object) -> None:
    if hasattr(connection, "executescript"):  # sqlite3; the server is set up so as a whole
        connection.execute("PRAGMA synchronous = OFF")
