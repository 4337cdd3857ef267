"""Hypothesis strategies: texts, items, entries that keep every rule of a catalogue, and filters over a log.

Owns what a valid entry may look like, drawn from the catalogue itself, so that a host's own files are
covered too. Refuses to draw anything that `complete_entry` would refuse: a refusal is a finding.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from trailbook.catalogue import TYPED_PARTS, Action, Catalogue, ItemType, Rule
from trailbook.model import (
    INTERFACES,
    KINDS,
    MAX_NAME,
    OUTCOMES,
    Actor,
    Concern,
    Item,
    Kind,
    NewEntry,
    Origin,
    name_fault,
    written,
)
from trailbook.query import FIELDS, HOURS, EntryFacts, Query, from_params, values_of
from trailbook.testing.steady import START

NAMES = (
    "Anna Berg",
    "Åse Ødegård",
    "Bjørn Ærlig",
    "Anna Maria Li",
    "Bob Li",
    "Zoë",
    "李 娜",
    "محمد",
    "O'Neil-Åby",
)
_IDS = ("a-1", "a-2", "B_3", "0" * 63 + "1", "0" * 63 + "2")
_UUIDS = st.uuids(version=4)
_PRESETS = (
    "today",
    "yesterday",
    "this-week",
    "last-week",
    "this-month",
    "last-month",
    "this-year",
    "past-6-months",
)
_ZONES = ("UTC", "Europe/Oslo", "Pacific/Apia", "America/St_Johns")
# What is set, and rules of other weeks and clocks.
_HOURS = (*HOURS, "outside,17,08:15-24:00,Pacific/Apia", "night,1234567,20:00-09:15,Europe/Oslo")
_DAYS = 200
# Declared values that few logs have, items that nobody recorded, addresses for examples: each is asked of every field
# that takes it.
_ELSEWHERE = (
    *("competence", "security", "integration.*", "role.renamed", "team/*", "user/nobody"),
    *("203.0.113.7", "192.0.2.0/24", "2001:db8::/32"),
)


def texts(most: int = MAX_NAME) -> st.SearchStrategy[str]:
    """Any text that an entry may hold, up to `most` characters."""
    anything = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=min(most, 40))
    normal = anything.map(lambda text: unicodedata.normalize("NFC", text)[:most])
    return normal.filter(lambda text: name_fault(text, most) is None)


def ids(declared: ItemType) -> st.SearchStrategy[str]:
    """An id from a small pool that fits the type's pattern, so that items meet again."""
    return st.sampled_from([i for i in _IDS if declared.id is None or re.fullmatch(declared.id, i)])


def items(declared: ItemType, names: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Item]:
    """An item of a type; a named one has one of few names, so that it is renamed now and then, or none."""
    named = st.none() | (names or st.sampled_from(NAMES)) if declared.named else st.none()
    return st.builds(Item, type=st.just(declared.name), id=ids(declared), name=named)


def times(until: datetime = START) -> st.SearchStrategy[datetime]:
    """A time at or before `until`, on few days and few moments of them, so that many are equal."""
    day = st.integers(0, _DAYS).map(lambda days: until - timedelta(days=days))
    back = st.sampled_from(
        [timedelta(0), timedelta(microseconds=1), timedelta(hours=9), timedelta(seconds=1)]
    )
    return st.builds(lambda at, by: at - by, day, back)


def origins() -> st.SearchStrategy[Origin]:
    """Where something came from, with and without address and agent."""
    ip = st.none() | st.sampled_from(["192.0.2.7", "2001:db8::1", "198.51.100.9"])
    agent = st.none() | st.sampled_from(["Mozilla/5.0", "curl/8.5"])
    return st.builds(Origin, interface=st.sampled_from(INTERFACES), ip=ip, user_agent=agent)


def correlations() -> st.SearchStrategy[str]:
    """A trace id, a UUID, or anything else."""
    return st.one_of(_UUIDS.map(lambda u: u.hex), _UUIDS.map(str), texts(200))


