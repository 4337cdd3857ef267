"""What is captured of statements, and what fails closed: a change and its entry come together or not at all."""

import threading
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F
from msgspec import structs
from tests.capture.django.company.models import USER_ACTIONS, Absence, Desk, Person, Role
from tests.capture.django.conftest import point
from tests.capture.django.outbox import ANNA, captured, forget, waiting

from trailbook import Log
from trailbook.capture import acting_as, drain, recorded_as
from trailbook.capture.django import DjangoDatabase, record, record_change, register
from trailbook.capture.django.host import the_host
from trailbook.capture.django.statements import Statements
from trailbook.capture.outbox_drain import Drained
from trailbook.errors import OutboxFullError, UncapturedWriteError
from trailbook.model import Item

DESK = {"created": "asset.created", "updated": "asset.updated", "deleted": "asset.deleted"}
BOTH = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
POSTGRESQL = pytest.mark.parametrize("engine", ["postgresql"])


def execute(statement: str, params: Any = None) -> int:
    """Execute SQL; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        count: int = cursor.rowcount
        return count


@BOTH
def test_what_an_entry_says(host: None, log: Log) -> None:
    """Names of fields, owner and context are those of the declaration, and the log takes every entry."""
    with acting_as(ANNA, correlation="c"):
        bob = Person.objects.create(name="Bob 'the' \"Li\"", seen=1)
        Absence.objects.create(person=bob)
    Person.objects.update(email="x", phone="1", seen=2, mentor=bob)
    created, absence, changed = waiting()
    assert (created["target"]["name"], created["actor"]["id"]) == ("Bob 'the' \"Li\"", "u-17")
    assert (created["correlation"], created["origin"]) == ("c", {"interface": "job"})
    assert absence["concerns"] == [{"part": "owner", "type": "user", "id": str(bob.pk)}]
    assert (changed["fields"], changed["actor"]["kind"]) == (["email", "phone"], "system")
    assert drain(DjangoDatabase(), log) == Drained(recorded=4)  # and that capture began
    assert captured() == []


@BOTH
def test_only_rows_that_differ_have_an_entry(host: None) -> None:
    """The database compares, as it stores: a number as text, an expression, a letter's case; nothing else counts."""
    Person.objects.bulk_create(
        [Person(name="a", email="x", seen=1), Person(name="b", email="X"), Person(name="c")]
    )
    forget()
    assert execute("UPDATE app_user SET email = 'x'") == 3
    assert [(e["target"]["name"], e["fields"]) for e in waiting()] == [("b", ["email"]), ("c", ["email"])]
    forget()
    execute("UPDATE app_user SET email = %s, phone = NULL, name = lower(name)", ["x"])
    Person.objects.update(email=F("email"), mentor_id=F("mentor_id"), notes={})
    assert waiting() == []


@BOTH
def test_what_may_be_another_the_next_time_counts_as_changed(host: None) -> None:
    """Chance and queries are asked once, by the UPDATE; the fields that they set are named, the others compared."""
    Person.objects.create(name="Bob", email="x", phone="1")
    forget()
    execute("UPDATE app_user SET email = CAST(random() > 2 AS VARCHAR(5)), phone = %s", ["1"])
    execute("UPDATE app_user SET phone = (SELECT %s WHERE name = %s), email = email", ["1", "Bob"])
    assert [entry["fields"] for entry in waiting()] == [["email"], ["phone"]]


@SQLITE
@pytest.mark.parametrize("inside", [True, False])
def test_a_writer_of_sqlite_waits_for_another(host: None, inside: bool) -> None:
    """As without capture: what is selected before an UPDATE does not make it fail while somebody else writes."""
    Person.objects.create(name="Bob")
    ready, go = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            Role.objects.create(name="Boss")
            ready.set()
            go.wait(10)
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait(10)
    threading.Timer(0.2, go.set).start()
    if inside:
        with transaction.atomic():
            Person.objects.update(email="x")
    else:
        Person.objects.update(email="x")
    thread.join()
    assert [action for action, _ in captured()] == ["role.created", "user.created", "user.profile_updated"]


