"""Each write path of a Django host on both databases is recorded once, refused, or published as not seen."""

from pathlib import Path

import django
import pytest
from django.contrib.auth import get_user_model
from django.db import Error, connection
from tests.amounts import RUN
from tests.capture.django.company.models import Absence, Employee, Person, Role
from tests.capture.django.outbox import ANNA, changes, forget, rows, waiting
from tests.capture.django.ways import WAYS, Host, Way, by_triggers

from trailbook.capture import acting_as
from trailbook.capture.django.statements import statements_of
from trailbook.errors import UncapturedWriteError

ALL = [(engine, by) for by in ("hooks", "triggers") for engine in ("sqlite", "postgresql")]
# Each path against each value of each axis; with the other Django the other half.
HALF = [ALL[0], ALL[3]] if django.VERSION < (6,) else [ALL[1], ALL[2]]


@pytest.fixture
def small(host_again: None, tmp_path: Path) -> Host:
    """The small host with its people, its outbox empty."""
    cy = Person.objects.create(name="Cy")
    bob = Person.objects.create(name="Bob", email="b", mentor=cy)
    role = Role.objects.create(name="Manager")
    role.members.add(bob)
    Absence.objects.create(person=bob, start="2026-11-01")
    eve = Employee.objects.create(id=1_000, name="Eve", title="t")
    get_user_model().objects.create(username="admin", is_staff=True, is_superuser=True)
    forget()
    return Host(folder=tmp_path, bob=bob, cy=cy, role=role, eve=eve)


def verdict(host: Host, each: Way, who: str | None) -> str:
    """What became of a write path, told from the host's rows and the outbox alone."""
    before = rows()
    refused = False
    try:
        with acting_as(ANNA):
            each.run(host)
    except UncapturedWriteError:
        refused = True
    after, entries = rows(), waiting()
    wanted = changes(before, after)
    actions = sorted((e["action"], f"{e['target']['type']}/{e['target']['id']}") for e in entries)
    if actions != wanted:
        return "unseen" if not actions else f"wrong: {actions} for {wanted}"
    actors = {e["actor"]["id"] if e["actor"]["kind"] == "person" else None for e in entries}
    if entries and actors != {str(get_user_model().objects.get().pk) if who == "user" else who}:
        return f"wrong: told of {actors}, not {who}"
    if refused:
        return "refused" if not wanted else "wrong: refused after it ran"
    return "recorded" if wanted else "nothing"


CASES = [
    (name, engine, by)
    for name, each in WAYS.items()
    for engine, by in (ALL if RUN == "full" else HALF)
    if each.engine in (None, engine)
]
CASES += [  # what only one database has, with hooks and with triggers
    (name, each.engine, by)
    for name, each in WAYS.items()
    for by in ("hooks", "triggers")
    if each.engine and (name, each.engine, by) not in CASES
]


@pytest.mark.parametrize(("name", "engine", "by"), CASES)
def test_every_write_path(small: Host, name: str, engine: str, by: str) -> None:
    """The verdict is the published one: no silent miss, no phantom, no double, the right actor."""
    each = WAYS[name]
    if by == "hooks":
        assert verdict(small, each, each.who) == each.verdict
        return
    try:
        outcome = verdict(small, each, None if each.database else each.who)
    except Error:
        outcome = "refused"  # by the database itself
    assert outcome == by_triggers(each)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    "name", [n for n, w in WAYS.items() if w.bulk and w.verdict == "recorded" and not w.engine]
)
def test_control_without_the_wrapper_nothing_is_seen(small: Host, name: str) -> None:
    """Negative control: with the wrapper off every path is missed, and the oracle says so."""
    connection.ensure_connection()
    connection.execute_wrappers.remove(statements_of(connection))
    assert verdict(small, WAYS[name], WAYS[name].who) == "unseen"
