"""Jobs: exports that were ordered, from the order to the file that expires.

Owns the states of a job, who may see it, and its limits. A job is claimed by whoever beats for it; where the beat
stops, another takes it up again from the beginning, for half a file is worth nothing. Refuses to write files.
"""

import base64
from datetime import timedelta
from typing import Literal

import msgspec
from msgspec import Struct, field, structs

from trailbook.access import Viewer
from trailbook.clock import Clock, Entropy
from trailbook.deployment import LIVE, Job, JobLimits, Jobs
from trailbook.errors import ExportExpiredError, ExportNotReadyError, NotFoundError, TooManyExportsError
from trailbook.export.cut import BundleFigures
from trailbook.model import microseconds

JobState = Literal["queued", "running", "ready", "failed", "cancelled", "expired"]
LIMITS = JobLimits()
KEPT_DAYS = 7
STALE = timedelta(seconds=15)  # without a beat for so long, whoever ran the job is gone
MOST_TRIES = 3
_SECOND = 1_000_000
_PATIENCE = 60 * _SECOND


class ExportOrder(Struct, frozen=True, kw_only=True):
    """What is exported and for whom: the filter's pairs with its instants, and the form of the file.

    `erasures` is how many people had been erased from the log when it was ordered, and `figures` what was said of a
    closed bundle before. `zip`: file and signed statement in one.
    """

    viewer: Viewer
    filter: tuple[tuple[str, str], ...]
    format: str
    columns: tuple[str, ...] | None
    tz: str
    lang: str
    manifest: bool
    erasures: int
    figures: BundleFigures | None = None
    preset: str | None = None
    zip: bool = False


class ExportFile(Struct, frozen=True, kw_only=True):
    """The file of a job: its name, size in bytes and SHA-256 in hex, and the name of its manifest if it has one.

    `figures` is what it holds, where it is a bundle.
    """

    name: str = field(name="file")
    size: int
    digest: str
    manifest: str | None = None
    figures: BundleFigures | None = None


_order = msgspec.json.Decoder(ExportOrder)
_file = msgspec.json.Decoder(ExportFile)


class Beside(Struct, frozen=True):
    """How many exports are sent while they are made, of a viewer and of an organisation: they are no jobs."""

    own: int = 0
    org: int = 0


