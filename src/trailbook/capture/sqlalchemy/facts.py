"""Facts: what became of the rows that a statement touched.

Owns the rule that a changed item is two facts, the old one's end and the new one's beginning. Refuses to read anything
but rows that the plan of the statement has read already.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Column

from trailbook.capture.declarations import Op
from trailbook.capture.entries import CapturedRow
from trailbook.capture.sqlalchemy.rows import Plan
from trailbook.capture.sqlalchemy.tables import TrackedTable

Values = Mapping[Column[Any], Any]


class Fact(Struct, frozen=True):
    """What became of some rows."""

    op: Op
    rows: list[Values]


def facts(plan: Plan, rows: list[Values]) -> Iterator[Fact]:
    """What became of the rows of a planned statement: of a changed item, the old one's end and the new one's begin."""
    if not plan.moves:
        yield Fact(plan.op, rows)
        return
    primary = list(plan.place.table.primary_key)
    rekeyed = not {column.name for column in primary}.isdisjoint(_names_of(plan))
    became: dict[Op, list[Values]] = {"deleted": [], "created": [], "updated": []}
    left: dict[Any, list[Values]] = defaultdict(list)
    for row in plan.before:
        left[_item(plan.place, row) if rekeyed else tuple(row[c] for c in primary)].append(row)
    for row in rows:
        item = _item(plan.place, row)
        same = left[item if rekeyed else tuple(row[c] for c in primary)]
        old = same.pop() if same else None
        if old is not None and _item(plan.place, old) == item:
            became["updated"].append(row)
        else:
            became["created"].append(row)
            became["deleted"] += [old] if old is not None else []
    became["deleted"] += [row for some in left.values() for row in some]
    yield from (Fact(op, some) for op, some in became.items())


def _names_of(plan: Plan) -> Iterator[str]:
    yield from (plan.place.attributes[name].name for name in plan.changed)


def _item(place: TrackedTable, row: Values) -> tuple[Any, ...]:
    """Which item a row is, as its declaration says."""
    named = {name: row[column] for name, column in place.attributes.items() if column in row}
    tracked = place.tracked(row)
    if tracked is None:
        return ()
    if callable(tracked.id):
        return (tracked.type, tracked.id(CapturedRow(named)))
    return (tracked.type, *(named[name] for name in tracked.identity))
