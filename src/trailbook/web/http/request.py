"""A request as the handlers see it: who asks, of which organisation, with which parameters.

Owns the step from the framework's request to plain data. Refuses parameters that are not UTF-8, and knows no route.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import UUID

from litestar import Request as HTTPRequest
from msgspec import Struct, structs

from trailbook.access import Viewer
from trailbook.catalogue import Catalogue
from trailbook.errors import Fault, InvalidError, NotFoundError
from trailbook.log import Log
from trailbook.model import MAX_USER_AGENT, Item, Origin, ip_fault, text_fault
from trailbook.query import Vocabulary
from trailbook.web.http.preferences import preference
from trailbook.web.http.site import HostPlace, HostUser, Site, site_at
from trailbook.web.http.strict_json import MalformedError
from trailbook.web.http.texts import Words, language, texts_of

# In a scope, whom the host has signed in, how a thread asks it once more, and at which of its places the page is asked
# for; all believed where there is a host alone.
HOST_USER, HOST_AGAIN, HOST_PLACE = "trailbook.host_user", "trailbook.host_again", "trailbook.host_place"


class ParameterInvalidError(InvalidError):
    """A parameter that is no part of a filter is unknown or broken."""

    code = "parameter-invalid"


def refuse_parameters(faults: Sequence[Fault]) -> None:
    """Refuse parameters at fault, where there are any. Raises: ParameterInvalidError."""
    if faults:
        detail = "; ".join(f"{fault.pointer[1:]}: {fault.detail}" for fault in faults)
        raise ParameterInvalidError(detail, tuple(faults))


@contextmanager
def within(member: str, names: Container[str]) -> Iterator[None]:
    """Let faults of the parameters that stand in a member of the body point at them there: /filter/category."""
    try:
        yield
    except InvalidError as error:
        error.faults = tuple(
            Fault(f"/{member}{fault.pointer}", fault.code, fault.detail)
            if fault.pointer.split("/")[1:2] and fault.pointer.split("/")[1] in names
            else fault
            for fault in error.faults
        )
        raise


class Admission(Struct, frozen=True, gc=False):
    """Who was let in: as the viewer of what they read, as the source of what they record, and to which log."""

    viewer: Viewer
    source: Item
    log: Log


class Request(Struct, frozen=True, kw_only=True):
    """One request; `viewer` and `source` are who was let in, where the route lets anybody in at all.

    `path` is that of the address that people use, encoded as an address has it. `address` is where it came from, and
    `sent_to` the site it was sent to where a trusted proxy says so. `host_user` is whom the host has signed in, if
    there is a host, and `host_again` asks it once more, from a thread that works for the server's loop.
    """

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
    sent_to: str | None = None
    host_user: HostUser | None = None
    host_again: Callable[[], HostUser | None] | None = None
    admitted: Admission | None = None

    @property
    def url(self) -> str:
        """The address of what is asked for, without its parameters."""
        return f"{self.site.origin}{self.path}"

    @property
    def org(self) -> str:
        return self.params["org"]

    @property
    def origin(self) -> Origin:
        """Where the request came from, as an entry says it; what breaks the rules of an origin is left out."""
        agent = self.headers.get("user-agent")
        return Origin(
            interface="api" if self.path.startswith(f"{self.site.root}/api/") else "web",
            ip=None if self.address is None or ip_fault(self.address) else self.address,
            user_agent=None if agent is None or text_fault(agent, MAX_USER_AGENT) else agent,
        )

    @property
    def viewer(self) -> Viewer:
        """Who was let in to read."""
        assert self.admitted is not None
        return self.admitted.viewer

    @property
    def source(self) -> Item:
        """Under which source whoever was let in records."""
        assert self.admitted is not None
        return self.admitted.source

    @property
    def log(self) -> Log:
        """The organisation's log. Raises: NotFoundError."""
        return self.site.deployment.log(self.org) if self.admitted is None else self.admitted.log

    @property
    def catalogue(self) -> Catalogue:
        """What may be recorded here."""
        return self.site.deployment.catalogue

    @property
    def vocabulary(self) -> Vocabulary:
        """The names that a filter may use."""
        known = self.catalogue
        return Vocabulary(categories=known.categories, actions=known.actions, types=known.types)

    @property
    def words(self) -> Words:
        return texts_of(self.lang)

    @property
    def entry_id(self) -> UUID:
        """The entry's id in the path. Raises: NotFoundError, as for an entry that is not there."""
        try:
            return UUID(self.params["id"].strip("/"))
        except ValueError:
            raise NotFoundError("there is no such entry") from None

    def only(self, *names: str) -> dict[str, str]:
        """The parameters by name, each at most once, and none but these. Raises: ParameterInvalidError."""
        faults = []
        for name in dict.fromkeys(name for name, _ in self.pairs):
            if name not in names:
                faults.append(Fault(f"/{name[:80]}", "parameter-unknown", "is not a parameter of this path"))
            elif sum(1 for other, _ in self.pairs if other == name) > 1:
                faults.append(Fault(f"/{name}", "parameter-invalid", "is given more than once"))
        refuse_parameters(faults)
        return dict(self.pairs)


def request_of(site: Site, request: HTTPRequest[Any, Any, Any]) -> Request:
    """The request as plain data, nobody let in yet. Raises: MalformedError."""
    params = {name: str(value) for name, value in request.path_params.items()}
    return request_in(site, request.scope, params)


def request_in(site: Site, scope: Any, params: Mapping[str, str]) -> Request:
    """A request of the gateway as plain data, nobody let in yet. Raises: MalformedError."""
    site, query = site_at(site, host_place(scope)), scope["query_string"]
    try:
        pairs = parse_qsl(query.decode("ascii"), True, errors="strict") if query else []
    except (UnicodeDecodeError, ValueError):
        raise MalformedError("the address is not UTF-8 in percent-encoding") from None
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    way = site.proxies.way(scope["client"][0] if scope.get("client") else None, scope["headers"])
    return Request(
        site=site,
        method=scope["method"],
        path=f"{site.root}{quote(scope['path'], safe='/:')}",
        params=params,
        pairs=tuple(pairs),
        headers=headers,
        address=way.address,
        sent_to=way.site,
        request_id=scope["state"]["request_id"],
        lang=reading_language(site, headers),
        host_user=scope.get(HOST_USER) if site.hosted else None,
        host_again=scope.get(HOST_AGAIN) if site.hosted else None,
    )


def host_place(scope: Any) -> HostPlace | None:
    """At which of a host's places a request is, where it has several."""
    place: HostPlace | None = scope.get(HOST_PLACE)
    return place


def reading_language(site: Site, headers: Mapping[str, str]) -> str:
    """The language a reader chose, where it is enabled; else the one that their browser asks for first."""
    chosen = preference(headers, "lang")
    return chosen if chosen in site.languages else language(headers.get("accept-language"), site.languages)


def with_members(request: Request, **more: Any) -> Request:
    """The same request with other members, such as who was let in."""
    return structs.replace(request, **more)
