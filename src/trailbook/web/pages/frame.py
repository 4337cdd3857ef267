"""What stands around every page below an organisation: who reads, in which zone and look, and where else to go.

Owns what the browser's own cookies of zone, look and folded questions may say. Refuses any other value in them.
"""

from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from trailbook.administration import READY_VIEWS, By, ready_view, view_choices, view_names, who_may
from trailbook.errors import FilterInvalidError
from trailbook.query import zone
from trailbook.web.http.preferences import preference
from trailbook.web.http.request import Request
from trailbook.web.http.texts import Words, own_names
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
    """A ready view, whether its list is the page, and those that narrow it."""

    name: str
    href: str
    current: bool
    parts: tuple["ViewLink", ...]


class Frame(Struct, frozen=True, kw_only=True):
    """What every page below an organisation shows around its own; `t` are the texts of its language.

    `root` is what every address begins with; where the page is `hosted` the host signs people in and out. `here` is its
    own address, to which a choice of another language comes back; `asks_open`: the questions beside a list are not
    folded away. Where `views` is None none stand beside.
    """

    t: Words
    root: str
    hosted: bool
    org: str
    home: str
    who: str
    look: str
    here: str
    languages: tuple[tuple[str, str], ...]
    places: tuple[Place, ...]
    saved_views: tuple[tuple[str, str], ...]
    alerting: bool
    asks_open: bool
    views: tuple[ViewLink, ...] | None


def home(request: Request) -> str:
    """The address of the organisation's page."""
    return f"{request.site.root}/orgs/{request.org}/activity"


def frame(request: Request) -> Frame:
    """What stands around a page."""
    by = By(request.site.deployment, request.viewer)
    return Frame(
        t=request.words,
        root=request.site.root,
        hosted=request.site.hosted,
        org=request.org,
        home=home(request),
        who=request.viewer.item.name or request.viewer.item.id,
        look=look(request),
        here=address(request.path, request.pairs),
        languages=own_names(request.site.languages),
        places=_places(request),
        asks_open=preference(request.headers, "asks") != "folded",
        views=_views(home(request), _current(request)),
        saved_views=tuple((id_, cut(name)) for id_, name in view_names(by)),
        alerting=any(choice.alert for choice in view_choices(by).values()),
    )


def _current(request: Request) -> str | None:
    view = ready_view(dict(request.pairs).get("view"))
    return view.name if view else None


def whom_to_ask(request: Request, *permissions: str) -> str:
    """Who has all these permissions, as a sentence for somebody who has not; members alone are known by name."""
    t, names = request.words, _who_may(request, permissions)
    if not names:
        return t("refused.ask")
    return t("refused.ask-one-of", names=t("refused.or").join(cut(name) for name in names[:_MOST_ASKED]))


def _who_may(request: Request, permissions: tuple[str, ...]) -> list[str]:
    # Every page of the list asks, and to read a thousand members takes as long as the page.
    by, askable = By(request.site.deployment, request.viewer), request.site.askable
    version = by.deployment.access.organisation(by.org).version
    known = askable.get((by.org, permissions))
    if known is None or known[0] != version:
        known = askable[by.org, permissions] = version, who_may(by, *permissions)
    return known[1]


@lru_cache(maxsize=256)
def _views(home: str, current: str | None, part_of: str | None = None) -> tuple[ViewLink, ...]:
    """The ready views on an organisation's page: the questions, or those that narrow one."""
    views = (view for view in READY_VIEWS if view.part_of == part_of)
    return tuple(
        ViewLink(
            name=view.name,
            href=address(home, [*view.params, ("view", view.name)]),
            current=view.name == current,
            parts=() if part_of else _views(home, current, view.name),
        )
        for view in views
    )


def _places(request: Request) -> tuple[Place, ...]:
    """The log and what lies beside it; what is at no other place, such as an entry, is of the log."""
    log = home(request)
    beside = [f"{log}/{name}" for name in ("overview", "exports", "about", "trust")]
    if request.viewer.manage_access == "full":
        beside.append(f"{log}/settings")
    here = next((place for place in beside if request.path.startswith(place)), log)
    names = [(place, request.words(f"nav.{place.rpartition('/')[2]}")) for place in beside]
    return tuple(
        Place(href, label, href == here) for href, label in [(log, request.words("nav.log")), *names]
    )


def list_of(request: Request, pairs: Pairs) -> Address:
    """The list of entries that these parameters are on the organisation's page.

    Raises: FilterInvalidError, CursorInvalidError.
    """
    return read_address(home(request), pairs, vocabulary=request.vocabulary, home_zone=home_zone(request))


def presenter_of(request: Request, state: Address | None, tz: str) -> Presenter:
    """What says entries on this page, whose list is `state` where it has one, in a zone."""
    addresses = None if state is None else Addresses(state)
    return Presenter(
        words=request.words,
        zone=ZoneInfo(tz),
        catalogue=request.catalogue,
        addresses=addresses,
        working=request.log.working_hours(),
    )


def home_zone(request: Request) -> str:
    """The zone where the address names none: the browser's, else the organisation's."""
    chosen, own = preference(request.headers, "zone"), request.log.working_hours().tz
    try:
        return zone(chosen).key if chosen else own
    except FilterInvalidError:
        return own


def look(request: Request) -> str:
    """Light, dark, or as the system has it."""
    chosen = preference(request.headers, "look")
    return chosen if chosen in LOOKS else "auto"
