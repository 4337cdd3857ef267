"""What a registry keeps of a person: their membership with its account, sessions and links, views and choices.

Owns that all of it goes when they are erased. Orders and the files of exports are their runner's, which lets go of
every one once somebody was erased. Refuses to lock an organisation out.
"""

from threading import Lock

from msgspec import Struct

from trailbook.access import Change, Credentials, administrators, every_role, refuse_locking_out
from trailbook.errors import AccessMovedError, HeadMovedError
from trailbook.model import Item
from trailbook.stores import Access, Views

_ATTEMPTS = 5


class Forgotten(Struct, frozen=True, kw_only=True):
    """How many sessions and links, and how many views, went with a person."""

    sessions: int
    views: int


class Persons:
    """The parts of a registry that keep something of a person; `changing` is held by whoever changes access."""

    def __init__(self, access: Access, credentials: Credentials, views: Views, changing: Lock) -> None:
        self._access = access
        self._credentials = credentials
        self._views = views
        self._changing = changing

    def refuse_last(self, org: str, item: Item) -> None:
        """Refuse to let the last administrator go. Raises: LastAdministratorError."""
        members, roles = self._access.members(org), every_role(self._access.roles(org))
        others = [m for m in members if (m.type, m.id) != (item.type, item.id)]
        refuse_locking_out(administrators(members, roles), administrators(others, roles))

    def forget(self, org: str, item: Item) -> Forgotten:
        """Let go of everything of a person; again is harmless. Raises: AccessMovedError; StoreError."""
        self._drop(org, item)
        sessions = self._credentials.end_sessions(org, item)
        return Forgotten(sessions=sessions, views=self._views.forget(org, f"{item.type}/{item.id}"))

    def _drop(self, org: str, item: Item) -> None:
        """Drop a membership, which there may be none of."""
        with self._changing:
            for _ in range(_ATTEMPTS):
                now = self._access.organisation(org)
                if self._access.member(org, item.type, item.id) is None:
                    return
                try:
                    drop = Change(organisation=now, drop_members=[(item.type, item.id)])
                    self._access.change_access(now, drop)
                except HeadMovedError:
                    continue
                return
        raise AccessMovedError("somebody else changes access all the time: try again")
