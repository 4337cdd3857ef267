"""What a host says that its statements mean: never trusted to a count, a transaction or a half that are not theirs."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from tests.capture.django.company.models import Absence, Person
from tests.capture.django.outbox import captured, forget, waiting

from trailbook.capture import outbox, recorded_as
from trailbook.capture.django import DjangoDatabase, record, record_change
from trailbook.model import Item

BOTH = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
POSTGRESQL = pytest.mark.parametrize("engine", ["postgresql"])
BOB = Item(type="user", id="1", name="Bob")
MEANT = [("user.deactivated", "user/1")]


@pytest.fixture
def bob(host: None) -> Person:
    """Somebody whose beginning is forgotten."""
    person = Person.objects.create(pk=1, name="Bob")
    forget()
    return person


def execute(text: str, params: Any = None) -> None:
    """Execute SQL that means that Bob was deactivated."""
    with recorded_as("user.deactivated", target=BOB), connection.cursor() as cursor:
        cursor.execute(text, params)


@POSTGRESQL
@pytest.mark.parametrize(
    "text",
    [
        "WITH x AS (UPDATE app_user SET seen = 1 RETURNING id) SELECT * FROM x WHERE false",
        "UPDATE company_setting SET value = 'x' WHERE false; UPDATE app_user SET seen = 1",
        "SELECT 1 WHERE false; UPDATE app_user SET seen = 1",
    ],
    ids=["CTE", "two writes", "a query first"],
)
def test_a_count_of_a_part_is_not_trusted(bob: Person, text: str) -> None:
    """Of a text that is more than one write the database counts a part; the control: of one write it is trusted."""
    execute("UPDATE app_user SET seen = 1 WHERE false")
    assert captured() == []
    execute(text)
    assert (Person.objects.get().seen, captured()) == (1, MEANT)


@SQLITE
@pytest.mark.parametrize("autocommit", [True, False])
def test_many_parameters_that_fail_half_way_leave_nothing(bob: Person, autocommit: bool) -> None:
    """The host goes on: what ran before the error is gone, for it has no entry; the control: what succeeds."""
    rename = "UPDATE app_user SET name = %s WHERE id = %s"
    transaction.set_autocommit(autocommit)
    try:
        with transaction.atomic(), recorded_as("user.deactivated", target=BOB), connection.cursor() as cursor:
            with pytest.raises(IntegrityError):
                cursor.executemany(rename, [("half", 1), (None, 1)])
            Person.objects.filter(name="half").update(seen=5)
        transaction.set_autocommit(True)
        assert (Person.objects.get().name, captured()) == ("Bob", [])
        with recorded_as("user.deactivated", target=BOB), connection.cursor() as cursor:
            cursor.executemany(rename, [("half", 1), ("whole", 1)])
        assert (Person.objects.get().name, captured()) == ("whole", MEANT)
    finally:
        transaction.set_autocommit(True)


@SQLITE
def test_rows_that_a_meant_statement_returns(bob: Person) -> None:
    """They are read before what it wrote is kept."""
    Person.objects.create(pk=2, name="Eve")
    with recorded_as("user.deactivated", target=BOB), connection.cursor() as cursor:
        cursor.execute("UPDATE app_user SET seen = 1 RETURNING id")
        assert sorted(cursor.fetchall()) == [(1,), (2,)]
    assert MEANT[0] in captured()


@BOTH
def test_each_transaction_has_its_name(bob: Person) -> None:
    """What is meant first after a commit belongs to the new transaction; the control: in one it is the same."""
    transaction.set_autocommit(False)
    try:
        Person.objects.update(email="x")
        transaction.commit()
        record("user.deactivated", target=BOB)
        Person.objects.update(email="y")
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    with DjangoDatabase().connect() as database:
        first, second, third = (row.tx for row in outbox.page(database, 10))
    assert first != second
    assert second == third


@BOTH
def test_a_deletion_is_told_by_what_ends_the_item(bob: Person) -> None:
    """Approved and then deleted are two facts; the control: a meaning that is the deletion takes it in."""
    absence, other = Absence.objects.create(person=bob), Absence.objects.create(person=bob)
    forget()
    with transaction.atomic():
        record_change(absence, "absence.approved")
        absence.delete()
    assert [entry["action"] for entry in waiting()] == ["absence.approved", "absence.deleted"]
    forget()
    with transaction.atomic():
        record_change(other, "absence.deleted")
        other.delete()
    assert [entry["action"] for entry in waiting()] == ["absence.deleted"]
