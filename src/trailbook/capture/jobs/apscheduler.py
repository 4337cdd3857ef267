"""APScheduler 3: a scheduled job acts as whoever scheduled it, or else as the system, named after the job.

Owns `add_job`, which stands beside the scheduler's own, and `ActivityExecutor`, through which every job of a scheduler
runs. Refuses to rely on the context in which a scheduler starts a job: an AsyncIOScheduler starts each in that of
whoever touched any job last. Coroutine functions run to their end, in the scheduler's loop or else in one of their own.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from inspect import iscoroutine, iscoroutinefunction
from typing import Any

from apscheduler.executors.asyncio import AsyncIOExecutor  # type: ignore[import-untyped]  # it has no types
from apscheduler.executors.base import BaseExecutor  # type: ignore[import-untyped]
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]
from apscheduler.util import get_callable_name, ref_to_obj  # type: ignore[import-untyped]

from trailbook.capture.actor import as_text, for_job, from_text, resumed, stated, unstated

Function = Callable[..., Any]
_MADE_UP = re.compile(r"[0-9a-f]{32}")  # the id of a job that was given none


def add_job(
    scheduler: Any,
    func: Function | str,
    trigger: Any = None,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    id: str | None = None,
    **more: Any,
) -> Any:
    """Schedule a function, or "module:function", as `scheduler.add_job` does, to act as whoever acts now.

    Without an id the job is named after its name or function. A store that outlives the process keeps the function by
    its name, and so takes no closure. Raises: what the scheduler's own raises.
    """
    acting = stated()
    context = None if acting is None else as_text(acting)
    name = more.pop("name", None) or _name(func)
    options = {**more, "name": name} if id is None else {**more, "name": name, "id": id}
    is_awaited = isinstance(scheduler, AsyncIOScheduler) and _is_coroutine_function(_resolved(func))
    add = partial(scheduler.add_job, run_coroutine if is_awaited else run, trigger, **options)
    # Without the context, which the scheduler would keep for the jobs that it starts next.
    return unstated().run(add, args=[context, id or name, func, tuple(args), dict(kwargs or {})])


def run(
    context: str | None, job: str, func: Function | str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Run a scheduled function in its context; stores keep jobs by the name of this one, so it stays."""
    return _run(_block(context, job), _resolved(func), *args, **kwargs)


async def run_coroutine(
    context: str | None, job: str, func: Function | str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Run a scheduled coroutine function in its context, in the loop that awaits this."""
    return await _awaited(_block(context, job), _resolved(func), *args, **kwargs)


class ActivityExecutor(BaseExecutor):  # type: ignore[misc]  # the library's way to add an executor
    """An executor whose jobs act as the system, named after the job, unless `add_job` above said who asked for them.

    It hands each job on to the executor that it is made with:
    `AsyncIOScheduler(executors={"default": ActivityExecutor(AsyncIOExecutor())})`.
    """

    def __init__(self, executor: Any) -> None:
        super().__init__()
        self._executor = executor

    def start(self, scheduler: Any, alias: str) -> None:
        """Start with the scheduler."""
        self._executor.start(scheduler, alias)

    def shutdown(self, wait: bool = True) -> None:
        """End with the scheduler."""
        self._executor.shutdown(wait)

    def submit_job(self, job: Any, run_times: Sequence[Any]) -> None:
        """Have a job run, without the context of whoever touched the scheduler last."""
        is_awaited = isinstance(self._executor, AsyncIOExecutor) and _is_coroutine_function(job.func)
        unstated().run(self._executor.submit_job, _Job(job, is_awaited), run_times)

    def _do_submit_job(self, job: Any, run_times: Sequence[Any]) -> None:
        self.submit_job(job, run_times)


class _Job:
    """A job as its executor is handed it, here or in another process: its function runs in a block of the system's."""

    def __init__(self, job: Any, is_awaited: bool) -> None:
        self._job = job
        self._is_awaited = is_awaited

    @property
    def func(self) -> Function:
        """The job's function, which the executor awaits or calls."""
        name = self._job.name if _MADE_UP.fullmatch(self._job.id) else self._job.id
        return partial(_awaited if self._is_awaited else _run, _block(None, name), self._job.func)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def __str__(self) -> str:
        return str(self._job)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Job, (self._job, self._is_awaited)


def _block(context: str | None, job: str) -> AbstractContextManager[Any]:
    return resumed(for_job(job, None if context is None else from_text(context)))


def _run(block: AbstractContextManager[Any], func: Function, /, *args: Any, **kwargs: Any) -> Any:
    with block:
        result = func(*args, **kwargs)
        # An executor without a loop forgets a coroutine unrun.
        return asyncio.run(result) if iscoroutine(result) else result


async def _awaited(block: AbstractContextManager[Any], func: Function, /, *args: Any, **kwargs: Any) -> Any:
    with block:
        return await func(*args, **kwargs)


def _resolved(func: Function | str) -> Function:
    resolved: Function = ref_to_obj(func) if isinstance(func, str) else func
    return resolved


def _name(func: Function | str) -> str:
    if isinstance(func, str):
        return func.partition(":")[2]
    return str(get_callable_name(_innermost(func)))


def _is_coroutine_function(func: Function) -> bool:
    """Whether calling it gives a coroutine: a function, a method, a partial, or an object that is called."""
    function = _innermost(func)
    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def _innermost(func: Function) -> Function:
    while isinstance(func, partial):
        func = func.func
    return func
