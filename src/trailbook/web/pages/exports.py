"""Taking entries along: what the export dialog offers, and the page of one's own exports.

Owns the words of both. Refuses to export anything itself: the dialog orders through the API, bound to the
`as_of` that the page was shown at, and the page shows what the API says of each order.
"""

from functools import cache
from typing import Any

from litestar import Response
from msgspec import Struct

from trailbook.export import COLUMN_PRESETS, COLUMNS, formats, order_of
from trailbook.query import ONCE, Query, is_personal, to_params
from trailbook.web.api.exports import held_of
from trailbook.web.http.render import page
from trailbook.web.http.request import Request
from trailbook.web.http.texts import LOCALES
from trailbook.web.pages import closed_bundle
from trailbook.web.pages.frame import frame

STATES = ("queued", "running", "ready", "failed", "cancelled", "expired")
BUNDLES = ("bundle-inclusion", "bundle-closed")  # the one that shows least is offered first


class OwnExport(Struct, frozen=True, kw_only=True):
    """One's own export as it stands now, for a browser that runs no script."""

    format: str
    state: str
    holds: str | None
    file: str | None


class ExportsPage(Struct, frozen=True):
    """One's own exports, and where a script asks how far they are."""

    api: str
    states: tuple[str, ...]
    jobs: list[OwnExport]


class ExportOffer(Struct, frozen=True, kw_only=True):
    """What the dialog offers, and the order that it sends; `closed` is where the closed bundle is ordered."""

    closed: str | None
    api: str
    formats: list[str]
    columns: tuple[str, ...]
    presets: dict[str, tuple[str, ...]]
    languages: tuple[str, ...]
    order: dict[str, Any]


def exports_page(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity/exports: one's own, and how far each is."""
    request.only()
    api = f"/api/v1/orgs/{request.org}/exports"
    jobs = request.site.exports.orders.listed(request.viewer)
    model = ExportsPage(api, STATES, [_job(request, job, api) for job in jobs])
    return page("exports.html", (frame(request), model))


def _job(request: Request, job: Any, api: str) -> OwnExport:
    return OwnExport(
        format=order_of(job).format.upper(),
        state=request.words(f"exports.states.{job.state}"),
        holds=held_of(request, job),
        file=f"{api}/{job.id}/file" if job.state == "ready" else None,
    )


def export_offer(request: Request, bound: Query, sees_everything: bool) -> ExportOffer:
    """What the dialog offers for a filter at one `as_of`, and the order that it sends."""
    bundles = [*BUNDLES] if request.viewer.read_proofs == "full" else []
    unchecked = bound.text or bound.self_ is not None or is_personal(bound)
    if unchecked or not sees_everything:
        bundles = [name for name in bundles if name != "bundle-closed"]
    may = "bundle-closed" in bundles and request.viewer.manage_exports == "full"
    return ExportOffer(
        closed=closed_bundle.address_of(request, bound) if may else None,
        api=f"/api/v1/orgs/{request.org}/exports",
        formats=[*_formats(), *bundles],
        columns=COLUMNS,
        presets=COLUMN_PRESETS,
        languages=tuple(LOCALES),
        order={"filter": _listed(bound), "as_of": bound.as_of},
    )


@cache
def _formats() -> tuple[str, ...]:
    """The formats of this installation, which stay what they are while it runs."""
    return formats()


def _listed(query: Query) -> dict[str, Any]:
    """The filter as a body has it: the parameters' names, with lists where they may be repeated."""
    members: dict[str, Any] = {}
    for name, value in to_params(query):
        if name in ONCE:
            members[name] = value
        else:
            members.setdefault(name, []).append(value)
    members.pop("as_of", None)
    return members
