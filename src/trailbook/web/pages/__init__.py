"""The pages: a question is read from an address, asked of the log, and its answer made a model for a template.

Its front names what answers; `web.app` says where.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
