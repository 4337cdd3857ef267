"""A request as the handlers see it: who asks, of which organisation, with which parameters.

Owns the step from the framework's request to plain data, and the threads in which the synchronous core runs.
Refuses parameters that are not UTF-8, and knows no route.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from litestar import Request as HTTPRequest
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct, structs

from trailbook.access.credentials import Scope
from trailbook.access.viewer import Viewer
from trailbook.deployment.deployment import Deployment
from trailbook.errors import Fault, InvalidError, NotFoundError
from trailbook.export.runner import Runner
from trailbook.log.log import Log
from trailbook.model import MAX_USER_AGENT, Item, Origin, ip_fault, text_fault
from trailbook.web.http.auth import admit_api, admit_page, require_same_site, session
from trailbook.web.http.lane import Lane
from trailbook.web.http.limits import Gate
from trailbook.web.http.problems import NotAcceptableError
from trailbook.web.http.responses import acceptable
from trailbook.web.http.row_cache import Drawn
from trailbook.web.http.strict_json import MalformedError
from trailbook.web.http.texts import Words, language, words

THREADS = 32


class ParameterInvalidError(InvalidError):
    """A parameter that is no part of a filter is unknown or broken."""

    code = "parameter-invalid"


def refuse_parameters(faults: Sequence[Fault]) -> None:
    """Refuse parameters at fault, where there are any. Raises: ParameterInvalidError."""
    if faults:
        detail = "; ".join(f"{fault.pointer[1:]}: {fault.detail}" for fault in faults)
        raise ParameterInvalidError(detail, tuple(faults))


class Site(Struct, frozen=True):
    """What every handler of one application shares."""

    deployment: Deployment
    base_url: str
    timezone: str
    limiter: CapacityLimiter
    exports: Runner
    gate: Gate
    drawn: Drawn
    lane: Lane


class Request(Struct, frozen=True, kw_only=True):
    """One request; `viewer` and `source` are who was let in, where the route lets anybody in at all."""

    site: Site
    method: str
    path: str
    params: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    request_id: str
    lang: str
    body: bytes = b""
    address: str | None = None
    admitted: tuple[Viewer, Item] | None = None

    @property
    def org(self) -> str:
        return self.params["org"]

    @property
    def origin(self) -> Origin:
        """Where the request came from, as an entry says it; what breaks the rules of an origin is left out."""
        agent = self.headers.get("user-agent")
        return Origin(
            interface="api" if self.path.startswith("/api/") else "web",
            ip=None if self.address is None or ip_fault(self.address) else self.address,
            user_agent=None if agent is None or text_fault(agent, MAX_USER_AGENT) else agent,
        )

    @property
    def viewer(self) -> Viewer:
        """Who was let in to read."""
        assert self.admitted is not None
        return self.admitted[0]

    @property
    def log(self) -> Log:
        """The organisation's log. Raises: NotFoundError."""
        return self.site.deployment.log(self.org)

    @property
    def words(self) -> Words:
        return words(self.lang)

    def entry_id(self, text: str) -> UUID:
        """An entry's id in the address. Raises: NotFoundError, as for an entry that is not there."""
        try:
            return UUID(text)
        except ValueError:
            raise NotFoundError("there is no such entry") from None

    def only(self, *known: str) -> dict[str, str]:
        """The parameters by name, each at most once and all known. Raises: ParameterInvalidError."""
        faults = []
        for name in dict.fromkeys(name for name, _ in self.pairs):
            if name not in known:
                faults.append(Fault(f"/{name[:80]}", "parameter-unknown", "is not a parameter of this path"))
            elif sum(1 for other, _ in self.pairs if other == name) > 1:
                faults.append(Fault(f"/{name}", "parameter-invalid", "is given more than once"))
        refuse_parameters(faults)
        return dict(self.pairs)


Method = Literal["GET", "POST", "PUT", "DELETE"]
Handler = Callable[[Request], Response[Any]]


def asked_of(site: Site, request: HTTPRequest[Any, Any, Any]) -> Request:
    """The request as plain data, nobody let in yet. Raises: MalformedError."""
    params = {name: str(value) for name, value in request.path_params.items()}
    return asked_in(site, request.scope, params)


def asked_in(site: Site, scope: Any, params: Mapping[str, str]) -> Request:
    """A request of the gateway as plain data, nobody let in yet. Raises: MalformedError."""
    given = scope["query_string"]
    try:
        pairs = parse_qsl(given.decode("ascii"), True, errors="strict") if given else []
    except (UnicodeDecodeError, ValueError):
        raise MalformedError("the address is not UTF-8 in percent-encoding") from None
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        site=site,
        method=scope["method"],
        path=scope["path"],
        params=params,
        pairs=tuple(pairs),
        headers=headers,
        address=scope["client"][0] if scope.get("client") else None,
        request_id=scope["state"]["request_id"],
        lang=language(headers.get("accept-language")),
    )


