"""Orders that do not end well: one that cannot be recorded, a file that is gone, too many counted at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from tests.export.test_runner import EVERYTHING, READER, Shop

from trailbook import Log, Query
from trailbook.errors import (
    FormatUnavailableError,
    NotFoundError,
    NotPermittedError,
    StorageFullError,
    TooManyExportsError,
)
from trailbook.export.runner import MOST_COUNTED, ExportRequest, Runner
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, grow, opened


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A log of a few entries, with a runner that takes a step when it is told to."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 5)
    folder = tmp_path / "exports"
    runner = Runner(deployment, folder)
    yield Shop(deployment, runner, clock, folder)
    runner.close()
    deployment.close()


def test_an_order_that_cannot_be_recorded_is_not_made(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is an entry: where the log takes none there is no job either, and nothing is left of it."""

    def full(self: Log, query: Query, *, viewer: object) -> None:
        raise StorageFullError("the disk is full; nothing was recorded")

    with monkeypatch.context() as patched:
        patched.setattr(Log, "exported", full)
        with pytest.raises(StorageFullError):
            shop.runner.order(EVERYTHING, READER)
    assert shop.runner.orders.of(ORG) == []
    assert not shop.runner.step()
    assert shop.files() == []
    assert shop.made().state == "ready"  # the control


def test_a_file_that_somebody_took_away_is_not_there(shop: Shop) -> None:
    """Both of them are given while they lie there; without a manifest there is none to give."""
    job = shop.made()
    file, manifest = (shop.runner.path(job, READER, which) for which in ("file", "manifest"))  # type: ignore[arg-type]
    assert file.is_file()
    file.unlink()
    with pytest.raises(NotFoundError):
        shop.runner.path(job, READER)
    assert shop.runner.path(job, READER, "manifest") == manifest
    bare = shop.made(structs.replace(EVERYTHING, manifest=False))
    with pytest.raises(NotFoundError):
        shop.runner.path(bare, READER, "manifest")


def test_bundles_are_counted_a_few_at_a_time(shop: Shop) -> None:
    """Each reads its whole range: one more than may is refused and reads nothing, and the next is not."""
    request = ExportRequest(query=Query(), format="bundle")
    for _ in range(MOST_COUNTED):
        assert shop.runner._counting.acquire(blocking=False)
    with pytest.raises(TooManyExportsError, match=f"at most {MOST_COUNTED}"):
        shop.runner.figures(request, READER)
    shop.runner._counting.release()
    assert shop.runner.figures(request, READER).count == 5
    assert shop.runner.figures(request, READER).count == 5  # its place was given back


@pytest.mark.parametrize(
    "request_",
    [
        ExportRequest(query=Query(), format="csv"),
        ExportRequest(query=Query(), format="bundle", columns=("seq",)),
    ],
    ids=["no bundle", "columns"],
)
def test_only_a_bundle_has_figures(shop: Shop, request_: ExportRequest) -> None:
    with pytest.raises(FormatUnavailableError):
        shop.runner.figures(request_, READER)


def test_who_may_not_read_proofs_is_told_nothing_of_a_bundle(shop: Shop) -> None:
    """Refused before anything is counted, in whatever form they ask."""
    less = structs.replace(READER, read_proofs="none")
    for format_ in ("bundle", "bundle-closed", "csv"):
        with pytest.raises(NotPermittedError):
            shop.runner.figures(ExportRequest(query=Query(), format=format_), less)
