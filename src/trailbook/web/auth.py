"""Who asks: an API key in a header, or a session in a cookie; and how a one-time link becomes a session.

Owns the order 401, then 403, before anything is looked up, so that what is absent and what is foreign answer
alike. Refuses a cookie for anything that records, and any change by cookie that another site began.
"""

from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie

from trailbook.access import Viewer, require_access, require_exports, require_full, require_proofs
from trailbook.credentials import Credentials, Scope
from trailbook.errors import UnauthenticatedError
from trailbook.model import Item
from trailbook.web.problems import CrossSiteError

COOKIE = "__Host-trailbook"
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
_WRONG = "sign in, or give a valid API key"

# What somebody who is signed in needs, where a key needs the scope.
_NEEDS: dict[Scope, Callable[[Viewer, str], None]] = {
    "read": require_full,
    "export": require_exports,
    "prove": require_proofs,
    "administer": require_access,
}


def admit_api(
    credentials: Credentials, headers: Mapping[str, str], *, scope: Scope, org: str
) -> tuple[Viewer, Item]:
    """Whoever may use the API of `org` in this scope: the viewer, and the source of what they record.

    Raises: UnauthenticatedError; NotPermittedError, alike for organisations that are and are not.
    """
    bearer = headers.get("authorization")
    if bearer is None and scope != "record" and session(headers) is not None:
        viewer = signed_in(credentials, headers)
        _NEEDS[scope](viewer, org)
        return viewer, viewer.item
    kind, _, text = (bearer or "").partition(" ")
    if kind.lower() != "bearer":
        raise UnauthenticatedError(_WRONG)
    found = credentials.credential(text.strip())
    found.require(scope, org)
    return found.viewer(), found.source


def admit_page(credentials: Credentials, headers: Mapping[str, str], org: str) -> Viewer:
    """The viewer who may read the pages of `org`. Raises: UnauthenticatedError, NotPermittedError."""
    viewer = signed_in(credentials, headers)
    require_full(viewer, org)
    return viewer


def signed_in(credentials: Credentials, headers: Mapping[str, str]) -> Viewer:
    """Whose session the cookie is. Raises: UnauthenticatedError."""
    text = session(headers)
    if text is None:
        raise UnauthenticatedError(_WRONG)
    return credentials.viewer(text)


def session(headers: Mapping[str, str]) -> str | None:
    """The session's text in the cookie, if there is one."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def cookie(text: str | None) -> str:
    """The Set-Cookie header that keeps a session in the browser, or with None lets go of it."""
    return f"{COOKIE}={text}; {_ATTRIBUTES}" if text else f"{COOKIE}=; {_ATTRIBUTES}; Max-Age=0"


def require_same_site(headers: Mapping[str, str], base_url: str) -> None:
    """Let a change by cookie through only from our own pages. Raises: CrossSiteError."""
    fetched = headers.get("sec-fetch-site")
    own = fetched == "same-origin" if fetched is not None else headers.get("origin") == base_url
    if not own:
        raise CrossSiteError("this must be sent from Trailbook's own page; open the page and try again")
