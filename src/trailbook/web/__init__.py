"""The web: the HTTP API, the pages and what operators ask, over one `Deployment`.

Owns Litestar, templates and HTTP's words. Refuses to touch a store: everything passes `Log`.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
