"""A query is data: one object, four readers (parameters, one line, `matches()`, words for people).

Owns the public names of the filter. Refuses to know how entries are stored or who may see them.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
