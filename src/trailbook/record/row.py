"""Index rows: an entry as the index keeps it, built alike from an arriving entry and from a kept body.

Owns what of an entry becomes a number or a code of the index. Refuses to look anything up: the identities that an
entry cites are handed to it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.errors import DamagedError
from trailbook.index import IndexRow
from trailbook.model import Kind, NewEntry, microseconds
from trailbook.record.canonical import Body

if TYPE_CHECKING:
    from trailbook.stores import Identity

_ALIVE = {"deleted": False, "restored": True}  # by the verb of the action


class RowItems(Struct, frozen=True, gc=False):
    """The numbers of the items that an entry cites, 0 for none; `concerned` each once, `type` that of the target."""

    actor: int
    target: int
    source: int
    behalf: int
    origin: int
    concerned: tuple[int, ...]
    type: str


def index_row(
    seq: int,
    entry: NewEntry | Body,
    items: RowItems,
    *,
    at: int,
    correlation: str | None,
    cause: str | None,
    catalogue: Catalogue,
) -> IndexRow:
    """The one builder of index rows; `at` in microseconds since 1970, `correlation` and `cause` as in a body."""
    actor = items.actor
    return IndexRow(
        seq=seq,
        at=at,
        actor=actor,
        target=items.target,
        source=items.source,
        behalf=items.behalf,
        origin=items.origin,
        concerned=items.concerned,
        kind=entry.actor.kind,
        type=items.type,
        category=entry.category or "",
        action=entry.action,
        outcome=entry.outcome,
        interface=entry.origin.interface,
        own=items.behalf == 0 and (actor == items.target or actor in items.concerned),
        correlation=sixty_bits(correlation),
        cause=sixty_bits(cause),
        alive=alive_after(catalogue, entry.action, entry.outcome),
    )


def body_row(seq: int, body: Body, identities: Mapping[str, "Identity"], *, catalogue: Catalogue) -> IndexRow:
    """A kept body as the index keeps it; `identities` by token. Raises: DamagedError for a token that is not there."""
    try:
        target = identities[body.target]
        items = RowItems(
            actor=identities[body.actor.item].item,
            target=target.item,
            source=identities[body.source].item,
            behalf=0 if body.on_behalf_of is None else identities[body.on_behalf_of].item,
            origin=0 if body.origin.item is None else identities[body.origin.item].item,
            concerned=tuple(dict.fromkeys(identities[concern.item].item for concern in body.concerns)),
            type=target.type,
        )
    except KeyError as error:
        raise DamagedError(f"entry {seq} cites a token that the directory does not have") from error
    return index_row(
        seq,
        body,
        items,
        at=microseconds(datetime.fromisoformat(body.occurred_at)),
        correlation=body.correlation,
        cause=body.caused_by,
        catalogue=catalogue,
    )


def unread_row(seq: int, at: int) -> IndexRow:
    """An entry whose body cannot be read: nothing is known of it but that it is there."""
    return IndexRow(
        seq=seq,
        at=at,
        actor=0,
        target=0,
        source=0,
        behalf=0,
        concerned=(),
        kind=cast(Kind, ""),
        type="",
        category="",
        action="",
        outcome="",
        interface="",
        own=False,
        correlation=0,
        cause=0,
    )


def alive_after(catalogue: Catalogue, action: str, outcome: str) -> bool | None:
    """Whether the target is there after such an entry: no longer, again, or (None) as before."""
    declared = catalogue.actions.get(action)
    verb = "" if declared is None or outcome != "success" else declared.verb
    return _ALIVE.get(verb)


def sixty_bits(id_: str | None) -> int:
    """The last 60 bits of a UUID or trace id, as a column keeps it; 0 for none."""
    return 0 if id_ is None else int(id_.replace("-", "")[-15:], 16)
