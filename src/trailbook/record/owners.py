"""Whose a personal item is: what the catalogue says of it, in a form that a verification takes along.

Owns the one rule by which an owner is derived, when an entry is recorded and when its body is read again. A released
action keeps its meaning and a retired one stays declared, so that an action says which rule an entry was recorded
under. Refuses to guess: of an action that is not declared, or an entry that does not keep its action's rule, nothing
is derived.
"""

from collections.abc import Sequence

from msgspec import Struct

from trailbook.catalogue import ANY, Action, Catalogue
from trailbook.model import Item, NewEntry


class ActionOwners(Struct, frozen=True):
    """Of an action: the types of its targets, and the parts that it requires: in the first of them the owner stands."""

    targets: tuple[str, ...]
    parts: tuple[str, ...]


class OwnerRules(Struct, frozen=True):
    """Which types are declared, each with whether it is personal, and what each action says of owners."""

    types: dict[str, bool] = {}
    actions: dict[str, ActionOwners] = {}

    def personal_actions(self) -> set[str]:
        """The actions that may have a personal target."""
        return {name for name, action in self.actions.items() if any(map(self.types.get, action.targets))}

    def allows(self, action: str, target: str) -> bool:
        """Whether an action may have a target of this type; one that is not declared may."""
        known = self.actions.get(action)
        return known is None or target in known.targets or ANY in known.targets

    def owners(self, action: str, concerns: Sequence[tuple[str, str]]) -> tuple[str, ...] | None:
        """Among concerns, given as (part, token), those of whom one owns a personal target; None where unknown."""
        known = self.actions.get(action)
        if known is None:
            return None
        if not known.parts:
            return tuple([token for part, token in concerns if part != "represented"])
        given = (tuple([token for part, token in concerns if part == own]) for own in known.parts)
        return next(filter(None, given), None)


def owner_rules(catalogue: Catalogue) -> OwnerRules:
    """What a catalogue says of owners."""
    actions = {a.name: ActionOwners(a.target, _required(a)) for a in catalogue.actions.values()}
    return OwnerRules({t.name: t.personal for t in catalogue.types.values()}, actions)


def owner_of(catalogue: Catalogue, action: Action, entry: NewEntry) -> Item | None:
    """Whose a personal target is: the first person in the first part that the action requires."""
    if not catalogue.types[entry.target.type].personal:
        return None
    parts = _required(action) or [c.part for c in entry.concerns if c.part != "represented"]
    return next((c for part in parts for c in entry.concerns if c.part == part), None)


def _required(action: Action) -> tuple[str, ...]:
    return tuple(rule.part for rule in action.concerns if rule.least)
