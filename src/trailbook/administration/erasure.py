"""Erasing somebody, wherever Trailbook keeps something of them, and saying what went and what remains.

Owns the order: who is refused is refused before anything is done, the registry goes first and the log last, so that
whoever is killed between finds the person there and erases them again. Refuses to promise what copies elsewhere hold.
"""

from msgspec import Struct

from trailbook.access import require_retention
from trailbook.administration.access import By, remove_member
from trailbook.model import Actor, Item, Origin, Receipt


class Went(Struct, frozen=True, kw_only=True):
    """What went beside what named them in the log: how many sessions and links, own views, exports of anybody."""

    membership: bool
    account: bool
    sessions: int
    views: int
    exports: int


class Remaining(Struct, frozen=True):
    """What an erasure does not reach, and why."""

    what: str
    why: str


class ErasedPerson(Struct, frozen=True, kw_only=True):
    """An erasure that was carried out: the entry that says so, what went with it and what remains."""

    receipt: Receipt
    went: Went
    remains: tuple[Remaining, ...]


REMAINS = (
    Remaining("entries", "they stay under a pseudonym, with the pattern of what was done and when"),
    Remaining(
        "backups taken before",
        "one that is restored with the outside file erases again, one that is kept names them: remove the old ones",
    ),
    Remaining("copies that others hold", "files, proofs and bundles they have are out of reach"),
)


def erase_person(by: By, item: Item, *, purpose: str | None = None) -> ErasedPerson:
    """Erase a person from the log, and with them membership, account, sessions, links, views and choices.

    Files of exports go at the next look of whoever runs them. Raises: NotPermittedError; InvalidError when the item
    is no person; EntryInvalidError for a purpose that is not declared; LastAdministratorError; NotFoundError when
    nobody knows them; AccessMovedError; StoreError.
    """
    require_retention(by.viewer, by.org)
    deployment, log, viewer = by.deployment, by.deployment.log(by.org), by.viewer
    actor = Actor(kind=viewer.kind, type=viewer.item.type, id=viewer.item.id, name=viewer.item.name)
    origin = viewer.origin or Origin(interface="api")
    member = deployment.access.member(by.org, item.type, item.id)
    log.recorder.require_erasable(
        item, actor=actor, origin=origin, purpose=purpose, member=member is not None
    )
    deployment.persons.refuse_last(by.org, item)
    exports, sessions = len(deployment.jobs.every(by.org)), deployment.credentials.end_sessions(by.org, item)
    if member is not None:
        # Its entries say that their roles end: by them the log knows whomever it had lost sight of.
        remove_member(by, item.type, item.id)
    went = deployment.persons.forget(by.org, item)
    receipt = log.erase(item, actor=actor, origin=origin, purpose=purpose)
    return ErasedPerson(
        receipt=receipt,
        went=Went(
            membership=member is not None,
            account=member is not None and member.login is not None,
            sessions=sessions + went.sessions,
            views=went.views,
            exports=exports,
        ),
        remains=REMAINS,
    )
