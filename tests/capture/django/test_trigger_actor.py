"""Triggers of a Django host: who acts, whatever table a statement names, and rows that the first `migrate` writes."""

import sqlite3

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from tests.capture.django.company.models import USER_ACTIONS, Person
from tests.capture.django.outbox import ANNA, captured, forget, waiting

from trailbook.capture import acting_as
from trailbook.capture.django import DjangoDatabase, register
from trailbook.errors import UncapturedWriteError
from trailbook.model import Actor

BOB = Actor(kind="person", type="user", id="u-42", name="Bob Li")
NOBODY = {"sqlite": "database", "postgresql": "database/postgres"}
# A change of a table that is not registered changes one that is.
CASCADE = {
    "sqlite": ["CREATE TRIGGER host_left AFTER DELETE ON team BEGIN UPDATE app_user SET phone = 'left'; END"],
    "postgresql": [
        "CREATE FUNCTION leave() RETURNS void LANGUAGE sql AS $$ UPDATE app_user SET phone = phone || 'x' $$",
        "CREATE FUNCTION host_left() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN UPDATE app_user SET phone = 'left'; RETURN NULL; END $$",
        "CREATE TRIGGER host_left AFTER DELETE ON team EXECUTE FUNCTION host_left()",
    ],
}


def run(text: str) -> None:
    """Execute a text."""
    with connection.cursor() as cursor:
        cursor.execute(text)


def actors() -> list[str]:
    """Who acted in each entry that waits."""
    return [entry["actor"]["id"] for entry in waiting()]


@pytest.fixture
def team(host: None, engine: str) -> None:
    """Somebody, and a team that changes them when it goes."""
    with DjangoDatabase("default").begin() as plain:
        for statement in ["CREATE TABLE team (id INTEGER)", *CASCADE[engine], "INSERT INTO team VALUES (1)"]:
            plain.execute(statement)
    Person.objects.create(name="a", phone="b")
    forget()


@pytest.mark.parametrize("by", ["triggers"])
def test_a_statement_on_another_table(team: None, engine: str) -> None:
    """Bob deletes a team after Anna has changed a person, in one transaction: each change has its own actor."""
    with transaction.atomic():
        with acting_as(ANNA):
            Person.objects.update(email="new")
        with acting_as(BOB):
            run("DELETE FROM team")
    assert actors() == ["u-17", "u-42"]


@pytest.mark.parametrize(("by", "engine"), [("triggers", "postgresql")])
@pytest.mark.parametrize(
    "text", ["/* a */ SELECT leave()", "WITH x AS (SELECT leave()) SELECT count(*) FROM x"]
)
def test_a_function_that_is_called(team: None, text: str) -> None:
    """A SELECT that writes is Anna's too, without a transaction and in one, and Bob's after that."""
    with acting_as(ANNA):
        run(text)
    with transaction.atomic():
        with acting_as(ANNA):
            run(text)
        with acting_as(BOB):
            run(text)
    assert actors() == ["u-17", "u-17", "u-42"]


@pytest.mark.parametrize("by", ["triggers"])
def test_another_client_is_nobody(team: None, engine: str) -> None:
    """Even within the transaction of who acts, and after it, the driver's own cursor and other clients are nobody."""
    with acting_as(ANNA):
        Person.objects.update(email="new")
    connection.connection.cursor().execute("UPDATE app_user SET email = 'raw'")
    connection.connection.commit()
    if engine == "sqlite":
        connection.close()
        other = sqlite3.connect(connection.settings_dict["NAME"])
        other.execute("UPDATE app_user SET email = 'other'")
        other.commit()
        other.close()
    assert actors() == ["u-17", *[NOBODY[engine]] * (2 if engine == "sqlite" else 1)]


@pytest.mark.parametrize("by", ["hooks", "triggers"])
def test_the_first_migrate_writes_rows(empty: None, by: str) -> None:
    """Rows of migrations are recorded, though triggers come last; from then on triggers record, and nothing twice."""
    register(Person, type="user", name="name", fields=["phone"], actions=USER_ACTIONS, by=by)
    with override_settings(MIGRATION_MODULES={"company": "tests.capture.django.seeds"}):
        call_command("migrate", verbosity=0)
    assert captured() == [
        ("user.created", "user/1"),
        ("user.created", "user/2"),
        ("user.profile_updated", "user/1"),
    ]
    forget()
    Person.objects.update(phone="2")
    assert captured() == [("user.profile_updated", "user/1"), ("user.profile_updated", "user/2")]


def test_a_text_that_cannot_be_read(host: None, engine: str) -> None:
    """The control: it is refused where there are registered tables."""
    with pytest.raises(UncapturedWriteError, match="cannot be told"):
        run("EXECUTE anything" if engine == "sqlite" else "DO $$ BEGIN PERFORM 1; END $$")
