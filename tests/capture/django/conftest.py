"""Real databases for the tests of a Django host: SQLite files, and PostgreSQL with a database for each test.

Each is a copy of a database that was migrated once, for the migrations of Django's own apps take a second.
"""

import asyncio
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as project
from django.core.management import call_command
from django.db import connections

if not project.configured:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.capture.django.settings"
    django.setup()

from tests.capture.django.company.models import declare  # after Django is set up

from trailbook.capture.django.host import the_host

SERVER = "TRAILBOOK_TEST_POSTGRES"  # the folder of a running server, where another process has one
_KEPT = ("trailbook_capture", "django_migrations", "django_content_type", "auth_permission")
_numbers = itertools.count()
Made = Callable[[str, str], dict[str, Any]]


def point(alias: str, database: dict[str, Any]) -> None:
    """Let an alias be another database from now on, in the thread of awaited views too."""
    _drop(alias)
    asyncio.run(sync_to_async(_drop)(alias))
    connections.settings[alias] = connections.configure_settings({"default": database})["default"]


def _drop(alias: str) -> None:
    if hasattr(connections._connections, alias):
        connections[alias].close()
        del connections[alias]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each of the two databases."""
    name: str = request.param
    return name


@pytest.fixture
def by() -> str:
    """Who sees the tables of the small host."""
    return "hooks"


@pytest.fixture(scope="session")
def copies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Makes a database of an engine in which the small host was migrated, by hooks or by triggers."""
    templates: dict[tuple[str, str], dict[str, Any]] = {}

    def copy(engine: str, by: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("django")
        if (engine, by) not in templates:
            before = connections.settings["default"]
            templates[engine, by] = _empty(request, engine, folder)
            point("default", templates[engine, by])
            _declared(by)
            call_command("migrate", run_syncdb=True, verbosity=0)
            point("default", before)
        return _copy(request, templates[engine, by], folder)

    return copy


@pytest.fixture
def host(engine: str, by: str, copies: Made) -> Iterator[None]:
    """The small host in `default`, migrated."""
    yield from _ready(copies(engine, by), by)


@pytest.fixture(scope="session")
def emptied(copies: Made) -> Made:
    """As `copies`, but of PostgreSQL the same database, its tables emptied: for tests that make no others."""
    kept: dict[str, dict[str, Any]] = {}

    def again(engine: str, by: str) -> dict[str, Any]:
        if engine == "sqlite":
            return copies(engine, by)
        if by not in kept:
            kept[by] = copies(engine, by)
            return kept[by]
        _empty_tables(kept[by])
        return kept[by]

    return again


@pytest.fixture
def host_again(engine: str, by: str, emptied: Made) -> Iterator[None]:
    """The small host in `default`, in a database that other tests have used."""
    yield from _ready(emptied(engine, by), by)


@pytest.fixture
def other(host: None, engine: str, by: str, copies: Made) -> Iterator[None]:
    """The small host in `other` too."""
    database = copies(engine, by)
    _declared(by)
    point("other", database)
    yield
    connections["other"].close()


@pytest.fixture
def empty(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """An empty database in `default`, and nothing registered."""
    point("default", _empty(request, engine, tmp_path))
    the_host.cache_clear()
    yield
    connections["default"].close()
    the_host.cache_clear()


def _ready(database: dict[str, Any], by: str) -> Iterator[None]:
    point("default", database)
    _declared(by)
    yield
    connections["default"].close()
    the_host.cache_clear()


def _empty_tables(database: dict[str, Any]) -> None:
    where = {"host": database["HOST"], "user": database["USER"], "dbname": database["NAME"]}
    with psycopg.connect(**where, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # triggers refuse TRUNCATE
        tables = connection.execute(
            "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'"
        )
        names = [name for (name,) in tables if name not in _KEPT]
        connection.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY")


def _declared(by: str) -> None:
    the_host.cache_clear()
    declare(by)


def _empty(request: pytest.FixtureRequest, engine: str, folder: Path) -> dict[str, Any]:
    if engine == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "host.db")}
    return _create(request)


def _copy(request: pytest.FixtureRequest, template: dict[str, Any], folder: Path) -> dict[str, Any]:
    if template["ENGINE"].endswith("sqlite3"):
        return {**template, "NAME": str(shutil.copy(template["NAME"], folder / "copy.db"))}
    return _create(request, f" TEMPLATE {template['NAME']}")


def _create(request: pytest.FixtureRequest, more: str = "") -> dict[str, Any]:
    where = os.environ.get(SERVER) or request.getfixturevalue("server").url().rpartition("host=")[2]
    name = f"django_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(host=where, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{more}")
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "HOST": where, "USER": "postgres"}
