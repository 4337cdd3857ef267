"""A small host: people, roles, absences, an inherited class, an association; and a reader of what was captured."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec
from sqlalchemy import Column, Engine, ForeignKey, Table, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from trailbook.capture import Capture, Ref, outbox
from trailbook.capture.database import database_of
from trailbook.capture.declarations import WrittenBy
from trailbook.capture.folding import folded
from trailbook.catalogue import load
from trailbook.model import Actor, Item

ANNA = Actor(kind="person", type="user", id="u-17", name="Anna Berg")
BOB = Actor(kind="person", type="user", id="u-42", name="Bob Li")
CATALOGUE = load()
USER_ACTIONS = {"created": "user.created", "updated": "user.profile_updated", "deleted": "user.deleted"}


class Base(DeclarativeBase):
    """The small host's tables."""


members = Table(
    "role_member",
    Base.metadata,
    Column("role_id", ForeignKey("role.id"), primary_key=True),
    Column("user_id", ForeignKey("app_user.id"), primary_key=True),
)


class User(Base):
    """Somebody."""

    __tablename__ = "app_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    seen: Mapped[int] = mapped_column(default=0)
    absences: Mapped[list["Absence"]] = relationship(back_populates="user", cascade="all, delete-orphan")
    roles: Mapped[list["Role"]] = relationship(secondary=members, back_populates="users")


class Role(Base):
    """A role."""

    __tablename__ = "role"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    users: Mapped[list[User]] = relationship(secondary=members, back_populates="roles")


class Absence(Base):
    """An absence of somebody: an item without a name, with an owner."""

    __tablename__ = "absence"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str | None]
    start: Mapped[str | None]
    user: Mapped[User] = relationship(back_populates="absences")


class Party(Base):
    """The base of an inherited class, in a table of its own; not tracked itself."""

    __tablename__ = "party"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "party"}


class Employee(Party):
    """Joined inheritance: tracked, with a table of its own for the rest."""

    __tablename__ = "employee"
    id: Mapped[int] = mapped_column(ForeignKey("party.id"), primary_key=True)
    title: Mapped[str | None]
    __mapper_args__: ClassVar = {"polymorphic_identity": "employee"}


class Guest(Party):
    """Single inheritance: not tracked."""

    __mapper_args__: ClassVar = {"polymorphic_identity": "guest"}


class Setting(Base):
    """A table that is not tracked."""

    __tablename__ = "plain_setting"
    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str]


def declare(capture: Capture, by: WrittenBy = "hooks") -> Capture:
    """What the small host says of itself; the inherited class is covered by hooks always."""
    capture.track(
        User,
        type="user",
        name="name",
        actions=USER_ACTIONS,
        fields=["email", "phone"],
        ignore=["seen"],
        by=by,
    )
    capture.track(
        Role,
        type="role",
        name="name",
        actions={"created": "role.created", "updated": "role.updated", "deleted": "role.deleted"},
        fields=["name"],
        by=by,
    )
    capture.track(
        members,
        type="role",
        id="role_id",
        actions={"created": "role.assigned", "updated": None, "deleted": "role.unassigned"},
        concerns={"member": Ref("user", "user_id")},
        by=by,
    )
    capture.track(
        Absence,
        type="absence",
        owner=Ref("user", "user_id"),
        actions={"created": "absence.registered", "updated": "absence.updated", "deleted": "absence.deleted"},
        fields={"start": "start_date"},
        by=by,
    )
    capture.track(Employee, type="user", name="name", actions=USER_ACTIONS, fields={"title": "job_title"})
    return capture


@contextmanager
def capturing(engine: Engine, by: WrittenBy = "hooks", **more: Any) -> Iterator[Capture]:
    """The small host's tables made anew, and captured until the block ends."""
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    capture = declare(Capture("acme", **more), by)
    try:
        capture.install(engine)
        yield capture
    finally:
        capture.stop()


def waiting(engine: Engine) -> list[dict[str, Any]]:
    """Every entry in the outbox but for those of capture itself, folded as the drain would, in order."""
    with database_of(engine).connect() as connection:
        rows = outbox.page(connection, 100_000)
    unfolded = folded(rows, lambda org, action: CATALOGUE.action(action).verb)
    entries = [msgspec.json.decode(each.text) for each in unfolded if not each.folds]
    return [entry for entry in entries if not entry["action"].startswith("activity_log.")]


def waiting_actions(engine: Engine) -> list[tuple[str, str]]:
    """The action and target of every entry in the outbox, sorted."""
    return sorted(
        (entry["action"], f"{entry['target']['type']}/{entry['target']['id']}") for entry in waiting(engine)
    )


def spoil(engine: Engine, *names: str) -> None:
    """Make the waiting entries of these people such as no log takes: they have a member that no item has."""
    for name in names:
        with engine.begin() as connection:
            put = text("UPDATE trailbook_outbox SET entry = replace(entry, :good, :bad)")
            good = f'"name":"{name}"'
            connection.execute(put, {"good": good, "bad": f'{good},"salary":"x"'})


def forget(engine: Engine) -> None:
    """Empty the outbox."""
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM trailbook_outbox"))


def rows(engine: Engine) -> set[tuple[int, str]]:
    """The people in the host's table."""
    with Session(engine) as session:
        return {(row.id, row.name) for row in session.execute(select(User.id, User.name))}


def people(engine: Engine, *names: str) -> None:
    """Add people, each in a transaction of its own."""
    for name in names:
        with Session(engine) as session, session.begin():
            session.add(User(name=name))


def item(type_: str, id_: object, name: str | None = None) -> Item:
    """An item."""
    return Item(type=type_, id=str(id_), name=name)


def clock(start: datetime = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)) -> Any:
    """A clock that goes on by a second each time it is asked."""
    steps = itertools.count()
    return lambda: start + timedelta(seconds=next(steps))


def ids(entries: Sequence[dict[str, Any]]) -> set[str]:
    """The ids of entries."""
    return {entry["id"] for entry in entries}
