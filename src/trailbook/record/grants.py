"""Grants: what an entry of access says that somebody may do from then on, a fact to hold a registry to.

Owns which entries these are, whose access each is about, and which one stands. Refuses to judge what is given, and to
know how it is kept: the manifests are made where roles and keys are known.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256

from msgspec import Struct

from trailbook.model import Item
from trailbook.record.canonical import Body, canonical_json

ACCESS = "access"  # the type of the fact, the part in which an entry cites it, and the kind of its blob
Holder = tuple[str, str]  # the type and id of the item whose access it is
_OF_MEMBERS = frozenset({"role.assigned", "role.unassigned"})  # about whom they name, and not about the role
_OF_TARGET = frozenset(
    {
        *(
            "role.created",
            "role.access_level_changed",
            "role.deleted",
            "user.deactivated",
            "user.reactivated",
        ),
        *("api_key.created", "api_key.rotated", "api_key.categories_changed", "api_key.revoked"),
        *("activity_log.begun", "activity_log.settings_changed"),
    }
)
GRANTING = _OF_MEMBERS | _OF_TARGET
NOTHING = canonical_json({"v": 1})


class Grant(Struct, frozen=True, kw_only=True):
    """An entry of access by its tokens: whose it is, and the fact, which entries of earlier versions and hosts lack."""

    seq: int
    target: str
    holders: tuple[str, ...]
    fact: str | None
    failed: bool


class Standing(Struct, frozen=True):
    """What the last entry about somebody's access says: its seq, and the SHA-256 of the manifest in hex."""

    seq: int
    digest: str


def grant_of(seq: int, body: Body) -> Grant | None:
    """What a body says of somebody's access; None for any other entry."""
    if body.action not in GRANTING:
        return None
    members = tuple(c.item for c in body.concerns if c.part == "member")
    return Grant(
        seq=seq,
        target=body.target,
        holders=members if body.action in _OF_MEMBERS else (body.target,),
        fact=next((c.item for c in body.concerns if c.part == ACCESS), None),
        failed=body.outcome != "success",
    )


def standing(grants: Iterable[Grant], item_of: Callable[[str], Item | None]) -> dict[Holder, Standing]:
    """The last grant of each holder, in the order of the entries; `item_of` says what a token stands for.

    A failure takes back the entry before it that said the same: that was written before the change was tried.
    """
    every: dict[Holder, list[Standing]] = {}
    for grant in grants:
        fact = None if grant.fact is None else item_of(grant.fact)
        if fact is None:
            continue
        for item in map(item_of, grant.holders):
            if item is not None:
                _tell(every.setdefault((item.type, item.id), []), Standing(grant.seq, fact.id), grant.failed)
    return {holder: stack[-1] for holder, stack in every.items() if stack}


def _tell(stack: list[Standing], grant: Standing, failed: bool) -> None:
    if not failed:
        stack.append(grant)
        return
    at = next((at for at in reversed(range(len(stack))) if stack[at].digest == grant.digest), None)
    if at is not None:
        del stack[at]


def digest_of(manifest: bytes) -> str:
    """SHA-256 in hex."""
    return sha256(manifest).hexdigest()
