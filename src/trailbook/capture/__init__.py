"""Capture: a host's changes, recorded in the host's own transaction, by hooks or by triggers.

Owns the public names. Needs the extra `capture`. Refuses nothing itself.
"""

from trailbook.capture.actor import Acting, acting_as, current, system
from trailbook.capture.declarations import Ref, Tracked
from trailbook.capture.drain import Draining, drain, drain_forever
from trailbook.capture.meaning import recorded_as
from trailbook.capture.sqlalchemy.capture import Bounds, Capture

__all__ = [
    "Acting",
    "Bounds",
    "Capture",
    "Draining",
    "Ref",
    "Tracked",
    "acting_as",
    "current",
    "drain",
    "drain_forever",
    "recorded_as",
    "system",
]
