"""What capture of a table does not see, told when capture begins rather than when something is missing.

Owns the form of such a finding, which hooks of each framework and triggers share. Refuses to look for any itself.
"""

from msgspec import Struct


class CaptureWarning(UserWarning):
    """A write path that hooks cannot see, on a table that they cover."""


class Blindspot(Struct, frozen=True):
    """A table, a stable code, and in plain words what is not seen."""

    table: str
    code: str
    detail: str
