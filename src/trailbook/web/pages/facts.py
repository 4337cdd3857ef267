"""What an entry's own page says of it, member by member, in the words of whoever reads.

Owns the words for items, times and browsers there. Refuses to look anything up: all of it is in the entry.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from trailbook.catalogue import SentencePiece
from trailbook.finding import Shown, ShownItem
from trailbook.web.pages.address import address, page_of
from trailbook.web.pages.rows import Presenter, called, cut

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


Hints = Mapping[tuple[str, str], str]  # what the host says today of items, by type and id


class ItemFacts(Struct, frozen=True, kw_only=True):
    """An item: what it is called, here and now, and the addresses of its entries and of its own page.

    `hint` is what the host says of it today.
    """

    name: str
    short: str
    now: str | None
    hint: str | None
    type: str
    gone: bool
    erased: bool
    filter: str | None
    page: str | None


class Times(Struct, frozen=True, kw_only=True):
    """When it happened, was recorded and takes effect, in a zone that is named."""

    when: str
    recorded: str
    zone: str
    effective: str | None


class Facts(Struct, frozen=True, kw_only=True):
    """An entry in words: its sentence as texts, each with whether it is a name, and every other member by itself."""

    shown: Shown
    pieces: list[tuple[str, bool]]
    category: str
    action: str
    outcome: str
    actor: ItemFacts
    target: ItemFacts
    behalf: ItemFacts | None
    about: list[tuple[str, ItemFacts]]
    times: Times
    interface: str
    device: str | None
    source: str
    by_source: str
    purpose: str | None
    fields: list[str]
    caused: str | None
    state: str


def facts(
    shown: Shown, pieces: Sequence[SentencePiece], *, presenter: Presenter, home: str, hints: Hints
) -> Facts:
    """What there is to say of an entry, whose sentence is in `pieces`, on the page of a log at `home`."""

    def of(item: ShownItem, field: str) -> ItemFacts:
        return _item(item, field, presenter, home=home, hints=hints)

    label, behalf = presenter.label, shown.on_behalf_of
    return Facts(
        shown=shown,
        pieces=[(cut(piece.text) if piece.item else piece.text, piece.item is not None) for piece in pieces],
        category=label("category", shown.category),
        action=label("action", shown.action),
        outcome=label("outcome", shown.outcome),
        actor=of(shown.actor, "actor"),
        target=of(shown.target, "concerns"),
        behalf=None if behalf is None else of(behalf, "concerns"),
        about=[(label("part", c.part), of(c, "concerns")) for c in shown.concerns],
        interface=label("interface", shown.origin.interface),
        device=device(shown.origin.user_agent),
        source=called(shown.source, presenter),
        by_source=address(home, [("source", f"{shown.source.type}/{shown.source.id}")]),
        purpose=shown.purpose and label("purpose", shown.purpose),
        fields=[label("field", name) for name in shown.fields],
        caused=shown.caused_by and f"{home}/e/{shown.caused_by}",
        times=_times(shown, presenter),
        state=presenter.words(f"state.{shown.state}"),
    )


def _times(shown: Shown, presenter: Presenter) -> Times:
    at, t = presenter.local(shown.occurred_at), presenter.words
    return Times(
        when=f"{t.weekday(at.date())}, {at:%H:%M:%S}",
        recorded=t.moment(presenter.local(shown.recorded_at), seconds=True),
        zone=f"{t.zone(presenter.zone)} (UTC{at:%z}, {presenter.zone.key})",
        effective=shown.effective_at and presenter.moment(shown.effective_at),
    )


def items_in(shown: Shown) -> list[tuple[str, str]]:
    """The type and id of each item that an entry names."""
    behalf = [] if shown.on_behalf_of is None else [shown.on_behalf_of]
    items = (shown.actor, shown.target, *behalf, *shown.concerns)
    return [(item.type, item.id) for item in items if item.id is not None]


def _item(item: ShownItem, field: str, presenter: Presenter, *, home: str, hints: Hints) -> ItemFacts:
    name = called(item, presenter)
    return ItemFacts(
        name=name,
        short=cut(name),
        now=item.name_now if not item.erased else None,
        hint=hints.get((item.type, item.id or "")),
        type=presenter.label("type", item.type),
        gone=not item.exists and not item.erased,
        erased=item.erased,
        filter=None if item.id is None else address(home, [(field, f"{item.type}/{item.id}")]),
        page=None if item.id is None else page_of(home, item.type, item.id),
    )


def device(agent: str | None) -> str | None:
    """A browser's user agent in two words, or None where it is not one."""
    if agent is None:
        return None
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return ", ".join(name for name in (browser, system) if name) or None
