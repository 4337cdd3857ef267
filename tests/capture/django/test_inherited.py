"""Rows that lie in several tables: one entry for each write, whichever of the tables it was written in."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, models, transaction
from tests.capture.django.company.models import (
    USER_ACTIONS,
    Drill,
    Employee,
    Machine,
    Party,
    Person,
    Press,
    Thing,
)
from tests.capture.django.outbox import captured, forget, waiting

from trailbook.capture.django import record, record_change, register
from trailbook.capture.django.host import the_host
from trailbook.errors import ConfigurationError, UncapturedWriteError
from trailbook.model import Item

CHANGED = "user.profile_updated"


def entries() -> list[tuple[str, str]]:
    """The action and the target's name of each entry that waits, which are forgotten then."""
    waited = [(entry["action"], entry["target"]["name"]) for entry in waiting()]
    forget()
    return waited


def change(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def test_inherited_rows_of_another_model_are_nothing(host: None) -> None:
    """A parent's row without a child is no employee."""
    party = Party.objects.create(name="nobody")
    Party.objects.update(name="still nobody")
    Employee.objects.create(name="Eve")
    forget()
    Party.objects.update(name="somebody")
    assert captured() == [("user.profile_updated", f"user/{Employee.objects.get().pk}")]
    party.delete()
    assert len(waiting()) == 1


def test_a_name_in_the_parent(host: None) -> None:
    """What an entry needs of an inherited row may stand in any of its tables."""
    eve = Employee.objects.create(name="Eve", title="t")
    eve.title = "u"
    eve.save()
    eve.delete()
    assert {e["target"]["name"] for e in waiting()} == {"Eve"}
    assert [e["action"] for e in waiting()] == ["user.created", "user.profile_updated", "user.deleted"]


@pytest.mark.parametrize("model", [Press, Drill])
def test_three_levels(host: None, model: type[models.Model]) -> None:
    """Each write has one entry, with what stands in any of the tables; a level without fields is in no way of that."""
    register(model, type="user", name="name", actions=USER_ACTIONS)
    forget()
    row = model._default_manager.create(name="a", size=1)
    assert entries() == [("user.created", "a")]
    with transaction.atomic():
        row.name, row.size = "b", 2
        row.save()
        assert entries() == [(CHANGED, "b")]
        model._default_manager.update(name="c", size=3)
        assert entries() == [(CHANGED, "c")]
    row.save()  # which is a transaction too
    assert entries() == [(CHANGED, "b")]
    change("UPDATE company_thing SET name = 'd'")
    assert entries() == [(CHANGED, "d")]
    row.delete()
    assert entries() == [("user.deleted", "d")]


def test_rows_of_the_first_level_alone_are_nothing(host: None) -> None:
    """Neither are those of the level between."""
    register(Press, type="user", name="name", actions=USER_ACTIONS)
    Thing.objects.create(name="a")
    Machine.objects.create(name="b")
    Machine.objects.update(name="c", maker="d")
    Thing.objects.all().delete()
    assert captured() == []


def test_what_stands_between_two_updates_is_not_joined(host: None) -> None:
    """Only the question that `save` itself asks is no statement between."""
    register(Drill, type="user", name="name", actions=USER_ACTIONS)
    Drill.objects.create(name="a")
    forget()
    with transaction.atomic():
        Drill.objects.update(name="b")
        Person.objects.count()
        Drill.objects.update(size=5)
    assert [entry["action"] for entry in waiting()] == [CHANGED, CHANGED]


def test_one_model_of_a_line(host: None) -> None:
    """Every level belongs to the model that is registered, and no other model of the line is registered beside it."""
    register(Press, type="user", name="name", actions=USER_ACTIONS)
    assert {"company_press", "company_machine", "company_thing"} <= the_host().tables.keys()
    for model in (Drill, Machine, Thing):
        with pytest.raises(ConfigurationError, match="belongs to Press, which is registered"):
            register(model, type="user", name="name", actions=USER_ACTIONS)


def test_what_is_meant_between_two_tables_stays(host: None) -> None:
    """An update that goes on takes back its own entries alone; the control: both updates are one entry."""
    eve = Employee.objects.create(name="Eve")
    forget()
    with transaction.atomic():
        Party.objects.update(name="Eva")
        record(
            "role.assigned", target=Item(type="role", id="r"), concerns={"member": Item(type="user", id="9")}
        )
        Employee.objects.update(title="u")
        record_change(eve, "user.deactivated")
    assert sorted(entry["action"] for entry in waiting()) == ["role.assigned", "user.deactivated"]
    forget()
    with transaction.atomic():
        Party.objects.update(name="Evi")
        record(
            "role.assigned", target=Item(type="role", id="r"), concerns={"member": Item(type="user", id="9")}
        )
        Employee.objects.update(title="v")
    entries = waiting()
    assert sorted(entry["action"] for entry in entries) == ["role.assigned", CHANGED]
    assert next(entry["fields"] for entry in entries if entry["action"] == CHANGED) == ["job_title"]


CHILD = "INSERT INTO company_employee (party_ptr_id, title) VALUES (70, 'x')"
PARENT = "INSERT INTO company_party (id, name) VALUES (70, 'Eve')"


def test_a_child_before_its_parent_is_refused(host: None) -> None:
    """Foreign keys may wait for the commit; the control: in the other order it is an entry."""
    with transaction.atomic():
        with pytest.raises(UncapturedWriteError, match="insert the parent first"):
            change(CHILD)
        with pytest.raises(transaction.TransactionManagementError):
            change(PARENT)
        transaction.set_rollback(True)
    assert (Employee.objects.count(), captured()) == (0, [])
    with transaction.atomic():
        change(PARENT)
        change(CHILD)
    assert captured() == [("user.created", "user/70")]


def test_a_fixture_with_a_child_before_its_parent_is_refused(host: None, tmp_path: Path) -> None:
    """Nothing of it stays; the control: in the other order it is loaded."""
    rows = [
        {"model": "company.employee", "pk": 70, "fields": {"title": "x"}},
        {"model": "company.party", "pk": 70, "fields": {"name": "Eve"}},
    ]
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows))
    with pytest.raises(UncapturedWriteError, match="insert the parent first"):
        call_command("loaddata", file, verbosity=0)
    assert (Party.objects.count(), captured()) == (0, [])
    file.write_text(json.dumps(rows[::-1]))
    call_command("loaddata", file, verbosity=0)
    assert captured() == [("user.created", "user/70")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_parent_that_replaces(host: None) -> None:
    """A table of SQLite that removes rows by itself is refused by `migrate` as a parent's too; the control: without."""
    call_command("migrate", verbosity=0)
    change("DROP TABLE company_party")
    change("CREATE TABLE company_party (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE)")
    with pytest.raises(ConfigurationError, match=r"company_party.*use triggers"):
        call_command("migrate", verbosity=0)
