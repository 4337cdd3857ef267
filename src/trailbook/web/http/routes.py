"""Routes: how a row of the application's table becomes what the framework calls.

Owns that no handler is reached but through the door its row names. Refuses to know what a handler does.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from anyio import to_thread
from litestar import Request as HTTPRequest, Response
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from trailbook.access import require_verifying
from trailbook.web.http.auth import admit_api, admit_page, has_session, require_same_site
from trailbook.web.http.bodies import Bound, Sender
from trailbook.web.http.hashing import Hashing
from trailbook.web.http.lane import Asker
from trailbook.web.http.limits import Rate
from trailbook.web.http.problems import NotAcceptableError
from trailbook.web.http.request import Admission, Request, request_of, with_members
from trailbook.web.http.responses import acceptable
from trailbook.web.http.site import Site
from trailbook.web.http.strict_json import TooLargeError

# Who is let in: whoever comes; who may see the pages, or start a verification on one; or who has the scope, as a key or
# by permission.
Door = Literal["open", "page", "verify", "read", "export", "prove", "administer"]
Handler = Callable[[Request], Response[Any] | Hashing]
OwnHandler = Callable[[Site, HTTPRequest[Any, Any, Any]], Awaitable[Response[Any]]]


class Route(Struct, frozen=True):
    """A route: how and where it is asked, who is let in, and what answers.

    Its body has at most `most` bytes; a request counts against `rate`.
    """

    name: str
    door: Door
    handler: Handler
    most: int = 16 * 1024
    rate: Rate = "reading"


class OwnRoute(Struct, frozen=True):
    """A route whose handler reads the request and lets in itself, as what records and what streams must."""

    name: str
    handler: OwnHandler


def mounted(site: Site, route: Route | OwnRoute) -> HTTPRouteHandler:
    """A row of the table as the framework takes it."""
    method, _, path = route.name.partition(" ")
    handle = _own(site, route) if isinstance(route, OwnRoute) else _through_the_door(site, route)
    # What is answered says its own status; of a DELETE the framework would say that nothing is.
    status = 200 if method == "DELETE" else None
    return HTTPRouteHandler(path, http_method=HttpMethod(method), name=route.name, status_code=status)(handle)


def _own(site: Site, route: OwnRoute) -> Callable[..., Awaitable[Response[Any]]]:
    async def handle(request: HTTPRequest[Any, Any, Any]) -> Response[Any]:
        return await route.handler(site, request)

    return handle


def _through_the_door(site: Site, route: Route) -> Callable[..., Awaitable[Response[Any]]]:
    """The core is synchronous: who asks is let in, and answered, in a thread of their own."""
    bound = Bound(route.most, TooLargeError, f"this path takes {route.most} bytes")
    # A flood of strangers would have every thread open a connection to the store, which it keeps.
    limiter = site.strangers if route.door == "open" else site.limiter
    changes = route.name.startswith(("POST", "PUT"))

    def let_in(request: Request) -> Request:
        return request if route.door == "open" else with_members(request, admitted=_admit(request, route))

    def answer(request: Request) -> Response[Any] | Hashing:
        made = route.handler(request)
        return made if isinstance(made, Hashing) else _answered(request, made, route.rate)

    async def handle(request: HTTPRequest[Any, Any, Any]) -> Response[Any]:
        plain = request_of(site, request)
        if changes:  # nobody's body is read before they are let in
            bound.announced(plain.headers)
            if route.door != "open":
                plain = await to_thread.run_sync(let_in, plain, limiter=site.limiter)
            with site.bodies.space(_sender(plain)) as space:
                whole = with_members(plain, body=await space.body(request.receive, bound))
                return await _hashed(site, await to_thread.run_sync(answer, whole, limiter=limiter))
        return await _hashed(site, await site.lane.run(lambda: answer(let_in(plain)), _asker(plain)))

    return handle


def _admit(request: Request, route: Route) -> Admission:
    """Whoever may come through a route's door. Raises: CrossSiteError; as `admit_page` and `admit_api`."""
    _guard(request)
    assert route.door != "open"
    if route.door == "verify":
        return admit_page(request, require_verifying)
    return admit_page(request) if route.door == "page" else admit_api(request, route.door, rate=route.rate)


def _guard(request: Request) -> None:
    """Let a change by cookie through from our own pages only; without one it is nobody's. Raises: CrossSiteError."""
    by_cookie = "authorization" not in request.headers and has_session(request)
    if request.method != "GET" and by_cookie:
        require_same_site(request)


def _sender(request: Request) -> Sender:
    """Whose a body is: that of whoever was let in, and where nobody is asked, of the address."""
    if request.admitted is None:
        address = "address", request.address
        return Sender(address, address)
    item = request.viewer.item
    return Sender((request.viewer.org, item.type, item.id), request.viewer.org)


def _asker(request: Request) -> Asker:
    """Who asks, before it is known whether they may: the key that they name, their session, or else their address.

    The keys of an organisation and its people are two parties: no program without pause comes before every person.
    """
    headers, org = request.headers, request.params.get("org")
    key = headers.get("authorization", "").rpartition("_")[0]  # whatever its secret is said to be
    if key:
        return Asker(key, (org, "keys"))
    return Asker(headers.get("cookie") or request.address, (org, "people"))


async def _hashed(site: Site, made: Response[Any] | Hashing) -> Response[Any]:
    """The answer, also where a password is hashed for it first."""
    return await site.hashing.run(made) if isinstance(made, Hashing) else made


def _answered(request: Request, response: Response[Any], rate: Rate) -> Response[Any]:
    """An answer in a form that is taken, with how much more may be asked. Raises: NotAcceptableError."""
    kind = response.media_type or ""
    shown = request.method == "GET" and response.status_code in (None, 200)
    if shown and not acceptable(request.headers.get("accept"), kind):
        raise NotAcceptableError(f"this path answers with {kind.partition(';')[0]}")
    if request.admitted is not None:
        response.headers.update(request.site.gate.left_to_read(request.viewer, rate))
    return response
