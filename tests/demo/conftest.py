"""One built company for all tests of the demo, with a recorder that keeps every entry it is given."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest
from msgspec import Struct

from trailbook import demo
from trailbook.catalogue import Catalogue, load
from trailbook.errors import TrailbookError
from trailbook.model import Item, NewEntry, Receipt
from trailbook.record.rules import complete_entry
from trailbook.recording.contract import Result

UNTIL = "2026-11-22T12:00:00+00:00"


class Recorder:
    """Keeps entries in memory; each must keep every rule of the record and the catalogue at its moment."""

    org = demo.ORG

    def __init__(self, catalogue: Catalogue, clock: Callable[[], datetime]) -> None:
        self.catalogue = catalogue
        self.clock = clock
        self.entries: list[NewEntry] = []
        self.recorded_at: list[datetime] = []

    def record_many(self, entries: Sequence[NewEntry]) -> list[Receipt]:
        """Take a batch. Raises: what the first broken rule raises; then nothing of the batch is kept."""
        now = self.clock()
        kept = [complete_entry(self.catalogue, entry, now).entry for entry in entries]
        self.entries.extend(kept)
        self.recorded_at.extend(now for _ in kept)
        return []

    def record_each(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Result]:
        """Take what keeps the rules; the log's own entries (capture began) are nobody's here."""
        assert source == demo.SOURCE
        return [self._outcome(entry) for entry in entries]

    def _outcome(self, entry: NewEntry) -> Result:
        try:
            if not entry.action.startswith("activity_log."):
                self.record_many([entry])
        except TrailbookError as error:
            return Result(None, error)
        return Result(None)


class Built(Struct, frozen=True):
    """A built company: its folder, its summary, what was recorded and what was told of progress."""

    directory: Path
    summary: demo.Summary
    recorder: Recorder
    progress: list[tuple[int, int]]


class Build(Protocol):
    """How a test builds a company of its own."""

    def __call__(self, directory: Path, seed: int, until: str = UNTIL) -> Built:
        """Build the company of a seed into a folder."""
        ...


def build_company(directory: Path, seed: int = 7, until: str = UNTIL) -> Built:
    """Build the company of a seed into a folder."""
    opened: list[Recorder] = []
    progress: list[tuple[int, int]] = []

    def open_log(clock: Callable[[], datetime], source: Item) -> Recorder:
        assert source == demo.SOURCE
        opened.append(Recorder(load([demo.CATALOGUE]), clock))
        return opened[0]

    def hear(done: int, total: int) -> None:
        progress.append((done, total))

    end = datetime.fromisoformat(until)
    summary = demo.build(directory, until=end, seed=seed, progress=hear, open_log=open_log)
    return Built(directory, summary, opened[0], progress)


@pytest.fixture(scope="session")
def build() -> Build:
    """The way to build another company."""
    return build_company


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The company of seed 7."""
    return build_company(tmp_path_factory.mktemp("nordlys"))
