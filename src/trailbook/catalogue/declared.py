"""What the catalogue declares: categories, item types, actions with their concern rules, and `Catalogue`.

Owns the questions others ask of it: an action by name, the actions of an entity, an item's link, a label.
Refuses to read files (`reading.py`), to judge them (`check.py`) and to know any action by name.
"""

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, urlsplit

from msgspec import Struct

from trailbook.catalogue.words import Language
from trailbook.errors import ActionUnknownError, CatalogueError
from trailbook.model import Concern, NewEntry

Retention = Literal["brief", "standard", "extended", "permanent"]
OnFailure = Literal["refuse", "spool"]

RETENTIONS: dict[str, int | None] = {"brief": 6, "standard": 12, "extended": 36, "permanent": None}  # months
PARTS = (
    *("subject", "owner", "member", "scope", "requester", "approver", "assignee", "holder"),
    *("previous_holder", "supervisor", "previous_supervisor", "substitute", "participant", "reviewer"),
    *("signer", "candidate", "dependant", "synced", "in_scope", "filtered", "represented"),
    *("permission", "role", "course", "job", "document_type", "parent", "recipient", "merged"),
    "access",
)
# These say which thing a change was about, so that nothing else may be named in their place: not the absence that
# has no name, not the person whom the entry would then be about.
TYPED_PARTS: dict[str, tuple[str, ...]] = {
    **{part: (part,) for part in ("permission", "role", "course", "job", "document_type", "access")},
    "parent": ("team", "location", "department", "cost_centre", "legal_entity"),
    "merged": ("user",),
    "recipient": ("user", "candidate", "team", "department", "location", "role", "integration"),
}
VERBS = (
    *("created", "updated", "deleted", "restored", "gave", "took", "enabled", "disabled", "approved"),
    *("rejected", "sent", "signed_in", "exported", "viewed", "moved", "other"),
)
ANY = "any"

_LABELS = {
    "category": "categories",
    "type": "types",
    "field": "fields",
    "action": "actions",
    "part": "parts",
    "outcome": "outcomes",
    "interface": "interfaces",
    "kind": "kinds",
    "purpose": "purposes",
    "verb": "verbs",
}
_DOTS = re.compile(r"\.{1,2}")


class ItemType(Struct, frozen=True, kw_only=True):
    """A type of item; `target` is false for one that is only ever concerned, an actor or a source."""

    name: str
    category: str
    named: bool = True
    person: bool = False
    personal: bool = False
    target: bool = True
    fields: frozenset[str] = frozenset()
    id: str | None = None
    link: str | None = None


class Rule(Struct, frozen=True):
    """How many items an entry may be about in one part."""

    part: str
    least: int
    most: int


class Action(Struct, frozen=True, kw_only=True):
    """An action, its category's `retention` and `on_failure` already in it; `filled` parts are the target."""

    name: str
    category: str
    target: tuple[str, ...]
    concerns: tuple[Rule, ...]
    filled: tuple[str, ...]
    verb: str
    since: str
    until: str | None
    retention: Retention
    on_failure: OnFailure

    @property
    def parts(self) -> dict[str, Rule]:
        """The rule of each part that an entry of this action may have."""
        return {rule.part: rule for rule in self.concerns}

    def allows(self, target: str) -> bool:
        """Whether an item of this type may be the target."""
        return target in self.target or ANY in self.target


class Category(Struct, frozen=True, kw_only=True):
    """A category; a seed one cannot be switched off."""

    name: str
    sensitive: bool
    restricted: bool
    retention: Retention
    on_failure: OnFailure
    seed: bool


