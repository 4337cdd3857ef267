"""Entries from a file: JSON lines, as an export wrote them or a recorder gives them, or CSV under a mapping.

Owns how a line becomes an entry with an id: its own, or one that follows from its content, so that importing twice adds
nothing. Names that may not stand are mended, which is told. Refuses to repair anything else: a line is recorded as it
is, or refused with its number and reason.
"""

import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct, structs

from trailbook.adapters.cells import RowReader
from trailbook.adapters.json_text import MAX_LINE as MAX_LINE, malformed, strict_json as strict_json
from trailbook.adapters.lines import Lines
from trailbook.adapters.mapping import Plan, columns_of
from trailbook.adapters.refused import MEMBER, csv_refusals, json_refusals, without_reasons
from trailbook.adapters.rows import MAX_ROW, Row, read_rows
from trailbook.adapters.settling import ImportLine as ImportLine, Line, Ways, settled
from trailbook.catalogue import Catalogue
from trailbook.errors import ActionUnknownError, ConfigurationError, TrailbookError
from trailbook.model import Item, Mended, NewEntry, entry_from, mend_names

if TYPE_CHECKING:  # whoever imports has a log open; reading JSON alone needs none
    from trailbook.log import Log

SOURCE = Item(type="source", id="import", name="Trailbook import")

# What reading computes and recording must not take; everything else unknown is refused.
COMPUTED = frozenset({"seq", "recorded_at", "source", "self", "sentence", "link", "state"})
COMPUTED_OF_ITEM = frozenset({"exists", "name_now"})
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_GUESSES = 20  # unknown actions that the nearest known one is looked for, which takes long


def import_jsonl(
    log: "Log",
    file: BinaryIO,
    *,
    source: Item = SOURCE,
    dry_run: bool = False,
    refused: BinaryIO | None = None,
) -> Iterator[ImportLine]:
    """Record each line of a file that may be recorded, in order, and say what became of every line.

    A dry run judges each line against the log too, and records nothing. `refused` takes the lines that were refused.
    Raises: ConfigurationError for a file that is no UTF-8; StoreError; what was yielded before is recorded, and may be
    imported again.
    """
    lines = Lines(file, MAX_LINE + 2)
    reader = _Reader(log)
    read = (reader.json_line(number, raw) for number, raw in enumerate(lines, 1))
    ways = Ways(log=log, source=source, dry_run=dry_run, refused=json_refusals(refused))
    yield from settled(read, lines, ways)


def import_csv(
    log: "Log",
    file: BinaryIO,
    plan: Plan,
    *,
    source: Item = SOURCE,
    dry_run: bool = False,
    refused: BinaryIO | None = None,
) -> Iterator[ImportLine]:
    """Record each row of a CSV file that may be recorded, in order, and say what became of every row by its line.

    A row's id comes from the mapping's source and the row's own id or content, so that a repetition adds nothing.
    `refused` takes the rows that were refused.
    Raises: ConfigurationError for a heading that lacks a column of the mapping; StoreError.
    """
    lines = Lines(file, MAX_ROW)
    rows = read_rows(lines, plan.delimiter)
    blank, heading = _heading(rows)
    lines.aside = heading.lines
    names = without_reasons(heading.cells, heading.cells)
    table = _Table(RowReader(plan, columns_of(plan, names), log.catalogue), len(names), len(heading.cells))
    reader = _Reader(log)
    read = (reader.row(row, table) for row in chain(blank, rows))
    refusals = csv_refusals(refused, heading.cells, plan.delimiter)
    yield from settled(read, lines, Ways(log=log, source=source, dry_run=dry_run, refused=refusals))


def entry_of(value: Any) -> NewEntry:
    """The entry of decoded JSON in the read form or as a recorder gives it. Raises: EntryInvalidError."""
    if isinstance(value, dict):
        value = {name: _item(member) for name, member in value.items() if name not in COMPUTED}
        if isinstance(value.get("concerns"), list):
            value["concerns"] = [_item(concern) for concern in value["concerns"]]
    return entry_from(value)


