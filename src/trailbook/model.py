"""The one model: what a recorder gives (`NewEntry`) and what the log keeps (`Entry`), as frozen Structs.

Owns the shape of an entry, its text bounds and its times. Refuses to know actions, categories or stores,
and has no member for a value, on purpose: content of a change cannot be represented here.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Container, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, Literal, TypeVar, cast, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from trailbook.errors import EntryInvalidError, Fault

Kind = Literal["person", "integration", "system"]
Outcome = Literal["success", "failure", "denied"]
Interface = Literal["web", "mobile", "api", "cli", "job", "import", "database"]
State = Literal["received", "accepted", "checkpointed", "anchored"]
Progress = Callable[[int, int], None]  # called with how much is done, and of how much

KINDS: tuple[Kind, ...] = ("person", "integration", "system")
OUTCOMES: tuple[Outcome, ...] = ("success", "failure", "denied")
INTERFACES: tuple[Interface, ...] = ("web", "mobile", "api", "cli", "job", "import", "database")
_CHOICES: dict[str, tuple[str, ...]] = {"kind": KINDS, "outcome": OUTCOMES, "interface": INTERFACES}

MAX_ID, MAX_NAME, MAX_HINT, MAX_USER_AGENT, MAX_CONCERNS, MAX_FIELDS = 200, 300, 80, 500, 100, 100
_MOST_FAULTS = 100  # that one answer lists; an array of nothing but faults is not answered with as many
MAX_BODY = 65_535  # bytes; the length prefix of a C2SP entry bundle is 16 bits
AHEAD = timedelta(minutes=5)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)  # what happened before is taken only where a setting says so

# Control characters make lines and terminal commands; bidi overrides make one name read as another.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# A tag character says something that nobody sees; U+FFFD stands where a letter was lost, by whoever decoded it.
_UNREADABLE = re.compile("[\ufffd\U000e0000-\U000e007f]")
_UNSEEN = frozenset(
    "\u034f\u115f\u1160\u2800\u3164\uffa0"
)  # blank, though Unicode counts them among the letters
_SLUG = re.compile(r"[a-z][a-z0-9_]{0,63}")
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:[0-5]\d)"
)  # RFC 3339 with at most microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


# gc=False, here and on what is made for every entry elsewhere: none of it can be part of a cycle, and the collector
# would take a sixth of the time of recording and reading to find that out.
class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Anything that can be an actor, a target or concerned: `type`, `id` and, where its type has one, `name`.

    `hint` is what the host says of a named one today, to tell namesakes apart; empty says that there is none any more.
    It is no part of what is recorded: the directory keeps the last one.
    """

    type: str
    id: str
    name: str | None = None
    hint: str | None = None


