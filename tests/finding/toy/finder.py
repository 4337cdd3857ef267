"""A second engine of finding, as plain as can be: every question reads every entry.

Owns that the protocol is enough to write one against. Refuses to be quick.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from trailbook.finding import (
    Bars,
    BoundQuery,
    BoundTerm,
    CutPage,
    FinderMeans,
    NextSeqs,
    OpenedFinder,
    cut_page,
)
from trailbook.index import Place
from trailbook.model import instant
from trailbook.query import Cursor, Order
from trailbook.query.hours import has_hours
from trailbook.record import body_row, decode_body
from trailbook.stores import Head, StoredEntry

_CITED = ("actor", "concerns", "behalf")  # what a word of text is looked for in


class ToyEntry(Struct, frozen=True):
    """An entry: what it has of each field, and whether its target is there after it, where it says so."""

    place: Place
    has: dict[str, set[Any]]
    own: bool
    alive: bool | None


class ToyFinder:
    """Every entry of one log, in a list that is replaced when more are read."""

    def __init__(self, means: FinderMeans) -> None:
        self._means = means
        self._entries: list[ToyEntry] = []
        self._head: Head | None = None
        self._lock = threading.Lock()

    @property
    def reached(self) -> int:
        return 0 if self._head is None else self._head.size

    def catch_up(self) -> Head:
        with self._lock:
            head = self._means.store.head(self._means.org)
            if self._head is None or head.removed > self._head.removed:
                self._entries, self._head = list(self._read(0, head.size)), head
                self._means.erasures.announce()
            elif head.size > self._head.size:
                fresh = list(self._read(self._head.size, head.size))
                if any("activity_log.erased" in entry.has["action"] for entry in fresh):
                    self._means.erasures.announce()
                self._entries, self._head = [*self._entries, *fresh], head
            return head

    def page(self, query: BoundQuery, *, order: Order, limit: int, at: Cursor | None) -> CutPage:
        def hits(order: Order, limit: int, at: Place | None) -> Sequence[Place]:
            return self._next(query, order, at)[:limit]

        return cut_page(hits, order=order, limit=limit, at=at)

    def count(self, query: BoundQuery) -> int:
        return len(self._matching(query))

    def seqs(self, query: BoundQuery, *, order: Order, limit: int, at: Place | None = None) -> NextSeqs:
        places = self._next(query, order, at)[:limit]
        return NextSeqs([place.seq for place in places], places[-1] if places else None)

    def values(self, query: BoundQuery, field: str) -> dict[Any, int]:
        counts = Counter(value for entry in self._matching(query) for value in entry.has[field])
        if field != "cause":
            return dict(counts)
        return {id_: counts[id_] for term in query.terms if term.field == "cause" for id_ in term.values}

    def bars(self, query: BoundQuery, edges: Sequence[int], *, by_category: bool = False) -> Bars:
        matching = self._matching(query)
        between = [
            Counter(c for entry in matching if low <= entry.place.at < high for c in entry.has["category"])
            for low, high in pairwise(edges)
        ]
        parts = tuple(dict(counter) for counter in between) if by_category else None
        return Bars(tuple(counter.total() for counter in between), parts)

    def present(self, query: BoundQuery, field: str, among: Sequence[int] = ()) -> set[Any]:
        if field == "ended":
            return {item for item in among if self._has_ended(query, item)}
        values = {value for entry in self._entries for value in entry.has[field]}
        return values if field in ("category", "action") else values & set(among)

    def _has_ended(self, query: BoundQuery, item: int) -> bool:
        lives = [e for e in self._entries if item in e.has["target"] and e.alive is not None]
        last = max(lives, key=lambda entry: entry.place, default=None)
        return last is not None and not last.alive and not last.has["category"] & set(query.hidden)

    def _next(self, query: BoundQuery, order: Order, at: Place | None) -> list[Place]:
        places = [entry.place for entry in self._matching(query)]
        if order == "seq":
            return [place for place in sorted(places, key=_seq) if at is None or place.seq > at.seq]
        if order == "asc":
            return [place for place in sorted(places) if at is None or place > at]
        return [place for place in sorted(places, reverse=True) if at is None or place < at]

    def _matching(self, query: BoundQuery) -> list[ToyEntry]:
        return [entry for entry in self._entries if _matches(entry, query)]

    def _read(self, start: int, stop: int) -> Iterator[ToyEntry]:
        stored = self._means.store.kept(self._means.org, start, stop)
        return (self._entry(row) for row in stored if row.body is not None)

    def _entry(self, stored: StoredEntry) -> ToyEntry:
        body = decode_body(stored.body or b"")
        row = body_row(
            stored.seq, body, self._means.identities.of(body.tokens()), catalogue=self._means.catalogue
        )
        about, behalf = {row.target, *row.concerned}, {row.behalf} - {0}
        return ToyEntry(
            place=Place(row.at, row.seq),
            has={
                "actor": {row.actor},
                "target": {row.target},
                "source": {row.source},
                "behalf": behalf,
                "about": about,
                "concerns": about,
                "by_or_about": about | {row.actor},
                "citing": about | behalf | {row.actor, row.source},
                "category": {row.category},
                "action": {row.action},
                "outcome": {row.outcome},
                "actor_kind": {row.kind},
                "origin": {row.interface},
                "ip": {row.origin} - {0},
                "target_type": {row.type},
                "cause": {body.caused_by} - {None},
                "correlation": {body.correlation} - {None},
            },
            own=row.own,
            alive=row.alive,
        )


def open_toy(means: FinderMeans) -> OpenedFinder:
    """The toy of a log, which keeps nothing up."""
    return OpenedFinder(ToyFinder(means))


def _seq(place: Place) -> int:
    return place.seq


def _matches(entry: ToyEntry, query: BoundQuery) -> bool:
    at = entry.place.at
    return (
        entry.place.seq < query.as_of
        and (query.since is None or query.since <= at)
        and (query.until is None or at < query.until)
        and query.own in (None, entry.own)
        and (query.hours is None or has_hours(query.hours, instant(at)))
        and not entry.has["category"] & set(query.hidden)
        and all(_holds(entry, term) is not term.negated for term in query.terms)
        and all(_says(entry, set(word.items), set(word.actions)) for word in query.text)
    )


def _holds(entry: ToyEntry, term: BoundTerm) -> bool:
    wanted = set(term.values) | set(term.items)
    return bool(entry.has[term.field] & wanted or entry.has["target_type"] & set(term.types))


def _says(entry: ToyEntry, items: set[int], actions: set[str]) -> bool:
    return bool(entry.has["action"] & actions) or any(entry.has[part] & items for part in _CITED)
