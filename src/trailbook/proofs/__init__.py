"""Proofs: signed heads, evidence and keys over a store."""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
