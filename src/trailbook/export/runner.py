"""Running exports that were ordered: one after the other, each to a file that has its name once it is whole.

Owns the folder of exports, what is checked while a file is written (permission, cancelling, erasures), and the
signed manifest beside it. Refuses to keep what somebody else's erasure should have reached, and leaves no half file.
"""

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from msgspec import Struct, structs

from trailbook.access import Viewer, operator, require_everything, require_full, require_proofs
from trailbook.deployment import Deployment, Loop, Pauses
from trailbook.errors import (
    ConfigurationError,
    ExportChangedError,
    ExportExpiredError,
    Fault,
    FormatUnavailableError,
    InvalidError,
    NotCheckpointedError,
    NotFoundError,
    TooManyExportsError,
    TrailbookError,
)
from trailbook.export.bundle import BundleKeys, write_bundle
from trailbook.export.columns import COLUMNS, HR, About, Layout, columns_of
from trailbook.export.cut import BundleFigures, BundleRequest, Kind, bundle_figures, require_daily_hours
from trailbook.export.format import FORMATS, Format, check_format, exactly, file_pieces, whole_file
from trailbook.export.manifest import Facts, signed_manifest
from trailbook.export.naming import called, question
from trailbook.export.orders import KEPT_DAYS, ExportFile, ExportOrder, Orders, is_live, order_of
from trailbook.export.packing import pack
from trailbook.log import Log
from trailbook.model import instant, written
from trailbook.query import Query, Term, from_params, interval, refuse_personal, to_params, zone

if TYPE_CHECKING:
    from trailbook.deployment import Job
    from trailbook.finding import ExportLine

