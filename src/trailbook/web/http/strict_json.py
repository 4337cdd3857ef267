"""Strict JSON in: what any two JSON readers could understand differently is refused, saying where.

Owns the one way bytes from outside become dicts, lists and texts. Refuses byte order marks, duplicate
keys, NaN, lone surrogates (400 malformed), and floats, integers above 2^53 - 1, depth above 8 and objects of
more than 200 members (422, with a pointer). Source: RFC 8259, RFC 7493 (I-JSON).
"""

import json
import re
import threading
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from trailbook.errors import EntryInvalidError, Fault, InvalidError
from trailbook.model import NewEntry, entry_from, shape_faults

MAX_DEPTH, MAX_MEMBERS, MAX_INTEGER = 8, 200, 2**53 - 1
MAX_ENTRY, MAX_LINES, MAX_BATCH = 256 * 1024, 10_000, 16 * 1024 * 1024


Shape = TypeVar("Shape")


class MalformedError(InvalidError):
    """The bytes are not JSON that every reader reads alike."""

    code = "malformed"


class TooLargeError(InvalidError):
    """One entry, form or order has more bytes than its path takes."""

    code = "too-large"


class BatchTooLargeError(InvalidError):
    """A batch has more than 10,000 entries or 16 MiB."""

    code = "batch-too-large"


_ENTRY = msgspec.json.Decoder(NewEntry)
_ENCODER = msgspec.json.Encoder()
_LOOSE = re.compile(rb'"[ \t\r\n]+:')
# What of the ways to write a time is read alike by every reader; the others go the long way.
_INSTANT = re.compile(rb'"occurred_at": ?"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"')


class _Shell(Struct, gc=False):
    """Any object, its members skipped unread; of one array as many as a batch has lines, or BatchTooLargeError is."""

    def __post_init__(self) -> None:
        _counted.left -= 1
        if _counted.left < 0:
            raise _too_many()


_counted = threading.local()  # how many more objects the array may have that this thread reads
_shells = msgspec.json.Decoder(list[_Shell])
_elements = msgspec.json.Decoder(list[msgspec.Raw])


class _Float(Struct):
    """Stands where a float or an integer out of bounds was read, until the walk can say where."""

    detail: str


class _Pairs(list[tuple[str, Any]]):
    """An object as its members in order, until the walk has looked for duplicates."""


def entry_of(raw: bytes) -> NewEntry:
    """Read one entry, strictly. Raises: as `strict`; EntryInvalidError with a pointer to a member that is wrong."""
    entry = _quick(raw) if len(raw) <= MAX_ENTRY else None
    return entry_from(strict(raw)) if entry is None else entry


def _quick(raw: bytes) -> NewEntry | None:
    """The entry where nothing in these bytes can be read in two ways, else None: then `strict` says what it is.

    Without a backslash, and with no space before a colon, `":` stands after names of members and nowhere else. So
    where there are as many as the entry has members, none was given twice. Numbers have no place in an entry.
    """
    if b"\\" in raw or _LOOSE.search(raw) or not _INSTANT.search(raw):
        return None
    try:
        entry: NewEntry = _ENTRY.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    members = _ENCODER.encode(entry).count(b'":')
    if entry.outcome == "success" and raw.count(b'"outcome":') == 1:
        members += 1  # as good as not said, and so not written again
    return entry if raw.count(b'":') == members else None


def strict(raw: bytes) -> Any:
    """Read one JSON value.

    Raises: MalformedError; EntryInvalidError with a pointer for what is JSON but out of bounds; TooLargeError.
    """
    if len(raw) > MAX_ENTRY:
        raise TooLargeError(f"one entry may have {MAX_ENTRY} bytes")
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedError(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"is not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _beyond("", f"is nested deeper than {MAX_DEPTH}") from None
    return _walk(value, "", 0)


def read_as(raw: bytes, shape: type[Shape], refusal: type[InvalidError] = InvalidError) -> Shape:
    """A body that is no entry, in its shape. Raises: MalformedError; `refusal`, which names each member at fault."""
    try:
        value = strict(raw)
    except EntryInvalidError as error:  # out of bounds as any JSON here may be
        raise refusal(error.detail, error.faults) from None
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError:
        faults = shape_faults(value, shape, refusal.code)
    raise refusal("; ".join(f"{fault.pointer[1:] or 'body'}: {fault.detail}" for fault in faults), faults)


def lines(raw: bytes) -> list[bytes]:
    """The lines of NDJSON; the last may end without a line break. Raises: BatchTooLargeError."""
    if raw.count(b"\n") > MAX_LINES:
        raise _too_many()
    pieces = raw.split(b"\n")
    return pieces[:-1] if pieces[-1] == b"" else pieces


def elements(raw: bytes) -> list[bytes]:
    """The objects of a JSON array as bytes, each still to be read strictly.

    Raises: MalformedError; BatchTooLargeError.
    """
    try:
        # Counted first, and no further than needed: 16 MiB of brackets must not become millions of objects.
        _counted.left = MAX_LINES
        _shells.decode(raw)
        return [bytes(element) for element in _elements.decode(raw)]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedError(f"is not a JSON array of objects: {error}") from None


def _walk(value: Any, pointer: str, depth: int) -> Any:
    if isinstance(value, _Float):
        raise _beyond(pointer, value.detail)
    if isinstance(value, str):
        return _text(value, pointer)
    if not isinstance(value, list):
        return value
    if depth == MAX_DEPTH:
        raise _beyond(pointer, f"is nested deeper than {MAX_DEPTH}")
    if not isinstance(value, _Pairs):
        return [_walk(element, f"{pointer}/{at}", depth + 1) for at, element in enumerate(value)]
    if len(value) > MAX_MEMBERS:
        raise _beyond(pointer, f"has more than {MAX_MEMBERS} members")
    return _members(value, pointer, depth)


def _members(pairs: _Pairs, pointer: str, depth: int) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        inner = f"{pointer}/{_text(name, pointer).replace('~', '~0').replace('/', '~1')[:80]}"
        if name in read:
            fault = Fault(inner, "malformed", "is given twice")
            raise MalformedError(f"{inner}: {fault.detail}", (fault,))
        read[name] = _walk(value, inner, depth + 1)
    return read


def _text(text: str, pointer: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        fault = Fault(pointer, "malformed", "has half of a surrogate pair")
        raise MalformedError(f"{pointer or 'text'}: {fault.detail}", (fault,)) from None
    return text


def _integer(text: str) -> int | _Float:
    # Never int() of thousands of digits: it costs the square of their number.
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        return _Float(f"is beyond {MAX_INTEGER}, where readers of JSON begin to differ")
    return int(text)


def _float(text: str) -> _Float:
    return _Float("is not a whole number")


def _constant(name: str) -> Any:
    raise MalformedError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _beyond(pointer: str, detail: str) -> EntryInvalidError:
    return EntryInvalidError((Fault(pointer, "entry-invalid", detail),))


def _too_many() -> BatchTooLargeError:
    return BatchTooLargeError(f"a batch may have {MAX_LINES} entries")
