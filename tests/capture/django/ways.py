"""The write paths of a Django host, each with its verdict: what `test_matrix.py` proves and the reference prints."""

import asyncio
import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections, migrations, transaction
from django.db.migrations.state import ProjectState
from django.db.models import Case, F, Value, When
from django.db.models.functions import Upper
from django.test import AsyncClient, Client
from msgspec import Struct
from tests.capture.django.company.models import Absence, Colleague, Employee, Person, Role, Setting

from trailbook.capture import recorded_as
from trailbook.model import Item

Verdict = Literal["recorded", "refused", "nothing", "unseen"]


class Host(Struct, frozen=True, kw_only=True):
    """A host with Bob (a person with an absence, a role and a mentor, Cy) and Eve (an employee) in it."""

    folder: Path
    bob: Person
    cy: Person
    role: Role
    eve: Employee


class Way(Struct, frozen=True, kw_only=True):
    """A write path; `who` is the actor's id that its entries must have, None the system."""

    group: str
    name: str
    verdict: Verdict
    run: Callable[[Host], Any]
    who: str | None = "u-17"
    triggers: Verdict | None = None  # None: recorded, or nothing where there is nothing
    database: bool = False  # triggers know nobody but the database's user
    engine: str | None = None  # only one database has it
    bulk: bool = False  # signals of single objects miss it


WAYS: dict[str, Way] = {}
OBJECTS, QUERIES, RELATIONS, SQL, AROUND = (
    "Objects",
    "Querysets",
    "Many to many, and foreign keys",
    "SQL and the driver",
    "Transactions, requests and tools",
)


def way(group: str, name: str, verdict: Verdict = "recorded", **more: Any) -> Any:
    """Add a write path to the matrix; `more` are further members of `Way`."""

    def added(run: Callable[[Host], Any]) -> Callable[[Host], Any]:
        WAYS[name] = Way(group=group, name=name, verdict=verdict, run=run, **more)
        return run

    return added


def sql(
    name: str, statement: str | Callable[[Host], str], verdict: Verdict = "recorded", **more: Any
) -> None:
    """Add a path of one text of SQL."""

    def run(host: Host) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement if isinstance(statement, str) else statement(host))

    way(SQL, name, verdict, bulk=True, **more)(run)


@way(OBJECTS, "save() and create() of new objects")
def _new(host: Host) -> None:
    Person(name="New").save()
    Absence.objects.create(person=host.bob)


@way(OBJECTS, "save() of a changed object")
def _save(host: Host) -> None:
    host.bob.email, host.bob.seen = "x", 9
    host.bob.save()
    host.role.name = "Boss"
    host.role.save()


@way(OBJECTS, "save(update_fields=...)")
def _update_fields(host: Host) -> None:
    host.bob.email = host.bob.phone = "x"
    host.bob.save(update_fields=["phone"])


@way(OBJECTS, "save() with an expression")
def _expression(host: Host) -> None:
    host.bob.email = Upper(F("email"))
    host.bob.save()


@way(OBJECTS, "save() that changes nothing, or what is ignored", "nothing")
def _same(host: Host) -> None:
    host.bob.save()
    host.bob.seen = 9
    host.bob.save()


@way(OBJECTS, "save() of JSON")
def _json(host: Host) -> None:
    host.bob.notes = {"a": [1, "two"]}
    host.bob.save()


@way(OBJECTS, "delete(), with cascades")
def _delete(host: Host) -> None:
    host.bob.delete()


@way(OBJECTS, "delete(), with SET_NULL")
def _set_null(host: Host) -> None:
    host.cy.delete()


@way(OBJECTS, "get_or_create() and update_or_create()")
def _or_create(host: Host) -> None:
    Person.objects.get_or_create(name="Bob")
    Person.objects.get_or_create(name="New")
    Person.objects.update_or_create(name="Bob", defaults={"email": "x"})
    Person.objects.update_or_create(name="Newer", defaults={"email": "x"})


@way(OBJECTS, "an inherited model, in two tables")
def _inherited(host: Host) -> None:
    Employee.objects.create(name="Ada", title="x")
    host.eve.title, host.eve.name = "y", "Eva"
    host.eve.save()


@way(OBJECTS, "an inherited model, by its parent")
def _parent(host: Host) -> None:
    party = host.eve.party_ptr
    party.name = "Eva"
    party.save()


