"""From the README alone to the first captured entry, in each framework: as it is printed, in an empty folder."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.docs.test_examples import ROOT
from tests.examples.processes import free_port, wait_for

_SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##)", re.M | re.S)
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.M | re.S)
SECTIONS = dict(_SECTION.findall((ROOT / "README.md").read_text("utf-8")))
FRAMEWORKS = ("SQLAlchemy", "FastAPI", "Django")
SERVER, MARK = "uvicorn hr:app", "# From here on: "
STARTED = ("from django.apps import AppConfig", "class HrConfig(AppConfig):", 'name = "hr"')
SENTENCE = {
    "SQLAlchemy": "Anna Berg added Bob Li as a user",
    "FastAPI": "Anna Berg added Bob Li as a user",
    "Django": "added Bob Li as a user",
}
# What the last lines of the part about Django say, without a browser.
SIGNED_IN = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
from django.core.management import call_command
from django.test import Client
from hr.models import Person

anna, bob = Client(headers={"host": "127.0.0.1"}), Person.objects.get(username="bob")
assert anna.login(username="anna", password="a-long-word")
form = {"username": "bob", "name": "Bob Lie", "password": "x", "is_active": "on"}
form |= {"date_joined_0": "2026-11-02", "date_joined_1": "08:15"}
page = f"/admin/hr/person/{bob.pk}"
assert anna.post(f"{page}/change/", form).status_code == 302
call_command("trailbook", "drain")
assert "Anna Berg updated Bob Li" in anna.get(f"{page}/activity/").content.decode()
assert anna.get("/activity/orgs/acme/activity?category.not=activity_log").status_code == 200
"""
OWN_TABLE = """
from django.db import models

class Person(models.Model):
    name = models.CharField(max_length=100)
    last_login = models.DateTimeField(null=True)
"""


class Reader:
    """Somebody who does what the page says, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = str(free_port())
        self.answer = ""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TRAILBOOK_", "DJANGO_"))}
        self.environ = {**clean, "PATH": path}

    def read(self, section: str) -> None:
        """Do all of it, in order."""
        for kind, text in _BLOCK.findall(section):
            self.python(text) if kind == "python" else self.shell(text)

    def python(self, text: str) -> None:
        """Save a block in the file that its first line names, at the end of it where it says so; else run it."""
        match = re.match(r"# ([\w/]+\.py)(, at its end)?\n", text)
        if match is None:
            self.run(sys.executable, "-W", "error", "-c", text)
            return
        file = self.folder / match[1]
        before = file.read_text("utf-8") if match[2] else ""
        file.write_text(before + text, "utf-8")

    def shell(self, lines: str) -> None:
        """Run commands one after the other; what is served is there until the last of them has run."""
        with self._server(lines):
            for line in lines.splitlines():
                if not line.startswith(SERVER):
                    self.run("sh", "-c", line.replace("8000", self.port))

    @contextmanager
    def _server(self, lines: str) -> Iterator[None]:
        if SERVER not in lines:
            yield
            return
        command = [*SERVER.split(), "--port", self.port, "--log-level", "warning"]
        with subprocess.Popen(command, cwd=self.folder, env=self.environ) as process:
            wait_for(f"http://127.0.0.1:{self.port}/docs")
            try:
                yield
            finally:
                process.terminate()

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        self.answer = done.stdout


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_first_entry_is_captured_from_the_readme_alone(framework: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.read(SECTIONS[framework])
    assert SENTENCE[framework] in reader.answer


def test_who_is_signed_in_is_nobody_else_in_the_log(tmp_path: Path) -> None:
    """Anna changes Bob in the admin, and reads so on each of the pages; the first user is not the first person."""
    reader = Reader(tmp_path)
    reader.read(SECTIONS["Django"])
    reader.run(sys.executable, "-c", SIGNED_IN)
    reader.run("trailbook", "search")
    assert "Anna Berg updated Bob Lie's profile" in reader.answer
    reader.run("sh", "-c", "! trailbook search | grep own")
    # The control: people of a table of their own are refused before anything is recorded of them.
    (tmp_path / "hr" / "models.py").write_text(OWN_TABLE, "utf-8")
    settings = tmp_path / "mysite" / "settings.py"
    settings.write_text(settings.read_text("utf-8").replace('AUTH_USER_MODEL = "hr.Person"', ""), "utf-8")
    reader.run("sh", "-c", "python manage.py check 2>&1 && exit 1; python manage.py check 2>&1 | grep E005")
    assert "hr.Person: (trailbook.E005) id: is not the primary key of auth.User" in reader.answer


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_ten_lines_are_ours(framework: str) -> None:
    blocks = [text for kind, text in _BLOCK.findall(SECTIONS[framework]) if kind == "python"]
    ours = "\n".join(text.partition(MARK)[2].partition("\n")[2] for text in blocks)
    if framework == "Django":  # of its app's, all but what `startapp` has written
        (app,) = (text.partition("\n")[2] for text in blocks if "(AppConfig)" in text)
        ours += "\n" + "\n".join(line for line in app.splitlines() if line.strip() not in STARTED)
    lines = [line for line in ours.splitlines() if line.strip()]
    assert 0 < len(lines) <= 10, lines
