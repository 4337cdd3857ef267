"""What stands around every page below an organisation: who reads, in which zone and look, and where else to go.

Owns the two cookies that a browser keeps of its own: its time zone and the chosen look. Refuses any other value
in them, and keeps nothing of people.
"""

from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any
from zoneinfo import ZoneInfo

from trailbook.administration import views
from trailbook.administration.access import By
from trailbook.administration.ready_views import VIEWS
from trailbook.errors import FilterInvalidError
from trailbook.query.dates import zone
from trailbook.web.http.request import Asked
from trailbook.web.pages.address import Asking, address
from trailbook.web.pages.rows import Addresses, Telling, cut

LOOKS = ("auto", "light", "dark")


def home(asked: Asked) -> str:
    """The address of the organisation's page."""
    return f"/orgs/{asked.org}/activity"


def frame(asked: Asked) -> dict[str, Any]:
    """What every page below an organisation shows around its own."""
    current, by = dict(asked.pairs).get("view"), By(asked.site.deployment, asked.viewer)
    return {
        "t": asked.words,
        "org": asked.org,
        "home": home(asked),
        "who": asked.viewer.item.name or asked.viewer.item.id,
        "look": look(asked),
        "places": _places(asked),
        "saved_views": [(id_, cut(name)) for id_, name in views.names(by)],
        "alerting": any(choice.alert for choice in views.choices(by).values()),
        "views": [
            {"name": name, "href": href, "current": name == current} for name, href in _views(home(asked))
        ],
    }


@lru_cache(maxsize=256)
def _views(home: str) -> tuple[tuple[str, str], ...]:
    """The ready views and their addresses on an organisation's page."""
    return tuple((v.name, address(home, [*v.params, ("view", v.name)])) for v in VIEWS)


def _places(asked: Asked) -> list[dict[str, str]]:
    """Where else this viewer may go."""
    if asked.viewer.manage_access != "full":
        return []
    href = f"{home(asked)}/settings/members"
    return [{"href": href, "icon": "settings", "label": asked.words("settings.title")}]


def telling(asked: Asked, state: Asking | None, tz: str) -> Telling:
    """What telling entries on this page needs."""
    addresses = None if state is None else Addresses(state)
    return Telling(words=asked.words, zone=ZoneInfo(tz), catalogue=asked.log.catalogue, addresses=addresses)


def home_zone(asked: Asked) -> str:
    """The zone where the address names none: the browser's, else the organisation's."""
    given = _cookie(asked, "trailbook-zone")
    try:
        return zone(given).key if given else asked.site.timezone
    except FilterInvalidError:
        return asked.site.timezone


def look(asked: Asked) -> str:
    """Light, dark, or as the system has it."""
    given = _cookie(asked, "trailbook-look")
    return given if given in LOOKS else "auto"


def _cookie(asked: Asked, name: str) -> str:
    try:
        found = SimpleCookie(asked.headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""
