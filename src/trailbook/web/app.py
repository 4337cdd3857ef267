"""The application: every route there is, in one place.

Owns which path leads where and who may take it. Refuses to hold any rule of its own.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter
from litestar import Litestar
from litestar.types import ControllerRouterHandler

from trailbook.deployment import DEFAULT_ALARMS, Alarms, Deployment
from trailbook.export import KEPT_DAYS, kept_exports
from trailbook.web.api import (
    access,
    counts,
    docs,
    entries,
    exports,
    fast_path,
    health,
    live,
    proofs,
    views as saved_views,
)
from trailbook.web.http import render
from trailbook.web.http.bodies import Bodies
from trailbook.web.http.edge import EdgeSettings, edged
from trailbook.web.http.forwarded import Proxies
from trailbook.web.http.hashing import HashingLane
from trailbook.web.http.lane import Lane
from trailbook.web.http.limits import DEFAULT_LIMITS, Gate, Limits
from trailbook.web.http.problems import allowed_methods
from trailbook.web.http.request import STRANGERS, THREADS, Site
from trailbook.web.http.routes import Routes
from trailbook.web.http.row_cache import RowCache
from trailbook.web.http.strict_json import MAX_BATCH
from trailbook.web.http.transfers import Outflows
from trailbook.web.pages import activity, closed_bundle, settings, sign_in, views

_ORG, _PAGE = "/api/v1/orgs/{org:str}", "/orgs/{org:str}/activity"


def create_app(
    deployment: Deployment,
    *,
    base_url: str,
    timezone: str = "UTC",
    folder: Path | None = None,
    export_days: int = KEPT_DAYS,
    limits: Limits = DEFAULT_LIMITS,
    alarms: Alarms = DEFAULT_ALARMS,
    trusted_proxies: Sequence[str] = (),
    extra: Sequence[ControllerRouterHandler] = (),
) -> Litestar:
    """The web application of a deployment: API, pages, and `extra` routes of whoever mounts it.

    `base_url` is the address people use, without a slash at its end; `timezone` an IANA name, the pages' zone
    where the address names none. `folder` keeps exports for `export_days`; without one they go with the process.
    `limits` are those of every key, session and request; `alarms` say from where on it is not ready. What
    `trusted_proxies` say of where a request came from is believed: they are networks, or addresses.
    """
    runner, closing = kept_exports(deployment, folder, export_days)
    gate = Gate(limits, deployment.clock)
    limiter = CapacityLimiter(THREADS)
    lane = Lane(limiter)
    shared = RowCache(), lane, Bodies(), Outflows(lane, limiter), HashingLane(), Proxies(trusted_proxies)
    strangers = CapacityLimiter(STRANGERS)
    site = Site(deployment, base_url.rstrip("/"), timezone, limiter, runner, gate, *shared, strangers)
    routes, streams, ingest = Routes(site), live.Streams(), fast_path.Ingest(site)
    handlers = [
        *fast_path.routes(ingest, f"{_ORG}/entries"),
        *_entries(routes),
        live.route(site, f"{_ORG}/live", streams),
        *_exports(routes),
        *_views(routes),
        *_access(routes),
        *_pages(routes),
        *_open(routes),
        routes.open("GET", "/readyz", health.Readiness(deployment, alarms).readyz),
        *extra,
    ]
    app = Litestar(
        handlers,
        exception_handlers={Exception: sign_in.refusal(site)},
        openapi_config=None,
        logging_config=None,
        on_startup=[runner.start],
        on_shutdown=[closing],
        request_max_body_size=MAX_BATCH,
    )
    app.state.streams, app.state.limits, app.state.base_url = streams, limits, site.base_url
    app.state.bodies, app.state.outflows, app.state.hashing = site.bodies, site.outflows, site.hashing
    edge = EdgeSettings(
        base_url=site.base_url,
        methods=partial(allowed_methods, app),
        request_seconds=limits.request_seconds,
    )
    app.asgi_handler = edged(fast_path.ingesting(ingest, app.asgi_handler), edge)
    return app


def _entries(routes: Routes) -> list[ControllerRouterHandler]:
    """Finding and proving."""
    return [
        routes.api("GET", f"{_ORG}/entries", entries.search),
        routes.api("GET", f"{_ORG}/entries.csv", exports.at_once_csv),
        routes.api("GET", f"{_ORG}/entries.jsonl", exports.at_once_jsonl),
        routes.api("GET", f"{_ORG}/entries/{{id:str}}", entries.show),
        routes.proofs(f"{_ORG}/entries/{{id:str}}/leaf", proofs.leaf),
        routes.proofs(f"{_ORG}/entries/{{id:str}}/proof", proofs.proof),
        routes.api("GET", f"{_ORG}/entries/{{id:str}}/related", counts.related),
        routes.api("GET", f"{_ORG}/facets", counts.facets),
        routes.api("GET", f"{_ORG}/histogram", counts.histogram),
        routes.api("GET", f"{_ORG}/items", entries.items),
        routes.proofs(f"{_ORG}/items/{{type:str}}/{{item:str}}/identities", proofs.identities),
        routes.api("GET", f"{_ORG}/catalogue", entries.catalogue),
        routes.proofs("/log/{org:str}/checkpoint", proofs.checkpoint),
        routes.proofs("/log/{org:str}/key", proofs.key),
        routes.proofs("/log/{org:str}/tile/{tile:path}", proofs.tile),
    ]


def _exports(routes: Routes) -> list[ControllerRouterHandler]:
    """Exports as jobs."""
    return [
        routes.exports("POST", f"{_ORG}/exports", exports.order, most=exports.MAX_ORDER),
        routes.exports("GET", f"{_ORG}/exports", exports.listed),
        routes.exports("GET", f"{_ORG}/exports/{{export:str}}", exports.show),
        routes.exports("DELETE", f"{_ORG}/exports/{{export:str}}", exports.cancel),
        routes.exports("GET", f"{_ORG}/exports/{{export:str}}/file", exports.file),
        routes.exports("GET", f"{_ORG}/exports/{{export:str}}/manifest", exports.manifest),
        routes.exports("GET", f"{_PAGE}/closed-bundle", closed_bundle.page),
        routes.exports("POST", f"{_PAGE}/closed-bundle", closed_bundle.submit),
    ]


def _views(routes: Routes) -> list[ControllerRouterHandler]:
    """Saved views."""
    return [
        routes.own("GET", f"{_ORG}/views", saved_views.listed),
        routes.own("POST", f"{_ORG}/views", saved_views.add),
        routes.own("GET", f"{_ORG}/views/{{view:str}}", saved_views.show),
        routes.own("PUT", f"{_ORG}/views/{{view:str}}", saved_views.change),
        routes.own("DELETE", f"{_ORG}/views/{{view:str}}", saved_views.remove),
        routes.page(f"{_PAGE}/views", views.page),
        routes.form(f"{_PAGE}/views", views.submit),
        routes.page(f"{_PAGE}/views/{{view:str}}", views.opened),
    ]


def _access(routes: Routes) -> list[ControllerRouterHandler]:
    """Roles, members, keys, and what is withheld."""
    return [
        routes.care("GET", f"{_ORG}/roles", access.roles),
        routes.care("POST", f"{_ORG}/roles", access.add_role),
        routes.care("GET", f"{_ORG}/roles/{{role:str}}", access.role),
        routes.care("PUT", f"{_ORG}/roles/{{role:str}}", access.change_role),
        routes.care("DELETE", f"{_ORG}/roles/{{role:str}}", access.remove_role),
        routes.care("GET", f"{_ORG}/members", access.members),
        routes.care("GET", f"{_ORG}/members/{{type:str}}/{{item:str}}", access.member),
        routes.care("PUT", f"{_ORG}/members/{{type:str}}/{{item:str}}", access.put_member),
        routes.care("DELETE", f"{_ORG}/members/{{type:str}}/{{item:str}}", access.remove_member),
        routes.care("POST", f"{_ORG}/members/{{type:str}}/{{item:str}}/invitation", access.invite),
        routes.care("POST", f"{_ORG}/members/{{type:str}}/{{item:str}}/reset", access.reset),
        routes.care("GET", f"{_ORG}/keys", access.keys),
        routes.care("POST", f"{_ORG}/keys", access.issue),
        routes.care("POST", f"{_ORG}/keys/{{key:str}}/rotate", access.rotate),
        routes.care("PUT", f"{_ORG}/keys/{{key:str}}/restricted", access.restrict),
        routes.care("DELETE", f"{_ORG}/keys/{{key:str}}", access.revoke),
        routes.care("GET", f"{_ORG}/withheld", access.withheld),
        routes.care("PUT", f"{_ORG}/withheld", access.withhold),
    ]


def _pages(routes: Routes) -> list[ControllerRouterHandler]:
    """The pages of an organisation."""
    return [
        routes.page(_PAGE, activity.activity),
        routes.care("GET", f"{_PAGE}/settings", settings.overview),
        routes.care("GET", f"{_PAGE}/settings/{{place:str}}", settings.show),
        routes.care("POST", f"{_PAGE}/settings/{{place:str}}", settings.change),
        routes.page(f"{_PAGE}/{{rest:path}}", activity.below),
    ]


def _open(routes: Routes) -> list[ControllerRouterHandler]:
    """What is open to whoever asks, or asks who they are itself."""
    return [
        routes.open("GET", "/", sign_in.home),
        routes.open("GET", "/sign-in", sign_in.sign_in_page),
        routes.open("POST", "/sign-in", sign_in.sign_in),
        routes.open("POST", "/sign-out", sign_in.sign_out),
        routes.open("GET", "/set-password", sign_in.password_page),
        routes.open("POST", "/set-password", sign_in.set_password),
        routes.open("GET", "/problems/{code:str}", sign_in.problem_page),
        routes.open("GET", "/docs", docs.docs),
        routes.open("GET", "/openapi.json", docs.openapi),
        routes.open("GET", "/static/{name:str}", render.static_file),
        routes.open("GET", "/healthz", health.healthz),
        routes.open("GET", "/version", health.version),
    ]
