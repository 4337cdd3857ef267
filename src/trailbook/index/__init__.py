"""The index: entries as numbers, sealed in segments, and search and counts over them. Pure; whoever uses it
brings the bytes.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
