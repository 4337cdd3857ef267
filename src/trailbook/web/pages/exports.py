"""Taking entries along: what the export dialog offers, and the page of one's own exports.

Owns the words of both. Refuses to export anything itself: the dialog orders through the API, bound to the
`as_of` that the page was shown at, and the page shows what the API says of each order.
"""

from datetime import datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from litestar import Response
from msgspec import Struct

from trailbook.export import COLUMN_PRESETS, COLUMNS, FORMATS, Format, formats
from trailbook.query import ONCE, Query, is_personal, to_params
from trailbook.web.api.exports import ExportAnswer, answer_of
from trailbook.web.http.render import page
from trailbook.web.http.request import Request
from trailbook.web.http.texts import LOCALES
from trailbook.web.pages import closed_bundle
from trailbook.web.pages.address import address
from trailbook.web.pages.frame import frame, home, home_zone, whom_to_ask

BUNDLES = ("bundle-inclusion", "bundle-closed")  # the one that shows least is offered first
_EXPORTING = ("activity_log", "manage_exports")
_LIVE = ("queued", "running")


class OwnExport(Struct, frozen=True, kw_only=True):
    """One's own export as it stands now; addresses are there only where they answer."""

    id: str
    title: str
    name: str
    kind: str
    state: str
    live: bool
    removable: bool
    done: float
    holds: str
    when: str
    problem: str | None
    file: str | None
    statement: str | None
    entries: str


class ExportsPage(Struct, frozen=True):
    """One's own exports, and where a script removes one."""

    api: str
    jobs: list[OwnExport]


class FormatCard(Struct, frozen=True, kw_only=True):
    """A format as it is offered; `denied` says why it is not, and who may."""

    format: str
    table: bool = False
    bundle: bool = False
    denied: str | None = None


class ExportOffer(Struct, frozen=True, kw_only=True):
    """What the dialog offers, and the order that it sends; `closed` is where the closed bundle is ordered.

    `chosen` is the format to begin with, None where there is none that one may have.
    """

    closed: str | None
    api: str
    may: bool
    groups: tuple[tuple[str, list[FormatCard]], ...]
    chosen: str | None
    columns: tuple[str, ...]
    presets: dict[str, tuple[str, ...]]
    languages: tuple[str, ...]
    order: dict[str, Any]


def exports_page(request: Request) -> Response[Any]:
    """GET /orgs/{org}/activity/exports: one's own, and how far each is."""
    request.only()
    api = f"{request.site.root}/api/v1/orgs/{request.org}/exports"
    # Whoever may not export any more is not sent to a file that they are refused.
    may = request.viewer.manage_exports == "full"
    runner, viewer = request.site.exports, request.viewer
    runner.sweep(request.org)  # an erasure since takes files away before they are offered
    own = [
        _own(request, answer_of(request, job), api if may and runner.is_there(job, viewer) else None)
        for job in runner.orders.listed(viewer)
    ]
    model = ExportsPage(api, own)
    return page("exports.html", (frame(request), model))


def _own(request: Request, job: ExportAnswer, api: str | None) -> OwnExport:
    """An export as a line of the page; `api` is where its file is, None where there is none to have."""
    t, live = request.words, job.state in _LIVE
    until = t("exports.expires", when=_moment(request, job.expires_at))
    return OwnExport(
        id=job.id,
        title=job.title[:1].upper() + job.title[1:],
        name=job.name,
        kind=_kind(request, job),
        state="expired" if job.state == "ready" and api is None else job.state,
        live=live,
        removable=live or job.state == "ready",
        done=job.rows_done / job.count if job.count else 0,
        holds=_holds(request, job, live),
        when=until if api else _moment(request, job.created_at),
        problem=_why(request, job),
        file=f"{api}/{job.id}/file" if api else None,
        statement=f"{api}/{job.id}/manifest" if api and job.manifest else None,
        entries=_entries(request, job),
    )


def _kind(request: Request, job: ExportAnswer) -> str:
    # "bundle" is the older name of the one that shows least.
    kind = request.words(f"export.formats.{BUNDLES[0] if job.format == 'bundle' else job.format}")
    return request.words("exports.zipped", format=kind) if job.zip else kind


def _holds(request: Request, job: ExportAnswer, live: bool) -> str:
    t = request.words
    if job.words:
        return job.words
    if live:
        return t("exports.rows", done=t.number(job.rows_done), count=t.number(job.count))
    return t.counted("total", job.count)


def _why(request: Request, job: ExportAnswer) -> str | None:
    key = f"problems.{job.problem}.words"
    return request.words(key) if key in request.words else job.problem


def _moment(request: Request, written: str) -> str:
    local = datetime.fromisoformat(written).astimezone(ZoneInfo(home_zone(request)))
    return request.words.moment(local)


def _entries(request: Request, job: ExportAnswer) -> str:
    """The list of what the file holds, at the log as it stood when it was ordered."""
    pairs = [(name, value) for name, values in job.filter.items() for value in values]
    return address(home(request), [pair for pair in pairs if pair != ("tz", home_zone(request))])


def export_offer(request: Request, bound: Query, sees_everything: bool) -> ExportOffer:
    """What the dialog offers for a filter at one `as_of`, and the order that it sends."""
    may = request.viewer.manage_exports == "full"
    role = request.words("refused.role")
    files = _files(None if may else f"{role} {whom_to_ask(request, *_EXPORTING)}")
    bundles = _bundles(request, bound, sees_everything)
    # Files that people read have the newest first; whoever processes them repeats the order of recording.
    people = [card for card in files if FORMATS[cast(Format, card.format)].order == "desc"]
    programs = [card for card in files if card not in people]
    offered = [card.format for card in (*people, *programs, *bundles) if card.denied is None]
    return ExportOffer(
        closed=closed_bundle.address_of(request, bound) if "bundle-closed" in offered else None,
        api=f"{request.site.root}/api/v1/orgs/{request.org}/exports",
        may=may,
        groups=(("people", people), ("programs", [*programs, *bundles])),
        chosen=next(iter(offered), None),
        columns=COLUMNS,
        presets=COLUMN_PRESETS,
        languages=tuple(LOCALES),
        order={"filter": _listed(bound), "as_of": bound.as_of},
    )


def _files(denied: str | None) -> list[FormatCard]:
    return [FormatCard(format=name, table=FORMATS[name].table, denied=denied) for name in _formats()]


def _bundles(request: Request, bound: Query, sees_everything: bool) -> list[FormatCard]:
    """The bundles: proofs are a right of their own, and a closed one shows all that is withheld."""
    t, viewer = request.words, request.viewer
    if viewer.manage_exports != "full" or viewer.read_proofs != "full":
        ask = f"{t('refused.role')} {whom_to_ask(request, *_EXPORTING, 'read_proofs')}"
        return [FormatCard(format=name, bundle=True, denied=ask) for name in BUNDLES]
    closed = None
    if bound.text or bound.self_ is not None or is_personal(bound):
        closed = t("export.denied.filter")
    elif not sees_everything:
        closed = f"{t('refused.role')} {t('export.denied.withheld')}"
    inclusion, all_of = BUNDLES
    return [
        FormatCard(format=inclusion, bundle=True),
        FormatCard(format=all_of, bundle=True, denied=closed),
    ]


@cache
def _formats() -> tuple[Format, ...]:
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
