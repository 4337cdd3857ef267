"""Random writes by Django's ORM and SQL on the small host: objects, querysets, relations and text, by chance.

Owns the kinds of write and their conditions. Refuses to judge them: `test_chance.py` does.
"""

import uuid
from collections.abc import Callable
from itertools import count
from typing import Any

from django.db import connection, models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Concat, Upper
from msgspec import Struct
from tests.capture.django.company.models import Absence, Colleague, Employee, Party, Person, Role, Setting

Write = Callable[["Chance"], Any]


class Inapplicable(Exception):  # noqa: N818  # no error: there is no row for such a write
    """This write makes no sense on the rows that are there."""


class Way(Struct, frozen=True):
    """A kind of write; `refused`: hooks may refuse it always."""

    name: str
    write: Write
    weight: int = 1
    refused: bool = False


WAYS: dict[str, Way] = {}


def way(name: str, *, weight: int = 1, refused: bool = False) -> Callable[[Write], Write]:
    """Add a kind of write."""

    def added(write: Write) -> Write:
        WAYS[name] = Way(name, write, weight, refused)
        return write

    return added


class Chance(Struct):
    """What writes draw from: chance, and values that no row has had."""

    rng: Any
    numbers: Any
    trail: list[str]

    def word(self) -> str:
        """A new text."""
        return f"v{next(self.numbers)}"

    def some(self, probability: float) -> bool:
        """Whether something happens."""
        return bool(self.rng.randrange(100) < 100 * probability)

    def one_of(self, model: Any) -> Any:
        """An object that is there."""
        keys = sorted(model._base_manager.values_list("pk", flat=True), key=str)
        if not keys:
            raise Inapplicable
        return model._base_manager.get(pk=self.rng.choice(keys))

    def people(self) -> Any:
        """A queryset of people, under some condition."""
        conditions = [
            Q(),
            Q(pk=self.one_of(Person).pk),
            Q(pk__in=[self.one_of(Person).pk, self.one_of(Person).pk]),
            Q(email__isnull=self.some(0.5)),
            Q(name__startswith="v"),
            Q(name="nobody"),
            Q(roles__isnull=False),
            Q(mentor__name__startswith="v"),
            Q(Exists(Absence.objects.filter(person=OuterRef("pk")))),
            ~Q(pk=self.one_of(Person).pk),
        ]
        condition = self.rng.choice(conditions)
        self.trail.append(f"    where {condition}")
        manager = self.rng.choice([Person.objects, Person._base_manager, Colleague.objects])
        return manager.filter(condition)


def new_chance(rng: Any) -> Chance:
    """What the writes of one program draw from."""
    return Chance(rng, count(1000), [])


def _person(chance: Chance, **more: Any) -> Person:
    values = {"email": chance.rng.choice([None, chance.word()]), "notes": {"a": chance.word()}}
    return Person(name=chance.word(), **values | more)


@way("Objects: create", weight=4)
def _create(chance: Chance) -> None:
    if chance.some(0.5):
        _person(chance).save(force_insert=chance.some(0.3))
    elif chance.some(0.5):
        Role.objects.create(name=chance.word())
    else:
        Absence.objects.create(person=chance.one_of(Person), reason=chance.word())


@way("Objects: save", weight=4)
def _save(chance: Chance) -> None:
    person = chance.one_of(chance.rng.choice([Person, Colleague]))
    for name in chance.rng.sample(["name", "email", "phone"], 2):
        value = chance.rng.choice([chance.word(), getattr(person, name), Upper(F(name))])
        setattr(person, name, value)
    person.seen = next(chance.numbers)
    more = {"update_fields": chance.rng.sample(["name", "email", "seen"], 2)} if chance.some(0.3) else {}
    person.save(**more)


@way("Objects: save of what is not there, or is")
def _save_key(chance: Chance) -> None:
    known = chance.some(0.5)
    _person(chance, id=chance.one_of(Person).pk if known else next(chance.numbers) * 1000).save()


@way("Objects: save of another")
def _save_other(chance: Chance) -> None:
    if chance.some(0.5):
        role = chance.one_of(Role)
        role.name = chance.word()
        role.save()
    else:
        absence = chance.one_of(Absence)
        absence.person, absence.reason = chance.one_of(Person), chance.word()
        absence.save()


@way("Objects: delete", weight=2)
def _delete(chance: Chance) -> None:
    chance.one_of(chance.rng.choice([Person, Person, Role, Absence, Colleague])).delete()


@way("Objects: get_or_create, update_or_create")
def _or_create(chance: Chance) -> None:
    name = chance.rng.choice([chance.word(), chance.one_of(Role).name])
    if chance.some(0.5):
        Role.objects.get_or_create(name=name)
    else:
        Role.objects.update_or_create(name=name, defaults={"name": chance.word()})


@way("Objects: an inherited model", weight=2)
def _inherited(chance: Chance) -> None:
    what = chance.rng.choice(["create", "save", "delete", "parent", "rest"])
    if what == "create":
        Employee.objects.create(id=1_000_000 + next(chance.numbers), name=chance.word(), title=chance.word())
        return
    employee = chance.one_of(Employee)
    if what == "delete":
        employee.delete()
    elif what == "parent":
        Party.objects.filter(pk=employee.pk).update(name=chance.word())
    else:
        employee.title = chance.word()
        employee.name = chance.word() if what == "save" else employee.name
        employee.save()


@way("Querysets: update", weight=4)
def _update(chance: Chance) -> None:
    word = chance.word()
    value = chance.rng.choice([word, Upper(Value(word)), Concat(F("name"), Value(word))])
    values = chance.rng.choice(
        [{"email": value}, {"phone": word[:20], "seen": 1}, {"name": value}, {"seen": 2}, {"mentor": None}]
    )
    chance.trail.append(f"    update {sorted(values)}")
    chance.people().update(**values)