class Catalogue(Struct, frozen=True):
    """Everything declared: the built-in files and the host's, in order."""

    categories: dict[str, Category]
    types: dict[str, ItemType]
    actions: dict[str, Action]
    purposes: tuple[str, ...]
    languages: dict[str, Language]

    def action(self, name: str) -> Action:
        """The action of this name.

        Raises: ActionUnknownError naming the nearest declared one.
        """
        action = self.actions.get(name)
        if action is None:
            entity, _, done = name.partition(".")
            own = {other.partition(".")[2]: other for other in self.actions if other.startswith(f"{entity}.")}
            nearest = own.get(_nearest(done, own) or "") if own else _nearest(name, self.actions)
            raise ActionUnknownError(name, nearest, () if nearest else tuple(own.values()))
        return action

    def entity_actions(self, pattern: str) -> tuple[Action, ...]:
        """The actions of an entity (`role.*`), whatever their category, or the one action named.

        Raises: ActionUnknownError where nothing declared fits.
        """
        entity, star, rest = pattern.partition(".*")
        if not star or rest:
            return (self.action(pattern),)
        actions = tuple(a for a in self.actions.values() if a.name.partition(".")[0] == entity)
        if not actions:
            near = _nearest(entity, sorted({name.partition(".")[0] for name in self.actions}))
            raise ActionUnknownError(pattern, near and f"{near}.*")
        return actions

    def link(self, type_: str, id_: str) -> str | None:
        """Where the host shows an item: its type's link with `{id}` percent-encoded, or None."""
        declared = self.types.get(type_)
        if declared is None or declared.link is None or link_fault(declared.link) or _DOTS.fullmatch(id_):
            return None
        return declared.link.replace("{id}", quote(id_, safe=""))

    def label(self, kind: str, name: str, lang: str) -> str:
        """The label of a category, type, field, action, part, outcome, interface, kind, purpose or verb.

        A name without a label reads as its own words. Raises: CatalogueError for another kind or language.
        """
        if kind not in _LABELS:
            raise CatalogueError(f"labels: {kind}: is not one of {', '.join(_LABELS)}")
        words = getattr(self.language(lang), _LABELS[kind]).get(name)
        label = words if isinstance(words, str) else getattr(words, "label", None)
        return label or (name[:1].upper() + name[1:]).replace("_", " ").replace(".", " ")

    def why(self, category: str, lang: str) -> str:
        """Why a category is recorded, as a sentence for readers; empty where the host wrote none."""
        words = self.language(lang).categories.get(category)
        return words.purpose if words else ""

    def language(self, lang: str) -> Language:
        """The words of a language.

        Raises: CatalogueError where no file has it.
        """
        if lang not in self.languages:
            raise CatalogueError(f"say/{lang}.toml: there is no such language; {', '.join(self.languages)}")
        return self.languages[lang]


def fill(action: Action, entry: NewEntry) -> tuple[Concern, ...]:
    """The entry's concerns, and those that follow: the target in its filled parts, who was represented."""
    follows = [(entry.target, part) for part in action.filled]
    if entry.on_behalf_of is not None:
        follows.append((entry.on_behalf_of, "represented"))
    # Named already, with a hint or without: a hint makes no other item of one.
    named = {(c.part, c.type, c.id, c.name) for c in entry.concerns}
    more = (
        Concern(type=i.type, id=i.id, name=i.name, part=part)
        for i, part in follows
        if (part, i.type, i.id, i.name) not in named
    )
    return (*entry.concerns, *more)


@lru_cache(maxsize=1024)
def link_fault(link: str) -> str | None:
    """Why a type's link may not be used, or None: http(s) with a host, or relative to this site.

    Source: RFC 3986 section 4.2.
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        return "is not a link"
    if "\\" in link or not link.isprintable() or " " in link:
        return "has a character that a link may not have"
    if "{id}" in parts.netloc or "{" in link.replace("{id}", ""):
        return "may have {id} after the host, and nothing else in braces"
    if parts.scheme in ("http", "https") and parts.netloc:
        return None
    return "is neither http(s) nor relative" if parts.scheme or parts.netloc else None


def _nearest(name: str, among: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name[:64], among, n=1, cutoff=0.5)), None)
