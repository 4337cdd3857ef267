"""Triggers on tables whose names Django passes on as they are: with a dot, with spaces, in a schema of their own."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.test.utils import isolate_apps
from tests.capture.django.company.models import USER_ACTIONS, Person
from tests.capture.django.outbox import captured, forget

from trailbook.capture.django import DjangoDatabase, register
from trailbook.capture.django.host import the_host
from trailbook.capture.triggers import check_triggers, remove_triggers

TABLES = ["dotted.name", "Mixed Case", "it's", "æøå" * 10, '"whole"', 'side"."thing', '"side"."thing"']


@pytest.fixture
def model(host: None, table: str) -> type[models.Model]:
    """A model with this table, registered by triggers."""
    with connection.cursor() as cursor:
        if "side" in table:
            cursor.execute("CREATE SCHEMA side")
    with isolate_apps("tests.capture.django.company"):

        class Named(models.Model):
            """A row with a label."""

            label = models.CharField(max_length=20)

            class Meta:
                app_label = "company"
                db_table = table

    register(Named, type="user", actions=USER_ACTIONS, by="triggers")
    with connection.schema_editor() as editor:
        editor.create_model(Named)
    forget()
    return Named


def cases() -> Iterator[tuple[str, str]]:
    """Each table on each database; on SQLite a schema is a file."""
    for table in TABLES:
        yield "postgresql", table
        if "side" not in table:
            yield "sqlite", table


def written(model: type[models.Model]) -> list[str]:
    """The actions that are captured of a row that comes, changes and goes."""
    row = model._base_manager.create(label="a")
    model._base_manager.update(label="b")
    row.delete()
    actions = [action for action, _ in captured()]
    forget()
    return actions


@pytest.mark.parametrize(("engine", "table"), list(cases()))
def test_any_name(model: type[models.Model], table: str) -> None:
    """`migrate` makes the triggers where the table is; the control: without them nothing is captured."""
    tracked = the_host().of(model).tracked
    call_command("migrate", verbosity=0)
    forget()
    with DjangoDatabase("default").begin() as host:
        assert check_triggers(host, [tracked], "acme") == []
    assert written(model) == sorted(USER_ACTIONS.values())
    with DjangoDatabase("default").begin() as host:
        names = remove_triggers(host, [tracked], "acme")
        assert len(check_triggers(host, [tracked], "acme")) == len(names) > 0
    assert written(model) == []


@pytest.mark.parametrize("by", ["triggers"])
def test_a_column_that_no_field_names(host: None) -> None:
    """Its change is an entry, once `migrate` has made the triggers after it came."""
    Person.objects.create(name="Bob")
    _run("ALTER TABLE app_user ADD COLUMN extra TEXT")
    call_command("migrate", verbosity=0)
    forget()
    _run("UPDATE app_user SET seen = seen + 1")
    assert captured() == []
    _run("UPDATE app_user SET extra = 'x'")
    assert [action for action, _ in captured()] == [USER_ACTIONS["updated"]]


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
