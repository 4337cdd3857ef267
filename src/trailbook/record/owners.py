"""Whose a personal item is: what the catalogue says of it, in a form that a verification takes along.

Owns the one rule by which an owner is derived, when an entry is recorded and when its body is read again. A released
action keeps its meaning and a retired one stays declared, so that an action says which rule an entry was recorded
under. Refuses to guess: of an action that is not declared, or an entry that does not keep its action's rule, nothing
is derived.
"""

from msgspec import Struct

from trailbook.catalogue import ANY, Action, Catalogue
from trailbook.model import Concern, NewEntry
from trailbook.record.canonical import Body


class ActionOwners(Struct, frozen=True):
    """Of an action: the types of its targets, and the parts that it requires: in the first of them the owner stands.

    `personal`: one of these types is.
    """

    targets: tuple[str, ...]
    parts: tuple[str, ...]
    personal: bool = False


class Belonging(Struct, frozen=True, gc=False):
    """What an entry says of owners: its personal items, and those among whom the owner of them is, by token."""

    items: tuple[str, ...]
    owners: tuple[str, ...]


class OwnerRules(Struct, frozen=True):
    """Which types are declared, each with whether it is personal, and what each action says of owners."""

    types: dict[str, bool] = {}
    actions: dict[str, ActionOwners] = {}

    def allows(self, action: str, target: str) -> bool:
        """Whether an action may have a target of this type; one that is not declared may."""
        known = self.actions.get(action)
        return known is None or target in known.targets or ANY in known.targets

    def fits(self, body: Body) -> bool:
        """Whether a body keeps the rule of its action, so that it says whose its target is, or that it is nobody's."""
        known = self.actions.get(body.action)
        return known is not None and (not known.parts or bool(_owners(known, body)))

    def belonging(self, body: Body) -> Belonging | None:
        """Whose the target is, and with it the personal items among the concerns; None where nothing is said.

        Of the items some may be of a type that is not personal: the rows say which.
        """
        known = self.actions.get(body.action)
        owners = _owners(known, body) if known is not None and known.personal else ()
        if not owners:
            return None
        others = [concern.item for concern in body.concerns if concern.item not in owners]
        return Belonging((body.target, *others), owners)


def owner_rules(catalogue: Catalogue) -> OwnerRules:
    """What a catalogue says of owners."""
    types = {t.name: t.personal for t in catalogue.types.values()}
    actions = {
        a.name: ActionOwners(a.target, _required(a), any(map(types.get, a.target)))
        for a in catalogue.actions.values()
    }
    return OwnerRules(types, actions)


def _owners(known: ActionOwners, body: Body) -> tuple[str, ...]:
    """The concerns in the first part that an action requires; of one that requires none every concern."""
    concerns = body.concerns
    if not known.parts:
        return tuple([c.item for c in concerns if c.part != "represented"])
    given = (tuple([c.item for c in concerns if c.part == part]) for part in known.parts)
    return next(filter(None, given), ())


def owner_of(catalogue: Catalogue, action: Action, entry: NewEntry) -> Concern | None:
    """Whose a personal target is, and other personal items with it: the first in the first part that is required."""
    if not catalogue.types[entry.target.type].personal:
        return None
    parts = _required(action) or [c.part for c in entry.concerns if c.part != "represented"]
    return next((c for part in parts for c in entry.concerns if c.part == part), None)


def _required(action: Action) -> tuple[str, ...]:
    return tuple(rule.part for rule in action.concerns if rule.least)
