"""The pages before the log: signing in and out, refusals, and what each problem means in plain words.

Owns the step from a one-time link to a session: a page with a button first, so that a program that only looks
at links uses none up; and that whoever signs in comes to where they wanted to be. Refuses to say why a link is no good.
"""

import logging
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from litestar import Request as HTTPRequest, Response
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import MethodNotAllowedException
from msgspec import Struct

from trailbook import administration
from trailbook.access import PERMISSIONS, SHORTEST
from trailbook.errors import (
    InvalidError,
    NotFoundError,
    NotPermittedError,
    TooManyTriesError,
    TrailbookError,
    UnauthenticatedError,
)
from trailbook.web.http import render
from trailbook.web.http.auth import cookie, require_same_site, session, signed_in
from trailbook.web.http.hashing import Hashing
from trailbook.web.http.limits import refusal_headers
from trailbook.web.http.problems import STATUS, allowed_methods, answer, problem_of, tell_fault
from trailbook.web.http.render import bare, html, see
from trailbook.web.http.request import Request, host_place, reading_language
from trailbook.web.http.site import Site, site_at
from trailbook.web.http.strict_json import MalformedError
from trailbook.web.http.texts import Words, texts_of
from trailbook.web.pages.address import address

_log = logging.getLogger("trailbook.web")
_MOMENT = 5  # seconds, after which there is room again
_PAGES = ("/orgs", "/sign-in", "/sign-out", "/language", "/set-password", "/docs", "/problems")
_ORG = re.compile(r"/orgs/([^/?]+)/activity")
# A browser reads `//host` and `/\host` as another site, and leaves out blanks that stand between.
_OWN_PATH = re.compile(r"/(?![/\\])[!-~]*")


class SignInPage(Struct, frozen=True, kw_only=True):
    """The form, or the button of a `link`; `to` is where its reader wanted to be, and `wrong` why they come again."""

    t: Words
    root: str
    hosted: bool
    here: str
    languages: tuple[tuple[str, str], ...]
    signed_out: bool
    link: str
    wrong: str
    asks_org: bool
    org: str
    to: str


def start(request: Request) -> Response[bytes]:
    """GET /: on to the log of whoever is signed in."""
    return see(_home(request.site, signed_in(request).org))


def sign_in_page(request: Request) -> Response[bytes]:
    """GET /sign-in: the form, or the button that uses a link up."""
    return _sign_in(request, link=request.only("link").get("link", ""))


def sign_in_by_form(request: Request) -> Response[bytes] | Hashing:
    """POST /sign-in: a link, or a name and a password, become a session that is new."""
    require_same_site(request)
    sent = form(request)
    try:
        return _by_link(request, sent["link"]) if "link" in sent else _by_password(request, sent)
    except TooManyTriesError as error:
        return _later(_sign_in(request, wrong="too-many", status=429, sent=sent), error.seconds)


def _by_link(request: Request, link: str) -> Response[bytes]:
    """The session of a link, or the form again. Raises: TooManyTriesError."""
    deployment = request.site.deployment
    try:
        text = deployment.credentials.sign_in(link)
        viewer = deployment.credentials.viewer(text)
    except UnauthenticatedError:
        request.site.gate.wrong_key(request.address)
        return _sign_in(request, wrong="wrong")
    administration.signed_in_by_link(deployment, viewer, request.origin)
    return _entered(request, text, "")


def _by_password(request: Request, sent: dict[str, str]) -> Hashing:
    """What looks at a password, when its turn has come. Raises: TooManyTriesError."""
    attempt = administration.SignIn(
        org=sent.get("org") or only_org(request.site),
        login=sent.get("login", ""),
        password=sent.get("password", ""),
        origin=request.origin,
    )
    begun = administration.begin_sign_in(attempt, request.site.gate.sign_ins)

    def make() -> Response[bytes]:
        deployment, later = request.site.deployment, list[Callable[[], None]]()
        try:
            text = administration.sign_in(deployment, attempt, begun, later.append)
            return _entered(request, text, sent.get("to", ""))
        except UnauthenticatedError:
            page = _sign_in(request, wrong="wrong-password", sent=sent)
            page.background = BackgroundTask(_record, later)
            return page

    def refuse() -> Response[bytes]:
        begun.take_back()
        return _later(_sign_in(request, wrong="busy", status=503, sent=sent), _MOMENT)

    return Hashing(make, refuse)


