"""Where tracked rows lie: inherited classes, and further classes on a table."""

import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    join,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, column_property, mapped_column
from tests.capture.small import Employee, Guest, Party, User, forget, waiting, waiting_actions

from trailbook.capture import Capture
from trailbook.errors import ConfigurationError, UncapturedWriteError


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


class Local(DeclarativeBase):
    """Tables of these tests alone."""


class Vehicle(Local):
    """The base of an inherited class."""

    __tablename__ = "vehicle"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}


class Lorry(Vehicle):
    """Its other table's key has another name."""

    __tablename__ = "lorry"
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
    load: Mapped[str | None]
    __mapper_args__: ClassVar = {"polymorphic_identity": "lorry"}


class Both(Local):
    """A class on a join of two tables, each with a row of its own."""

    left = Table("left_part", Local.metadata, Column("id", Integer, primary_key=True), Column("name", String))
    right = Table(
        "right_part",
        Local.metadata,
        Column("left_id", ForeignKey("left_part.id"), primary_key=True),
        Column("note", String),
    )
    __table__ = join(left, right)
    id = column_property(left.c.id, right.c.left_id)


@pytest.fixture
def local(engine: Engine) -> Iterator[Engine]:
    """Those classes, captured."""
    Local.metadata.create_all(engine)
    capture = Capture("acme")
    for model, fields in ((Lorry, ["load"]), (Both, ["note"])):
        capture.track(
            model,
            type="role",
            name="name",
            actions={"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"},
            fields=dict.fromkeys(fields, "name"),
        )
    try:
        capture.install(engine)
        yield engine
    finally:
        capture.stop()


def test_a_key_of_another_name(local: Engine) -> None:
    """The rest of an inherited row is known by its own key, by the ORM and by Core."""
    with Session(local) as session, session.begin():
        session.add(Lorry(id=7, name="L", load="a"))
    with Session(local) as session, session.begin():
        session.execute(update(Lorry).values(load="b"))
    with local.begin() as connection:
        connection.execute(Lorry.__table__.update().values(load="c"))  # type: ignore[attr-defined]
    expected = [("role.created", "role/7")] + [("role.updated", "role/7")] * 2
    assert waiting_actions(local) == expected


def test_a_class_on_a_join(local: Engine) -> None:
    """One object is one entry; a statement on one of its tables, without all that an entry needs, is refused."""
    with Session(local) as session, session.begin():
        session.add(Both(id=3, name="B", note="a"))
    with Session(local) as session, session.begin():
        session.get_one(Both, 3).note = "b"
    with local.begin() as connection, pytest.raises(UncapturedWriteError):
        connection.execute(Both.left.insert().values(id=4, name="C"))
    with Session(local) as session, session.begin():
        session.delete(session.get_one(Both, 3))
    assert waiting_actions(local) == [
        ("role.created", "role/3"),
        ("role.deleted", "role/3"),
        ("role.updated", "role/3"),
    ]


def test_a_row_of_another_class(capture: Capture, engine: Engine) -> None:
    """A row whose class a statement sets is an item that ends, or begins; in a flush it is refused."""
    with Session(engine) as session, session.begin():
        session.add_all([Employee(id=5, name="Eve"), Guest(id=6, name="Gus")])
    forget(engine)
    party: Any = Party.__table__
    with engine.begin() as connection:
        connection.execute(party.update().where(party.c.id == 5).values(kind="guest"))
        connection.execute(party.update().where(party.c.id == 6).values(kind="employee"))
    assert waiting_actions(engine) == [("user.created", "user/6"), ("user.deleted", "user/5")]
    with Session(engine) as session:
        session.add(Employee(id=7, name="Ada"))
        session.flush()
        session.get_one(Employee, 7).kind = "guest"
        warnings.simplefilter("ignore")  # pytest puts it back
        with pytest.raises(UncapturedWriteError, match="sets the class"):
            session.flush()


@pytest.mark.parametrize("by", ["hooks", "triggers"])
def test_an_id_of_bytes_is_refused(by: Any) -> None:
    """Bytes are no text of an entry; a column with a text beside them is taken."""
    table = Table("held", MetaData(), Column("id", LargeBinary, primary_key=True), Column("name", String))
    actions = {"created": "user.created", "updated": None, "deleted": None}
    host = Capture("acme")
    try:
        with pytest.raises(ConfigurationError, match="id: 'id' holds bytes"):
            host.track(table, type="user", actions=actions, by=by)
        assert host.track(table, type="user", id="name", actions=actions, by=by).id == "name"
    finally:
        host.stop()
