"""The app `trailbook.capture.django`: capture on every connection that Django opens, and its tables made by `migrate`.

Owns the moment at which capture begins in a process and in a database. Refuses to start with settings that are wrong.
"""

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from trailbook.capture.django import checks
from trailbook.capture.django.database import DjangoDatabase
from trailbook.capture.django.host import the_host
from trailbook.capture.django.statements import Statements, statements_of
from trailbook.capture.django.tables import Place, Registered
from trailbook.capture.triggers import is_there


class ActivityConfig(AppConfig):  # type: ignore[misc]  # Django ships no types
    """Capture of what this project writes."""

    name = "trailbook.capture.django"
    label = "trailbook_capture"
    verbose_name = "Activity log"

    def ready(self) -> None:
        """Begin to capture. Raises: ConfigurationError where `TRAILBOOK` is wrong or missing."""
        the_host()
        checks.register()
        connection_created.connect(_created, dispatch_uid="trailbook")
        for connection in connections.all(initialized_only=True):
            _created(connection)
        pre_migrate.connect(_before_migrate, sender=self, dispatch_uid="trailbook")
        post_migrate.connect(_after_migrate, sender=self, dispatch_uid="trailbook")


def _created(connection: BaseDatabaseWrapper, **more: Any) -> None:
    """The wrapper stands last, which is nearest to the driver; where others come later, it goes behind them itself."""
    if statements_of(connection) is None:
        connection.execute_wrappers.append(Statements(the_host(), connection))


def _before_migrate(using: str, **more: Any) -> None:
    """Migrations write rows too, so that the outbox is there first."""
    entries = _registered(using)
    if entries:
        with DjangoDatabase(using).begin() as connection:
            the_host().recorder.make(connection, [], hooked=_hooked(entries))


def _after_migrate(using: str, **more: Any) -> None:
    the_host().forget_schemas()
    entries = _registered(using)
    if entries:
        declared = [each.tracked for each in entries if each.tracked.by == "triggers"]
        with DjangoDatabase(using).begin() as connection:
            covered = [each for each in declared if is_there(connection, each)]
            the_host().recorder.begin(connection, covered, hooked=_hooked(entries))


def _hooked(entries: Iterable[Registered]) -> list[Place]:
    """The tables that hooks cover, those of a model's parents too."""
    return [place for entry in entries if entry.tracked.by == "hooks" for place in entry.places]


def _registered(using: str) -> list[Registered]:
    """The registered models whose tables belong into a database."""
    entries = the_host().registered.values()
    return [each for each in entries if router.allow_migrate_model(using, each.model)]
