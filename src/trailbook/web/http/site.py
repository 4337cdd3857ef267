"""What every handler of one application shares: the open deployment, its address, and who waits for whom.

Owns how many threads make answers, and that each memory and each limit is there once. Refuses to know a route.
"""

from collections.abc import Sequence

from anyio import CapacityLimiter
from msgspec import Struct

from trailbook.deployment import Alarms, Deployment, Verifications
from trailbook.export import Runner
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


class SiteSettings(Struct, frozen=True, kw_only=True):
    """What whoever serves a deployment decides: its address, the pages' languages, limits, alarms, proxies."""

    base_url: str
    languages: Sequence[str]
    limits: Limits
    alarms: Alarms
    trusted_proxies: Sequence[str]


class Site(Struct, frozen=True, kw_only=True):
    """What every handler of one application shares.

    `askable` are the names of who has some permissions in an organisation, with the version of its access that they are
    of, which every change of roles and members counts up.
    """

    deployment: Deployment
    base_url: str
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
    lane = Lane(limiter)
    return Site(
        deployment=deployment,
        base_url=settings.base_url.rstrip("/"),
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
