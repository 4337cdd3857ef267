"""Capture: a host's changes, recorded in the host's own transaction, by hooks or by triggers.

Owns the public names. Needs the extra `capture`. Refuses nothing itself.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