def new_entries(
    catalogue: Catalogue, actions: Sequence[str] | None = None, until: datetime = START
) -> st.SearchStrategy[NewEntry]:
    """An entry that keeps every rule, of one of `actions` or any; its `id` is given."""
    names = sorted(actions or catalogue.actions)

    @st.composite
    def entries(draw: st.DrawFn) -> NewEntry:
        action = catalogue.action(draw(st.sampled_from(names)))
        target = catalogue.types[draw(st.sampled_from(_targets(catalogue, action)))]
        rules = [rule for rule in action.concerns if rule.part not in action.filled]
        fields = st.lists(st.sampled_from(sorted(target.fields)), unique=True, max_size=3)
        return NewEntry(
            id=draw(_UUIDS),
            action=action.name,
            occurred_at=draw(times(until)),
            actor=draw(actors(catalogue)),
            target=draw(items(target)),
            origin=draw(origins()),
            concerns=tuple(concern for rule in rules for concern in draw(_part(catalogue, rule))),
            outcome=draw(st.sampled_from(OUTCOMES)),
            on_behalf_of=draw(st.none() | items(catalogue.types["user"])),
            fields=tuple(draw(fields)) if target.fields else (),
            purpose=draw(st.none() | st.sampled_from(catalogue.purposes)),
            effective_at=draw(st.none() | st.dates().map(str)),
            correlation=draw(st.none() | correlations()),
            caused_by=draw(st.none() | _UUIDS),
        )

    return entries()


def _targets(catalogue: Catalogue, action: Action) -> list[str]:
    return sorted(t.name for t in catalogue.types.values() if action.allows(t.name) and t.name != "origin")


def _part(catalogue: Catalogue, rule: Rule) -> st.SearchStrategy[list[Concern]]:
    if rule.part == "access":  # stated by Trailbook's own entries alone
        return st.just([])
    item = items(catalogue.types[TYPED_PARTS.get(rule.part, ("user",))[0]])
    concern = item.map(lambda i: Concern(type=i.type, id=i.id, name=i.name, part=rule.part))
    least, most = rule.least, min(rule.most, rule.least + 2, len(_IDS))
    return st.lists(concern, min_size=least, max_size=most, unique_by=lambda c: c.id)


def actors(catalogue: Catalogue) -> st.SearchStrategy[Actor]:
    """A person, an integration or the system, as their types are declared."""

    def of(kind: Kind) -> st.SearchStrategy[Actor]:
        type_ = {"person": "user", "integration": "integration", "system": "system"}[kind]
        return items(catalogue.types[type_]).map(
            lambda i: Actor(type=i.type, id=i.id, name=i.name, kind=kind)
        )

    return st.sampled_from(KINDS).flatmap(of)


@st.composite
def queries(draw: st.DrawFn, views: Sequence[EntryFacts], size: int, *, hours: bool = False) -> Query:
    """A filter over a log of `size` entries seen as `views`: mostly of what it has, sometimes of what it has not.

    With `hours` now and then by the hours of the week too, which a log refuses where it names a person.
    """
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3))
    pairs = [(name + draw(st.sampled_from(["", "", ".not"])), draw(_value(name, views))) for name in names]
    once: dict[str, Any] = {
        "text": draw(st.none() | _typed(views)),
        "self": draw(st.sampled_from([None, None, "true", "false"])),
        "as_of": draw(st.none() | st.integers(0, size).map(str)),
        "tz": draw(st.none() | st.sampled_from(_ZONES)),
        "hours": draw(st.sampled_from([None, *_HOURS])) if hours else None,
        **draw(_range(views)),
    }
    return from_params([*pairs, *((name, value) for name, value in once.items() if value is not None)])


def _value(field: str, views: Sequence[EntryFacts]) -> st.SearchStrategy[str]:
    # An erased item has no id to ask for.
    present = {v for view in views for v in values_of(field, view.entry) if not v.endswith("/")}
    elsewhere = {v for v in (*FIELDS[field].choices, *_ELSEWHERE) if FIELDS[field].check(v, None) is None}
    return st.sampled_from(sorted(present | elsewhere))


def _typed(views: Sequence[EntryFacts]) -> st.SearchStrategy[str]:
    typed = sorted({word[:40] for view in views for word in view.words} | {"nobody"})
    beginnings = st.builds(lambda word, to: word[:to], st.sampled_from(typed), st.integers(1, 6))
    return st.lists(beginnings, min_size=1, max_size=2).map(" ".join)


def _range(views: Sequence[EntryFacts]) -> st.SearchStrategy[dict[str, str]]:
    at = st.sampled_from([view.entry.occurred_at for view in views] or [START])
    ends = st.builds(lambda a, b: {"from": written(min(a, b)), "to": written(max(a, b))}, at, at)
    days = st.builds(lambda a, b: {"from": str(min(a, b).date()), "to": str(max(a, b).date())}, at, at)
    open_ = st.sampled_from(["from", "to"]).flatmap(lambda end: at.map(lambda a: {end: str(a.date())}))
    preset = st.sampled_from(_PRESETS).map(lambda name: {"date": name})
    return st.one_of(st.just({}), ends, days, open_, preset)
