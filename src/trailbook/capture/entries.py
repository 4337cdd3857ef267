"""From a changed row to the wire form of its entry: the only place where a row of the host is read.

Owns that an entry is made of declared ids, names and hints, and of the names of changed fields. Refuses to look at any
other attribute: no value of the host is in what it returns.
"""

import os
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
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from trailbook.capture.actor import Acting
from trailbook.capture.declarations import ChangeKind, Part, Ref, Tracked, kind_of
from trailbook.catalogue import TYPED_PARTS
from trailbook.errors import UncapturedWriteError
from trailbook.model import Item, instant, microseconds, written

_ITEM = msgspec.json.Encoder()
_SECOND = 1_000_000  # microseconds
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # of a UUID
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


class Form(Struct, frozen=True):
    """What all entries of one kind of change have in their JSON, around the time and who acts."""

    action: str
    before: str
    after: str


class EntryItems(Struct, frozen=True, gc=False):
    """The items of an entry: its target, and what it concerns, by part."""

    target: Item
    concerns: tuple[tuple[str, Item], ...] = ()

    def by_part(self) -> dict[str, list[Item]]:
        """What it concerns, as somebody who means an entry says it."""
        return {part: [item for name, item in self.concerns if name == part] for part in dict(self.concerns)}


def items_of(tracked: Tracked, row: Any) -> EntryItems:
    """Which item a row is and whom it is about. Raises: UncapturedWriteError naming what cannot be read."""
    read = _Reader(tracked.table, row)
    id_ = read.id("id", tracked.id)
    if id_ is None:
        raise UncapturedWriteError(f"{tracked.table}: a row without an id cannot be captured")
    name = None if tracked.name is None else read.name("name", tracked.name)
    hint = None if tracked.hint is None else read.hint("hint", tracked.hint)
    target = Item(type=tracked.type, id=id_, name=name, hint=hint)
    if not tracked.concerns:
        return EntryItems(target)
    concerned = ((part, item) for part, ref in tracked.concerns.items() for item in read.concerned(part, ref))
    return EntryItems(target, tuple(concerned))


def captured_texts(
    moment: Moment, action: str, rows: Sequence[EntryItems], *, fields: Sequence[str] = ()
) -> list[str]:
    """The entries of captured rows as JSON, in the form that the API takes, each under a new id."""
    form, at = _form(action, tuple(fields)), microseconds(moment.at)
    shared = f'{form.before}{_second(at // _SECOND)}{at % _SECOND:06}Z",{moment.acting.members}{form.after}'
    return [
        f'{{"id":"{id_}","target":{_ITEM.encode(row.target).decode()}'
        f"{_listed(row.concerns) if row.concerns else ''},{shared}"
        for id_, row in zip(_ids(at, len(rows)), rows, strict=True)
    ]


def captured_text(at: int, acting: Acting, form: Form, *, items: EntryItems) -> str:
    """The entry of one row, at an instant in microseconds: as `captured_texts`, but in one go, for most are alone."""
    chance, time = os.urandom(10).hex(), f"{at // 1000:012x}"
    return (
        f'{{"id":"{time[:8]}-{time[8:]}-7{chance[:3]}-{_VARIANT[chance[3]]}{chance[4:7]}-{chance[7:19]}",'
        f'"target":{_ITEM.encode(items.target).decode()}{_listed(items.concerns) if items.concerns else ""},'
        f'{form.before}{_second(at // _SECOND)}{at % _SECOND:06}Z",{acting.members}{form.after}'
    )


def new_ids(at: datetime, count: int) -> Iterator[str]:
    """Version 7 UUIDs of an instant, as text. Source: RFC 9562 section 5.7."""
    return _ids(microseconds(at), count)


def _ids(at: int, count: int) -> Iterator[str]:
    head = f"{at // 1000:012x}"
    head = f"{head[:8]}-{head[8:]}-7"
    chance = os.urandom(10 * count).hex()
    for start in range(0, 20 * count, 20):
        variant = _VARIANT[chance[start + 3]]
        yield (
            f"{head}{chance[start : start + 3]}-{variant}{chance[start + 4 : start + 7]}"
            f"-{chance[start + 7 : start + 19]}"
        )


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


@lru_cache(maxsize=1024)
def form_of(kind: ChangeKind) -> Form | None:
    """The form of the entries of a kind of change, or None where it is none that is recorded."""
    action = kind.tracked.actions[kind.op]
    return None if action is None else _form(action, fields_of(kind.tracked, kind.changed))


@lru_cache(maxsize=1024)
def fields_of(tracked: Tracked, changed: tuple[str, ...]) -> tuple[str, ...]:
    """The fields that an entry names, of the attributes that changed."""
    return tuple(sorted({tracked.fields[name] for name in changed if name in tracked.fields}))


@lru_cache(maxsize=1024)
def _form(action: str, fields: tuple[str, ...]) -> Form:
    before = f'"action":{_ITEM.encode(action).decode()},"occurred_at":"'
    return Form(action, before, f',"fields":{_ITEM.encode(sorted(fields)).decode()}}}' if fields else "}")


@lru_cache(maxsize=16)
def _second(at: int) -> str:
    """The written form of a second since 1970, up to its point: entries come many in one second."""
    return written(instant(at * _SECOND))[: -len("000000Z")]


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
            try:
                value = ref(self.row)
            except Exception as error:  # noqa: BLE001  # whatever a host's callable raises
                raise self._unreadable(member, error) from None
            return self._items(part, value)
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
        try:
            value = getattr(self.row, part) if isinstance(part, str) else part(self.row)
        except Exception as error:  # noqa: BLE001  # whatever a host's callable raises
            raise self._unreadable(member, error) from None
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

    def _unreadable(self, member: str, error: Exception) -> UncapturedWriteError:
        # It may quote a value, so that only its kind is passed on.
        why = f"{self.table}: {member}: could not be read from the row ({type(error).__name__})"
        return UncapturedWriteError(why)

    def _wrong(self, member: str, value: Any, due: str, within: str = "") -> UncapturedWriteError:
        if isinstance(value, Coroutine):
            value.close()
        why = f"its callable returned {within}{kind_of(value)}, where {due} is due"
        return UncapturedWriteError(f"{self.table}: {member}: {why}")
