"""The secrets of a deployment, as a log is opened with them.

Owns how each organisation's own key follows from them. Refuses to know where they lie.
"""

import hashlib

from msgspec import Struct


class Keys(Struct, frozen=True):
    """The deployment's secrets: `secret` signs cursors, `organisation` is the root of each organisation's key."""

    secret: bytes
    organisation: bytes

    def of(self, org: str) -> bytes:
        """An organisation's own key, for correlations."""
        return hashlib.blake2b(org.encode(), key=self.organisation[:64], person=b"trailbook/org/1").digest()
