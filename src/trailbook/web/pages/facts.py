"""What an entry's own page says of it, member by member, in the words of whoever reads.

Owns the words for items, times and browsers there. Refuses to look anything up: all of it is in the entry.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from trailbook.catalogue import SentencePiece
from trailbook.finding import Shown, ShownItem
from trailbook.web.http.texts import Words
from trailbook.web.pages.address import address, page_of
from trailbook.web.pages.rows import FAMILY, Presenter, called, cut, recorded_late

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
    """An item: what it is called, here and now, and the address of its own page.

    `hint` is what the host says of it today.
    """

    name: str
    now: str | None
    hint: str | None
    type: str
    gone: bool
    erased: bool
    page: str | None


class Times(Struct, frozen=True, kw_only=True):
    """When it happened, in a zone that is named; when it was recorded, where that was late; when it takes effect."""

    when: str
    recorded: str | None
    effective: str | None


class Facts(Struct, frozen=True, kw_only=True):
    """An entry in words: its sentence as texts, each with whether it is a name, and every other member by itself.

    Whoever did something to themselves is named once: the sentence says that it is their own.
    """

    shown: Shown
    pieces: list[tuple[str, bool]]
    category: str
    family: str | None
    action: str
    outcome: str
    actor: ItemFacts
    target: ItemFacts | None
    behalf: ItemFacts | None
    about: list[tuple[str, list[ItemFacts]]]
    hinted: bool
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

    def of(item: ShownItem) -> ItemFacts:
        return _item(item, presenter, home=home, hints=hints)

    label, behalf, target = presenter.label, shown.on_behalf_of, shown.target
    concerns = [item for item in shown.concerns if not _same(item, target)]
    return Facts(
        shown=shown,
        pieces=[(cut(piece.text) if piece.item else piece.text, piece.item is not None) for piece in pieces],
        category=label("category", shown.category),
        family=FAMILY.get(shown.category),
        action=label("action", shown.action),
        outcome=label("outcome", shown.outcome),
        actor=of(shown.actor),
        target=None if _same(target, shown.actor) else of(target),
        behalf=None if behalf is None else of(behalf),
        about=_about([(label("part", c.part), of(c)) for c in concerns]),
        hinted=any(item in hints for item in items_in(shown)),
        interface=label("interface", shown.origin.interface),
        device=device(shown.origin.user_agent, presenter.words),
        source=called(shown.source, presenter),
        by_source=address(home, [("source", f"{shown.source.type}/{shown.source.id}")]),
        purpose=shown.purpose and label("purpose", shown.purpose),
        fields=[label("field", name) for name in shown.fields],
        caused=shown.caused_by and f"{home}/e/{shown.caused_by}",
        times=_times(shown, presenter),
        state=presenter.words(f"state.{shown.state}"),
    )


def _same(item: ShownItem, other: ShownItem) -> bool:
    return item.id is not None and (item.type, item.id) == (other.type, other.id)


def _about(named: Sequence[tuple[str, ItemFacts]]) -> list[tuple[str, list[ItemFacts]]]:
    """What an entry concerns: the items of one part stand together, and parts of the same items."""
    parts: dict[str, list[ItemFacts]] = {}
    for label, item in named:
        parts.setdefault(label, []).append(item)
    joined: list[tuple[str, list[ItemFacts]]] = []
    for label, items in parts.items():
        if joined and joined[-1][1] == items:
            joined[-1] = (f"{joined[-1][0]}, {label.lower()}", items)
        else:
            joined.append((label, items))
    return joined


def _times(shown: Shown, presenter: Presenter) -> Times:
    late, t = recorded_late(shown), presenter.words
    at = presenter.local(shown.occurred_at)
    zone = t.clock(presenter.zone) if at.tzinfo is presenter.zone else "UTC"
    return Times(
        when=f"{t.weekday(at.date())}, {at:%H:%M:%S}, {zone}",
        recorded=None if late is None else t.moment(presenter.local(shown.recorded_at), seconds=True),
        effective=shown.effective_at and presenter.moment(shown.effective_at),
    )


def items_in(shown: Shown) -> list[tuple[str, str]]:
    """The type and id of each item that an entry names."""
    behalf = [] if shown.on_behalf_of is None else [shown.on_behalf_of]
    items = (shown.actor, shown.target, *behalf, *shown.concerns)
    return [(item.type, item.id) for item in items if item.id is not None]


def _item(item: ShownItem, presenter: Presenter, *, home: str, hints: Hints) -> ItemFacts:
    return ItemFacts(
        name=called(item, presenter),
        now=item.name_now if not item.erased else None,
        hint=hints.get((item.type, item.id or "")),
        type=presenter.label("type", item.type),
        gone=not item.exists and not item.erased,
        erased=item.erased,
        page=None if item.id is None else page_of(home, item.type, item.id),
    )


def device(agent: str | None, words: Words) -> str | None:
    """A browser's user agent in words, the browser and what it runs on; None where it is neither."""
    if agent is None:
        return None
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return words("entry.device", browser=browser, system=system) if browser and system else browser or system
