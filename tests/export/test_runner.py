"""Exports that are ordered: made beside, watched while they are made, kept for a while, and never half a file."""

import csv
import hashlib
import io
import os
import re
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct, structs
from pypdf import PdfReader

from trailbook import Item, Log, Origin, Query, operator
from trailbook.access.viewer import Viewer
from trailbook.administration import By, add_role
from trailbook.deployment.deployment import Deployment
from trailbook.errors import (
    ExportExpiredError,
    ExportNotReadyError,
    FormatUnavailableError,
    NotFoundError,
    NotPermittedError,
    TooManyExportsError,
    UnauthenticatedError,
)
from trailbook.export import called, exactly, file_pieces
from trailbook.export.columns import COLUMNS, Layout
from trailbook.export.orders import order_of
from trailbook.export.pdf import Pace
from trailbook.export.runner import ExportRequest, Runner, _Watch
from trailbook.query import from_params
from trailbook.stores import Job
from trailbook.testing.small import ANNA, ORG, grow, opened
from trailbook.testing.steady import FrozenClock
from trailbook.tree.checkpoint import parse_note, verify_note

READER = Viewer(
    org=ORG,
    item=Item(type="user", id="u-17", name="Anna Berg"),
    activity_log="full",
    read_proofs="full",
    roles=("system-administrator",),
)
EVERYTHING = ExportRequest(query=Query(), format="jsonl")
MANY = 4_500  # three batches: 500, 2,000 and 2,000


