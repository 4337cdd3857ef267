"""The record: an entry's rules, its bytes and its row of the index. Pure."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
