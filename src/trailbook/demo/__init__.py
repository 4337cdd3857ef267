"""Nordlys AS: a small real HR system that records into Trailbook, and twenty-four months of its life.

Owns hr.db and the ways into it: `build` makes it, `HRSystem` opens it. Refuses to know how a log keeps its
entries: it is handed one and asks only to record.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
