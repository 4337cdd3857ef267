"""CSV: one entry a line, for people who open it in a spreadsheet. Source: RFC 4180.

UTF-8 with a byte order mark, because spreadsheets read it as something else without one. Owns the columns and
the guard against formulas: an apostrophe before what a spreadsheet could run, which `unguarded` takes away
again. Refuses to shorten or clean a text in any other way.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from trailbook.shown import Shown, ShownItem

COLUMNS = (
    *("occurred_at", "occurred_local", "recorded_at", "category", "action", "outcome"),
    *("actor_kind", "actor", "actor_item", "on_behalf_of", "target", "target_item", "concerns", "fields"),
    *("sentence", "link", "purpose", "effective_at", "interface", "ip", "user_agent", "source"),
    *("correlation", "caused_by", "state", "id", "seq"),
)
BOM = "\ufeff"

# A formula begins a cell, or a cell of a reader that splits at semicolons, whatever blanks stand before it.
# The apostrophe is guarded too, so that taking guards away gives back every text exactly.
_OPENS = "['=+\\-@\\t\\r\\n＝＋－＠]"
_UNSAFE = re.compile(rf"(^|;)(?=\s*{_OPENS})")
_GUARD = re.compile(rf"(^|;)'(?=\s*{_OPENS})")


def guarded(text: str) -> str:
    """`text` with an apostrophe wherever a spreadsheet could begin to read a formula."""
    return _UNSAFE.sub(r"\1'", text)


def unguarded(cell: str) -> str:
    """The text that `guarded` made this cell of."""
    return _GUARD.sub(r"\1", cell)


def csv_file(rows: Iterable[Shown], zone: ZoneInfo) -> Iterator[bytes]:
    """The file in pieces: a heading line, then a line an entry; local times are those of `zone`."""
    yield (BOM + _line(COLUMNS)).encode()
    for row in rows:
        yield _line([guarded(cell) for cell in _cells(row, zone)]).encode()


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _cells(row: Shown, zone: ZoneInfo) -> Iterator[str]:
    yield from (row.occurred_at, _local(row.occurred_at, zone), row.recorded_at)
    yield from (row.category, row.action, row.outcome, row.actor.kind, _named(row.actor), _item(row.actor))
    yield _called(row.on_behalf_of) if row.on_behalf_of else ""
    yield from (_named(row.target), _item(row.target))
    yield "; ".join(f"{concern.part}: {_called(concern)}" for concern in row.concerns)
    yield from (
        "; ".join(row.fields),
        row.sentence,
        row.link or "",
        row.purpose or "",
        row.effective_at or "",
    )
    yield from (row.origin.interface, row.origin.ip or "", row.origin.user_agent or "", _called(row.source))
    yield from (row.correlation or "", row.caused_by or "", row.state, row.id, str(row.seq))


def _local(instant: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(instant).astimezone(zone).isoformat(sep=" ", timespec="seconds")


def _named(item: ShownItem) -> str:
    return f"erased {item.pseudonym}" if item.erased else item.name or ""


def _item(item: ShownItem) -> str:
    return f"{item.type}/{item.id}" if item.id is not None else item.type


def _called(item: ShownItem) -> str:
    name = _named(item)
    return f"{name} ({_item(item)})" if name else _item(item)
