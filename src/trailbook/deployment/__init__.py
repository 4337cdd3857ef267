"""Deployment: an open store with its settings and secrets, and what runs beside it."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
