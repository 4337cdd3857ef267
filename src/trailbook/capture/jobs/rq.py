"""RQ: who asked for a job is carried to the worker in its meta.

Owns the class of such jobs: `Queue(..., job_class=ActivityJob)` and `Worker(..., job_class=ActivityJob)`. Refuses to
believe more than the queue: whoever can write to it can name an actor. A meta that does not read fails the job.
"""

from collections.abc import Callable
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from rq.job import Job

from trailbook.capture.actor import as_text, for_job, from_text, resumed, stated

META = "trailbook_acting"


class ActivityJob(Job):
    """A job that acts as whoever enqueued it, or else as the system, named after its function; so do its callbacks."""

    @classmethod
    def create(cls, *args: Any, **more: Any) -> Job:
        """Make a job, with who asks for it now."""
        acting = stated()
        if acting is not None:
            more["meta"] = {**(more.get("meta") or {}), META: as_text(acting)}
        return super().create(*args, **more)

    def perform(self) -> Any:
        """Run the job in its context."""
        with self._block():
            return super().perform()

    @property
    def success_callback(self) -> Any:
        """What follows on success."""
        return self._in_block(super().success_callback)

    @property
    def failure_callback(self) -> Any:
        """What follows on failure."""
        return self._in_block(super().failure_callback)

    @property
    def stopped_callback(self) -> Any:
        """What follows when the job is stopped."""
        return self._in_block(super().stopped_callback)

    def _in_block(self, callback: Any) -> Any:
        if callback is None or iscoroutinefunction(callback):
            return callback  # a coroutine function is refused by RQ, which has to see that it is one
        return partial(self._called, callback)

    def _called(self, callback: Callable[..., Any], /, *args: Any, **more: Any) -> Any:
        with self._block():
            return callback(*args, **more)

    def _block(self) -> resumed:
        text = self.meta.get(META)
        return resumed(for_job(str(self.func_name), from_text(text) if text else None))
