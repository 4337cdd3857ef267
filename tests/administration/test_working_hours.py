"""Working hours: set by whoever manages access, as an entry; what was saved before keeps the rule that it has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from trailbook import Deployment, Item, Origin, Query, open_deployment, operator
from trailbook.administration import By, NewView, add_view, change_view, find_view, set_working_hours
from trailbook.errors import FiguresOfAPersonError, InvalidError, NotPermittedError
from trailbook.export.orders import order_of
from trailbook.export.runner import ExportRequest, Runner
from trailbook.model import Actor
from trailbook.query import WorkingHours, from_line, from_params
from trailbook.testing import FrozenClock

ORG = "acme"
ANNA = Actor(kind="person", type="user", id="u-1", name="Anna Berg")
NORTH = WorkingHours(days="1234", work="07:00-15:00", night="23:00-05:00", weekend="567", tz="Europe/Oslo")
OSLO_NIGHT = "night,1234567,22:00-06:00,Europe/Oslo"


@pytest.fixture(params=["memory:", "sqlite"])
def by(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[By]:
    url = f"sqlite:///{tmp_path / 'log.db'}" if request.param == "sqlite" else request.param
    deployment = open_deployment(url, create=True, clock=FrozenClock(), timezone="Europe/Oslo")
    log = deployment.create(ORG)
    log.record("role.created", actor=ANNA, target=Item(type="role", id="r-1"), origin=Origin(interface="web"))
    yield By(deployment, operator(ORG))
    deployment.close()


def settings_changed(deployment: Deployment) -> list[tuple[str, ...]]:
    query = from_line("action:activity_log.settings_changed")
    return [entry.fields for entry in deployment.log(ORG).rows(query, viewer=operator(ORG))]


def test_they_are_set_and_told(by: By) -> None:
    """Before, those that most have, in the deployment's zone; setting what is set is no entry."""
    assert by.deployment.working_hours(ORG) == WorkingHours(tz="Europe/Oslo")
    assert [set_working_hours(by, NORTH) for _ in range(2)] == [NORTH, NORTH]
    assert by.deployment.working_hours(ORG) == by.deployment.log(ORG).working_hours() == NORTH
    assert settings_changed(by.deployment) == [("working_hours",)]


def test_they_are_for_who_manages_access_and_have_to_be_right(by: By) -> None:
    with pytest.raises(NotPermittedError):
        set_working_hours(By(by.deployment, structs.replace(by.viewer, manage_access="none")), NORTH)
    with pytest.raises(InvalidError) as refused:
        set_working_hours(by, structs.replace(NORTH, days="x", tz="Oslo"))
    assert [fault.pointer for fault in refused.value.faults] == ["/days", "/tz"]
    assert settings_changed(by.deployment) == []


def test_a_saved_view_keeps_its_rule(by: By) -> None:
    """Also where it is renamed after the hours were set anew; saved with a preset again, it has the new one."""
    saved = add_view(by, NewView(name="At night", query=Query(hours="night")))
    set_working_hours(by, NORTH)
    assert find_view(by, saved.id).query == Query(hours=OSLO_NIGHT)
    renamed = change_view(by, saved.id, NewView(name="Late", query=saved.query))
    assert renamed.query == Query(hours=OSLO_NIGHT)
    again = change_view(by, saved.id, NewView(name="Late", query=Query(hours="night")))
    assert again.query == Query(hours="night,1234567,23:00-05:00,Europe/Oslo")


def test_an_ordered_export_keeps_its_rule(by: By, tmp_path: Path) -> None:
    """The order, its manifest's filter, and the entry that says what was exported."""
    runner = Runner(by.deployment, tmp_path / "exports")
    job = runner.order(ExportRequest(query=Query(hours="night"), format="csv"), by.viewer)
    assert dict(order_of(job).filter)["hours"] == OSLO_NIGHT
    exported = by.deployment.log(ORG).search(from_line("action:activity_log.exported"), viewer=by.viewer)
    assert [entry.target.id for entry in exported.entries] == [f"hours:{OSLO_NIGHT}"]


def test_of_a_person_nothing_is_saved_or_ordered(by: By, tmp_path: Path) -> None:
    of_anna = from_params([("actor", "user/u-1"), ("hours", "night")])
    runner = Runner(by.deployment, tmp_path / "exports")
    with pytest.raises(FiguresOfAPersonError):
        add_view(by, NewView(name="Anna's nights", query=of_anna))
    for format_ in ("csv", "jsonl", "bundle-inclusion", "bundle-closed"):
        with pytest.raises(FiguresOfAPersonError):
            runner.order(ExportRequest(query=of_anna, format=format_), by.viewer)
    assert runner.orders.listed(by.viewer) == []
    add_view(by, NewView(name="Anna's", query=structs.replace(of_anna, hours=None)))
