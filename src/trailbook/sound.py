"""What was found sound before: the same items, origins and shapes of entries are not checked twice.

Owns a shortcut past `rules.complete`, and only where that has already answered for every part of an entry: its
items one by one, and its shape (everything else but times and ids). Refuses to judge: whatever it has not seen,
or cannot compare, goes to the rules, which alone say what is wrong.
"""

from collections.abc import Hashable
from datetime import UTC, datetime
from uuid import UUID

from msgspec import structs

from trailbook.catalogue import Action, Catalogue
from trailbook.model import AHEAD, MAX_ID, Actor, Concern, Item, NewEntry, text_fault
from trailbook.rules import Complete, complete, is_date, owner_of

_MOST = 50_000  # items remembered before starting afresh; about 20 MB


class Sound:
    """Completes entries against one catalogue; any number of threads may ask."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._items: set[Hashable] = set()
        self._shapes: dict[Hashable, Action] = {}

    def complete(self, entry: NewEntry, now: datetime) -> Complete:
        """As `rules.complete`, sooner where everything was seen before. Raises: as `rules.complete`."""
        try:
            shape = _shape(entry)
            action = self._shapes.get(shape)
            if action is not None and self._seen(entry, now):
                return self._filled(action, entry)
        except (TypeError, AttributeError):  # a Struct made in Python may hold anything
            return complete(self._catalogue, entry, now)
        found = complete(self._catalogue, entry, now)
        self._learn(shape, entry, found.entry)
        return found

    def _seen(self, entry: NewEntry, now: datetime) -> bool:
        items, at, id_, cause = self._items, entry.occurred_at, entry.id, entry.caused_by
        return (
            type(at) is datetime
            and at.tzinfo is UTC
            and at - now <= AHEAD
            and entry.actor in items
            and entry.target in items
            and entry.origin in items
            and (not entry.concerns or all(concern in items for concern in entry.concerns))
            and (entry.on_behalf_of is None or entry.on_behalf_of in items)
            and (id_ is None or type(id_) is UUID)
            and (cause is None or type(cause) is UUID)
            and (len(entry.concerns) < 2 or _are_apart(entry.concerns))
            and (entry.effective_at is None or is_date(entry.effective_at))
            and (entry.correlation is None or text_fault(entry.correlation, MAX_ID) is None)
        )

    def _filled(self, action: Action, entry: NewEntry) -> Complete:
        """The entry with what follows from it; its shape says that nothing given stands in a part that is filled."""
        target, behalf, concerns = entry.target, entry.on_behalf_of, entry.concerns
        for part in action.filled:
            concerns += (Concern(type=target.type, id=target.id, name=target.name, part=part),)
        if behalf is not None:
            concerns += (Concern(type=behalf.type, id=behalf.id, name=behalf.name, part="represented"),)
        filled = structs.replace(entry, category=action.category, concerns=concerns)
        return Complete(filled, owner_of(self._catalogue, action, filled))

    def _learn(self, shape: Hashable, entry: NewEntry, found: NewEntry) -> None:
        action = self._catalogue.action(found.action)
        follow = {*action.filled, "represented"}
        if any(concern.part in follow for concern in entry.concerns):
            return  # how many there are in a part depends on whether two are one: the rules count
        if len(self._items) >= _MOST or len(self._shapes) >= _MOST:
            # New ones, not emptied ones: another thread may be looking.
            self._items, self._shapes = set(), {}
        behalf = () if found.on_behalf_of is None else (found.on_behalf_of,)
        self._items.update((found.actor, found.target, found.origin, *behalf, *found.concerns))
        self._shapes[shape] = action


def _shape(entry: NewEntry) -> Hashable:
    """Everything of an entry that a rule reads, but items, times, ids and what `_seen` reads itself.

    Raises: TypeError or AttributeError for what is no entry, or holds something that cannot be compared.
    """
    behalf, concerns = entry.on_behalf_of, entry.concerns
    if type(entry) is not NewEntry or type(entry.actor) is not Actor or type(entry.target) is not Item:
        raise TypeError
    if type(concerns) is not tuple or type(entry.fields) is not tuple:
        raise TypeError
    if behalf is not None and type(behalf) is not Item:
        raise TypeError
    return (
        entry.action,
        entry.category,
        entry.outcome,
        entry.actor.type,
        entry.actor.kind,
        entry.target.type,
        None if behalf is None else behalf.type,
        tuple([concern.part for concern in concerns]) if concerns else (),
        entry.fields,
        entry.purpose,
    )


def _are_apart(concerns: tuple[Concern, ...]) -> bool:
    return len({(c.part, c.type, c.id) for c in concerns}) == len(concerns)