class Shop(Struct, frozen=True):
    """A log of some thousand entries, with a runner that takes a step when it is told to."""

    deployment: Deployment
    runner: Runner
    clock: FrozenClock
    folder: Path

    @property
    def log(self) -> Log:
        return self.deployment.log(ORG)

    def job(self, job: Job, viewer: Viewer = READER) -> Job:
        """A job as it is now."""
        return self.runner.orders.find(viewer, job.id)

    def made(self, ask: ExportRequest = EVERYTHING, viewer: Viewer = READER) -> Job:
        """A job that ran."""
        job = self.runner.order(ask, viewer)
        self.deployment.signer().sign(ORG)
        assert self.runner.step()
        return self.job(job, viewer)

    def files(self) -> list[str]:
        """Every file in the folder of exports, hidden ones too."""
        return sorted(p.name for p in self.folder.rglob("*") if p.is_file())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """The shop; its clock stands still unless a test moves it."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, MANY)
    folder = tmp_path / "exports"
    yield Shop(deployment, Runner(deployment, folder), clock, folder)
    deployment.close()


def meanwhile(shop: Shop, monkeypatch: pytest.MonkeyPatch, act: object) -> None:
    """Have `act` happen once, between the first batch of the next export and the second."""

    def between(rows: object, progress: object = None) -> Iterator[object]:
        for at, batch in enumerate(exactly(rows)):  # type: ignore[arg-type]
            if at == 1:
                act()  # type: ignore[operator]
            yield batch

    monkeypatch.setattr("trailbook.export.runner.exactly", between)


def test_an_order_becomes_a_file(shop: Shop) -> None:
    """Queued, then ready, with exactly what was counted, however much is recorded in between."""
    job = shop.runner.order(EVERYTHING, READER)
    assert (job.state, job.count, job.as_of) == ("queued", MANY, MANY)
    with pytest.raises(ExportNotReadyError):
        shop.runner.path(job, READER)
    grow(shop.log, shop.clock, 10)
    shop.deployment.signer().sign(ORG)
    assert shop.runner.step()
    done = shop.job(job)
    assert (done.state, done.rows_done) == ("ready", MANY)
    path = shop.runner.path(done, READER)
    lines = path.read_bytes().splitlines()
    assert lines == [
        msgspec.json.encode(row)
        for row in shop.log.rows(Query(as_of=MANY), viewer=operator(ORG), order="seq")
    ]
    made = shop.runner.orders.file(done)
    assert (made.size, made.digest) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    assert not shop.runner.step()


def test_the_manifest_is_signed_and_says_what_the_file_holds(shop: Shop) -> None:
    """Filter in words and as a list, count, as_of, first and last seq, size, root and digest; signed."""
    query = Query(as_of=MANY - 1)
    done = shop.made(ExportRequest(query=query, format="csv", columns=("seq", "sentence"), lang="nb"))
    note = parse_note(shop.runner.path(done, READER, "manifest").read_bytes())
    assert verify_note(note, shop.deployment.verifier_keys(ORG))
    manifest = msgspec.json.decode(note.text)
    checkpoint = shop.log.evidence(viewer=operator(ORG)).checkpoint
    assert (manifest["count"], manifest["as_of"], manifest["first_seq"], manifest["last_seq"]) == (
        MANY - 1,
        MANY - 1,
        0,
        MANY - 2,
    )
    assert (manifest["size"], manifest["root"]) == (checkpoint.size, checkpoint.root.hex())
    assert manifest["filter"] == [["as_of", str(MANY - 1)]]
    assert manifest["columns"] == ["seq", "sentence"]
    path = shop.runner.path(done, READER)
    assert manifest["files"] == {
        called(shop.log, order_of(done)): hashlib.sha256(path.read_bytes()).hexdigest()
    }
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    assert (rows[0], len(rows)) == (["seq", "sentence"], MANY)


def test_an_order_is_an_entry(shop: Shop) -> None:
    """Who exported is in the log before the file is; people in the filter are its concerns, its line names none."""
    query = from_params([("category", "roles"), ("concerns", "user/u-103"), ("text", "Quixote103")])
    shop.runner.order(ExportRequest(query=query, format="csv"), READER)
    (entry,) = shop.log.rows(from_params([("action", "activity_log.exported")]), viewer=operator(ORG))
    assert (entry.actor.id, entry.target.type, entry.target.id) == ("u-17", "search", "category:roles")
    assert [(item.part, item.id, item.name) for item in entry.concerns] == [
        ("filtered", "u-103", "Zebedee Quixote103")
    ]
    assert entry.sentence == "Anna Berg exported entries about Zebedee Quixote103 from the activity log"
    shop.runner.order(EVERYTHING, READER)
    newest = next(shop.log.rows(Query(), viewer=operator(ORG), order="desc"))
    assert (newest.target.id, newest.concerns) == ("everything", ())


def test_a_preset_becomes_the_instants_of_the_order(shop: Shop) -> None:
    """Exports store the instants that were used, so that a day later the file is still of that day."""
    job = shop.runner.order(
        ExportRequest(query=Query(date="today", tz="Europe/Oslo"), format="jsonl"), READER
    )
    names = dict(order_of(job).filter)
    assert names["from"].endswith("Z")
    assert names["to"].endswith("Z")
    assert "date" not in names
    shop.deployment.signer().sign(ORG)
    shop.clock.move(timedelta(days=2))
    assert shop.runner.step()
    assert shop.job(job).state == "ready"


@pytest.mark.parametrize("kind", ["bundle-inclusion", "bundle-closed"])
def test_bundles_are_ordered_too(shop: Shop, kind: str) -> None:
    """A bundle waits for the signed head that covers it, and verifies by its own file."""
    query = Query(as_of=20)
    by = By(shop.deployment, operator(ORG))
    named = add_role(by, "Every case", {}, categories=["whistleblowing"])
    sees_all = structs.replace(
        READER, roles=("system-administrator", named.id), restricted=("whistleblowing",)
    )
    job = shop.runner.order(ExportRequest(query=query, format=kind), sees_all)
    assert not shop.runner.step()
    assert shop.job(job, sees_all).state == "queued"
    shop.deployment.signer().sign(ORG)
    assert shop.runner.step()
    path = shop.runner.path(shop.job(job, sees_all), sees_all)
    with zipfile.ZipFile(path) as archive:
        assert {"manifest.note", "VERIFY.md"} <= set(archive.namelist())
    plain = structs.replace(sees_all, read_proofs="none")
    with pytest.raises(NotPermittedError):
        shop.runner.order(ExportRequest(query=query, format=kind), plain)


def test_a_closed_bundle_is_for_whom_nothing_is_withheld_from(shop: Shop) -> None:
    """Decided by permission: the first entry of a restricted category changes nothing."""
    ask = ExportRequest(query=Query(as_of=20), format="bundle-closed")
    named = structs.replace(READER, restricted=("whistleblowing",))

    def answers() -> list[bool]:
        return [
            _is_taken(shop, ask, v) for v in (READER, named, structs.replace(named, withheld=("salary",)))
        ]

    assert answers() == [False, True, False]
    case = Item(type="case", id="case-1")
    shop.log.record("case.opened", actor=ANNA, target=case, origin=Origin(interface="web"))
    assert answers() == [False, True, False]


def _is_taken(shop: Shop, ask: ExportRequest, viewer: Viewer) -> bool:
    try:
        shop.runner.order(ask, viewer)
    except NotPermittedError:
        return False
    return True


def test_a_revoked_key_stops_its_export(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The permission is looked at with every batch; once it is gone there is no file."""
    for revoked in (True, False):
        key, text = shop.deployment.credentials.new_key(ORG, "Archive", ("export",))
        viewer = shop.deployment.credentials.credential(text).viewer()
        if revoked:
            meanwhile(shop, monkeypatch, lambda key=key: shop.deployment.credentials.revoke_key(key.id))
        else:
            monkeypatch.setattr("trailbook.export.runner.exactly", exactly)
        done = shop.made(viewer=viewer)
        if revoked:
            assert (done.state, done.problem) == ("failed", UnauthenticatedError.code)
            assert shop.log.size(viewer=operator(ORG)) >= MANY
            assert shop.files() == []
        else:
            assert done.state == "ready"


