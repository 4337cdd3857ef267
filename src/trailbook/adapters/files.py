"""Entries from a file: JSON lines, as an export wrote them or a recorder gives them, or CSV under a mapping.

Owns which computed members of the read form are left behind, and reading JSON strictly: duplicate keys, floats,
large integers and lone surrogates are refused. Refuses to repair: a line is recorded as it is, or refused with its
number and reason. Importing twice adds nothing: an entry keeps its id, and one without gets it from its content.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Literal
from uuid import UUID

from msgspec import Struct, structs

from trailbook.adapters.mapping import Plan, check_heading, entry_of_row
from trailbook.errors import EntryInvalidError, Fault, TrailbookError
from trailbook.model import Item, NewEntry, entry_from

if TYPE_CHECKING:  # whoever imports has a log open; reading JSON alone needs none
    from trailbook.log import Log

MAX_LINE = 256 * 1024
LARGEST = 2**53 - 1
SOURCE = Item(type="source", id="import", name="Trailbook import")

# What reading computes and recording must not take (contracts.md 2); everything else unknown is refused.
COMPUTED = frozenset({"seq", "recorded_at", "source", "self", "sentence", "link", "state"})
COMPUTED_OF_ITEM = frozenset({"exists", "name_now"})
_BATCH = 500

RowState = Literal["recorded", "replayed", "acceptable", "refused"]


class _Line(Struct, frozen=True):
    """A line by its number, with the entry on it or why there is none."""

    number: int
    content: NewEntry | TrailbookError


class ImportLine(Struct, frozen=True, kw_only=True):
    """What became of one line, counted from 1; `acceptable` is what a dry run says instead of recording."""

    number: int
    result: RowState
    id: UUID | None = None
    refused: TrailbookError | None = None


def import_jsonl(
    log: "Log", file: BinaryIO, *, source: Item = SOURCE, dry_run: bool = False
) -> Iterator[ImportLine]:
    """Record each line of a file that may be recorded, in order, and say what became of every line.

    A dry run judges each line against the log too, and records nothing.
    Raises: StoreError; what was yielded before is recorded, and may be imported again.
    """
    batch: list[_Line] = []
    for number, raw in enumerate(_lines(file), 1):
        batch.append(_Line(number, _read(log, raw)))
        if len(batch) == _BATCH:
            yield from _judge(log, batch) if dry_run else _record(log, batch, source)
            batch = []
    yield from _judge(log, batch) if dry_run else _record(log, batch, source)


def import_csv(
    log: "Log", file: BinaryIO, plan: Plan, *, source: Item = SOURCE, dry_run: bool = False
) -> Iterator[ImportLine]:
    """Record each row of a CSV file that may be recorded, in order, and say what became of every row by its line.

    A row's id comes from the mapping's source and the row's own id or content, so that a repetition adds nothing.
    Raises: ConfigurationError for a heading that lacks a column of the mapping; StoreError.
    """
    batch: list[_Line] = []
    for number, row in _rows(file, plan):
        batch.append(_Line(number, row if isinstance(row, TrailbookError) else _mapped(log, plan, row)))
        if len(batch) == _BATCH:
            yield from _judge(log, batch) if dry_run else _record(log, batch, source)
            batch = []
    yield from _judge(log, batch) if dry_run else _record(log, batch, source)


def strict_json(raw: bytes) -> Any:
    """Decode one JSON text in UTF-8 of at most 256 KiB.

    Raises: EntryInvalidError `malformed`. Source: RFC 8259, RFC 7493.
    """
    if len(raw) > MAX_LINE:
        raise _malformed(f"is longer than {MAX_LINE} bytes")
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_no_number,
            parse_constant=_no_number,
            parse_int=_integer,
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8
    except RecursionError:
        raise _malformed("is nested too deeply") from None
    except UnicodeError:
        raise _malformed("has text that is not Unicode") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"is not JSON: {error.msg}, at character {error.pos + 1}") from None
    return value


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


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Each line without its end; of one that is too long, one byte more than a line may have."""
    while raw := file.readline(MAX_LINE + 2):
        rest = raw
        while not rest.endswith(b"\n") and len(rest) == MAX_LINE + 2:
            rest = file.readline(MAX_LINE + 2)
        yield raw.removesuffix(b"\n").removesuffix(b"\r")[: MAX_LINE + 1]


