"""APScheduler: a scheduled job acts as whoever scheduled it, or else as the system, named after the job.

Owns `add_job`, which stands beside the scheduler's own. Refuses closures: what runs later is kept by its name, so that
stores that outlive the process can hold it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trailbook.capture.actor import as_text, for_job, from_text, resumed, stated


def add_job(
    scheduler: Any,
    func: Callable[..., Any],
    trigger: Any = None,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    id: str | None = None,
    **more: Any,
) -> Any:
    """Schedule a function as `scheduler.add_job` does; without an id the job is named after the function."""
    acting = stated()
    context = None if acting is None else as_text(acting)
    arguments = [context, id or func.__name__, func, tuple(args), dict(kwargs or {})]
    options = more if id is None else {**more, "id": id}
    options.setdefault("name", func.__name__)
    return scheduler.add_job(run, trigger, args=arguments, **options)


def run(
    context: str | None, job: str, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Run a scheduled function in its context."""
    with resumed(for_job(job, None if context is None else from_text(context))):
        return func(*args, **kwargs)
