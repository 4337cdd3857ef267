"""An item's own page: everything by, to and about it, day by day.

Owns what is said of an item: what it was called, whether it is still there, and which entries name it. Refuses any
number of what a person did, and to tell an item that was forgotten from one that never was.
"""

from datetime import datetime
from typing import Any, Literal, get_args

from litestar import Response
from msgspec import Struct, structs

from trailbook.catalogue import SentencePiece
from trailbook.errors import Fault, FilterInvalidError, NotFoundError
from trailbook.finding import Page, RememberedItem
from trailbook.query import FIELDS, PRESET_NAMES, PRESETS, Paging, Query, Term, fold
from trailbook.web.http.render import page, partial, see
from trailbook.web.http.request import Request
from trailbook.web.pages import grouping
from trailbook.web.pages.address import FOLDED, Address, Pairs, address, item_of, tidied
from trailbook.web.pages.broken import mendable
from trailbook.web.pages.frame import frame, list_of, presenter_of
from trailbook.web.pages.rows import Presenter, cut, drawn

Side = Literal["all", "by", "about"]
_FIELD = {field.side: field.name for field in FIELDS.values() if field.side}
_TAKEN = ("side", "date", "category", "category.not", "order", "limit", "cursor", "as_of", "tz")


class Turns(Struct, frozen=True):
    """Where a timeline goes on, where it does."""

    older: str | None
    newer: str | None


class Timeline(Struct, frozen=True, kw_only=True):
    """An item's entries as they were asked for and answered: from which side, as which list of the log."""

    remembered: RememberedItem
    pairs: Pairs
    side: Side
    state: Address
    page: Page
    pieces: dict[str, tuple[SentencePiece, ...]]


class AboutItem(Struct, frozen=True, kw_only=True):
    """What is said of an item above its timeline, and what the form there offers."""

    remembered: RememberedItem
    called: str
    whole: str
    type: str
    before: list[str]
    item_link: str | None
    categories: list[tuple[str, str]]
    presets: list[tuple[str, str]]


class TimelinePage(Struct, frozen=True, kw_only=True):
    """The timeline; `chosen` is what the form shows, `unfolded` the same with the log's own entries too."""

    diary: grouping.Diary
    path: str
    side: Side
    chosen: dict[str, str]
    turns: Turns
    orders: list[tuple[str, str | None]]
    unfolded: str | None
    everything: str
    zone: str
    clock: str
    shown_at: str
    tz: str


@mendable
def item_page(request: Request) -> Response[Any]:
    """GET items/{type}/{id}: everything by, to and about an item. Raises: NotFoundError."""
    remembered = _remembered(request)
    pairs = tidied((n, v) for n, v in request.pairs if v or n not in ("side", "date", "category"))
    if not pairs:
        return see(address(request.path, [FOLDED]))
    timeline, now = _ask(request, remembered, pairs), request.site.deployment.clock()
    around, state = frame(request), timeline.state
    unpaged = structs.replace(state, paging=Paging(order=state.paging.order))
    presenter = presenter_of(request, unpaged, state.query.tz)
    models = around, _about(remembered, presenter), _shown(request.path, timeline, presenter, now=now)
    return page("item.html", models, part=partial(request.headers))


def _remembered(request: Request) -> RememberedItem:
    """The item of the address. Raises: NotFoundError."""
    type_, id_ = item_of(request.params["item"])
    declared = type_ in request.catalogue.types
    remembered = request.log.item(type_, id_, viewer=request.viewer) if declared else None
    if remembered is None:
        raise NotFoundError("the log names no such item")
    return remembered


def _ask(request: Request, remembered: RememberedItem, pairs: Pairs) -> Timeline:
    """What the log says of an item. Raises: FilterInvalidError, CursorInvalidError; NotFoundError."""
    log, side = request.log, _side(pairs)
    state = _state(request, remembered, side=side, pairs=[pair for pair in pairs if pair[0] != "side"])
    entries = log.search(
        state.query,
        viewer=request.viewer,
        order=state.paging.order,
        limit=state.paging.limit,
        cursor=state.paging.cursor,
        lang=request.lang,
    )
    if not entries.entries and not _is_seen(request, remembered):
        raise NotFoundError("the log names no such item")
    pieces = {e.id: log.pieces(e, viewer=request.viewer, lang=request.lang) for e in entries.entries}
    return Timeline(remembered=remembered, pairs=pairs, side=side, state=state, page=entries, pieces=pieces)


