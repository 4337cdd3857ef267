"""Twenty-four months of Nordlys AS, lived day by day through the HR system's own functions.

Owns the order of time: what is planned happens at its moment, and the log hears of it within the hour. The same
seed and the same end give the same company, the same rows and the same entries.
"""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from trailbook.demo.acting import HR
from trailbook.demo.simulation.calendar import Span, local, span_of
from trailbook.demo.simulation.founding import found_company
from trailbook.demo.simulation.modules import found_modules, plan_modules, plan_once
from trailbook.demo.simulation.nightly import plan_night
from trailbook.demo.simulation.story import plan_story
from trailbook.demo.simulation.workday import plan_day
from trailbook.demo.simulation.world import World
from trailbook.demo.simulation.yearly import plan_rhythm
from trailbook.model import NewEntry, Progress

Record = Callable[[Sequence[NewEntry]], object]

_PATIENCE = timedelta(minutes=42)  # An hour late is said on the row, so the log hears sooner
_DAYS_A_COMMIT = 10  # each commit costs a statement a table, whatever the number of rows
_MOMENT = timedelta(milliseconds=700)

__all__ = ["Span", "Telling", "live", "span_of"]


class Telling:
    """The entries not yet recorded, and the simulated clock that the log is opened with."""

    def __init__(self, begin: datetime) -> None:
        self._now = begin
        self._waiting: list[NewEntry] = []
        self._first = begin
        self.record: Record = lambda entries: None
        self.recorded = 0

    def clock(self) -> datetime:
        """The simulated time; it never runs backwards."""
        return self._now

    def hear(self, entry: NewEntry) -> None:
        """Take an entry; one that tells of the past waits no longer than the others."""
        if entry.occurred_at > self._now:
            self._now = entry.occurred_at
        if not self._waiting:
            self._first = self._now
        self._waiting.append(entry)

    def before(self, moment: datetime) -> None:
        """Move on to `moment`; what waits is recorded first if it would wait too long."""
        if self._waiting and moment - self._first > _PATIENCE:
            self.send()
        self._now = max(self._now, moment)

    def send(self) -> None:
        """Record everything that waits."""
        if self._waiting:
            self._now += _MOMENT
            self.record(self._waiting)
            self.recorded += len(self._waiting)
            self._waiting = []


def live(session: Session, telling: Telling, *, span: Span, seed: int, progress: Progress | None) -> World:
    """Live through the span: write hr.db through `session`, some days a transaction, and tell every entry."""
    hr = HR(session, telling.hear, random.Random(f"ids/{seed}"))
    w = World(hr, span, seed)
    found_company(w)
    found_modules(w)
    plan_story(w)
    plan_once(w)
    days = span.days
    for n, day in enumerate(days):
        if w.staff:  # on the first day nobody has signed in yet
            plan_night(w, day)
            plan_day(w, day)
            plan_rhythm(w, day)
            plan_modules(w, day)
        _live_until(w, telling, min(local(day + timedelta(days=1), 0), span.until))
        if n % _DAYS_A_COMMIT == 0 or day == span.last:
            hr.flush()
            session.commit()
        if progress:
            progress(n + 1, len(days))
    return w


def _live_until(w: World, telling: Telling, end: datetime) -> None:
    while due := w.due(end):
        moment, do = due
        telling.before(moment)
        do(w, moment)
    telling.send()
