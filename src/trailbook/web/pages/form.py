"""The form above a list: what it offers, what of it is chosen, and the filter as chips.

Owns which fields are in the form and which go along unseen. Refuses to count anything: numbers come beside.
"""

from datetime import datetime
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from trailbook.catalogue import Catalogue
from trailbook.query import FIELDS, ONCE, PRESET_NAMES, PRESETS, Field, Query, fold, parse_day, to_params
from trailbook.web.pages.address import Address, Pairs
from trailbook.web.pages.names import Chip, Naming
from trailbook.web.pages.rows import Presenter

# Offered beside the field; any IANA name is taken.
ZONES = (
    *("UTC", "Europe/Oslo", "Europe/Stockholm", "Europe/Copenhagen", "Europe/Helsinki", "Atlantic/Reykjavik"),
    *("Europe/London", "Europe/Dublin", "Europe/Paris", "Europe/Berlin", "Europe/Warsaw", "Europe/Madrid"),
    *("Europe/Athens", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo"),
)
_BOXES = [field for field in FIELDS.values() if field.form == "boxes"]
# What a field of the form says by itself; the rest of a filter goes along hidden.
_SHOWN = {field.name for field in _BOXES} | {single.name for single in ONCE.values() if single.own}


class Choices(Struct, frozen=True):
    """What the form offers of a catalogue, which is kept so that its id stays its own."""

    catalogue: Catalogue
    options: dict[str, Any]


class Option(Struct, frozen=True):
    """A value that the form offers, under its category."""

    category: str
    value: str
    label: str


class FilterForm(Struct, frozen=True, kw_only=True):
    """The filter of a list: as the fields of a form, and as chips.

    `hidden` goes along unseen; `asks` is the field that a ready view waits for.
    """

    query: Query
    state: Address
    chosen: dict[str, list[str]]
    days: dict[str, str]
    date_words: str
    hidden: Pairs
    chips: list[Chip]
    asks: str | None
    choices: dict[str, Any]
    timelines: list[tuple[str, str]]


def form_of(state: Address, naming: Naming, *, now: datetime, waits_for: str | None) -> FilterForm:
    """The form of a list, whose items `naming` names; its view may wait for somebody in a field."""
    params = to_params(state.fresh)
    in_form = {name for name, _ in params} & _SHOWN
    days = {name: value for name, value in params if name in ("from", "to") and "T" not in value}
    beside = [(n, v) for n, v in params if n not in in_form and n not in days]
    own = [(name, value) for name, value in (("view", state.view),) if value]
    named = any(name in ("actor", "concerns") for name, _ in params)
    chosen = {name: [v for n, v in params if n == name] for name in in_form}
    return FilterForm(
        query=state.query,
        state=state,
        chosen=chosen,
        days=days,
        date_words=_date_words(naming, days, state.fresh.date),
        hidden=[*beside, *own],
        chips=naming.chips(state, now),
        asks=None if named else waits_for,
        choices=_choices(naming.presenter),
        timelines=naming.timelines(state),
    )


def _date_words(naming: Naming, days: dict[str, str], preset: str | None) -> str:
    """The period that is chosen, in words, or the one day or two of its own."""
    words = naming.presenter.words
    if preset is not None:
        return PRESET_NAMES[words.lang][preset]
    ends = [parse_day(days[name]) if name in days else None for name in ("from", "to")]
    if ends[0] and ends[1]:
        return words.days(ends[0], ends[1])
    first, last = ("…" if day is None else words.short_day(day) for day in ends)
    return words("bars.days", first=first, last=last)


# What the form offers is the same for all readers of a language.
_OFFERED: dict[tuple[int, str], Choices] = {}


def _choices(presenter: Presenter) -> dict[str, Any]:
    key = (id(presenter.catalogue), presenter.words.lang)
    if key not in _OFFERED:
        _OFFERED[key] = Choices(presenter.catalogue, _offered(presenter))
    return _OFFERED[key].options


def _offered(presenter: Presenter) -> dict[str, Any]:
    catalogue, words, label = presenter.catalogue, presenter.words, presenter.label
    labelled = [(name, label("category", name)) for name in catalogue.categories]
    categories = sorted(labelled, key=lambda pair: fold(pair[1]))
    actions = [Option(a.category, a.name, label("action", a.name)) for a in catalogue.actions.values()]
    types = [Option(t.category, f"{t.name}/*", label("type", t.name)) for t in catalogue.types.values()]
    return {
        "presets": [(name, PRESET_NAMES[words.lang][name]) for name in PRESETS],
        "categories": categories,
        "boxes": {field.name: _boxes(presenter, field) for field in _BOXES if field.choices},
        "plain": [field.name for field in FIELDS.values() if field.form == "text"],
        "actions": _grouped(categories, actions),
        "types": _grouped(categories, types),
        "zones": ZONES,
    }


def _boxes(presenter: Presenter, field: Field) -> list[tuple[str, str]]:
    """Every value of a field with its label."""
    label = field.label or field.name
    if label == "kind":  # of many: the catalogue says what one of them is
        return [(value, presenter.words(f"kind.{value}")) for value in field.choices]
    return [(value, presenter.label(label, value)) for value in field.choices]


def _grouped(categories: list[tuple[str, str]], options: list[Option]) -> Markup:
    """Options under the labels of their categories, written once."""
    option, group = Markup('<option value="{}">{}</option>'), Markup('<optgroup label="{}">{}</optgroup>')
    written: dict[str, list[Markup]] = {}
    for offered in options:
        written.setdefault(offered.category, []).append(option.format(offered.value, offered.label))
    return Markup("").join(
        group.format(label, Markup("").join(written.get(name, []))) for name, label in categories
    )
