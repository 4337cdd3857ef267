"""Who is offered before a letter is typed: the people of the newest entries that the viewer may see, newest first."""

from datetime import timedelta

import pytest

from trailbook import Actor, Concern, Item, Log, NewEntry, Origin, open_deployment, operator
from trailbook.access import Viewer
from trailbook.model import Outcome
from trailbook.query import Query, Term
from trailbook.testing import FrozenClock, new_log

WEB = Origin(interface="web")
ROBOT = Actor(kind="integration", type="integration", id="i-1", name="Visma")
ME = operator("acme")


def person(number: int) -> Item:
    return Item(type="user", id=f"u-{number}", name=f"Person {number}")


def actor(number: int) -> Actor:
    return Actor(kind="person", type="user", id=f"u-{number}", name=f"Person {number}")


def gave(who: Actor, whom: Item, days: int, outcome: Outcome = "success") -> NewEntry:
    """Somebody was given a role so many days ago."""
    return NewEntry(
        action="role.assigned",
        occurred_at=FrozenClock().at - timedelta(days=days),
        actor=who,
        target=Item(type="role", id="r-1", name="Manager"),
        concerns=(Concern(part="member", type=whom.type, id=whom.id, name=whom.name),),
        origin=WEB,
        outcome=outcome,
    )


def opened(who: Actor, case: str) -> NewEntry:
    """A case of whistleblowing was opened: its category is restricted."""
    return NewEntry(
        action="case.opened",
        occurred_at=FrozenClock().at,
        actor=who,
        target=Item(type="case", id=case),
        origin=WEB,
    )


@pytest.fixture
def log() -> Log:
    """Recorded in no order of time: 1 acted last, then 2, then the robot, then 3."""
    log = new_log()
    log.record_many(
        [gave(actor(2), person(5), 2), gave(actor(1), person(4), 1), gave(actor(3), person(4), 9)]
    )
    log.record_many([gave(ROBOT, person(6), 3), gave(actor(2), person(7), 8)])
    return log


def lately(log: Log, viewer: Viewer = ME, **more: object) -> list[str]:
    return [item.id for item in log.items("", viewer=viewer, **more)]  # type: ignore[arg-type]


def test_newest_first_each_once_and_nothing_but_people(log: Log) -> None:
    """By when it happened, not by when it was recorded: those who acted, those it was about, or both."""
    assert lately(log, role="actor") == ["u-1", "u-2", "u-3"]
    assert lately(log, role="concerns") == ["u-4", "u-5", "u-6", "u-7"]
    assert lately(log) == ["u-1", "u-4", "u-2", "u-5", "u-6", "u-7", "u-3"]
    assert lately(log, role="actor", limit=2) == ["u-1", "u-2"]


def test_whoever_reads_this_log_is_not_active_by_that() -> None:
    """Neither who only looked nor whom they looked at moves to the front."""
    deployment = open_deployment("memory:", clock=FrozenClock())
    log = deployment.create("acme")
    log.record_many([gave(actor(2), person(7), 8), gave(actor(1), person(4), 1)])
    item = Item(type="user", id="u-9", name="Reader")
    reader = Viewer(org="acme", item=item, activity_log="full")
    before, size = lately(log), log.size(viewer=ME)
    log.search(Query(terms=(Term("concerns", ("user/u-7",)),)), viewer=reader)
    assert log.size(viewer=ME) == size + 1
    assert lately(log, viewer=reader) == before == ["u-1", "u-4", "u-2", "u-7"]
    deployment.close()


def test_erased_and_hidden_people_are_not_offered(log: Log) -> None:
    """Who acted in a restricted category alone is offered to whoever may see it, and to nobody else."""
    log.record_many([opened(actor(8), "c-1"), gave(actor(6), person(4), 0)])
    hr = Viewer(org="acme", item=person(99), activity_log="full")
    named = Viewer(org="acme", item=person(99), activity_log="full", restricted=("whistleblowing",))
    assert lately(log, viewer=hr, role="actor") == ["u-6", "u-1", "u-2", "u-3"]
    assert lately(log, viewer=named, role="actor") == ["u-6", "u-8", "u-1", "u-2", "u-3"]
    log.erase(person(1), actor=actor(2), origin=WEB)
    assert "u-1" not in lately(log, viewer=hr, role="actor")


def test_who_was_active_long_ago_is_found_by_name_only(log: Log) -> None:
    """A thousand entries are looked at, and no more."""
    log.record_many([gave(ROBOT, person(6), 0) for _ in range(999)])
    assert lately(log, role="concerns") == ["u-6", "u-4"]
    log.record_many([gave(ROBOT, person(6), 0)])
    assert lately(log, role="concerns") == ["u-6"]
    assert [item.id for item in log.items("person 4", viewer=ME)] == ["u-4"]
