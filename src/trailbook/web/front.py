"""The pages before the log: signing in and out, refusals, and what each problem means in plain words.

Owns the step from a one-time link to a session: a page with a button first, so that a program that only looks
at links uses none up. Refuses to say why a link is no good.
"""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response
from litestar.exceptions import MethodNotAllowedException

from trailbook.errors import NotFoundError, UnauthenticatedError
from trailbook.web.asked import Asked, Site
from trailbook.web.auth import cookie, require_same_site, session, signed_in
from trailbook.web.problems import STATUS, allowed_methods, answer, problem
from trailbook.web.render import html, partial
from trailbook.web.words import language, words

_log = logging.getLogger("trailbook.web")
_PAGES = ("/orgs", "/sign-in", "/sign-out", "/docs", "/problems")


def home(asked: Asked) -> Response[bytes]:
    """GET /: on to the log of whoever is signed in."""
    viewer = signed_in(asked.site.deployment.credentials, asked.headers)
    return _see(f"/orgs/{viewer.org}/activity")


def sign_in_page(asked: Asked) -> Response[bytes]:
    """GET /sign-in: the button that uses a link up."""
    return html("sign-in.html", t=asked.words, link=asked.only("link").get("link", ""), wrong=False)


def sign_in(asked: Asked) -> Response[bytes]:
    """POST /sign-in: a link becomes a session."""
    require_same_site(asked.headers, asked.site.base_url)
    link = dict(parse_qsl(asked.body.decode("latin-1"))).get("link", "")
    credentials = asked.site.deployment.credentials
    try:
        text = credentials.sign_in(link)
    except UnauthenticatedError:
        return html("sign-in.html", 401, t=asked.words, link="", wrong=True)
    return _see(f"/orgs/{credentials.viewer(text).org}/activity", cookie(text))


def sign_out(asked: Asked) -> Response[bytes]:
    """POST /sign-out: the session ends here and in the browser."""
    require_same_site(asked.headers, asked.site.base_url)
    text = session(asked.headers)
    if text is not None:
        asked.site.deployment.credentials.sign_out(text)
    return _see("/sign-in", cookie(None))


def problem_page(asked: Asked) -> Response[bytes]:
    """GET /problems/{code}: what a problem means. Raises: NotFoundError."""
    code = asked.params["code"]
    if code not in STATUS:
        raise NotFoundError("there is no such problem")
    return html("problem.html", t=asked.words, code=code, http=STATUS[code])


def refusal(site: Site) -> Callable[[Request[Any, Any, Any], Exception], Response[bytes]]:
    """What every exception is answered with: a page below the pages' paths, a problem elsewhere."""

    def refused(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        id_ = request.scope["state"]["request_id"]
        found = problem(error, site.base_url, id_)
        path = request.scope["path"]
        more = {}
        if isinstance(error, MethodNotAllowedException):
            more["Allow"] = allowed_methods(request.app, path)
        if found.status >= 500:
            _log.error("request %s: %s", id_, found.code, exc_info=error)
        if not _wants_page(request, path):
            return answer(found, more)
        t = words(language(request.headers.get("accept-language")))
        part = partial(request.headers)
        # What failed stands beside the rows that are there; what is refused takes their place.
        beside = part and found.status >= 500
        if beside:
            more |= {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"}
        page = html(
            "failed.html" if beside else "refused.html",
            found.status,
            part=part,
            t=t,
            code=found.code,
            request_id=id_,
        )
        page.headers.update(more)
        return page

    return refused


def _wants_page(request: Request[Any, Any, Any], path: str) -> bool:
    if path == "/" or path.startswith(tuple(f"{p}/" for p in _PAGES)) or path in _PAGES:
        return True
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _see(path: str, set_cookie: str | None = None) -> Response[bytes]:
    headers = {"Location": path} | ({} if set_cookie is None else {"Set-Cookie": set_cookie})
    return Response(b"", status_code=303, headers=headers, media_type="text/plain")
