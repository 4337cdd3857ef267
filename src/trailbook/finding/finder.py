"""What a search engine of a log promises: seven verbs over bound queries, each answered exactly.

Owns the protocol and what an engine is opened with; `trailbook.testing.finders` says what it promises, in examples.
Refuses to know how an engine keeps what it answers from. Any number of threads ask at once, and no question holds up
another one or whoever records.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.finding.bound import BoundQuery, Sees
from trailbook.finding.identities import Identities
from trailbook.finding.memo import Erasures
from trailbook.finding.paging import CutPage, NextSeqs
from trailbook.index import Place
from trailbook.model import Progress
from trailbook.query import Cursor, Order
from trailbook.recording import Committed
from trailbook.stores import Head, Store


class Bars(Struct, frozen=True):
    """How many entries lie between each two edges, and, where asked, how many of each category that has any."""

    counts: tuple[int, ...]
    parts: tuple[dict[str, int], ...] | None = None


class Finder(Protocol):
    """The search engine of one log."""

    @property
    def reached(self) -> int:
        """How many entries of the log were taken in so far."""

    def catch_up(self) -> Head:
        """Take in what was recorded, removed and erased since; the log's head, up to which answers reach at least.

        Whatever was erased or removed is announced to the `erasures` of the log before this returns. Raises:
        DamagedError, StoreError.
        """

    def page(self, query: BoundQuery, *, order: Order, limit: int, at: Cursor | None) -> CutPage:
        """The page of at most `limit` entries from a cursor on. Raises: FilterInvalidError for a limit out of range."""

    def count(self, query: BoundQuery) -> int:
        """How many entries match."""

    def seqs(self, query: BoundQuery, *, order: Order, limit: int, at: Place | None = None) -> NextSeqs:
        """The next `limit` seqs of everything that matches, in an order, from beyond a place."""

    def values(self, query: BoundQuery, field: str) -> dict[Any, int]:
        """How many of the matching entries have each value of a field.

        Of `actor`, `source` and `concerns`, which is the target too, by the numbers of items. Of `cause` by the ids
        that the query's terms on it name, each of them; such a term is then no filter of its own.
        """

    def bars(self, query: BoundQuery, edges: Sequence[int], *, by_category: bool = False) -> Bars:
        """How many of the matching entries lie between each two edges, in microseconds, ascending."""

    def present(self, query: BoundQuery, field: str, among: Sequence[int] = ()) -> set[Any]:
        """What the log has of a field, `query.hidden` looked at alone; what removed entries had may be among it.

        Of `category` and `action` every value, none hidden. Of `actor`, `target` and `about`, which is target or
        concerned, the items `among` those given, none hidden. `ended`: those `among` the items given that the last
        entry about their life ended, where that is not hidden.
        """


class Upkeep(Protocol):
    """What an index that is kept beside the log needs, and nobody who asks."""

    on_ripe: Callable[[], None]  # told when a segment is due

    def recording(self) -> AbstractContextManager[None]:
        """What is gone through while entries are recorded here, so that whoever asks meanwhile makes way."""

    def tell(self, committed: Committed) -> None:
        """Take in what this process has just made durable; raises nothing, for it is recorded already."""

    def seal(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Seal what is due until nothing is or `stopped`; how many entries. Raises: StoreError."""

    def reindex(self, progress: Progress = lambda done, total: None) -> None:
        """Build the whole index anew from the entries. Raises: StoreError, DamagedError."""

    def check(self) -> list[str]:
        """What is wrong with the stored index, in words; of the entries it says nothing."""


class NoUpkeep:
    """The upkeep of an engine that keeps nothing here: what is recorded it takes in when it is asked."""

    def __init__(self) -> None:
        self.on_ripe: Callable[[], None] = lambda: None

    def recording(self) -> AbstractContextManager[None]:
        """Hold up nobody."""
        return nullcontext()

    def tell(self, committed: Committed) -> None:
        """Take in nothing."""

    def seal(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Seal nothing."""
        return 0

    def reindex(self, progress: Progress = lambda done, total: None) -> None:
        """Build nothing."""

    def check(self) -> list[str]:
        """Find nothing wrong."""
        return []


class FinderMeans(Struct, frozen=True, kw_only=True):
    """What an engine is opened with: the log, its catalogue and directory, and whom it tells of erasures."""

    store: Store
    org: str
    catalogue: Catalogue
    identities: Identities
    erasures: Erasures


def finder_means(store: Store, org: str, catalogue: Catalogue) -> FinderMeans:
    """What the engine of a log is opened with, whose memories are empty."""
    erasures = Erasures()
    identities = Identities(store, org, erasures)
    return FinderMeans(store=store, org=org, catalogue=catalogue, identities=identities, erasures=erasures)


class OpenedFinder(Struct, frozen=True):
    """An engine that was opened: what is asked, and what is kept up."""

    finder: Finder
    upkeep: Upkeep = msgspec.field(default_factory=NoUpkeep)


OpenFinder = Callable[[FinderMeans], OpenedFinder]


def sight(finder: Finder, sees: Sees) -> BoundQuery:
    """All of a log that somebody sees, as it stands.

    An entry that cannot be read has no category: that it is there is no secret, and nothing of it is shown.
    """
    everything = BoundQuery(as_of=finder.reached)  # first, so that no entry comes of a category not asked for
    categories = finder.present(everything, "category")
    hidden = tuple(sorted(category for category in categories if category and not sees(category)))
    return BoundQuery(as_of=everything.as_of, hidden=hidden)
