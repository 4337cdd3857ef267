"""Finding: the way out. What a viewer may see of the entries, found and put on pages."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
