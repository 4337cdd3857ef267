"""What stands around every page below an organisation: who reads, in which zone and look, and where else to go.

Owns the two cookies that a browser keeps of its own: its time zone and the chosen look. Refuses any other value
in them, and keeps nothing of people.
"""

from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any
from zoneinfo import ZoneInfo

from trailbook import administration
from trailbook.administration import READY_VIEWS, By
from trailbook.errors import FilterInvalidError
from trailbook.query import zone
from trailbook.web.http.request import Request
from trailbook.web.pages.address import Address, address
from trailbook.web.pages.rows import Addresses, Presenter, cut

LOOKS = ("auto", "light", "dark")


def home(request: Request) -> str:
    """The address of the organisation's page."""
    return f"/orgs/{request.org}/activity"


def frame(request: Request) -> dict[str, Any]:
    """What every page below an organisation shows around its own."""
    current, by = dict(request.pairs).get("view"), By(request.site.deployment, request.viewer)
    return {
        "t": request.words,
        "org": request.org,
        "home": home(request),
        "who": request.viewer.item.name or request.viewer.item.id,
        "look": look(request),
        "places": _places(request),
        "saved_views": [(id_, cut(name)) for id_, name in administration.view_names(by)],
        "alerting": any(choice.alert for choice in administration.view_choices(by).values()),
        "views": [
            {"name": name, "href": href, "current": name == current} for name, href in _views(home(request))
        ],
    }


@lru_cache(maxsize=256)
def _views(home: str) -> tuple[tuple[str, str], ...]:
    """The ready views and their addresses on an organisation's page."""
    return tuple((v.name, address(home, [*v.params, ("view", v.name)])) for v in READY_VIEWS)


def _places(request: Request) -> list[dict[str, str]]:
    """Where else this viewer may go."""
    if request.viewer.manage_access != "full":
        return []
    href = f"{home(request)}/settings/members"
    return [{"href": href, "icon": "settings", "label": request.words("settings.title")}]


def presenter_of(request: Request, state: Address | None, tz: str) -> Presenter:
    """What says entries on this page, whose list is `state` where it has one, in a zone."""
    addresses = None if state is None else Addresses(state)
    return Presenter(
        words=request.words, zone=ZoneInfo(tz), catalogue=request.log.catalogue, addresses=addresses
    )


def home_zone(request: Request) -> str:
    """The zone where the address names none: the browser's, else the organisation's."""
    chosen = _cookie(request, "trailbook-zone")
    try:
        return zone(chosen).key if chosen else request.site.timezone
    except FilterInvalidError:
        return request.site.timezone


def look(request: Request) -> str:
    """Light, dark, or as the system has it."""
    chosen = _cookie(request, "trailbook-look")
    return chosen if chosen in LOOKS else "auto"


def _cookie(request: Request, name: str) -> str:
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
