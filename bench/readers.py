"""What recording an entry takes beside somebody whose question takes a second; the control holds the index's lock.

Owns the reader: whole counts over the index, again and again, for a second each. Refuses the log's own questions, for
how long those take depends on the machine and the size.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from bench.elsewhere import finder_of
from bench.generate import entries
from bench.measuring import Control, Goal, Row, number, row, seconds
from bench.site import ORG, Site
from trailbook.access.viewer import operator
from trailbook.finding.embedded.projection import Snapshot
from trailbook.index import Plan, by_number
from trailbook.log import Log
from trailbook.query import Query

_SIZE, _TIMES, _FEW = 20_000, 200, 3
_SECOND, _BREATH = 1.0, 0.01  # seconds of a question, and between two: a lock is not fair by itself


def run(site: Site, most: int) -> Iterator[Row]:
    """One entry a commit: alone, beside a reader, and beside one that holds the lock, which each question once did."""
    size = min(most, _SIZE)
    times = min(_TIMES, size // 50)
    built = site.empty()
    log = built.log
    log.record_many(list(entries(log.catalogue, size)))
    log.upkeep.seal()
    log.search(Query(), viewer=operator(ORG), limit=1)
    fresh = entries(log.catalogue, size + 2 * times + _FEW)
    ours = [entry for at, entry in enumerate(fresh) if at >= size]

    def taken(count: int) -> list[float]:
        return [seconds(partial(log.record_many, [ours.pop()])) * 1000 for _ in range(count)]

    alone = row("record, one entry: alone", size, taken(times), unit="ms")
    with _reader(log, nullcontext):
        values = taken(times)
    with _reader(log, lambda: finder_of(log).index._lock):
        held = max(taken(_FEW))  # those after the first one slip in between two questions
    built.deployment.close()
    control = Control(
        name=f"with the lock held, the longest of {_FEW}: {number(held / alone.value)} times as long",
        value=held,
    )
    beside = row("record, one entry: beside a question of a second", size, values, unit="ms", control=control)
    share = beside.value / alone.value
    name = "record, one entry: beside it, times alone"
    yield from (alone, beside, row(name, size, [share], unit="x", goal=Goal(2), noise=beside.noise))


@contextmanager
def _reader(log: Log, held: Callable[[], Any]) -> Iterator[None]:
    """Somebody who asks, a second each time, in a thread of their own."""
    over, asking = threading.Event(), threading.Event()

    def read() -> None:
        while not over.is_set():
            with held():
                asking.set()
                finder_of(log).index.ask(_question)
            time.sleep(_BREATH)

    reader = threading.Thread(target=read)
    reader.start()
    asking.wait()
    yield
    over.set()
    reader.join()


def _question(now: Snapshot) -> None:
    end = time.perf_counter() + _SECOND
    while time.perf_counter() < end:
        by_number(now.pieces, Plan(as_of=_SIZE), "concerns")
