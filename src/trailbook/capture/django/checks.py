"""System checks: what of a project's registered models capture does not see, said before it is missed.

Owns the codes `trailbook.E0xx` and `trailbook.W0xx`. Refuses to be reassuring: what no check can tell is in the
published table of write paths, `docs/reference/capture.md`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings as project
from django.core import checks
from django.db import connections, router
from django.db.models import Model
from django.utils.module_loading import import_string

from trailbook.capture.django.database import DjangoConnection
from trailbook.capture.django.host import Host, the_host
from trailbook.capture.django.middleware import ActivityMiddleware
from trailbook.capture.django.persons import mistaken_persons
from trailbook.capture.django.statements import statements_of
from trailbook.capture.django.tables import Registered
from trailbook.capture.sql_tables import table_name
from trailbook.capture.triggers import check_triggers

_OUTBOX = "trailbook_outbox"


def register() -> None:
    """Have `manage.py check` and `migrate` run these checks."""
    checks.register(_check_models, "trailbook")
    checks.register(_check_project, "trailbook")
    checks.register(_check_databases, checks.Tags.database)


def _check_models(app_configs: Any, **more: Any) -> list[checks.CheckMessage]:
    host = the_host()
    own = [message for entry in host.registered.values() for message in _of_model(host, entry)]
    return [*own, *mistaken_persons(host)]


def _of_model(host: Host, entry: Registered) -> Iterator[checks.CheckMessage]:
    model, tracked = entry.model, entry.tracked
    if tracked.by == "triggers":
        return
    for field in model._meta.concrete_fields:
        action = getattr(field.remote_field, "on_delete", None)
        if type(action).__name__ == "DatabaseOnDelete":
            why = f"{field.name}: the database itself deletes or changes these rows; only triggers see that"
            yield checks.Warning(why, "Register the model by triggers.", obj=model, id="trailbook.W002")
        if getattr(field, "generated", False) and _is_named(entry, field.name):
            why = f"{field.name}: the database works it out, so that its change alone is not named"
            yield checks.Warning(why, obj=model, id="trailbook.W005")
    if not model._meta.managed:
        yield checks.Warning(
            "is not managed by Django: whoever else writes to its table is seen by triggers only",
            obj=model,
            id="trailbook.W003",
        )
    yield from _beside(host, model)


def _is_named(entry: Registered, name: str) -> bool:
    return name in entry.tracked.fields


def _beside(host: Host, model: type[Model]) -> Iterator[checks.CheckMessage]:
    """Tables that belong to a registered model and are not registered."""
    for field in model._meta.local_many_to_many:
        through = field.remote_field.through
        if through not in host.registered:
            why = (
                f"{field.name}: who is added and removed is in {through._meta.label}, which is not registered"
            )
            hint = f"Call register({model.__name__}.{field.name}.through, ...)."
            yield checks.Warning(why, hint, obj=model, id="trailbook.W004")
    for child in apps.get_models(include_auto_created=True):
        parents = child._meta.get_parent_list()
        if child._meta.proxy or model not in parents or child in host.registered:
            continue
        why = f"{child._meta.label} inherits from it and is not registered: what stands in its own table is not seen"
        yield checks.Warning(why, obj=model, id="trailbook.W006")


def _check_project(app_configs: Any, **more: Any) -> list[checks.CheckMessage]:
    messages: list[checks.CheckMessage] = []
    host = the_host()
    classes = [import_string(path) for path in project.MIDDLEWARE]
    if not any(isinstance(each, type) and issubclass(each, ActivityMiddleware) for each in classes):
        why = "MIDDLEWARE: ActivityMiddleware is missing, so that nobody acts during a request but the system"
        hint = "Add trailbook.capture.django.ActivityMiddleware after AuthenticationMiddleware."
        messages.append(checks.Warning(why, hint, id="trailbook.W001"))
    if not host.registered:
        messages.append(checks.Warning("no model is registered", id="trailbook.W007"))
    if host.settings.truncate == "allow":
        why = "TRAILBOOK: truncate: rows of registered tables may go without an entry; this is for tests only"
        messages.append(checks.Warning(why, id="trailbook.W008"))
    for connection in connections.all(initialized_only=True):
        statements = statements_of(connection)
        if statements is not None and connection.execute_wrappers[-1] is not statements:
            why = f"{connection.alias}: another execute wrapper stands between capture and the driver"
            messages.append(checks.Warning(why, id="trailbook.W009"))
    return messages


def _check_databases(
    app_configs: Any, databases: Sequence[str] | None = None, **more: Any
) -> list[checks.CheckMessage]:
    return [message for alias in databases or () for message in _of_database(alias)]


def _of_database(alias: str) -> Iterator[checks.CheckMessage]:
    connection = connections[alias]
    if not _here(alias):
        return
    if connection.vendor not in ("sqlite", "postgresql"):
        why = f"{alias}: {connection.vendor} is not supported; SQLite and PostgreSQL are"
        yield checks.Error(why, id="trailbook.E003")
    elif not connection.features.can_return_columns_from_insert:
        why = f"{alias}: this SQLite is older than 3.35 and does not say which rows it wrote"
        yield checks.Error(why, id="trailbook.E004")
    elif _OUTBOX not in (tables := connection.introspection.table_names()):
        if not _are_there(alias, tables):
            return  # before the first `migrate` nothing can be written
        why = f"{alias}: the outbox is missing, so that every write to a registered table fails"
        # No errors: `migrate`, which mends both, has these checks run before and would not begin.
        yield checks.Warning(why, f"Run manage.py migrate --database {alias}.", id="trailbook.W011")
    else:
        yield from _of_triggers(alias)


def _are_there(alias: str, tables: Iterable[str]) -> bool:
    """Whether a database has any table of a registered model: in another schema it is not looked for."""
    there = {table_name(table) for table in tables}
    return any(name.schema or name in there for name in (each.places[0].name for each in _here(alias)))


def _of_triggers(alias: str) -> Iterator[checks.CheckMessage]:
    host = the_host()
    covered = [each.tracked for each in _here(alias) if each.tracked.by == "triggers"]
    for spot in check_triggers(DjangoConnection(connections[alias]), covered, host.recorder.org):
        hint = f"Run manage.py migrate --database {alias}."
        yield checks.Warning(f"{alias}: {spot.table}: {spot.detail}", hint, id="trailbook.W012")


def _here(alias: str) -> list[Registered]:
    """The registered models whose tables belong into a database."""
    entries = the_host().registered.values()
    return [each for each in entries if router.allow_migrate_model(alias, each.model)]
