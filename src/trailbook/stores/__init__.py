"""Where entries are kept: what engines promise, in small parts, and the one door that opens an engine by URL.

Refuses to let an engine's driver be imported before a URL asks for it.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
