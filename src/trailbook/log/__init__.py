"""The log: the one facade through which every door records, finds and shows."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
