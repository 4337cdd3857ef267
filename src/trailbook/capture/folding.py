"""Folding: what a host said of a change, and the capture of the same change, become one entry.

Owns the rule: in one transaction a captured row folds into what was meant about the same item, when that is about at
least the same people and is the same action, or one that cannot be mistaken for another kind of change; or into what
was said to cover the item. A deletion folds into what says of the item that it ends, and into nothing else about it.
Refuses to fold across transactions, and to lose the name of a changed field.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from trailbook.capture.outbox import MEANT, OutboxRow

Verb = Callable[[str, str], str]  # the verb class of an organisation's action
# By verb class of what is meant: a new role is not told by "gave Bob the role", nor a deleted one by "changed it".
_NOT_INTO = {
    "created": ("updated", "deleted", "gave", "took"),
    "updated": ("gave", "took"),
}
_ENDS = "deleted"  # the one verb class of which a deletion is told
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class OutboxEntry(Struct, frozen=True, gc=False):
    """One entry of an outbox row: the row, its place in it, and its text; `folds`: another one tells it."""

    position: int
    part: int
    org: str
    op: str
    text: str
    folds: bool = False


class _Meant(Struct):
    """An entry that was meant: whom it is about, and the fields of the rows that folded into it."""

    entry: dict[str, Any]
    about: frozenset[tuple[str, str, str]]
    covers: frozenset[str]
    more: set[str]


def folded(rows: Sequence[OutboxRow], verb: Verb) -> Iterator[OutboxEntry]:
    """Every entry of these rows, as it is to be recorded; rows of one transaction have to be here together."""
    meant: dict[tuple[str, str | None], list[_Meant]] = {}
    positions: dict[int, _Meant] = {}
    for row in rows:
        if row.op == MEANT and row.tx is not None and (entry := _entry(row.entry)) is not None:
            covers = frozenset((row.covers or "").split("\n")) - {""}
            positions[row.position] = _Meant(entry, _about(entry), covers, set())
            meant.setdefault((row.org, row.tx), []).append(positions[row.position])
    entries = [
        OutboxEntry(row.position, part, row.org, row.op, text, _fold(row, text, meant, verb=verb))
        for row in rows
        for part, text in _parts(row)
    ]
    for each in entries:
        own = positions.get(each.position)
        yield each if own is None else structs.replace(each, text=_with_fields(each.text, own))


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


def _fold(
    row: OutboxRow, text: str, meant: dict[tuple[str, str | None], list[_Meant]], *, verb: Verb
) -> bool:
    """Fold an entry into what was meant in its transaction, where it fits; whether it did."""
    if row.op == MEANT or row.tx is None or (row.org, row.tx) not in meant:
        return False
    entry = _entry(text)
    if entry is None:
        return False
    fit = [each for each in meant[row.org, row.tx] if _fits(row, entry, each, verb=verb)]
    if not fit:
        return False
    best = next((each for each in fit if _is(each, entry)), fit[0])
    if _key(best.entry) == _key(entry):  # another type's fields are not this one's
        best.more.update(entry.get("fields", ()))
    return True


def _fits(row: OutboxRow, entry: dict[str, Any], meant: _Meant, *, verb: Verb) -> bool:
    own, covered = _key(meant.entry) == _key(entry), _key(entry) in meant.covers
    if covered and not (own and row.op == "deleted"):
        return True
    if not own or not (covered or _about(entry) <= meant.about):
        return False
    return _is(meant, entry) or _tells(row.op, verb(row.org, str(meant.entry.get("action"))))


def _tells(op: str, verb: str) -> bool:
    """Whether an action of a verb class tells such a change of its own item."""
    return verb == _ENDS if op == "deleted" else verb not in _NOT_INTO[op]


def _is(meant: _Meant, entry: dict[str, Any]) -> bool:
    return bool(meant.entry.get("action") == entry.get("action"))


def _with_fields(text: str, meant: _Meant) -> str:
    """The text of what was meant, with the fields of what folded into it."""
    if meant.more <= set(meant.entry.get("fields", ())):
        return text
    fields = sorted(meant.more | set(meant.entry.get("fields", ())))
    return msgspec.json.encode({**meant.entry, "fields": fields}).decode()


def _entry(text: str) -> dict[str, Any] | None:
    try:
        entry = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return entry if isinstance(entry, dict) else None


def _about(entry: dict[str, Any]) -> frozenset[tuple[str, str, str]]:
    concerns = entry.get("concerns", ())
    return frozenset((str(c.get("part")), str(c.get("type")), str(c.get("id"))) for c in concerns)


def _key(entry: dict[str, Any]) -> str:
    target = entry.get("target")
    return f"{target.get('type')}/{target.get('id')}" if isinstance(target, dict) else ""
