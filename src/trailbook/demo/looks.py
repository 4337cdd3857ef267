"""How the HR system's pages are made: templates, headers, who is signed in, and refusals.

Owns rendering and the one check of state changes. There are no passwords here: whoever opens the demo chooses
whom to be signed in as, so that entries by different people can be made and looked at.
"""

import ipaddress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request as HTTPRequest, Response
from litestar.di import NamedDependency
from litestar.enums import MediaType
from sqlalchemy.orm import Session

from trailbook.clock import Clock
from trailbook.demo import names
from trailbook.demo.acting import HR, Act, person_actor
from trailbook.demo.simulation.calendar import ZONE
from trailbook.demo.system import HRSystem
from trailbook.demo.tables import Person
from trailbook.model import MAX_USER_AGENT, Origin, text_fault

Request = HTTPRequest[Any, Any, Any]
System = NamedDependency[HRSystem]
Page = Response[str]

COOKIE = "hr_as"
STYLE = (Path(__file__).parent / "static" / "hr.css").read_bytes()
HEADERS = {  # as strict as those of the log's own pages
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _written(value: object) -> str:
    """A day or a moment as people write it, in the company's zone; anything else as it is."""
    if isinstance(value, datetime):
        return f"{value.astimezone(ZONE):%-d %B %Y, %H:%M}"
    return f"{value:%-d %B %Y}" if isinstance(value, date) else str(value)


_TEMPLATES = Environment(
    loader=PackageLoader("trailbook.demo"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["written"] = _written


class FormError(Exception):
    """A field of a form cannot be what it is; `field` names it, `why` says it in words."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why

    @property
    def words(self) -> str:
        """The field as people read it."""
        return self.field.replace("_", " ").capitalize()


def render(request: Request, session: Session, template: str, **content: Any) -> Page:
    """A page with everything around it; after a form that could not be saved, with what was typed and why not."""
    error: FormError | None = getattr(request.state, "error", None)
    signed_in = who(request, session)
    cast = [session.get_one(Person, colleague.id) for colleague in names.COLLEAGUES[:10]]
    if signed_in not in cast:
        cast.append(signed_in)
    html = _TEMPLATES.get_template(template).render(
        company=names.ORGANISATION,
        signed_in=signed_in,
        cast=cast,
        here=request.url.path,
        recorded=request.query_params.get("recorded"),
        wrong=f"{error.words} {error.why}." if error else None,
        at_fault=error.field if error else None,
        typed=getattr(request.state, "form", {}),
        **content,
    )
    return Response(html, media_type=MediaType.HTML, status_code=422 if error else 200, headers=HEADERS)


def refusal(status: int, title: str, why: str) -> Page:
    """A page that says what could not be done, and why."""
    html = _TEMPLATES.get_template("refusal.html").render(company=names.ORGANISATION, title=title, why=why)
    return Response(html, media_type=MediaType.HTML, status_code=status, headers=HEADERS)


def who(request: Request, session: Session) -> Person:
    """Whoever is signed in: the HR lead, unless another active person was chosen."""
    chosen = session.get(Person, request.cookies.get(COOKIE, names.HR_LEAD))
    if chosen is None or chosen.status != "active":
        return session.get_one(Person, names.HR_LEAD)
    return chosen


def act_of(request: Request, hr: HR, clock: Clock) -> Act:
    """What is done now by who is signed in, from where the request came."""
    return Act(hr=hr, at=clock(), actor=person_actor(who(request, hr.session)), origin=_origin(request))


def same_origin(request: Request) -> Page | None:
    """Refuse a state change that another site asked for.

    Source: Fetch Metadata; the Origin header where a browser sends none of it.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return None
    site = request.headers.get("sec-fetch-site")
    own = f"{request.url.scheme}://{request.url.netloc}"
    if site == "same-origin" if site is not None else request.headers.get("origin") == own:
        return None
    return refusal(403, "Not from here", "The change was asked for by another site, so nothing was changed.")


def text(form: dict[str, str], field: str, most: int = 120) -> str:
    """A field of a form as text that may be kept.

    Raises: FormError when it is missing, empty or has characters that no name or number needs.
    """
    value = form.get(field, "")
    if why := text_fault(value, most):
        raise FormError(field, why)
    return value


def _origin(request: Request) -> Origin:
    agent = request.headers.get("user-agent") or None
    if agent is not None and text_fault(agent, MAX_USER_AGENT):
        agent = None
    return Origin(interface="web", ip=_address(request), user_agent=agent)


def _address(request: Request) -> str | None:
    """The client's address, or None where the connection has none, as over a Unix socket."""
    host = request.client.host if request.client else ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
