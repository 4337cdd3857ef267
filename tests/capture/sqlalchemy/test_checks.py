"""Blind spots: what hooks cannot see is told when capture begins."""

from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tests.capture.small import USER_ACTIONS, members

from trailbook.capture import Capture
from trailbook.capture.blindspots import CaptureWarning


def test_a_blind_spot_is_told_at_the_start(engine: Engine) -> None:
    """What the database deletes by itself hooks cannot see: capture says so when it begins."""
    capture = Capture("acme")
    capture.track(
        cascading(), type="user", actions={"created": "user.created", "updated": None, "deleted": None}
    )
    with pytest.warns(CaptureWarning, match="triggers only"):
        findings = capture.install(engine)
    capture.stop()
    assert [(f.table, f.code) for f in findings] == [("child", "cascade-in-database")]


def test_a_blind_spot_in_the_rest_of_a_row() -> None:
    """What the database sets to NULL there hooks cannot see either; that the rest goes with its row they do."""
    capture = Capture("acme")
    capture.track(Manager, type="user", name="name", actions=USER_ACTIONS)
    spots = capture.check()
    capture.stop()
    assert [(spot.table, spot.code) for spot in spots] == [("manager", "cascade-in-database")]
    assert "deputy_id" in spots[0].detail


class Own(DeclarativeBase):
    """A hierarchy of two tables."""


class Staff(Own):
    """The base."""

    __tablename__ = "staff"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "staff"}


class Manager(Staff):
    """One who has a deputy."""

    __tablename__ = "manager"
    id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True)
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    __mapper_args__: ClassVar = {
        "polymorphic_identity": "manager",
        "inherit_condition": id == Staff.__table__.c.id,
    }


def cascading() -> Any:
    """A table whose rows the database deletes when their parent goes."""
    from_base = members.metadata.__class__()
    parent = members.metadata.tables["role"].to_metadata(from_base)
    column = type(parent.c.id)
    key = members.c.role_id.foreign_keys.copy().pop()
    foreign = type(key)("role.id", ondelete="CASCADE")
    integer = parent.c.id.type
    return type(parent)("child", from_base, column("id", integer, primary_key=True), column("role", foreign))
