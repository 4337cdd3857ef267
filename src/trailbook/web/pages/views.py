"""Saved views on their page: one's own, those that are shared, and the ready ones to be told of.

Owns the forms, which work without a script, and how new entries are told: politely, and never as a number where the
view names a person. Refuses to answer a filter: a view opens as the list that its address is.
"""

from collections.abc import Mapping
from typing import Any

from litestar import Response
from msgspec import Struct

from trailbook import administration
from trailbook.administration import READY_VIEWS, REVIEW_VIEWS, NewView, ViewerView
from trailbook.errors import (
    FiguresOfAPersonError,
    FilterInvalidError,
    InvalidError,
    NotFoundError,
    TrailbookError,
)
from trailbook.query import Query, from_params, in_words, to_params
from trailbook.web.api.access import by
from trailbook.web.http.problems import STATUS, code_of
from trailbook.web.http.render import html, page, see
from trailbook.web.http.request import Request
from trailbook.web.pages.address import EVERYTHING, address, parsed
from trailbook.web.pages.frame import frame, home, home_zone, list_of, presenter_of
from trailbook.web.pages.names import Naming, items_of
from trailbook.web.pages.sign_in import form

READY = "ready:"


class OfferedView(Struct, frozen=True, kw_only=True):
    """A view on the page, its filter as words and as an address has it; `news` says what is new, if anything is."""

    id: str
    name: str
    href: str
    filter_words: str
    ready: bool
    own: bool
    shared: bool
    default: bool
    alert: bool
    news: str | None
    filter: str


class ViewsPage(Struct, frozen=True):
    """Every view on offer, and what became of the form that was sent; a name has at most `most` characters.

    `unsaved` is the filter, in words, of a view that could not be saved.
    """

    offered: list[OfferedView]
    most: int
    wrong: str | None = None
    saved: bool = False
    sent: Mapping[str, str] = {}  # msgspec copies it
    unsaved: str | None = None


def views_page(request: Request) -> Response[bytes]:
    """GET /orgs/{org}/activity/views: all of them, and what may be done with them."""
    return _page(request, saved="saved" in request.only("saved"))


def open_view(request: Request) -> Response[bytes]:
    """GET /orgs/{org}/activity/views/{view}: on to the list that it is. Raises: NotFoundError."""
    request.only()
    id_ = request.params["view"]
    view = _offered(request, id_)
    administration.mark_seen(by(request), id_)
    return see(view.href)


def new_in_views(request: Request) -> Response[bytes]:
    """GET /orgs/{org}/activity/alerts: what is new, for the page that asks beside."""
    request.only()
    return html(
        "alerts.html",
        t=request.words,
        home=home(request),
        alerts=[view for view in _all(request) if view.news],
    )


def change_views(request: Request) -> Response[bytes]:
    """POST /orgs/{org}/activity/views: one change, then the page again. Raises: NotFoundError."""
    sent = form(request)
    do = {"save": _save, "change": _change, "remove": _remove, "choose": _choose}.get(sent.get("do", ""))
    if do is None:
        raise NotFoundError("there is no such form")
    try:
        back = do(request, sent)
    except (NotFoundError, FilterInvalidError) as error:
        return _page(request, wrong=_words(request, error), status=422)
    except TrailbookError as error:
        if not isinstance(error, InvalidError) and STATUS[code_of(error)] not in (403, 409, 429):
            raise
        saving = sent.get("do") == "save"
        unsaved = _words_of(request, _read(request, sent.get("filter", ""))) if saving else None
        model = {"wrong": _words(request, error), "sent": sent, "unsaved": unsaved}
        return _page(request, status=STATUS[code_of(error)], **model)
    return see(back)


def _done(request: Request) -> str:
    return f"{request.path}?saved=1"


def _save(request: Request, sent: dict[str, str]) -> str:
    """Save it, and go back to the list that it was saved from, which says so."""
    administration.add_view(by(request), _wanted(request, sent))
    shown = parsed(sent.get("shown", "")) or parsed(sent.get("filter", "")) or [("view", EVERYTHING)]
    return address(home(request), [*(pair for pair in shown if pair[0] != "saved"), ("saved", "1")])


