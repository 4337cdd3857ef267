"""An entry as the page shows it: a sentence whose names are links, times in a zone, the rest in words.

Owns what stands on a row and on an entry's own page. Refuses to repair what is shown: names are hostile, so
they are only ever cut, never marked up; the template escapes and isolates them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.sentences import Piece
from trailbook.shown import Shown, ShownItem
from trailbook.web.asking import Asking, address
from trailbook.web.words import Words

MOST_NAME = 120
LATE = timedelta(hours=1)


class Part(Struct, frozen=True):
    """A stretch of a sentence; `item` marks a name, `href` the address that adds it to the filter."""

    text: str
    item: bool = False
    href: str | None = None
    whole: str | None = None


class Row(Struct, frozen=True, kw_only=True):
    """One entry on the page."""

    id: str
    seq: int
    href: str | None
    parts: tuple[Part, ...]
    iso: str
    day: str
    date: str
    clock: str
    late: str | None
    category: str
    category_label: str
    outcome: str | None
    changed: str
    link: str | None
    gone: bool


class Telling(Struct, frozen=True, kw_only=True):
    """What telling needs besides the entry: the language, the zone, the catalogue and the page's address."""

    words: Words
    zone: ZoneInfo
    catalogue: Catalogue
    asking: Asking | None

    def label(self, kind: str, name: str) -> str:
        return self.catalogue.label(kind, name, self.words.lang)

    def local(self, instant: str) -> datetime:
        return datetime.fromisoformat(instant).astimezone(self.zone)


def row(shown: Shown, pieces: Callable[[Shown], tuple[Piece, ...]], telling: Telling) -> Row:
    """An entry as a row."""
    at = telling.local(shown.occurred_at)
    return Row(
        id=shown.id,
        seq=shown.seq,
        href=None if telling.asking is None else entry_href(telling.asking, shown),
        parts=tuple(_part(piece, shown, telling) for piece in pieces(shown)),
        iso=shown.occurred_at,
        day=telling.words.weekday(at.date()),
        date=telling.words.short_day(at.date()),
        clock=f"{at:%H:%M}",
        late=_late(shown, telling),
        category=shown.category,
        category_label=telling.label("category", shown.category),
        outcome=None if shown.outcome == "success" else telling.label("outcome", shown.outcome),
        changed=", ".join(telling.label("field", name).lower() for name in shown.fields),
        link=shown.link,
        gone=not shown.target.exists and not shown.target.erased,
    )


def _late(shown: Shown, telling: Telling) -> str | None:
    recorded, occurred = (datetime.fromisoformat(at) for at in (shown.recorded_at, shown.occurred_at))
    if recorded - occurred <= LATE:
        return None
    return telling.words.moment(recorded.astimezone(telling.zone))


def _part(piece: Piece, shown: Shown, telling: Telling) -> Part:
    if piece.item is None:
        return Part(piece.text)
    item = _named(shown, *piece.item)
    field = "actor" if piece.item[0] == "actor" else "concerns"
    short = cut(piece.text)
    whole = None if short == piece.text else piece.text
    return Part(short, True, filter_href(telling.asking, field, item), whole)


def _named(shown: Shown, part: str, at: int) -> ShownItem:
    if part == "actor":
        return shown.actor
    if part == "target":
        return shown.target
    if part == "represented" and shown.on_behalf_of is not None:
        return shown.on_behalf_of
    return [concern for concern in shown.concerns if concern.part == part][at]


def filter_href(asking: Asking | None, field: str, item: ShownItem) -> str | None:
    """The address that adds an item to the filter; None for an erased one, and for one that is in it."""
    if asking is None or item.id is None:
        return None
    value = f"{item.type}/{item.id}"
    return None if asking.has(field, value) else asking.href(asking.with_value(field, value))


def entry_href(asking: Asking, shown: Shown) -> str:
    """The address of an entry as opened from a list."""
    return address(f"{asking.path}/e/{shown.id}", asking.kept(asking.query))


def cut(text: str) -> str:
    """A name short enough for a row."""
    return text if len(text) <= MOST_NAME else text[: MOST_NAME - 1] + "…"


def called(item: ShownItem, telling: Telling) -> str:
    """An item by its name, or by its type and id where it has none."""
    label = telling.label("type", item.type)
    if item.erased:
        return f"{label} {item.pseudonym}"
    return item.name if item.name is not None else f"{label} {item.id}"