@way(OBJECTS, "delete() of an inherited model")
def _delete_inherited(host: Host) -> None:
    host.eve.delete()


@way(OBJECTS, "a proxy model")
def _proxy(host: Host) -> None:
    Colleague.objects.create(name="New")
    Colleague.objects.filter(name="Bob").update(email="x")


@way(OBJECTS, "base managers")
def _base_manager(host: Host) -> None:
    Person._base_manager.filter(name="Bob").update(email="x")
    Person._base_manager.create(name="New")


@way(QUERIES, "bulk_create()", bulk=True)
def _bulk_create(host: Host) -> None:
    Person.objects.bulk_create([Person(name="a"), Person(name="b")])
    Role.objects.bulk_create([Role(name="a")])


@way(QUERIES, "bulk_create(ignore_conflicts=True)", bulk=True)
def _ignore(host: Host) -> None:
    Role.objects.bulk_create([Role(name=host.role.name), Role(name="New")], ignore_conflicts=True)


@way(QUERIES, "bulk_create(update_conflicts=True)", "refused", triggers="recorded")
def _upsert(host: Host) -> None:
    new = [Role(id=host.role.id, name="Boss"), Role(name="New")]
    Role.objects.bulk_create(new, update_conflicts=True, unique_fields=["id"], update_fields=["name"])


@way(QUERIES, "bulk_update()", bulk=True)
def _bulk_update(host: Host) -> None:
    host.bob.email = "x"
    Person.objects.bulk_update([host.bob, host.cy], ["email", "phone"])


@way(QUERIES, "update()", bulk=True)
def _update(host: Host) -> None:
    Person.objects.update(email="b")  # which is what Bob has


@way(QUERIES, "update() with expressions and joins", bulk=True)
def _update_joins(host: Host) -> None:
    cases = Case(When(name="Bob", then=Upper(F("name"))), default=Value("100% %s"))
    Person.objects.filter(roles__name=host.role.name).update(email=cases, seen=F("seen") + 1)
    Absence.objects.filter(person__name="Bob").update(reason="ill", start="2026-11-02")


@way(QUERIES, "update() of an inherited model, in both tables", bulk=True)
def _update_inherited(host: Host) -> None:
    with transaction.atomic():  # without, each table's update is a transaction of Django's own
        Employee.objects.update(name="Eva", title="y")


@way(QUERIES, "update() of a key", bulk=True)
def _key(host: Host) -> None:
    Role.members.through.objects.all().delete()
    Role.objects.update(id=uuid.uuid4())


@way(QUERIES, "update() of whose row it is", bulk=True)
def _owner(host: Host) -> None:
    Absence.objects.update(person=host.cy)


@way(QUERIES, "delete() of a queryset", bulk=True)
def _delete_query(host: Host) -> None:
    Absence.objects.filter(person__name="Bob").delete()
    Person.objects.filter(name="Cy").delete()


@way(QUERIES, "_raw_delete()", bulk=True)
def _raw_delete(host: Host) -> None:
    Absence.objects.all()._raw_delete("default")


@way(QUERIES, "a table that is not registered", "nothing")
def _other_table(host: Host) -> None:
    Setting.objects.create(value="x")
    Setting.objects.update(value="y")


@way(RELATIONS, "add() and create(), from both sides", bulk=True)
def _add(host: Host) -> None:
    host.role.members.add(host.bob, host.cy)  # Bob has it
    host.cy.roles.create(name="New")


@way(RELATIONS, "remove(), from both sides", bulk=True)
def _remove(host: Host) -> None:
    host.role.members.remove(host.cy)
    host.bob.roles.remove(host.role)


@way(RELATIONS, "set(), from both sides", bulk=True)
def _set(host: Host) -> None:
    host.role.members.set([host.cy])
    host.bob.roles.set([Role.objects.create(name="New")])


@way(RELATIONS, "clear(), from both sides", bulk=True)
def _clear(host: Host) -> None:
    host.role.members.clear()
    host.cy.roles.clear()


@way(RELATIONS, "the model between")
def _through(host: Host) -> None:
    Role.members.through.objects.create(role=host.role, person=host.cy)


@way(RELATIONS, "foreign keys from the other side: add(), set(), clear()", bulk=True)
def _reverse(host: Host) -> None:
    host.cy.absence_set.add(*Absence.objects.all())
    host.cy.person_set.clear()
    host.bob.person_set.set([host.cy])


