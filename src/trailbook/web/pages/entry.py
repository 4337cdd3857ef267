"""One entry: a page of its own, and the panel beside the list, with the next and the previous of the filter.

Owns what is said of an entry and its state, and which entries it is read together with. Refuses to guess a
neighbour: where the entry is not in the filter, there is none.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response
from msgspec import Struct

from trailbook.catalogue import SentencePiece
from trailbook.errors import EntryExpiredError
from trailbook.finding import Page, Shown
from trailbook.model import microseconds
from trailbook.query import Order, Query
from trailbook.web.http.render import page, partial
from trailbook.web.http.request import Request
from trailbook.web.pages.address import Address, tidied, within
from trailbook.web.pages.facts import Facts, Hints, facts, items_in
from trailbook.web.pages.frame import frame, list_of, presenter_of
from trailbook.web.pages.rows import Addresses, Presenter

RELATED = 10
_PAGE, _MOST_PAGES = 50, 4


class Neighbours(Struct, frozen=True):
    """The next older and the next newer entry of a filter, where there are any."""

    older: Shown | None
    newer: Shown | None


class Answer(Struct, frozen=True, kw_only=True):
    """An entry as the log answers it: its sentence, what is read together with it, and how much is signed."""

    shown: Shown
    related: Page
    beside: Neighbours
    hints: Hints
    pieces: Sequence[SentencePiece]
    proofs: str | None
    signed: int | None


class RelatedEntry(Struct, frozen=True):
    """An entry that belongs together with the one on the page."""

    href: str
    sentence: str
    when: str


class EntryPage(Struct, frozen=True, kw_only=True):
    """What stands on an entry's page and in the panel alike; `proofs` is the organisation, for who may read them."""

    facts: Facts
    proofs: str | None
    signed: int | None
    cause: RelatedEntry | None
    related: list[RelatedEntry]
    more_related: int
    older: str | None
    newer: str | None
    list: str
    zone: ZoneInfo
    printed_at: datetime


class Panel(Struct, frozen=True):
    """Whether an entry stands in the panel beside the list, and not on a page of its own."""

    panel: bool


class ExpiredPage(Struct, frozen=True):
    """What is left of an entry whose time is over."""

    seq: int
    leaf: str


def entry_page(request: Request) -> Response[Any]:
    """GET e/{id}: all there is to say of one entry. Raises: NotFoundError, FilterInvalidError."""
    state = list_of(request, tidied(request.pairs))
    try:
        answer = _ask(request, state.query)
    except EntryExpiredError as error:
        gone = ExpiredPage(error.seq, error.leaf.hex())
        part = partial(request.headers)
        return page("expired.html", (frame(request), gone), status=410, part=part)
    around, presenter = frame(request), presenter_of(request, state, state.query.tz)
    printed_at = request.site.deployment.clock().astimezone(presenter.zone)
    model = _model(answer, state, presenter, printed_at=printed_at)
    if partial(request.headers):
        return page("panel.html", (around, model, Panel(True)))
    return page("entry.html", (around, model, Panel(False)))


def _ask(request: Request, query: Query) -> Answer:
    """What the log says of the entry, which was opened from a list. Raises: NotFoundError, EntryExpiredError."""
    log, viewer, lang = request.log, request.viewer, request.lang
    id_ = request.entry_id
    shown = log.show(id_, viewer=viewer, lang=lang)
    pieces = log.pieces(shown, viewer=viewer, lang=lang)
    related = log.related(id_, viewer=viewer, limit=RELATED, lang=lang)
    named = items_in(shown)
    proofs = request.org if viewer.read_proofs == "full" and shown.state != "accepted" else None
    return Answer(
        shown=shown,
        pieces=pieces,
        related=related,
        beside=neighbours(request, query, shown),
        hints=log.hints(named, viewer=viewer),
        proofs=proofs,
        signed=_signed(request) if proofs else None,
    )


def _model(answer: Answer, state: Address, presenter: Presenter, *, printed_at: datetime) -> EntryPage:
    lead, older, newer = Addresses(state), answer.beside.older, answer.beside.newer
    related = {e.id: _related(e, lead, presenter, beside=answer.shown) for e in answer.related.entries}
    cause = related.pop(answer.shown.caused_by or "", None)
    return EntryPage(
        proofs=answer.proofs,
        signed=answer.signed,
        cause=cause,
        related=list(related.values()),
        more_related=(answer.related.count or 0) - len(answer.related.entries),
        older=None if older is None else lead.entry(older.id),
        newer=None if newer is None else lead.entry(newer.id),
        list=state.href(state.query),
        zone=presenter.zone,
        printed_at=printed_at,
        facts=facts(answer.shown, answer.pieces, presenter=presenter, home=state.path, hints=answer.hints),
    )


def _related(shown: Shown, lead: Addresses, presenter: Presenter, *, beside: Shown) -> RelatedEntry:
    """An entry beside another, whose day is not said again."""
    at, then = presenter.local(shown.occurred_at), presenter.local(beside.occurred_at)
    when = presenter.clock(at) if at.date() == then.date() else presenter.words.moment(at)
    return RelatedEntry(lead.entry(shown.id), shown.sentence, when)


def _signed(request: Request) -> int:
    """The size of the last signed head. Source: C2SP tlog-checkpoint."""
    return int(request.log.checkpoint(viewer=request.viewer).split(b"\n", 2)[1])


def neighbours(request: Request, query: Query, shown: Shown) -> Neighbours:
    """What stands before and after an entry that is in the filter."""
    return Neighbours(
        older=_next_to(request, shown, query, order="desc"),
        newer=_next_to(request, shown, query, order="asc"),
    )


def _next_to(request: Request, shown: Shown, whole: Query, *, order: Order) -> Shown | None:
    """The entry after one in an order, looked for in the part of the list's whole filter that begins with it."""
    now, at = request.site.deployment.clock(), microseconds(datetime.fromisoformat(shown.occurred_at))
    part = within(whole, now, until=at + 1) if order == "desc" else within(whole, now, since=at)
    passed, cursor = False, None
    for _ in range(_MOST_PAGES):
        turn = request.log.search(
            part,
            viewer=request.viewer,
            order=order,
            limit=_PAGE if passed else 2,
            cursor=cursor,
            lang=request.lang,
            part_of=whole,
        )
        for entry in turn.entries:
            if passed:
                return entry
            passed = entry.id == shown.id
        cursor = turn.next_cursor
        if cursor is None:
            return None
    return None
