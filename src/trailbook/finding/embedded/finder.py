"""The embedded finder: bound queries become plans in the numbers of the index, asked of one snapshot of it.

Owns the seven verbs over numpy pieces, and the answers it gave lately. Refuses to follow the log: `projection.py` does.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Any, TypeVar, cast

import numpy as np
from msgspec import structs

from trailbook.finding.bound import BoundQuery, BoundTerm, key_of
from trailbook.finding.embedded.projection import Projection, Snapshot
from trailbook.finding.embedded.segments import DEFAULT_SIZES, Parts, Sizes
from trailbook.finding.finder import Bars, FinderMeans, OpenedFinder, OpenFinder
from trailbook.finding.memo import Erasures, Memo
from trailbook.finding.paging import CutPage, NextSeqs, cut_page
from trailbook.index import (
    CODED,
    Clause,
    Codes,
    Hours,
    Ints,
    Mask,
    Place,
    Places,
    Plan,
    Word,
    bars,
    by_cause,
    by_number,
    by_seq,
    count,
    newest,
    oldest,
    present,
    stacked,
    within,
)
from trailbook.query import FACETS, FIELDS, Cursor, HoursRule, Order, offsets_between, week_spans
from trailbook.record import sixty_bits
from trailbook.stores import Head

T = TypeVar("T")
_MOST_ANSWERS = 256
# By the name of a field, and by that under which its values are counted.
_COLUMNS = {
    **{name: field.column for name, field in FIELDS.items()},
    **{name: field.types or field.column for name, field in FACETS.items()},
}
_IDS = ("cause", "correlation")


class EmbeddedFinder:
    """The index in this process, asked; every question has a snapshot of its own, and none holds a lock."""

    def __init__(self, projection: Projection, erasures: Erasures) -> None:
        self.index = projection
        # What was asked of one log's first entries never changes, but by a removal.
        self._answers: Memo[Hashable, Any] = Memo(_MOST_ANSWERS, erasures)

    @property
    def reached(self) -> int:
        """How many entries the index has."""
        return self.index.size

    def catch_up(self) -> Head:
        """Read what was recorded since. Raises: DamagedError, StoreError."""
        return self.index.catch_up()

    def page(self, query: BoundQuery, *, order: Order, limit: int, at: Cursor | None) -> CutPage:
        """One page. Raises: FilterInvalidError."""
        return self._ask(query, lambda now, plan: cut_page(_hits(now, plan), order=order, limit=limit, at=at))

    def count(self, query: BoundQuery) -> int:
        """How many match."""
        return self._remembered(("count", key_of(query)), query, lambda now, plan: count(now.pieces, plan))

    def seqs(self, query: BoundQuery, *, order: Order, limit: int, at: Place | None = None) -> NextSeqs:
        """The next seqs in an order."""
        return self._ask(query, lambda now, plan: _next(now, plan, order=order, limit=limit, at=at))

    def values(self, query: BoundQuery, field: str) -> dict[Any, int]:
        """How many have each value."""
        if field == "cause":
            return self._led_to(query)
        column = _COLUMNS.get(field, field)
        return self._remembered(
            ("values", key_of(query), column), query, lambda now, plan: _values(now, plan, column)
        )

    def bars(self, query: BoundQuery, edges: Sequence[int], *, by_category: bool = False) -> Bars:
        """How many lie between each two edges."""
        array, between = np.asarray(edges, np.int64), _stacked if by_category else _bars
        return self._ask(query, lambda now, plan: between(now, plan, array))

    def present(self, query: BoundQuery, field: str, among: Sequence[int] = ()) -> set[Any]:
        """What the log has of a field."""
        if field in CODED:
            return set(self.index.words(field))
        if field == "ended":
            return self.index.ended(among, query)
        numbers = np.asarray(among, np.int64)
        some = self._ask(query, lambda now, plan: present(now.pieces, field, numbers)) if len(among) else ()
        return set(compress(among, some))

    def _led_to(self, query: BoundQuery) -> dict[str, int]:
        ids = [id_ for term in query.terms if term.field == "cause" for id_ in term.values]
        causes = {id_: sixty_bits(id_) for id_ in ids}
        rest = structs.replace(query, terms=tuple(term for term in query.terms if term.field != "cause"))
        counts = self._ask(rest, lambda now, plan: by_cause(now.pieces, plan, list(causes.values())))
        return {id_: counts[cause] for id_, cause in causes.items()}

    def _remembered(self, key: Hashable, query: BoundQuery, question: Callable[[Snapshot, Plan], T]) -> T:
        return cast(T, self._answers.value(key, lambda: self._ask(query, question)))

    def _ask(self, query: BoundQuery, question: Callable[[Snapshot, Plan], T]) -> T:
        return self.index.ask(lambda now: question(now, plan_of(query, now.codes)))


def open_embedded(*, parts: Parts | None = None, sizes: Sizes = DEFAULT_SIZES) -> OpenFinder:
    """How the embedded engine of a log is opened; `parts` may be shared with those of other logs."""

    def opened(means: FinderMeans) -> OpenedFinder:
        projection = Projection(means, parts=parts, sizes=sizes)
        return OpenedFinder(EmbeddedFinder(projection, means.erasures), projection)

    return opened


def plan_of(query: BoundQuery, codes: Mapping[str, Codes]) -> Plan:
    """A bound query in the numbers of an index; what is hidden and not there needs no clause."""
    hidden = codes["category"].known(query.hidden)
    clauses = [_clause(term, codes) for term in query.terms]
    return Plan(
        since=query.since,
        until=query.until,
        clauses=(*clauses, *([Clause("category", hidden, negated=True)] if hidden else [])),
        text=tuple(Word(word.items, codes["action"].known(word.actions)) for word in query.text),
        own=query.own,
        hours=None if query.hours is None else _hours(query.hours),
        as_of=query.as_of,
    )


def _hours(rule: HoursRule) -> Callable[[Ints], Mask]:
    return partial(within, hours=Hours(week_spans(rule), partial(offsets_between, rule.tz)))


def _clause(term: BoundTerm, codes: Mapping[str, Codes]) -> Clause:
    column = _COLUMNS.get(term.field, term.field)
    if column in CODED:
        return Clause(column, codes[column].known(term.values), term.negated)
    if column in _IDS:
        return Clause(column, tuple(sixty_bits(id_) for id_ in term.values), term.negated)
    return Clause(column, term.items, term.negated, codes["type"].known(term.types))


def _hits(now: Snapshot, plan: Plan) -> Callable[[Order, int, Place | None], Sequence[Place]]:
    def hits(order: Order, limit: int, at: Place | None) -> Sequence[Place]:
        if order == "seq":
            return [Place(0, seq) for seq in by_seq(now.pieces, plan, limit, -1 if at is None else at.seq)]
        places = _places(now, plan, order=order, limit=limit, at=at)
        return list(map(Place, places.at.tolist(), places.seq.tolist()))

    return hits


def _places(now: Snapshot, plan: Plan, *, order: Order, limit: int, at: Place | None) -> Places:
    return (newest if order == "desc" else oldest)(now.pieces, plan, limit, at)


def _next(now: Snapshot, plan: Plan, *, order: Order, limit: int, at: Place | None) -> NextSeqs:
    if order == "seq":
        seqs = by_seq(now.pieces, plan, limit, -1 if at is None else at.seq)
        return NextSeqs(seqs, Place(0, seqs[-1]) if seqs else None)
    places = _places(now, plan, order=order, limit=limit, at=at)
    return NextSeqs(places.seq.tolist(), places.place(-1) if len(places) else None)


def _values(now: Snapshot, plan: Plan, column: str) -> dict[Any, int]:
    numbers = by_number(now.pieces, plan, column)
    if column not in CODED:
        return numbers
    words = now.codes[column].words
    return {words[code]: counted for code, counted in numbers.items()}


def _bars(now: Snapshot, plan: Plan, edges: Ints) -> Bars:
    return Bars(tuple(bars(now.pieces, plan, edges).tolist()))


def _stacked(now: Snapshot, plan: Plan, edges: Ints) -> Bars:
    categories = now.codes["category"].words
    table = stacked(now.pieces, plan, edges, len(categories))
    parts = [{name: n for name, n in zip(categories, row, strict=True) if n} for row in table.tolist()]
    return Bars(tuple(table.sum(axis=1).tolist()), tuple(parts))
