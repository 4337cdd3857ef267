"""The shortcut past the rules: whatever was seen before, the answer is the one that the rules give."""

from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from msgspec import structs

from trailbook.catalogue import load
from trailbook.errors import InvalidError
from trailbook.model import Actor, Concern, Item, NewEntry, Origin
from trailbook.record.rules import Complete, complete_entry
from trailbook.record.rules_cache import RulesCache
from trailbook.testing.steady import START
from trailbook.testing.strategies import new_entries

CATALOGUE = load()
ANNA = Actor(type="user", id="u-17", name="Anna Berg", kind="person")
BOB = Concern(type="user", id="u-42", name="Bob Li", part="member")
ENTRY = NewEntry(
    id=UUID(int=7),
    action="role.assigned",
    occurred_at=START,
    actor=ANNA,
    target=Item(type="role", id="r-3", name="Manager"),
    concerns=(BOB,),
    origin=Origin(interface="web", ip="192.0.2.7"),
)
OTHERWISE: list[dict[str, Any]] = [
    {"actor": structs.replace(ANNA, kind="system")},
    {"actor": structs.replace(ANNA, name="")},
    {"actor": Item(type="user", id="u-17", name="Anna Berg")},
    {"target": ANNA},
    {"target": Actor(type="role", id="r-3", name="Manager", kind="person")},
    {"target": BOB},
    {"on_behalf_of": ANNA},
    {"on_behalf_of": Item(type="user", id="u-42", name="Bob Li")},
    {"concerns": (BOB, BOB)},
    {"concerns": (BOB, structs.replace(BOB, name="Bob"))},
    {"concerns": (structs.replace(BOB, part="scope"),)},
    {"concerns": (structs.replace(BOB, part="represented"),)},
    {"concerns": ()},
    {"concerns": [BOB]},
    {"concerns": None},
    {"fields": ["name"]},
    {"fields": ("name", "name")},
    {"fields": ("nothing",)},
    {"fields": (1,)},
    {"category": "users"},
    {"outcome": "perhaps"},
    {"outcome": ["success"]},
    {"purpose": "because"},
    {"purpose": 1},
    {"effective_at": "2026-02-30"},
    {"effective_at": "20260203"},
    {"effective_at": 5},
    {"correlation": ""},
    {"correlation": "a\nb"},
    {"correlation": 7},
    {"id": "7"},
    {"caused_by": 7},
    {"occurred_at": START.replace(tzinfo=None)},
    {"occurred_at": START + timedelta(minutes=6)},
    {"occurred_at": START.astimezone(timezone(timedelta(hours=1)))},
    {"occurred_at": "2026-01-01"},
    {"occurred_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
    {"origin": Origin(interface="web", ip="192.0.2.007")},
    {"origin": Origin(interface="fax")},  # type: ignore[arg-type]
    {"action": "role.asigned"},
    {"action": None},
]


def verdict(judge: Any, entry: NewEntry) -> Any:
    """What comes of an entry: completed, or why not."""
    try:
        complete: Complete = judge(entry)
    except InvalidError as error:
        return type(error), error.faults
    return complete


def by_rules(entry: NewEntry) -> Any:
    return verdict(lambda e: complete_entry(CATALOGUE, e, START), entry)


@given(st.lists(new_entries(CATALOGUE), min_size=1, max_size=4), st.data())
def test_what_was_seen_is_judged_as_by_the_rules(entries: list[NewEntry], data: st.DataObject) -> None:
    """Items, shapes and times of entries that were seen, in any mixture, three times over."""
    sound = RulesCache(CATALOGUE)
    for _ in range(2):
        for entry in entries:
            assert verdict(lambda e: sound.complete(e, START), entry) == by_rules(entry)
    mixed = structs.replace(
        data.draw(st.sampled_from(entries)),
        target=data.draw(st.sampled_from(entries)).target,
        actor=data.draw(st.sampled_from(entries)).actor,
        concerns=data.draw(st.sampled_from(entries)).concerns,
        on_behalf_of=data.draw(st.sampled_from(entries)).on_behalf_of,
        fields=data.draw(st.sampled_from(entries)).fields,
    )
    assert verdict(lambda e: sound.complete(e, START), mixed) == by_rules(mixed)


@pytest.mark.parametrize("members", OTHERWISE, ids=str)
def test_one_member_otherwise(members: dict[str, Any]) -> None:
    """Each is judged by the rules although everything beside it was seen; the control is the entry itself."""
    sound = RulesCache(CATALOGUE)
    behalf = structs.replace(ENTRY, on_behalf_of=Item(type="user", id="u-42", name="Bob Li"))
    for seen in (ENTRY, behalf, ENTRY):
        assert verdict(lambda e: sound.complete(e, START), seen) == by_rules(seen)
    other = structs.replace(ENTRY, **members)
    assert verdict(lambda e: sound.complete(e, START), other) == by_rules(other)
    assert isinstance(by_rules(ENTRY), Complete)
