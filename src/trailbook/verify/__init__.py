"""Verification: bytes in, findings out. Rows, tiles, signed heads and identities, each checked by what binds it.

Owns what counts as a fault and where it is. Pure: it reads no store, file or clock, and it never stops at the
first fault nor answers with a bare boolean. `deployment/verification.py` feeds it a stored log.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)
