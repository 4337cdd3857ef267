"""Jobs as an engine keeps them: exports that were ordered, until their files expire.

Owns the row and the promise that a change is made only where nobody else made one since. Refuses to know what a job
does, and when it is late: `trailbook.export.orders` does.
"""

import threading
from typing import Protocol

from msgspec import Struct

LIVE = ("queued", "running")  # the states of a job that has not ended


class Job(Struct, frozen=True, rename={"order": "asked", "file": "said"}):  # as engines name their columns
    """An export that was ordered; times are microseconds since 1970, `viewer` is `type/id`, `problem` a code.

    `order` and `file` are JSON of whoever runs jobs: what is wanted, and the file once there is one.
    """

    id: str
    org: str
    viewer: str
    state: str
    created_at: int
    expires_at: int
    beat_at: int
    tries: int
    rows_done: int
    count: int
    as_of: int
    order: bytes
    file: bytes | None = None
    problem: str | None = None


class JobLimits(Struct, frozen=True, kw_only=True):
    """How many jobs may be live for one viewer and one organisation, and how many an organisation may keep."""

    viewer: int = 2
    org: int = 8
    kept: int = 100


class Jobs(Protocol):
    """Keeps exports that were ordered."""

    def add(self, job: Job, limits: JobLimits) -> bool:
        """Keep a new job; False, and nothing is kept, where a limit is reached."""

    def get(self, org: str, id_: str) -> Job | None:
        """The job of an organisation with this id, or None."""

    def every(self, org: str | None = None) -> list[Job]:
        """The jobs of one organisation or of all, oldest first."""

    def put(self, job: Job, was: Job) -> bool:
        """Replace a job; False, and nothing is done, where its state or `beat_at` is not that of `was` any more."""

    def drop(self, org: str, id_: str) -> None:
        """Remove a job; removing one that is gone is fine."""

    def forget(self, org: str) -> None:
        """Remove every job of an organisation so that nothing of them can be read from the files."""


class MemoryJobs:
    """`Jobs` that are forgotten when the process ends."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def add(self, job: Job, limits: JobLimits) -> bool:
        with self._lock:
            kept = self.every(job.org)
            live = [other for other in kept if other.state in LIVE]
            own = [other for other in live if other.viewer == job.viewer]
            room = len(kept) < limits.kept and len(live) < limits.org and len(own) < limits.viewer
            if room:
                self._jobs[job.id] = job
            return room

    def get(self, org: str, id_: str) -> Job | None:
        job = self._jobs.get(id_)
        return job if job is not None and job.org == org else None

    def every(self, org: str | None = None) -> list[Job]:
        jobs = [job for job in self._jobs.values() if org in (None, job.org)]
        return sorted(jobs, key=lambda job: (job.created_at, job.id))

    def put(self, job: Job, was: Job) -> bool:
        with self._lock:
            now = self._jobs.get(was.id)
            if now is None or (now.state, now.beat_at) != (was.state, was.beat_at):
                return False
            self._jobs[job.id] = job
            return True

    def drop(self, org: str, id_: str) -> None:
        if self.get(org, id_) is not None:
            del self._jobs[id_]

    def forget(self, org: str) -> None:
        self._jobs = {id_: job for id_, job in self._jobs.items() if job.org != org}