sql("UPDATE", "UPDATE app_user SET email = 'x' /* 100% */ WHERE name = 'Bob' -- the end")
sql("INSERT", "INSERT INTO app_user (name, seen, notes) VALUES ('New', 0, '{}'), ('Newer', 0, '{}')")
sql("INSERT ... SELECT", "INSERT INTO app_user (name, seen, notes) SELECT name, 0, '{}' FROM app_user")
sql("DELETE", "DELETE FROM company_absence;")
sql("RETURNING of the host's own", "UPDATE app_user SET email = 'x' RETURNING *")
sql("a CTE", "WITH x AS (SELECT 1) DELETE FROM company_absence", "refused")
sql(
    "UPDATE ... FROM",
    "UPDATE app_user SET email = 'x' FROM company_absence a WHERE a.person_id = app_user.id",
    "refused",
)
sql(
    "ON CONFLICT DO UPDATE",
    lambda h: (
        f"INSERT INTO company_role (id, name) VALUES ('{uuid.uuid4().hex}', '{h.role.name}')"
        " ON CONFLICT (name) DO UPDATE SET name = 'Boss'"
    ),
    "refused",
)
sql(
    "several statements in one text",
    "UPDATE app_user SET email = 'x'; DELETE FROM company_absence",
    "refused",
    engine="postgresql",
)
sql("TRUNCATE", "TRUNCATE TABLE company_absence", "refused", triggers="refused", engine="postgresql")
sql(
    "procedures and anonymous blocks",
    "DO $$ BEGIN NULL; END $$",
    "refused",
    triggers="refused",
    engine="postgresql",
)
sql(
    "REPLACE",
    lambda h: f"REPLACE INTO company_role (id, name) VALUES ('{uuid.uuid4().hex}', 'New')",
    "refused",
    engine="sqlite",
)


@way(SQL, "parameters, executemany()", bulk=True)
def _many(host: Host) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE app_user SET email = %s WHERE id = -%s", ["x", 5])
        new = "UPDATE app_user SET phone = %s WHERE id = %s"
        cursor.executemany(new, [("1", host.bob.id), ("2", host.cy.id), ("3", -1)])
        assert cursor.rowcount == 2


@way(SQL, "parameters by name", bulk=True)
def _named(host: Host) -> None:
    with connection.cursor() as cursor:
        update = "UPDATE app_user SET email = %(new)s WHERE id = %(id)s OR email = %(new)s"
        cursor.execute(update, {"new": "x", "id": host.bob.id})


@way(SQL, "Model.objects.raw()", bulk=True)
def _raw(host: Host) -> None:
    update = "UPDATE app_user SET email = %s WHERE name = 'Bob' RETURNING id, name, email"
    assert [person.email for person in Person.objects.raw(update, ["x"])] == ["x"]


@way(SQL, "SQL in recorded_as(...)", bulk=True)
def _recorded_as(host: Host) -> None:
    text = "WITH x AS (SELECT 1) UPDATE app_user SET email = 'x' WHERE name = 'Bob'"
    meaning = recorded_as("user.profile_updated", target=Item(type="user", id=str(host.bob.id)))
    with connection.cursor() as cursor, meaning:
        cursor.execute(text)


@way(SQL, "SQL composed by psycopg", engine="postgresql", bulk=True)
def _composed(host: Host) -> None:
    from psycopg import sql as pieces  # noqa: PLC0415  # only where the database is PostgreSQL

    update = pieces.SQL("UPDATE {} SET email = {}").format(pieces.Identifier("app_user"), pieces.Literal("x"))
    with connection.cursor() as cursor:
        cursor.execute(update)


@way(SQL, "the driver's own cursor", "unseen", database=True)
def _driver(host: Host) -> None:
    with transaction.atomic():
        connection.connection.cursor().execute("UPDATE app_user SET email = 'x'")


@way(SQL, "COPY by the driver", "unseen", database=True, engine="postgresql")
def _copy(host: Host) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY app_user (name, seen, notes) FROM STDIN") as copy:
        copy.write_row(("New", 0, "{}"))


@way(AROUND, "rolled back", "nothing")
def _rolled_back(host: Host) -> None:
    with transaction.atomic():
        Person.objects.create(name="Gone")
        Person.objects.update(email="x")
        transaction.set_rollback(True)