@SQLITE
def test_a_database_that_is_not_supported(host: None) -> None:
    """Registered tables are not written there; whatever else it is used for goes on."""

    class Elsewhere:
        vendor, alias = "mysql", "elsewhere"

    statements = Statements(the_host(), Elsewhere())
    ran = []
    for text in (
        "SELECT * FROM app_user",
        "INSERT INTO `other` VALUES ('it\\'s')",
        "CREATE TABLE app_user (id INT)",
    ):
        statements(lambda sql, *more: ran.append(sql), text, None, False, {"cursor": connection.cursor()})
    with pytest.raises(UncapturedWriteError, match="mysql is not supported"):
        statements(ran.append, "UPDATE `app_user` SET id = 1", None, False, {"cursor": connection.cursor()})
    assert len(ran) == 3


@SQLITE
def test_a_collation_makes_no_two_texts_one(host: None) -> None:
    """A column that compares without case changes all the same when the case does."""
    with connection.schema_editor() as editor:
        editor.execute("ALTER TABLE app_user ADD COLUMN old TEXT")
        editor.execute("ALTER TABLE app_user DROP COLUMN email")
        editor.execute("ALTER TABLE app_user ADD COLUMN email TEXT COLLATE NOCASE")
    Person.objects.create(name="Bob", email="x")
    forget()
    Person.objects.update(email="X")
    assert [entry["fields"] for entry in waiting()] == [["email"]]


@POSTGRESQL
@pytest.mark.parametrize(
    ("type_", "old", "new"),
    [
        ("json", '{"a": 1}', '{"a": 2}'),
        ("point", "(1,2)", "(1,3)"),
        ("bpchar(5)", "x", "y"),
        ("numeric(5,2)", "1.234", "1.24"),
        ("text[]", "{a,b}", "{a,c}"),
        ("timestamptz", "2026-11-02 08:00+01", "2026-11-02 08:00+02"),
    ],
)
def test_types_that_have_no_equality_too(host: None, type_: str, old: str, new: str) -> None:
    """Each type is compared as it is stored; the type of a column may change while the process runs."""
    Person.objects.create(name="Bob")
    execute("UPDATE app_user SET email = NULL")
    execute(f"ALTER TABLE app_user ALTER COLUMN email TYPE {type_} USING NULL")
    forget()
    execute("UPDATE app_user SET email = %s", [old])
    execute("UPDATE app_user SET email = %s", [old])
    execute("UPDATE app_user SET email = %s", [new])
    assert [entry["fields"] for entry in waiting()] == [["email"], ["email"]]


@POSTGRESQL
def test_parameters_bound_by_the_server(host: None) -> None:
    """Django's option `server_side_binding` sends parameters apart from the text; so are capture's."""
    Person.objects.create(name="Bob", email="5")
    forget()
    point("default", {**connections.settings["default"], "OPTIONS": {"server_side_binding": True}})
    Person.objects.filter(name="Bob").update(email="6", seen=F("seen") + 1, notes={"a": 1})
    execute("UPDATE app_user SET email = %s WHERE name = %s", [6, "Bob"])
    execute("UPDATE app_user SET email = %s WHERE name = %s", [7, "Bob"])
    assert [entry["fields"] for entry in waiting()] == [["email"], ["email"]]


@POSTGRESQL
def test_a_migration_that_fills_a_column(host: None) -> None:
    """Django puts SET CONSTRAINTS behind the UPDATE that fills a column which may be empty no longer."""
    Person.objects.create(name="Bob")
    forget()
    old, new = Person._meta.get_field("phone"), Person._meta.get_field("phone").clone()
    new.null, new.default, new.name, new.column = False, "0", "phone", "phone"
    new.set_attributes_from_name("phone")
    new.model = Person
    with connection.schema_editor() as editor:
        editor.alter_field(Person, old, new)
    assert [entry["fields"] for entry in waiting()] == [["phone"]]


@BOTH
def test_a_column_that_a_migration_has_not_made_yet(host: None) -> None:
    """Rows that an early migration writes are captured by what is there."""
    with connection.schema_editor() as editor:
        editor.execute("ALTER TABLE app_user RENAME COLUMN name TO later")
    execute("INSERT INTO app_user (later, seen, notes) VALUES ('x', 0, '{}')")
    assert [entry["target"] for entry in waiting()] == [{"type": "user", "id": "1"}]


@BOTH
@pytest.mark.parametrize("inside", [True, False])
def test_an_entry_that_cannot_be_written_takes_the_change_with_it(host: None, inside: bool) -> None:
    """In a transaction of the host's, even where it goes on after the error; and in one of the statement's own."""
    Person.objects.create(name="Bob")
    the_host().recorder.write_row = _full  # type: ignore[method-assign]
    try:
        if inside:
            with transaction.atomic(), pytest.raises(OutboxFullError):
                execute("UPDATE app_user SET email = 'x'")
        else:
            with pytest.raises(OutboxFullError):
                execute("UPDATE app_user SET email = 'x'")
    finally:
        del the_host().recorder.write_row
    assert Person.objects.get().email is None
    execute("UPDATE app_user SET email = 'x'")  # the control
    assert Person.objects.get().email == "x"


