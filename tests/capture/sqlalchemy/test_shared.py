"""A table in which several classes have their rows: columns that the tracked class does not name are its row's too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, Integer, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from tests.capture.small import USER_ACTIONS, forget, waiting

from trailbook.capture import Capture, triggers
from trailbook.capture.declarations import WrittenBy
from trailbook.errors import ConfigurationError, UncapturedWriteError


class Base(DeclarativeBase):
    """Classes in one table."""


class Office(Base):
    """The tracked class, which knows nothing of wings."""

    __tablename__ = "office"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    seen: Mapped[str | None]
    label: Mapped[str | None] = mapped_column("remark")
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "office"}


class Branch(Office):
    """A class that adds columns to its table; one is called as the base calls another."""

    wing: Mapped[str | None] = mapped_column("wing_nr")
    note: Mapped[str | None] = mapped_column("label")
    __mapper_args__: ClassVar = {"polymorphic_identity": "branch"}


class Depot(Office):
    """Another class, whose wings stand in a column of their own."""

    wing: Mapped[str | None] = mapped_column("depot_wing")
    __mapper_args__: ClassVar = {"polymorphic_identity": "depot"}


class Versioned(Base):
    """A class whose rows are numbered anew with each UPDATE."""

    __tablename__ = "versioned"
    id: Mapped[int] = mapped_column(primary_key=True)
    seen: Mapped[str | None]
    version = mapped_column(Integer, nullable=False)
    __mapper_args__: ClassVar = {"version_id_col": version}


class Stamped(Base):
    """A class in a table with a column that only the class below it names, and every UPDATE sets."""

    __tablename__ = "stamped"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    seen: Mapped[str | None]
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "stamped"}


class Touched(Stamped):
    """The class below it."""

    touched: Mapped[str | None] = mapped_column(onupdate="now")
    __mapper_args__: ClassVar = {"polymorphic_identity": "touched"}


Way = Callable[[Session, str], None]


def _flush(session: Session, name: str) -> None:
    setattr(session.get_one(Branch, 1), name, "x")


def _text(session: Session, name: str) -> None:
    column = Branch.__mapper__.columns[name].name
    session.execute(text(f"UPDATE office SET {column} = 'x' WHERE id = 1"))


WAYS: dict[str, Way] = {
    "flush": _flush,
    "statement": lambda session, name: session.execute(
        update(Branch).where(Branch.id == 1).values({name: "x"})
    ),
    "many": lambda session, name: session.execute(update(Branch), [{"id": 1, name: "x"}]),
    "core": lambda session, name: session.execute(
        update(Office.__table__)
        .where(Office.id == 1)
        .values({Branch.__mapper__.columns[name]: "x", "seen": "x"})
    ),
    "text": _text,
}


@contextmanager
def captured(engine: Engine, **models: dict[str, Any]) -> Iterator[Capture]:
    """These classes tracked, with an office, a branch and a depot."""
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    capture = Capture("acme")
    for name, more in models.items():
        declared = {"type": "user", "actions": USER_ACTIONS, "ignore": ["seen"], **more}
        capture.track(globals()[name], **declared)
    try:
        capture.install(engine)
        _fill(engine)
        forget(engine)
        yield capture
    finally:
        capture.stop()


def _fill(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.add_all([Branch(id=1, name="B"), Office(id=2, name="O"), Depot(id=3, name="D")])
        session.add_all([Versioned(id=1), Stamped(id=1)])


def _lines(engine: Engine) -> list[tuple[str, list[str]]]:
    return sorted((entry["target"]["id"], entry.get("fields", [])) for entry in waiting(engine))


def _write(engine: Engine, way: str, name: str) -> None:
    with Session(engine) as session, session.begin():
        WAYS[way](session, name)


@pytest.mark.parametrize("by", ["hooks", "triggers"])
@pytest.mark.parametrize("way", WAYS)
def test_a_column_of_another_class(engine: Engine, by: WrittenBy, way: str) -> None:
    """Its change is an entry of the row, and no field, whatever else has its name; what means nothing is none."""
    with captured(engine, Office={"by": by, "name": "name", "fields": {"label": "phone"}}):
        if way == "text" and by == "hooks":
            with pytest.raises(UncapturedWriteError):
                _write(engine, way, "wing")
            return
        for name in ("wing", "note"):
            _write(engine, way, name)
            assert _lines(engine) == [("1", [])], name
            forget(engine)
        _write(engine, way, "seen")
        assert _lines(engine) == []
        _write(engine, way, "label")
        assert _lines(engine) == [("1", ["phone"])]


@pytest.mark.parametrize("first", ["Office", "Branch"])
@pytest.mark.parametrize("way", [way for way in WAYS if way != "text"])
def test_each_class_has_its_own_fields(engine: Engine, first: str, way: str) -> None:
    """Whichever is tracked first; the wing of the base's rows is no field."""
    models: dict[str, Any] = {
        "Office": {"fields": {"label": "phone"}},
        "Branch": {"fields": {"wing": "job_title"}},
    }
    with captured(engine, **{name: models[name] for name in sorted(models, reverse=first == "Office")}):
        _write(engine, way, "wing")
        assert _lines(engine) == [("1", ["job_title"])]
        forget(engine)
        with Session(engine) as session, session.begin():
            session.execute(update(Office.__table__).where(Office.id == 2).values(wing_nr="x"))
        assert _lines(engine) == [("2", [])]


