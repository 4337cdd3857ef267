"""Replays: whether an arriving entry says what the kept body of its id says.

Owns the comparison that makes recording the same entry twice harmless. Refuses to compare what an erasure took: then
the id alone decides, and whoever asks has seen to that.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trailbook.model import Item, NewEntry, written
from trailbook.record.canonical import Body, correlation_digits, has_place

if TYPE_CHECKING:
    from trailbook.stores import Identity


def same_content(body: Body, entry: NewEntry, identities: Mapping[str, "Identity"], key: bytes) -> bool:
    """Whether an arriving entry says what a recorded body says, apart from `recorded_at` and `source`.

    `identities` are those of the body's tokens, by token.
    """

    def says(token: str | None, item: Item | None) -> bool:
        if token is None or item is None:
            return token is None and item is None
        identity = identities.get(token)
        if identity is None or (identity.type, identity.id) != (item.type, item.id):
            return False
        return item.name is None or identity.name == item.name

    def says_origin() -> bool:
        if body.origin.item is None:
            return not has_place(entry.origin)
        identity = identities.get(body.origin.item)
        return identity is not None and (identity.id or None, identity.name) == (
            entry.origin.ip,
            entry.origin.user_agent,
        )

    unmatched = list(entry.concerns)
    for recorded in body.concerns:
        match = next((c for c in unmatched if c.part == recorded.part and says(recorded.item, c)), None)
        if match is None:
            return False
        unmatched.remove(match)
    return (
        not unmatched
        and _recorded_members(body) == _arriving_members(entry, key)
        and says(body.actor.item, entry.actor)
        and says(body.target, entry.target)
        and says(body.on_behalf_of, entry.on_behalf_of)
        and says_origin()
    )


def _recorded_members(body: Body) -> tuple[object, ...]:
    return (
        body.action,
        body.category,
        body.outcome,
        body.actor.kind,
        body.origin.interface,
        body.occurred_at,
        body.fields,
        body.purpose,
        body.effective_at,
        body.correlation,
        body.caused_by,
    )


def _arriving_members(entry: NewEntry, key: bytes) -> tuple[object, ...]:
    return (
        entry.action,
        entry.category,
        entry.outcome,
        entry.actor.kind,
        entry.origin.interface,
        written(entry.occurred_at),
        tuple(sorted(entry.fields)),
        entry.purpose,
        entry.effective_at,
        None if entry.correlation is None else correlation_digits(entry.correlation, key),
        None if entry.caused_by is None else str(entry.caused_by),
    )
