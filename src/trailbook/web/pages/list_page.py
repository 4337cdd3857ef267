"""The list as its template has it: what stands below the form, made of what the log answered.

Owns where a list goes on, and what is said where it finds nothing. Refuses to ask the log: all of it is answered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from trailbook.finding import Part
from trailbook.model import microseconds
from trailbook.query import Paging, in_words, interval, to_params
from trailbook.web.http.request import Request
from trailbook.web.http.row_cache import Drawing
from trailbook.web.pages import bars, exports, grouping, values
from trailbook.web.pages.address import address
from trailbook.web.pages.form import FilterForm, form_of
from trailbook.web.pages.listing import Listing
from trailbook.web.pages.names import Chip, Naming
from trailbook.web.pages.rows import Presenter, drawn

SIZES = (25, 50, 100, 200)
_MOST_DAMAGED = 20


class WayOut(Struct, frozen=True):
    """A way out of a filter that finds nothing, and how many entries it finds."""

    words: str
    href: str
    count: int


class Turns(Struct, frozen=True):
    """Where a list goes on, where it does."""

    older: str | None
    newer: str | None
    newest: str | None


class ListPage(Struct, frozen=True, kw_only=True):
    """What stands on the page of a list below its form.

    `total` is None where it comes from `counting`; `following` is the stream of what comes, in which what `reader` does
    in this log is no news to them; `keeps` the filter of a view that is saved here, and `shows`
    the list to come back to.
    """

    rows: bool
    diary: grouping.Diary
    total: int | None
    counting: str
    counted: str
    as_of: int
    bars_address: str
    figures: values.Figures
    empty_log: bool
    may_begin: bool
    since: list[str]
    ways: list[WayOut]
    turns: Turns
    sizes: tuple[int, ...]
    file_addresses: dict[str, str]
    export_offer: exports.ExportOffer
    following: str | None
    reader: str
    newest: str
    damaged: str
    keeps: str
    shows: str
    filter_words: str
    zone: str
    clock: str
    shown_at: str


def drawn_rows(answer: Listing, presenter: Presenter) -> dict[str, Drawing]:
    """Every row of a list by its entry's id; what was drawn before is not drawn again."""
    new = [entry for entry in answer.page.entries if entry.id not in answer.drawn]
    return {**answer.drawn, **drawn(new, answer.pieces, presenter)}


def form_and_list(
    request: Request,
    answer: Listing,
    presenter: Presenter,
    *,
    rows: Mapping[str, Drawing],
    waits_for: Part | None,
    now: datetime,
) -> tuple[FilterForm, ListPage]:
    """The two models of a list's page, its rows by their entries' ids."""
    naming = Naming(presenter, answer.items)
    form = form_of(answer.state, naming, now=now, waits_for=waits_for)
    return form, _list(request, answer, naming, chips=form.chips, rows=rows, now=now)


def _list(
    request: Request,
    answer: Listing,
    naming: Naming,
    *,
    chips: list[Chip],
    rows: Mapping[str, Drawing],
    now: datetime,
) -> ListPage:
    state, entries, presenter = answer.state, answer.page.entries, naming.presenter
    return ListPage(
        rows=bool(entries),
        diary=grouping.diary(entries, [rows[entry.id] for entry in entries], state.group),
        total=answer.total,
        counting=address(f"{state.path}/total", to_params(answer.bound)),
        counted=state.href(state.query, ("count", "true")),
        as_of=answer.page.as_of,
        bars_address=bars.address_of(state, answer.bound),
        figures=values.figures(state, answer.bound, None if answer.figures else _withheld(answer, presenter)),
        empty_log=answer.empty_log,
        may_begin=request.viewer.manage_access == "full",
        since=_since(answer, presenter, now),
        ways=_ways(answer, presenter, chips),
        turns=_turns(answer),
        sizes=SIZES if state.paging.limit in SIZES else (*SIZES, state.paging.limit),
        file_addresses=_file_addresses(request, answer),
        export_offer=exports.export_offer(request, answer.bound, answer.sees_everything),
        following=_following(request, answer, now),
        reader=f"{request.viewer.item.type}/{request.viewer.item.id}",
        newest=state.href(state.fresh),
        damaged=_damaged(answer.damaged, presenter),
        keeps=address("", to_params(state.fresh)).removeprefix("?"),
        shows=state.href(state.fresh).partition("?")[2],
        filter_words=in_words(state.fresh, naming.label, presenter.words.lang),
        zone=presenter.words.zone(presenter.zone),
        clock=presenter.words.clock(presenter.zone),
        shown_at=presenter.words.moment(now.astimezone(presenter.zone)),
    )


