"""Rows of a registered table that have another name too: partitions, tables that inherit, views.

Hooks refuse such a name, as text and as a model of its own, before anything is written; triggers record the row.
"""

from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test.utils import isolate_apps
from tests.capture.django.company.models import USER_ACTIONS, Person
from tests.capture.django.outbox import ANNA, captured, forget

from trailbook.capture import acting_as, recorded_as
from trailbook.capture.django import register
from trailbook.capture.django.database import DjangoConnection
from trailbook.capture.django.host import the_host
from trailbook.errors import UncapturedWriteError
from trailbook.model import Item

BOTH = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
POSTGRESQL = pytest.mark.parametrize("engine", ["postgresql"])
# Inherited rows of `people` lie in `child`, of `staff` in `staff_1`; `shown` and `few` are views, one over the other.
TABLES = {
    "postgresql": """
        CREATE TABLE people (id integer PRIMARY KEY, name varchar(9));
        CREATE TABLE child (PRIMARY KEY (id)) INHERITS (people);
        CREATE TABLE staff (id integer PRIMARY KEY, name varchar(9)) PARTITION BY RANGE (id);
        CREATE TABLE staff_1 PARTITION OF staff FOR VALUES FROM (0) TO (50);
        CREATE VIEW shown AS SELECT id, name FROM people;
        CREATE VIEW few AS SELECT id, name FROM shown WHERE id < 10;
        CREATE MATERIALIZED VIEW kept AS SELECT id, name FROM people;
        CREATE TABLE alike (id integer PRIMARY KEY, name varchar(9));
        CREATE VIEW alike_shown AS SELECT id, name FROM alike;
        INSERT INTO child VALUES (1, 'c');
        INSERT INTO staff VALUES (1, 's');
        INSERT INTO alike VALUES (1, 'a')
    """,
    "sqlite": """
        CREATE TABLE people (id integer PRIMARY KEY, name varchar(9));
        CREATE VIEW shown AS SELECT id, name FROM people;
        CREATE TRIGGER shown_update INSTEAD OF UPDATE ON shown BEGIN
            UPDATE people SET name = NEW.name WHERE id = OLD.id; END;
        CREATE VIEW few AS SELECT id, name FROM shown WHERE id < 10;
        CREATE TRIGGER few_update INSTEAD OF UPDATE ON Few BEGIN
            UPDATE shown SET name = NEW.name WHERE id = OLD.id; END;
        CREATE TABLE alike (id integer PRIMARY KEY, name varchar(9));
        CREATE VIEW alike_shown AS SELECT id, name FROM people;
        CREATE TRIGGER alike_update INSTEAD OF UPDATE ON alike_shown BEGIN
            UPDATE alike SET name = NEW.name WHERE id IN (SELECT id FROM people); END;
        INSERT INTO people VALUES (1, 'c');
        INSERT INTO alike VALUES (1, 'a')
    """,
}
OTHERS = {"postgresql": ["child", "staff_1", "shown", "few"], "sqlite": ["shown", "few"]}
EVERY = [(engine, name) for engine, names in OTHERS.items() for name in names]


def model_of(table: str) -> type[models.Model]:
    """A model over what is there; no other test is to see it."""
    with isolate_apps("tests.capture.django.company"):

        class Meta:
            app_label = "company"
            managed = False
            db_table = table

        members: dict[str, Any] = {
            "__module__": __name__,
            "Meta": Meta,
            "id": models.IntegerField(primary_key=True),
            "name": models.CharField(max_length=9),
        }
        return type(table.title(), (models.Model,), members)


PEOPLE, STAFF = model_of("people"), model_of("staff")


def script(statements: str) -> None:
    """Statements past Django, as somebody else makes them."""
    connection.ensure_connection()
    cursor = connection.connection.cursor()
    cursor.executescript(statements) if connection.vendor == "sqlite" else cursor.execute(statements)