def _full(*args: Any, **more: Any) -> None:
    raise OutboxFullError("the outbox is full")


@BOTH
def test_without_autocommit_the_change_is_rolled_back_at_once(host: None) -> None:
    """Nothing else holds a commit back there."""
    Person.objects.create(name="Bob")
    the_host().recorder.write_row = _full  # type: ignore[method-assign]
    transaction.set_autocommit(False)
    try:
        with pytest.raises(OutboxFullError):
            execute("UPDATE app_user SET email = 'x'")
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
        del the_host().recorder.write_row
    assert Person.objects.get().email is None


@BOTH
def test_a_refused_statement_dooms_nothing(host: None) -> None:
    """It did not run, so that the host may go on in its transaction."""
    with transaction.atomic():
        Person.objects.create(name="Bob")
        with pytest.raises(UncapturedWriteError, match="recorded_as"):
            execute("WITH x AS (SELECT 1) DELETE FROM app_user")
        Role.objects.create(name="Boss")
    assert [action for action, _ in captured()] == ["role.created", "user.created"]


@BOTH
def test_a_broken_transaction_is_told_as_django_tells_it(host: None) -> None:
    """Nothing of capture runs in it."""
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            Person.objects.update(email="x")
    assert waiting() == []


@BOTH
def test_without_the_outbox_nothing_is_written(empty: None) -> None:
    """The error names what makes it."""
    register(Person, type="user", actions={**USER_ACTIONS, "deleted": None})
    with connection.schema_editor() as editor:
        editor.create_model(Person)
    with pytest.raises(UncapturedWriteError, match="migrate --database default"):
        Person.objects.create(name="Bob")
    assert Person.objects.count() == 0
    connection.ensure_connection()
    connection.connection.cursor().execute("INSERT INTO app_user (name, seen, notes) VALUES ('Bob', 0, '{}')")
    with pytest.raises(UncapturedWriteError, match="migrate --database default"):
        Person.objects.update(name="Bo")
    assert Person.objects.get().name == "Bob"


@BOTH
def test_a_table_of_the_same_name_elsewhere_is_refused(host: None, engine: str) -> None:
    """Whether it is the model's own cannot be seen from a name with another schema; the control is its own schema."""
    if engine == "sqlite":
        execute("ATTACH ':memory:' AS archive")
        execute("CREATE TABLE archive.app_user (id INTEGER, name TEXT)")
    else:
        execute("CREATE SCHEMA archive")
        execute("CREATE TABLE archive.app_user (id INTEGER, name TEXT)")
    with pytest.raises(UncapturedWriteError, match="own table"):
        execute("INSERT INTO archive.app_user VALUES (1, 'x')")
    own = "main" if engine == "sqlite" else "public"
    execute(f"INSERT INTO {own}.app_user (name, seen, notes) VALUES ('x', 0, '{{}}')")
    assert captured() == [("user.created", "user/1")]


@BOTH
def test_what_the_host_reads_is_what_it_asked_for(host: None) -> None:
    """Columns that capture had returned are taken off; without RETURNING there is nothing to read."""
    Person.objects.bulk_create([Person(name="a"), Person(name="b"), Person(name="c")])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE app_user SET email = 'x' RETURNING name, id")
        assert [column[0] for column in cursor.description] == ["name", "id"]
        assert cursor.fetchone() == ("a", 1)
        assert cursor.fetchmany(1) == [("b", 2)]
        assert list(cursor) == [("c", 3)]
        assert (cursor.fetchone(), cursor.fetchall(), cursor.rowcount) == (None, [], 3)
        cursor.execute("UPDATE app_user SET email = 'y' WHERE id = 1 RETURNING *")
        assert [column[0] for column in cursor.description] == [
            field.column for field in Person._meta.concrete_fields
        ]
        cursor.execute("DELETE FROM app_user WHERE id = 1")
        assert (cursor.description, cursor.rowcount) == (None, 1)
        cursor.execute("SELECT name FROM app_user ORDER BY name")
        assert cursor.fetchall() == [("b",), ("c",)]


