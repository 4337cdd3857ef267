"""Namesakes: what tells items of one name apart, as the host says today or else by when they last appeared.

Owns that a hint is handed out only with an item that an entry to be seen cites. Refuses to remember one: it is read
from the directory each time, so that nothing here outlives an erasure.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec import structs

from trailbook.finding.answers import FoundItem
from trailbook.finding.bound import BoundQuery, Sees
from trailbook.finding.finder import sight
from trailbook.finding.reader import Reader
from trailbook.query import fold


def hints_of(reader: Reader, keys: Sequence[tuple[str, str]], sees: Sees) -> dict[tuple[str, str], str]:
    """What the host says today of items, by type and id: of those that an entry which somebody sees cites."""
    seen = sight(reader.finder, sees)
    versions = reader.store.identities(reader.org, [(type_, id_, None) for type_, id_ in keys])
    items = {version.item: (version.type, version.id or "") for version in versions}
    hints = reader.store.hints(reader.org, items)
    return {items[item]: hint for item, hint in hints.items() if reader.citing.is_cited(item, seen)}


def told_apart(reader: Reader, offers: Sequence[tuple[int, FoundItem]], seen: BoundQuery) -> list[FoundItem]:
    """Items that are offered, by number, each with its hint; namesakes without one with when they were last seen."""
    hints = reader.store.hints(reader.org, [item for item, _ in offers])
    names = Counter(_called(shown) for _, shown in offers)

    def apart(item: int, shown: FoundItem) -> FoundItem:
        if item in hints:
            return structs.replace(shown, hint=hints[item])
        alone = names[_called(shown)] == 1
        return shown if alone else structs.replace(shown, last_seen=reader.items.last_seen(item, seen))

    return [apart(item, shown) for item, shown in offers]


def _called(item: FoundItem) -> str:
    return fold(item.name_now or item.name or item.id)
