"""The application: every route there is, in one table.

Owns which path leads where and through which door. Refuses to hold any rule of its own.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from trailbook.deployment import DEFAULT_ALARMS, Alarms, Deployment
from trailbook.export import KEPT_DAYS, kept_exports
from trailbook.web import api, pages
from trailbook.web.http.ahead import ahead
from trailbook.web.http.edge import EdgeSettings, edged
from trailbook.web.http.limits import DEFAULT_LIMITS, Limits
from trailbook.web.http.problems import allowed_methods
from trailbook.web.http.render import static_file
from trailbook.web.http.routes import OwnRoute, Route, mounted
from trailbook.web.http.site import Site, SiteSettings, site_of
from trailbook.web.http.strict_json import MAX_BATCH

_ORG, _PAGE = "/api/v1/orgs/{org:str}", "/orgs/{org:str}/activity"
# What there is for accounts of our own alone, and not where a host signs people in.
_ACCOUNTS = ("/sign-in", "/sign-out", "/set-password", "/invitation", "/reset")

# How and where it is asked, who is let in, and what answers.
TABLE: tuple[Route | OwnRoute, ...] = (
    # Recording and finding.
    OwnRoute(f"POST {_ORG}/entries", api.record_entry),
    OwnRoute(f"POST {_ORG}/entries/batch", api.record_entries),
    OwnRoute(f"GET {_ORG}/live", api.follow),
    Route(f"GET {_ORG}/entries", "read", api.search),
    Route(f"GET {_ORG}/entries.csv", "read", api.at_once_csv),
    Route(f"GET {_ORG}/entries.jsonl", "read", api.at_once_jsonl),
    Route(f"GET {_ORG}/entries/{{id:str}}", "read", api.show_entry),
    Route(f"GET {_ORG}/entries/{{id:str}}/related", "read", api.related),
    Route(f"GET {_ORG}/facets", "read", api.facets),
    Route(f"GET {_ORG}/histogram", "read", api.histogram),
    Route(f"GET {_ORG}/items", "read", api.items),
    Route(f"GET {_ORG}/catalogue", "read", api.catalogue),
    # Proving.
    Route(f"GET {_ORG}/entries/{{id:str}}/leaf", "prove", api.leaf),
    Route(f"GET {_ORG}/entries/{{id:str}}/proof", "prove", api.proof),
    Route(f"GET {_ORG}/items/{{type:str}}/{{item:str}}/identities", "prove", api.identities),
    Route("GET /log/{org:str}/checkpoint", "prove", api.checkpoint),
    Route("GET /log/{org:str}/key", "prove", api.key),
    Route("GET /log/{org:str}/witnesses", "prove", api.witnesses),
    Route("GET /log/{org:str}/tile/{tile:path}", "prove", api.tile, rate="tiles"),
    # Exports as jobs.
    Route(f"POST {_ORG}/exports", "export", api.order_export, api.MAX_ORDER),
    Route(f"GET {_ORG}/exports", "export", api.list_exports),
    Route(f"GET {_ORG}/exports/{{export:str}}", "export", api.show_export),
    Route(f"DELETE {_ORG}/exports/{{export:str}}", "export", api.cancel_export),
    Route(f"GET {_ORG}/exports/{{export:str}}/file", "export", api.export_file),
    Route(f"GET {_ORG}/exports/{{export:str}}/manifest", "export", api.export_manifest),
    # Saved views.
    Route(f"GET {_ORG}/views", "read", api.get_views),
    Route(f"POST {_ORG}/views", "read", api.post_view),
    Route(f"GET {_ORG}/views/{{view:str}}", "read", api.get_view),
    Route(f"PUT {_ORG}/views/{{view:str}}", "read", api.put_view),
    Route(f"DELETE {_ORG}/views/{{view:str}}", "read", api.delete_view),
    # Roles, members, keys, and what is withheld.
    Route(f"GET {_ORG}/roles", "administer", api.get_roles),
    Route(f"POST {_ORG}/roles", "administer", api.post_role),
    Route(f"GET {_ORG}/roles/{{role:str}}", "administer", api.get_role),
    Route(f"PUT {_ORG}/roles/{{role:str}}", "administer", api.put_role),
    Route(f"DELETE {_ORG}/roles/{{role:str}}", "administer", api.delete_role),
    Route(f"GET {_ORG}/members", "administer", api.get_members),
    Route(f"GET {_ORG}/members/{{type:str}}/{{item:str}}", "administer", api.get_member),
    Route(f"PUT {_ORG}/members/{{type:str}}/{{item:str}}", "administer", api.replace_member),
    Route(f"DELETE {_ORG}/members/{{type:str}}/{{item:str}}", "administer", api.delete_member),
    Route(f"POST {_ORG}/members/{{type:str}}/{{item:str}}/invitation", "administer", api.post_invitation),
    Route(f"POST {_ORG}/members/{{type:str}}/{{item:str}}/reset", "administer", api.post_reset),
    Route(f"GET {_ORG}/keys", "administer", api.get_keys),
    Route(f"POST {_ORG}/keys", "administer", api.post_key),
    Route(f"POST {_ORG}/keys/{{key:str}}/rotate", "administer", api.rotate),
    Route(f"PUT {_ORG}/keys/{{key:str}}/restricted", "administer", api.restrict),
    Route(f"DELETE {_ORG}/keys/{{key:str}}", "administer", api.revoke),
    Route(f"GET {_ORG}/withheld", "administer", api.get_withheld),
    Route(f"PUT {_ORG}/withheld", "administer", api.put_withheld),
    Route(f"GET {_ORG}/working-hours", "administer", api.get_working_hours),
    Route(f"PUT {_ORG}/working-hours", "administer", api.put_working_hours),
    # The pages of an organisation, and the parts that a script asks for.
    Route(f"GET {_PAGE}", "page", pages.activity_page),
    Route(f"GET {_PAGE}/total", "page", pages.total_part),
    Route(f"GET {_PAGE}/bars", "page", pages.bars_page),
    Route(f"GET {_PAGE}/values", "page", pages.values_page),
    Route(f"GET {_PAGE}/suggest", "page", pages.suggestions),
    Route(f"GET {_PAGE}/e/{{id:path}}", "page", pages.entry_page),
    Route(f"GET {_PAGE}/items/{{item:path}}", "page", pages.item_page),
    Route(f"GET {_PAGE}/overview", "page", pages.overview_page),
    Route(f"GET {_PAGE}/exports", "page", pages.exports_page),
    Route(f"GET {_PAGE}/closed-bundle", "export", pages.closed_bundle_page),
    Route(f"POST {_PAGE}/closed-bundle", "export", pages.order_closed_bundle),
    Route(f"GET {_PAGE}/about", "page", pages.about_page),
    Route(f"GET {_PAGE}/trust", "page", pages.trust_page),
    Route(f"POST {_PAGE}/trust", "verify", pages.begin_verifying),
    Route(f"GET {_PAGE}/alerts", "page", pages.new_in_views),
    Route(f"GET {_PAGE}/views", "page", pages.views_page),
    Route(f"POST {_PAGE}/views", "page", pages.change_views),
    Route(f"GET {_PAGE}/views/{{view:str}}", "page", pages.open_view),
    Route(f"GET {_PAGE}/settings", "administer", pages.settings_home),
    Route(f"GET {_PAGE}/settings/{{place:str}}", "administer", pages.settings_page),
    Route(f"POST {_PAGE}/settings/{{place:str}}", "administer", pages.change_settings),
    Route(f"GET {_PAGE}/{{rest:path}}", "page", pages.nowhere),
    # What is open to whoever comes, or asks who they are itself.
    Route("GET /", "open", pages.start),
    Route("GET /sign-in", "open", pages.sign_in_page),
    Route("POST /sign-in", "open", pages.sign_in_by_form),
    Route("POST /sign-out", "open", pages.sign_out_by_form),
    Route("POST /language", "open", pages.choose_language),
    Route("GET /set-password", "open", pages.password_page),
    Route("POST /set-password", "open", pages.set_password_by_form),
    Route("GET /problems/{code:str}", "open", pages.problem_page),
    Route("GET /docs", "open", api.docs_page),
    Route("GET /openapi.json", "open", api.openapi_document),
    Route("GET /static/{name:str}", "open", static_file),
    Route("GET /healthz", "open", api.healthz),
    Route("GET /readyz", "open", api.readyz),
    Route("GET /version", "open", api.version),
)


def create_app(
    deployment: Deployment,
    *,
    base_url: str,
    timezone: str | None = None,
    languages: Sequence[str] = (),
    folder: Path | None = None,
    export_days: int = KEPT_DAYS,
    limits: Limits = DEFAULT_LIMITS,
    alarms: Alarms = DEFAULT_ALARMS,
    trusted_proxies: Sequence[str] = (),
    hosted: bool = False,
    sign_in: str = "",
    live: bool = True,
    extra: Sequence[ControllerRouterHandler] = (),
) -> Litestar:
    """The web application of a deployment: API, pages, and `extra` routes of whoever mounts it.

    `base_url` is the address people use, with its path where the application shares an origin, and without a slash at
    its end; `timezone` an IANA name, from now on the deployment's own: that of organisations that set none; `languages`
    those that the pages offer, the first where a reader has no wish, or none for all there are. `folder` keeps exports
    for `export_days`; without one they go with the process. `limits` are those of every key, session and request;
    `alarms` say from where on it is not ready. What `trusted_proxies` say of where a request came from is believed:
    they are networks, or addresses. One that is `hosted` has no accounts of its own: who asks is for `MountedPage` to
    say, and whoever is nobody is sent to `sign_in`. Without `live` nothing streams what comes.
    Raises: ConfigurationError for an address that is none.
    """
    if timezone is not None:
        deployment.timezone = timezone
    runner, closing = kept_exports(deployment, folder, export_days, base=base_url)
    settings = SiteSettings(
        base_url=base_url,
        languages=languages,
        limits=limits,
        alarms=alarms,
        trusted_proxies=trusted_proxies,
        hosted=hosted,
        sign_in=sign_in,
        live=live,
    )
    site = site_of(deployment, runner, settings)
    app = Litestar(
        [
            *(mounted(site, route) for route in TABLE if not (hosted and route.name.endswith(_ACCOUNTS))),
            *extra,
        ],
        exception_handlers={Exception: pages.refusal(site)},
        openapi_config=None,
        logging_config=None,
        on_startup=[runner.start],
        on_shutdown=[site.verifying.close, closing],
        request_max_body_size=MAX_BATCH,
    )
    app.state.streams, app.state.limits, app.state.base_url = api.Streams(), limits, site.base_url
    app.state.bodies, app.state.outflows, app.state.hashing = site.bodies, site.outflows, site.hashing
    app.state.ingest, app.state.verifying = api.Ingest(site), site.verifying
    app.state.root = site.root
    _put_behind_the_edge(app, site)
    return app


def _put_behind_the_edge(app: Litestar, site: Site) -> None:
    edge = EdgeSettings(
        base_url=site.base_url,
        methods=partial(allowed_methods, app),
        request_seconds=site.gate.limits.request_seconds,
    )
    app.asgi_handler = edged(ahead(app.state.ingest.take, app.asgi_handler), edge)
