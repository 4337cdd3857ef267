"""Blind spots: what hooks cannot see is told when capture begins."""

from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, UniqueConstraint
from tests.capture.small import members

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


@pytest.mark.parametrize("where", ["column", "constraint", "key", None])
def test_a_table_that_replaces_by_itself(where: str | None) -> None:
    """SQLite removes a row for another where the table says so; triggers see it, hooks cannot."""
    options: Any = {
        "column": [Column("email", String, unique=True, sqlite_on_conflict_unique="REPLACE")],
        "constraint": [Column("email", String), UniqueConstraint("email", sqlite_on_conflict="replace")],
        "key": [Column("email", String, primary_key=True, sqlite_on_conflict_primary_key="REPLACE")],
        None: [Column("email", String, unique=True, sqlite_on_conflict_unique="IGNORE")],
    }
    table = Table("letters", MetaData(), Column("id", Integer, primary_key=True), *options[where])
    capture = Capture("acme")
    actions = {"created": "user.created", "updated": None, "deleted": None}
    capture.track(table, type="user", id="id", actions=actions)
    codes = [spot.code for spot in capture.check()]
    capture.stop()
    assert codes == (["replace-in-database"] if where else [])


def cascading() -> Any:
    """A table whose rows the database deletes when their parent goes."""
    from_base = members.metadata.__class__()
    parent = members.metadata.tables["role"].to_metadata(from_base)
    column = type(parent.c.id)
    key = members.c.role_id.foreign_keys.copy().pop()
    foreign = type(key)("role.id", ondelete="CASCADE")
    integer = parent.c.id.type
    return type(parent)("child", from_base, column("id", integer, primary_key=True), column("role", foreign))
