"""Saved views over HTTP: one's own, and those that are shared, for programs.

Owns what a view is in JSON. Refuses to answer a filter: a view is read, and its filter is then asked as any other.
"""

import msgspec
from litestar import Response
from msgspec import Struct

from trailbook import administration
from trailbook.administration import NewView, ViewerView
from trailbook.model import instant, prepare, written
from trailbook.query import from_params, to_params
from trailbook.web.api.access import by, sent
from trailbook.web.api.exports import values_of
from trailbook.web.http.media import JSON
from trailbook.web.http.request import Request, within


class ViewSent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A view: parameters of a filter, each a text or a list of texts; `default` and `alert` are the caller's own."""

    name: str
    filter: dict[str, str | list[str] | bool] = {}
    shared: bool = False
    default: bool = False
    alert: bool = False


prepare(ViewSent)


class ViewAnswer(Struct, frozen=True, kw_only=True):
    """A view, its items as they are known now; `own`: the caller may change it.

    An item that the caller may not see is `_hidden/item`, which finds nothing.
    """

    id: str
    name: str
    filter: dict[str, list[str]]
    shared: bool
    own: bool
    default: bool
    alert: bool
    created_at: str


class ViewList(Struct, frozen=True, kw_only=True):
    """The caller's own views and those that are shared, by name."""

    views: tuple[ViewAnswer, ...]


def get_views(request: Request) -> Response[bytes]:
    """GET views."""
    request.only()
    return _json(ViewList(views=tuple(_answer(view) for view in administration.list_views(by(request)))))


def post_view(request: Request) -> Response[bytes]:
    """POST views: 201."""
    wanted = sent(request, ViewSent)
    with within("filter", wanted.filter):
        view = administration.add_view(by(request), _view(request, wanted))
    return _json(_answer(view), 201, f"{request.url}/{view.id}")


def get_view(request: Request) -> Response[bytes]:
    """GET views/{view}."""
    request.only()
    return _json(_answer(administration.find_view(by(request), request.params["view"])))


def put_view(request: Request) -> Response[bytes]:
    """PUT views/{view}."""
    wanted = sent(request, ViewSent)
    with within("filter", wanted.filter):
        view = administration.change_view(by(request), request.params["view"], _view(request, wanted))
    return _json(_answer(view))


def delete_view(request: Request) -> Response[bytes]:
    """DELETE views/{view}: 204."""
    request.only()
    administration.remove_view(by(request), request.params["view"])
    return Response(b"", status_code=204)


def _view(request: Request, view: ViewSent) -> NewView:
    """The view that was sent. Raises: FilterInvalidError."""
    pairs = [(name, value) for name, values in view.filter.items() for value in values_of(values)]
    return NewView(
        name=view.name,
        query=from_params(pairs, request.vocabulary),
        shared=view.shared,
        default=view.default,
        alert=view.alert,
    )


def _answer(view: ViewerView) -> ViewAnswer:
    filtered: dict[str, list[str]] = {}
    for name, value in to_params(view.query):
        filtered.setdefault(name, []).append(value)
    return ViewAnswer(
        id=view.id,
        name=view.name,
        filter=filtered,
        shared=view.shared,
        own=view.own,
        default=view.default,
        alert=view.alert,
        created_at=written(instant(view.created_at)),
    )


def _json(answer: Struct, status: int = 200, location: str | None = None) -> Response[bytes]:
    headers = {} if location is None else {"Location": location}
    return Response(msgspec.json.encode(answer), status_code=status, headers=headers, media_type=JSON)
