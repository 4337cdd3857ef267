"""Entries from a file of JSON lines: what an export wrote, or plain entries as a recorder gives them.

Owns which computed members of the read form are left behind, and reading JSON strictly: duplicate keys, floats,
large integers and lone surrogates are refused. Refuses to repair: a line is recorded as it is, or refused with its
number and reason. Importing twice adds nothing: an entry keeps its id, and one without gets it from its content.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Literal
from uuid import UUID

from msgspec import Struct, structs

from trailbook.errors import EntryInvalidError, Fault, TrailbookError
from trailbook.model import Item, NewEntry, entry_from
from trailbook.rules import complete

if TYPE_CHECKING:  # whoever imports has a log open; reading JSON alone needs none
    from trailbook.log import Log

MAX_LINE = 256 * 1024
LARGEST = 2**53 - 1
SOURCE = Item(type="source", id="import", name="Trailbook import")

# What reading computes and recording must not take (contracts.md 2); everything else unknown is refused.
COMPUTED = frozenset({"seq", "recorded_at", "source", "self", "sentence", "link", "state"})
COMPUTED_OF_ITEM = frozenset({"exists", "name_now"})
_BATCH = 500

Result = Literal["recorded", "replayed", "acceptable", "refused"]


class Line(Struct, frozen=True, kw_only=True):
    """What became of one line, counted from 1; `acceptable` is what a dry run says instead of recording."""

    number: int
    result: Result
    id: UUID | None = None
    refused: TrailbookError | None = None


def import_jsonl(
    log: "Log", file: BinaryIO, *, source: Item = SOURCE, dry_run: bool = False
) -> Iterator[Line]:
    """Record each line of a file that may be recorded, in order, and say what became of every line.

    A dry run judges each line by itself: an id that is in the log with other content is found only by importing.
    Raises: StoreError; what was yielded before is recorded, and may be imported again.
    """
    batch: list[tuple[int, NewEntry | TrailbookError]] = []
    for number, raw in enumerate(_lines(file), 1):
        batch.append((number, _read(log, raw)))
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
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_no_number,
            parse_constant=_no_number,
            parse_int=_integer,
        )
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8
    except RecursionError:
        raise _malformed("is nested too deeply") from None
    except UnicodeError:
        raise _malformed("has text that is not Unicode") from None
    except json.JSONDecodeError as error:
        raise _malformed(f"is not JSON: {error.msg}, at character {error.pos + 1}") from None
    return found


def entry_of(found: Any) -> NewEntry:
    """The entry of decoded JSON in the read form or as a recorder gives it. Raises: EntryInvalidError."""
    if isinstance(found, dict):
        found = {name: _item(value) for name, value in found.items() if name not in COMPUTED}
        if isinstance(found.get("concerns"), list):
            found["concerns"] = [_item(concern) for concern in found["concerns"]]
    return entry_from(found)


def _item(value: Any) -> Any:
    if not isinstance(value, dict) or "type" not in value:
        return value
    return {name: of for name, of in value.items() if name not in COMPUTED_OF_ITEM}


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Each line without its end; of one that is too long, one byte more than a line may have."""
    while raw := file.readline(MAX_LINE + 2):
        rest = raw
        while not rest.endswith(b"\n") and len(rest) == MAX_LINE + 2:
            rest = file.readline(MAX_LINE + 2)
        yield raw.removesuffix(b"\n").removesuffix(b"\r")[: MAX_LINE + 1]


def _read(log: "Log", raw: bytes) -> NewEntry | TrailbookError:
    try:
        found = strict_json(raw)
        entry = entry_of(found)
    except TrailbookError as error:
        return error
    if entry.id is not None:
        return entry
    return structs.replace(entry, id=log.id_from(json.dumps(found, sort_keys=True, separators=(",", ":"))))


def _record(log: "Log", batch: list[tuple[int, NewEntry | TrailbookError]], source: Item) -> Iterator[Line]:
    entries = [found for _, found in batch if isinstance(found, NewEntry)]
    outcomes = iter(log.record_each(entries, source=source))
    for number, found in batch:
        if isinstance(found, TrailbookError):
            yield Line(number=number, result="refused", refused=found)
            continue
        outcome = next(outcomes)
        if outcome.receipt is None:
            yield Line(number=number, result="refused", id=found.id, refused=outcome.refused)
        else:
            result: Result = "replayed" if outcome.receipt.replayed else "recorded"
            yield Line(number=number, result=result, id=outcome.receipt.id)


def _judge(log: "Log", batch: list[tuple[int, NewEntry | TrailbookError]]) -> Iterator[Line]:
    now = log.clock()
    for number, found in batch:
        if isinstance(found, TrailbookError):
            yield Line(number=number, result="refused", refused=found)
            continue
        try:
            complete(log.catalogue, found, now)
        except TrailbookError as error:
            yield Line(number=number, result="refused", id=found.id, refused=error)
        else:
            yield Line(number=number, result="acceptable", id=found.id)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _malformed("has a member twice")
    return found


def _no_number(text: str) -> Any:
    raise _malformed(f"has the number {text[:20]}; only whole ones are taken")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST:
        raise _malformed("has a number beyond 2^53 - 1")
    return int(text)


def _malformed(detail: str) -> EntryInvalidError:
    return EntryInvalidError((Fault("", "malformed", detail),))
