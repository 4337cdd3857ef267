"""A mapping: which column of somebody's CSV file is which member of an entry, and how its cells are read.

Owns the mapping file (TOML) and whether a file's heading fits it. Refuses to guess: a key, a member or a column that
nobody knows is named, and so is a heading that stands twice.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC

import msgspec
from msgspec import Struct

from trailbook.adapters.lines import as_utf8
from trailbook.adapters.times import ReadTime, time_reader
from trailbook.errors import ConfigurationError, FilterInvalidError
from trailbook.model import is_slug, prepare
from trailbook.query import zone

ITEMS = ("actor", "target", "on_behalf_of")
# What an entry can be without: a mapping may say that what does not read there is left out.
SECONDARY = frozenset(
    ["purpose", "effective_at", "correlation", "caused_by", "fields", "origin.ip", "origin.user_agent"]
)
MEMBERS = SECONDARY | frozenset(
    ["action", "category", "outcome", "occurred_at", "id", "actor.kind", "origin.interface"]
    + [f"{item}.{of}" for item in ITEMS for of in ("type", "id", "name", "hint")]
)
SURROGATE = re.compile("[\ud800-\udfff]")  # a byte that is not UTF-8, as rows have it
_DELIMITERS = ";\t|,"
_SHOWN = 30  # headings that an error shows


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file: where rows come from, and member -> column, member -> fixed text, member -> words for words.

    `line_id` is the column that tells rows apart; without one the whole row does. Times without an offset are those of
    `zone`, in `time_format` (as strptime has it, `epoch-s` or `epoch-ms`) or ISO 8601. `lists` says what parts the ids
    and names of several items in a cell, or with an empty text that an id is one whatever it looks like; `separator`
    parts names of fields. Of members in `leave_out` a cell that does not read is left out. `first_address` takes the
    first address of `origin.ip`, without a port. Rows with a cell in `skip` (column -> texts) are skipped. `headings`
    names the columns whose heading stands several times, from left to right.
    """

    source: str
    columns: dict[str, str]
    fixed: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    line_id: str | None = None
    delimiter: str = ","
    zone: str | None = None
    time_format: str | None = None
    separator: str = ";"
    lists: dict[str, str] = {}
    leave_out: list[str] = []
    first_address: bool = False
    skip: dict[str, list[str]] = {}
    headings: dict[str, list[str]] = {}

    def time_reader(self) -> ReadTime:
        """What reads the cells of `occurred_at`. Raises: ConfigurationError."""
        try:
            place = UTC if self.zone == "UTC" else None if self.zone is None else zone(self.zone)
        except FilterInvalidError as error:
            raise _wrong(f"zone {self.zone!r} {error.faults[0].detail}") from None
        return time_reader(self.time_format, place)


prepare(Plan)


def read_plan(raw: bytes) -> Plan:
    """The mapping of a TOML file; a byte order mark does no harm. Raises: ConfigurationError naming what is wrong."""
    try:
        plan = msgspec.convert(tomllib.loads(as_utf8(raw, "mapping").decode("utf-8")), Plan)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _wrong(str(error)) from None
    for why in _faults(plan):
        raise _wrong(why)
    plan.time_reader()
    return plan


def _faults(plan: Plan) -> Iterator[str]:
    """Whatever a mapping says that cannot be meant."""
    for name in (*plan.columns, *plan.fixed, *plan.values):
        if name not in MEMBERS and not _is_concern(name):
            yield (
                f"{name[:80]!r} is no member of an entry; known are "
                f"{', '.join(sorted(MEMBERS))}, and concerns.PART.type, .id, .name and .hint"
            )
    for name in sorted(plan.columns.keys() & plan.fixed.keys()):
        yield f"{name!r} has a column and a fixed text"
    if not plan.source or len(plan.delimiter) != 1 or plan.delimiter in '"\r\n':
        yield "source is empty, or delimiter is not one character that can part cells"
    if not plan.separator:
        yield "separator is empty"
    for name in sorted(plan.values.keys() - plan.columns.keys()):
        yield f"values: {name!r} has no column"
    for item, separator in plan.lists.items():
        if f"{item}.id" not in plan.columns:
            yield f"lists: {item[:80]!r} has no column for its id"
        if separator and item in ITEMS:
            yield f"lists: {item!r} is one item always; an empty text says that its id is one too"
        if separator and f"{item}.hint" in (*plan.columns, *plan.fixed):
            yield f"lists: {item[:80]!r} has a hint, which is of one item"
    for name in plan.leave_out:
        if name not in SECONDARY or name not in plan.columns:
            yield f"leave_out: {name[:80]!r} is no column of {', '.join(sorted(SECONDARY))}"
    if plan.first_address and "origin.ip" not in plan.columns:
        yield "first_address: origin.ip has no column"


def columns_of(plan: Plan, heading: Sequence[str]) -> list[str]:
    """The names of a file's columns, of which each has its own.

    Raises: ConfigurationError for a heading that lacks a column, or has one twice that the mapping does not tell apart.
    """
    read = [text.strip() for text in heading]
    if read[0].lower().startswith("sep="):
        raise _wrong(
            "the file begins with a line for spreadsheets, sep=; take it out and name the delimiter here"
        )
    twice = {text: count for text, count in Counter(read).items() if count > 1}
    for text, names in plan.headings.items():
        if len(names) != read.count(text):
            raise _wrong(f"headings: {text[:80]!r} stands {read.count(text)} times in the file")
    apart = {text: iter(names) for text, names in plan.headings.items()}
    columns = [next(apart[text]) if text in apart else text for text in read]
    for text in twice:
        if text not in apart:
            raise _wrong(f"the heading {text[:80]!r} stands twice in the file; [headings] tells them apart")
    if len(set(columns)) < len(columns):
        raise _wrong("headings: a name stands twice")
    _check_columns(plan, columns)
    return columns


def _check_columns(plan: Plan, columns: Sequence[str]) -> None:
    needed = [*plan.columns.values(), *plan.skip, *([plan.line_id] if plan.line_id else [])]
    missing = [column for column in dict.fromkeys(needed) if column not in columns]
    if not missing:
        return
    if any(map(SURROGATE.search, columns)):
        raise _wrong("the heading of the file is not UTF-8; save it as UTF-8")
    shown = ", ".join(repr(column[:80]) for column in columns[:_SHOWN])
    why = f"the file has no column {', '.join(repr(column[:80]) for column in missing)}; its headings are {shown}"
    better = [mark for mark in _DELIMITERS if mark != plan.delimiter and mark in columns[0]]
    if len(columns) == 1 and better:
        why += f": delimiter is {plan.delimiter!r} here, and {better[0]!r} in the file"
    raise _wrong(why)


def _is_concern(name: str) -> bool:
    parts = name.split(".")
    return (
        len(parts) == 3
        and parts[0] == "concerns"
        and is_slug(parts[1])
        and parts[2] in ("type", "id", "name", "hint")
    )


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(f"the mapping: {why}")
