"""An item's own page: everything by, to and about it, day by day.

Owns what is said of an item: what it was called, whether it is still there, and which entries name it. Refuses any
number of what a person did (R20), and to tell an item that was forgotten from one that never was.
"""

from typing import Any, Literal, get_args

from litestar import Response
from msgspec import structs

from trailbook.errors import Fault, FilterInvalidError, NotFoundError
from trailbook.finding import Page, RememberedItem
from trailbook.query import PRESET_NAMES, PRESETS, Paging, Query, Term, fold
from trailbook.web.api.entries import known
from trailbook.web.http.render import html, partial, see
from trailbook.web.http.request import Request
from trailbook.web.pages import address as asking
from trailbook.web.pages import grouping, rows
from trailbook.web.pages.address import Address, address
from trailbook.web.pages.frame import frame, home, home_zone, telling
from trailbook.web.pages.rows import Telling, pen

Side = Literal["all", "by", "about"]
_FIELD: dict[Side, str] = {"all": "by_or_about", "by": "actor", "about": "concerns"}
_TAKEN = ("side", "date", "category", "category.not", "order", "limit", "cursor", "as_of", "tz")


def item(request: Request, rest: str) -> Response[Any]:
    """GET /orgs/{org}/activity/items/{type}/{id}: its timeline. Raises: NotFoundError, FilterInvalidError."""
    type_, _, id_ = rest.partition("/")
    remembered = (
        request.log.item(type_, id_, viewer=request.viewer) if type_ in request.log.catalogue.types else None
    )
    if remembered is None:
        raise NotFoundError("the log names no such item")
    pairs = asking.tidied((n, v) for n, v in request.pairs if v or n not in ("side", "date", "category"))
    if not pairs:
        return see(address(request.path, [asking.FOLDED]))
    side = _side(pairs)
    state = _state(request, remembered, (side, [pair for pair in pairs if pair[0] != "side"]))
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
    said = telling(request, structs.replace(state, paging=Paging(order=state.paging.order)), state.query.tz)
    told = [pen(request.log, said)(shown) for shown in page.entries]
    return html(
        "item.html",
        part=partial(request.headers),
        **frame(request),
        **_about(remembered, said),
        diary=grouping.diary(page.entries, told, None),
        item_link=request.log.catalogue.link(type_, id_) if remembered.exists else None,
        path=request.path,
        side=side,
        given=dict(pairs),
        turns=_turns(request.path, pairs, (state.paging, page)),
        orders=_orders(request.path, pairs, state.paging.order),
        unfolded=_unfolded(request.path, pairs),
        everything=state.href(state.fresh),
        zone=said.words.zone(said.zone),
        shown_at=said.words.moment(request.site.deployment.clock().astimezone(said.zone)),
        tz=state.query.tz,
    )


def _is_seen(request: Request, remembered: RememberedItem) -> bool:
    """Whether this viewer may see some entry that names it: an item is no more of a secret than its entries."""
    query = Query(terms=(Term("by_or_about", (f"{remembered.type}/{remembered.id}",)),))
    return request.log.count(query, viewer=request.viewer, lang=request.lang)[0] > 0


def _side(pairs: asking.Pairs) -> Side:
    given = [value for name, value in pairs if name == "side"] or ["all"]
    for side in get_args(Side):
        if given == [side]:
            return side  # type: ignore[no-any-return]
    why = f"is not one of {', '.join(get_args(Side))}"
    raise FilterInvalidError(f"side: {why}", (Fault("/side", "parameter-invalid", why),))


def _state(request: Request, remembered: RememberedItem, asks: tuple[Side, asking.Pairs]) -> Address:
    """The list in the log that has the same entries."""
    side, pairs = asks
    unknown = next((name for name, _ in pairs if name not in _TAKEN), None)
    if unknown is not None:
        why = "is not a parameter of this page"
        raise FilterInvalidError(
            f"{unknown[:80]}: {why}", (Fault(f"/{unknown[:80]}", "parameter-unknown", why),)
        )
    of = (_FIELD[side], f"{remembered.type}/{remembered.id}")
    return asking.read(
        home(request), [of, *pairs], known=known(request.log.catalogue), home_zone=home_zone(request)
    )


def _about(remembered: RememberedItem, said: Telling) -> dict[str, Any]:
    words, catalogue = said.words, said.catalogue
    type_ = said.label("type", remembered.type)
    labelled = [(name, said.label("category", name)) for name in catalogue.categories]
    return {
        "remembered": remembered,
        "called": rows.cut(remembered.name or f"{type_} {remembered.id}"),
        "whole": remembered.name or f"{type_} {remembered.id}",
        "type": type_,
        "before": [rows.cut(name) for name in remembered.before],
        "categories": sorted(labelled, key=lambda one: fold(one[1])),
        "presets": [(name, PRESET_NAMES[words.lang][name]) for name in PRESETS],
    }


def _turns(path: str, pairs: asking.Pairs, turned: tuple[Paging, Page]) -> dict[str, str | None]:
    paging, page = turned
    rest = [pair for pair in pairs if pair[0] not in ("cursor", "as_of")]

    def turn(cursor: str | None) -> str | None:
        bound = [("as_of", str(page.as_of)), ("cursor", cursor)]
        return None if cursor is None else address(path, [*rest, *((n, v) for n, v in bound if v)])

    following, before = turn(page.next_cursor), turn(page.previous_cursor)
    if paging.order != "desc":
        following, before = before, following
    return {"older": following, "newer": before}


def _unfolded(path: str, pairs: asking.Pairs) -> str | None:
    """The page with the log's own entries too, where they are folded away."""
    rest = [pair for pair in pairs if pair[0] not in ("cursor", "as_of", "side") and pair != asking.FOLDED]
    return address(path, [("side", _side(pairs)), *rest]) if asking.FOLDED in pairs else None


def _orders(path: str, pairs: asking.Pairs, order: str) -> list[tuple[str, str | None]]:
    """Both ways to read, each with its address; none where it is read so."""
    rest = [pair for pair in pairs if pair[0] not in ("cursor", "as_of", "order")]
    return [
        (name, None if order == name else address(path, [*rest, *more]))
        for name, more in (("desc", []), ("asc", [("order", "asc")]))
    ]
