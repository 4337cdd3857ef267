"""Where tracked rows lie: inherited classes, and further classes on a table."""

from sqlalchemy import Engine, insert, update
from sqlalchemy.orm import DeclarativeBase, Session
from tests.capture.small import Employee, Guest, User, waiting

from trailbook.capture import Capture


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