def test_a_cancelled_export_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled while it runs, it stops at the next batch; removed once ready, its file is gone."""
    job = shop.runner.order(EVERYTHING, READER)
    meanwhile(shop, monkeypatch, lambda: shop.runner.cancel(shop.job(job)))
    shop.deployment.signer().sign(ORG)
    assert shop.runner.step()
    assert shop.job(job).state == "cancelled"
    assert shop.files() == []
    monkeypatch.undo()
    done = shop.made()
    assert len(shop.files()) == 2
    shop.runner.cancel(done)
    assert shop.files() == []
    with pytest.raises(NotFoundError):
        shop.job(done)


def test_an_export_outlived_by_an_erasure_is_not_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was erased is in no kept file, and one under way fails; the control stays."""
    done = shop.made()
    assert shop.runner.path(done, READER).is_file()
    job = shop.runner.order(EVERYTHING, READER)

    def erase() -> None:
        shop.log.erase(Item(type="user", id="u-100"), actor=ANNA, origin=Origin(interface="web"))

    meanwhile(shop, monkeypatch, erase)
    shop.deployment.signer().sign(ORG)
    assert shop.runner.step()
    assert shop.job(job).state == "failed"
    shop.runner.sweep(ORG)
    assert shop.files() == []
    for gone in (done, job):
        with pytest.raises(NotFoundError):
            shop.job(gone)
    stored = (shop.folder.parent / "log.db").read_bytes() + _read(shop.folder.parent / "log.db-wal")
    assert b"u-17" not in b"".join(line for line in stored.splitlines() if done.id.encode() in line)


def test_files_expire(shop: Shop) -> None:
    """Contracts 8: after seven days the file is gone and says so; after as long again the row is too."""
    done = shop.made()
    shop.clock.move(timedelta(days=7) - timedelta(seconds=1))
    shop.runner.sweep(ORG)
    path = shop.runner.path(shop.job(done), READER)
    assert shop.runner.is_there(shop.job(done), READER)
    held = path.read_bytes()
    path.unlink()  # a folder that is lost before its time
    assert not shop.runner.is_there(shop.job(done), READER)
    path.write_bytes(held)
    shop.clock.move(timedelta(seconds=1))
    with pytest.raises(ExportExpiredError):
        shop.runner.path(shop.job(done), READER)
    shop.runner.sweep(ORG)
    assert (shop.job(done).state, shop.files()) == ("expired", [])
    shop.clock.move(timedelta(days=8))
    shop.runner.sweep(ORG)
    with pytest.raises(NotFoundError):
        shop.job(done)


def test_what_another_ordered_is_not_there(shop: Shop) -> None:
    """Another viewer's export is as absent as one that never was."""
    done = shop.made()
    other = structs.replace(READER, item=Item(type="user", id="u-18", name="Kari Lie"))
    for id_ in (done.id, "never"):
        with pytest.raises(NotFoundError, match="there is no such export"):
            shop.runner.orders.find(other, id_)
    assert shop.runner.orders.listed(other) == []
    assert [job.id for job in shop.runner.orders.listed(READER)] == [done.id]
    nobody = structs.replace(READER, activity_log="none")
    with pytest.raises(NotPermittedError):
        shop.runner.order(EVERYTHING, nobody)


