"""Capture: a host's changes, recorded in the host's own transaction, by hooks or by triggers.

Owns the public names. Needs the extra `capture`. Refuses nothing itself.
"""

from trailbook.capture.acting import Acting, acting_as, current, system
from trailbook.capture.declared import Ref, Tracked
from trailbook.capture.draining import Draining, drain, drain_forever
from trailbook.capture.host import Bounds, Capture
from trailbook.capture.saying import recorded_as

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