class Orders:
    """The orders of a deployment, with their clock."""

    def __init__(self, jobs: Jobs, clock: Clock, entropy: Entropy, days: int = KEPT_DAYS) -> None:
        self._jobs = jobs
        self._clock = clock
        self._entropy = entropy
        self.days = days

    def order(self, order: ExportOrder, count: int, as_of: int) -> Job:
        """Keep an order. Raises: TooManyExportsError."""
        now = self._now()
        job = Job(
            id=base64.b32encode(self._entropy(15)).decode().lower(),
            org=order.viewer.org,
            viewer=_who(order.viewer),
            state="queued",
            created_at=now,
            expires_at=now + self.days * 86_400 * _SECOND,
            beat_at=now,
            tries=0,
            rows_done=0,
            count=count,
            as_of=as_of,
            order=msgspec.json.encode(order),
        )
        if not self._jobs.add(job, LIMITS):
            raise _too_many()
        return job

    def require_room(self, viewer: Viewer, beside: Beside) -> None:
        """Let one more be under way beside these and the jobs that are live. Raises: TooManyExportsError."""
        live = [job for job in self._jobs.every(viewer.org) if is_live(job)]
        own = [job for job in live if job.viewer == _who(viewer)]
        require_few(Beside(beside.own + len(own), beside.org + len(live)))

    def find(self, viewer: Viewer, id_: str) -> Job:
        """A viewer's own job. Raises: NotFoundError, for another's as for none."""
        job = self._jobs.get(viewer.org, id_)
        if job is None or job.viewer != _who(viewer):
            raise NotFoundError("there is no such export")
        return self.aged(job)

    def listed(self, viewer: Viewer) -> list[Job]:
        """A viewer's own jobs, newest first."""
        own = [job for job in self._jobs.every(viewer.org) if job.viewer == _who(viewer)]
        return [self.aged(job) for job in reversed(own)]

    def orgs(self) -> set[str]:
        """The organisations that have jobs."""
        return {job.org for job in self._jobs.every()}

    def of(self, org: str) -> list[Job]:
        """All jobs of an organisation, oldest first."""
        return self._jobs.every(org)

    def aged(self, job: Job) -> Job:
        """The job as it is by now: one that is past its time has expired, whoever notices first."""
        if job.state == "ready" and job.expires_at <= self._now():
            return structs.replace(job, state="expired")
        return job

    def file(self, job: Job) -> ExportFile:
        """The file of a job. Raises: ExportNotReadyError; ExportExpiredError."""
        if job.state == "expired":
            raise ExportExpiredError("the export's file is no longer kept; order it again")
        if job.state != "ready":
            raise ExportNotReadyError(f"the export is {job.state}, so it has no file")
        return file_of(job)

    def claimable(self, org: str) -> list[Job]:
        """The jobs of an organisation that may be run, oldest first: those that wait, and those whose runner is gone.

        One that was begun too often fails instead.
        """
        jobs = [job for job in self.of(org) if job.state == "queued" or self._is_lost(job)]
        for job in jobs:
            if job.tries >= MOST_TRIES:
                self._put(job, state="failed", problem="internal")
        return [job for job in jobs if job.tries < MOST_TRIES]

    def claim(self, job: Job) -> Job | None:
        """The job, now running; None when another runner came first."""
        return self._put(job, state="running", tries=job.tries + 1, rows_done=0)

    def _is_lost(self, job: Job) -> bool:
        return job.state == "running" and self._now() - job.beat_at > STALE // timedelta(microseconds=1)

    def waits(self, job: Job) -> None:
        """Give a claimed job back, to be tried later."""
        # Whoever was stopped has not failed: this try does not count.
        self._put(job, state="queued", tries=job.tries - 1)

    def still(self, job: Job) -> bool:
        """Whether a running job is still this runner's: not cancelled, not taken up by another."""
        current = self._jobs.get(job.org, job.id)
        # The number of tries is the mark of a claim: another runner's is one higher.
        return current is not None and (current.state, current.tries) == ("running", job.tries)

    def is_old(self, job: Job) -> bool:
        """Whether a job has waited for longer than any signer takes."""
        return self._now() - job.created_at > _PATIENCE

    def beat(self, job: Job, rows_done: int) -> Job | None:
        """Say that a job goes on; None when it is no longer this runner's."""
        return self._put(job, rows_done=rows_done)

    def is_due(self, job: Job) -> bool:
        """Whether it is time for the next beat."""
        return self._now() - job.beat_at >= _SECOND

    def ready(self, job: Job, file: ExportFile) -> bool:
        """The file stands. False when the job was cancelled meanwhile: then it must go."""
        done = self._put(job, state="ready", rows_done=job.count, file=msgspec.json.encode(file))
        return done is not None

    def failed(self, job: Job, problem: str) -> None:
        """There will be no file; `problem` is the code of why."""
        self._put(job, state="failed", problem=problem)

    def cancel(self, job: Job) -> None:
        """End a job that is live, and let go of its file's name; the row stays until it expires."""
        # Its runner moves the row by a beat a second: to come second five times in a row does not happen.
        for _ in range(5):
            current = self._jobs.get(job.org, job.id)
            if current is None or current.state in ("cancelled", "failed", "expired"):
                return
            if self._put(current, state="cancelled", file=None) is not None:
                return

    def drop(self, job: Job) -> None:
        """Let go of a job that has ended."""
        self._jobs.drop(job.org, job.id)

    def gone(self, job: Job) -> bool:
        """Whether a job is no longer kept."""
        return self._jobs.get(job.org, job.id) is None

    def expire(self, job: Job) -> None:
        """The file is no longer kept; the row goes after as long again."""
        if self._now() > job.expires_at + self.days * 86_400 * _SECOND:
            self._jobs.drop(job.org, job.id)
        elif job.state not in LIVE and job.state != "expired":
            self._put(job, state="expired", file=None)

    def is_past(self, job: Job) -> bool:
        """Whether a job's time is over."""
        return job.expires_at <= self._now()

    def forget(self, org: str) -> None:
        """Let go of every order of an organisation, with the people that they name."""
        self._jobs.forget(org)

    def _put(self, job: Job, **changes: object) -> Job | None:
        # The beat is the mark by which one writer knows that another came first: it always moves.
        new = structs.replace(job, beat_at=max(self._now(), job.beat_at + 1), **changes)
        return new if self._jobs.put(new, job) else None

    def _now(self) -> int:
        return microseconds(self._clock())


def require_few(there: Beside) -> None:
    """Let one more be under way beside so many. Raises: TooManyExportsError."""
    if there.own >= LIMITS.viewer or there.org >= LIMITS.org:
        raise _too_many()


def order_of(job: Job) -> ExportOrder:
    """What a job's order says."""
    return _order.decode(job.order)


def file_of(job: Job) -> ExportFile:
    """The file that a ready job has."""
    return _file.decode(job.file or b"")


def is_live(job: Job) -> bool:
    """Whether a job has not ended."""
    return job.state in LIVE


def _who(viewer: Viewer) -> str:
    return f"{viewer.item.type}/{viewer.item.id}"


def _too_many() -> TooManyExportsError:
    return TooManyExportsError(
        f"at most {LIMITS.viewer} exports of a viewer and {LIMITS.org} of an organisation run at once,"
        f" and {LIMITS.kept} are kept: wait for one, or delete one"
    )
