"""Every way in turn, each in a process of its own: what libraries hook into classes and sessions stays theirs.

Owns which ways there are, on which databases, and that they take turns, so that a busy minute of the machine is not
the figure of one of them. Refuses to go on where a process failed.
"""

import importlib
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.capture.host import Turn, measured
from trailbook.testing.postgres import postgres

_BOTH = ("sqlite", "postgresql")
WAYS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "SQLAlchemy": {
        "no audit": _BOTH,
        "hooks": _BOTH,
        "triggers": _BOTH,
        "Continuum": _BOTH,
        "postgresql-audit": ("postgresql",),
    },
    "Django": {
        "no audit": _BOTH,
        "hooks": _BOTH,
        "triggers": _BOTH,
        "django-auditlog": _BOTH,
        "django-simple-history": _BOTH,
    },
}
TURNS = 3
_ROOT = Path(__file__).parents[2]


class Setting(Struct, frozen=True, order=True):
    """An ORM on a database."""

    orm: str
    database: str

    def __str__(self) -> str:
        return f"{self.orm} on {'SQLite' if self.database == 'sqlite' else 'PostgreSQL'}"


Results = Mapping[Setting, Mapping[str, Turn]]


class Subject(Struct, frozen=True):
    """What is measured in a process of its own: an ORM, audited in a way, in an empty database."""

    orm: str
    way: str
    url: str


def turn_of(subject: Subject, rows: int) -> Turn:
    """Measure a way in this process. Raises: KeyError for an ORM or a way that is none."""
    orm = {"SQLAlchemy": "bench.capture.sqlalchemy", "Django": "bench.capture.django"}[subject.orm]
    return measured(importlib.import_module(orm).host(subject.way, subject.url), rows)


def apart(subject: Subject, rows: int) -> Turn:
    """Measure a way in a process of its own. Raises: RuntimeError with what it said when it failed."""
    asked = ["--orm", subject.orm, "--way", subject.way, "--url", subject.url, "--rows", str(rows)]
    compared = str(Path(sys.prefix) / "compared")  # made by `make bench-capture`
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), compared)))
    done = subprocess.run(
        [sys.executable, "-m", "bench.capture", *asked],
        capture_output=True,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{subject.orm}, {subject.way}: {done.stderr.decode()[-2000:]}")
    return msgspec.json.decode(done.stdout, type=Turn)


def everything(rows: int) -> Results:
    """Every way of every ORM on both databases."""
    results: dict[Setting, dict[str, list[Turn]]] = defaultdict(lambda: defaultdict(list))
    order = [
        (turn, Setting(orm, database), way)
        for turn in range(TURNS)
        for orm, ways in WAYS.items()
        for database in _BOTH
        for way in ways
        if database in ways[way]
    ]
    with tempfile.TemporaryDirectory(prefix="trailbook-bench-") as folder, postgres() as server:
        for at, (turn, setting, way) in enumerate(order):
            url = f"sqlite:///{folder}/{at}.db"
            if setting.database == "postgresql":
                server.run(f"CREATE DATABASE host_{at}")
                url = server.url("psycopg", f"host_{at}")
            results[setting][way].append(apart(Subject(setting.orm, way, url), rows))
            print(f"turn {turn + 1} of {TURNS}, {setting}: {way}", file=sys.stderr)
    return {
        setting: {way: _together(turns) for way, turns in ways.items()} for setting, ways in results.items()
    }


def _together(turns: Sequence[Turn]) -> Turn:
    shapes = turns[0].times
    return Turn(
        {shape: [time for turn in turns for time in turn.times[shape]] for shape in shapes},
        {shape: min(turn.seen[shape] for turn in turns) for shape in shapes},
    )
