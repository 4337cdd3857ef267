"""The words of one language: labels, sentences and the small phrases they are made with.

Owns the shape of `say/<language>.toml` and which plural form a number takes. Refuses keys it does not
know, naming file and key. What the words mean, and which of them an entry needs, is `sentences.py`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from trailbook.errors import CatalogueError
from trailbook.model import prepare

Row = TypeVar("Row")
_SLOT = re.compile(r"\{([^{}]*)\}")


class TypeWords(Struct, frozen=True, forbid_unknown_fields=True):
    """A type's `label` ("Role"), and the noun before a name (`the`: "the role") or alone (`a`: "a role")."""

    label: str
    the: str
    a: str


class CategoryWords(Struct, frozen=True, forbid_unknown_fields=True):
    """A category's label, and why it is recorded."""

    label: str
    purpose: str


class VerbWords(Struct, frozen=True, forbid_unknown_fields=True):
    """A verb class's label, and its template for actions that have none of their own."""

    label: str
    plain: str


class Plural(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"singular": "one"}):
    """Forms for each CLDR plural category; the languages kept so far need `one` and `other`."""

    singular: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def forms(self, category: str) -> tuple[str, ...]:
        """The forms of a CLDR plural category, if there are any."""
        return {"one": self.singular, "other": self.other}.get(category, ())


class ActionWords(Struct, frozen=True, forbid_unknown_fields=True, rename={"self_": "self"}):
    """An action's label and, for each variant, its forms: whole templates, from what tells most to what always fits."""

    label: str | None = None
    plain: tuple[str, ...] = ()
    self_: tuple[str, ...] = ()
    counted: Plural | None = None
    failure: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()

    def forms(self, variant: str) -> tuple[str, ...]:
        """The forms of a variant: `plain`, `self`, `failure`, `denied`, or `counted.` with a plural category."""
        if variant.startswith("counted."):
            return () if self.counted is None else self.counted.forms(variant.partition(".")[2])
        forms: tuple[str, ...] = getattr(self, "self_" if variant == "self" else variant)
        return forms


class Language(Struct, frozen=True):
    """Everything one language says; each dict goes by the name that the rules use."""

    code: str
    categories: dict[str, CategoryWords]
    types: dict[str, TypeWords]
    fields: dict[str, str]
    actions: dict[str, ActionWords]
    verbs: dict[str, VerbWords]
    parts: dict[str, str]
    outcomes: dict[str, str]
    interfaces: dict[str, str]
    kinds: dict[str, str]
    purposes: dict[str, str]
    phrases: dict[str, str]


PLURALS = ("one", "other")  # the CLDR plural categories of every language kept so far
VARIANTS = ("plain", "self", "failure", "denied", *(f"counted.{form}" for form in PLURALS))
SECTIONS: dict[str, Any] = {
    "categories": CategoryWords,
    "types": TypeWords,
    "fields": str,
    "actions": ActionWords,
    "verbs": VerbWords,
    "parts": str,
    "outcomes": str,
    "interfaces": str,
    "kinds": str,
    "purposes": str,
    "phrases": str,
}
prepare(*SECTIONS.values())


def plural(language: str, count: int) -> str:
    """The CLDR plural category of a whole number in English or a Scandinavian language."""
    return "one" if count == 1 else "other"


@lru_cache(maxsize=8192)
def cut(template: str) -> tuple[str, ...]:
    """A template as literal, slot, literal, slot ... literal: the slots stand at the odd places."""
    return tuple(_SLOT.split(template))


def slots(template: str) -> tuple[str, ...]:
    """The names of a template's slots, in order."""
    return cut(template)[1::2]


class Slot(Struct, frozen=True):
    """A slot of a template: the part that fills it, and when it may.

    `{permission:1}` is filled by one item alone, `{requester=member}` by one who stands in both parts.
    """

    part: str
    alone: bool = False
    also: str | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that it tells of."""
        return (self.part,) if self.also is None else (self.part, self.also)


@lru_cache(maxsize=8192)
def slot_of(text: str) -> Slot:
    """What stands between the braces of a slot."""
    part, equals, also = text.partition("=")
    part, _, number = part.partition(":")
    return Slot(part, number == "1" or bool(equals), also if equals else None)


@lru_cache(maxsize=8192)
def parts_told(template: str) -> frozenset[str]:
    """The parts that a template tells of."""
    return frozenset(part for text in slots(template) for part in slot_of(text).parts)


def templates(words: ActionWords) -> Iterator[tuple[str, str]]:
    """Every template an action has in a language, with its variant and what tells it from the variant's last form."""
    for variant in VARIANTS:
        forms = words.forms(variant)
        for template in forms:
            yield variant + _beside(template, forms[-1]), template


def _beside(template: str, last: str) -> str:
    own, others = dict.fromkeys(slots(template)), dict.fromkeys(slots(last))
    more = "".join(f"+{slot}" for slot in own if slot not in others)
    return more + "".join(f"-{slot}" for slot in others if slot_of(slot).part not in parts_told(template))


def new_language(code: str) -> Language:
    """A language without a word yet."""
    return Language(code, *({} for _ in SECTIONS))


def add_words(language: Language, table: Mapping[str, Any], file: str) -> None:
    """Lay a file's words over a language; a template named again replaces the one before.

    Raises: CatalogueError naming file and key.
    """
    for section, rows in table.items():
        if section not in SECTIONS:
            raise CatalogueError(f"{file}: {section}: is not a section; those are {', '.join(SECTIONS)}")
        words = getattr(language, section)
        for name, row in converted(rows, dict[str, Any], f"{file}: {section}").items():
            words[name] = _over(words.get(name), row, f"{file}: {section}.{name}")


def converted(value: Any, shape: type[Row], where: str) -> Row:
    """`msgspec.convert`, with `where` (file and key) in front of what is wrong.

    Raises: CatalogueError.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{where}: {error}") from None


def _as_forms(key: str, value: Any) -> Any:
    """A variant that has one form may be written without brackets."""
    if key == "counted" and isinstance(value, dict):
        return {category: _as_forms("plain", form) for category, form in value.items()}
    return [value] if key in VARIANTS and isinstance(value, str) else value


def _over(before: Any, row: Any, where: str) -> Any:
    section = where.partition(": ")[2].partition(".")[0]
    if section == "types" and isinstance(row, str):
        row = {"label": row[:1].upper() + row[1:], "the": row, "a": row}
    if section == "actions" and isinstance(row, dict):
        row = {key: _as_forms(key, value) for key, value in row.items()}
    if isinstance(before, Struct) and isinstance(row, dict):
        row = {**msgspec.to_builtins(before), **row}
    return converted(row, SECTIONS[section], where)