def _record(entries: list[Callable[[], None]]) -> None:
    """Record what was left for later; nobody is there any more to be told that it did not work."""
    for record in entries:
        try:
            record()
        except TrailbookError:
            _log.exception("a failed sign-in could not be recorded")


def _entered(request: Request, text: str, to: str) -> Response[bytes]:
    """On to where somebody wanted to be in the log of whose session this is; the one that was there before ends."""
    credentials = request.site.deployment.credentials
    viewer, old = credentials.viewer(text), session(request.headers)
    if old is not None:
        credentials.sign_out(old)
    home = _home(request.site, viewer.org)
    theirs = own_path(to).startswith(home) and to[len(home) : len(home) + 1] in ("", "/", "?")
    return see(to if theirs else home, cookie(text))


def sign_out_by_form(request: Request) -> Response[bytes]:
    """POST /sign-out: the session ends here and in the browser."""
    require_same_site(request)
    text = session(request.headers)
    if text is not None:
        administration.sign_out(request.site.deployment, text, request.origin)
    return see(f"{request.site.root}/sign-in", cookie(None))


def password_page(request: Request) -> Response[bytes]:
    """GET /set-password: the form that a link allows."""
    return _password(request, request.only("link").get("link", ""))


def set_password_by_form(request: Request) -> Response[bytes] | Hashing:
    """POST /set-password: the password is set, and its owner signed in."""
    require_same_site(request)
    sent = form(request)
    link, password = sent.get("link", ""), sent.get("password", "")
    try:
        administration.password_name(request.site.deployment, link)
    except UnauthenticatedError:
        return _password(request, "")
    if password != sent.get("again", ""):
        return _password(request, link, "different", 422)

    def refuse() -> Response[bytes]:
        return _later(_password(request, link, "busy", 503), _MOMENT)

    return Hashing(partial(_set_password, request, link, password), refuse)


def _set_password(request: Request, link: str, password: str) -> Response[bytes]:
    try:
        started = administration.set_password(request.site.deployment, link, password, request.origin)
    except UnauthenticatedError:
        return _password(request, "")
    except InvalidError:
        return _password(request, link, "weak", 422)
    return see(_home(request.site, started.org), cookie(started.secret))


def _home(site: Site, org: str) -> str:
    """The address of an organisation's page."""
    return f"{site.root}/orgs/{org}/activity"


def form(request: Request) -> dict[str, str]:
    """The fields of a form; of one that stands twice the last. Raises: MalformedError."""
    return dict(fields(request))