def _change(request: Request, sent: dict[str, str]) -> str:
    id_ = sent.get("id", "")
    was = administration.find_view(by(request), id_)
    name, shared = sent.get("name", was.name), sent.get("shared") == "on"
    default, alert = sent.get("default") == "on", sent.get("alert") == "on"
    wanted = NewView(name=name, query=was.query, shared=shared, default=default, alert=alert)
    administration.change_view(by(request), id_, wanted)
    return _done(request)


def _remove(request: Request, sent: dict[str, str]) -> str:
    administration.remove_view(by(request), sent.get("id", ""))
    return _done(request)


def _choose(request: Request, sent: dict[str, str]) -> str:
    id_ = _offered(request, sent.get("id", "")).id
    administration.choose_view(
        by(request), id_, default=sent.get("default") == "on", alert=sent.get("alert") == "on"
    )
    return _done(request)


def _wanted(request: Request, sent: dict[str, str]) -> NewView:
    return NewView(
        name=sent.get("name", ""),
        query=_read(request, sent.get("filter", "")),
        shared=sent.get("shared") == "on",
        default=sent.get("default") == "on",
        alert=sent.get("alert") == "on",
    )


def _read(request: Request, text: str) -> Query:
    """A filter as the list's address has it. Raises: FilterInvalidError."""
    return list_of(request, parsed(text)).query


def _page(request: Request, *, status: int = 200, **more: Any) -> Response[bytes]:
    model = ViewsPage(_all(request), administration.LONGEST_NAME, **more)
    return page("views.html", (frame(request), model), status=status)


def _all(request: Request) -> list[OfferedView]:
    return [*(_of(request, view) for view in administration.list_views(by(request))), *_ready(request)]


def _ready(request: Request) -> list[OfferedView]:
    chosen = administration.view_choices(by(request))
    offered = []
    for view in (*REVIEW_VIEWS, *READY_VIEWS):
        if view.asks is None:
            id_, pairs = READY + view.name, [*view.params, ("tz", home_zone(request))]
            choice = chosen.get(id_)
            ready = ViewerView(
                id=id_,
                name=request.words(f"views.{view.name}"),
                query=from_params(pairs),
                shared=True,
                own=False,
                default=choice is not None and choice.default,
                alert=choice is not None and choice.alert,
                created_at=0,
            )
            offered.append(_of(request, ready))
    return offered


def _offered(request: Request, id_: str) -> OfferedView:
    """A view by its id, saved or ready. Raises: NotFoundError."""
    if not id_.startswith(READY):
        return _of(request, administration.find_view(by(request), id_))
    ready = next((view for view in _ready(request) if view.id == id_), None)
    if ready is None:
        raise NotFoundError("there is no such view")
    return ready


def _of(request: Request, view: ViewerView) -> OfferedView:
    ready = view.id.startswith(READY)
    pairs = [pair for pair in to_params(view.query) if pair != ("tz", home_zone(request))]
    shown = [*pairs, ("view", view.id.removeprefix(READY))] if ready else pairs or [("view", EVERYTHING)]
    return OfferedView(
        id=view.id,
        name=view.name,
        href=address(home(request), shown),
        filter_words=_words_of(request, view.query),
        ready=ready,
        own=view.own,
        shared=view.shared,
        default=view.default,
        alert=view.alert,
        news=_news(request, view),
        filter=address("", pairs).removeprefix("?"),
    )


def _words_of(request: Request, query: Query) -> str:
    """A filter in words, as this viewer may read it."""
    presenter = presenter_of(request, None, home_zone(request))
    naming = Naming(presenter, items_of(request.log, query, viewer=request.viewer))
    return in_words(query, naming.label, request.lang)


def _news(request: Request, view: ViewerView) -> str | None:
    try:
        count = administration.count_new(by(request), view.id, view.query, request.lang) if view.alert else 0
    except (
        FiguresOfAPersonError
    ):  # its words have become somebody's name since it was saved: opened, it says so
        return None
    if not count:
        return None
    try:
        request.log.demand_figures(view.query, viewer=request.viewer)
    except FiguresOfAPersonError:
        return request.words("alerts.some")
    return request.words.counted("alerts.new", count)


def _words(request: Request, error: TrailbookError) -> str:
    if isinstance(error, InvalidError) and [fault.pointer for fault in error.faults] == ["/name"]:
        return request.words("saved.wrong-name", most=administration.LONGEST_NAME)
    words = request.words(f"problems.{code_of(error)}.words")
    return f"{words} ({error.detail})" if isinstance(error, InvalidError) else words
