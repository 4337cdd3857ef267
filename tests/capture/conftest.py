"""Real databases for the tests of capture: SQLite files, and one PostgreSQL server with a database for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session
from tests.capture.small import User, capturing, forget
from tests.loops import no_loop_runs

from trailbook import Log, open_deployment
from trailbook.capture import Capture
from trailbook.testing.postgres import Server, postgres

_numbers = itertools.count()


class Database(Struct, frozen=True):
    """An empty database of a test: where it is, for a driver that waits and for one that is awaited."""

    kind: str
    url: str
    awaited: str

    def engine(self) -> Engine:
        """A new engine on it, which does not wait for the disk: no power is cut here."""
        new_engine = create_engine(self.url)
        if self.kind == "sqlite":

            @event.listens_for(new_engine, "connect")
            def _quick(connection: Any, record: object) -> None:
                connection.execute("PRAGMA synchronous = OFF")

        return new_engine


@pytest.fixture(autouse=True)
def _own_loops() -> Iterator[None]:
    """Hosts run event loops of their own here."""
    with no_loop_runs():
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for the whole run."""
    with postgres() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database on each of the two."""
    if request.param == "sqlite":
        file = tmp_path / "host.db"
        return Database("sqlite", f"sqlite:///{file}", f"sqlite+aiosqlite:///{file}")
    server: Server = request.getfixturevalue("server")
    name = f"host_{next(_numbers)}"
    server.run(f"CREATE DATABASE {name}")
    return Database("postgresql", server.url("psycopg", name), server.url("asyncpg", name))


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine on the test's database."""
    new_engine = database.engine()
    yield new_engine
    new_engine.dispose()


@pytest.fixture
def capture(engine: Engine) -> Iterator[Capture]:
    """The small host, captured by hooks."""
    with capturing(engine) as host_capture:
        yield host_capture


@pytest.fixture
def bob(capture: Capture, engine: Engine) -> int:
    """Bob is there, and what told so is gone; his id."""
    with Session(engine) as session, session.begin():
        bob = User(name="Bob", email="bob@host.test")
        session.add(bob)
        session.flush()
        number = bob.id
    forget(engine)
    return number


@pytest.fixture
def log() -> Iterator[Log]:
    """The log of an organisation, in memory."""
    deployment = open_deployment("memory:", create=True)
    yield deployment.create("acme")
    deployment.close()
