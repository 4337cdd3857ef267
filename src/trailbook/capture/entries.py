"""From a changed row to the wire form of its entry: the only place where a row of the host is read.

Owns that an entry is made of declared ids, names and hints, and of the names of changed fields. Refuses to look at any
other attribute: no value of the host is in what it returns.
"""

import secrets
from collections.abc import (
    Awaitable,
    Callable,
    Container,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Set,
)
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from trailbook.capture.actor import Acting
from trailbook.capture.declarations import Part, Ref, Tracked, kind_of
from trailbook.catalogue import TYPED_PARTS
from trailbook.errors import UncapturedWriteError
from trailbook.model import Item, microseconds, written

_ITEM = msgspec.json.Encoder()
_NO_TEXT = (Mapping, Set, list, tuple, bytes, Struct, Awaitable)  # what a callable may return by mistake


class CapturedRow:
    """A row as a statement gives it, with the attributes of the declaration; a callable reads it like an object."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"the statement's rows have no {name!r}") from None


class Moment(Struct, frozen=True, kw_only=True):
    """Who acts and when: what all entries of one statement or flush share."""

    acting: Acting
    at: datetime


class Captured(Struct, frozen=True):
    """Entries of one organisation and one kind of change, each as JSON text."""

    org: str
    op: str
    texts: Sequence[str]
    action: str
    covers: str | None = None


class EntryItems(Struct, frozen=True, gc=False):
    """The items of an entry: its target, and what it concerns, by part."""

    target: Item
    concerns: tuple[tuple[str, Item], ...] = ()


def items_of(tracked: Tracked, row: Any) -> EntryItems:
    """Which item a row is and whom it is about. Raises: UncapturedWriteError naming what cannot be read."""
    read = _Reader(tracked.table, row)
    id_ = read.id("id", tracked.id)
    if id_ is None:
        raise UncapturedWriteError(f"{tracked.table}: a row without an id cannot be captured")
    called = {"name": read.name("name", tracked.name), "hint": read.hint("hint", tracked.hint)}
    concerned = ((part, item) for part, ref in tracked.concerns.items() for item in read.concerned(part, ref))
    return EntryItems(Item(type=tracked.type, id=id_, **called), tuple(concerned))


def captured_texts(
    moment: Moment, action: str, rows: Sequence[EntryItems], *, fields: Sequence[str] = ()
) -> list[str]:
    """The entries of captured rows as JSON, in the form that the API takes, each under a new id."""
    shared = _shared(moment, action, fields)
    return [
        f'{{"id":"{id_}","target":{_encoded(row.target)}{_listed(row.concerns)},{shared}'
        for id_, row in zip(new_ids(moment.at, len(rows)), rows, strict=True)
    ]


def new_ids(at: datetime, count: int) -> Iterator[str]:
    """Version 7 UUIDs of an instant, as text. Source: RFC 9562 section 5.7."""
    head = f"{microseconds(at) // 1000:012x}"
    head = f"{head[:8]}-{head[8:]}-7"
    chance = secrets.token_hex(10 * count)
    for start in range(0, 20 * count, 20):
        part = chance[start : start + 19]
        yield f"{head}{part[:3]}-{'89ab'[int(part[3], 16) & 3]}{part[4:7]}-{part[7:]}"


def meant_text(moment: Moment, action: str, items: EntryItems, **members: Any) -> str:
    """One entry that somebody meant, as JSON; `members` are its others, absent ones as None."""
    id_ = members.get("id") or next(new_ids(moment.at, 1))
    own = {
        name: value for name, value in members.items() if name not in ("id", "fields") and value is not None
    }
    if own.get("outcome") == "success":
        del own["outcome"]
    text = "".join(f'"{name}":{_ITEM.encode(value).decode()},' for name, value in own.items())
    shared = _shared(moment, action, members.get("fields", ()), without=own)
    return f'{{"id":"{id_}","target":{_encoded(items.target)}{_listed(items.concerns)},{text}{shared}'


def _shared(moment: Moment, action: str, fields: Sequence[str], *, without: Container[str] = ()) -> str:
    acting = moment.acting
    members: dict[str, Any] = {
        "action": action,
        "occurred_at": written(moment.at),
        "actor": acting.actor,
        "origin": acting.origin,
    }
    for name in ("on_behalf_of", "purpose", "correlation", "caused_by"):
        if name not in without and (value := getattr(acting, name)) is not None:
            members[name] = value
    if fields:
        members["fields"] = sorted(fields)
    return _ITEM.encode(members)[1:].decode()


def _listed(concerns: Sequence[tuple[str, Item]]) -> str:
    if not concerns:
        return ""
    return ',"concerns":[' + ",".join(_encoded(item, part) for part, item in concerns) + "]"


def _encoded(item: Item, part: str | None = None) -> str:
    text = _ITEM.encode(item).decode()
    return text if part is None else f'{{"part":"{part}",{text[1:]}'


class _Reader(Struct, frozen=True, gc=False):
    """Reads the parts of a row that its declaration names. What is wrong with one is told without its value."""

    table: str
    row: Any

    def concerned(self, part: str, ref: Ref | Callable[[Any], Any]) -> Iterable[Item]:
        """The items that a row is about in one part."""
        member = f"concerns.{part}"
        if not isinstance(ref, Ref):
            return self._items(part, self._value(member, ref))
        id_ = self.id(f"{member}.id", ref.id)
        if id_ is None:
            return ()
        called = {
            "name": self.name(f"{member}.name", ref.name),
            "hint": self.hint(f"{member}.hint", ref.hint),
        }
        return (Item(type=ref.type, id=id_, **called),)

    def id(self, member: str, part: Part) -> str | None:
        """An id as text, or None."""
        id_ = self._text(member, part)
        return None if id_ is UNSET else id_

    def name(self, member: str, part: Part | None) -> str | None:
        """A name, or None where the row says none."""
        name = None if part is None else self._text(member, part)
        return None if name is UNSET else name

    def hint(self, member: str, part: Part | None) -> str | None:
        """What tells namesakes apart; empty where the row says nothing today, for it may have before."""
        hint = UNSET if part is None else self._text(member, part)
        return None if hint is UNSET else hint or ""

    def _text(self, member: str, part: Part) -> Any:
        value = self._value(member, part)
        if value is None or value is UNSET or isinstance(value, str):
            return value
        if not isinstance(part, str) and (isinstance(value, _NO_TEXT) or callable(value)):
            raise self._wrong(member, value, "a text, a number or None")
        return str(value)

    def _items(self, part: str, value: Any) -> Sequence[Item]:
        member = f"concerns.{part}"
        items = [value] if isinstance(value, Item) else [] if value is None else value
        if isinstance(items, str | Mapping) or not isinstance(items, Iterable):
            raise self._wrong(member, value, "an Item, a list of Items or None")
        listed, types = list(items), TYPED_PARTS.get(part)
        for item in listed:
            if not isinstance(item, Item):
                raise self._wrong(member, item, "an Item", "a list with ")
            if types and item.type not in types:
                why = f"its callable returned an item of the type {item.type}, where {' or '.join(types)} is due"
                raise UncapturedWriteError(f"{self.table}: {member}: {why}")
        return listed

    def _value(self, member: str, part: Part) -> Any:
        try:
            return getattr(self.row, part) if isinstance(part, str) else part(self.row)
        except Exception as error:  # noqa: BLE001  # whatever a host's callable raises
            # It may quote a value, so that only its kind is passed on.
            why = f"{self.table}: {member}: could not be read from the row ({type(error).__name__})"
            raise UncapturedWriteError(why) from None

    def _wrong(self, member: str, value: Any, due: str, within: str = "") -> UncapturedWriteError:
        if isinstance(value, Coroutine):
            value.close()
        why = f"its callable returned {within}{kind_of(value)}, where {due} is due"
        return UncapturedWriteError(f"{self.table}: {member}: {why}")
