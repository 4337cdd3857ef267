"""Celery: who asked for a task is carried to the worker in a header of its message.

Owns the header, and that the context ends with the task, callbacks and the next of a chain included: a worker keeps
what a task left behind for the next ones, in every pool. Refuses to believe more than the broker: whoever can write to
it can name an actor; and a header that does not read: the task is then the system's, and Celery logs why.
"""

from typing import Any

from celery import signals  # type: ignore[import-untyped]  # it has no types

from trailbook.capture.actor import Acting, as_text, for_job, from_text, resumed, stated

HEADER = "trailbook_acting"
_BLOCK = "trailbook_block"  # on the request: one task may run twice at once, when a broker delivers it again


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


def _begin(task: Any, **more: Any) -> None:
    carried = None
    try:
        carried = _carried(task.request)
    finally:
        block = resumed(for_job(task.name, carried))
        setattr(task.request, _BLOCK, block)
        block.__enter__()


def _carried(request: Any) -> Acting | None:
    text = request.get(HEADER) or (request.get("headers") or {}).get(HEADER)
    if text:
        return from_text(text)
    return stated() if request.is_eager else None  # an eager one runs where it was asked for


def _end(task: Any, **more: Any) -> None:
    block: resumed | None = vars(task.request).pop(_BLOCK, None)
    if block is not None:
        block.__exit__(None, None, None)