@BOTH
def test_a_key_of_two_columns(host: None) -> None:
    """Its id is what the host says; a changed column of the key is two facts where it makes another item."""
    register(
        Desk,
        type="asset",
        id=lambda desk: f"{desk.floor}-{desk.number}",
        name=lambda desk: f"Desk of {desk.person.name}" if desk.person else "Desk",
        actions=DESK,
    )
    bob = Person.objects.create(name="Bob")
    Desk.objects.bulk_create([Desk(floor=1, number=1, person=bob), Desk(floor=1, number=2)])
    Desk.objects.filter(person=bob).update(label="x")
    Desk.objects.filter(number=2).update(floor=F("floor") + 1)
    Desk.objects.filter(floor=2).delete()
    entries = [(e["action"], e["target"]["id"], e["target"]["name"]) for e in waiting()][1:]
    assert entries == [
        ("asset.created", "1-1", "Desk of Bob"),
        ("asset.created", "1-2", "Desk"),
        ("asset.updated", "1-1", "Desk of Bob"),
        ("asset.deleted", "1-2", "Desk"),
        ("asset.created", "2-2", "Desk"),
        ("asset.deleted", "2-2", "Desk"),
    ]


@BOTH
def test_a_key_whose_new_value_cannot_be_worked_out_is_refused(host: None) -> None:
    """It ran, so that its transaction is doomed."""
    Role.objects.create(name="Boss")
    random = "hex(randomblob(16))" if connection.vendor == "sqlite" else "gen_random_uuid()"
    with pytest.raises(UncapturedWriteError, match="try again"):
        execute(f"UPDATE company_role SET id = {random}")
    assert captured() == [("role.created", f"role/{Role.objects.get().id}")]


@BOTH
def test_what_is_meant_folds(host: None) -> None:
    """Rows fold into what was meant in their transaction, and in no other."""
    with acting_as(ANNA), transaction.atomic():
        bob = Person.objects.create(name="Bob")
        record_change(bob, "user.invited")
    with transaction.atomic():
        role = Role.objects.create(name="Boss")
        role.members.add(bob)
        member = Item(type="user", id=str(bob.pk))
        record("role.assigned", target=Item(type="role", id=str(role.pk)), concerns={"member": member})
    bob.email = "x"
    bob.save()
    assert [e["action"] for e in waiting()] == [
        "user.invited",
        "role.created",
        "role.assigned",
        "user.profile_updated",
    ]
    with pytest.raises(UncapturedWriteError, match="atomic"):
        record_change(bob, "user.invited")


@BOTH
def test_a_meaning_belongs_to_the_transaction(host: None) -> None:
    """What a savepoint took away is said again, and each transaction of a block says it for itself."""
    bob = Person.objects.create(name="Bob")
    forget()
    touch, target = "UPDATE app_user SET seen = seen + 1", Item(type="user", id=str(bob.pk))
    with recorded_as("user.profile_updated", target=target), transaction.atomic():
        sid = transaction.savepoint()
        execute(touch)
        transaction.savepoint_rollback(sid)
        execute(touch)
        execute(touch)
    assert len(waiting()) == 1
    with recorded_as("user.profile_updated", target=target):
        execute(touch)
        execute("UPDATE app_user SET seen = 0 WHERE id = -1")
        with transaction.atomic():
            execute(touch)
    assert len(waiting()) == 3
    forget()
    with transaction.atomic(), recorded_as("user.profile_updated", target=target):
        execute(touch)
        with recorded_as("user.invited", target=target):
            execute(touch)
        execute(touch)
    assert [entry["action"] for entry in waiting()] == ["user.profile_updated", "user.invited"]


@BOTH
def test_rows_of_other_types_have_their_entries_in_a_block(host: None) -> None:
    """What a signal's handler writes meanwhile is not swallowed; the block speaks for rows of the types it names."""
    bob = Person.objects.create(name="Bob")
    role = Role.objects.create(name="Aide")
    forget()
    target = Item(type="user", id=str(bob.pk))
    with transaction.atomic(), recorded_as("user.deactivated", target=target):
        Person.objects.filter(pk=bob.pk).update(email="x")
        Role.objects.bulk_create([Role(name="Boss"), Role(name="Chief")])
        bob.roles.add(role)
    seen = ["role.assigned", "role.created", "role.created", "user.deactivated"]
    assert sorted(entry["action"] for entry in waiting()) == seen
    forget()
    member = {"member": target}
    with recorded_as("role.unassigned", target=Item(type="role", id=str(role.pk)), concerns=member):
        bob.roles.clear()
    assert [entry["action"] for entry in waiting()] == ["role.unassigned"]
    forget()
    with recorded_as("user.deactivated", target=target):  # which the block alone can speak for
        execute("WITH gone AS (SELECT 1) UPDATE company_role SET name = name || 'x'")
    assert [entry["action"] for entry in waiting()] == ["user.deactivated"]


