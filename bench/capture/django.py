"""A host on Django: without audit, captured by hooks, by triggers, django-auditlog, django-simple-history.

Owns the settings of each and how its users write with it, in bulk too: simple-history has functions of its own for
that, which stand where Django's would leave no history. Refuses a way that is none of these.
"""

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from sqlalchemy import make_url

from bench.capture.host import ANNA, OUTBOX, Host, Write, before, rows_from
from trailbook.capture import acting_as

_APPS = {
    "hooks": ["trailbook.capture.django"],
    "triggers": ["trailbook.capture.django"],
    "django-auditlog": ["auditlog"],
    "django-simple-history": ["simple_history"],
}
_KEPT = {
    "hooks": OUTBOX,
    "triggers": OUTBOX,
    "django-auditlog": "SELECT count(*) FROM auditlog_logentry",
    "django-simple-history": "SELECT count(*) FROM people_historicalperson",
}


def host(way: str, url: str) -> Host:
    """The host of a way, in an empty database. Raises: KeyError for a way that is none."""
    settings.configure(
        AUDITED=way,
        DATABASES={"default": _database(url)},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            *_APPS.get(way, ()),
            "bench.capture",
        ],
        TRAILBOOK={"org": "acme"},
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)  # first, for a history points at users
    call_command("migrate", verbosity=0, run_syncdb=True)
    return Host(_writes(way), _acting(way), lambda: _traces(_KEPT.get(way)))


def _writes(way: str) -> dict[str, Write]:
    model = apps.get_model("people", "Person")
    insert_all, update_all = _in_bulk(way, model)

    def add(at: int, size: int, word: str) -> None:
        with transaction.atomic():
            for row in rows_from(at, size, word):
                model.objects.create(**row)

    def edit(at: int, size: int, word: str) -> None:
        with transaction.atomic():
            person = model.objects.get(pk=1 + at % 50)
            person.phone = f"{word}-{at}"
            person.save()

    def put(at: int, size: int, word: str) -> None:
        with transaction.atomic():
            insert_all([model(**row) for row in rows_from(at, size, word)])

    def set_all(at: int, size: int, word: str) -> None:
        with transaction.atomic():
            low = before(at, size)
            model.objects.filter(pk__gte=low, pk__lt=low + size).update(phone=f"{word}-{at}")

    def change_each(at: int, size: int, word: str) -> None:
        with transaction.atomic():
            low = before(before(at, size), size)
            people = list(model.objects.filter(pk__gte=low, pk__lt=low + size))
            for person in people:
                person.phone = f"{word}-{person.pk}"
            update_all(people)

    return {
        "single insert": add,
        "single update": edit,
        "many saves": add,
        "bulk_create": put,
        "update of many": set_all,
        "bulk_update": change_each,
    }


def _in_bulk(way: str, model: Any) -> tuple[Any, Any]:
    """How many objects are created and changed at once: by Django, or as simple-history has its users do it."""
    if way == "django-simple-history":
        of = importlib.import_module("simple_history.utils")
        return (
            lambda people: of.bulk_create_with_history(people, model),
            lambda people: of.bulk_update_with_history(people, model, ["phone"]),
        )
    return model.objects.bulk_create, lambda people: model.objects.bulk_update(people, ["phone"])


def _acting(way: str) -> AbstractContextManager[Any]:
    """Somebody acts, as each library's middleware says so."""
    if way in ("hooks", "triggers"):
        return acting_as(ANNA)
    if way == "django-auditlog":
        return importlib.import_module("auditlog.context").set_actor(_user())  # type: ignore[no-any-return]
    return _in_request() if way == "django-simple-history" else nullcontext()


@contextmanager
def _in_request() -> Iterator[None]:
    context = importlib.import_module("simple_history.models").HistoricalRecords.context
    context.request = SimpleNamespace(user=_user())
    yield
    del context.request


def _user() -> Any:
    return apps.get_model("auth", "User").objects.create(username="anna")


def _traces(kept: str | None) -> int:
    if kept is None:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(kept)
        (count,) = cursor.fetchone()
        cursor.execute(f"DELETE FROM {kept.rpartition(' ')[2]}")
    return int(count)


def _database(url: str) -> dict[str, Any]:
    """The settings of a database that SQLAlchemy would find at an address."""
    place = make_url(url)
    if place.drivername == "sqlite":
        options = {"init_command": "PRAGMA synchronous = OFF"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": place.database, "OPTIONS": options}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": place.database,
        "USER": place.username,
        "HOST": place.query["host"],
    }
