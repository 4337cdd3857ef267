"""The pages about Django say what is proved here, and their code is a host that works."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.capture.django.reference import page

ROOT = Path(__file__).parents[3]
MODELS = """
from django.contrib.auth.models import AbstractBaseUser
from django.db import models

class Person(AbstractBaseUser):
    USERNAME_FIELD = "name"
    name = models.CharField(max_length=100, unique=True)
    email = models.CharField(max_length=100, null=True)
    phone = models.CharField(max_length=100, null=True)
    objects = models.Manager()

class Absence(models.Model):
    person = models.ForeignKey(Person, models.CASCADE)
    starts = models.DateField(null=True)

class Team(models.Model):
    members = models.ManyToManyField(Person)
"""
ACTIONS = """
import django
django.setup()
from django.core.management import call_command
from hr.models import Absence, Person, Team
from trailbook import open_deployment
from trailbook.capture import drain
from trailbook.capture.django import DjangoDatabase

call_command("migrate", run_syncdb=True, verbosity=0)
call_command("check", databases=["default"], fail_level="WARNING")
bob = Person.objects.create(name="Bob")
Absence.objects.create(person=bob)
Team.objects.create().members.add(bob)
deployment = open_deployment("memory:", create=True)
print(drain(DjangoDatabase("default"), deployment.create("acme")))
deployment.close()
"""


def test_the_reference_is_the_matrix() -> None:
    """docs/reference/capture-django.md says what is proved here."""
    assert (ROOT / "docs/reference/capture-django.md").read_text("utf-8") == page()


def test_the_host_of_the_how_to_works(tmp_path: Path) -> None:
    """Its settings and its declarations, as they stand, with models that have such fields."""
    settings, declared = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/how-to/django.md").read_text("utf-8"), re.S
    )
    own = 'SECRET_KEY = "x"\nDATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "host.db"}}\n'
    (tmp_path / "hr").mkdir()
    (tmp_path / "hr" / "__init__.py").write_text("")
    (tmp_path / "hr" / "models.py").write_text(MODELS)
    (tmp_path / "hr" / "apps.py").write_text(declared)
    (tmp_path / "project.py").write_text(
        settings + own + 'DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", ACTIONS],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}", "DJANGO_SETTINGS_MODULE": "project"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("Drained(recorded=4")  # and that capture began