class Routes(Struct, frozen=True):
    """Makes route handlers of plain functions: the core is synchronous, so each runs in a thread of its own."""

    site: Site

    def open(self, method: Method, path: str, handler: Handler) -> HTTPRouteHandler:
        """A route that asks nobody who they are."""
        return self._route(method, path, handler, admit=None)

    def page(self, path: str, handler: Handler) -> HTTPRouteHandler:
        """A page below an organisation, for viewers with full access."""
        return self._route("GET", path, handler, admit=self._to_page)

    def api(self, method: Method, path: str, handler: Handler, *, most: int = 0) -> HTTPRouteHandler:
        """A path of the API: reading for GET, recording (of at most `most` bytes) for POST."""
        admit = self._to("record" if method == "POST" else "read")
        return self._route(method, path, handler, admit=admit, most=most)

    def proofs(self, path: str, handler: Handler) -> HTTPRouteHandler:
        """A path that only those who may read proofs are let in to."""
        return self._route("GET", path, handler, admit=self._to("prove"))

    def exports(self, method: Method, path: str, handler: Handler, *, most: int = 0) -> HTTPRouteHandler:
        """A path of exports; a change of them by cookie comes from our own pages."""
        admit = self._to("export")

        def guarded(request: Request) -> tuple[Viewer, Item]:
            _guard(request, method)
            return admit(request)

        return self._route(method, path, handler, admit=guarded, most=most or 16 * 1024)

    def own(self, method: Method, path: str, handler: Handler) -> HTTPRouteHandler:
        """A path of the API for what is a reader's own; a change of it by cookie comes from our own pages."""
        admit = self._to("read")

        def guarded(request: Request) -> tuple[Viewer, Item]:
            _guard(request, method)
            return admit(request)

        return self._route(method, path, handler, admit=guarded)

    def form(self, path: str, handler: Handler) -> HTTPRouteHandler:
        """A form of a page below an organisation, sent from our own pages."""

        def guarded(request: Request) -> tuple[Viewer, Item]:
            _guard(request, "POST")
            return self._to_page(request)

        return self._route("POST", path, handler, admit=guarded)

    def care(self, method: Method, path: str, handler: Handler) -> HTTPRouteHandler:
        """A path of the API or of the settings, for whoever may manage access."""

        def admit(request: Request) -> tuple[Viewer, Item]:
            _guard(request, method)
            return self._to("administer")(request)

        return self._route(method, path, handler, admit=admit)

    def _to(self, scope: Scope) -> Callable[[Request], tuple[Viewer, Item]]:
        def admit(request: Request) -> tuple[Viewer, Item]:
            return admit_api(request, scope)

        return admit

    def _to_page(self, request: Request) -> tuple[Viewer, Item]:
        viewer = admit_page(request)
        return viewer, viewer.item

    def _route(
        self,
        method: Method,
        path: str,
        handler: Handler,
        *,
        admit: Callable[[Request], tuple[Viewer, Item]] | None,
        most: int = 16 * 1024,
    ) -> HTTPRouteHandler:
        site = self.site

        def let_in(request: Request) -> Request:
            return request if admit is None else _with(request, admitted=admit(request))

        def answer(request: Request) -> Response[Any]:
            return _answered(request, handler(request))

        async def handle(request: HTTPRequest[Any, Any, Any]) -> Response[Any]:
            asked = asked_of(site, request)
            if method in ("POST", "PUT"):  # nobody's body is read before they are let in
                asked = await to_thread.run_sync(let_in, asked, limiter=site.limiter)
                asked = _with(asked, body=await request.body())
                return await to_thread.run_sync(answer, asked, limiter=site.limiter)
            return await site.lane.run(lambda: answer(let_in(asked)))

        handle.__name__ = handler.__name__
        return HTTPRouteHandler(
            path,
            http_method=method,
            request_max_body_size=most,
            name=f"{method} {path}",
            status_code=200 if method == "DELETE" else None,  # what is answered says its own
        )(handle)


def _guard(request: Request, method: Method) -> None:
    """Let a change by cookie through from our own pages only; without one it is nobody's. Raises: CrossSiteError."""
    if method != "GET" and "authorization" not in request.headers and session(request.headers) is not None:
        require_same_site(request.headers, request.site.base_url)


def _answered(request: Request, found: Response[Any]) -> Response[Any]:
    """An answer in a form that is taken, with how much more may be asked. Raises: NotAcceptableError."""
    kind = found.media_type or ""
    shown = request.method == "GET" and found.status_code in (None, 200)
    if shown and not acceptable(request.headers.get("accept"), kind):
        raise NotAcceptableError(f"this path answers with {kind.partition(';')[0]}")
    if request.admitted is not None:
        found.headers.update(request.site.gate.left_to_read(request.viewer))
    return found


def _with(request: Request, **more: Any) -> Request:
    return structs.replace(request, **more)


async def off_loop(chunks: Iterator[bytes], limiter: CapacityLimiter) -> AsyncIterator[bytes]:
    """The pieces of a file, each made in a thread: an error among them breaks the transfer."""
    while (chunk := await to_thread.run_sync(next, chunks, None, limiter=limiter)) is not None:
        yield chunk
