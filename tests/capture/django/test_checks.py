"""System checks name what of a host capture does not see; a host that is in order has none."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection, models
from django.test import override_settings
from django.test.utils import isolate_apps
from msgspec import structs
from tests.capture.django.company.models import USER_ACTIONS, Employee, Party, Person, Role

from trailbook.capture.django import register
from trailbook.capture.django.host import the_host


def codes(**more: Any) -> list[str]:
    """The codes of what the checks of capture say, sorted."""
    messages = run_checks(databases=["default"], **more)
    return sorted(message.id for message in messages if message.id.startswith("trailbook."))


with isolate_apps("tests.capture.django.company"):  # no other test is to see it

    class Shadow(models.Model):
        """Not managed by Django, with a column that the database works out, and a foreign key that it acts upon."""

        name = models.CharField(max_length=10)
        email = models.GeneratedField(
            expression=models.F("name"), output_field=models.CharField(), db_persist=True
        )
        person = models.ForeignKey(Person, models.CASCADE)

        class Meta:
            app_label = "company"
            managed = False


def test_a_host_in_order(host: None) -> None:
    assert codes() == []


def test_the_outbox_is_missing(empty: None) -> None:
    """An error, for every write would fail."""
    register(Person, type="user", actions=USER_ACTIONS)
    assert "trailbook.E001" in codes()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_belongs_to_a_model_and_is_not_registered(host: None) -> None:
    """The model between of a many to many, and a child with a table of its own."""
    the_host.cache_clear()
    register(Party, type="user", actions=USER_ACTIONS)
    actions = {"created": "role.created", "updated": None, "deleted": None}
    register(Role, type="role", actions=actions)
    assert codes() == ["trailbook.W004", "trailbook.W006"]
    del the_host().registered[Role], the_host().registered[Party]
    assert codes() == ["trailbook.W007"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_others_write(host: None) -> None:
    """Tables that Django does not manage, columns and rows that the database itself changes."""

    class DatabaseOnDelete:
        """As Django 6.1 has it."""

    Shadow._meta.get_field("person").remote_field.on_delete = DatabaseOnDelete()
    register(Shadow, type="user", actions=USER_ACTIONS, fields=["email"])
    assert codes() == ["trailbook.W002", "trailbook.W003", "trailbook.W005"]


@pytest.mark.parametrize("by", ["triggers"])
def test_a_trigger_that_is_missing(host: None) -> None:
    """An error, for nobody else looks at that table; the control is the host as it was migrated."""
    assert codes() == []
    with connection.cursor() as cursor:
        table = "" if connection.vendor == "sqlite" else " ON company_role"
        cursor.execute(f'DROP TRIGGER "trailbook_company_role_created"{table}')
    assert codes() == ["trailbook.E002"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_project(host: None) -> None:
    """The middleware is missing, tests' settings are in use, and something stands between capture and the driver."""
    the_host().settings = structs.replace(the_host().settings, truncate="allow")
    Employee.objects.count()
    with override_settings(MIDDLEWARE=[]), connection.execute_wrapper(lambda execute, *more: execute(*more)):
        assert codes() == ["trailbook.W001", "trailbook.W008", "trailbook.W009"]
