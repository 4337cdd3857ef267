"""The HR system at work: hr.db opened, and units of work that reach the log through capture.

Owns the connection and the promise that rows and what is told of them become durable together, in hr.db's own
transaction; what waits there is drained into the log at once, or by a thread where that failed. Refuses to record
anything by itself: what is told is told by the business functions in `hr`.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from secrets import SystemRandom

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from trailbook.capture import Draining, Held, LogLike, Ways, acting_as, drain
from trailbook.clock import Clock
from trailbook.demo.acting import HR
from trailbook.demo.capturing import capture_of
from trailbook.errors import StoreError
from trailbook.model import Item, NewEntry
from trailbook.record import complete_entry

SOURCE = Item(type="source", id="nordlys-hr", name="Nordlys HR")


class HRSystem:
    """The HR system at work: hr.db, the log that it is drained into, and the time."""

    def __init__(self, file: Path, log: LogLike, clock: Clock) -> None:
        self.engine = open_engine(file, durable=True)
        self._log = log
        self._ways = Ways(source=SOURCE, clock=clock)
        self.clock = clock
        self._capture = capture_of(clock)
        self._capture.install(self.engine)
        self.drain()  # what was captured while nobody drained

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def working(self) -> Iterator[HR]:
        """One unit of work: rows and what is told of them become durable together, or neither does.

        When it ends the log has heard of it, or will once it answers again. Raises: EntryInvalidError for what the
        rules refuse; OutboxFullError; nothing is written then.
        """
        entries: list[NewEntry] = []
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session, session.begin():
            hr = HR(session, entries.append, random.Random(SystemRandom().getrandbits(128)))
            yield hr
            for entry in entries:
                complete_entry(self._capture.catalogue, entry, self.clock())
            for number, entry in enumerate(entries):
                with _acting(entry):
                    if number == 0:
                        hr.flush()  # whoever acts first made the rows
                    self._tell(session, entry)
            hr.flush()
        self.drain()

    def drain(self) -> None:
        """Move what was captured into the log; while that does not answer, it waits in hr.db."""
        try:
            drain(self.engine, self._log, self._ways)
        except (StoreError, SQLAlchemyError):
            return

    def draining(self, held: Callable[[Held], None] = lambda held: None) -> Draining:
        """Drains beside the pages, as long as the block lasts: what a script wrote, and what had to wait.

        `held` is told of what does not move.
        """
        return Draining(self.engine, self._log, ways=self._ways, held=held)

    def close(self) -> None:
        """Close hr.db; what others write to it from now on is captured by its triggers, and drained the next time."""
        self._capture.stop()
        self.drain()
        self.engine.dispose()

    def _tell(self, session: Session, entry: NewEntry) -> None:
        concerns: dict[str, list[Item]] = {}
        for concern in entry.concerns:
            item = Item(type=concern.type, id=concern.id, name=concern.name, hint=concern.hint)
            concerns.setdefault(concern.part, []).append(item)
        self._capture.record(
            session,
            entry.action,
            target=entry.target,
            concerns=concerns,
            fields=entry.fields,
            outcome=entry.outcome,
            effective_at=None if entry.effective_at is None else date.fromisoformat(entry.effective_at),
            caused_by=entry.caused_by,
            id=entry.id,
        )


def _acting(entry: NewEntry) -> acting_as:
    return acting_as(
        entry.actor,
        on_behalf_of=entry.on_behalf_of,
        purpose=entry.purpose,
        correlation=entry.correlation,
        origin=entry.origin,
    )


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