@BOTH
def test_several_databases(other: None) -> None:
    """Each entry is written where its change is, in that database's transaction."""
    with transaction.atomic(), transaction.atomic(using="other"):
        Person.objects.create(name="here")
        Person.objects.using("other").create(name="there")
        transaction.set_rollback(True)
    assert (waiting(), [e["target"]["name"] for e in waiting("other")]) == ([], ["there"])


@BOTH
def test_a_statement_that_fails_leaves_no_context(host: None) -> None:
    """Nobody who writes afterwards is taken for who acted, and the connection goes on."""
    Role.objects.create(name="Boss")
    with acting_as(ANNA), pytest.raises(IntegrityError):
        Role.objects.create(name="Boss")
    Role.objects.create(name="Aide")
    assert {e["actor"]["kind"] for e in waiting()} == {"system"}


@pytest.mark.parametrize("by", ["triggers"])
@BOTH
def test_triggers_forget_who_acted_with_the_statement(host: None) -> None:
    """Also where it failed in a transaction that goes on, and where another client writes next."""
    with acting_as(ANNA), transaction.atomic():
        Role.objects.create(name="Boss")
        sid = transaction.savepoint()
        with pytest.raises(IntegrityError):
            execute("INSERT INTO company_role SELECT * FROM company_role")
        transaction.savepoint_rollback(sid)
    connection.connection.cursor().execute("UPDATE company_role SET name = 'Aide'")
    who = [(e["action"], e["actor"]["id"]) for e in waiting()]
    nobody = "database" if connection.vendor == "sqlite" else "database/postgres"
    assert who == [("role.created", "u-17"), ("role.updated", nobody)]


@POSTGRESQL
def test_rows_that_somebody_else_commits_meanwhile(host: None) -> None:
    """An UPDATE waits for another's, and each row has its entry, also what was not there when it began."""
    Person.objects.create(name="Bob")
    forget()
    ready, go = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            Person.objects.update(email="a")
            Person.objects.create(name="New")
            ready.set()
            go.wait(10)
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait(10)
    reader = threading.Timer(0.2, go.set)
    reader.start()
    assert Person.objects.update(email="b") == 2
    thread.join()
    last = [e["target"]["name"] for e in waiting() if e["action"] == "user.profile_updated"][1:]
    assert sorted(last) == ["Bob", "New"]


@BOTH
def test_a_flush_of_tests(host: None, engine: str) -> None:
    """TRUNCATE is refused, but where the settings of tests allow it; SQLite deletes rows, which is captured."""
    Person.objects.create(name="Bob")
    forget()
    if engine == "postgresql":
        with pytest.raises(CommandError):
            call_command("flush", interactive=False, verbosity=0)
        assert Person.objects.count() == 1
        the_host().settings = structs.replace(the_host().settings, truncate="allow")
    call_command("flush", interactive=False, verbosity=0)
    assert Person.objects.count() == 0
    assert captured() == ([("user.deleted", "user/1")] if engine == "sqlite" else [])


@POSTGRESQL
def test_a_write_touches_the_rows_that_it_would_without_capture(host: None) -> None:
    """Also where the key is neither unique nor there, as in a table that somebody else made."""
    Person.objects.bulk_create([Person(name=name) for name in ("a", "b", "c")])
    execute("ALTER TABLE app_user DROP CONSTRAINT app_user_pkey CASCADE")
    execute("ALTER TABLE app_user ALTER COLUMN id DROP IDENTITY, ALTER COLUMN id DROP NOT NULL")
    execute("UPDATE app_user SET id = 1 WHERE name = 'b'")
    with recorded_as("user.profile_updated", target=Item(type="user", id="3")):
        execute("UPDATE app_user SET id = NULL WHERE name = 'c'")
    assert Person.objects.filter(name="a").update(email="x") == 1
    with pytest.raises(UncapturedWriteError):  # nobody could say whose the row is
        Person.objects.filter(name="c").update(email="x")
    rows = Person.objects.order_by("name").values_list("name", "email")
    assert list(rows) == [("a", "x"), ("b", None), ("c", None)]
