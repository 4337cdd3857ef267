"""The JSON API: one file for what belongs together, over the wire of `web.http`.

Its front names what answers; `web.app` says where.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
