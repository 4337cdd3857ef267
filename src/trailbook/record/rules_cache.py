"""What was found sound before: the same items, origins and shapes of entries are not checked twice.

Owns a shortcut past `complete_entry`, and only where the rules have already answered for an entry's shape (everything
but items, times and ids); of its items only those not seen before are held against the rules about them alone.
Refuses to judge: whatever is not found sound goes to the rules whole, which alone say what is wrong.
"""

from collections.abc import Hashable
from datetime import UTC, datetime
from uuid import UUID

from msgspec import structs

from trailbook.catalogue import Action, Catalogue
from trailbook.model import (
    AHEAD,
    EARLIEST,
    INTERFACES,
    MAX_ID,
    Actor,
    Concern,
    Item,
    NewEntry,
    Origin,
    item_faults,
    name_fault,
)
from trailbook.record.owners import owner_of
from trailbook.record.rules import Complete, complete_entry, is_date, origin_faults, type_faults

_ITEMS = (Actor, Concern, Item)
_MOST = 50_000  # items remembered before starting afresh; about 20 MB


class RulesCache:
    """Completes entries against one catalogue; any number of threads may ask."""

    def __init__(self, catalogue: Catalogue, earliest: datetime = EARLIEST) -> None:
        self._catalogue = catalogue
        self._earliest = earliest
        self._items: set[Hashable] = set()
        self._shapes: dict[Hashable, Action] = {}

    def complete(self, entry: NewEntry, now: datetime) -> Complete:
        """As `complete_entry`, sooner where everything was seen before. Raises: as `complete_entry`."""
        try:
            shape = _shape(entry)
            action = self._shapes.get(shape)
            if action is not None and self._seen(entry, now):
                return self._filled(action, entry)
        except (TypeError, AttributeError):  # a Struct made in Python may hold anything
            return complete_entry(self._catalogue, entry, now, earliest=self._earliest)
        complete = complete_entry(self._catalogue, entry, now, earliest=self._earliest)
        self._learn(shape, entry, complete.entry)
        return complete

    def _seen(self, entry: NewEntry, now: datetime) -> bool:
        items, at, id_, cause = self._items, entry.occurred_at, entry.id, entry.caused_by
        return (
            type(at) is datetime
            and at.tzinfo is UTC
            and at - now <= AHEAD
            and at >= self._earliest
            and (entry.actor in items or self._is_sound(entry.actor))
            and (entry.target in items or self._is_sound(entry.target))
            and (entry.origin in items or self._is_sound_origin(entry.origin))
            and (not entry.concerns or all(c in items or self._is_sound(c) for c in entry.concerns))
            and (
                entry.on_behalf_of is None
                or entry.on_behalf_of in items
                or self._is_sound(entry.on_behalf_of)
            )
            and (id_ is None or type(id_) is UUID)
            and (cause is None or type(cause) is UUID)
            and (len(entry.concerns) < 2 or _are_apart(entry.concerns))
            and (entry.effective_at is None or is_date(entry.effective_at))
            and (entry.correlation is None or name_fault(entry.correlation, MAX_ID) is None)
        )

    def _is_sound(self, item: Item) -> bool:
        """Whether an item of a known shape keeps the rules about it alone; it is remembered if so."""
        name, hint = item.name, item.hint
        fine = (
            type(item.id) is str
            and (name is None or type(name) is str)
            and (hint is None or type(hint) is str)
            and type(item) in _ITEMS
            and next(item_faults(item, ""), None) is None
            and next(type_faults(self._catalogue, item, ""), None) is None
        )
        return fine and self._remember(item)

    def _is_sound_origin(self, origin: Origin) -> bool:
        ip, agent = origin.ip, origin.user_agent
        fine = (
            type(origin) is Origin
            and origin.interface in INTERFACES
            and (ip is None or type(ip) is str)
            and (agent is None or type(agent) is str)
            and next(origin_faults(origin), None) is None
        )
        return fine and self._remember(origin)

    def _remember(self, sound: Hashable) -> bool:
        if len(self._items) >= _MOST:
            self._items = set()  # a new one, not an emptied one: another thread may be looking
        self._items.add(sound)
        return True

    def _filled(self, action: Action, entry: NewEntry) -> Complete:
        """The entry with what follows from it; its shape says that nothing given stands in a part that is filled."""
        target, behalf, concerns = entry.target, entry.on_behalf_of, entry.concerns
        for part in action.filled:
            concerns += (Concern(type=target.type, id=target.id, name=target.name, part=part),)
        if behalf is not None:
            concerns += (Concern(type=behalf.type, id=behalf.id, name=behalf.name, part="represented"),)
        filled = structs.replace(entry, category=action.category, concerns=concerns)
        return Complete(filled, owner_of(self._catalogue, action, filled))

    def _learn(self, shape: Hashable, entry: NewEntry, filled: NewEntry) -> None:
        action = self._catalogue.action(filled.action)
        follow = {*action.filled, "represented"}
        if any(concern.part in follow for concern in entry.concerns):
            return  # how many there are in a part depends on whether two are one: the rules count
        if len(self._shapes) >= _MOST:
            self._shapes = {}  # as with items
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