def fields(request: Request) -> list[tuple[str, str]]:
    """The fields of a form in their order. Raises: MalformedError."""
    try:
        return parse_qsl(request.body.decode("ascii"), True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise MalformedError("the form is not UTF-8 in percent-encoding") from None


def own_path(text: str) -> str:
    """A path of this site as it was sent along, or else its beginning."""
    return text if _OWN_PATH.fullmatch(text) else "/"


def only_org(site: Site) -> str:
    """The organisation where there is one only; else none, and the form asks."""
    orgs = site.deployment.orgs()
    return orgs[0] if len(orgs) == 1 else ""


def _sign_in(
    request: Request,
    *,
    link: str = "",
    wrong: str = "",
    status: int = 0,
    sent: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """The form, with what was `sent` of it by whoever comes again but for the password."""
    kept = sent or {}
    model = _form(
        request.site,
        request.words,
        here=address(f"{request.site.root}/sign-in", [("link", link)] if link else []),
        link=link,
        wrong=wrong,
        to=kept.get("to", ""),
        org=kept.get("org", ""),
    )
    return render.page("sign-in.html", (model,), status=status or (401 if wrong else 200))


def _form(site: Site, words: Words, *, here: str, **more: Any) -> SignInPage:
    around = bare(site, words, here)
    signed_out = more["to"].startswith(f"{site.root}/orgs/") and not more["wrong"]
    return SignInPage(**around, asks_org=not only_org(site), signed_out=signed_out, **more)


def _signed_out(site: Site, words: Words, wanted: str) -> SignInPage:
    """The form for whoever wanted to be somewhere: it says what they asked for, and nothing of what there is."""
    org = _ORG.match(wanted.removeprefix(site.root))
    return _form(site, words, here=wanted, link="", wrong="", to=wanted, org=org[1] if org else "")


def _later(page: Response[bytes], seconds: float) -> Response[bytes]:
    """A form, and when to come back to it."""
    page.headers["Retry-After"] = str(math.ceil(seconds))
    return page


def _password(request: Request, link: str, wrong: str = "", status: int = 200) -> Response[bytes]:
    login = ""
    try:
        login = administration.password_name(request.site.deployment, link)
    except UnauthenticatedError:
        link, wrong, status = "", "link", 401
    return html(
        "set-password.html",
        status,
        **bare(request.site, request.words, _password_address(request.site, link)),
        link=link,
        login=login,
        wrong=wrong,
        shortest=SHORTEST,
    )


def _password_address(site: Site, link: str) -> str:
    return address(f"{site.root}/set-password", [("link", link)] if link else [])


def problem_page(request: Request) -> Response[bytes]:
    """GET /problems/{code}: what a problem means. Raises: NotFoundError."""
    code = request.params["code"]
    if code not in STATUS:
        raise NotFoundError("there is no such problem")
    return html(
        "problem.html",
        **bare(request.site, request.words, request.path),
        code=code,
        http=STATUS[code],
    )


def nowhere(request: Request) -> Response[bytes]:
    """GET whatever else lies below an organisation's page. Raises: NotFoundError."""
    raise NotFoundError("there is no such page")


def refusal(site: Site) -> Callable[[HTTPRequest[Any, Any, Any], Exception], Response[bytes]]:
    """What every exception is answered with: a page below the pages' paths, a problem elsewhere."""

    def refused(request: HTTPRequest[Any, Any, Any], error: Exception) -> Response[bytes]:
        return _refused(site_at(site, host_place(request.scope)), request, error)

    return refused


def _refused(site: Site, request: HTTPRequest[Any, Any, Any], error: Exception) -> Response[bytes]:
    id_ = request.scope["state"]["request_id"]
    problem = problem_of(error, site.base_url, id_)
    path = request.scope["path"]
    more = refusal_headers(error)
    if isinstance(error, MethodNotAllowedException):
        more["Allow"] = allowed_methods(request.app, path)
    tell_fault(problem, error)
    if not _wants_page(request, path):
        return answer(problem, more)
    t = texts_of(reading_language(site, request.headers))
    part = render.partial(request.headers)
    if problem.code == UnauthenticatedError.code:
        page = _unknown(site, t, _wanted(request, site), part=part)
        page.headers.update(more)
        return page
    # What failed stands beside the rows that are there; what is refused takes their place.
    beside = part and problem.status >= 500
    if beside:
        more |= {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"}
    page = html(
        "failed.html" if beside else "refused.html",
        problem.status,
        part=part,
        **bare(site, t, _wanted(request, site)),
        code=problem.code,
        request_id=id_,
        missing=_missing(error),
    )
    page.headers.update(more)
    return page


def _unknown(site: Site, t: Words, wanted: str, *, part: bool) -> Response[bytes]:
    """What nobody is shown: the form to sign in with, or where a host signs people in, the way there."""
    if site.hosted:
        return html("host-sign-in.html", 401, part=part, **bare(site, t, wanted), sign_in=site.sign_in)
    return render.page("sign-in.html", (_signed_out(site, t, wanted),), status=401, part=part)


def _wanted(request: HTTPRequest[Any, Any, Any], site: Site) -> str:
    """The address that somebody asked for; of a part that a script asks for, the page that it is of."""
    path = f"{site.root}{quote(request.scope['path'], safe='/:')}"
    query = request.scope["query_string"].decode("latin-1")
    page = request.headers.get("hx-current-url", "")
    if render.partial(request.headers) and page and request.headers.get("hx-boosted") != "true":
        try:
            path, query = urlsplit(page)[2:4]
        except ValueError:  # nobody's browser sends such an address
            path, query = "/", ""
    return f"{path}?{query}" if query else path


def _missing(error: Exception) -> str:
    """The system permission that a refusal is about, by its name in words files."""
    missing = error.permission if isinstance(error, NotPermittedError) else None
    return next((name for name, title in PERMISSIONS.items() if title == missing), "activity_log")


def _wants_page(request: HTTPRequest[Any, Any, Any], path: str) -> bool:
    if path == "/" or path.startswith(tuple(f"{p}/" for p in _PAGES)) or path in _PAGES:
        return True
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")