class Actor(Item, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Who did it: an item with its `kind`."""

    kind: Kind


class Concern(Item, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """An item the change is about, and its `part` in it."""

    part: str


class Origin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Where it came from: interface, IP address, user agent."""

    interface: Interface
    ip: str | None = None
    user_agent: str | None = None


class NewEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """An entry as a recorder gives it; `id` is made on arrival when absent, `category` must match when given."""

    action: str
    occurred_at: datetime
    actor: Actor
    target: Item
    origin: Origin
    id: UUID | None = None
    category: str | None = None
    outcome: Outcome = "success"
    on_behalf_of: Item | None = None
    concerns: tuple[Concern, ...] = ()
    fields: tuple[str, ...] = ()
    purpose: str | None = None
    effective_at: str | None = None
    correlation: str | None = None
    caused_by: UUID | None = None


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """An entry as the log keeps it; items carry the names they had then."""

    id: UUID
    seq: int
    occurred_at: datetime
    recorded_at: datetime
    category: str
    action: str
    outcome: Outcome
    actor: Actor
    target: Item
    origin: Origin
    source: Item
    on_behalf_of: Item | None = None
    concerns: tuple[Concern, ...] = ()
    fields: tuple[str, ...] = ()
    purpose: str | None = None
    effective_at: str | None = None
    correlation: str | None = None
    caused_by: UUID | None = None


class Receipt(Struct, frozen=True, kw_only=True, gc=False):
    """What a recorder gets once the entry is durable; `seq` and `recorded_at` are null while `received`."""

    id: UUID
    seq: int | None
    recorded_at: datetime | None
    state: State
    replayed: bool = False


def microseconds(at: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z of an aware datetime, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def instant(at: int) -> datetime:
    """The UTC datetime of microseconds since 1970."""
    return _EPOCH + at * _MICROSECOND


def written(at: datetime) -> str:
    """The one written form of an instant: UTC, six digits, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """Read RFC 3339 with an offset and at most microseconds, as UTC.

    Raises: ValueError in plain words. Source: RFC 3339 section 5.6.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError("is not a time with an offset, such as 2026-11-02T09:15:00+01:00")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a time that exists") from None


def text_fault(text: str, most: int) -> str | None:
    """Why `text` may not be kept, in words, or None: 1 to `most` characters, NFC, no control or bidi override."""
    if not text:
        return "is empty"
    if len(text) > most:
        return f"is longer than {most} characters"
    if text.isascii() and text.isprintable():
        return None
    if forbidden := _FORBIDDEN.search(text):
        return f"has the forbidden character U+{ord(forbidden.group()):04X}"
    return None if unicodedata.is_normalized("NFC", text) else "is not in Unicode normal form C"


def name_fault(text: str, most: int) -> str | None:
    """Why `text` may not be kept as a name, a label or an id, in words, or None: a text that somebody can read.

    What older versions kept is found and shown all the same: a question is held against `text_fault` alone.
    """
    if why := text_fault(text, most):
        return why
    if text.isascii():
        return "is blank" if text.isspace() else None
    if unreadable := _UNREADABLE.search(text):
        return f"has the unreadable character U+{ord(unreadable.group()):04X}"
    return "is blank" if all(map(_is_unseen, text)) else None


def _is_unseen(character: str) -> bool:
    return (
        character in _UNSEEN
        or unicodedata.category(character) in ("Zs", "Cf")
        or "\ufe00" <= character <= "\ufe0f"
    )


def is_slug(text: str) -> bool:
    """Whether `text` is lower snake case of at most 64 characters."""
    return _SLUG.fullmatch(text) is not None


def ip_fault(text: str) -> str | None:
    """Why `text` is no IP address in its canonical form, or None."""
    if "%" in text:
        return "has a zone, in which any text could stand"
    try:
        canonical = str(ipaddress.ip_address(text))
    except ValueError:
        return "is not an IP address"
    return None if canonical == text else f"is not in canonical form, which is {canonical}"


def item_faults(item: Item, pointer: str) -> Iterator[Fault]:
    """Every text rule of an item that is broken, whatever the catalogue says of its type."""
    if not is_slug(item.type):
        yield Fault(f"{pointer}/type", "entry-invalid", "is not a type name in lower snake case")
    if why := name_fault(item.id, MAX_ID):
        yield Fault(f"{pointer}/id", "entry-invalid", why)
    if item.name is not None and (why := name_fault(item.name, MAX_NAME)):
        yield Fault(f"{pointer}/name", "entry-invalid", why)
    if item.hint is not None and (why := hint_fault(item.hint)):
        yield Fault(f"{pointer}/hint", "entry-invalid", why)


def hint_fault(hint: str) -> str | None:
    """Why `hint` may not be kept, in words, or None: the rules of a name, and an empty one takes back what was said."""
    return name_fault(hint, MAX_HINT) if hint else None


NameMend = Literal["composed", "cut", "left out"]
_I = TypeVar("_I", bound=Item)


class Mended(Struct, frozen=True, gc=False):
    """An entry whose names and hints may be kept, and what had to be done to each that could not."""

    entry: NewEntry
    mends: tuple[NameMend, ...] = ()


def mend_names(entry: NewEntry, nameless: Container[str] = ()) -> Mended:
    """The entry with names that may be kept: what happened is never lost over what somebody is called.

    A name is composed (normal form C, a space for what may not stand in it), cut to 300 characters with a mark, or left
    out where nothing remains of it or its type is one of `nameless`; a hint alike, at 80. For whoever captures or
    imports; others refuse.
    """
    mends: list[NameMend] = []

    def mended(item: _I) -> _I:
        takes = item.type not in nameless
        name = _mended(item.name, MAX_NAME, mends, takes=takes)
        hint = _mended(item.hint, MAX_HINT, mends, takes=takes) if item.hint != "" or not takes else ""
        return item if (name, hint) == (item.name, item.hint) else structs.replace(item, name=name, hint=hint)

    actor, target, concerns = mended(entry.actor), mended(entry.target), tuple(map(mended, entry.concerns))
    behalf = None if entry.on_behalf_of is None else mended(entry.on_behalf_of)
    if not mends:
        return Mended(entry)
    better = structs.replace(entry, actor=actor, target=target, on_behalf_of=behalf, concerns=concerns)
    return Mended(better, tuple(mends))


def _mended(text: str | None, most: int, mends: list[NameMend], *, takes: bool) -> str | None:
    """A text as it may be kept, if its type takes any; what was done to it is added to `mends`."""
    if text is None or (takes and name_fault(text, most) is None):
        return text
    better, mend = _composed(text), "composed"
    if len(better) > most:
        better, mend = better[: most - 1] + "…", "cut"
    kept = better if takes and name_fault(better, most) is None else None
    mends.append(cast(NameMend, mend) if kept else "left out")
    return kept


def _composed(name: str) -> str:
    # What is far too long is cut anyway, and composing it would take time that grows with its square.
    text = unicodedata.normalize("NFC", name[: 8 * MAX_NAME])
    return " ".join(_UNREADABLE.sub(" ", _FORBIDDEN.sub(" ", text)).split())


_PATH = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+|\.\.\.)\]")


