"""Entries of an imagined company over two years: the catalogue's own actions, and a few actors who do most.

Owns the workload every benchmark records. The same count and seed give the same entries. Refuses to draw an
entry that breaks a rule, and leaves the ids to the log, as a host in the same process does.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import accumulate

import numpy as np
from msgspec import Struct

from trailbook.catalogue import ANY, Action, Catalogue, ItemType
from trailbook.model import Actor, Concern, Item, NewEntry, Origin, instant, microseconds

FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 731
CATEGORIES = ("users", "roles", "permissions", "integrations", "competence", "absence", "salary")
_CHUNK = 10_000
_POOL = 60  # items of a type that belongs to nobody
_DAY = 86_400_000_000

# How often an action happens; each of the others in these categories has weight 1.
_WEIGHTS = {
    "user.profile_updated": 140,
    "user.created": 12,
    "user.invited": 12,
    "user.position_changed": 15,
    "role.assigned": 60,
    "role.unassigned": 35,
    "permission.granted": 20,
    "permission.revoked": 12,
    "access.denied": 25,
    "integration.sync_started": 40,
    "integration.sync_completed": 38,
    "integration.user_sent": 160,
    "integration.user_received": 60,
    "competence.added": 40,
    "competence.updated": 25,
    "competence.verified": 20,
    "absence.requested": 70,
    "absence.registered": 45,
    "absence.approved": 65,
    "absence_balance.adjusted": 25,
    "salary.updated": 25,
    "salary.viewed": 60,
    "payslip.published": 80,
}
_FIRST = "Anna Bjørn Cecilie Dag Elin Fredrik Guro Håkon Ingrid Jonas Kari Lars Marit Nils Oda Per Ragna Siri".split()
_LAST = "Aas Berg Cappelen Dahl Eide Foss Grønn Haugen Iversen Jensen Krog Lie Moen Nygård Opdal Ruud Sæther".split()
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
)
_JOB = Origin(interface="job")


class Cast(Struct, frozen=True):
    """Who takes part: people by how busy they are, their usual origins, and the automation."""

    people: tuple[Actor, ...]
    origins: tuple[Origin, ...]
    automation: tuple[Actor, ...]
    busy: tuple[float, ...]


class Form(Struct, frozen=True):
    """How entries of one action are made: target type, the parts that must be filled, fields to name."""

    action: str
    target: ItemType
    parts: tuple[str, ...]
    fields: tuple[str, ...]
    automatic: bool


def people_of(count: int) -> int:
    """How many people a log of `count` entries is about."""
    return min(20_000, max(50, count // 200))


def cast_of(count: int) -> Cast:
    """The people and the automation of a log of `count` entries; the first person is the busiest (Zipf)."""
    number = people_of(count)
    people = tuple(_person(at) for at in range(number))
    origins = tuple(
        Origin(interface="web", ip=f"10.{at >> 8 & 255}.{at & 255}.7", user_agent=_AGENTS[at % 2])
        for at in range(number)
    )
    automation = (
        *(
            Actor(kind="integration", type="integration", id=f"i-{at}", name=f"Payroll {at}")
            for at in range(5)
        ),
        Actor(kind="system", type="system", id="scheduler", name="Scheduler"),
    )
    return Cast(people, origins, automation, tuple(accumulate(1 / (at + 1) for at in range(number))))


def forms_of(catalogue: Catalogue) -> tuple[tuple[Form, ...], tuple[int, ...]]:
    """A form for every action of the seven categories, and cumulative weights to choose by."""
    actions = [a for a in catalogue.actions.values() if a.category in CATEGORIES]
    forms = tuple(_form(catalogue, action) for action in actions)
    return forms, tuple(accumulate(_WEIGHTS.get(form.action, 1) for form in forms))


def entries(catalogue: Catalogue, count: int, *, seed: int = 1, unsorted: bool = False) -> Iterator[NewEntry]:
    """`count` entries over two years, oldest first, or in any order as some imports bring them."""
    draw = random.Random(seed)
    cast = cast_of(count)
    forms, weights = forms_of(catalogue)
    make = _maker(cast, draw)
    times = _times(count, seed, unsorted)
    for start in range(0, count, _CHUNK):
        at = times[start : start + _CHUNK].tolist()
        chosen = draw.choices(forms, cum_weights=weights, k=len(at))
        actors = draw.choices(range(len(cast.people)), cum_weights=cast.busy, k=len(at))
        yield from map(make, chosen, actors, at)


def batches(stream: Iterator[NewEntry], size: int) -> Iterator[list[NewEntry]]:
    """Entries in lists of `size`, the last one shorter."""
    while batch := [entry for _, entry in zip(range(size), stream, strict=False)]:
        yield batch


def _times(count: int, seed: int, unsorted: bool) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Moments in microseconds: any day, mostly in office hours."""
    draw = np.random.default_rng(seed)
    hours = draw.normal(11.5, 3.5, count) % 24
    days = draw.integers(0, DAYS, count)
    instants = microseconds(FIRST_DAY) + days * _DAY + (hours / 24 * _DAY).astype(np.int64)
    return instants if unsorted else np.sort(instants)


def _maker(cast: Cast, draw: random.Random) -> Callable[[Form, int, int], NewEntry]:
    number = len(cast.people)
    chance = draw.random

    def make(form: Form, busy: int, at: int) -> NewEntry:
        about = busy if chance() < 0.2 else int(chance() * number)
        actor, origin = cast.people[busy], cast.origins[busy]
        if form.automatic or chance() < 0.05:
            actor, origin = cast.automation[int(chance() * len(cast.automation))], _JOB
        subject = cast.people[about]
        return NewEntry(
            action=form.action,
            occurred_at=instant(at),
            actor=actor,
            target=_target(form.target, subject, int(chance() * _POOL)),
            origin=origin,
            concerns=tuple(
                Concern(type="user", id=subject.id, name=subject.name, part=part) for part in form.parts
            ),
            fields=form.fields,
        )

    return make


def _person(at: int) -> Actor:
    name = f"{_FIRST[at % len(_FIRST)]} {_LAST[at // len(_FIRST) % len(_LAST)]}"
    more = at // (len(_FIRST) * len(_LAST))
    return Actor(kind="person", type="user", id=f"u-{at}", name=f"{name} {more}" if more else name)


def _form(catalogue: Catalogue, action: Action) -> Form:
    target = catalogue.types["role" if ANY in action.target else action.target[0]]
    parts = tuple(r.part for r in action.concerns if r.least and r.part not in action.filled)
    fields = tuple(sorted(target.fields)[:2]) if action.verb == "updated" else ()
    automatic = action.category == "integrations" or action.name.endswith(("expired", "announced"))
    return Form(action.name, target, parts, fields, automatic)


def _target(declared: ItemType, subject: Item, at: int) -> Item:
    if declared.name == "user":
        return Item(type="user", id=subject.id, name=subject.name)
    if declared.personal or declared.person:
        return Item(type=declared.name, id=f"{subject.id}-{at % 4}")
    name = f"{declared.name.replace('_', ' ').capitalize()} {at}" if declared.named else None
    return Item(type=declared.name, id=f"{declared.name[:3]}-{at}", name=name)