def test_limits(shop: Shop) -> None:
    """Two live ones a viewer, eight an organisation; one that has ended makes room."""
    viewers = [
        structs.replace(READER, item=Item(type="user", id=f"v-{at}", name=f"V {at}")) for at in range(5)
    ]
    for viewer in viewers[:4]:
        for _ in range(2):
            job = shop.runner.order(EVERYTHING, viewer)
        with pytest.raises(TooManyExportsError):
            shop.runner.order(EVERYTHING, viewer)
    with pytest.raises(TooManyExportsError):
        shop.runner.order(EVERYTHING, viewers[4])
    shop.runner.cancel(shop.job(job, viewers[3]))
    assert shop.runner.order(EVERYTHING, viewers[4]).state == "queued"


def test_a_crash_in_the_middle_is_begun_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is gone leaves nothing on offer, and another takes the job up."""
    job = shop.runner.order(EVERYTHING, READER)
    shop.deployment.signer().sign(ORG)

    class Killed(BaseException):
        """The process ends here."""

    def kill() -> None:
        (shop.folder / ORG / f".{job.id}.jsonl.x.part").write_bytes(b"half")
        raise Killed

    for tried in range(1, 4):
        meanwhile(shop, monkeypatch, kill)
        with pytest.raises(Killed):
            shop.runner.step()
        assert (shop.job(job).state, shop.job(job).tries) == ("running", tried)
        with pytest.raises(ExportNotReadyError):
            shop.runner.path(shop.job(job), READER)
        monkeypatch.undo()
        again = Runner(shop.deployment, shop.folder)
        assert not again.step()  # the beat may still come
        shop.clock.move(timedelta(seconds=16))
        if tried == 2:
            break
    assert Runner(shop.deployment, shop.folder).step()
    assert shop.job(job).state == "ready"
    assert all(not name.startswith(".") for name in shop.files())


def test_waiting_for_a_signature_has_an_end(shop: Shop) -> None:
    """Where nobody signs, an order that needs it fails after a minute and says why; without it, it is made."""
    job = shop.runner.order(EVERYTHING, READER)
    plain = shop.runner.order(structs.replace(EVERYTHING, manifest=False), READER)
    shop.clock.move(timedelta(seconds=61))
    shop.runner.step()
    shop.runner.step()
    assert (shop.job(job).state, shop.job(job).problem) == ("failed", "not-checkpointed")
    assert shop.job(plain).state == "ready"
    with pytest.raises(NotFoundError):
        shop.runner.path(shop.job(plain), READER, "manifest")


def test_a_job_that_never_ends_well_fails_at_last(shop: Shop) -> None:
    """A poisonous job does not stand before the others for ever."""
    job = shop.runner.order(EVERYTHING, READER)
    for _ in range(3):
        (waiting,) = shop.runner.orders.claimable(ORG)
        assert shop.runner.orders.claim(waiting) is not None
        shop.clock.move(timedelta(seconds=16))
    assert shop.runner.orders.claimable(ORG) == []
    assert (shop.job(job).state, shop.job(job).problem) == ("failed", "internal")


def test_closing_gives_a_job_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stops gives back what it had begun, and whoever starts next begins it again."""
    job = shop.runner.order(EVERYTHING, READER)
    meanwhile(shop, monkeypatch, shop.runner.close)
    shop.deployment.signer().sign(ORG)
    assert shop.runner.step()
    assert (shop.job(job).state, shop.files()) == ("queued", [])
    monkeypatch.undo()
    assert Runner(shop.deployment, shop.folder).step()
    assert shop.job(job).state == "ready"


def test_the_thread_runs_what_is_ordered(shop: Shop) -> None:
    """Started, the runner needs no steps."""
    shop.deployment.signer().sign(ORG)
    shop.runner.start()
    job = shop.runner.order(EVERYTHING, READER)
    try:
        for _ in range(600):
            if shop.job(job).state not in ("queued", "running"):
                break
            time.sleep(0.05)
    finally:
        shop.runner.close()
    assert shop.job(job).state == "ready"