def _is_seen(request: Request, remembered: RememberedItem) -> bool:
    """Whether this viewer may see some entry that names it: an item is no more of a secret than its entries."""
    query = Query(terms=(Term("by_or_about", (f"{remembered.type}/{remembered.id}",)),))
    return request.log.count(query, viewer=request.viewer, lang=request.lang)[0] > 0


def _side(pairs: Pairs) -> Side:
    sides = [value for name, value in pairs if name == "side"] or ["all"]
    for side in get_args(Side):
        if sides == [side]:
            return side  # type: ignore[no-any-return]
    why = f"is not one of {', '.join(get_args(Side))}"
    raise FilterInvalidError(f"side: {why}", (Fault("/side", "parameter-invalid", why),))


def _state(request: Request, remembered: RememberedItem, *, side: Side, pairs: Pairs) -> Address:
    """The list in the log that has the same entries."""
    unknown = next((name for name, _ in pairs if name not in _TAKEN), None)
    if unknown is not None:
        why = "is not a parameter of this page"
        raise FilterInvalidError(
            f"{unknown[:80]}: {why}", (Fault(f"/{unknown[:80]}", "parameter-unknown", why),)
        )
    of = (_FIELD[side], f"{remembered.type}/{remembered.id}")
    return list_of(request, [of, *pairs])


def _about(remembered: RememberedItem, presenter: Presenter) -> AboutItem:
    words, catalogue = presenter.words, presenter.catalogue
    type_ = presenter.label("type", remembered.type)
    labelled = [(name, presenter.label("category", name)) for name in catalogue.categories]
    return AboutItem(
        remembered=remembered,
        called=cut(remembered.name or f"{type_} {remembered.id}"),
        whole=remembered.name or f"{type_} {remembered.id}",
        type=type_,
        before=[cut(name) for name in remembered.before],
        item_link=catalogue.link(remembered.type, remembered.id) if remembered.exists else None,
        categories=sorted(labelled, key=lambda pair: fold(pair[1])),
        presets=[(name, PRESET_NAMES[words.lang][name]) for name in PRESETS],
    )


def _shown(path: str, timeline: Timeline, presenter: Presenter, *, now: datetime) -> TimelinePage:
    state, pairs, entries = timeline.state, timeline.pairs, timeline.page.entries
    rows = drawn(entries, timeline.pieces, presenter)
    return TimelinePage(
        diary=grouping.diary(entries, [rows[entry.id] for entry in entries], None),
        path=path,
        side=timeline.side,
        chosen=dict(pairs),
        turns=_turns(path, timeline),
        orders=_orders(path, pairs, state.paging.order),
        unfolded=_unfolded(path, pairs),
        everything=state.href(state.fresh),
        zone=presenter.words.zone(presenter.zone),
        clock=presenter.words.clock(presenter.zone),
        shown_at=presenter.words.moment(now.astimezone(presenter.zone)),
        tz=state.query.tz,
    )


def _turns(path: str, timeline: Timeline) -> Turns:
    rest = [pair for pair in timeline.pairs if pair[0] not in ("cursor", "as_of")]

    def turn(cursor: str | None) -> str | None:
        bound = [("as_of", str(timeline.page.as_of)), ("cursor", cursor)]
        return None if cursor is None else address(path, [*rest, *((n, v) for n, v in bound if v)])

    older, newer = turn(timeline.page.next_cursor), turn(timeline.page.previous_cursor)
    return Turns(older, newer) if timeline.state.paging.order == "desc" else Turns(newer, older)


def _unfolded(path: str, pairs: Pairs) -> str | None:
    """The page with the log's own entries too, where they are folded away."""
    rest = [pair for pair in pairs if pair[0] not in ("cursor", "as_of", "side") and pair != FOLDED]
    return address(path, [("side", _side(pairs)), *rest]) if FOLDED in pairs else None


def _orders(path: str, pairs: Pairs, order: str) -> list[tuple[str, str | None]]:
    """Both ways to read, each with its address; none where it is read so."""
    rest = [pair for pair in pairs if pair[0] not in ("cursor", "as_of", "order")]
    return [
        (name, None if order == name else address(path, [*rest, *more]))
        for name, more in (("desc", []), ("asc", [("order", "asc")]))
    ]
