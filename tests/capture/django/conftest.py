"""Real databases for the tests of a Django host: SQLite files, and PostgreSQL with a database for each test."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import psycopg
import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.db import connections

if not project.configured:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.capture.django.settings"
    django.setup()

from tests.capture.django.company.models import declare  # noqa: E402  # after Django is set up

from trailbook.capture.django.host import the_host  # noqa: E402

_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each of the two databases."""
    name: str = request.param
    return name


@pytest.fixture
def databases(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Two empty databases, `default` and `other`, that nobody has connected to yet."""
    for alias in ("default", "other"):
        _point(alias, _sqlite(tmp_path, alias) if engine == "sqlite" else _postgresql(request, alias))
    yield
    for alias in ("default", "other"):
        connections[alias].close()


@pytest.fixture(params=["hooks"])
def host(request: pytest.FixtureRequest, databases: None) -> Iterator[None]:
    """The small host, with its tables and its outbox in `default`, captured by hooks."""
    the_host.cache_clear()
    declare(request.param)
    call_command("migrate", run_syncdb=True, verbosity=0)
    yield
    the_host.cache_clear()


def _sqlite(folder: Path, alias: str) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / f"{alias}.db")}


def _postgresql(request: pytest.FixtureRequest, alias: str) -> dict[str, Any]:
    where = os.environ.get("TRAILBOOK_TEST_POSTGRES") or request.getfixturevalue("server").folder
    name = f"django_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(host=str(where), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "HOST": str(where), "USER": "postgres"}


def _point(alias: str, database: dict[str, Any]) -> None:
    """Let an alias be another database from now on."""
    if hasattr(connections._connections, alias):
        connections[alias].close()
        del connections[alias]
    connections.settings[alias] = connections.configure_settings({"default": database})["default"]