def execute(statement: str) -> int:
    """Execute SQL through Django; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.rowcount)


@pytest.fixture
def names(host: None, engine: str, by: str) -> None:
    """The tables, with `people` and `staff` registered."""
    script(TABLES[engine])
    register(PEOPLE, type="user", name="name", actions=USER_ACTIONS)
    if engine == "postgresql":
        register(STAFF, type="user", name="name", actions=USER_ACTIONS)
    forget()


@pytest.mark.parametrize(("engine", "name"), EVERY)
def test_a_write_by_another_name(names: None, name: str) -> None:
    """It is refused before it runs, whoever writes it: SQL, or a model over that name."""
    refused = pytest.raises(
        UncapturedWriteError, match=f"writes its rows by another name, .*{name}.*recorded_as"
    )
    with refused:
        execute(f"UPDATE {name} SET name = 'x'")
    model = model_of(name)
    with refused:
        model.objects.update(name="x")
    with transaction.atomic(), refused:
        model(id=1, name="x").save()
    assert list(model.objects.exclude(name="x").values_list("id")) == [(1,)]
    assert captured() == []


@BOTH
def test_what_is_no_other_name(names: None, engine: str) -> None:
    """The control: a table of the same shape and a view over it are written as ever, and the table by its own name."""
    model_of("alike").objects.update(name="x")
    assert model_of("alike").objects.get().name == "x"
    execute("UPDATE alike_shown SET name = 'y'")
    assert model_of("alike").objects.get().name == "y"
    PEOPLE.objects.update(name="x")
    if engine == "postgresql":
        execute("REFRESH MATERIALIZED VIEW kept")
        STAFF.objects.update(name="x")
    assert captured() == [("user.profile_updated", "user/1")] * (2 if engine == "postgresql" else 1)


@BOTH
def test_what_is_meant_speaks_for_another_name_too(names: None) -> None:
    """As for every statement that capture cannot read, though SQLite does not count what is written by a view."""
    with acting_as(ANNA), recorded_as("user.deactivated", target=Item(type="user", id="1")):
        execute("UPDATE shown SET name = 'x'")
    assert captured() == [("user.deactivated", "user/1")]
    assert PEOPLE.objects.get().name == "x"


@POSTGRESQL
def test_a_child_that_is_registered_itself(names: None) -> None:
    """Its rows are its own, recorded once."""
    child = model_of("child")
    register(child, type="user", name="name", actions=USER_ACTIONS)
    child.objects.update(name="x")
    assert captured() == [("user.profile_updated", "user/1")]


@POSTGRESQL
@pytest.mark.parametrize("by", ["triggers"])
def test_triggers_record_it(host: None) -> None:
    """Whatever name it is written by, and who acts."""
    Person.objects.create(name="Bob")
    execute("CREATE VIEW shown AS SELECT id, email FROM app_user")
    forget()
    with acting_as(ANNA):
        execute("UPDATE shown SET email = 'x'")
    assert [action for action, _ in captured()] == ["user.profile_updated"]


@BOTH
def test_a_name_that_comes_later(names: None, engine: str) -> None:
    """A schema that is changed through Django is asked anew, and once more where that was rolled back."""
    execute("UPDATE alike SET name = 'x'")
    if engine == "sqlite":
        script(
            "CREATE VIEW late AS SELECT id, name FROM people;"
            "CREATE TRIGGER late_update INSTEAD OF UPDATE ON late BEGIN UPDATE people SET name = 'x'; END"
        )
        execute("CREATE TABLE other (id integer)")
    else:
        execute("CREATE VIEW late AS SELECT id, name FROM people")
    with pytest.raises(UncapturedWriteError, match="another name"):
        execute("UPDATE late SET name = 'x'")
    with transaction.atomic():
        execute("DROP VIEW late")
        execute("UPDATE alike SET name = 'x'")
        transaction.set_rollback(True)
    with pytest.raises(UncapturedWriteError, match="another name"):
        execute("UPDATE late SET name = 'x'")


@BOTH
def test_the_database_is_asked_once(names: None) -> None:
    """And again only where a schema changed."""
    execute("UPDATE alike SET name = 'x'")
    first = the_host().other_names(DjangoConnection(connection))
    execute("UPDATE alike SET name = 'y'")
    assert the_host().other_names(DjangoConnection(connection)) is first
    execute("CREATE TABLE other (id integer)")
    assert the_host().other_names(DjangoConnection(connection)) is not first
