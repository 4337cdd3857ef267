"""An entry as a viewer sees it: names then and now, sentence, link and state, in the words of the wire.

Owns the shape of every reading answer. Refuses to find anything: `reader.py` brings it together.
"""

from msgspec import Struct

from trailbook.catalogue import Named, Spoken
from trailbook.model import Interface, Kind, Outcome, State


class ShownItem(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An item: its name at the time and, where it differs, now; an erased one has a pseudonym and no id."""

    type: str
    id: str | None
    name: str | None
    exists: bool = True
    erased: bool = False
    name_now: str | None = None
    pseudonym: str | None = None


class ShownActor(ShownItem, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Who did it."""

    kind: Kind


class ShownConcern(ShownItem, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Whom or what it is about, and its part."""

    part: str


class ShownOrigin(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Where it came from; `erased` when address and agent went with the actor."""

    interface: Interface
    ip: str | None = None
    user_agent: str | None = None
    erased: bool = False


class Shown(Struct, frozen=True, kw_only=True, rename={"self_": "self"}, gc=False):
    """An entry as it is read; times are UTC with microseconds, `link` opens the target at the host."""

    id: str
    seq: int
    occurred_at: str
    recorded_at: str
    category: str
    action: str
    outcome: Outcome
    actor: ShownActor
    target: ShownItem
    on_behalf_of: ShownItem | None
    concerns: tuple[ShownConcern, ...]
    fields: tuple[str, ...]
    purpose: str | None
    effective_at: str | None
    correlation: str | None
    caused_by: str | None
    origin: ShownOrigin
    source: ShownItem
    self_: bool
    sentence: str
    link: str | None
    state: State


class FoundItem(Struct, frozen=True, kw_only=True):
    """An item that typeahead offers; `kind` when it has been an actor or is a person.

    `hint` is what the host says of it today. Where another one that is offered has its name and it has no hint,
    `last_seen` is when the last entry happened that names it.
    """

    type: str
    id: str
    kind: Kind | None
    name: str | None
    name_now: str | None
    hint: str | None = None
    last_seen: str | None = None


class RememberedItem(Struct, frozen=True, kw_only=True):
    """An item as the log remembers it: its name now, the names it had before, newest first, and whether it is there.

    `hint` is what the host says of it today.
    """

    type: str
    id: str
    name: str | None
    before: tuple[str, ...]
    exists: bool
    hint: str | None = None


class Page(Struct, frozen=True, kw_only=True):
    """One answer to a search: entries, and the cursors of the neighbouring ones in the asked order."""

    entries: tuple[Shown, ...]
    as_of: int
    next_cursor: str | None
    previous_cursor: str | None
    size: int
    count: int | None


class FacetValue(Struct, frozen=True):
    """A value of a field as a filter writes it, its label, and how many entries have it; never for a person."""

    value: str
    label: str
    count: int | None


class FieldValues(Struct, frozen=True):
    """Every value of a field, in the order shown, with a number of each by which a cursor knows its place."""

    numbers: tuple[int, ...]
    values: tuple[FacetValue, ...]


def spoken(entry: Shown, count: int | None = None) -> Spoken:
    """What the sentence of an entry is made of."""
    return Spoken(
        action=entry.action,
        outcome=entry.outcome,
        self_=entry.self_,
        kind=entry.actor.kind,
        actor=named(entry.actor),
        target=named(entry.target),
        on_behalf_of=None if entry.on_behalf_of is None else named(entry.on_behalf_of),
        concerns=tuple((c.part, named(c)) for c in entry.concerns),
        count=count,
    )


def named(item: ShownItem) -> Named:
    """An item as a sentence names it."""
    token4 = (item.pseudonym or "").upper()
    return Named(type=item.type, id=item.id or "", name=item.name, erased=item.erased, token4=token4)
