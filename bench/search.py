"""What it costs to read: opening a log cold, pages, counts, bars, words and names, and an unsorted import.

Everything is asked through `Log`, as a page does. Beside a page stands the reading of its bodies by seq; beside
counts and pages, other engines with the same entries.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from bench.elsewhere import FIVE, Elsewhere, auditlog, every, finder_of
from bench.generate import CATEGORIES, DAYS, FIRST_DAY, people_of
from bench.measuring import Control, Goal, Row, repeated, row, seconds, single, tell
from bench.site import ORG, Built, Site
from trailbook.access.viewer import operator
from trailbook.deployment.opening import open_deployment
from trailbook.finding.figures import FacetField
from trailbook.log.log import Log
from trailbook.model import microseconds
from trailbook.query import Query, Term
from trailbook.query.dates import buckets, zone

_PAGES = 200
_COUNTS = 30
_CONTROLS = 5
_ROWS = 50
_UNSORTED = 1_000_000
_TENTH = 10
_SALARY = Query(terms=(Term("category", ("salary",)),))
TWO_YEARS = (microseconds(FIRST_DAY), microseconds(FIRST_DAY + timedelta(days=DAYS)))


def run(site: Site, size: int) -> Iterator[Row]:
    """A cold opening; pages, counts, bars, words and names on the log now open; the same asked of other engines."""
    built = site.recorded(size)
    built.log.upkeep.seal()
    yield _opening(site, built, size)
    store = built.store()
    seqs = list(range(size - min(size, _ROWS), size))
    taken = repeated(lambda: store.kept_at(ORG, seqs), _PAGES)
    store.close()
    control = Control(name=f"reading {_ROWS} bodies by seq", value=sorted(taken)[_PAGES // 2] * 1000)
    yield from _pages(built.log, size, control)
    yield from _typed(built.log, size)
    yield from _related(built.log, size)
    yield from _counted(site.folder, built, size)
    yield from _unsorted(site, min(size, _UNSORTED), control)


def _pages(log: Log, size: int, control: Control) -> Iterator[Row]:
    tell("asking for pages")
    medians = []
    for words, query in _queries(size).items():
        pages = repeated(_page(log, query), _PAGES)
        rows = single(f"first page, {words}", size, pages, goal=Goal(3), control=control, most=Goal(5))
        medians.append(rows[0].value)
        yield from rows
    again = repeated(lambda: log.search(Query(), viewer=operator(ORG), limit=_ROWS), _PAGES)
    yield from single("first page, no filter, asked again", size, again, control=control)[:1]
    plain = Control(name="first page, no filter, ms", value=medians[0])
    times, noise = max(medians) / medians[0], f"median of {_PAGES}"
    name = "slowest first page: times that of no filter"
    yield row(name, size, [times], unit="x", goal=Goal(3), control=plain, noise=noise)


def _queries(size: int) -> dict[str, Query]:
    """The filters people use, from everything to somebody of whom little is said, and some that find nothing."""
    dormant = f"user/u-{people_of(size) - 1}"
    return {
        "no filter": Query(),
        "category": _SALARY,
        "busiest actor": Query(terms=(Term("actor", ("user/u-0",)),)),
        "concerns a dormant person": Query(terms=(Term("concerns", (dormant,)),)),
        "category and actor in a month": Query(
            from_="2025-03-01",
            to="2025-03-31",
            terms=(Term("actor", ("user/u-0",)), Term("category", CATEGORIES[:2])),
        ),
        "by or about, not a category": Query(
            terms=(Term("by_or_about", ("user/u-7",)), Term("category", ("users",), True))
        ),
        "dormant person and rare category": Query(
            terms=(Term("concerns", (dormant,)), Term("category", ("permissions",)))
        ),
        "three that never meet": Query(
            terms=(
                Term("category", ("salary",)),
                Term("actor_kind", ("system",)),
                Term("outcome", ("denied",)),
            )
        ),
        "two words of names": Query(text=("anna", "berg")),
    }


def _page(log: Log, query: Query) -> Callable[[], object]:
    return _afresh(log, lambda: log.search(query, viewer=operator(ORG), limit=_ROWS))


def _afresh(log: Log, ask: Callable[[], object]) -> Callable[[], object]:
    """The same question with no answer remembered: a benchmark of a cache says nothing."""

    def asked() -> object:
        for memory in (finder_of(log)._answers, log._reader.figures, log._reader.shown_lately):
            memory.clear()
        return ask()

    return asked


def _count(log: Log, query: Query) -> Callable[[], object]:
    return _afresh(log, lambda: log.count(query, viewer=operator(ORG)))


def _facets(log: Log, query: Query, by: FacetField) -> Callable[[], object]:
    return _afresh(log, lambda: log.facets(query, by, viewer=operator(ORG)))


def _bars(log: Log, query: Query) -> Callable[[], object]:
    """Bars by day over two years: more than a page shows, so the index is asked itself."""
    bound = log._questions.bind_now(query, operator(ORG), "en")
    edges = buckets("day", TWO_YEARS, zone("Europe/Oslo"), 1000) or ()
    return _afresh(log, lambda: finder_of(log).bars(bound, edges))


def _opening(site: Site, built: Built, size: int) -> Row:
    """From nothing in memory to the first page; the file itself may be in the system's cache."""
    tell("opening the log cold")

    def opening() -> None:
        deployment = open_deployment(built.url, watched=False)
        _page(deployment.log(ORG), Query())()
        deployment.close()

    control = Control(name="reading and hashing every body once", value=site.hashed(built, size))
    built.log.search(Query(), viewer=operator(ORG))
    return row("opening cold, to the first page", size, repeated(opening, 5), unit="s", control=control)


