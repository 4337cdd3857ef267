"""What a list on the page is asked of the log: its entries, and all that is named and counted beside them.

Owns the order of the questions, and which of them a list does not need. Refuses words and addresses: the page makes
them of these answers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct, structs

from trailbook.catalogue import SentencePiece
from trailbook.errors import FiguresOfAPersonError
from trailbook.finding import Page, Shown
from trailbook.query import Query, Term, day_end, from_params, interval, parse_day, to_params, zone
from trailbook.web.http.request import Request
from trailbook.web.http.row_cache import Drawing, RowList
from trailbook.web.pages.address import FOLDED, Address, Pairs, within
from trailbook.web.pages.names import Items, items_of

MOST_WAYS = 6
_PERIOD = ("date", "from", "to")


class Way(Struct, frozen=True):
    """Another filter and how many entries it finds; `without` is the value that it lacks, where it lacks one."""

    without: tuple[str, str] | None
    query: Query
    count: int


class First(Struct, frozen=True):
    """A category of the filter, and its first entry where there is any."""

    category: str
    entry: Shown | None


class Listing(Struct, frozen=True, kw_only=True):
    """A list as the log answers it, and the rows of it that were drawn before; all else is drawn of `pieces`.

    `total` is None where it is asked for beside; `everything` is the list without a filter, where this finds nothing.
    """

    state: Address
    page: Page
    bound: Query
    damaged: Sequence[int]
    total: int | None
    rows: RowList
    drawn: Mapping[str, Drawing]
    pieces: Mapping[str, tuple[SentencePiece, ...]]
    items: Items
    figures: bool
    empty_log: bool
    firsts: Sequence[First]
    ways: Sequence[Way]
    everything: Way | None
    sees_everything: bool


def ask(request: Request, state: Address, now: datetime) -> Listing:
    """What the log says to a list. Raises: as `Log.search`."""
    log, viewer = request.log, request.viewer
    part, damaged = _part(state, now), list[int]()
    figures, cleared = True, log.clearance(viewer=viewer)
    erasures = log.erasures(viewer=viewer)
    rows = RowList(erasures, erasures.count, (request.lang, state))
    page = log.search(
        part,
        damaged=damaged,
        viewer=viewer,
        order=state.paging.order,
        limit=state.paging.limit,
        cursor=state.paging.cursor,
        lang=request.lang,
        part_of=state.query,
    )
    bound = structs.replace(state.query, as_of=page.as_of)
    try:
        log.demand_figures(bound, viewer=viewer)
    except FiguresOfAPersonError:
        figures = False
    drawn = request.site.row_cache.recall(rows, page.entries)
    new = (entry for entry in page.entries if entry.id not in drawn)
    pieces = {entry.id: log.pieces(entry, viewer=viewer, lang=request.lang) for entry in new}
    few = len(page.entries) < state.paging.limit
    empty_log = few and _count(request, from_params([FOLDED, ("category.not", "security")])) == 0
    lost = not page.entries and not empty_log
    return Listing(
        state=state,
        page=page,
        bound=bound,
        damaged=damaged,
        total=_count(request, bound) if state.paging.count or not page.entries or not figures else None,
        rows=rows,
        drawn=drawn,
        pieces=pieces,
        items=items_of(log, state.query, viewer=viewer, entries=page.entries),
        figures=figures,
        empty_log=empty_log,
        firsts=_firsts(request, state, page, now) if few else (),
        ways=_ways(request, state.fresh) if lost else (),
        everything=_way(request, None, Query(tz=state.query.tz)) if lost else None,
        sees_everything=cleared.everything,
    )


def _part(state: Address, now: datetime) -> Query:
    # "Go to date" begins the list further down; what is found, counted and said stays the filter's.
    if state.at is None:
        return state.query
    return within(state.query, now, until=day_end(parse_day(state.at), zone(state.query.tz)))


def _count(request: Request, query: Query) -> int:
    return request.log.count(query, viewer=request.viewer, lang=request.lang)[0]


def _firsts(request: Request, state: Address, page: Page, now: datetime) -> list[First]:
    """The first entry of each category that the filter names, where it has a beginning."""
    if interval(state.query, now)[0] is None:
        return []
    terms = (term for term in state.query.terms if term.field == "category" and not term.negated)
    return [_first(request, state, name, page.as_of) for term in terms for name in term.values]


def _first(request: Request, state: Address, category: str, as_of: int) -> First:
    head = request.log.search(
        Query(terms=(Term("category", (category,)),), as_of=as_of),
        viewer=request.viewer,
        order="asc",
        limit=1,
        lang=request.lang,
        part_of=state.query,
        damaged=[],
    )
    return First(category, head.entries[0] if head.entries else None)


def _ways(request: Request, query: Query) -> list[Way]:
    """The filter for this whole year, and without each of its values."""
    pairs = to_params(query)
    undated = [pair for pair in pairs if pair[0] not in _PERIOD]
    wider = [from_params([*undated, ("date", "this-year")])] if undated != pairs else []
    given = [pair for pair in pairs if pair[0] != "tz"]
    return [
        *(_way(request, None, query) for query in wider),
        *(_way(request, pair, _without(pairs, pair)) for pair in given[: MOST_WAYS - len(wider)]),
    ]


def _without(pairs: Pairs, gone: tuple[str, str]) -> Query:
    return from_params([pair for pair in pairs if pair != gone])


def _way(request: Request, without: tuple[str, str] | None, query: Query) -> Way:
    return Way(without, query, _count(request, query))
