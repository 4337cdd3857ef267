"""SQLite, the embedded default: one file, one writing transaction at a time, readers apart."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
