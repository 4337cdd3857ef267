"""The tree: Merkle arithmetic, signed notes and timestamps. Pure."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
