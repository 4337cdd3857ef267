"""Saved views on their page: one's own, those that are shared, and the ready ones to be told of.

Owns the forms, which work without a script, and how new entries are told: politely, and never as a number where the
view names a person (R20). Refuses to answer a filter: a view opens as the list that its address is.
"""

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
from trailbook.web.api.entries import known
from trailbook.web.http.problems import STATUS, code_of
from trailbook.web.http.render import html, see
from trailbook.web.http.request import Request
from trailbook.web.pages import address as asking
from trailbook.web.pages.address import address
from trailbook.web.pages.frame import frame, home, home_zone, telling
from trailbook.web.pages.names import Naming
from trailbook.web.pages.sign_in import fields

READY = "ready:"


class Offered(Struct, frozen=True, kw_only=True):
    """A view on the page; `news` says in words what is new, if anything is."""

    id: str
    name: str
    href: str
    said: str
    ready: bool
    own: bool
    shared: bool
    default: bool
    alert: bool
    news: str | None
    filter: str


def page(request: Request) -> Response[bytes]:
    """GET /orgs/{org}/activity/views: all of them, and what may be done with them."""
    return _page(request, told="saved" in request.only("saved"))


def opened(request: Request) -> Response[bytes]:
    """GET /orgs/{org}/activity/views/{view}: on to the list that it is. Raises: NotFoundError."""
    request.only()
    id_ = request.params["view"]
    view = _offered(request, id_)
    administration.mark_seen(by(request), id_)
    return see(view.href)


def alerts(request: Request) -> Response[bytes]:
    """GET /orgs/{org}/activity/alerts: what is new, for the page that asks beside."""
    request.only()
    return html("alerts.html", t=request.words, home=home(request), alerts=_told(request))


def form(request: Request) -> Response[bytes]:
    """POST /orgs/{org}/activity/views: one change, then the page again. Raises: NotFoundError."""
    given = dict(fields(request))
    do = {"save": _save, "change": _change, "remove": _remove, "choose": _choose}.get(given.get("do", ""))
    if do is None:
        raise NotFoundError("there is no such form")
    try:
        do(request, given)
    except (NotFoundError, FilterInvalidError) as error:
        return _page(request, wrong=_words(request, error), status=422)
    except TrailbookError as error:
        if not isinstance(error, InvalidError) and STATUS[code_of(error)] not in (403, 409, 429):
            raise
        return _page(request, wrong=_words(request, error), status=STATUS[code_of(error)], kept=given)
    return see(f"{request.path}?saved=1")


def _save(request: Request, given: dict[str, str]) -> None:
    administration.add_view(by(request), _wanted(request, given))


def _change(request: Request, given: dict[str, str]) -> None:
    id_ = given.get("id", "")
    was = administration.find_view(by(request), id_)
    name, shared = given.get("name", was.name), given.get("shared") == "on"
    wanted = NewView(name=name, query=was.query, shared=shared, default=was.default, alert=was.alert)
    administration.change_view(by(request), id_, wanted)


def _remove(request: Request, given: dict[str, str]) -> None:
    administration.remove_view(by(request), given.get("id", ""))


def _choose(request: Request, given: dict[str, str]) -> None:
    id_ = _offered(request, given.get("id", "")).id
    administration.choose_view(
        by(request), id_, default=given.get("default") == "on", alert=given.get("alert") == "on"
    )


def _wanted(request: Request, given: dict[str, str]) -> NewView:
    return NewView(
        name=given.get("name", ""),
        query=_read(request, given.get("filter", "")),
        shared=given.get("shared") == "on",
        default=given.get("default") == "on",
        alert=given.get("alert") == "on",
    )


def _read(request: Request, text: str) -> Query:
    """A filter as the list's address has it. Raises: FilterInvalidError."""
    pairs = asking.parsed(text)
    return asking.read(
        home(request), pairs, known=known(request.log.catalogue), home_zone=home_zone(request)
    ).query


def _page(request: Request, *, told: bool = False, status: int = 200, **more: Any) -> Response[bytes]:
    seen: dict[str, Any] = {"wrong": None, "kept": {}, **more}
    return html(
        "views.html",
        status,
        **frame(request),
        saved=told,
        those=_all(request),
        most=administration.LONGEST,
        **seen,
    )


def _all(request: Request) -> list[Offered]:
    return [*(_of(request, one) for one in administration.list_views(by(request))), *_ready(request)]


def _ready(request: Request) -> list[Offered]:
    chosen = administration.view_choices(by(request))
    found = []
    for view in (*REVIEW_VIEWS, *READY_VIEWS):
        if view.asks is None:
            id_, pairs = READY + view.name, [*view.params, ("tz", home_zone(request))]
            choice = chosen.get(id_)
            one = ViewerView(
                id=id_,
                name=request.words(f"views.{view.name}"),
                query=from_params(pairs),
                shared=True,
                own=False,
                default=choice is not None and choice.default,
                alert=choice is not None and choice.alert,
                created_at=0,
            )
            found.append(_of(request, one))
    return found


def _offered(request: Request, id_: str) -> Offered:
    """A view by its id, saved or ready. Raises: NotFoundError."""
    if not id_.startswith(READY):
        return _of(request, administration.find_view(by(request), id_))
    found = next((one for one in _ready(request) if one.id == id_), None)
    if found is None:
        raise NotFoundError("there is no such view")
    return found


def _of(request: Request, view: ViewerView) -> Offered:
    ready = view.id.startswith(READY)
    pairs = [pair for pair in to_params(view.query) if pair != ("tz", home_zone(request))]
    shown = (
        [*pairs, ("view", view.id.removeprefix(READY))] if ready else pairs or [("view", asking.EVERYTHING)]
    )
    said = telling(request, None, home_zone(request))
    naming = Naming(request.log, request.viewer, said, entries=())
    return Offered(
        id=view.id,
        name=view.name,
        href=address(home(request), shown),
        said=in_words(view.query, naming.label, request.lang),
        ready=ready,
        own=view.own,
        shared=view.shared,
        default=view.default,
        alert=view.alert,
        news=_news(request, view),
        filter=address("", pairs).removeprefix("?"),
    )


def _news(request: Request, view: ViewerView) -> str | None:
    count = administration.count_new(by(request), view.id, view.query, request.lang) if view.alert else 0
    if not count:
        return None
    try:
        request.log.demand_figures(view.query)
    except FiguresOfAPersonError:
        return request.words("alerts.some")
    return request.words.counted("alerts.new", count)


def _told(request: Request) -> list[Offered]:
    return [one for one in _all(request) if one.news]


def _words(request: Request, error: TrailbookError) -> str:
    words = request.words(f"problems.{code_of(error)}.words")
    return f"{words} ({error.detail})" if isinstance(error, InvalidError) else words
