"""Folding: what a host said of a change, and the capture of the same change, become one entry.

Owns the rule: in one transaction, a captured row folds into what was meant about the same item, when the meant entry
is about at least the same people, and cannot be mistaken for another kind of change. Refuses to fold across
transactions, and to lose a name of a field: those of the row are added to those that were meant.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from trailbook.capture.outbox import MEANT, Kept

Verb = Callable[[str, str], str]
Unfolded = tuple[Kept, int, str | None]  # a row, the place in it, and the entry, or None where it folded
# A deletion is not told by a sentence about something given or changed, nor a new row by one about a change.
_NOT_INTO = {"created": ("updated", "deleted"), "deleted": ("created", "updated", "gave")}
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class _Meant(msgspec.Struct):
    """An entry that was meant: whom it is about, and the fields of the rows that folded into it."""

    entry: dict[str, Any]
    about: frozenset[tuple[str, str, str]]
    more: set[str]


def folded(rows: Sequence[Kept], verb: Verb) -> Iterator[Unfolded]:
    """Every entry of these rows, as it is to be recorded; rows of one transaction have to be here together."""
    said: dict[tuple[str, str | None], list[_Meant]] = {}
    places: dict[int, _Meant] = {}
    for row in rows:
        if row.op == MEANT and row.tx is not None and (entry := _entry(row.entry)) is not None:
            found = _Meant(entry, _about(entry), set())
            said.setdefault((row.org, row.tx), []).append(found)
            places[row.position] = found
    told = [(row, part, _told(row, text, said, verb)) for row in rows for part, text in _parts(row)]
    for row, part, text in told:
        yield row, part, _with_fields(text, places.get(row.position))


def _parts(row: Kept) -> Iterator[tuple[int, str]]:
    if not row.entry.startswith("["):
        yield 0, row.entry
        return
    try:
        raws = _LIST.decode(row.entry)
    except msgspec.DecodeError:
        yield 0, row.entry
        return
    for part, raw in enumerate(raws):
        yield part, bytes(raw).decode()


def _told(row: Kept, text: str, said: dict[tuple[str, str | None], list[_Meant]], verb: Verb) -> str | None:
    if row.op == MEANT or row.tx is None or (row.org, row.tx) not in said:
        return text
    entry = _entry(text)
    if entry is None:
        return text
    about = _about(entry)
    fit = [
        meant
        for meant in said[row.org, row.tx]
        if _key(meant.entry.get("target")) == _key(entry.get("target"))
        and about <= meant.about
        and verb(row.org, str(meant.entry.get("action"))) not in _NOT_INTO.get(row.op, ())
    ]
    if not fit:
        return text
    same = [meant for meant in fit if meant.entry.get("action") == entry.get("action")]
    (same or fit)[0].more.update(entry.get("fields", ()))
    return None


def _with_fields(text: str | None, meant: _Meant | None) -> str | None:
    if text is None or meant is None or meant.more <= set(meant.entry.get("fields", ())):
        return text
    fields = sorted(meant.more | set(meant.entry.get("fields", ())))
    return msgspec.json.encode({**meant.entry, "fields": fields}).decode()


def _entry(text: str) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None


def _about(entry: dict[str, Any]) -> frozenset[tuple[str, str, str]]:
    concerns = entry.get("concerns", ())
    return frozenset((str(c.get("part")), str(c.get("type")), str(c.get("id"))) for c in concerns)


def _key(item: Any) -> tuple[Any, Any] | None:
    return (item.get("type"), item.get("id")) if isinstance(item, dict) else None
