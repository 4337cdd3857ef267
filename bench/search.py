"""What it costs to read: opening a log cold, first pages and counts under filters, an unsorted import.

Everything is asked through `Log`, as a page does. The control beside a page is reading its bodies by seq.
"""

from collections.abc import Callable, Iterator

from bench.generate import CATEGORIES, people_of
from bench.measuring import Control, Goal, Row, repeated, row, seconds, single, tell
from bench.site import ORG, Built, Site
from trailbook.access import operator
from trailbook.deployment import open_deployment
from trailbook.log import Log
from trailbook.query import Query, Term

_PAGES = 200
_COUNTS = 30
_ROWS = 50
_UNSORTED = 100_000


def run(site: Site, size: int) -> Iterator[Row]:
    """A cold opening, then pages and counts on the log now open, then pages after an unsorted import."""
    built = site.recorded(size)
    yield _opening(built, size)
    tell("asking for pages and counts")
    seqs = list(range(size - min(size, _ROWS), size))
    store = built.store()
    taken = repeated(lambda: store.kept_at(ORG, seqs), _PAGES)
    store.close()
    control = Control(name=f"reading {_ROWS} bodies by seq", value=sorted(taken)[_PAGES // 2] * 1000)
    for words, query in _queries(size).items():
        pages = repeated(_page(built.log, query), _PAGES)
        yield from single(f"first page, {words}", size, pages, goal=Goal(3), control=control)
    for words, query in _queries(size).items():
        counts = repeated(_count(built.log, query), _COUNTS)
        yield row(f"count, {words}", size, [t * 1000 for t in counts], unit="ms", goal=Goal(50))
    yield from _unsorted(site, min(size, _UNSORTED), control)


def _queries(size: int) -> dict[str, Query]:
    """The filters people use, from everything to somebody of whom little is said."""
    dormant = f"user/u-{people_of(size) - 1}"
    return {
        "no filter": Query(),
        "category": Query(terms=(Term("category", ("salary",)),)),
        "busiest actor": Query(terms=(Term("actor", ("user/u-0",)),)),
        "concerns a dormant person": Query(terms=(Term("concerns", (dormant,)),)),
        "category and actor in a month": Query(
            from_="2025-03-01",
            to="2025-03-31",
            terms=(Term("actor", ("user/u-0",)), Term("category", CATEGORIES[:2])),
        ),
    }


def _page(log: Log, query: Query) -> Callable[[], object]:
    return lambda: log.search(query, viewer=operator(ORG), limit=_ROWS)


def _count(log: Log, query: Query) -> Callable[[], object]:
    return lambda: log.count(query, viewer=operator(ORG))


def _opening(built: Built, size: int) -> Row:
    """From nothing in memory to the first page; the file itself may be in the system's cache."""
    tell("opening the log cold")

    def opening() -> None:
        deployment = open_deployment(built.url)
        _page(deployment.log(ORG), Query())()
        deployment.close()

    def reading() -> None:
        store = built.store()
        for kept in store.kept(ORG, 0, size):
            assert kept.body is not None
        store.close()

    control = Control(name="reading every body once", value=seconds(reading))
    times = 1 if size > _UNSORTED else 3
    built.log.search(Query(), viewer=operator(ORG))
    return row("opening cold, to the first page", size, repeated(opening, times), unit="s", control=control)


def _unsorted(site: Site, size: int, control: Control) -> Iterator[Row]:
    log = site.recorded(size, unsorted=True).log
    log.search(Query(), viewer=operator(ORG))
    pages = repeated(_page(log, Query()), _PAGES)
    yield from single("first page after an unsorted import", size, pages, goal=Goal(30), control=control)
