"""One built company for all tests of the demo, a recorder that keeps every entry, and the HR pages over a copy."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec import Struct
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from trailbook import demo
from trailbook.catalogue import Catalogue, load
from trailbook.demo import pages
from trailbook.demo.system import HRSystem
from trailbook.demo.tables import Base
from trailbook.errors import TrailbookError
from trailbook.model import Item, NewEntry, Receipt
from trailbook.record.rules import complete_entry
from trailbook.recording.contract import Result

UNTIL = "2026-11-22T12:00:00+00:00"
NOW = datetime.now(UTC)
SAME = {"sec-fetch-site": "same-origin"}
BERG = "u-1013"


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


_nordlys: list[Built] = []


def nordlys(folders: pytest.TempPathFactory) -> Built:
    """The company of seed 7, built once for all tests of a process: whoever changes it takes a copy."""
    if not _nordlys:
        _nordlys.append(build_company(folders.mktemp("nordlys")))
    return _nordlys[0]


@pytest.fixture(scope="session")
def build() -> Build:
    """The way to build another company."""
    return build_company


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The company of seed 7."""
    return nordlys(tmp_path_factory)


class Site:
    """The pages served from a copy of hr.db, with what they recorded."""

    def __init__(self, file: Path, recorder: Recorder) -> None:
        self.file = file
        self.recorder = recorder
        self.hr = HRSystem(file, recorder, lambda: NOW)
        self.client: TestClient[Litestar] = TestClient(
            Litestar(pages.page_routes(self.hr)), base_url="http://testserver.local"
        )

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> int:
        """Send a form as a browser on the page would, and answer the status."""
        return self.client.post(
            path, data=form or {}, headers=headers or SAME, follow_redirects=False
        ).status_code

    def entry(self) -> NewEntry:
        """The one entry recorded since the site began."""
        assert len(self.recorder.entries) == 1
        return self.recorder.entries[0]

    def rows(self) -> Session:
        """A look into hr.db from outside."""
        return Session(create_engine(f"sqlite:///{self.file}"))


@pytest.fixture
def site(built: Built, tmp_path: Path) -> Iterator[Site]:
    """The pages over a copy of the built company."""
    file = tmp_path / "hr.db"
    shutil.copy(built.directory / demo.HR_FILE, file)
    copy = Site(file, type(built.recorder)(built.recorder.catalogue, lambda: NOW))
    with copy.client:
        yield copy
    copy.hr.close()


@pytest.fixture
def rows() -> Iterator[Session]:
    """An hr.db with nothing in it, in memory."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine, autoflush=False) as session:
        yield session
    engine.dispose()
