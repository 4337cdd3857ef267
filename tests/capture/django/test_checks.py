"""System checks name what of a host capture does not see; a host that is in order has none."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection, models
from django.test import RequestFactory, override_settings
from django.test.utils import isolate_apps
from msgspec import structs
from tests.capture.django.company.models import USER_ACTIONS, Absence, Employee, Party, Person, Role, Setting

from trailbook.capture import Ref
from trailbook.capture.django import register, signed_in
from trailbook.capture.django.host import the_host
from trailbook.capture.django.persons import SIGNED_IN


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

    class Profile(models.Model):
        """What a host keeps beside its user model."""

        user = models.OneToOneField(get_user_model(), models.CASCADE)
        number = models.IntegerField()

        class Meta:
            app_label = "company"


def test_a_host_in_order(host: None) -> None:
    assert codes() == []


def test_the_outbox_is_missing(empty: None) -> None:
    """A warning, although every write would fail: `migrate`, which makes it, would not begin with an error.

    Before the first `migrate` nothing is wrong: there is no table that could be written.
    """
    register(Person, type="user", actions=USER_ACTIONS)
    with connection.schema_editor() as editor:
        editor.create_model(Setting)  # which is not registered
    assert "trailbook.W011" not in codes()
    with connection.schema_editor() as editor:
        editor.create_model(Person)
    assert "trailbook.W011" in codes()


def test_the_first_migrate_warns_of_nothing(empty: None, capsys: pytest.CaptureFixture[str]) -> None:
    """And neither does the second; one that finds the tables and no outbox does, and mends it."""
    register(Person, type="user", actions=USER_ACTIONS)

    def migrated() -> str:
        call_command("migrate", run_syncdb=True, verbosity=0, skip_checks=False)
        return capsys.readouterr().err

    assert ["W011" in migrated() for _ in range(2)] == [False, False]
    connection.cursor().execute("DROP TABLE trailbook_outbox")
    assert ["W011" in migrated() for _ in range(2)] == [True, False]


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
    """Nobody else looks at that table, and `migrate` makes it anew; the control is the host as it was migrated."""
    assert codes() == []
    with connection.cursor() as cursor:
        table = "" if connection.vendor == "sqlite" else " ON company_role"
        cursor.execute(f'DROP TRIGGER "trailbook_company_role_created"{table}')
    assert codes() == ["trailbook.W012"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_project(host: None) -> None:
    """The middleware is missing, tests' settings are in use, and something stands between capture and the driver."""
    the_host().settings = structs.replace(the_host().settings, truncate="allow")
    Employee.objects.count()
    with override_settings(MIDDLEWARE=[]), connection.execute_wrapper(lambda execute, *more: execute(*more)):
        assert codes() == ["trailbook.W001", "trailbook.W008", "trailbook.W009"]


PERSONS: dict[str, tuple[type[models.Model], dict[str, Any], bool]] = {
    "the user model": (get_user_model(), {"type": "user"}, True),
    "the user model by its name": (get_user_model(), {"type": "user", "id": "username"}, False),
    "a table with the same key": (Profile, {"type": "user", "id": "user"}, True),
    "a table of its own": (Profile, {"type": "user"}, False),
    "a callable": (Profile, {"type": "user", "id": lambda row: row.user_id}, False),
    "people of a table of their own": (Absence, {"owner": Ref("user", "person")}, False),
    "people of the user model": (Profile, {"owner": Ref("user", "user_id")}, True),
    "an owner by a callable": (Absence, {"owner": lambda row: None}, True),  # whoever writes it says whom
}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("name", PERSONS)
def test_who_is_signed_in_is_never_taken_for_somebody_else(host: None, name: str) -> None:
    """`user/1` of the declarations is `user/1` who is signed in; with an actor of the host's own it may be another."""
    model, declared, is_same = PERSONS[name]
    actions: dict[str, str | None] = dict(USER_ACTIONS)
    if "owner" in declared:
        actions = {"created": "absence.registered", "updated": "absence.updated", "deleted": None}
    the_host.cache_clear()
    register(model, **{"type": "absence", "actions": actions, **declared})
    assert "trailbook.E005" not in codes()  # the settings of this host say who acts
    the_host().settings = structs.replace(the_host().settings, actor=None)
    assert ("trailbook.E005" in codes()) == (not is_same)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_signed_in_user_is_an_item_of_the_type_that_is_checked(host: None) -> None:
    request = RequestFactory().get("/")
    request.user = get_user_model()(pk=5)
    actor = signed_in(request)
    assert actor is not None
    assert (actor.type, actor.id) == (SIGNED_IN, "5")