def _read(log: "Log", raw: bytes) -> NewEntry | TrailbookError:
    try:
        value = strict_json(raw)
        entry = entry_of(value)
    except TrailbookError as error:
        return error
    if entry.id is not None:
        return entry
    return structs.replace(entry, id=log.id_from(json.dumps(value, sort_keys=True, separators=(",", ":"))))


def _record(log: "Log", batch: list[_Line], source: Item) -> Iterator[ImportLine]:
    entries = [line.content for line in batch if isinstance(line.content, NewEntry)]
    results = iter(log.record_each(entries, source=source))
    for line in batch:
        if isinstance(line.content, TrailbookError):
            yield ImportLine(number=line.number, result="refused", refused=line.content)
            continue
        result = next(results)
        if result.receipt is None:
            yield ImportLine(number=line.number, result="refused", id=line.content.id, refused=result.refused)
        else:
            state: RowState = "replayed" if result.receipt.replayed else "recorded"
            yield ImportLine(number=line.number, result=state, id=result.receipt.id)


def _judge(log: "Log", batch: list[_Line]) -> Iterator[ImportLine]:
    entries = [line.content for line in batch if isinstance(line.content, NewEntry)]
    results = iter(log.judge_each(entries))
    for line in batch:
        if isinstance(line.content, TrailbookError):
            yield ImportLine(number=line.number, result="refused", refused=line.content)
            continue
        result = next(results)
        if result.receipt is None:
            yield ImportLine(number=line.number, result="refused", id=line.content.id, refused=result.refused)
        else:
            state: RowState = "replayed" if result.receipt.replayed else "acceptable"
            yield ImportLine(number=line.number, result=state, id=line.content.id)


def _rows(file: BinaryIO, plan: Plan) -> Iterator[tuple[int, dict[str, str] | TrailbookError]]:
    """Each row after the heading by column, with the line it begins on; one that cannot be read is its error."""
    # What is not UTF-8 must not end the reading of what stands below it.
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text, delimiter=plan.delimiter, strict=True)
    heading = next(reader, [])
    check_heading(plan, heading)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield number, _malformed(f"is not CSV: {error}")
            continue
        if cells:
            yield number, _row(heading, cells)
    text.detach()  # the file is the caller's


def _row(heading: list[str], cells: list[str]) -> dict[str, str] | TrailbookError:
    if len(cells) != len(heading):
        return _malformed(f"has {len(cells)} cells, and the heading {len(heading)}")
    if any("\ud800" <= char <= "\udfff" for cell in cells for char in cell):
        return _malformed("is not UTF-8")
    return dict(zip(heading, cells, strict=True))


def _mapped(log: "Log", plan: Plan, row: dict[str, str]) -> NewEntry | TrailbookError:
    try:
        entry = entry_of_row(plan, row)
    except TrailbookError as error:
        return error
    if entry.id is not None:
        return entry
    if plan.line_id is not None and not row[plan.line_id]:
        return _malformed(f"has nothing in the column {plan.line_id[:80]!r} that tells it apart")
    identity = [row[plan.line_id]] if plan.line_id is not None else sorted(row.items())
    foreign = json.dumps(["csv", plan.source, identity], separators=(",", ":"))
    return structs.replace(entry, id=log.id_from(foreign))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("has a member twice")
    return members


def _no_number(text: str) -> Any:
    raise _malformed(f"has the number {text[:20]}; only whole ones are taken")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST:
        raise _malformed("has a number beyond 2^53 - 1")
    return int(text)


def _malformed(detail: str) -> EntryInvalidError:
    return EntryInvalidError((Fault("", "malformed", detail),))
