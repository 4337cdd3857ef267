"""What stands around every page below an organisation: who reads, in which zone and look, and where else to go.

Owns the cookies that a browser keeps of its own: its time zone, the chosen look, and whether the questions are folded
away. Refuses any other value in them, and keeps nothing of people.
"""

from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from zoneinfo import ZoneInfo

from msgspec import Struct

from trailbook.administration import READY_VIEWS, By, view_choices, view_names, who_may
from trailbook.errors import FilterInvalidError
from trailbook.query import zone
from trailbook.web.http.request import Request
from trailbook.web.http.texts import Words
from trailbook.web.pages.address import Address, Pairs, address, read_address
from trailbook.web.pages.rows import Addresses, Presenter, cut

LOOKS = ("auto", "light", "dark")
_MOST_ASKED = 3


class Place(Struct, frozen=True):
    """Where a viewer may go, and whether the page lies there."""

    href: str
    label: str
    current: bool


class ViewLink(Struct, frozen=True):
    """A ready view, and whether its list is the page."""

    name: str
    href: str
    current: bool


class Frame(Struct, frozen=True, kw_only=True):
    """What every page below an organisation shows around its own; `t` are the texts of its language.

    `asks_open`: the questions beside a list are not folded away. Where `views` is None none stand beside.
    """

    t: Words
    org: str
    home: str
    who: str
    look: str
    places: tuple[Place, ...]
    saved_views: tuple[tuple[str, str], ...]
    alerting: bool
    asks_open: bool
    views: tuple[ViewLink, ...] | None


def home(request: Request) -> str:
    """The address of the organisation's page."""
    return f"/orgs/{request.org}/activity"


def frame(request: Request) -> Frame:
    """What stands around a page."""
    current, by = dict(request.pairs).get("view"), By(request.site.deployment, request.viewer)
    return Frame(
        t=request.words,
        org=request.org,
        home=home(request),
        who=request.viewer.item.name or request.viewer.item.id,
        look=look(request),
        places=_places(request),
        views=tuple(ViewLink(name, href, name == current) for name, href in _views(home(request))),
        saved_views=tuple((id_, cut(name)) for id_, name in view_names(by)),
        asks_open=_cookie(request, "trailbook-asks") != "folded",
        alerting=any(choice.alert for choice in view_choices(by).values()),
    )


def whom_to_ask(request: Request, *permissions: str) -> str:
    """Who has all these permissions, as a sentence for somebody who has not; members alone are known by name."""
    t, names = request.words, who_may(By(request.site.deployment, request.viewer), *permissions)
    if not names:
        return t("refused.ask")
    return t("refused.ask-one-of", names=t("refused.or").join(cut(name) for name in names[:_MOST_ASKED]))


@lru_cache(maxsize=256)
def _views(home: str) -> tuple[tuple[str, str], ...]:
    """The ready views and their addresses on an organisation's page."""
    return tuple((v.name, address(home, [*v.params, ("view", v.name)])) for v in READY_VIEWS)


def _places(request: Request) -> tuple[Place, ...]:
    """The log and what lies beside it; what is at no other place, such as an entry, is of the log."""
    log = home(request)
    beside = [f"{log}/{name}" for name in ("overview", "exports", "about", "trust")]
    if request.viewer.manage_access == "full":
        beside.append(f"{log}/settings")
    here = next((place for place in beside if request.path.startswith(place)), log)
    names = [(place, request.words(f"nav.{place.rpartition('/')[2]}")) for place in beside]
    return tuple(Place(href, label, href == here) for href, label in [(log, request.words("nav.log")), *names])


def list_of(request: Request, pairs: Pairs) -> Address:
    """The list of entries that these parameters are on the organisation's page.

    Raises: FilterInvalidError, CursorInvalidError.
    """
    return read_address(home(request), pairs, vocabulary=request.vocabulary, home_zone=home_zone(request))


def presenter_of(request: Request, state: Address | None, tz: str) -> Presenter:
    """What says entries on this page, whose list is `state` where it has one, in a zone."""
    addresses = None if state is None else Addresses(state)
    return Presenter(words=request.words, zone=ZoneInfo(tz), catalogue=request.catalogue, addresses=addresses)


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