@way("Querysets: update by another table")
def _update_join(chance: Chance) -> None:
    wanted = Case(When(reason__isnull=True, then=Value(chance.word())), default=Value("other"))
    reason = wanted if chance.some(0.3) else Value(chance.word())
    Absence.objects.filter(person__in=chance.people()).update(reason=reason)


@way("Querysets: update of an inherited model")
def _update_inherited(chance: Chance) -> None:
    values = {name: chance.word() for name in chance.rng.sample(["name", "title"], chance.rng.randint(1, 2))}
    Employee.objects.filter(pk=chance.one_of(Employee).pk).update(**values)


@way("Querysets: update of a key")
def _update_key(chance: Chance) -> None:
    role = chance.one_of(Role)
    Role.objects.filter(pk=role.pk).update(id=uuid.UUID(int=chance.rng.getrandbits(128), version=4))


@way("Querysets: delete", weight=2)
def _delete_many(chance: Chance) -> None:
    chance.rng.choice([lambda: chance.people(), lambda: Absence.objects.filter(pk__gt=0)])().delete()


@way("Querysets: _raw_delete")
def _raw_delete(chance: Chance) -> None:
    queryset = Absence.objects.filter(pk=chance.one_of(Absence).pk)
    queryset._raw_delete(queryset.db)


@way("Querysets: bulk_create", weight=2)
def _bulk_create(chance: Chance) -> None:
    people = [_person(chance) for _ in range(chance.rng.choice([1, 2, 3] * 6 + [260]))]
    if chance.some(0.3):
        people = [_person(chance, id=next(chance.numbers) * 1000), *people]
    Person.objects.bulk_create(people, batch_size=chance.rng.choice([None, 2, 100]))


@way("Querysets: bulk_create, conflicts ignored")
def _ignored(chance: Chance) -> None:
    roles = [Role(name=chance.word()), Role(name=chance.one_of(Role).name), Role(name=chance.word())]
    Role.objects.bulk_create(roles, ignore_conflicts=True)


@way("Querysets: bulk_create, conflicts updated", refused=True)
def _updated(chance: Chance) -> None:
    roles = [Role(name=chance.word()), Role(pk=chance.one_of(Role).pk, name=chance.word())]
    Role.objects.bulk_create(roles, update_conflicts=True, update_fields=["name"], unique_fields=["id"])


@way("Querysets: bulk_update", weight=2)
def _bulk_update(chance: Chance) -> None:
    people = list({person.pk: person for person in chance.people()[:5]}.values())  # a join repeats some
    for person in people:
        person.email, person.phone = chance.word(), chance.rng.choice([person.phone, chance.word()])
    Person.objects.bulk_update(people, ["email", "phone"], batch_size=chance.rng.choice([None, 2]))


@way("Relations: many to many", weight=4)
def _relations(chance: Chance) -> None:
    person, role = chance.one_of(Person), chance.one_of(Role)
    near, far = (person.roles, role) if chance.some(0.5) else (role.members, person)
    what = chance.rng.choice(["add", "remove", "set", "clear", "create", "again"])
    chance.trail.append(f"    {what} from {'a person' if far is role else 'a role'}")
    if what == "create":
        near.create(name=chance.word())
    elif what == "clear":
        near.clear()
    elif what == "set":
        near.set([far, chance.one_of(type(far))], clear=chance.some(0.3))
    else:
        (near.remove if what == "remove" else near.add)(far)


@way("Relations: the other side of a foreign key")
def _reverse(chance: Chance) -> None:
    mentor = chance.one_of(Person)
    what = chance.rng.choice(["add", "set", "clear", "create"])
    others = list(Person.objects.exclude(pk=mentor.pk)[:2])
    if what == "create":
        mentor.person_set.create(name=chance.word())
    elif what == "clear":
        mentor.person_set.clear()
    else:
        (mentor.person_set.add(*others) if what == "add" else mentor.person_set.set(others))


@way("SQL: one statement", weight=4, refused=True)
def _sql(chance: Chance) -> None:
    person = chance.one_of(Person)
    word = chance.word()
    table = chance.rng.choice(["app_user", '"app_user"', "APP_USER", "/* x */ app_user"])
    texts = [
        f"UPDATE {table} SET email = '{word}' WHERE id = {person.pk}",
        f"update {table} SET email = '{word}' WHERE name = '{person.name}';",
        f"INSERT INTO {table} (name, seen, notes) VALUES ('{word}', 0, '{{}}')",
        f"DELETE FROM company_absence WHERE person_id = {person.pk}",
        f"WITH x AS (SELECT 1) UPDATE {table} SET email = '{word}'",
        f"UPDATE {table} AS t SET email = '{word}' WHERE t.id = {person.pk}",
    ]
    text = chance.rng.choice(texts)
    chance.trail.append(f"    {text}")
    with connection.cursor() as cursor:
        cursor.execute(text)


@way("SQL: parameters", refused=True)
def _parameters(chance: Chance) -> None:
    keys = {chance.one_of(Person).pk for _ in range(chance.rng.choice([1, 2, 3]))}
    sets = [(chance.word(), key) for key in sorted(keys)]
    with connection.cursor() as cursor:
        if chance.some(0.5):
            cursor.executemany("UPDATE app_user SET email = %s WHERE id = %s", sets)
        else:
            cursor.execute("UPDATE app_user SET email = %s WHERE id = %s", sets[0])


@way("SQL: harmless")
def _harmless(chance: Chance) -> None:
    chance.people().count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'UPDATE app_user SET name = 1', count(*) FROM app_user -- DELETE FROM role")
    Setting.objects.create(value=chance.word())


assert isinstance(Person, models.base.ModelBase)
