"""The pages before the log: signing in and out, refusals, and what each problem means in plain words.

Owns the step from a one-time link to a session: a page with a button first, so that a program that only looks
at links uses none up. Refuses to say why a link is no good.
"""

import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request as HTTPRequest, Response
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import MethodNotAllowedException

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
from trailbook.web.http.render import html
from trailbook.web.http.request import Request
from trailbook.web.http.site import Site
from trailbook.web.http.strict_json import MalformedError
from trailbook.web.http.texts import language, texts_of

_log = logging.getLogger("trailbook.web")
_MOMENT = 5  # seconds, after which there is room again
_PAGES = ("/orgs", "/sign-in", "/sign-out", "/set-password", "/docs", "/problems")


def start(request: Request) -> Response[bytes]:
    """GET /: on to the log of whoever is signed in."""
    viewer = signed_in(request.site.deployment.credentials, request.headers)
    return _see(f"/orgs/{viewer.org}/activity")


def sign_in_page(request: Request) -> Response[bytes]:
    """GET /sign-in: the form, or the button that uses a link up."""
    return _sign_in(request, request.only("link").get("link", ""))


def sign_in_by_form(request: Request) -> Response[bytes] | Hashing:
    """POST /sign-in: a link, or a name and a password, become a session that is new."""
    require_same_site(request)
    sent = form(request)
    try:
        return _by_link(request, sent["link"]) if "link" in sent else _by_password(request, sent)
    except TooManyTriesError as error:
        return _later(_sign_in(request, "", "too-many", 429), error.seconds)


def _by_link(request: Request, link: str) -> Response[bytes]:
    """The session of a link, or the form again. Raises: TooManyTriesError."""
    deployment = request.site.deployment
    try:
        text = deployment.credentials.sign_in(link)
        viewer = deployment.credentials.viewer(text)
    except UnauthenticatedError:
        request.site.gate.wrong_key(request.address)
        return _sign_in(request, "", "wrong")
    administration.signed_in_by_link(deployment, viewer, request.origin)
    return _entered(request, text)


def _by_password(request: Request, sent: dict[str, str]) -> Hashing:
    """What looks at a password, when its turn has come. Raises: TooManyTriesError."""
    attempt = administration.SignIn(
        org=sent.get("org") or only_org(request),
        login=sent.get("login", ""),
        password=sent.get("password", ""),
        origin=request.origin,
    )
    begun = administration.begin_sign_in(attempt, request.site.gate.sign_ins)

    def make() -> Response[bytes]:
        deployment, later = request.site.deployment, list[Callable[[], None]]()
        try:
            return _entered(request, administration.sign_in(deployment, attempt, begun, later.append))
        except UnauthenticatedError:
            page = _sign_in(request, "", "wrong-password")
            page.background = BackgroundTask(_record, later)
            return page

    def refuse() -> Response[bytes]:
        begun.take_back()
        return _later(_sign_in(request, "", "busy", 503), _MOMENT)

    return Hashing(make, refuse)


def _record(entries: list[Callable[[], None]]) -> None:
    """Record what was left for later; nobody is there any more to be told that it did not work."""
    for record in entries:
        try:
            record()
        except TrailbookError:
            _log.exception("a failed sign-in could not be recorded")


def _entered(request: Request, text: str) -> Response[bytes]:
    """On to the log of whose session this is; the one that was there before ends."""
    credentials = request.site.deployment.credentials
    viewer, old = credentials.viewer(text), session(request.headers)
    if old is not None:
        credentials.sign_out(old)
    return _see(f"/orgs/{viewer.org}/activity", cookie(text))


def sign_out_by_form(request: Request) -> Response[bytes]:
    """POST /sign-out: the session ends here and in the browser."""
    require_same_site(request)
    text = session(request.headers)
    if text is not None:
        administration.sign_out(request.site.deployment, text, request.origin)
    return _see("/sign-in", cookie(None))


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
    return _see(f"/orgs/{started.org}/activity", cookie(started.secret))


