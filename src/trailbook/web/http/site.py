"""What every handler of one application shares: the open deployment, its address, and who waits for whom.

Owns how many threads make answers, and that each memory and each limit is there once. Refuses to know a route.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from anyio import CapacityLimiter
from msgspec import Struct, structs

from trailbook.deployment import Alarms, Deployment, Verifications
from trailbook.errors import ConfigurationError
from trailbook.export import Runner
from trailbook.model import Item
from trailbook.web.http.bodies import Bodies
from trailbook.web.http.forwarded import Proxies
from trailbook.web.http.hashing import HashingLane
from trailbook.web.http.lane import Lane
from trailbook.web.http.limits import Gate, Limits
from trailbook.web.http.readiness import Readiness
from trailbook.web.http.row_cache import RowCache
from trailbook.web.http.texts import enabled
from trailbook.web.http.transfers import Outflows

THREADS, STRANGERS = 32, 2  # in which answers are made, and those to posts of whoever is not known yet
_ROOT = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class HostUser(Struct, frozen=True):
    """Whom a host has signed in: a person, by the item that they are in the log, of an organisation."""

    org: str
    item: Item


class HostPlace(Struct, frozen=True):
    """Where a request meets a page that a host has at several places: its root there, and where people sign in."""

    root: str
    sign_in: str


class SiteAddress(Struct, frozen=True):
    """The address that people use, in its parts: `origin` as browsers send it, and the `root` that paths begin with."""

    origin: str
    root: str


class SiteSettings(Struct, frozen=True, kw_only=True):
    """What whoever serves a deployment decides: its address, the pages' languages, limits, alarms, proxies."""

    base_url: str
    languages: Sequence[str]
    limits: Limits
    alarms: Alarms
    trusted_proxies: Sequence[str]
    hosted: bool = False
    sign_in: str = ""
    live: bool = True


class Site(Struct, frozen=True, kw_only=True):
    """What every handler of one application shares.

    `root` is what every path begins with: nothing where the application has an origin of its own. Where it is `hosted`
    a host says who is signed in, and signs people in at `sign_in`, if it says where. Where nothing is `live`
    the server has no streams of what comes. `askable` are the names of who has
    some permissions in an organisation, with the version of its access that they are of, which every change of roles
    and members counts up.
    """

    deployment: Deployment
    base_url: str
    origin: str
    root: str
    hosted: bool
    sign_in: str
    live: bool
    languages: tuple[str, ...]
    limiter: CapacityLimiter
    exports: Runner
    verifying: Verifications
    gate: Gate
    row_cache: RowCache
    lane: Lane
    bodies: Bodies
    outflows: Outflows
    hashing: HashingLane
    proxies: Proxies
    strangers: CapacityLimiter
    readiness: Readiness
    askable: dict[tuple[str, tuple[str, ...]], tuple[int, list[str]]]


def site_of(deployment: Deployment, runner: Runner, settings: SiteSettings) -> Site:
    """What is shared in a new application over a deployment, whose exports `runner` makes."""
    limiter = CapacityLimiter(THREADS)
    lane, address = Lane(limiter), address_of(settings.base_url)
    return Site(
        deployment=deployment,
        base_url=f"{address.origin}{address.root}",
        origin=address.origin,
        root=address.root,
        hosted=settings.hosted,
        sign_in=settings.sign_in,
        live=settings.live,
        languages=enabled(settings.languages),
        limiter=limiter,
        exports=runner,
        verifying=Verifications(deployment),
        gate=Gate(settings.limits, deployment.clock),
        row_cache=RowCache(),
        lane=lane,
        bodies=Bodies(),
        outflows=Outflows(lane, limiter),
        hashing=HashingLane(),
        proxies=Proxies(settings.trusted_proxies),
        strangers=CapacityLimiter(STRANGERS),
        readiness=Readiness(deployment, settings.alarms),
        askable={},
    )


def site_at(site: Site, place: HostPlace | None) -> Site:
    """The same application as it is at a place of its host's. Raises: ConfigurationError for a path that is none."""
    if place is None or not site.hosted:
        return site
    base_url = f"{site.origin}{place.root}"
    address_of(base_url)
    return structs.replace(site, root=place.root, base_url=base_url, sign_in=place.sign_in)


def address_of(base_url: str) -> SiteAddress:
    """The parts of the address that people use. Raises: ConfigurationError."""
    parts = urlsplit(base_url)
    root = parts.path.rstrip("/")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError("base_url: is not an address such as https://log.example")
    if not _ROOT.fullmatch(root):
        raise ConfigurationError(
            "base_url: its path is not one such as /activity: letters, digits, hyphens, slashes"
        )
    return SiteAddress(f"{parts.scheme}://{parts.netloc}", root)
