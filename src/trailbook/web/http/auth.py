"""Who asks: an API key in a header, or a session, in a cookie of ours or a host's own.

Owns the order 401, then 403, before anything is looked up, so that what is absent and what is foreign answer
alike. Refuses a cookie for anything that records, and any change by cookie that another site began.
"""

from collections.abc import Callable, Mapping
from functools import partial
from http.cookies import CookieError, SimpleCookie

from msgspec import structs

from trailbook.access import (
    Credential,
    Scope,
    Viewer,
    require_access,
    require_exports,
    require_full,
    require_proofs,
)
from trailbook.deployment import Deployment
from trailbook.errors import NotFoundError, NotPermittedError, UnauthenticatedError
from trailbook.model import Item
from trailbook.web.http.limits import Rate
from trailbook.web.http.problems import CrossSiteError
from trailbook.web.http.request import Admission, Request
from trailbook.web.http.site import HostUser

COOKIE = "__Host-trailbook"
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
_WRONG = "sign in, or give a valid API key"
_READING = "Activity log"  # the permission that whom a host signed in and the log does not know has not

# What somebody who is signed in needs, where a key needs the scope.
_NEEDS: dict[Scope, Callable[[Viewer, str], None]] = {
    "read": require_full,
    "export": require_exports,
    "prove": require_proofs,
    "administer": require_access,
}


def admit_api(request: Request, scope: Scope, *, again: bool = False, rate: Rate = "reading") -> Admission:
    """Whoever may use the API of an organisation in this scope: the viewer, and the source of what they record.

    `again`: the request was counted when it began, and whether it may go on is asked. `rate`: what it counts against.
    Raises: UnauthenticatedError; TooManyTriesError; NotPermittedError, alike for organisations that are and are not.
    """
    bearer = request.headers.get("authorization")
    if bearer is None and scope != "record" and has_session(request):
        viewer = signed_in(request)
        return _let_in(request, viewer, partial(_NEEDS[scope], viewer), again=again, rate=rate)
    kind, _, text = (bearer or "").partition(" ")
    if kind.lower() != "bearer":
        raise UnauthenticatedError(_WRONG)
    credential = _key(request, text.strip())
    if scope == "record":  # counted by entries, and no reading
        credential.require(scope, request.org)
        return Admission(credential.viewer(), credential.source, request.log)
    viewer, need = credential.viewer(), partial(credential.require, scope)
    return _let_in(request, viewer, need, source=credential.source, again=again, rate=rate)


def admit_page(request: Request, need: Callable[[Viewer, str], None] = require_full) -> Admission:
    """Whoever may read the pages of an organisation, or has what one page needs.

    Raises: UnauthenticatedError, TooManyTriesError, NotPermittedError.
    """
    viewer = signed_in(request)
    return _let_in(request, viewer, partial(need, viewer))


def signed_in(request: Request) -> Viewer:
    """Whose session the cookie is, or whom the host has signed in. Raises: UnauthenticatedError, SuspendedError."""
    if request.site.hosted:
        return host_viewer(request.site.deployment, request.host_user)
    text = session(request.headers)
    if text is None:
        raise UnauthenticatedError(_WRONG)
    return request.site.deployment.credentials.viewer(text)


def has_session(request: Request) -> bool:
    """Whether a request without a key is somebody's: by our cookie, or where there is a host by the host alone."""
    user = request.host_user if request.site.hosted else session(request.headers)
    return user is not None


def host_viewer(deployment: Deployment, user: HostUser | None) -> Viewer:
    """Whom a host has signed in, with what their roles give now; the one rule of every page inside a host.

    Raises: UnauthenticatedError for nobody, SuspendedError; NotPermittedError for whom the log does not know or lets in
    no more: to sign in to the host once more would lead nowhere else.
    """
    if user is None:
        raise UnauthenticatedError(_WRONG)
    try:
        deployment.log(user.org)
        return deployment.credentials.person(user.org, user.item)
    except (NotFoundError, UnauthenticatedError):  # an organisation without a log lets nobody in
        raise NotPermittedError(_READING) from None


def _key(request: Request, text: str) -> Credential:
    """The key that a text is; only wrong ones are counted. Raises: UnauthenticatedError, TooManyTriesError."""
    try:
        return request.site.deployment.credentials.credential(text)
    except UnauthenticatedError:
        request.site.gate.wrong_key(request.address)
        raise


def _let_in(
    request: Request,
    viewer: Viewer,
    need: Callable[[str], None],
    *,
    source: Item | None = None,
    again: bool = False,
    rate: Rate = "reading",
) -> Admission:
    """The viewer, counted, with where they read from, if they have what they `need` in the organisation.

    Who is refused is an entry in their own log.

    Raises: TooManyTriesError, NotPermittedError.
    """
    if not again:
        request.site.gate.read(viewer, rate)
    reading = structs.replace(viewer, origin=request.origin)
    try:
        need(request.org)
    except NotPermittedError:
        request.site.deployment.refused(reading)
        raise
    return Admission(reading, source or viewer.item, request.log)


def session(headers: Mapping[str, str]) -> str | None:
    """The session's text in the cookie, if there is one."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def cookie(text: str | None) -> str:
    """The Set-Cookie header that keeps a session in the browser, or with None lets go of it."""
    return f"{COOKIE}={text}; {_ATTRIBUTES}" if text else f"{COOKIE}=; {_ATTRIBUTES}; Max-Age=0"


def require_same_site(request: Request) -> None:
    """Let a change by cookie through only from our own pages. Raises: CrossSiteError."""
    fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = origin is not None and origin in (request.site.origin, request.sent_to)
    if not (ours if fetched is None else fetched == "same-origin"):
        raise CrossSiteError("this must be sent from Trailbook's own page; open the page and try again")
