"""Eight who write at once, killed at random moments, with readers beside them.

An acknowledged entry must be stable: there, once. A reader that follows the log by `seq` must get every entry once,
in order, also one that is taken up again after it was stopped; one that follows by time must not, or this says
nothing.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.amounts import amount
from tests.torture.judging import ME, acknowledged, faults
from tests.torture.scenarios import ORG, begin, open_in

from trailbook.log.log import Log
from trailbook.model import parse_instant
from trailbook.query import Query

SCRIPT = Path(__file__).with_name("writers.py")
ROOT = SCRIPT.parents[2]
CYCLES = amount(5, 20, 100)
READ = amount(1_500, 6_000, 30_000)  # entries that the readers follow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    begin(tmp_path)
    return tmp_path


@contextmanager
def writers(folder: Path, output: Path, seed: int, *weak: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Eight writers, whose acknowledgements go to a file; killed at the end at the latest."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(SCRIPT), str(folder), str(seed), "8", *weak]
    with output.open("wb") as out, subprocess.Popen(command, stdout=out, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


class Follower:
    """Reads a log as it grows; `by_time` is the naive way, which asks for what happened after the last it saw."""

    def __init__(self, log: Log, *, by_time: bool = False) -> None:
        self._log = log
        self._by_time = by_time
        self._cursor: str | None = None
        self._last = ""
        self.seqs: list[int] = []

    def follow(self) -> None:
        """Read what is new."""
        if self._by_time:
            query = Query(from_=self._last or None)
            entries = list(self._log.rows(query, viewer=ME, order="asc"))
            fresh = [e for e in entries if not self._last or e.occurred_at > self._last]
            self._last = max([self._last, *(e.occurred_at for e in fresh)])
            self.seqs += [e.seq for e in fresh]
            return
        while True:
            page = self._log.search(Query(), viewer=ME, order="seq", limit=200, cursor=self._cursor)
            self._cursor = page.next_cursor
            self.seqs += [e.seq for e in page.entries]
            if len(page.entries) < 200:
                return

    def again(self, log: Log) -> "Follower":
        """Another process that takes up where this one was killed."""
        other = Follower(log)
        other._cursor, other.seqs = self._cursor, list(self.seqs)
        return other


def test_killed_under_eight_writers(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One log through many deaths; all that was acknowledged is stable after each."""
    chance, every = random.Random(5), list[str]()
    for cycle in range(CYCLES):
        output = tmp_path_factory.mktemp("output") / "lines"
        with writers(folder, output, cycle) as process:
            until = time.monotonic() + 60
            while output.stat().st_size < 2_000 and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(chance.random() * 0.4)
            process.kill()
            assert process.wait() == -9
        mine = acknowledged(output.read_text("utf-8"))
        assert mine
        every += mine
        # The whole log is verified now and then, and at the end; what was acknowledged, after each death.
        assert faults(folder, every, verify=cycle % 10 == 9 or cycle == CYCLES - 1) == []
    print(f"{CYCLES} deaths, {len(every)} acknowledged entries, all stable")


def test_readers_get_every_entry_once(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By `seq` nothing is missed or doubled while eight write; one reader is killed and taken up again."""
    output = tmp_path_factory.mktemp("output") / "lines"
    with writers(folder, output, 99):
        reading, other = open_in(folder), open_in(folder)
        steady, naive = Follower(reading.log(ORG)), Follower(reading.log(ORG), by_time=True)
        resumed = Follower(other.log(ORG))
        while len(steady.seqs) < READ:
            steady.follow()
            naive.follow()
            resumed.follow()
            resumed = resumed.again(reading.log(ORG))
    for each in (naive, steady, resumed):  # reading by time is an entry itself
        each.follow()
    size = reading.log(ORG).size(viewer=ME)
    assert steady.seqs == list(range(size))
    assert resumed.seqs == list(range(size))
    # The control: whoever follows by time misses what came late.
    assert sorted(set(naive.seqs)) != list(range(size))
    assert faults(folder, acknowledged(output.read_text("utf-8"))) == []
    assert parse_instant(next(reading.log(ORG).rows(Query(), viewer=ME)).occurred_at)
    reading.close()
    other.close()
