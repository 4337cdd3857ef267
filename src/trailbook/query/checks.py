"""What a value may be: the rules that the parameters of a filter and of a page of entries are held to.

Owns each rule and the words for a breach of it; `fields.py` says which parameter is held to which. Refuses to read or
build anything: a check says why a value is refused, or None. Values that may name people are never repeated in what it
says.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection
from ipaddress import ip_network
from typing import Literal

from msgspec import Struct

from trailbook.errors import FilterInvalidError
from trailbook.model import MAX_ID, ip_fault, is_slug, text_fault
from trailbook.query.dates import moment, zone
from trailbook.query.folding import words
from trailbook.query.hours import hours_rule

MAX_WORDS, MAX_WORD, MAX_LIMIT = 10, 40, 200

# What stands in a filter for an item that whoever asks may not see. It is nobody's: no type begins so, nothing matches.
HIDDEN = "_hidden/item"

Order = Literal["desc", "asc", "seq"]
ORDERS: tuple[Order, ...] = ("desc", "asc", "seq")

_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")


class Vocabulary(Struct, frozen=True, kw_only=True):
    """The names a filter may use, from the catalogue of the log it is for."""

    categories: Collection[str]
    actions: Collection[str]
    types: Collection[str]


Check = Callable[[str, Vocabulary | None], str | None]  # why a value is refused, in words, or None


def among(value: str, names: Collection[str], what: str) -> str | None:
    if value in names:
        return None
    near = difflib.get_close_matches(value[:80], sorted(names), 1)
    return f"{value[:80]!r} is not {what}" + (f"; the nearest is {near[0]}" if near else "")


def one_of(*names: str) -> Check:
    return lambda value, vocabulary: None if value in names else f"is not one of {', '.join(names)}"


def category(value: str, vocabulary: Vocabulary | None) -> str | None:
    if not is_slug(value):
        return "is not the name of a category"
    return among(value, vocabulary.categories, "a declared category") if vocabulary else None


def action(value: str, vocabulary: Vocabulary | None) -> str | None:
    entity, dot, verb = value.partition(".")
    if not (dot and is_slug(entity) and (verb == "*" or is_slug(verb))):
        return "is not an action such as role.assigned, nor all of an entity such as role.*"
    if vocabulary is None:
        return None
    if verb == "*":
        entities = {name.partition(".")[0] for name in vocabulary.actions}
        return among(entity, entities, "the entity of a declared action")
    return among(value, vocabulary.actions, "a declared action")


def item(value: str, vocabulary: Vocabulary | None) -> str | None:
    if value == HIDDEN:
        return None
    kind, slash, ident = value.partition("/")
    if not slash or ident == "*":
        return "is not one item, written as type/id"
    if why := text_fault(ident, MAX_ID):
        return f"has an id that {why}"
    return _type(kind, vocabulary)


def target(value: str, vocabulary: Vocabulary | None) -> str | None:
    kind, _, ident = value.partition("/")
    return _type(kind, vocabulary) if ident == "*" else item(value, vocabulary)


def _type(kind: str, vocabulary: Vocabulary | None) -> str | None:
    if not is_slug(kind):
        return "has a type that is not in lower snake case"
    return among(kind, vocabulary.types, "a declared type") if vocabulary else None


def network(value: str, vocabulary: Vocabulary | None) -> str | None:
    if "/" not in value or "%" in value:
        return ip_fault(value)
    try:
        meant = ip_network(value, strict=False)
    except ValueError:
        return "is not a network such as 192.0.2.0/24"
    if meant.prefixlen == meant.max_prefixlen:
        return f"is one address, which is written {meant.network_address}"
    return None if str(meant) == value else f"is not a network in canonical form, which is {meant}"


def instant_or_day(value: str, vocabulary: Vocabulary | None) -> str | None:
    try:
        moment(value)
    except ValueError as why:
        return str(why)
    return None


def tz(value: str, vocabulary: Vocabulary | None) -> str | None:
    try:
        zone(value)
    except FilterInvalidError as error:
        return error.faults[0].detail
    return None


def hours(value: str, vocabulary: Vocabulary | None) -> str | None:
    try:
        hours_rule(value)
    except ValueError as why:
        return str(why)
    return None


def text(value: str, vocabulary: Vocabulary | None) -> str | None:
    typed = value.split()
    if not 1 <= len(typed) <= MAX_WORDS:
        return f"is not 1 to {MAX_WORDS} words"
    for word in typed:
        if why := text_fault(unicodedata.normalize("NFC", word), MAX_WORD):
            return f"has a word that {why}"
        if not words(word):
            return "has a word without a letter or digit"
    return None


def whole(value: str, vocabulary: Vocabulary | None) -> str | None:
    return None if _WHOLE.fullmatch(value) else "is not a whole number of at most 15 digits"


def _limit(value: str, vocabulary: Vocabulary | None) -> str | None:
    right = _WHOLE.fullmatch(value) and 1 <= int(value) <= MAX_LIMIT
    return None if right else f"is not a whole number from 1 to {MAX_LIMIT}"


def _cursor(value: str, vocabulary: Vocabulary | None) -> str | None:
    return None if value else "is empty"


PAGING: dict[str, Check] = {
    "order": one_of(*ORDERS),
    "limit": _limit,
    "cursor": _cursor,
    "count": one_of("true", "false"),
}