def test_a_format_that_is_not_installed_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contracts 6: `format-unavailable` names the extra; with it the same order is taken."""
    ask = ExportRequest(query=Query(), format="parquet")
    assert shop.runner.order(ask, READER).state == "queued"
    monkeypatch.setattr(sys.modules["trailbook.export.format"], "find_spec", lambda name: None)
    with pytest.raises(FormatUnavailableError, match=r"trailbook\[parquet\]"):
        shop.runner.order(ask, READER)


def test_a_pdf_is_watched_while_a_child_makes_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed, the order failed and says why; cancelled, the child goes too; otherwise the file is there, whole."""
    monkeypatch.setattr("trailbook.export.pdf.PACE", Pace(tick=0.01))
    ask = ExportRequest(query=Query(as_of=600), format="pdf", tz="Europe/Oslo")
    before = _children()

    def kill(job: Job) -> None:
        for child in _children() - before:
            os.kill(child, signal.SIGKILL)

    look = _Watch.progress
    for act, state, problem in (
        (kill, "failed", "export-failed"),
        (shop.runner.cancel, "cancelled", None),
        (lambda job: None, "ready", None),
    ):

        def progress(watch: _Watch, done: int, of: int, act: Callable[[Job], None] = act) -> None:
            if _children() - before:
                act(watch.job)
            look(watch, done, of)

        monkeypatch.setattr(_Watch, "progress", progress)
        done = shop.made(ask)
        assert (done.state, done.problem) == (state, problem)
        assert len(shop.files()) == 2 * (state == "ready")
        assert _children() == before
    path = shop.runner.path(done, READER)
    assert path.suffix == ".pdf"
    text = "".join(page.extract_text() for page in PdfReader(path).pages)
    assert len(re.findall(r"gave Zebedee Quixote\d+ the role", text)) == done.rows_done == 600
    assert "600 entries · Times in Europe/Oslo" in text


def _children() -> set[int]:
    return set(map(int, Path("/proc/thread-self/children").read_text().split()))


def test_no_room_on_the_disk(tmp_path: Path) -> None:
    """Where a file cannot grow there is none, and the job says why; with room the same job is ready."""
    for room in (True, False):
        folder = tmp_path / str(room)
        folder.mkdir()
        outcome = subprocess.run(
            [sys.executable, __file__, str(folder), "" if room else "short"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        ).stdout.split()
        assert outcome == (["ready", "None", "2"] if room else ["failed", "storage-full", "0"])


def _short_of_room(folder: Path, short: str) -> None:
    """Run one export, in a process whose files may not grow as long as it when `short`, and say what became of it."""
    clock = FrozenClock()
    deployment = opened(folder, clock)
    grow(deployment.create(ORG), clock, MANY)
    deployment.signer().sign(ORG)
    deployment.close()  # its write-ahead log is emptied: the database has room, the export has not
    deployment = opened(folder, clock, create=False)
    runner = Runner(deployment, folder / "exports")
    job = runner.order(EVERYTHING, READER)
    claimed = runner.orders.claim(job)
    assert claimed is not None
    if short:
        rows = deployment.log(ORG).export(Query(as_of=job.as_of), viewer=operator(ORG), order="seq")
        size = sum(map(len, file_pieces("jsonl", rows.batches, Layout(columns=COLUMNS))))
        assert (folder / "log.db").stat().st_size < size - 100_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, resource.RLIM_INFINITY))
    with suppress(OSError):  # told to the loop
        runner._work(claimed)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    order = runner.orders.find(READER, job.id)
    files = [p for p in (folder / "exports").rglob("*") if p.is_file()]
    print(order.state, order.problem, len(files))
    deployment.close()


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def test_a_file_is_no_longer_given_to_who_may_not_see_all_of_it(shop: Shop) -> None:
    """Withheld after it was made, as before; who may see as much or more still has it."""
    done = shop.made()
    fewer = structs.replace(READER, withheld=(*READER.withheld, "roles"))
    for which in ("file", "manifest"):
        with pytest.raises(ExportExpiredError):
            shop.runner.path(done, fewer, which)
        for viewer in (READER, structs.replace(READER, withheld=(), restricted=("whistleblowing",))):
            assert shop.runner.path(done, viewer, which).is_file()


def test_nobody_else_reads_the_folder(shop: Shop) -> None:
    """The folder of all exports and that of each organisation are 0700, the files 0600."""
    shop.made()
    modes = {path.stat().st_mode & 0o777 for path in (shop.folder, *shop.folder.rglob("*")) if path.is_dir()}
    assert modes == {0o700}
    assert {path.stat().st_mode & 0o777 for path in shop.folder.rglob("*") if path.is_file()} == {0o600}


if __name__ == "__main__":
    _short_of_room(Path(sys.argv[1]), sys.argv[2])
