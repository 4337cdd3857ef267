"""Who reads: a viewer and the levels of their system permissions in one organisation.

Owns the one question every reading door asks first. Refuses to look anything up: the viewer comes with
what their role allows, and a viewer of another organisation has nothing here.
"""

from typing import Literal

from msgspec import Struct

from trailbook.errors import NotPermittedError
from trailbook.model import Item

Level = Literal["none", "full"]
ACTIVITY_LOG, READ_PROOFS = "Activity log", "Read proofs"


class Viewer(Struct, frozen=True, kw_only=True):
    """Whoever reads: who they are, in which organisation, and their level of each system permission."""

    org: str
    item: Item
    activity_log: Level = "none"
    read_proofs: Level = "none"
    withheld: tuple[str, ...] = ()


def operator(org: str) -> Viewer:
    """Whoever holds the files themselves, as the command line and a host's own process do."""
    return Viewer(
        org=org,
        item=Item(type="system", id="operator", name="Operator"),
        activity_log="full",
        read_proofs="full",
    )


def require_full(viewer: Viewer, org: str) -> None:
    """Let a viewer read the log of `org`. Raises: NotPermittedError, before anything is looked up."""
    if viewer.org != org or viewer.activity_log != "full":
        raise NotPermittedError(ACTIVITY_LOG)


def require_proofs(viewer: Viewer, org: str) -> None:
    """Let a viewer read the proofs of `org`. Raises: NotPermittedError, before anything is looked up."""
    require_full(viewer, org)
    if viewer.read_proofs != "full":
        raise NotPermittedError(READ_PROOFS)