def _related(log: Log, size: int) -> Iterator[Row]:
    """What belongs together with the newest entries."""
    me = operator(ORG)
    ids = [UUID(shown.id) for shown in log.search(Query(), viewer=me, limit=_ROWS).entries]
    taken = [seconds(partial(log.related, id_, viewer=me)) for id_ in ids]
    yield from single("related entries", size, taken)


def _typed(log: Log, size: int) -> Iterator[Row]:
    tell("typing words and names")
    me = operator(ORG)
    text = Query(text=("anna",))
    yield from single("page of a free text", size, repeated(_page(log, text), _PAGES), goal=Goal(5))
    counts = [t * 1000 for t in repeated(_count(log, text), _COUNTS)]
    yield row("count of a free text", size, counts, unit="ms", goal=Goal(100))
    for typed in ("a", "anna b", "kari"):
        taken = repeated(lambda typed=typed: log.items(typed, viewer=me), _PAGES)  # type: ignore[misc]
        yield from single(f"typeahead, {typed!r}", size, taken, goal=Goal(10))


def _counted(folder: Path, built: Built, size: int) -> Iterator[Row]:
    """Counts, bars and pages of ours, then the same question in each other engine."""
    log = built.log
    asked: list[tuple[str, Callable[[], object], Callable[[Elsewhere], Callable[[], object]]]] = [
        ("count by action, no filter", _facets(log, Query(), "action"), lambda e: e.count("true", "action")),
        (
            "count by action, a category",
            _facets(log, _SALARY, "action"),
            lambda e: e.count(_where(log), "action"),
        ),
        (
            "count by outcome, no filter",
            _facets(log, Query(), "outcome"),
            lambda e: e.count("true", "outcome"),
        ),
        ("actors present, no filter", _facets(log, Query(), "actor"), lambda e: e.count("true", "actor")),
        ("bars by day", _bars(log, Query()), lambda e: e.bars("true")),
        ("bars by day, a category", _bars(log, _SALARY), lambda e: e.bars(_where(log))),
        ("count, a category", _count(log, _SALARY), lambda e: e.count(_where(log), "category")),
    ]
    tell("counting")
    ours = [repeated(ask, _COUNTS) for _, ask, _ in asked]
    store = built.store()
    numbers, engines = every(folder, log, store, size)
    controls: list[list[Control]] = [[] for _ in asked]
    pages: list[Row] = []
    for opened in engines:
        gc.collect()
        with ExitStack() as stack:
            other = stack.enter_context(opened())
            tell(f"the same in {other.name}")
            for at, (_, _, theirs) in enumerate(asked):
                taken = sorted(repeated(theirs(other), _CONTROLS))
                controls[at].append(Control(name=other.name, value=taken[_CONTROLS // 2] * 1000))
            taken = repeated(other.page(_where(log)), _CONTROLS)
            pages += single(f"{other.name}: first page, category", size, taken)[:1]
    for (name, _, _), taken, beside in zip(asked, ours, controls, strict=True):
        values = [t * 1000 for t in taken]
        for control in beside:
            yield row(f"{name}, by {control.name}", size, values, unit="ms", goal=Goal(50), control=control)
        if name.endswith("a category"):
            part = sorted(values)[len(values) // 2] / beside[0].value
            yield row(f"{name}: as a part of DuckDB's time", size, [part], unit="x", goal=Goal(0.2))
    yield from pages
    yield from _mentioned(folder, built, (numbers, size))
    store.close()
    (folder / FIVE).unlink()


def _where(log: Log) -> str:
    code = finder_of(log).index.snapshot().codes["category"].of.get("salary", -1)
    return f"category = {code}"


def _mentioned(folder: Path, built: Built, given: tuple[dict[str, object], int]) -> Iterator[Row]:
    """A dormant person, beside django-auditlog's table with a tenth of the rows."""
    numbers, size = given
    tell("asking django-auditlog's table")
    dormant = f"user/u-{people_of(size) - 1}"
    query = Query(terms=(Term("concerns", (dormant,)),))
    ours = repeated(_page(built.log, query), _PAGES)
    with auditlog(folder, numbers, max(1, size // _TENTH)) as ask:
        theirs = sorted(repeated(lambda: ask(999_999_999), _CONTROLS))[_CONTROLS // 2] * 1000
    control = Control(name="django-auditlog's table at a tenth of the rows", value=theirs)
    values = [t * 1000 for t in ours]
    yield row("concerns a dormant person", size, values, unit="ms", control=control)
    times = theirs / (sorted(values)[len(values) // 2])
    yield row("concerns a dormant person: times faster", size, [times], unit="x", goal=Goal(200, least=True))


def _unsorted(site: Site, size: int, control: Control) -> Iterator[Row]:
    log = site.recorded(size, unsorted=True).log
    tell("sealing it anew")
    yield row("sealing a whole log anew", size, [size / seconds(log.upkeep.reindex)], unit="entries/s")
    log.search(Query(), viewer=operator(ORG))
    for words, query in (("no filter", Query()), ("category", _SALARY)):
        pages = repeated(_page(log, query), _PAGES)
        name = f"first page after an unsorted import, {words}"
        yield from single(name, size, pages, goal=Goal(30), control=control)
