"""Names on the page: what a filter's values are called.

Owns chips, and how the items of a filter are looked up: once, before anything is said of them. Refuses to look
anybody up but in the log itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from trailbook.access import Viewer
from trailbook.finding import FoundItem, Shown, ShownItem
from trailbook.log import Log
from trailbook.query import FIELDS, HIDDEN, ONCE, PRESET_NAMES, Query, Term, to_params
from trailbook.web.pages.address import FOLDED, Address, page_of
from trailbook.web.pages.rows import Presenter, called, cut


class Chip(Struct, frozen=True, kw_only=True):
    """One value of the filter in words; `flip` excludes it instead, `freeze` makes a period two days."""

    name: str
    field: str
    negated: bool
    text: str
    remove: str
    flip: str | None
    freeze: str | None


# The items that a filter names, by `type/id`: as an entry of the page shows them, else as the log knows them.
Items = Mapping[str, ShownItem | FoundItem]


def items_of(log: Log, query: Query, *, viewer: Viewer, entries: Sequence[Shown] = ()) -> Items:
    """The items that a filter names, as far as the entries on a page or the log know them."""
    named = (value for term in query.terms if FIELDS[term.field].items for value in term.values)
    wanted = dict.fromkeys(value for value in named if value != HIDDEN and value[-2:] != "/*")
    items = ((value, _on_the_page(entries, value) or _looked_up(log, viewer, value)) for value in wanted)
    return {value: item for value, item in items if item is not None}


def _on_the_page(entries: Sequence[Shown], value: str) -> ShownItem | None:
    items = (item for entry in entries for item in _items(entry))
    return next((item for item in items if f"{item.type}/{item.id}" == value), None)


def _looked_up(log: Log, viewer: Viewer, value: str) -> FoundItem | None:
    type_, _, id_ = value.partition("/")
    items = log.items(id_[:80], viewer=viewer, type_=type_)
    return next((item for item in items if item.id == id_), None)


class Naming(Struct, frozen=True):
    """Names for one page: of the items of its filter, and in the words of whoever reads."""

    presenter: Presenter
    items: Items

    def label(self, field: str, value: str) -> str:
        """A filter's value in words."""
        presenter = self.presenter
        if field in ONCE:
            return presenter.moment(value)
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
            text=self.presenter.words("filter.folded") if pair == FOLDED else self._text(field, value),
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
        type_, _, id_ = value.partition("/")
        if id_ == "*":
            return self.presenter.label("type", type_)
        if value == HIDDEN:
            return self.presenter.words("filter.hidden-item")
        item = self.items.get(value)
        if isinstance(item, ShownItem):
            return called(item, self.presenter)
        known = None if item is None else item.name_now or item.name
        return known or f"{self.presenter.label('type', type_)} {id_}"


def _has_page(term: Term) -> bool:
    """Whether the values of a term are items whose own pages are of use: a source's are all that it recorded."""
    return FIELDS[term.field].acts or FIELDS[term.field].about


def _items(entry: Shown) -> list[ShownItem]:
    more = [entry.on_behalf_of] if entry.on_behalf_of else []
    return [entry.actor, entry.target, *entry.concerns, entry.source, *more]
