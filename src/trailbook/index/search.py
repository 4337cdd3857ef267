"""Search over columns: a plan of numbers in, positions out, exact and in order.

Owns the meaning of a plan: terms of one field are OR-ed, fields AND-ed, negated ones subtract. Refuses names:
whoever asks has turned them into item numbers and codes.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from trailbook.index.columns import Columns, Ints, Mask, is_one_of


class Clause(Struct, frozen=True):
    """One field's terms: `numbers` are item numbers, or codes where `field` is coded; `types` are target types."""

    field: str
    numbers: tuple[int, ...]
    negated: bool = False
    types: tuple[int, ...] = ()


class Word(Struct, frozen=True):
    """One word of text: the items whose names have it and the codes of the actions whose label has it."""

    items: tuple[int, ...]
    actions: tuple[int, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """A query in numbers; `since` and `until` are half-open microseconds, `as_of` a log size."""

    since: int | None = None
    until: int | None = None
    clauses: tuple[Clause, ...] = ()
    text: tuple[Word, ...] = ()
    own: bool | None = None
    as_of: int


class Place(Struct, frozen=True):
    """A place in the order: (occurred_at, seq)."""

    at: int
    seq: int


def select(columns: Columns, plan: Plan) -> Ints:
    """Positions of the entries that match, in the order of (occurred_at, seq), oldest first."""
    order = columns.order()
    at = columns.column("at")
    low = 0 if plan.since is None else int(np.searchsorted(at[order], plan.since, "left"))
    high = len(order) if plan.until is None else int(np.searchsorted(at[order], plan.until, "left"))
    within = order[low:high]
    return within[keep(columns, plan)[within]]


def keep(columns: Columns, plan: Plan) -> Mask:
    """Which positions match everything but the dates."""
    found: Mask = columns.column("seq") < plan.as_of
    for clause in plan.clauses:
        hit = _hits(columns, clause)
        found &= ~hit if clause.negated else hit
    for word in plan.text:
        found &= _cites(columns, word.items) | is_one_of(columns.column("action"), word.actions)
    if plan.own is not None:
        found &= columns.column("own") == int(plan.own)
    return found


def before(columns: Columns, selected: Ints, place: Place) -> int:
    """How many of the selected positions come before a place."""
    at = columns.column("at")[selected]
    low, high = np.searchsorted(at, place.at, "left"), np.searchsorted(at, place.at, "right")
    seqs = columns.column("seq")[selected[low:high]]
    return int(low + np.searchsorted(seqs, place.seq, "left"))


def newest_citing(columns: Columns, item: int) -> int | None:
    """The `seq` of the newest entry, by (occurred_at, seq), that cites an item in any part."""
    positions = np.flatnonzero(_cites(columns, (item,)) | (columns.column("source") == item))
    if not len(positions):
        return None
    at = columns.column("at")[positions]
    return int(columns.column("seq")[positions[np.flatnonzero(at == at.max())[-1]]])


def _cites(columns: Columns, items: Sequence[int]) -> Mask:
    found = columns.concerning(items)
    for name in ("actor", "target", "behalf"):
        found |= is_one_of(columns.column(name), items)
    return found


def _hits(columns: Columns, clause: Clause) -> Mask:
    if clause.field == "concerns":
        return columns.concerning(clause.numbers) | is_one_of(columns.column("target"), clause.numbers)
    if clause.field == "by_or_about":
        about = _hits(columns, Clause("concerns", clause.numbers))
        return about | is_one_of(columns.column("actor"), clause.numbers)
    hit = is_one_of(columns.column(_COLUMN.get(clause.field, clause.field)), clause.numbers)
    return hit | is_one_of(columns.column("type"), clause.types) if clause.types else hit


_COLUMN = {"actor_kind": "kind", "origin": "interface"}
