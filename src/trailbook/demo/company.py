"""The demo company, built: hr.db and its log, lived in for twenty-four simulated months.

Owns the order of building. Refuses to know how a log keeps its entries: it is handed one and asks only to record.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trailbook.clock import Clock
from trailbook.demo.acting import LogLike
from trailbook.demo.simulation import Telling, live, span_of
from trailbook.demo.system import SOURCE, open_engine
from trailbook.demo.tables import Base, Person
from trailbook.model import Item, Progress

HR_FILE = "hr.db"
ORIGIN = "nordlys.example"

OpenLog = Callable[[Clock, Item], LogLike]


class Summary(Struct, frozen=True, kw_only=True):
    """What was built: how many entries, people ever and people now, and the time between."""

    entries: int
    people: int
    staff: int
    first: datetime
    until: datetime


def build(
    directory: Path,
    *,
    until: datetime,
    seed: int = 7,
    progress: Progress | None = None,
    open_log: OpenLog,
) -> Summary:
    """Build hr.db in `directory` and record what happened there into the log that `open_log` opens.

    `open_log` gets the simulated clock and the source. `progress` hears days done and days in all.
    Raises: FileExistsError when there is an hr.db already; what the log raises when it refuses.
    """
    file = directory / HR_FILE
    if file.exists():
        raise FileExistsError(f"{file} exists already")
    span = span_of(until)
    telling = Telling(span.begin)
    log = open_log(telling.clock, SOURCE)
    telling.record = log.record_many
    engine = open_engine(file, durable=False)
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False, autoflush=False) as session:
        world = live(session, telling, span=span, seed=seed, progress=progress)
        people = session.scalar(select(func.count()).select_from(Person)) or 0
    engine.dispose()
    return Summary(
        entries=telling.recorded, people=people, staff=len(world.staff), first=span.begin, until=until
    )
