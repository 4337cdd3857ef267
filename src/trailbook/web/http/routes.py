"""Routes: each kind of route, and who is let in to it before its handler runs.

Owns that no handler is reached without a gate. Refuses to know what a handler does.
"""

from collections.abc import Callable
from typing import Any, Literal

from anyio import to_thread
from litestar import Request as HTTPRequest, Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from trailbook.access import Scope
from trailbook.web.http.auth import admit_api, admit_page, require_same_site, session
from trailbook.web.http.bodies import Bound, Sender
from trailbook.web.http.hashing import Hashing
from trailbook.web.http.lane import Asker
from trailbook.web.http.problems import NotAcceptableError
from trailbook.web.http.request import Admission, Request, Site, request_of, with_members
from trailbook.web.http.responses import acceptable
from trailbook.web.http.strict_json import TooLargeError

Method = Literal["GET", "POST", "PUT", "DELETE"]

Handler = Callable[[Request], Response[Any] | Hashing]


class Routes(Struct, frozen=True):
    """Makes route handlers of plain functions: the core is synchronous, so each runs in a thread of its own."""

    site: Site

    def open(self, method: Method, path: str, handler: Handler) -> HTTPRouteHandler:
        """A route that asks nobody who they are."""
        return self._route(method, path, handler, admit=None)

    def page(self, path: str, handler: Handler) -> HTTPRouteHandler:
        """A page below an organisation, for viewers with full access."""
        return self._route("GET", path, handler, admit=self._to_page)

    def api(self, method: Literal["GET"], path: str, handler: Handler) -> HTTPRouteHandler:
        """A path of the API for reading; those that record stand in `fast_path`."""
        return self._route(method, path, handler, admit=self._to("read"))

    def proofs(self, path: str, handler: Handler) -> HTTPRouteHandler:
        """A path that only those who may read proofs are let in to."""
        return self._route("GET", path, handler, admit=self._to("prove"))

    def exports(self, method: Method, path: str, handler: Handler, *, most: int = 0) -> HTTPRouteHandler:
        """A path of exports; a change of them by cookie comes from our own pages."""
        admit = self._to("export")

        def guarded(request: Request) -> Admission:
            _guard(request, method)
            return admit(request)

        return self._route(method, path, handler, admit=guarded, most=most or 16 * 1024)

    def own(self, method: Method, path: str, handler: Handler) -> HTTPRouteHandler:
        """A path of the API for what is a reader's own; a change of it by cookie comes from our own pages."""
        admit = self._to("read")

        def guarded(request: Request) -> Admission:
            _guard(request, method)
            return admit(request)

        return self._route(method, path, handler, admit=guarded)

    def form(self, path: str, handler: Handler) -> HTTPRouteHandler:
        """A form of a page below an organisation, sent from our own pages."""

        def guarded(request: Request) -> Admission:
            _guard(request, "POST")
            return self._to_page(request)

        return self._route("POST", path, handler, admit=guarded)

    def care(self, method: Method, path: str, handler: Handler) -> HTTPRouteHandler:
        """A path of the API or of the settings, for whoever may manage access."""

        def admit(request: Request) -> Admission:
            _guard(request, method)
            return self._to("administer")(request)

        return self._route(method, path, handler, admit=admit)

    def _to(self, scope: Scope) -> Callable[[Request], Admission]:
        def admit(request: Request) -> Admission:
            return admit_api(request, scope)

        return admit

    def _to_page(self, request: Request) -> Admission:
        viewer = admit_page(request)
        return Admission(viewer, viewer.item)

    def _route(
        self,
        method: Method,
        path: str,
        handler: Handler,
        *,
        admit: Callable[[Request], Admission] | None,
        most: int = 16 * 1024,
    ) -> HTTPRouteHandler:
        site, bound = self.site, Bound(most, TooLargeError, f"this path takes {most} bytes")
        # A flood of strangers would have every thread open a connection to the store, which it keeps.
        limiter = site.strangers if admit is None else site.limiter

        def let_in(request: Request) -> Request:
            return request if admit is None else with_members(request, admitted=admit(request))

        def answer(request: Request) -> Response[Any] | Hashing:
            made = handler(request)
            return made if isinstance(made, Hashing) else _answered(request, made)

        async def handle(request: HTTPRequest[Any, Any, Any]) -> Response[Any]:
            plain = request_of(site, request)
            if method in ("POST", "PUT"):  # nobody's body is read before they are let in
                bound.announced(plain.headers)
                if admit is not None:
                    plain = await to_thread.run_sync(let_in, plain, limiter=site.limiter)
                with site.bodies.space(_sender(plain)) as space:
                    whole = with_members(plain, body=await space.body(request.receive, bound))
                    return await _hashed(site, await to_thread.run_sync(answer, whole, limiter=limiter))
            return await _hashed(site, await site.lane.run(lambda: answer(let_in(plain)), _asker(plain)))

        handle.__name__ = handler.__name__
        return HTTPRouteHandler(
            path,
            http_method=method,
            name=f"{method} {path}",
            status_code=200 if method == "DELETE" else None,  # what is answered says its own
        )(handle)


def _guard(request: Request, method: Method) -> None:
    """Let a change by cookie through from our own pages only; without one it is nobody's. Raises: CrossSiteError."""
    if method != "GET" and "authorization" not in request.headers and session(request.headers) is not None:
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


def _answered(request: Request, response: Response[Any]) -> Response[Any]:
    """An answer in a form that is taken, with how much more may be asked. Raises: NotAcceptableError."""
    kind = response.media_type or ""
    shown = request.method == "GET" and response.status_code in (None, 200)
    if shown and not acceptable(request.headers.get("accept"), kind):
        raise NotAcceptableError(f"this path answers with {kind.partition(';')[0]}")
    if request.admitted is not None:
        response.headers.update(request.site.gate.left_to_read(request.viewer))
    return response