def form(request: Request) -> dict[str, str]:
    """The fields of a form; of one that stands twice the last. Raises: MalformedError."""
    return dict(fields(request))


def fields(request: Request) -> list[tuple[str, str]]:
    """The fields of a form in their order. Raises: MalformedError."""
    try:
        return parse_qsl(request.body.decode("ascii"), True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise MalformedError("the form is not UTF-8 in percent-encoding") from None


def only_org(request: Request) -> str:
    """The organisation where there is one only; else none, and the form asks."""
    orgs = request.site.deployment.orgs()
    return orgs[0] if len(orgs) == 1 else ""


def _sign_in(request: Request, link: str, wrong: str = "", status: int = 0) -> Response[bytes]:
    return html(
        "sign-in.html",
        status or (401 if wrong else 200),
        t=request.words,
        link=link,
        wrong=wrong,
        asks_org=not only_org(request),
    )


def _later(page: Response[bytes], seconds: float) -> Response[bytes]:
    """A form, and when to come back to it."""
    page.headers["Retry-After"] = str(math.ceil(seconds))
    return page


def _password(request: Request, link: str, wrong: str = "", status: int = 200) -> Response[bytes]:
    try:
        login = administration.password_name(request.site.deployment, link)
    except UnauthenticatedError:
        return html("set-password.html", 401, t=request.words, link="", login="", wrong="link")
    return html(
        "set-password.html",
        status,
        t=request.words,
        link=link,
        login=login,
        wrong=wrong,
        shortest=SHORTEST,
    )


def problem_page(request: Request) -> Response[bytes]:
    """GET /problems/{code}: what a problem means. Raises: NotFoundError."""
    code = request.params["code"]
    if code not in STATUS:
        raise NotFoundError("there is no such problem")
    return html("problem.html", t=request.words, code=code, http=STATUS[code])


def nowhere(request: Request) -> Response[bytes]:
    """GET whatever else lies below an organisation's page. Raises: NotFoundError."""
    raise NotFoundError("there is no such page")


def refusal(site: Site) -> Callable[[HTTPRequest[Any, Any, Any], Exception], Response[bytes]]:
    """What every exception is answered with: a page below the pages' paths, a problem elsewhere."""

    def refused(request: HTTPRequest[Any, Any, Any], error: Exception) -> Response[bytes]:
        id_ = request.scope["state"]["request_id"]
        problem = problem_of(error, site.base_url, id_)
        path = request.scope["path"]
        more = refusal_headers(error)
        if isinstance(error, MethodNotAllowedException):
            more["Allow"] = allowed_methods(request.app, path)
        tell_fault(problem, error)
        if not _wants_page(request, path):
            return answer(problem, more)
        t = texts_of(language(request.headers.get("accept-language")))
        part = render.partial(request.headers)
        # What failed stands beside the rows that are there; what is refused takes their place.
        beside = part and problem.status >= 500
        if beside:
            more |= {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"}
        page = html(
            "failed.html" if beside else "refused.html",
            problem.status,
            part=part,
            t=t,
            code=problem.code,
            request_id=id_,
            missing=_missing(error),
        )
        page.headers.update(more)
        return page

    return refused


def _missing(error: Exception) -> str:
    """The system permission that a refusal is about, by its name in words files."""
    missing = error.permission if isinstance(error, NotPermittedError) else None
    return next((name for name, title in PERMISSIONS.items() if title == missing), "activity_log")


def _wants_page(request: HTTPRequest[Any, Any, Any], path: str) -> bool:
    if path == "/" or path.startswith(tuple(f"{p}/" for p in _PAGES)) or path in _PAGES:
        return True
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _see(path: str, set_cookie: str | None = None) -> Response[bytes]:
    headers = {"Location": path} | ({} if set_cookie is None else {"Set-Cookie": set_cookie})
    return Response(b"", status_code=303, headers=headers, media_type="text/plain")
