"""Folding: what a host said of a change, and the capture of the same change, become one entry.

Owns the rule: in one transaction a captured row folds into what was meant about the same item, when that is about at
least the same people and is the same action, or one that cannot be mistaken for another kind of change; or into what
was said to cover the item. Refuses to fold across transactions, and to lose the name of a changed field.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from trailbook.capture.outbox import MEANT, OutboxRow

Verb = Callable[[str, str], str]
Unfolded = tuple[OutboxRow, int, str | None]  # a row, the place in it, and the entry, or None where it folded
# By verb class of what is meant: a new role is not told by "gave Bob the role", nor a deleted one by "changed it".
_NOT_INTO = {
    "created": ("updated", "deleted", "gave", "took"),
    "updated": ("gave", "took"),
    "deleted": ("created", "updated", "gave", "took"),
}
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class _Meant(msgspec.Struct):
    """An entry that was meant: whom it is about, and the fields of the rows that folded into it."""

    entry: dict[str, Any]
    about: frozenset[tuple[str, str, str]]
    covers: frozenset[str]
    more: set[str]


def folded(rows: Sequence[OutboxRow], verb: Verb) -> Iterator[Unfolded]:
    """Every entry of these rows, as it is to be recorded; rows of one transaction have to be here together."""
    said: dict[tuple[str, str | None], list[_Meant]] = {}
    places: dict[int, _Meant] = {}
    for row in rows:
        if row.op == MEANT and row.tx is not None and (entry := _entry(row.entry)) is not None:
            covers = frozenset((row.covers or "").split("\n")) - {""}
            found = _Meant(entry, _about(entry), covers, set())
            said.setdefault((row.org, row.tx), []).append(found)
            places[row.position] = found
    told = [(row, part, _told(row, text, said, verb)) for row in rows for part, text in _parts(row)]
    for row, part, text in told:
        yield row, part, _with_fields(text, places.get(row.position))


def _parts(row: OutboxRow) -> Iterator[tuple[int, str]]:
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


def _told(
    row: OutboxRow, text: str, said: dict[tuple[str, str | None], list[_Meant]], verb: Verb
) -> str | None:
    if row.op == MEANT or row.tx is None or (row.org, row.tx) not in said:
        return text
    entry = _entry(text)
    if entry is None:
        return text
    fit = [meant for meant in said[row.org, row.tx] if _fits(row, entry, meant, verb)]
    if not fit:
        return text
    best = next((meant for meant in fit if _is(meant, entry)), fit[0])
    if _key(best.entry) == _key(entry):  # another type's fields are not this one's
        best.more.update(entry.get("fields", ()))
    return None


def _fits(row: OutboxRow, entry: dict[str, Any], meant: _Meant, verb: Verb) -> bool:
    if _key(entry) in meant.covers:
        return True
    if _key(meant.entry) != _key(entry) or not _about(entry) <= meant.about:
        return False
    return _is(meant, entry) or verb(row.org, str(meant.entry.get("action"))) not in _NOT_INTO[row.op]


def _is(meant: _Meant, entry: dict[str, Any]) -> bool:
    return bool(meant.entry.get("action") == entry.get("action"))


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


def _key(entry: dict[str, Any]) -> str:
    target = entry.get("target")
    return f"{target.get('type')}/{target.get('id')}" if isinstance(target, dict) else ""