def entry_from(decoded: Any) -> NewEntry:
    """Turn decoded JSON (dicts, lists, strings) into a `NewEntry`.

    Raises: EntryInvalidError with a pointer to each member whose type or presence is wrong.
    """
    if not isinstance(decoded, dict):
        raise EntryInvalidError((Fault("", "entry-invalid", "is not an object"),))
    at = decoded.get("occurred_at")
    faults: tuple[Fault, ...] = ()
    if at is not None:
        try:
            decoded = {**decoded, "occurred_at": _instant_of(at)}
        except ValueError as why:
            faults = (Fault("/occurred_at", "entry-invalid", str(why)),)
            decoded = {**decoded, "occurred_at": _EPOCH}  # judged already; now to the other members
    try:
        entry = msgspec.convert(decoded, NewEntry)
    except msgspec.ValidationError:
        faults += shape_faults(decoded, NewEntry)
    if faults:
        raise EntryInvalidError(faults)
    return entry


def _instant_of(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("is not a text")
    return parse_instant(value)


def prepare(*shapes: Any) -> None:
    """Have msgspec work out types while their module is imported, in one thread.

    Two threads that are the first to read a type with others inside it end the process: one of them uses what the
    other has only begun (seen with msgspec 0.22).
    """
    for shape in shapes:
        msgspec.json.Decoder(shape)


prepare(NewEntry, Item)


def shaped(entry: NewEntry) -> NewEntry:
    """The same entry with its types checked: a Struct made in Python may hold anything until then.

    Raises: EntryInvalidError with a pointer to each member whose type is wrong.
    """
    try:
        members = msgspec.to_builtins(entry, builtin_types=(datetime, UUID))
        return msgspec.convert(members, NewEntry)
    except msgspec.ValidationError:
        raise EntryInvalidError(shape_faults(members, NewEntry)) from None
    except TypeError:
        raise EntryInvalidError((Fault("", "entry-invalid", "holds something that is no member"),)) from None


def shape_faults(value: Any, shape: Any, code: str = "entry-invalid") -> tuple[Fault, ...]:
    """Where decoded JSON differs from a type: at most 100 faults, each with an RFC 6901 pointer.

    msgspec stops at the first difference, and whoever mends a body wants them all.
    """
    return tuple(islice(_differences(value, shape, code, ""), _MOST_FAULTS))


def _differences(value: Any, shape: Any, code: str, pointer: str) -> Iterator[Fault]:
    choices = get_args(shape)
    if value is None and type(None) in choices:
        return
    if len(choices) == 2 and type(None) in choices:
        shape = choices[0] if choices[1] is type(None) else choices[1]
    if isinstance(shape, type) and issubclass(shape, Struct) and isinstance(value, dict):
        yield from _member_faults(value, shape, code, pointer)
    elif get_origin(shape) in (list, tuple) and isinstance(value, list | tuple):
        for at, element in enumerate(value):
            yield from _differences(element, get_args(shape)[0], code, f"{pointer}/{at}")
    else:
        try:
            msgspec.convert(value, shape)
        except msgspec.ValidationError as error:
            yield _shape_fault(error, code, pointer)


def _member_faults(members: dict[str, Any], shape: type[Struct], code: str, pointer: str) -> Iterator[Fault]:
    fields = _fields(shape)
    for name in members if shape.__struct_config__.forbid_unknown_fields else ():
        if name not in fields:
            at = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            yield Fault(at, code, f"object contains unknown field `{name}`")
    for name, field in fields.items():
        if name in members:
            yield from _differences(members[name], field.type, code, f"{pointer}/{name}")
        elif field.required:
            yield Fault(f"{pointer}/{name}", code, f"object missing required field `{name}`")


@cache
def _fields(shape: type[Struct]) -> dict[str, structs.FieldInfo]:
    """The members of a shape by their names on the wire; to find them out costs more than to use them."""
    return {field.encode_name: field for field in structs.fields(shape)}


def _shape_fault(error: msgspec.ValidationError, code: str, pointer: str) -> Fault:
    message, _, path = str(error).partition(" - at ")
    pointer += "".join("/" + (name or index) for name, index in _PATH.findall(path))
    if message.startswith("Invalid enum value") and (choices := _CHOICES.get(pointer.rpartition("/")[2])):
        return Fault(pointer, code, f"is not one of {', '.join(choices)}")
    return Fault(pointer, code, message[0].lower() + message[1:])
