"""SQLite has one writer: who has read in a transaction before its first write is refused at once where another writes.

So capture reads nothing there before: neither columns, nor how many entries wait, nor who acts.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import QuerySet
from tests.capture.django.company.models import Employee, Person, Role
from tests.capture.django.outbox import ANNA, captured, forget

from trailbook.capture import recorded_as
from trailbook.capture.actor import acting_as, acting_when_asked
from trailbook.capture.django import DjangoDatabase, record
from trailbook.capture.django.host import the_host
from trailbook.capture.django.statements import statements_of
from trailbook.model import Actor, Item

BOB = Item(type="user", id="1")
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
_AROUND = ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT", "ROLLBACK")
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


def text() -> None:
    with recorded_as("user.profile_updated", target=BOB), connection.cursor() as cursor:
        cursor.execute("UPDATE app_user SET email = 'm'")


def raw(persons: "QuerySet[Person, Person]") -> None:
    persons._raw_delete(persons.db)


WAYS: dict[str, Callable[[], Any]] = {
    "create": lambda: Role.objects.create(name="Boss"),
    "bulk_create": lambda: Person.objects.bulk_create([Person(name="a"), Person(name="b")]),
    "update": lambda: Person.objects.update(email="x"),
    "delete": lambda: raw(Person.objects.all()),
    "inherited": lambda: Employee.objects.update(title="x"),
    "inherited_insert": lambda: Employee.objects.create(name="Eve"),
    "text": text,
    "record": lambda: record("user.invited", target=BOB),
}


def first_statements(way: Callable[[], Any]) -> list[str]:
    """The first statement of each transaction that a way begins, on a connection that knows nothing yet."""
    connection.ensure_connection()
    statements = statements_of(connection)
    assert statements is not None
    statements._readers.clear()
    statements._layouts.clear()
    the_host().recorder._rooms.clear()
    seen: list[str] = []
    connection.connection.set_trace_callback(seen.append)
    way()
    connection.connection.set_trace_callback(None)
    begun = [at for at, each in enumerate(seen) if each.startswith("BEGIN")]
    assert begun
    return [next(each for each in seen[at:] if not each.startswith(_AROUND)) for at in begun]


def ask() -> Actor | None:
    """Who acts, read from the database."""
    return ANNA if Role.objects.count() else None


@pytest.mark.parametrize("by", ["hooks", "triggers"])
@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_the_first_statement_writes(host: None, way: str, inside: bool) -> None:
    """However a host writes, and also where it has to be looked up who acts."""
    Person.objects.create(name="Bob")
    Employee.objects.create(name="Eve")
    forget()

    def write() -> None:
        with ExitStack() as stack:
            stack.enter_context(acting_when_asked(ask, nobody=acting_as(ANNA)))
            if inside or way == "record":
                stack.enter_context(transaction.atomic())
            WAYS[way]()

    firsts = first_statements(write)
    assert all(each.startswith(_WRITES) for each in firsts), firsts
    assert captured()


def test_the_ways_beside_the_host_too(host: None) -> None:
    """`migrate`, and whatever writes to the outbox."""
    assert all(each.startswith(_WRITES) for each in first_statements(forget))
    firsts = first_statements(lambda: call_command("migrate", verbosity=0))
    assert any("trailbook_outbox WHERE 0" in each for each in firsts)


def test_a_transaction_that_reads_first_is_seen_here(host: None) -> None:
    """The control: these tests can fail."""

    def read() -> None:
        with transaction.atomic():
            Role.objects.count()
            Role.objects.create(name="Boss")

    assert not all(each.startswith(_WRITES) for each in first_statements(read))


def test_without_an_outbox_a_database_is_begun_all_the_same(empty: None) -> None:
    with DjangoDatabase().begin() as database:
        database.execute("CREATE TABLE notes (id INT)")
    assert connections["default"].introspection.table_names() == ["notes"]
