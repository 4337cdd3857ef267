"""Blind spots: what hooks cannot see is told when capture begins."""

from typing import Any

import pytest
from sqlalchemy import Engine
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


def cascading() -> Any:
    """A table whose rows the database deletes when their parent goes."""
    from_base = members.metadata.__class__()
    parent = members.metadata.tables["role"].to_metadata(from_base)
    column = type(parent.c.id)
    key = members.c.role_id.foreign_keys.copy().pop()
    foreign = type(key)("role.id", ondelete="CASCADE")
    integer = parent.c.id.type
    return type(parent)("child", from_base, column("id", integer, primary_key=True), column("role", foreign))
