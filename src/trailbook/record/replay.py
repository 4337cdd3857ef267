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


def same_content(body: Body, entry: NewEntry, stands: Mapping[str, "Identity"], key: bytes) -> bool:
    """Whether an arriving entry says what a recorded body says, apart from `recorded_at` and `source`.

    `stands` maps the body's tokens to their identities. Source: record.md 6.
    """

    def says(token: str | None, item: Item | None) -> bool:
        if token is None or item is None:
            return token is None and item is None
        found = stands.get(token)
        if found is None or (found.type, found.id) != (item.type, item.id):
            return False
        return item.name is None or found.name == item.name

    def says_origin() -> bool:
        if body.origin.item is None:
            return not has_place(entry.origin)
        found = stands.get(body.origin.item)
        return found is not None and (found.id or None, found.name) == (
            entry.origin.ip,
            entry.origin.user_agent,
        )

    concerns = list(entry.concerns)
    for kept in body.concerns:
        match = next((c for c in concerns if c.part == kept.part and says(kept.item, c)), None)
        if match is None:
            return False
        concerns.remove(match)
    return (
        not concerns
        and _plain_members(body) == _given_members(entry, key)
        and says(body.actor.item, entry.actor)
        and says(body.target, entry.target)
        and says(body.on_behalf_of, entry.on_behalf_of)
        and says_origin()
    )


def _plain_members(body: Body) -> tuple[object, ...]:
    told = (
        body.action,
        body.category,
        body.outcome,
        body.actor.kind,
        body.origin.interface,
        body.occurred_at,
    )
    return (*told, body.fields, body.purpose, body.effective_at, body.correlation, body.caused_by)


def _given_members(entry: NewEntry, key: bytes) -> tuple[object, ...]:
    told = (entry.action, entry.category, entry.outcome, entry.actor.kind, entry.origin.interface)
    together = None if entry.correlation is None else correlation_digits(entry.correlation, key)
    caused_by = None if entry.caused_by is None else str(entry.caused_by)
    fields = tuple(sorted(entry.fields))
    rest = (fields, entry.purpose, entry.effective_at, together, caused_by)
    return (*told, written(entry.occurred_at), *rest)
