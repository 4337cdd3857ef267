"""One entry: a page of its own, and the panel beside the list, with the next and the previous of the filter.

Owns what is said of an entry and its state, and which entries it is read together with. Refuses to guess a
neighbour: where the entry is not in the filter, there is none.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response
from msgspec import Struct

from trailbook.errors import EntryExpiredError
from trailbook.finding import Shown
from trailbook.model import microseconds
from trailbook.query import Order, Query, local_time
from trailbook.web.api.entries import vocabulary_of
from trailbook.web.http.render import html, partial
from trailbook.web.http.request import Request
from trailbook.web.pages.address import Address, read_address, tidied, within
from trailbook.web.pages.frame import frame, home, home_zone, presenter_of
from trailbook.web.pages.names import Naming
from trailbook.web.pages.rows import Addresses

RELATED = 10
_PAGE, _MOST_PAGES = 50, 4


def entry(request: Request, id_: str) -> Response[Any]:
    """GET /orgs/{org}/activity/e/{id}: all there is to say of one entry. Raises: NotFoundError, FilterInvalidError."""
    state = _list(request)
    part = partial(request.headers)
    try:
        shown = request.log.show(request.entry_id(id_), viewer=request.viewer, lang=request.lang)
    except EntryExpiredError as error:
        return html("expired.html", 410, part=part, **frame(request), seq=error.seq, leaf=error.leaf.hex())
    return html(
        "panel.html" if part else "entry.html", **frame(request), **_body(request, state, shown), panel=part
    )


def _list(request: Request) -> Address:
    """The list that the entry was opened from, as its address says. Raises: FilterInvalidError."""
    pairs, vocabulary = tidied(request.pairs), vocabulary_of(request.log.catalogue)
    return read_address(home(request), pairs, vocabulary=vocabulary, home_zone=home_zone(request))


def _body(request: Request, state: Address, shown: Shown) -> dict[str, Any]:
    """What stands on the page and in the panel alike."""
    presenter = presenter_of(request, state, state.query.tz)
    naming = Naming(request.log, request.viewer, presenter, entries=[shown])
    proofs = request.org if request.viewer.read_proofs == "full" and shown.state != "accepted" else None
    related = request.log.related(
        request.entry_id(shown.id), viewer=request.viewer, limit=RELATED, lang=request.lang
    )
    beside = neighbours(request, state.query, shown)
    lead = Addresses(state)
    return {
        "facts": naming.facts(shown, home(request)),
        "proofs": proofs,
        "signed": _signed(request) if proofs else None,
        "related": [_related(request, lead, entry, presenter.zone) for entry in related.entries],
        "more_related": (related.count or 0) - len(related.entries),
        "older": beside.older and lead.entry(beside.older.id),
        "newer": beside.newer and lead.entry(beside.newer.id),
        "list": state.href(state.query),
        "alone": lead.entry(shown.id),
    }


def _related(request: Request, lead: Addresses, shown: Shown, zone: ZoneInfo) -> dict[str, str]:
    at = local_time(datetime.fromisoformat(shown.occurred_at), zone)
    return {"href": lead.entry(shown.id), "sentence": shown.sentence, "when": request.words.moment(at)}


def _signed(request: Request) -> int:
    """The size of the last signed head. Source: C2SP tlog-checkpoint."""
    return int(request.log.checkpoint(viewer=request.viewer).split(b"\n", 2)[1])


class Neighbours(Struct, frozen=True):
    """The next older and the next newer entry of a filter, where there are any."""

    older: Shown | None
    newer: Shown | None


def neighbours(request: Request, query: Query, shown: Shown) -> Neighbours:
    """What stands before and after an entry that is in the filter."""
    now = request.site.deployment.clock()
    at = microseconds(datetime.fromisoformat(shown.occurred_at))
    return Neighbours(
        older=_after(request, shown.id, within(query, now, until=at + 1), order="desc", whole=query),
        newer=_after(request, shown.id, within(query, now, since=at), order="asc", whole=query),
    )


def _after(request: Request, id_: str, part: Query, *, order: Order, whole: Query) -> Shown | None:
    """The entry after one in an order, looked for in a part of the list's whole filter."""
    passed, cursor = False, None
    for _ in range(_MOST_PAGES):
        page = request.log.search(
            part,
            viewer=request.viewer,
            order=order,
            limit=_PAGE if passed else 2,
            cursor=cursor,
            lang=request.lang,
            part_of=whole,
        )
        for entry in page.entries:
            if passed:
                return entry
            passed = entry.id == id_
        cursor = page.next_cursor
        if cursor is None:
            return None
    return None
