"""Typeahead: items offered while somebody types, from what the log has recorded and nothing else.

People who left are found, erased ones are not. Owns ranking and the limit of 20; refuses the host's own tables.
"""

from typing import Literal
from unicodedata import normalize

import numpy as np
from msgspec import Struct

from trailbook.errors import Fault, FilterInvalidError
from trailbook.model import Kind, text_fault
from trailbook.query import fold, words
from trailbook.reading import Reader
from trailbook.shown import Found
from trailbook.stores import Identity

Role = Literal["actor", "concerns", "target"]
MOST, LONGEST = 20, 80


class Sought(Struct, frozen=True):
    """What is looked for: the typed text, and the role or type the item must have had."""

    q: str
    role: Role | None
    type: str | None
    limit: int


def find_items(reader: Reader, sought: Sought) -> list[Found]:
    """Items whose names have words beginning as those typed, or whose id is what was typed, by name.

    Raises: FilterInvalidError when the text is empty, too long or has forbidden characters.
    """
    right = 1 <= len(sought.q) <= LONGEST
    why = text_fault(normalize("NFC", sought.q), LONGEST) if right else f"needs 1 to {LONGEST} characters"
    if why:
        fault = Fault("/q", "parameter-invalid", why)
        raise FilterInvalidError(f"q: {fault.detail}", (fault,))
    with reader.projection.lock:
        numbers = _in_role(reader, _by_words(reader, sought.q) | _by_id(reader, sought.q), sought.role)
        by_item: dict[int, list[Identity]] = {}
        for identity in reader.store.versions(reader.org, numbers):
            by_item.setdefault(identity.item, []).append(identity)
        found = [_found(reader, v) for v in by_item.values() if _offered(reader, v, sought.type)]
    found.sort(key=lambda f: (fold(f.name_now or f.id), f.type, f.id))
    return found[: min(sought.limit, MOST)]


def _by_words(reader: Reader, q: str) -> set[int]:
    sets = [reader.store.items_by_word(reader.org, word) for word in words(q)]
    return set.intersection(*sets) if sets else set()


def _by_id(reader: Reader, q: str) -> set[int]:
    keys = [(type_, q, None) for type_ in reader.catalogue.types]
    return {i.item for i in reader.store.identities(reader.org, keys)}


def _in_role(reader: Reader, numbers: set[int], role: Role | None) -> set[int]:
    columns = reader.projection.columns
    if role is None or not numbers:
        return numbers
    wanted = np.fromiter(numbers, np.int64, len(numbers))
    seen = columns.column("actor" if role == "actor" else "target")
    if role == "concerns":
        seen = np.concatenate([columns.concerned_items(), seen])
    return {int(n) for n in wanted[np.isin(wanted, seen)]}


def _offered(reader: Reader, versions: list[Identity], type_: str | None) -> bool:
    last = versions[-1]
    return last.id is not None and last.type not in ("origin", "source") and type_ in (None, last.type)


def _found(reader: Reader, versions: list[Identity]) -> Found:
    last = versions[-1]
    declared = reader.catalogue.types.get(last.type)
    person: Kind | None = "person" if declared is not None and declared.person else None
    kinds = reader.projection.columns.kinds
    now = reader.projection.name_now(versions)
    return Found(
        type=last.type,
        id=last.id or "",
        kind=kinds.get(last.item, person),
        name=versions[0].name,
        name_now=now,
    )
