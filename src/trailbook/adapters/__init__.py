"""Adapters: other people's files and formats, read as entries. Handed a log, they never open one."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
