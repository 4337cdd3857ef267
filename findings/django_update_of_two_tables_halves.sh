#!/usr/bin/env bash
# update() of an inherited model in Django writes its two tables in two transactions: one may be committed alone.
#
# Version:   Django 5.2.19 and 6.1.3 (5.2.19 is run here).
# Expected:  save() of an inherited object opens a transaction around its tables, and so does delete(). One call of
#            QuerySet.update() with fields of parent and child is all or nothing too.
# Seen:      outside atomic() update() sends one UPDATE for each table, each in a transaction of its own. Where the
#            second fails (a value that a constraint refuses, a lock, a lost connection) the error is raised, and the
#            first has been committed.
# Met by:    whoever records one change a transaction: the call is two changes there, and after an error one of them
#            has happened although the caller was told that it failed.
# Instead:   with transaction.atomic(): around every update() that may set fields of several tables.
# Known:     the documentation of update() does not say it; that of inheritance does not either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps Django==5.2.19 asgiref==3.13.0 sqlparse==0.6.1
"$folder/venv/bin/python" - <<'PROGRAM'
import contextlib
import sys

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=[],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from django.db import IntegrityError, connection, models, transaction


class Party(models.Model):
    name = models.CharField(max_length=100, unique=True)

    class Meta:
        app_label = "hr"


class Employee(Party):
    title = models.CharField(max_length=100)

    class Meta:
        app_label = "hr"


with connection.schema_editor() as editor:
    editor.create_model(Party)
    editor.create_model(Employee)


def attempt(title):
    """Give everybody a title, and a name that cannot be everybody's."""
    try:
        Employee.objects.update(title=title, name="Bob")
    except IntegrityError as error:
        print(f"update() to {title!r} fails: {error}")
        raise


def rows(moment):
    people = list(Employee.objects.order_by("id").values_list("name", "title"))
    print(f"{moment}: {people}")
    return people


Employee.objects.create(name="Bob", title="clerk")
Employee.objects.create(name="Eve", title="clerk")
with contextlib.suppress(IntegrityError):
    attempt("manager")
halved = rows("afterwards")
with contextlib.suppress(IntegrityError), transaction.atomic():
    attempt("director")
whole = rows("with atomic()")
if halved != [("Bob", "manager"), ("Eve", "manager")]:
    sys.exit("update() of two tables is all or nothing.")
if whole != halved:
    sys.exit("atomic() did not hold the two together, so that the halves say nothing.")
PROGRAM
