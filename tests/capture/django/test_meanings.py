"""What a host says that its statements mean: never trusted to a count, a transaction or a half that are not theirs."""

from contextlib import nullcontext, suppress
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


RENAME = "UPDATE app_user SET name = %s WHERE id = %s"
HALF, WHOLE = [("half", 1), (None, 1)], [("half", 1), ("whole", 1)]


@SQLITE
@pytest.mark.parametrize("inside", [True, False])
def test_many_parameters_that_fail_half_way_leave_nothing(bob: Person, inside: bool) -> None:
    """Though the host catches the error: what ran before has no entry; the control: what succeeds has, and stays."""
    for sets in (HALF, WHOLE):
        transaction.set_autocommit(inside)
        try:
            with (
                transaction.atomic() if inside else nullcontext(),
                suppress(IntegrityError),
                recorded_as("user.deactivated", target=BOB),
                connection.cursor() as cursor,
            ):
                cursor.executemany(RENAME, sets)
            connection.commit()
        finally:
            transaction.set_autocommit(True)
        done = sets is WHOLE
        assert (Person.objects.get().name, captured()) == (("whole", MEANT) if done else ("Bob", []))


@SQLITE
@pytest.mark.parametrize("word", ["FAIL", "ABORT"])
def test_a_write_that_fails_half_way_leaves_nothing(bob: Person, word: str) -> None:
    """What a trigger of the host's keeps of it is gone; the control: what SQLite undoes itself dooms nothing."""
    Person.objects.create(pk=2, name="Eve")
    forget()
    raises = f"BEFORE UPDATE ON app_user WHEN new.id = 2 BEGIN SELECT RAISE({word}, 'no'); END"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER keeps {raises}")
        with transaction.atomic():
            with pytest.raises(IntegrityError):
                cursor.execute("UPDATE app_user SET name = 'half'")
            if word == "ABORT":
                cursor.execute("UPDATE app_user SET name = 'whole' WHERE id = 1")
    name, entries = ("Bob", []) if word == "FAIL" else ("whole", [("user.profile_updated", "user/1")])
    assert (Person.objects.get(pk=1).name, captured()) == (name, entries)


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
