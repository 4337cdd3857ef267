"""The columns of a table: what each is called, and how it is read off many lines at once.

Owns the names, in the words of the record, the presets made of them, and which can hold text that somebody typed.
Refuses to guard or to encode: each format does that for its own readers.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from msgspec import Struct

from trailbook.errors import Fault, InvalidError
from trailbook.export.wording import words_of
from trailbook.query import local_time, zone

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.catalogue import Catalogue
    from trailbook.finding import ExportLine, Face

Column = Callable[["list[ExportLine]"], list[str]]

# What can hold only what Trailbook itself writes, or a declared name: nothing there needs a guard.
PLAIN = frozenset(
    "occurred_at occurred_local recorded_at category action outcome actor_kind purpose effective_at interface"
    " correlation caused_by state id seq when".split()
)
# What hardly ever comes twice: remembering what was made of it would only cost memory.
UNIQUE = frozenset(
    "occurred_at occurred_local recorded_at concerns sentence correlation caused_by id seq when".split()
)
_MOST_HOURS = 20_000
_MOST_CELLS = 20_000
_HOUR = 13  # characters of 2026-11-02T08
_SECONDS = 19  # characters of 2026-11-02 08:15:00


class About(Struct, frozen=True, kw_only=True):
    """What a workbook's first sheet, or the top of a printed list, says of it: the question, and how it came to be.

    `at` is an instant as it is written; `file` the name of the file where a signed statement goes with it.
    """

    question: str
    org: str
    count: int
    as_of: int
    order: str
    who: str
    at: str
    file: str | None


class Layout(Struct, frozen=True, kw_only=True):
    """Which columns a table has, in their order, and the IANA zone of local times.

    `words`: whether headings are in the words of `lang` or are the columns' names. Links are made absolute from `base`.
    Without a catalogue categories stay what the record calls them.
    """

    columns: tuple[str, ...]
    tz: str = "UTC"
    lang: str = "en"
    words: bool = False
    base: str | None = None
    catalogue: "Catalogue | None" = None
    about: About | None = None


def readers(layout: Layout) -> tuple[Column, ...]:
    """How each column of a layout is read. Raises: InvalidError for a column or zone nobody knows."""
    faults = tuple(
        Fault("/columns", "parameter-invalid", f"has {name[:40]!r}, which is none of {', '.join(_KNOWN)}")
        for name in layout.columns
        if name not in _KNOWN
    )
    if not layout.columns or len(set(layout.columns)) < len(layout.columns):
        faults += (Fault("/columns", "parameter-invalid", "needs one column or more, each once"),)
    if faults:
        raise InvalidError("; ".join(f"columns: {fault.detail}" for fault in faults), faults)
    zone(layout.tz)  # refused also where no column is of local times
    return tuple(_LAID[name](layout) if name in _LAID else _COLUMNS[name] for name in layout.columns)


def columns_of(preset: str | None, columns: Sequence[str] | None) -> tuple[str, ...] | None:
    """The columns that an order chose, by themselves or by a preset; None where it chose none.

    Raises: InvalidError for a preset nobody knows, or one beside columns.
    """
    if preset is None:
        return None if columns is None else tuple(columns)
    fault = "and columns are not given together" if columns is not None else None
    if preset not in COLUMN_PRESETS:
        fault = f"is not one of {', '.join(COLUMN_PRESETS)}"
    if fault is not None:
        raise InvalidError(f"preset: {fault}", (Fault("/preset", "parameter-invalid", fault),))
    return COLUMN_PRESETS[preset]


def headings(layout: Layout) -> tuple[str, ...]:
    """What stands above each column: its name, or the words that people have for it."""
    if not layout.words:
        return layout.columns
    words = words_of(layout.lang).columns
    return tuple(words[name].format(zone=zone(layout.tz).key) for name in layout.columns)


def _local(tz: ZoneInfo) -> Column:
    """Local times with their offsets; hours once computed are remembered, for neighbours share them."""
    hours: dict[str, tuple[str, str] | None] = {}

    def local(at: str) -> str:
        hour = at[:_HOUR]
        if hour not in hours:
            if len(hours) > _MOST_HOURS:
                hours.clear()
            hours[hour] = _hour(hour, tz)
        shared = hours[hour]
        return _written(at, tz) if shared is None else shared[0] + at[_HOUR:19] + shared[1]

    return lambda lines: [local(line.body.occurred_at) for line in lines]


def _hour(hour: str, tz: ZoneInfo) -> tuple[str, str] | None:
    """The local hour and offset of an hour in UTC; None where its minutes are not the same, or not all alike."""
    first, last = (_written(f"{hour}:{rest}Z", tz) for rest in ("00:00", "59:59"))
    alike = first[:_HOUR] == last[:_HOUR] and first[_HOUR:19] == ":00:00" and last[_HOUR:19] == ":59:59"
    return (first[:_HOUR], first[19:]) if alike and first[19:] == last[19:] else None


def _written(at: str, tz: ZoneInfo) -> str:
    return local_time(datetime.fromisoformat(at), tz).isoformat(sep=" ", timespec="seconds")


def _when(layout: Layout) -> Column:
    """Local times as spreadsheets read dates: without the offset, for the heading has the zone."""
    local = _local(zone(layout.tz))
    return lambda lines: [at[:_SECONDS] for at in local(lines)]


def _link(layout: Layout) -> Column:
    """Where the host shows the target; absolute where a base is known, because a file lies nowhere."""
    base = layout.base
    if base is None:
        return _COLUMNS["link"]
    joined = remembering(lambda link: link and urljoin(f"{base}/", link), "link")
    return lambda lines: joined(_COLUMNS["link"](lines))


def _who(layout: Layout) -> Column:
    called = _calling(layout)
    return lambda lines: [called(line.actor) for line in lines]


def _calling(layout: Layout) -> "Callable[[Face], str]":
    """An item by its name, and where it has none by its type and id."""
    catalogue = layout.catalogue
    if catalogue is None:
        return lambda face: face.name or face.item
    return lambda face: (
        face.name or f"{catalogue.label('type', face.identity.type, layout.lang)} {face.identity.id}"
    )


def _about_whom(layout: Layout) -> Column:
    """The people whom an entry concerns, each once; everything that it concerns, where no type is known."""
    types = layout.catalogue.types.values() if layout.catalogue else ()
    people, called = {type_.name for type_ in types if type_.person}, _calling(layout)

    def about(line: "ExportLine") -> str:
        faces = [face for _, face in line.concerns if not people or face.identity.type in people]
        return "; ".join(dict.fromkeys(map(called, faces)))

    return lambda lines: [about(line) if line.concerns else "" for line in lines]


def _category_name(layout: Layout) -> Column:
    catalogue, lang = layout.catalogue, layout.lang
    if catalogue is None:
        return _COLUMNS["category"]
    name = remembering(lambda code: catalogue.label("category", code, lang), "category")
    return lambda lines: name([line.body.category for line in lines])


def _concerned(line: "ExportLine") -> str:
    """Each part with its item: `member: Bob Li (user/u-42); scope: ...`."""
    if not line.concerns:
        return ""
    return "; ".join([f"{part}: {face.called}" for part, face in line.concerns])


_COLUMNS: dict[str, Column] = {
    "occurred_at": lambda lines: [line.body.occurred_at for line in lines],
    "occurred_local": lambda lines: [line.body.occurred_at for line in lines],  # `readers` knows the zone
    "recorded_at": lambda lines: [line.body.recorded_at for line in lines],
    "category": lambda lines: [line.body.category for line in lines],
    "action": lambda lines: [line.body.action for line in lines],
    "outcome": lambda lines: [line.body.outcome for line in lines],
    "actor_kind": lambda lines: [line.body.actor.kind for line in lines],
    "actor": lambda lines: [line.actor.name for line in lines],
    "actor_item": lambda lines: [line.actor.item for line in lines],
    "on_behalf_of": lambda lines: ["" if line.behalf is None else line.behalf.called for line in lines],
    "target": lambda lines: [line.target.name for line in lines],
    "target_item": lambda lines: [line.target.item for line in lines],
    "concerns": lambda lines: [_concerned(line) for line in lines],
    "fields": lambda lines: ["; ".join(line.body.fields) for line in lines],
    "sentence": lambda lines: [line.sentence for line in lines],
    "link": lambda lines: [line.target.link or "" for line in lines],
    "purpose": lambda lines: [line.body.purpose or "" for line in lines],
    "effective_at": lambda lines: [line.body.effective_at or "" for line in lines],
    "interface": lambda lines: [line.body.origin.interface for line in lines],
    "ip": lambda lines: [line.origin.shown.ip or "" for line in lines],
    "user_agent": lambda lines: [line.origin.shown.user_agent or "" for line in lines],
    "source": lambda lines: [line.source.called for line in lines],
    "correlation": lambda lines: [line.body.correlation or "" for line in lines],
    "caused_by": lambda lines: [line.body.caused_by or "" for line in lines],
    "state": lambda lines: [line.state for line in lines],
    "id": lambda lines: [line.body.id for line in lines],
    "seq": lambda lines: [str(line.seq) for line in lines],
}
COLUMNS: tuple[str, ...] = tuple(_COLUMNS)
# How a column is read that depends on more than its lines.
_LAID: dict[str, Callable[[Layout], Column]] = {
    "occurred_local": lambda layout: _local(zone(layout.tz)),
    "link": _link,
    "when": _when,  # from here on columns for people, who read one sentence and not its parts
    "who": _who,
    "about_whom": _about_whom,
    "category_name": _category_name,
}
HR = "hr"  # the preset whose headings are words in every format that people read
_KNOWN = dict.fromkeys((*_COLUMNS, *_LAID))
COLUMN_PRESETS: dict[str, tuple[str, ...]] = {
    HR: ("when", "who", "sentence", "about_whom", "category_name", "link"),
    "everything": COLUMNS,
}


def remembering(make: Callable[[str], str], name: str) -> Callable[[list[str]], list[str]]:
    """`make` over a column's texts; what was made of one that may come again is kept, within bounds."""
    if name in UNIQUE:
        return lambda texts: [make(text) for text in texts]
    cells: dict[str, str] = {}

    def remembered(texts: list[str]) -> list[str]:
        if len(cells) > _MOST_CELLS:
            cells.clear()
        for text in set(texts) - cells.keys():
            cells[text] = make(text)
        return [cells[text] for text in texts]

    return remembered
