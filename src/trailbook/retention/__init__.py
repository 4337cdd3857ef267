"""Retention: what goes, when, and the manifest that says so."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