def _item(value: Any) -> Any:
    if not isinstance(value, dict) or "type" not in value:
        return value
    return {name: member for name, member in value.items() if name not in COMPUTED_OF_ITEM}


def _without_hints(value: dict[str, Any]) -> dict[str, Any]:
    """A line whose items say nothing of today: with another hint it is the same line."""

    def without(member: Any) -> Any:
        if isinstance(member, list):
            return [without(item) for item in member]
        return {k: v for k, v in member.items() if k != "hint"} if isinstance(member, dict) else member

    return {name: without(member) for name, member in value.items()}


def _heading(rows: Iterator[Row]) -> tuple[list[Row], Row]:
    """The blank lines that a file begins with, and its heading. Raises: ConfigurationError."""
    blank: list[Row] = []
    for row in rows:
        if row.fault:
            raise ConfigurationError(f"the heading of the file, on line {row.number}, {row.fault}")
        if row.cells:
            return blank, row
        blank.append(row)
    raise ConfigurationError("the file: has no heading")


class _Table(Struct, frozen=True):
    """A CSV file: what reads its rows, how many cells of a row are its own, and how many a row has."""

    cells: RowReader
    own: int
    width: int


class _Reader:
    """Reads lines as entries of one log."""

    def __init__(self, log: "Log") -> None:
        self._id_from = log.id_from
        self._nameless = frozenset(kind.name for kind in log.catalogue.types.values() if not kind.named)
        self._unknown = _unknown_action(log.catalogue)

    def json_line(self, number: int, raw: bytes) -> Line:
        """A line of JSON as it is to be recorded, or refused, or skipped."""
        if not raw.strip():
            return Line(number=number, raw=raw)
        try:
            value = strict_json(raw.rstrip(b"\r\n"))
            if isinstance(value, dict) and isinstance(value.get(MEMBER), dict):
                del value[MEMBER]
            entry = entry_of(value)
            if entry.id is None:
                entry = structs.replace(entry, id=self._id_from(_canonical(_without_hints(value))))
            mended = self._mended(entry)
        except TrailbookError as error:
            return Line(number=number, raw=raw, refused=error)
        return Line(number=number, raw=raw, entry=mended.entry, names=mended.mends)

    def row(self, row: Row, table: _Table) -> Line:
        """A row of a CSV file as it is to be recorded, or refused, or skipped."""
        number, raw, lines = row.number, row.raw, row.lines
        try:
            if row.fault or len(row.cells) not in (0, table.width):
                raise malformed(row.fault or f"has {len(row.cells)} cells, and the heading {table.width}")
            cells = row.cells[: table.own]
            if not cells or table.cells.passes_over(cells):
                return Line(number=number, raw=raw, lines=lines)
            reading = table.cells.read(cells, self._id_from)
            mended = self._mended(reading.entry)
        except TrailbookError as error:
            return Line(number=number, raw=raw, lines=lines, refused=error)
        return Line(
            number=number,
            raw=raw,
            lines=lines,
            entry=mended.entry,
            left_out=reading.left_out,
            names=mended.mends,
        )

    def _mended(self, entry: NewEntry) -> Mended:
        if unknown := self._unknown(entry.action):
            raise unknown
        return mend_names(entry, self._nameless)


def _unknown_action(catalogue: Catalogue) -> Callable[[str], TrailbookError | None]:
    """What refuses an action that the catalogue does not declare; soon without a guess at which was meant."""
    refusals: dict[str, ActionUnknownError] = {}

    def refusal(action: str) -> TrailbookError | None:
        if action in catalogue.actions:
            return None
        if action not in refusals and len(refusals) < _GUESSES:
            try:
                catalogue.action(action)
            except ActionUnknownError as error:
                refusals[action] = error
        known = refusals.get(action)
        return ActionUnknownError(action, None) if known is None else known.with_traceback(None)

    return refusal
