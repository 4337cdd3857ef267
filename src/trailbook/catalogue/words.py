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
    """A template for each CLDR plural category; the languages kept so far need `one` and `other`."""

    singular: str | None = None
    other: str | None = None

    def form(self, category: str) -> str | None:
        """The template of a CLDR plural category, if there is one."""
        return {"one": self.singular, "other": self.other}.get(category)


class ActionWords(Struct, frozen=True, forbid_unknown_fields=True, rename={"self_": "self"}):
    """An action's label and its whole templates; `full` is used where every slot of it is filled."""

    label: str | None = None
    plain: str | None = None
    full: str | None = None
    self_: str | None = None
    counted: Plural | None = None
    failure: str | None = None
    denied: str | None = None


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

    def template(self, action: str, variant: str) -> str | None:
        """The template of a variant (`plain`, `self`, `full`, `failure`, `denied`), if there is one."""
        words = self.actions.get(action)
        return None if words is None else getattr(words, "self_" if variant == "self" else variant)


PLURALS = ("one", "other")  # the CLDR plural categories of every language kept so far
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


def templates(words: ActionWords) -> Iterator[tuple[str, str]]:
    """Every template an action has in a language, with the name of its variant."""
    for variant in ("plain", "full", "self", "failure", "denied"):
        template = getattr(words, "self_" if variant == "self" else variant)
        if template is not None:
            yield variant, template
    for form in PLURALS:
        template = None if words.counted is None else words.counted.form(form)
        if template is not None:
            yield f"counted.{form}", template


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


def _over(before: Any, row: Any, where: str) -> Any:
    section = where.partition(": ")[2].partition(".")[0]
    if section == "types" and isinstance(row, str):
        row = {"label": row[:1].upper() + row[1:], "the": row, "a": row}
    if isinstance(before, Struct) and isinstance(row, dict):
        row = {**msgspec.to_builtins(before), **row}
    return converted(row, SECTIONS[section], where)
