"""Inherited rows: one that lies in several tables is one entry with its name, whichever of them are written."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, ForeignKey, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from tests.capture.small import USER_ACTIONS, forget, waiting

from trailbook.capture import Bounds, Capture
from trailbook.errors import OutboxFullError, UncapturedWriteError


class Base(DeclarativeBase):
    """A hierarchy of three tables."""


class Party(Base):
    """The base, which has the name."""

    __tablename__ = "a_party"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "party"}


class Person(Party):
    """A person; its key has another name in its own table."""

    __tablename__ = "a_person"
    number: Mapped[int] = mapped_column("nr", ForeignKey("a_party.id"), primary_key=True)
    email: Mapped[str | None]
    seen: Mapped[str | None]
    __mapper_args__: ClassVar = {"polymorphic_identity": "person"}


class Employee(Person):
    """One who works here."""

    __tablename__ = "an_employee"
    number: Mapped[int] = mapped_column("no", ForeignKey("a_person.nr"), primary_key=True)
    title: Mapped[str | None]
    __mapper_args__: ClassVar = {"polymorphic_identity": "employee"}


ALL: dict[str, Any] = {"name": "New", "email": "n@host.test", "title": "Lead"}
WAYS: dict[str, Any] = {
    "a statement": lambda session, sets: session.execute(update(Employee), sets),
    "a method": lambda session, sets: session.bulk_update_mappings(Employee, sets),
}


@pytest.fixture(params=[(Employee,), (Person, Employee)], ids=["the last", "two"])
def captured(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Capture]:
    """The hierarchy, of which one class or two are tracked, with two employees."""
    Base.metadata.create_all(engine)
    capture = Capture("acme", bounds=Bounds(every=0))
    for model in request.param:
        fields = {"email": "email"} | ({"title": "job_title"} if model is Employee else {})
        capture.track(
            model, type="user", name="name", actions=USER_ACTIONS, fields=fields, ignore=["seen"], by="hooks"
        )
    capture.install(engine)
    with Session(engine) as session, session.begin():
        session.add_all([Employee(id=n, name=f"Old {n}") for n in (1, 2)])
    forget(engine)
    yield capture
    capture.stop()


def _lines(engine: Engine) -> list[tuple[str, str, list[str]]]:
    return [(e["target"]["id"], e["target"].get("name"), e.get("fields", [])) for e in waiting(engine)]


@pytest.mark.parametrize("way", WAYS)
def test_a_bulk_update_of_several_tables(captured: Capture, engine: Engine, way: str) -> None:
    """One that writes a row in each of its tables is one entry of that row, with all that changed."""
    with Session(engine) as session, session.begin():
        WAYS[way](session, [{"id": 1, "number": 1, **ALL}, {"id": 2, "number": 2, "title": "Boss"}])
    assert sorted(_lines(engine)) == [
        ("1", "New", ["email", "job_title"]),
        ("2", "Old 2", ["job_title"]),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_two_bulk_updates_are_two(captured: Capture, engine: Engine, way: str) -> None:
    """The control: what two of them did to a row, in one transaction, are two entries."""
    with Session(engine) as session, session.begin():
        WAYS[way](session, [{"id": 1, "number": 1, "name": "New"}])
        WAYS[way](session, [{"id": 1, "number": 1, "title": "Lead"}])
    assert _lines(engine) == [("1", "New", []), ("1", "New", ["job_title"])]


@pytest.mark.parametrize("core", [False, True])
def test_the_rest_of_a_row_has_its_name(captured: Capture, engine: Engine, core: bool) -> None:
    """A statement on a table without the name is told with it."""
    with Session(engine) as session, session.begin():
        for model, values in ((Employee, {"title": "x"}), (Person, {"email": "x"})):
            session.execute(update(model.__table__ if core else model).values(values))
    fields = [each for each in _lines(engine) if each[0] == "1"]
    assert fields == [("1", "Old 1", ["job_title"]), ("1", "Old 1", ["email"])]


def test_what_is_ignored_is_no_entry(captured: Capture, engine: Engine) -> None:
    """A bulk update of what is declared to mean nothing is no entry, and one of no row neither."""
    with Session(engine) as session, session.begin():
        session.execute(update(Employee), [{"id": 1, "number": 1, "seen": "x"}])
        session.execute(update(Person).where(Person.email == "nobody's").values(email="x"))
    assert _lines(engine) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_bulk_update_that_cannot_be_lines(captured: Capture, engine: Engine, way: str) -> None:
    """Where its entries cannot be written at its end, nothing is committed, even by a host that goes on."""
    captured.recorder._bounds = Bounds(outbox=0, spool=0, every=0)
    with Session(engine) as session:
        with pytest.raises((OutboxFullError, InvalidRequestError)) as failure:
            WAYS[way](session, [{"id": 1, "number": 1, **ALL}])
        assert isinstance(failure.value.__context__ or failure.value, OutboxFullError)
        with pytest.raises((UncapturedWriteError, InvalidRequestError)):
            session.commit()
    with Session(engine) as session:
        assert session.get_one(Employee, 1).name == "Old 1"
    captured.recorder._bounds = Bounds(every=0)
