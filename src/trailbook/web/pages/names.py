"""Names on the page: what a filter's values are called, and who an entry names in which part.

Owns chips and the parts of an entry's own page. Refuses to look anybody up but in the log itself.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trailbook.access import Viewer
from trailbook.finding import Shown, ShownItem
from trailbook.log import Log
from trailbook.query import FIELDS, HIDDEN, ONCE, PRESET_NAMES, Term, to_params
from trailbook.web.pages.address import Address, address, page_of
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


class Chip(Struct, frozen=True, kw_only=True):
    """One value of the filter in words; `flip` excludes it instead, `freeze` makes a period two days."""

    name: str
    field: str
    negated: bool
    text: str
    remove: str
    flip: str | None
    freeze: str | None


class Naming:
    """Names for one page, from the entries on it and, for the rest, from the log."""

    def __init__(self, log: Log, viewer: Viewer, presenter: Presenter, *, entries: Sequence[Shown]) -> None:
        self.presenter = presenter
        self._log = log
        self._viewer = viewer
        self._entries = entries
        self._item_names: dict[str, str] = {}

    def label(self, field: str, value: str) -> str:
        """A filter's value in words."""
        presenter = self.presenter
        if field in ONCE:
            return self._moment(value)
        if FIELDS[field].items:
            return cut(self._item(value))
        label = FIELDS[field].label
        if label == "kind":  # of many: the catalogue says what one of them is
            return presenter.words(f"kind.{value}")
        if label == "action" and value.endswith(".*"):
            return presenter.words("filter.all-of", entity=presenter.label("type", value[:-2]))
        return presenter.label(label, value) if label else value

    def chips(self, state: Address, now: datetime) -> list[Chip]:
        """Each set filter in words, with the addresses of the page without it and with its opposite."""
        return [self._chip(state, now, pair) for pair in to_params(state.fresh) if pair[0] != "tz"]

    def timelines(self, state: Address) -> list[tuple[str, str]]:
        """Each item that the filter names, with the address of its own page."""
        terms = (term for term in state.query.terms if _has_page(term) and not term.negated)
        named = (value for term in terms for value in term.values if value != HIDDEN and value[-2:] != "/*")
        return [
            (self.label("concerns", value), page_of(state.path, *value.split("/", 1)))
            for value in dict.fromkeys(named)
        ]

    def _chip(self, state: Address, now: datetime, pair: tuple[str, str]) -> Chip:
        name, value = pair
        field = name.removesuffix(".not")
        return Chip(
            name=field,
            field=self.presenter.words(f"filter.{field}"),
            negated=name.endswith(".not"),
            text=self._text(field, value),
            remove=state.href(state.without(name, value)),
            flip=None if field in ONCE else state.href(state.flipped(name, value)),
            freeze=state.href(state.frozen(now)) if field == "date" else None,
        )

    def _text(self, name: str, value: str) -> str:
        if name == "date":
            return PRESET_NAMES[self.presenter.words.lang][value]
        if name == "self":
            return self.presenter.words(f"filter.self-{value}")
        return value if name == "text" else self.label(name, value)

    def _item(self, value: str) -> str:
        kind, _, id_ = value.partition("/")
        if id_ == "*":
            return self.presenter.label("type", kind)
        if value == HIDDEN:
            return self.presenter.words("filter.hidden-item")
        if value not in self._item_names:
            self._item_names[value] = self._on_the_page(value) or self._looked_up(kind, id_)
        return self._item_names[value]

    def _on_the_page(self, value: str) -> str | None:
        items = (item for entry in self._entries for item in _items(entry))
        return next(
            (called(item, self.presenter) for item in items if f"{item.type}/{item.id}" == value), None
        )

    def _looked_up(self, kind: str, id_: str) -> str:
        items = self._log.items(id_[:80], viewer=self._viewer, type_=kind)
        named = next((item for item in items if item.id == id_), None)
        label = f"{self.presenter.label('type', kind)} {id_}"
        return label if named is None else named.name_now or named.name or label

    def _moment(self, value: str) -> str:
        if "T" not in value:
            return self.presenter.words.day(datetime.fromisoformat(value).date())
        return self.presenter.words.moment(self.presenter.local(value))

    def facts(self, shown: Shown, home: str) -> dict[str, Any]:
        """What an entry's own page says of it."""
        presenter, t = self.presenter, self.presenter.words
        at = presenter.local(shown.occurred_at)
        about = [(presenter.label("part", c.part), c) for c in shown.concerns]
        return {
            "shown": shown,
            "pieces": [
                (cut(p.text) if p.item else p.text, p.item is not None)
                for p in self._log.pieces(shown, viewer=self._viewer, lang=t.lang)
            ],
            "category": presenter.label("category", shown.category),
            "action": presenter.label("action", shown.action),
            "outcome": presenter.label("outcome", shown.outcome),
            "actor": self._item_facts(shown.actor, home, "actor")
            | {"kind": t(f"kind.one.{shown.actor.kind}")},
            "target": self._item_facts(shown.target, home, "concerns"),
            "behalf": shown.on_behalf_of and self._item_facts(shown.on_behalf_of, home, "concerns"),
            "about": [(label, self._item_facts(item, home, "concerns")) for label, item in about],
            "when": f"{t.weekday(at.date())}, {at:%H:%M:%S}",
            "recorded": t.moment(presenter.local(shown.recorded_at), seconds=True),
            "zone": f"{t.zone(presenter.zone)} (UTC{at:%z}, {presenter.zone.key})",
            "interface": presenter.label("interface", shown.origin.interface),
            "device": device(shown.origin.user_agent),
            "source": called(shown.source, presenter),
            "by_source": address(home, [("source", f"{shown.source.type}/{shown.source.id}")]),
            "purpose": shown.purpose and presenter.label("purpose", shown.purpose),
            "effective": shown.effective_at and self._moment(shown.effective_at),
            "fields": [presenter.label("field", name) for name in shown.fields],
            "caused": shown.caused_by and f"{home}/e/{shown.caused_by}",
            "state": t(f"state.{shown.state}"),
        }

    def _item_facts(self, item: ShownItem, home: str, field: str) -> dict[str, Any]:
        presenter = self.presenter
        value = f"{item.type}/{item.id}"
        return {
            "name": called(item, presenter),
            "short": cut(called(item, presenter)),
            "now": item.name_now if not item.erased else None,
            "type": presenter.label("type", item.type),
            "gone": not item.exists and not item.erased,
            "erased": item.erased,
            "filter": None if item.id is None else address(home, [(field, value)]),
            "page": None if item.id is None else page_of(home, item.type, item.id),
        }


def device(agent: str | None) -> str | None:
    """A browser's user agent in two words, or None where it is not one."""
    if agent is None:
        return None
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    return ", ".join(name for name in (browser, system) if name) or None


def _has_page(term: Term) -> bool:
    """Whether the values of a term are items whose own pages are of use: a source's are all that it recorded."""
    return FIELDS[term.field].acts or FIELDS[term.field].about


def _items(entry: Shown) -> list[ShownItem]:
    more = [entry.on_behalf_of] if entry.on_behalf_of else []
    return [entry.actor, entry.target, *entry.concerns, entry.source, *more]
