"""The columns of a table: what each is called, and how it is read off many lines at once.

Owns the names, in the words of the record, and which of them can hold text that somebody typed. Refuses to
guard or to encode: each format does that for its own readers.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from trailbook.errors import Fault, InvalidError
from trailbook.query import local_time, zone

if TYPE_CHECKING:  # whoever exports has a log open; naming formats needs none
    from trailbook.catalogue import Catalogue
    from trailbook.finding import ExportLine

Column = Callable[["list[ExportLine]"], list[str]]

# What can hold only what Trailbook itself writes, or a declared name: nothing there needs a guard.
PLAIN = frozenset(
    "occurred_at occurred_local recorded_at category action outcome actor_kind purpose effective_at interface"
    " correlation caused_by state id seq".split()
)
# What hardly ever comes twice: remembering what was made of it would only cost memory.
UNIQUE = frozenset(
    "occurred_at occurred_local recorded_at concerns sentence correlation caused_by id seq".split()
)
_MOST_HOURS = 20_000
_MOST_CELLS = 20_000
_HOUR = 13  # characters of 2026-11-02T08


class About(Struct, frozen=True, kw_only=True):
    """What a workbook's first sheet says of the file: its question in words, and how it came to be.

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
        Fault("/columns", "parameter-invalid", f"has {name[:40]!r}, which is none of {', '.join(COLUMNS)}")
        for name in layout.columns
        if name not in COLUMNS
    )
    if not layout.columns or len(set(layout.columns)) < len(layout.columns):
        faults += (Fault("/columns", "parameter-invalid", "needs one column or more, each once"),)
    if faults:
        raise InvalidError("; ".join(f"columns: {fault.detail}" for fault in faults), faults)
    tz = zone(layout.tz)
    return tuple(_local(tz) if name == "occurred_local" else _COLUMNS[name] for name in layout.columns)


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
