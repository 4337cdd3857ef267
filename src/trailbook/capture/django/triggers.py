"""Triggers as one of Django's databases has them: which tables they cover, and before which statements they are told.

Owns that a table whose triggers are missing, as in the first `migrate`, counts as one without: hooks record it then.
Refuses to make any, which `migrate` does when it ends.
"""

from collections.abc import Iterable

from django.db import router

from trailbook.capture.django.database import DjangoConnection
from trailbook.capture.django.host import Host
from trailbook.capture.django.tables import Registered
from trailbook.capture.sql_tables import judged
from trailbook.capture.trigger_reach import READS, reach_of
from trailbook.capture.trigger_sqlite import NOBODY
from trailbook.capture.triggers import installed_triggers, is_there


def covered(host: Host, plain: DjangoConnection) -> frozenset[str]:
    """The tables on which triggers stand; all that are declared are known until a schema changes."""
    known = host.triggered.get(plain.database)
    if known is None:
        declared = [
            each.tracked
            for each in host.registered.values()
            if each.tracked.by == "triggers"
            and router.allow_migrate_model(plain.connection.alias, each.model)
        ]
        if declared:
            _write_first(plain)
        known = frozenset(each.table for each in declared if installed_triggers(plain, each))
        if len(known) == len(declared):
            host.triggered[plain.database] = known
    return known


def existing(
    plain: DjangoConnection, every: Iterable[Registered], triggered: frozenset[str]
) -> list[Registered]:
    """Those whose tables are there."""
    _write_first(plain)
    return [each for each in every if each.tracked.table in triggered or is_there(plain, each.tracked)]


def is_told(plain: DjangoConnection, text: str, *, alone: bool, announced: bool) -> bool:
    """Whether triggers have to know who acts before a text that itself writes nothing; `alone`: in no transaction."""
    reach = reach_of(plain.engine, text)
    if reach != "announced":
        return reach == "renewed" and announced
    # Without a transaction nothing else is put into one: some statements, as VACUUM, do not run there.
    return not alone or judged(plain.engine, text).begins in READS


def forget_who_acts(plain: DjangoConnection) -> None:
    """On SQLite: Django does not say when it commits, and nobody may be taken for who acts now."""
    plain.execute(NOBODY)


def _write_first(plain: DjangoConnection) -> None:
    """Before anything is read in a transaction; where there is none nothing is put into one."""
    connection = plain.connection
    if connection.in_atomic_block or not connection.get_autocommit():
        plain.write_first()
