"""The HR system at work: hr.db opened, and units of work that reach the log.

Owns the connection and the promise that rows and entries become durable together. Refuses to record anything by
itself: what is told is told by the business functions in `hr`.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import SystemRandom

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session

from trailbook.demo.acting import HR, Clock, LogLike
from trailbook.model import NewEntry


class HRSystem:
    """The HR system at work: hr.db, the log it records into, and the time."""

    def __init__(self, file: Path, log: LogLike, clock: Clock) -> None:
        self._engine = open_engine(file, durable=True)
        self._log = log
        self.clock = clock

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def working(self) -> Iterator[HR]:
        """One unit of work: rows and entries become durable together, or neither does.

        The entries are recorded once hr.db has taken the rows and before it commits: what the log refuses is
        rolled back. Raises: what the log raises.
        """
        told: list[NewEntry] = []
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            hr = HR(session, told.append, random.Random(SystemRandom().getrandbits(128)))
            yield hr
            hr.flush()
            if told:
                self._log.record_many(told)

    def close(self) -> None:
        """Close hr.db."""
        self._engine.dispose()


def open_engine(file: Path, *, durable: bool) -> Engine:
    """The engine of an hr.db; one that is not durable is for building only."""
    engine = create_engine(f"sqlite:///{file}")

    @event.listens_for(engine, "connect")
    def _settings(connection: object, record: object) -> None:
        if not durable:
            # A half-built demo is thrown away and built again, so 730 waits for the disk would buy nothing.
            connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]
            connection.execute("PRAGMA journal_mode=MEMORY")  # type: ignore[attr-defined]

    return engine
