"""The right of way: a reader stops for whoever records, for a moment and no longer."""

import threading
from collections.abc import Callable

from tests.finding.conftest import ME, ORG, TINY, grow

from trailbook import Log
from trailbook.finding.embedded.way import RightOfWay
from trailbook.query import Query
from trailbook.stores import MemoryStore
from trailbook.testing.steady import START, FrozenClock, new_log


class Counted(RightOfWay):
    """Counts how often somebody stopped, and how often while nobody recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = self.passed = 0

    def give(self) -> None:
        if self._recording:
            self.stopped += 1
        else:
            self.passed += 1
        super().give()


def beside(work: Callable[[], object]) -> None:
    """Do something in a thread of its own, to its end."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def sealed_log() -> tuple[Log, Counted]:
    """A log with segments, and the way of those who record in it."""
    way = Counted()
    log = new_log(MemoryStore(), ORG, clock=FrozenClock(START), sizes=TINY)
    grow(log, 40)
    log.upkeep.seal()
    log._finder.index._parts.way = way  # type: ignore[attr-defined]
    return log, way


def test_whoever_reads_stops_while_somebody_records_and_is_answered() -> None:
    """The answer is the same, however long the recording takes; the control is the same question with the way free."""
    log, way = sealed_log()
    free = log.count(Query(), viewer=ME)
    assert (way.stopped, way.passed > 0) == (0, True)
    log._finder._answers.clear()  # type: ignore[attr-defined]
    answers: list[tuple[int, int]] = []
    with log.upkeep.recording():
        beside(lambda: answers.append(log.count(Query(), viewer=ME)))
    assert answers == [free]
    assert way.stopped > 0


def test_the_way_is_free_once_the_last_one_has_recorded() -> None:
    """Also where one of several fails."""
    way = RightOfWay()
    with way.taken():
        try:
            with way.taken():
                raise KeyError
        except KeyError:
            assert not way._free.is_set()
    assert way._free.is_set()
