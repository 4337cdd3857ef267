"""Exports: functions that turn the rows of a query into a file, piece by piece, in constant memory.

Owns the columns and the written form of each format. Refuses to find, to filter or to decide who may read:
rows come from `Log.export`, and an error among them ends the file where it stood.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
