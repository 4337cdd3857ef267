"""Celery: who asked for a task is carried to the worker in a header of its message.

Owns the header, and that the context ends with the task. Refuses to believe more than the broker: whoever can write
to it can name an actor.
"""

from typing import Any

from celery import signals  # type: ignore[import-untyped]  # it has no types

from trailbook.capture.actor import as_text, for_job, from_text, resumed, stated

HEADER = "trailbook_acting"
_running: dict[str, resumed] = {}


def connect() -> None:
    """Carry the context with every task that this process sends or runs; call it once, where the app is made."""
    signals.before_task_publish.connect(_publish, weak=False, dispatch_uid="trailbook")
    signals.task_prerun.connect(_begin, weak=False, dispatch_uid="trailbook")
    signals.task_postrun.connect(_end, weak=False, dispatch_uid="trailbook")


def disconnect() -> None:
    """Carry it no more."""
    signals.before_task_publish.disconnect(dispatch_uid="trailbook")
    signals.task_prerun.disconnect(dispatch_uid="trailbook")
    signals.task_postrun.disconnect(dispatch_uid="trailbook")


def _publish(headers: dict[str, Any] | None = None, **more: Any) -> None:
    acting = stated()
    if headers is not None and acting is not None:
        headers[HEADER] = as_text(acting)


def _begin(task_id: str, task: Any, **more: Any) -> None:
    text = task.request.get(HEADER) or (task.request.get("headers") or {}).get(HEADER)
    carried = from_text(text) if text else None
    if task.request.is_eager:
        carried = carried or stated()  # it runs where it was asked for
    block = _running[task_id] = resumed(for_job(task.name, carried))
    block.__enter__()


def _end(task_id: str, **more: Any) -> None:
    block = _running.pop(task_id, None)
    if block is not None:
        block.__exit__(None, None, None)
