"""The tables of a small HR system, and what each of their rows is in the activity log.

Nothing here writes an entry: `capture` says what the rows are, and each change is an entry of the same transaction.
"""

from sqlalchemy import Engine, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from trailbook.capture import Capture, Ref, acting_as, system


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    absences: Mapped[list["Absence"]] = relationship()


class Absence(Base):
    __tablename__ = "absence"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    starts: Mapped[str]
    approved: Mapped[bool] = mapped_column(default=False)


class RoleGiven(Base):
    __tablename__ = "role_given"
    role: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)


capture = Capture("acme", name="small-hr")
capture.track(
    Person,
    type="user",
    name="name",
    fields={"name": "last_name", "phone": "phone"},
    actions={"created": "user.created", "updated": "user.profile_updated", "deleted": "user.deleted"},
)
capture.track(
    Absence,
    type="absence",
    owner=Ref("user", "person_id"),
    fields={"starts": "start_date"},
    actions={"created": "absence.requested", "updated": "absence.updated", "deleted": "absence.deleted"},
)
capture.track(
    RoleGiven,
    type="role",
    id="role",
    name="role",
    concerns={"member": Ref("user", "person_id")},
    actions={"created": "role.assigned", "updated": None, "deleted": "role.unassigned"},
)


def begin(engine: Engine) -> None:
    """Make the tables, begin to capture, and put the first two people in."""
    Base.metadata.create_all(engine)
    capture.install(engine)
    with acting_as(system("first-day")), Session(engine) as session, session.begin():
        if session.get(Person, 1) is None:
            session.add_all([Person(id=1, name="Anna Berg"), Person(id=2, name="Bob Li")])
            session.add(Absence(person_id=2, starts="2026-12-21"))
