"""One entry: a page of its own, and the panel beside the list, with the next and the previous of the filter.

Owns what is said of an entry and its state, and which entries it is read together with. Refuses to guess a
neighbour: where the entry is not in the filter, there is none.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response

from trailbook.errors import EntryExpiredError
from trailbook.finding import Shown
from trailbook.model import microseconds
from trailbook.query import Order, Query
from trailbook.web.api.entries import known
from trailbook.web.http.render import html, partial
from trailbook.web.http.request import Request
from trailbook.web.pages import address
from trailbook.web.pages.address import Address
from trailbook.web.pages.frame import frame, home, home_zone, telling
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
        "panel.html" if part else "entry.html", **frame(request), **_told(request, state, shown), panel=part
    )


def _list(request: Request) -> Address:
    """The list that the entry was opened from, as its address says. Raises: FilterInvalidError."""
    pairs = address.tidied(request.pairs)
    return address.read(
        home(request), pairs, known=known(request.log.catalogue), home_zone=home_zone(request)
    )


def _told(request: Request, state: Address, shown: Shown) -> dict[str, Any]:
    said = telling(request, state, state.query.tz)
    naming = Naming(request.log, request.viewer, said, entries=[shown])
    proofs = request.org if request.viewer.read_proofs == "full" and shown.state != "accepted" else None
    related = request.log.related(
        request.entry_id(shown.id), viewer=request.viewer, limit=RELATED, lang=request.lang
    )
    older, newer = neighbours(request, state.query, shown)
    lead = Addresses(state)
    return {
        "told": naming.entry(shown, home(request)),
        "proofs": proofs,
        "signed": _signed(request) if proofs else None,
        "related": [_related(request, lead, one, said.zone) for one in related.entries],
        "more_related": (related.count or 0) - len(related.entries),
        "older": older and lead.entry(older.id),
        "newer": newer and lead.entry(newer.id),
        "list": state.href(state.query),
        "alone": lead.entry(shown.id),
    }


def _related(request: Request, lead: Addresses, one: Shown, zone: ZoneInfo) -> dict[str, str]:
    at = datetime.fromisoformat(one.occurred_at).astimezone(zone)
    return {"href": lead.entry(one.id), "sentence": one.sentence, "when": request.words.moment(at)}


def _signed(request: Request) -> int:
    """The size of the last signed head. Source: C2SP tlog-checkpoint."""
    return int(request.log.checkpoint(viewer=request.viewer).split(b"\n", 2)[1])


def neighbours(request: Request, query: Query, shown: Shown) -> tuple[Shown | None, Shown | None]:
    """The next older and the next newer entry of a filter, beside one that is in it."""
    now = request.site.deployment.clock()
    at = microseconds(datetime.fromisoformat(shown.occurred_at))
    older = _beside(request, (query, address.within(query, now, until=at + 1)), ("desc", shown.id))
    newer = _beside(request, (query, address.within(query, now, since=at)), ("asc", shown.id))
    return older, newer


def _beside(request: Request, within: tuple[Query, Query], beside: tuple[Order, str]) -> Shown | None:
    """The entry after one in an order; `within` are the filter of the list and the part of it to look in."""
    found, cursor = False, None
    (whole, part), (order, id_) = within, beside
    for _ in range(_MOST_PAGES):
        page = request.log.search(
            part,
            viewer=request.viewer,
            order=order,
            limit=_PAGE if found else 2,
            cursor=cursor,
            lang=request.lang,
            part_of=whole,
        )
        for one in page.entries:
            if found:
                return one
            found = one.id == id_
        cursor = page.next_cursor
        if cursor is None:
            return None
    return None
