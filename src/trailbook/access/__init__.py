"""Access: who is asking, and what they may."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
