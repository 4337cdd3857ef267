"""The part of a registry that says who may do what: organisations, roles, members, and how they change.

Owns the words `Organisation`, `Role`, `Member` and the promise that all changes of one organisation's access
stand in one order, so that two at once cannot remove the last administrator between them. Refuses to know what
a permission means: levels are texts here, and `roles` reads them.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Organisation(Struct, frozen=True, kw_only=True):
    """What is set for an organisation; `version` counts the changes of its access, from 0.

    `withheld` are categories that even full access does not show, `working_hours` a text that says when it works, empty
    where nobody set it; times are microseconds since 1970.
    """

    org: str
    version: int = 0
    suspended_at: int | None = None
    withheld: tuple[str, ...] = ()
    working_hours: str = ""


class Role(Struct, frozen=True, kw_only=True):
    """A role of an organisation: its `full` permissions by name; a permission that is not there is none.

    `categories` are the restricted ones that it may read.
    """

    id: str
    name: str
    full: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Member(Struct, frozen=True, kw_only=True):
    """A person of an organisation with the ids of their roles and, where they sign in here, their account.

    `login` is unique within the organisation; `password` is an Argon2id hash in PHC form, None until one is set.
    """

    type: str
    id: str
    name: str
    roles: tuple[str, ...] = ()
    login: str | None = None
    password: str | None = None
    disabled_at: int | None = None


class Change(Struct, frozen=True, kw_only=True):
    """What one change of access writes: all of it or nothing. Members to drop are (type, id)."""

    organisation: Organisation
    put_roles: Sequence[Role] = ()
    drop_roles: Sequence[str] = ()
    put_members: Sequence[Member] = ()
    drop_members: Sequence[tuple[str, str]] = ()


class Access(Protocol):
    """Keeps organisations' settings, roles and members, each organisation apart from every other."""

    def organisation(self, org: str) -> Organisation:
        """What is set for an organisation; one of which nothing was set is version 0."""

    def change_access(self, expected: Organisation, change: Change) -> None:
        """Write a change if the organisation still is as `expected`; its version becomes one more.

        Raises: HeadMovedError, and nothing is done, when somebody else changed access; StoreError.
        """

    def roles(self, org: str) -> list[Role]:
        """The organisation's own roles, by id."""

    def members(self, org: str) -> list[Member]:
        """The members, by type and id."""

    def member(self, org: str, type_: str, id_: str) -> Member | None:
        """One member, or None."""

    def member_by_login(self, org: str, login: str) -> Member | None:
        """The member who signs in by this name, or None."""
