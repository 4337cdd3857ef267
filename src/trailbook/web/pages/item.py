"""An item's own page: everything by, to and about it, day by day.

Owns what is said of an item: what it was called, whether it is still there, and which entries name it. Refuses any
number of what a person did, and to tell an item that was forgotten from one that never was.
"""

from typing import Any, Literal, get_args

from litestar import Response
from msgspec import structs

from trailbook.errors import Fault, FilterInvalidError, NotFoundError
from trailbook.finding import Page, RememberedItem
from trailbook.query import FIELDS, PRESET_NAMES, PRESETS, Paging, Query, Term, fold
from trailbook.web.api.entries import vocabulary_of
from trailbook.web.http.render import html, partial, see
from trailbook.web.http.request import Request
from trailbook.web.pages import grouping
from trailbook.web.pages.address import FOLDED, Address, Pairs, address, read_address, tidied
from trailbook.web.pages.frame import frame, home, home_zone, presenter_of
from trailbook.web.pages.rows import Presenter, cut, pen

Side = Literal["all", "by", "about"]
_FIELD = {field.side: field.name for field in FIELDS.values() if field.side}
_TAKEN = ("side", "date", "category", "category.not", "order", "limit", "cursor", "as_of", "tz")


def item(request: Request, rest: str) -> Response[Any]:
    """GET /orgs/{org}/activity/items/{type}/{id}: its timeline. Raises: NotFoundError, FilterInvalidError."""
    type_, _, id_ = rest.partition("/")
    remembered = (
        request.log.item(type_, id_, viewer=request.viewer) if type_ in request.log.catalogue.types else None
    )
    if remembered is None:
        raise NotFoundError("the log names no such item")
    pairs = tidied((n, v) for n, v in request.pairs if v or n not in ("side", "date", "category"))
    if not pairs:
        return see(address(request.path, [FOLDED]))
    side = _side(pairs)
    state = _state(request, remembered, side=side, pairs=[pair for pair in pairs if pair[0] != "side"])
    page = request.log.search(
        state.query,
        viewer=request.viewer,
        order=state.paging.order,
        limit=state.paging.limit,
        cursor=state.paging.cursor,
        lang=request.lang,
    )
    if not page.entries and not _is_seen(request, remembered):
        raise NotFoundError("the log names no such item")
    unpaged = structs.replace(state, paging=Paging(order=state.paging.order))
    presenter = presenter_of(request, unpaged, state.query.tz)
    rows = [pen(request.log, presenter, request.viewer)(shown) for shown in page.entries]
    return html(
        "item.html",
        part=partial(request.headers),
        **frame(request),
        **_about(remembered, presenter),
        diary=grouping.diary(page.entries, rows, None),
        item_link=request.log.catalogue.link(type_, id_) if remembered.exists else None,
        path=request.path,
        side=side,
        chosen=dict(pairs),
        turns=_turns(request.path, pairs, page, order=state.paging.order),
        orders=_orders(request.path, pairs, state.paging.order),
        unfolded=_unfolded(request.path, pairs),
        everything=state.href(state.fresh),
        zone=presenter.words.zone(presenter.zone),
        shown_at=presenter.words.moment(request.site.deployment.clock().astimezone(presenter.zone)),
        tz=state.query.tz,
    )


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
    return read_address(
        home(request),
        [of, *pairs],
        vocabulary=vocabulary_of(request.log.catalogue),
        home_zone=home_zone(request),
    )


def _about(remembered: RememberedItem, presenter: Presenter) -> dict[str, Any]:
    words, catalogue = presenter.words, presenter.catalogue
    type_ = presenter.label("type", remembered.type)
    labelled = [(name, presenter.label("category", name)) for name in catalogue.categories]
    return {
        "remembered": remembered,
        "called": cut(remembered.name or f"{type_} {remembered.id}"),
        "whole": remembered.name or f"{type_} {remembered.id}",
        "type": type_,
        "before": [cut(name) for name in remembered.before],
        "categories": sorted(labelled, key=lambda pair: fold(pair[1])),
        "presets": [(name, PRESET_NAMES[words.lang][name]) for name in PRESETS],
    }


def _turns(path: str, pairs: Pairs, page: Page, *, order: str) -> dict[str, str | None]:
    rest = [pair for pair in pairs if pair[0] not in ("cursor", "as_of")]

    def turn(cursor: str | None) -> str | None:
        bound = [("as_of", str(page.as_of)), ("cursor", cursor)]
        return None if cursor is None else address(path, [*rest, *((n, v) for n, v in bound if v)])

    older, newer = turn(page.next_cursor), turn(page.previous_cursor)
    if order != "desc":
        older, newer = newer, older
    return {"older": older, "newer": newer}


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
