"""Django 6's tasks: who asked for a task is carried to the worker among its arguments, whatever the backend.

Owns the name of that argument, and that the context ends with the task. Refuses to believe more than the queue:
whoever can write to it can name an actor.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async

from trailbook.capture.actor import as_text, for_job, from_text, resumed, stated

ARGUMENT = "trailbook_acting"


def activity_task(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a task act as whoever enqueued it, or else as the system, named after it; put it under Django's `@task`."""

    def acting(text: str | None) -> resumed:
        return resumed(for_job(function.__name__, from_text(text) if text else stated()))

    @wraps(function)
    def run(*args: Any, **more: Any) -> Any:
        with acting(more.pop(ARGUMENT, None)):
            return function(*args, **more)

    @wraps(function)
    async def run_awaited(*args: Any, **more: Any) -> Any:
        with acting(more.pop(ARGUMENT, None)):
            return await function(*args, **more)

    return run_awaited if iscoroutinefunction(function) else run


def enqueue(task: Any, *args: Any, **more: Any) -> Any:
    """Enqueue a task as `task.enqueue` does, with who asks for it now; the task has to be an `activity_task`."""
    return task.enqueue(*args, **more, **_carried())


async def aenqueue(task: Any, *args: Any, **more: Any) -> Any:
    """As `enqueue`, awaited."""
    return await task.aenqueue(*args, **more, **await sync_to_async(_carried)())


def _carried() -> dict[str, str]:
    acting = stated()
    return {} if acting is None else {ARGUMENT: as_text(acting)}