@way(AROUND, "savepoints, rolled back and kept, nested")
def _savepoints(host: Host) -> None:
    with transaction.atomic():
        Person.objects.create(name="Kept")
        with transaction.atomic():
            host.role.members.clear()
            with transaction.atomic():
                Absence.objects.all().delete()
                transaction.set_rollback(True)
        Person.objects.exclude(name="Kept").update(email="x")


@way(AROUND, "after a statement that failed")
def _failed(host: Host) -> None:
    with transaction.atomic():
        try:
            with transaction.atomic():
                Person.objects.create(name="Gone")
                Role.objects.create(name=host.role.name)
        except Exception:  # noqa: BLE001  # the host's own business
            Person.objects.update(email="x")


@way(AROUND, "a crash in on_commit()")
def _on_commit(host: Host) -> None:
    def crash() -> None:
        Absence.objects.all().delete()  # in autocommit
        raise RuntimeError("on_commit")

    try:
        with transaction.atomic():
            transaction.on_commit(crash)
            Person.objects.update(email="x")
    except RuntimeError:
        return
    raise AssertionError("the host did not notice")


@way(AROUND, "durable transactions, and autocommit switched off")
def _durable(host: Host) -> None:
    with transaction.atomic(durable=True):
        Person.objects.filter(name="Bob").update(email="x")
    transaction.set_autocommit(False)
    try:
        Person.objects.filter(name="Cy").update(email="x")
        transaction.commit()
        Absence.objects.all().delete()
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)


@way(AROUND, "awaited querysets and objects")
def _awaited(host: Host) -> None:
    async def act() -> None:
        await Person.objects.acreate(name="New")
        await Person.objects.filter(name="Bob").aupdate(email="x")
        await host.role.members.aclear()

    asyncio.run(act())


@way(AROUND, "a thread of its own, without a context", who=None)
def _thread(host: Host) -> None:
    def act() -> None:
        Person.objects.create(name="New")
        connections.close_all()

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


@way(AROUND, "a request", who="user")
def _request(host: Host) -> None:
    client = Client()
    client.force_login(get_user_model().objects.get())
    assert client.get("/change").status_code == 200


@way(AROUND, "an awaited view", who="user")
def _awaited_view(host: Host) -> None:
    async def act() -> None:
        client = AsyncClient()
        await client.aforce_login(await get_user_model().objects.aget())
        assert (await client.get("/change-awaited")).status_code == 200

    asyncio.run(act())


@way(AROUND, "a request that fails", "nothing")
def _failed_request(host: Host) -> None:
    assert Client(raise_request_exception=False).get("/fail").status_code == 500


@way(AROUND, "an action of the admin", who="user")
def _admin(host: Host) -> None:
    client = Client()
    client.force_login(get_user_model().objects.get())
    chosen = {"action": "delete_selected", "_selected_action": [host.cy.pk], "post": "yes"}
    assert client.post("/admin/company/person/", chosen).status_code == 302


@way(AROUND, "fixtures: loaddata")
def _fixture(host: Host) -> None:
    bob = {"name": "Bob", "email": "loaded", "phone": None, "seen": 0, "notes": {}, "mentor": host.cy.pk}
    new = {"model": "company.person", "pk": 900, "fields": {"name": "New"}}
    role = {"model": "company.role", "pk": str(host.role.pk), "fields": {"name": "Boss", "members": [900]}}
    fixture = host.folder / "people.json"
    fixture.write_text(json.dumps([{"model": "company.person", "pk": host.bob.pk, "fields": bob}, new, role]))
    call_command("loaddata", str(fixture), verbosity=0)


@way(AROUND, "migrations: RunPython and RunSQL")
def _migration(host: Host) -> None:
    def run(apps: Any, editor: Any) -> None:
        apps.get_model("company", "Person").objects.update(email="x")

    migration = migrations.Migration("1", "company")
    migration.operations = [
        migrations.RunPython(run),
        migrations.RunSQL(["DELETE FROM company_absence", "UPDATE company_role SET name = '1'"]),
    ]
    with connection.schema_editor() as editor:
        migration.apply(ProjectState.from_apps(Person._meta.apps), editor)


def by_triggers(each: Way) -> Verdict:
    """The verdict of a path where triggers cover the tables."""
    if each.triggers is not None:
        return each.triggers
    return "nothing" if each.verdict == "nothing" else "recorded"
