"""One built company for all tests of the demo, with a recorder that keeps every entry it is given."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import Struct

from trailbook import demo
from trailbook.catalogue import Catalogue, load
from trailbook.model import Item, NewEntry, Receipt
from trailbook.rules import complete

UNTIL = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Recorder:
    """Keeps entries in memory; each must keep every rule of the record and the catalogue at its moment."""

    def __init__(self, catalogue: Catalogue, clock: Callable[[], datetime]) -> None:
        self.catalogue = catalogue
        self.clock = clock
        self.entries: list[NewEntry] = []
        self.recorded_at: list[datetime] = []

    def record_many(self, entries: Sequence[NewEntry]) -> list[Receipt]:
        """Take a batch. Raises: what the first broken rule raises; then nothing of the batch is kept."""
        now = self.clock()
        kept = [complete(self.catalogue, entry, now).entry for entry in entries]
        self.entries.extend(kept)
        self.recorded_at.extend(now for _ in kept)
        return []


class Built(Struct, frozen=True):
    """A built company: its folder, its summary and what was recorded."""

    directory: Path
    summary: demo.Summary
    recorder: Recorder


def build(directory: Path, seed: int = 7) -> Built:
    """Build the company into a folder."""
    opened: list[Recorder] = []

    def open_log(clock: Callable[[], datetime], source: Item) -> Recorder:
        assert source.type == "source"
        opened.append(Recorder(load([demo.CATALOGUE]), clock))
        return opened[0]

    summary = demo.build(directory, until=UNTIL, seed=seed, open_log=open_log)
    return Built(directory, summary, opened[0])


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The company of seed 7."""
    return build(tmp_path_factory.mktemp("nordlys"))