def _withheld(answer: Listing, presenter: Presenter) -> str:
    """What is said where there are no figures: how much is found, and what is not counted."""
    return f"{presenter.words.counted('bars.found', answer.total or 0)} {presenter.words('bars.person')}"


def _damaged(seqs: Sequence[int], presenter: Presenter) -> str:
    return ", ".join(presenter.words.number(seq) for seq in sorted(seqs)[:_MOST_DAMAGED])


def _turns(answer: Listing) -> Turns:
    state = answer.state
    at = [("at", state.at)] if state.at else []

    def turn(cursor: str | None) -> str | None:
        return None if cursor is None else state.href(answer.bound, *at, ("cursor", cursor))

    older, newer = turn(answer.page.next_cursor), turn(answer.page.previous_cursor)
    if state.paging.order != "desc":
        older, newer = newer, older
    turned = state.paging.cursor is not None or state.query.as_of is not None or state.at is not None
    return Turns(older, newer, state.href(state.fresh) if turned else None)


def _following(request: Request, answer: Listing, now: datetime) -> str | None:
    """The stream of what comes, where anything can still come to the top of this list."""
    state = answer.state
    if not request.site.live:
        return None
    _, until = interval(state.query, now)
    past = until is not None and until <= microseconds(now)
    if past or state.paging != Paging(limit=state.paging.limit, count=state.paging.count):
        return None
    if state.at is not None or state.query.as_of is not None:
        return None
    stream = f"{request.site.root}/api/v1/orgs/{request.org}/live"
    return address(stream, [*to_params(state.query), ("after", str(answer.page.as_of - 1))])


def _since(answer: Listing, presenter: Presenter, now: datetime) -> list[str]:
    """For each category of the filter whose first entry is younger than the range: since when there are any."""
    start, _ = interval(answer.state.query, now)
    t, lines = presenter.words, []
    for first in answer.firsts:
        label = presenter.label("category", first.category)
        if first.entry is None:
            lines.append(t("rows.never", name=label))
            continue
        began = presenter.local(first.entry.occurred_at)
        if start is not None and microseconds(began) > start:
            lines.append(t("rows.since", name=label, day=t.day(began)))
    return lines


def _ways(answer: Listing, presenter: Presenter, chips: list[Chip]) -> list[WayOut]:
    """Ways out of a filter that finds nothing, each with what it finds."""
    if answer.everything is None:
        return []
    t, state = presenter.words, answer.state
    pairs = (pair for pair in to_params(state.fresh) if pair[0] != "tz")
    removing = {pair: t("empty.remove", name=chip.text) for pair, chip in zip(pairs, chips, strict=True)}
    fruitful = (way for way in answer.ways if way.count)
    ways = [(t("empty.year") if way.without is None else removing[way.without], way) for way in fruitful]
    everything = (t("empty.clear"), answer.everything)
    return [WayOut(words, state.href(way.query), way.count) for words, way in (*ways, everything)]


def _file_addresses(request: Request, answer: Listing) -> dict[str, str]:
    api = f"{request.site.root}/api/v1/orgs/{request.org}/entries"
    return {ending: address(f"{api}.{ending}", to_params(answer.bound)) for ending in ("csv", "jsonl")}