# The kinds of bundle by their formats; a bundle of which nobody says more is the kind that shows least.
BUNDLES: dict[str, Kind] = {"bundle": "inclusion", "bundle-inclusion": "inclusion", "bundle-closed": "closed"}
MOST_COUNTED = 2  # closed bundles at once, before they are made: each reads its whole range
EVERY_FORMAT = (*FORMATS, *BUNDLES)
_ERASED = Query(terms=(Term("action", ("activity_log.erased",)),))
_UNKEPT = (
    "is kept in no order, for it goes when somebody is erased: take the entries at once, as CSV or JSON Lines"
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Ended(Exception):  # noqa: N818  # no error: somebody wants the job to end
    """The job was cancelled, or another runner took it up."""


class ExportRequest(Struct, frozen=True, kw_only=True):
    """An order as a door takes it."""

    query: Query
    format: str
    columns: tuple[str, ...] | None = None
    tz: str | None = None
    lang: str = "en"
    manifest: bool = True
    preset: str | None = None
    zip: bool = False


class Runner:
    """Runs the orders of a deployment into a folder, in a thread of its own or step by step."""

    def __init__(
        self, deployment: Deployment, folder: Path, *, days: int = KEPT_DAYS, base: str | None = None
    ) -> None:
        self._deployment = deployment
        self._base = base
        self.orders = Orders(deployment.jobs, deployment.clock, deployment.entropy, days)
        self.folder = folder
        self.loop = Loop("exports", self.orders.orgs, self._step, pauses=Pauses(look=1.0))
        self._counting = BoundedSemaphore(MOST_COUNTED)

    def order(self, request: ExportRequest, viewer: Viewer) -> "Job":
        """Keep an order for a viewer, bound to the log as it is; the order itself is an entry.

        Raises: NotPermittedError; FilterInvalidError; FiguresOfAPersonError; FormatUnavailableError;
        TooManyExportsError.
        """
        log, figures = self._deployment.log(viewer.org), None
        tz = request.query.tz if request.tz is None else zone(request.tz).key
        if request.format == "bundle-closed":
            # Counted first, and bound to what was counted: the file holds what its reader was told.
            figures = self.figures(request, viewer)
            request = _up_to(request, figures.as_of)
        elif request.format in BUNDLES:
            _require_bundle(request, viewer, log)
            require_daily_hours(log.frozen(request.query, viewer=viewer))
        else:
            require_full(viewer, viewer.org)
            check_format(request.format, columns_of(request.preset, request.columns), tz)
        _require_whole(request)
        # What is counted, told and kept is one rule, whatever is set meanwhile.
        request = structs.replace(request, query=log.frozen(request.query, viewer=viewer))
        refuse_personal(request.query, _UNKEPT)
        count, as_of = log.count(request.query, viewer=viewer, lang=request.lang)
        order = ExportOrder(
            viewer=viewer,
            filter=_fixed(request.query, log, as_of),
            format=f"bundle-{BUNDLES[request.format]}" if request.format in BUNDLES else request.format,
            columns=request.columns,
            tz=tz,
            lang=request.lang,
            manifest=request.manifest,
            erasures=_erasures(log),
            figures=figures,
            preset=request.preset,
            zip=request.zip,
        )
        job = self.orders.order(order, count, as_of)
        try:
            log.exported(request.query, viewer=viewer)
        except TrailbookError:
            self.cancel(job)  # what cannot be recorded is not made
            self.orders.drop(job)
            raise
        self.loop.wake()
        return job

    def figures(self, request: ExportRequest, viewer: Viewer) -> BundleFigures:
        """What a bundle would hold if it were ordered now. Nothing is ordered; who may not have it is not told.

        Raises: as `order`; FormatUnavailableError for what is no bundle.
        """
        log = self._deployment.log(viewer.org)
        _require_bundle(request, viewer, log)
        if not self._counting.acquire(blocking=False):
            raise TooManyExportsError(
                f"at most {MOST_COUNTED} bundles are counted at once: try again in a moment"
            )
        try:
            return bundle_figures(log, _bundle_request(request), viewer=viewer)
        finally:
            self._counting.release()

    def cancel(self, job: "Job") -> None:
        """End a live job; of one that has ended, let go of file and row."""
        self.orders.cancel(job) if is_live(job) else self.orders.drop(job)
        for path in self._paths(job):
            path.unlink(missing_ok=True)

    def is_there(self, job: "Job", viewer: Viewer) -> bool:
        """Whether a job's file is there for a viewer; a lost folder has none, whatever the job says."""
        there = job.state == "ready" and (self.folder / job.org / self.orders.file(job).name).is_file()
        return there and self._seen(job, viewer)

    def path(self, job: "Job", viewer: Viewer, which: Literal["file", "manifest"] = "file") -> Path:
        """Where a ready job's file lies, for a viewer who may still see all that stands in it.

        Raises: ExportNotReadyError, ExportExpiredError, NotFoundError.
        """
        # An erasure since the file was made takes it away before it is handed out, not at the next round.
        self._sweep(job.org)
        if not self._seen(job, viewer):
            raise ExportExpiredError("what you may see has changed since; order the export again")
        file = self.orders.file(self.orders.aged(job))
        name = file.name if which == "file" else file.manifest
        path = self.folder / job.org / (name or "")
        if name is None or not path.is_file() or self.orders.gone(job):
            raise NotFoundError("there is no such file")
        return path

    def _seen(self, job: "Job", viewer: Viewer) -> bool:
        """Whether a viewer may see by now every category that whoever ordered could see then."""
        log = self._deployment.log(job.org)
        then, now = (log.clearance(viewer=each).categories for each in (order_of(job).viewer, viewer))
        return then <= now

    def start(self) -> None:
        """Run what is ordered from now on, in a thread."""
        self._deployment.loops.append(self.loop)
        self.loop.start()

    def close(self) -> None:
        """Stop; an export under way is given back and begun again by whoever starts next."""
        self.loop.close()
        if self.loop in self._deployment.loops:
            self._deployment.loops.remove(self.loop)

    def step(self) -> bool:
        """Sweep, then run one job of each organisation that has one; whether any ran."""
        return self.loop.step()

    def sweep(self, org: str) -> None:
        """Remove what is past its time, what names somebody who was erased, and files that no job has."""
        self._sweep(org)
        for job in self.orders.of(org):
            if self.orders.is_past(job) and not is_live(job):
                for path in self._paths(job):
                    path.unlink(missing_ok=True)
                self.orders.expire(job)

    def _step(self, org: str) -> bool:
        self.sweep(org)
        for job in self.orders.claimable(org):
            if self._waits(job):
                if self.orders.is_old(job):  # where nobody signs, waiting has an end that says why
                    self.orders.failed(job, "not-checkpointed")
            elif (claimed := self.orders.claim(job)) is not None:
                # One, then the next organisation's turn: nobody's hundred exports are in front of everybody's first.
                self._work(claimed)
                return True
        return False

    def _sweep(self, org: str) -> None:
        """Let go of the exports of an organisation once somebody was erased from its log since one was ordered."""
        jobs = self.orders.of(org)
        try:
            erasures = _erasures(self._deployment.kept_log(org)) if jobs else 0
        except NotFoundError:
            # No log any more: a number that no order has, so that nothing is kept.
            erasures = -1
        # Every export of the organisation goes, whoever was erased: to know which name them, each would have to be
        # read.
        if any(order_of(job).erasures != erasures for job in jobs):
            for job in jobs:
                for path in self._paths(job):
                    path.unlink(missing_ok=True)
            self.orders.forget(org)

    def _paths(self, job: "Job") -> Iterator[Path]:
        folder = self.folder / job.org
        if folder.is_dir():
            yield from folder.glob(f"{job.id}.*")
            yield from folder.glob(f".{job.id}.*")  # what a killed process left behind

    def _waits(self, job: "Job") -> bool:
        """Whether a job needs a signed head that is not there yet."""
        order = order_of(job)
        if not (order.manifest or order.format in BUNDLES):
            return False
        try:
            self._deployment.signing  # noqa: B018  # asks whether there are keys
            evidence = self._deployment.kept_log(job.org).evidence(viewer=operator(job.org))
        except ConfigurationError:
            # Without keys no head is ever signed: the job runs, and a bundle fails with the reason.
            return False
        except NotCheckpointedError:
            return True
        return evidence.checkpoint.size < job.as_of

    def _work(self, job: "Job") -> None:
        for path in self._paths(job):
            path.unlink(missing_ok=True)
        watch = _Watch(self, job)
        try:
            watch.look(force=True)
            file = self._write(job, order_of(job), watch)
        except Ended:
            return
        except TrailbookError as error:
            self.orders.failed(watch.job, error.code)
        except OSError as error:
            if not self.orders.still(watch.job):
                return  # cancelled, and its file taken away
            self.orders.failed(watch.job, "storage-full" if error.errno in _FULL else "store-unavailable")
            raise
        except Exception:
            self.orders.failed(watch.job, "internal")
            raise
        else:
            if not self.orders.ready(watch.job, file):
                for path in self._paths(job):
                    path.unlink(missing_ok=True)

    def _write(self, job: "Job", order: ExportOrder, watch: "_Watch") -> ExportFile:
        folder = self.folder / job.org
        for made in (self.folder, folder):  # the mode of `mkdir` is that of the last folder alone
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        ending = "zip" if order.format in BUNDLES else order.format
        path, figures = folder / f"{job.id}.{ending}", None
        with whole_file(path) as out:
            if order.format in BUNDLES:
                figures = self._bundle(job, order, watch, out)
            else:
                self._table(job, order, watch, out)
            watch.look(force=True)  # what happened while the last rows were written
        note = None
        if order.manifest and order.format not in BUNDLES:
            note = self._manifest(job, order, watch=watch, path=path)
        if order.zip:
            path = self._packed(job, order, path, note)
        # Read from the disk again, not summed up while it was written: what is told is what lies there.
        size, digest = path.stat().st_size, _digest(path)
        return ExportFile(name=path.name, size=size, digest=digest, manifest=note, figures=figures)

    def _packed(self, job: "Job", order: ExportOrder, path: Path, note: str | None) -> Path:
        """The file and its statement in one ZIP, in its place. Raises: FormatUnavailableError without a statement."""
        packed = path.with_name(f"{job.id}.zip")
        try:
            if note is None:
                raise FormatUnavailableError("zip: this log has no signing keys, so there is no statement")
            pack(packed, self._called(job, order), path, path.with_name(note))
        finally:
            path.unlink()
        return packed

    def _called(self, job: "Job", order: ExportOrder) -> str:
        return called(self._deployment.log(job.org), order)

    def _about(self, job: "Job", order: ExportOrder, watch: "_Watch") -> About:
        """What the first sheet of a workbook says of it."""
        log, who = self._deployment.log(job.org), order.viewer.item
        return About(
            question=question(log, from_params(order.filter), viewer=watch.viewer, lang=order.lang),
            org=job.org,
            count=job.count,
            as_of=job.as_of,
            order=FORMATS[cast(Format, order.format)].order,
            who=who.name or who.id,
            at=written(instant(job.created_at)),
            file=self._called(job, order) if order.manifest else None,
        )

    def _table(self, job: "Job", order: ExportOrder, watch: "_Watch", out: BinaryIO) -> None:
        form = cast(Format, order.format)
        query = from_params(order.filter)
        log = self._deployment.log(job.org)
        rows = log.export(query, viewer=watch.viewer, order=FORMATS[form].order, lang=order.lang)
        if rows.count != job.count:
            raise ExportChangedError("the log is no longer what was counted; order the export again")
        layout = Layout(
            columns=columns_of(order.preset, order.columns) or COLUMNS,
            tz=order.tz,
            lang=order.lang,
            words=order.preset == HR,
            base=self._base,
            catalogue=log.catalogue,
            about=self._about(job, order, watch),
        )
        with closing(file_pieces(form, watch.through(exactly(rows)), layout)) as pieces:
            for piece in pieces:
                out.write(piece)
                if not piece:  # a child process is at work on rows that were read before
                    watch.progress(watch.done, job.count)

    def _bundle(self, job: "Job", order: ExportOrder, watch: "_Watch", out: BinaryIO) -> BundleFigures:
        log = self._deployment.log(job.org)
        ranges = self._deployment.key_ranges(job.org)
        signer = self._deployment.signing.keyring.signers(ranges[0].key.name)[0]
        request = BundleRequest(kind=BUNDLES[order.format], query=from_params(order.filter), lang=order.lang)
        keys = BundleKeys(signer, ranges)
        return write_bundle(log, request, out, viewer=watch.viewer, keys=keys, progress=watch.progress)

    def _manifest(self, job: "Job", order: ExportOrder, *, watch: "_Watch", path: Path) -> str | None:
        name = self._called(job, order)
        facts = Facts(
            count=job.count,
            as_of=job.as_of,
            first_seq=watch.first,
            last_seq=watch.last,
            # Read from the disk again, not summed up while it was written: what is signed is what lies there.
            files={name: _digest(path)},
            sizes={name: path.stat().st_size},
        )
        note = signed_manifest(self._deployment, order, facts)
        if note is None:
            return None
        beside = path.with_name(f"{job.id}.manifest.note")
        with whole_file(beside) as out:
            out.write(note)
        return beside.name


class _Watch:
    """What is looked at while a file is written, at every batch: may they still, is it still wanted."""

    def __init__(self, runner: Runner, job: "Job") -> None:
        self._deployment = runner._deployment
        self._orders = runner.orders
        self._loop = runner.loop
        self.job = job
        self._order = order_of(job)
        self.viewer = self._order.viewer
        self.first: int | None = None
        self.last: int | None = None
        self.done = 0

    def through(self, batches: "Iterator[list[ExportLine]]") -> "Iterator[list[ExportLine]]":
        """The batches, each looked at before it is written. Raises: Ended; whatever `look` raises."""
        for batch in batches:
            seqs = [line.seq for line in batch]
            self.first = min(seqs if self.first is None else [self.first, *seqs])
            self.last = max(seqs if self.last is None else [self.last, *seqs])
            self.look()
            yield batch
            self.done += len(batch)
            self.progress(self.done, self.job.count)

    def progress(self, done: int, of: int) -> None:
        """Say how far it is; the count of a bundle's rows is its own. Raises: as `look`."""
        if self._orders.is_due(self.job):
            beaten = self._orders.beat(self.job, min(done * self.job.count // max(of, 1), self.job.count))
            if beaten is None:
                raise Ended
            self.job = beaten
        self.look()

    def look(self, *, force: bool = False) -> None:
        """Look again. Raises: Ended; NotPermittedError; UnauthenticatedError; ExportChangedError."""
        if self._loop.stopped and not force:
            self._orders.waits(self.job)
            raise Ended
        if not self._orders.still(self.job):
            raise Ended
        self.viewer = self._deployment.credentials.still(self._order.viewer)
        require_full(self.viewer, self.job.org)
        log = self._deployment.log(self.job.org)
        before, now = (log.clearance(viewer=viewer) for viewer in (self._order.viewer, self.viewer))
        if before.categories != now.categories:
            raise ExportChangedError("what this viewer may see has changed; order the export again")
        # Counting erasures is a search. Looked at before the first row and after the last, it covers all between.
        if force and _erasures(self._deployment.log(self.job.org)) != self._order.erasures:
            raise ExportChangedError("somebody was erased meanwhile; order the export again")


def kept_exports(
    deployment: Deployment, folder: Path | None, days: int = KEPT_DAYS, *, base: str | None = None
) -> tuple[Runner, Callable[[], None]]:
    """A runner into a folder, or into one that goes when it is closed; and what closes it. Files stay for `days`.

    Links in tables are made absolute from `base`.
    """
    if folder is not None:
        runner = Runner(deployment, folder, days=days, base=base)
        return runner, runner.close
    passing = Path(gettempdir()) / f"trailbook-exports-{token_hex(16)}"
    runner = Runner(deployment, passing, days=days, base=base)

    def close() -> None:
        runner.close()
        shutil.rmtree(passing, ignore_errors=True)  # most never came to be

    return runner, close


def _require_bundle(request: ExportRequest, viewer: Viewer, log: Log) -> None:
    """Raises: NotPermittedError, before anything is looked at; FormatUnavailableError."""
    require_proofs(viewer, viewer.org)
    if request.format == "bundle-closed":
        require_everything(log.clearance(viewer=viewer))
    if request.format not in BUNDLES:
        raise FormatUnavailableError(f"format: {request.format} is no bundle")
    if request.columns is not None or request.preset is not None:
        raise FormatUnavailableError("columns: a bundle has none")


def _require_whole(request: ExportRequest) -> None:
    """Raises: InvalidError for a ZIP of a bundle, which is one itself, or of a file alone; for a preset of no table."""
    if request.preset is not None and not (request.format in FORMATS and FORMATS[request.format].table):
        why = "is of a table: csv, xlsx or parquet"
        raise InvalidError(f"preset: {why}", (Fault("/preset", "parameter-invalid", why),))
    if request.zip and (request.format in BUNDLES or not request.manifest):
        why = "is of a file with its signed statement: a bundle brings its own, and needs no other"
        raise InvalidError(f"zip: {why}", (Fault("/zip", "parameter-invalid", why),))


def _bundle_request(request: ExportRequest) -> BundleRequest:
    return BundleRequest(query=request.query, kind=BUNDLES[request.format], lang=request.lang)


def _up_to(request: ExportRequest, as_of: int) -> ExportRequest:
    return structs.replace(request, query=structs.replace(request.query, as_of=as_of))


def _fixed(query: Query, log: Log, as_of: int) -> tuple[tuple[str, str], ...]:
    """The filter's pairs bound to `as_of`, presets and days as the instants that they were when it was ordered."""
    dated = ("date", "from", "to", "as_of")
    pairs = [pair for pair in to_params(query) if pair[0] not in dated]
    since, until = interval(query, log.clock())
    pairs += [("from", written(instant(since)))] if since is not None else []
    pairs += [("to", written(instant(until)))] if until is not None else []
    return (*pairs, ("as_of", str(as_of)))


def _erasures(log: Log) -> int:
    """How many people were erased: an export that shows one of them is not kept."""
    return log.count(_ERASED, viewer=operator(log.org))[0]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
