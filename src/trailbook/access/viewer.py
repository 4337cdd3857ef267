"""Who reads: a viewer and the levels of their system permissions in one organisation.

Owns the one question every reading door asks first. Refuses to look anything up: the viewer comes with
what their role allows, and a viewer of another organisation has nothing here.
"""

from typing import Literal

from msgspec import Struct

from trailbook.errors import NotPermittedError
from trailbook.model import Item, Kind, Origin

Level = Literal["none", "full"]
ACTIVITY_LOG, READ_PROOFS, VERIFY_LOG = "Activity log", "Read proofs", "Verify log"
MANAGE_ACCESS, MANAGE_EXPORTS, MANAGE_RETENTION = "Manage access", "Manage exports", "Manage retention"
EVERY_CATEGORY = "*"  # no name of a category: in place of all restricted ones


class Viewer(Struct, frozen=True, kw_only=True):
    """Whoever reads: who they are, in which organisation, and their level of each system permission.

    `withheld` are categories that even full does not show, `restricted` those that full shows only to whoever is named
    for them; `origin` is where they read from; `roles` are those that a link brought along, None where what they may
    is looked up.
    """

    org: str
    item: Item
    kind: Kind = "person"
    activity_log: Level = "none"
    read_proofs: Level = "none"
    manage_access: Level = "none"
    manage_exports: Level = "none"
    manage_retention: Level = "none"
    verify_log: Level = "none"
    withheld: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()
    origin: Origin | None = None
    roles: tuple[str, ...] | None = None


def operator(org: str) -> Viewer:
    """Whoever holds the files themselves, as the command line and a host's own process do."""
    return Viewer(
        org=org,
        item=Item(type="system", id="operator", name="Operator"),
        kind="system",
        activity_log="full",
        read_proofs="full",
        manage_access="full",
        manage_exports="full",
        manage_retention="full",
        verify_log="full",
        restricted=(EVERY_CATEGORY,),
        origin=Origin(interface="cli"),
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


def require_access(viewer: Viewer, org: str) -> None:
    """Let a viewer care for roles, members and keys of `org`. Raises: NotPermittedError, before any look-up."""
    _require(viewer, org, viewer.manage_access, MANAGE_ACCESS)


def require_exports(viewer: Viewer, org: str) -> None:
    """Let a viewer export the log of `org`. Raises: NotPermittedError, before anything is looked up."""
    require_full(viewer, org)
    _require(viewer, org, viewer.manage_exports, MANAGE_EXPORTS)


def require_retention(viewer: Viewer, org: str) -> None:
    """Let a viewer care for how long `org` keeps entries. Raises: NotPermittedError, before any look-up."""
    _require(viewer, org, viewer.manage_retention, MANAGE_RETENTION)


def require_verifying(viewer: Viewer, org: str) -> None:
    """Let a viewer have the log of `org` verified. Raises: NotPermittedError, before anything is looked up."""
    require_full(viewer, org)
    _require(viewer, org, viewer.verify_log, VERIFY_LOG)


def _require(viewer: Viewer, org: str, level: Level, permission: str) -> None:
    if viewer.org != org or level != "full":
        raise NotPermittedError(permission)