def test_each_class_ignores_its_own(engine: Engine) -> None:
    """One statement on rows of two classes is an entry only of those to whom it means something."""
    with captured(engine, Office={}, Branch={"ignore": []}):
        with Session(engine) as session, session.begin():
            session.execute(update(Office).values(seen="x"))
        assert _lines(engine) == [("1", [])]


def test_one_name_of_two_columns(engine: Engine) -> None:
    """Two tracked classes that call different columns alike are refused; one of them is not."""
    with captured(engine, Branch={"fields": {"wing": "job_title"}}) as capture:
        with pytest.raises(ConfigurationError, match=r"office.*wing"):
            capture.track(Depot, type="user", actions=USER_ACTIONS)
        assert len(capture.places[Office.__table__].declared) == 1  # type: ignore[index]
    with captured(engine, Depot={"fields": {"wing": "job_title"}}):
        with Session(engine) as session, session.begin():
            session.execute(update(Depot).values(wing="x"))
        assert _lines(engine) == [("3", ["job_title"])]


@pytest.mark.parametrize("by", ["hooks", "triggers"])
@pytest.mark.parametrize("model", [Versioned, Stamped])
def test_what_an_update_sets_along(engine: Engine, by: WrittenBy, model: Any) -> None:
    """The number of a row's version counts, and a stamp that another class declares: unless they mean nothing."""
    with captured(engine, **{model.__name__: {"by": by}}):
        with Session(engine) as session, session.begin():
            session.get_one(model, 1).seen = "x"
        assert _lines(engine) == [("1", [])]
    with captured(engine, Versioned={"by": by, "ignore": ["seen", "version"]}):
        with Session(engine) as session, session.begin():
            session.get_one(Versioned, 1).seen = "y"
        assert _lines(engine) == []


def test_a_class_that_comes_later(engine: Engine) -> None:
    """A class that is declared after its base was tracked adds columns all the same, until capture is installed."""

    class Own(DeclarativeBase):
        pass

    class Hall(Own):
        __tablename__ = "hall"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        seen: Mapped[str | None]
        __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "hall"}

    capture = Capture("acme")
    capture.track(Hall, type="user", actions=USER_ACTIONS, ignore=["seen"])

    class Stage(Hall):
        lights: Mapped[str | None]
        __mapper_args__: ClassVar = {"polymorphic_identity": "stage"}

    Own.metadata.create_all(engine)
    capture.install(engine)
    try:
        with Session(engine) as session, session.begin():
            session.add(Stage(id=1))
            session.flush()
            session.execute(update(Stage).values(lights="on", seen="x"))
    finally:
        capture.stop()
    assert [entry["action"] for entry in waiting(engine)] == ["user.created", "user.profile_updated"]


def test_a_column_that_no_class_names(engine: Engine) -> None:
    """Triggers see one that the database alone knows, once they are made after it came; until then a check says so."""
    with captured(engine, Office={"by": "triggers"}) as capture:
        for statement in ("ALTER TABLE office ADD COLUMN extra TEXT", "UPDATE office SET extra = 'x'"):
            _run(engine, statement)
        assert _lines(engine) == []
        with engine.begin() as connection:
            spots = triggers.check_triggers(connection, capture.triggered(), "acme")
            assert [spot.code for spot in spots] == ["trigger-differs"]
            capture.mend(connection)
            assert triggers.check_triggers(connection, capture.triggered(), "acme") == []
        _run(engine, "UPDATE office SET extra = 'y' WHERE id = 1")
        assert _lines(engine) == [("1", [])]
        _run(engine, "UPDATE office SET seen = 'y'")
        assert len(_lines(engine)) == 1


def _run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))
