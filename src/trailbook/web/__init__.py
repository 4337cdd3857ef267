"""The web: the HTTP API, the pages and what operators ask, over one `Deployment`.

Owns Litestar, templates and HTTP's words. Refuses to touch a store: everything passes `Log`.
"""

from trailbook.web.app import create_app

__all__ = ["create_app"]
