"""Whoever writes a bundle checks it first: what does not hold is handed out by no door, and the finding is named."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from msgspec import Struct

from trailbook import Item, Log, Query, Viewer, operator
from trailbook.deployment.deployment import Deployment
from trailbook.errors import ExportFailedError
from trailbook.export.bundle import BundleKeys, write_bundle
from trailbook.export.cut import BundleRequest
from trailbook.export.format import whole_file
from trailbook.export.runner import ExportRequest, Runner
from trailbook.stores.sqlite.bodies import unpacked
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, grow, opened

READER = Viewer(
    org=ORG,
    item=Item(type="user", id="u-17", name="Anna Berg"),
    activity_log="full",
    read_proofs="full",
    roles=("system-administrator",),
)
CHANGED = 31  # its leaf stands in a complete tile, so it can be named
SIZE = 300


class Made(Struct, frozen=True):
    """A signed log, and the folder that it lies in."""

    deployment: Deployment
    log: Log
    folder: Path

    def lie(self) -> None:
        """Somebody with write access changes a body."""
        place = "place & 0xFFFFFFFFFF = ?"
        database = apsw.Connection(str(self.folder / "log.db"))
        body = database.execute(f"SELECT body FROM entry WHERE {place}", (CHANGED,)).get
        lied = unpacked(body).replace(b'"success"', b'"failure"')
        database.execute(f"UPDATE entry SET body = ? WHERE {place}", (lied, CHANGED))
        database.close()

    def write(self, kind: str, steps: list[tuple[int, int | None]]) -> Path:
        keys = BundleKeys(
            self.deployment.signing.keyring.signers(f"log.example/{ORG}")[0],
            self.deployment.key_ranges(ORG),
        )
        file = self.folder / f"{kind}.zip"
        request = BundleRequest(kind=kind, query=Query())  # type: ignore[arg-type]
        with whole_file(file) as out:
            write_bundle(
                self.log,
                request,
                out,
                viewer=operator(ORG),
                keys=keys,
                progress=lambda done, of: steps.append((done, of)),
            )
        return file


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, SIZE)
    deployment.signer().sign(ORG)
    yield Made(deployment, log, tmp_path)
    deployment.close()


@pytest.mark.parametrize("kind", ["inclusion", "closed"])
def test_a_bundle_that_holds_is_handed_out(made: Made, kind: str) -> None:
    """The control; writing is the first half of the progress, checking the second."""
    steps: list[tuple[int, int | None]] = []
    assert made.write(kind, steps).is_file()
    assert steps == sorted(steps)
    assert (SIZE, 2 * SIZE) in steps
    assert steps[-1] == (2 * SIZE, 2 * SIZE)
    assert len(steps) > steps.index((SIZE, 2 * SIZE)) + 1


@pytest.mark.parametrize("kind", ["inclusion", "closed"])
def test_a_bundle_that_does_not_hold_is_not_there(made: Made, kind: str) -> None:
    """The error says which entry it is, and there is no file."""
    made.lie()
    with pytest.raises(ExportFailedError, match=f"entry {CHANGED}: bodies.tsv its body and its leaf"):
        made.write(kind, [])
    assert not list(made.folder.glob("*.zip*"))


def test_an_order_of_one_fails(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever ordered it is told that it failed; whoever runs the server, why."""
    runner = Runner(made.deployment, made.folder / "exports")
    job = runner.order(ExportRequest(query=Query(as_of=SIZE), format="bundle"), READER)
    made.deployment.signer().sign(ORG)
    made.lie()
    assert runner.step()
    ended = runner.orders.find(READER, job.id)
    assert (ended.state, ended.problem) == ("failed", "export-failed")
    assert not list((made.folder / "exports").rglob("*.zip*"))
    assert f"entry {CHANGED}" in caplog.text


def test_who_ends_it_while_it_is_checked_leaves_nothing(made: Made) -> None:
    """What `progress` raises in the second half ends the check, and the file is gone."""

    class Steps(list[tuple[int, int | None]]):
        def append(self, step: tuple[int, int | None]) -> None:
            if step[0] > SIZE:
                raise KeyboardInterrupt
            super().append(step)

    with pytest.raises(KeyboardInterrupt):
        made.write("closed", Steps())
    assert not list(made.folder.glob("*closed*"))
