"""An entry as the page shows it: a sentence whose names are links, times in a zone, the rest in words.

Owns what stands on a row and on an entry's own page. Refuses to repair what is shown: names are hostile, so
they are only ever cut, never marked up; the template escapes and isolates them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape
from msgspec import Struct

from trailbook.catalogue import Catalogue, SentencePiece
from trailbook.finding import Shown, ShownItem
from trailbook.query import WORKING_HOURS, WorkingHours, local_time, to_params
from trailbook.web.http.render import macro
from trailbook.web.http.row_cache import Drawing
from trailbook.web.http.texts import Words
from trailbook.web.pages.address import Address, address, quoted

MOST_NAME = 120
_MARK, _AROUND = "user/-here-", 2  # of an address: a stretch before the mark and one after it
LATE = timedelta(hours=1)
# Categories that look alike, for the eye: the word stands there all the same, and a host's own have no family.
_FAMILIES = {
    "access": ("roles", "permissions", "security"),
    "people": ("users", "onboarding", "groups"),
    "pay": ("salary", "expenses", "benefits"),
    "time": ("absence", "time"),
    "skill": ("competence", "training"),
}
FAMILY = {category: family for family, those in _FAMILIES.items() for category in those}


class Fragment(Struct, frozen=True, gc=False):
    """A stretch of a sentence; `item` marks a name, `href` the address that adds it to the filter."""

    text: str
    item: bool = False
    href: str | None = None
    whole: str | None = None


class Addresses:
    """Where the rows of one page lead to: what is the same for all of them is worked out, and escaped, once."""

    def __init__(self, state: Address) -> None:
        self._state = state
        self._filter = frozenset(to_params(state.query))
        entry = address(f"{state.path}/e/{_MARK}", state.kept(state.query))
        self._entry = escape(entry).partition(_MARK)
        self._adding: dict[str, tuple[str, ...]] = {}
        self._added: dict[tuple[str, str], str] = {}

    def entry(self, id_: str) -> str:
        """The address of an entry as opened from this list."""
        before, _, after = self._entry
        return Markup(f"{before}{quoted(id_)}{after}")

    def adding(self, field: str, item: ShownItem) -> str | None:
        """The address that adds an item to the filter; None where it is in it."""
        value = f"{item.type}/{item.id}"
        if (field, value) in self._filter:
            return None
        if field not in self._adding:
            self._adding[field] = self._around(field)
        around = self._adding[field]
        if around:
            return Markup(quoted(value).join(around))
        if (field, value) not in self._added:
            self._added[field, value] = self._with(field, value)
        return self._added[field, value]

    def _around(self, field: str) -> tuple[str, ...]:
        """What stands before and after a value that is added; nothing where that depends on the value."""
        if any(name == field for name, _ in self._filter):
            return ()
        around = tuple(escape(self._with(field, _MARK)).split(_MARK))
        return around if len(around) == _AROUND else ()

    def _with(self, field: str, value: str) -> str:
        return self._state.href(self._state.with_value(field, value))


class PageRow(Struct, frozen=True, kw_only=True, gc=False):
    """One entry on the page."""

    id: str
    seq: int
    href: str | None
    fragments: tuple[Fragment, ...]
    iso: str
    day: str
    clock: str
    late: str | None
    category: str
    category_label: str
    family: str | None
    outcome: str | None
    changed: str
    link: str | None
    gone: bool


class Presenter(Struct, frozen=True, kw_only=True):
    """Says entries on one page: in its language and zone, by its catalogue, with its addresses.

    `working` is what the organisation calls its hours by now.
    """

    words: Words
    zone: ZoneInfo
    catalogue: Catalogue
    addresses: Addresses | None
    working: WorkingHours = WORKING_HOURS

    def label(self, kind: str, name: str) -> str:
        return self.catalogue.label(kind, name, self.words.lang)

    def local(self, instant: str) -> datetime:
        return local_time(datetime.fromisoformat(instant), self.zone)

    def moment(self, text: str) -> str:
        """A day, or an instant in this zone."""
        if "T" not in text:
            return self.words.day(datetime.fromisoformat(text).date())
        return self.words.moment(self.local(text))

    def clock(self, at: datetime) -> str:
        """Hours and minutes of a local time; one that the zone cannot show is in UTC, and says so."""
        return f"{at:%H:%M}" if at.tzinfo is self.zone else f"{at:%H:%M} UTC"


def row(shown: Shown, pieces: Sequence[SentencePiece], presenter: Presenter) -> PageRow:
    """An entry as a row, its sentence in pieces."""
    at, words = presenter.local(shown.occurred_at), presenter.words
    recorded = recorded_late(shown)
    return PageRow(
        id=shown.id,
        seq=shown.seq,
        href=None if presenter.addresses is None else presenter.addresses.entry(shown.id),
        fragments=tuple(_fragment(piece, shown, presenter) for piece in pieces),
        iso=shown.occurred_at,
        clock=presenter.clock(at),
        category=shown.category,
        category_label=presenter.label("category", shown.category),
        family=FAMILY.get(shown.category),
        outcome=None if shown.outcome == "success" else presenter.label("outcome", shown.outcome),
        changed=", ".join(presenter.label("field", name).lower() for name in shown.fields),
        link=shown.link,
        gone=not shown.target.exists and not shown.target.erased,
        day=words.weekday(at.date()),
        late=None if recorded is None else words.moment(recorded.astimezone(presenter.zone)),
    )


def recorded_late(shown: Shown) -> datetime | None:
    """When an entry was recorded, where that was late."""
    recorded, occurred = (datetime.fromisoformat(at) for at in (shown.recorded_at, shown.occurred_at))
    return recorded if recorded - occurred > LATE else None


def _fragment(piece: SentencePiece, shown: Shown, presenter: Presenter) -> Fragment:
    if piece.item is None:
        return Fragment(piece.text)
    item = _named(shown, *piece.item)
    field = "actor" if piece.item[0] == "actor" else "concerns"
    short = cut(piece.text)
    whole = None if short == piece.text else piece.text
    href = None if presenter.addresses is None or item.id is None else presenter.addresses.adding(field, item)
    return Fragment(short, True, href, whole)


def _named(shown: Shown, part: str, at: int) -> ShownItem:
    if part == "actor":
        return shown.actor
    if part == "target":
        return shown.target
    if part == "represented" and shown.on_behalf_of is not None:
        return shown.on_behalf_of
    return [concern for concern in shown.concerns if concern.part == part][at]


def cut(text: str) -> str:
    """A name short enough for a row."""
    return text if len(text) <= MOST_NAME else text[: MOST_NAME - 1] + "…"


def called(item: ShownItem, presenter: Presenter) -> str:
    """An item by its name, or by its type and id where it has none."""
    label = presenter.label("type", item.type)
    if item.erased:
        return f"{label} {item.pseudonym}"
    return item.name if item.name is not None else f"{label} {item.id}"


def drawn(
    entries: Sequence[Shown], pieces: Mapping[str, Sequence[SentencePiece]], presenter: Presenter
) -> dict[str, Drawing]:
    """The rows of entries as they are written out, by the entries' ids, which `pieces` has too."""
    page_rows = [row(entry, pieces[entry.id], presenter) for entry in entries]
    html_of = macro("row.html", "drawn", presenter.words)
    return {page_row.id: Drawing(page_row.day, html_of(page_row)) for page_row in page_rows}
