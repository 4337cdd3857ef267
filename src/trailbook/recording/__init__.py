"""Recording: the way in, from a complete entry to a commit with its leaf."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
