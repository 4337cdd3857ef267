"""Typeahead: items offered while somebody types, from what the log has recorded and nothing else.

People who left are found, erased ones are not. Owns ranking, the limit of 20 and what items were called;
refuses the host's own tables.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal
from unicodedata import normalize

from msgspec import Struct

from trailbook.errors import Fault, FilterInvalidError
from trailbook.finding.answers import FoundItem, RememberedItem
from trailbook.finding.bound import BoundQuery
from trailbook.finding.finder import sight
from trailbook.finding.namesakes import told_apart
from trailbook.finding.reader import Reader
from trailbook.model import Kind, text_fault
from trailbook.query import fold, words
from trailbook.stores import Identity

Part = Literal["actor", "concerns", "target"]
MOST, LONGEST = 20, 80
_ROOMS = (200, 5000)  # how many items are looked at before all of them: names beginning with an `a` are many


class ItemQuery(Struct, frozen=True):
    """What is looked for: the typed text, and the role or type the item must have had.

    `sees`: whether somebody sees entries of a category; only items that such an entry cites are offered.
    """

    q: str
    role: Part | None
    type: str | None
    limit: int
    sees: Callable[[str], bool]


def find_items(reader: Reader, query: ItemQuery) -> list[FoundItem]:
    """Items whose names have words beginning as those typed, or whose id is what was typed, by name.

    Raises: FilterInvalidError when the text is empty, too long or has forbidden characters.
    """
    right = 1 <= len(query.q) <= LONGEST
    why = text_fault(normalize("NFC", query.q), LONGEST) if right else f"needs 1 to {LONGEST} characters"
    if why:
        fault = Fault("/q", "parameter-invalid", why)
        raise FilterInvalidError(f"q: {fault.detail}", (fault,))
    exact = _by_id(reader, query.q)
    beginnings = words(query.q)
    for room in (*_ROOMS, None):
        numbers = [*exact, *_by_words(reader, beginnings, room)]
        offered = _offers(reader, numbers, query)
        if len(offered) >= min(query.limit, MOST) or room is None or len(numbers) - len(exact) < room:
            break
    return offered


def remember_item(reader: Reader, type_: str, id_: str, sees: Callable[[str], bool]) -> RememberedItem | None:
    """An item by what it is, as the log remembers it.

    None where no entry that somebody sees cites it, or where the log was made to forget it.
    """
    numbers = list({identity.item for identity in reader.store.identities(reader.org, [(type_, id_, None)])})
    versions = reader.items.identities.versions(numbers).get(numbers[0]) if numbers else None
    seen = sight(reader.finder, sees)
    if not versions or versions[-1].id is None or not reader.citing.is_cited(versions[0].item, seen):
        return None
    now = reader.items.name_now(versions, seen)
    known = _known(reader, versions, sees)
    before = dict.fromkeys(v.name for v in reversed(known) if v.name is not None and v.name != now)
    item = versions[-1].item
    exists, hint = not reader.items.ended([item], seen), reader.store.hints(reader.org, [item]).get(item)
    return RememberedItem(type=type_, id=id_, name=now, before=tuple(before), exists=exists, hint=hint)


def _known(reader: Reader, versions: Sequence[Identity], sees: Callable[[str], bool]) -> Sequence[Identity]:
    """Those of an item's versions by which somebody knows it: an entry that they see cites them."""
    if len(versions) == 1:
        return versions
    return reader.citing.versions(sees, versions) or versions[:1]


def _place(name: str | None, versions: Sequence[Identity]) -> tuple[str, str, str]:
    last = versions[-1]
    return fold(name or last.id or ""), last.type, last.id or ""


Named = tuple[str | None, Sequence[Identity]]  # what an item is called by now, and its versions


def _offers(reader: Reader, numbers: Sequence[int], query: ItemQuery) -> list[FoundItem]:
    """The first of these items, by name: each is looked for among what somebody sees only when it is its turn."""
    seen = sight(reader.finder, query.sees)
    named = sorted(named_items(reader, numbers, query), key=lambda pair: _place(*pair))
    answers = visible_items(reader, named, query, lambda known: _is_called_so(known, query.q))
    chosen = islice(answers, min(query.limit, MOST))
    offers = [(known[0].item, offer(reader, now, known, seen=seen)) for now, known in chosen]
    return told_apart(reader, offers, seen)


def named_items(reader: Reader, numbers: Sequence[int], query: ItemQuery) -> list[Named]:
    """Those of these items that may be offered at all, in their order, with what they are called by now."""
    seen = sight(reader.finder, query.sees)
    items = reader.items.identities.versions(numbers := _in_role(reader, numbers, query.role))
    of_kind = [items[n] for n in numbers if items[n] and _is_offered(reader, items[n], query)]
    return [(reader.items.name_now(versions, seen), versions) for versions in of_kind]


def visible_items(
    reader: Reader, named: Iterable[Named], query: ItemQuery, fits: Callable[[Sequence[Identity]], bool]
) -> Iterator[Named]:
    """Those items that an entry which somebody sees cites, with the versions known by it, whose names fit."""
    seen = sight(reader.finder, query.sees)
    # Had it that part only in what is hidden, it had it nowhere.
    part = "citing" if query.role is None else query.role
    for now, versions in named:
        if reader.citing.is_cited(versions[0].item, seen, part):
            known = _known(reader, versions, query.sees)
            if not seen.hidden or fits(known):
                yield now, known


def _is_called_so(versions: Sequence[Identity], q: str) -> bool:
    """Whether somebody asked for an item by its id, or by words with which words of these names begin."""
    if versions[-1].id == q:
        return True
    own = {word for version in versions for word in words(version.name or "")}
    return all(any(word.startswith(typed) for word in own) for typed in words(q))


def _by_words(reader: Reader, beginnings: Sequence[str], room: int | None) -> list[int]:
    """Items by the words typed, at most so many; the longest first, for it is the rarest."""
    if not beginnings:
        return []
    longest = sorted(beginnings, key=len, reverse=True)
    return reader.store.items_by_words(reader.org, longest, sys.maxsize if room is None else room)


def _by_id(reader: Reader, q: str) -> list[int]:
    keys = [(type_, q, None) for type_ in reader.catalogue.types]
    return list({i.item for i in reader.store.identities(reader.org, keys)})


def _in_role(reader: Reader, numbers: Sequence[int], role: Part | None) -> list[int]:
    wanted = list(dict.fromkeys(numbers))
    if role is None or not wanted:
        return wanted
    field = "about" if role == "concerns" else role
    having = reader.finder.present(BoundQuery(as_of=reader.finder.reached), field, wanted)
    return [number for number in wanted if number in having]


def _is_offered(reader: Reader, versions: Sequence[Identity], query: ItemQuery) -> bool:
    last = versions[-1]
    declared = reader.catalogue.types.get(last.type)
    return (
        last.id is not None
        and last.type not in ("origin", "source")
        and query.type in (None, last.type)
        and (declared is None or query.sees(declared.category))
    )


def offer(reader: Reader, now: str | None, versions: Sequence[Identity], *, seen: BoundQuery) -> FoundItem:
    """An item as it is offered, by versions that are known of it."""
    last = versions[-1]
    declared = reader.catalogue.types.get(last.type)
    person = declared is not None and declared.person  # who is of such a type can act as nothing else
    kind: Kind | None = "person" if person else reader.items.kind_of(last.item, seen)
    return FoundItem(type=last.type, id=last.id or "", kind=kind, name=versions[0].name, name_now=now)
