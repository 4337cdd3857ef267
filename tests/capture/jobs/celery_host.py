"""A host's tasks, for real workers: `celery -A tests.capture.jobs.celery_host worker`, on the broker of HOST_BROKER."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import celery
from celery.exceptions import Ignore, Reject
from redis import Redis
from tests.capture.jobs import work

from trailbook.capture.actor import stated
from trailbook.capture.jobs.celery import connect

BROKER = os.environ.get("HOST_BROKER", "memory://")

app = celery.Celery(
    "host", broker=BROKER, backend=BROKER if "HOST_BROKER" in os.environ else "cache+memory://"
)
app.conf.update(task_default_queue=os.environ.get("HOST_QUEUE", "host"), worker_hijack_root_logger=False)
app.conf.beat_schedule = {"note": {"task": "host.note", "schedule": 0.2}}
connect()
loop = asyncio.new_event_loop()


def task(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A task of the host, named after its function."""
    return lambda function: app.task(name=f"host.{function.__name__}", **options)(function)


@task()
def who(*before: str) -> str:
    """Whoever acts."""
    return work.who()


@task()
def both(before: str) -> list[str]:
    """What the task before it in a chain returned, and whoever acts now."""
    return [before, work.who()]


@task()
def leave_open() -> str:
    """A task that begins a block and never leaves it."""
    return work.leave_open()


@task()
def fail() -> None:
    """A task that fails in a block."""
    work.fail()


@task(bind=True, max_retries=2, default_retry_delay=0)
def again(self: Any) -> str:
    """A task that succeeds at the third time."""
    if self.request.retries < 2:
        raise self.retry()
    return work.who()


@task()
def ignore() -> None:
    """A task that wants no result."""
    raise Ignore


@task(acks_late=True)
def reject() -> None:
    """A task that sends its message back to nobody."""
    raise Reject("not for us", requeue=False)


@task()
def send_on() -> list[str]:
    """A task that asks for another, and waits for nothing."""
    return [work.who(), who.apply_async().id]


@task()
def run_coroutine() -> str:
    """A task that runs a coroutine function in a loop of its own."""
    return asyncio.run(work.who_awaited())


@task()
def share_loop() -> str:
    """A task that has a coroutine function run in a loop that goes on in another thread."""
    if not loop.is_running():
        threading.Thread(target=loop.run_forever, daemon=True).start()
    return asyncio.run_coroutine_threadsafe(work.who_awaited(), loop).result()


@task()
def go_on(key: str) -> str:
    """A task that leaves a thread behind, which says who acts once the task has ended."""

    def late() -> None:
        until = time.monotonic() + 30
        while stated() is not None and time.monotonic() < until:
            time.sleep(0.01)
        valkey().rpush(key, work.who())

    threading.Thread(target=copy_context().run, args=(late,)).start()
    return work.who()


@task()
def meet(mine: str, theirs: str) -> list[str]:
    """Whoever acts before and after another task, in the same process, has come as far."""
    before = work.who()
    with valkey() as client:
        client.rpush(mine, "here")
        assert client.blpop([theirs], timeout=30)
    return [before, work.who()]


@task()
def note() -> None:
    """What beat asks for: whoever acts then."""
    valkey().rpush("noted", work.who())


def valkey() -> Redis:
    """A connection to the broker."""
    return Redis.from_url(BROKER)
