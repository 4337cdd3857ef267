"""Administration: changes to access, organisations and saved views, each an entry of the log."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
