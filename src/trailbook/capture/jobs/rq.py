"""RQ: who asked for a job is carried to the worker in its meta.

Owns the class of such jobs: `Queue(..., job_class=ActivityJob)` and `Worker(..., job_class=ActivityJob)`. Refuses to
believe more than the queue: whoever can write to it can name an actor.
"""

from typing import Any

from rq.job import Job

from trailbook.capture.actor import as_text, for_job, from_text, resumed, stated

META = "trailbook_acting"


class ActivityJob(Job):
    """A job that acts as whoever enqueued it, or else as the system, named after its function."""

    @classmethod
    def create(cls, *args: Any, **more: Any) -> Job:
        """Make a job, with who asks for it now."""
        acting = stated()
        if acting is not None:
            more["meta"] = {**(more.get("meta") or {}), META: as_text(acting)}
        return super().create(*args, **more)

    def perform(self) -> Any:
        """Run the job in its context."""
        text = self.meta.get(META)
        with resumed(for_job(str(self.func_name), from_text(text) if text else None)):
            return super().perform()
