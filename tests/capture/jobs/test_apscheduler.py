"""APScheduler: jobs act as whoever scheduled them, or as the system, never as whoever touched the scheduler last."""

import asyncio
import queue
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from tests.capture.jobs.work import Report, fail, leave_open, who, who_awaited
from tests.capture.small import ANNA, BOB

from trailbook.capture import acting_as
from trailbook.capture.actor import stated
from trailbook.capture.jobs.apscheduler import ActivityExecutor, add_job
from trailbook.model import Origin

# A job is late on a busy machine, and runs all the same.
SETTINGS: dict[str, Any] = {"timezone": "UTC", "job_defaults": {"misfire_grace_time": None}}
OUTCOMES = EVENT_JOB_EXECUTED | EVENT_JOB_ERROR
REPORT = "tests.capture.jobs.work:who_awaited"
# What can be scheduled, with one argument: plain and coroutine functions in every shape that APScheduler takes.
WORK: list[Callable[..., Any] | str] = [
    who,
    who_awaited,
    partial(who, "partly"),
    partial(partial(who_awaited, "partly"), "more"),
    Report("absences").write,
    Report("absences").write_awaited,
    Report("absences"),
    REPORT,
    "tests.capture.jobs.work:who",
]


def outcomes(scheduler: Any) -> "queue.Queue[Any]":
    """What the jobs of a scheduler return from now on, or raise."""
    results: queue.Queue[Any] = queue.Queue()
    scheduler.add_listener(lambda event: results.put(event.exception or event.retval), OUTCOMES)
    return results


def taken(results: "queue.Queue[Any]", count: int) -> list[str]:
    """So many outcomes, sorted."""
    return sorted(str(results.get(timeout=60)) for _ in range(count))


async def awaited(results: "queue.Queue[Any]", count: int) -> list[str]:
    """So many outcomes, sorted, while the loop goes on."""
    return await asyncio.to_thread(taken, results, count)


def plan(scheduler: Any, work: Sequence[Callable[..., Any] | str], **more: Any) -> None:
    """Anna, Bob and nobody schedule each piece of work, Anna from the web."""
    for number, func in enumerate(work):
        with acting_as(ANNA, origin=Origin(interface="web")):
            add_job(scheduler, func, args=[f"w{number}"], **more)
            with acting_as(BOB):
                add_job(scheduler, func, args=[f"w{number}"], id=f"bob-{number}", **more)
        add_job(scheduler, func, args=[f"w{number}"], id=f"nightly-{number}", **more)


def planned(results: Sequence[str]) -> dict[str, list[str]]:
    """Who ran which pieces of work."""
    runs: dict[str, list[str]] = {}
    for text in results:
        kind, id_, interface, *_, number = text.split()
        assert (interface, kind == "system") == ("job", id_ not in ("u-17", "u-42")), text
        runs.setdefault("nightly" if id_ == f"nightly-{number[1:]}" else id_, []).append(number)
    return runs


ALL = [f"w{number}" for number in range(len(WORK))]


def test_two_people_in_one_loop() -> None:
    """Every shape of function runs, once, as who scheduled it, though all were scheduled while a request ran."""

    async def host() -> list[str]:
        scheduler = AsyncIOScheduler(**SETTINGS)
        scheduler.start()
        results = outcomes(scheduler)
        plan(scheduler, WORK)
        outcome = await awaited(results, 3 * len(WORK))
        scheduler.shutdown()
        return outcome

    runs = planned(asyncio.run(host()))
    assert {who: sorted(numbers) for who, numbers in runs.items()} == dict.fromkeys(
        ("u-17", "u-42", "nightly"), ALL
    )
    assert stated() is None


@pytest.mark.parametrize("wrapped", [False, True])
def test_two_people_in_a_background_scheduler(wrapped: bool) -> None:
    """The same without a loop: coroutine functions run in a loop of their own, and threads remember nobody."""
    pool = ThreadPoolExecutor(2)
    scheduler = BackgroundScheduler(
        **SETTINGS, executors={"default": ActivityExecutor(pool) if wrapped else pool}
    )
    scheduler.start()
    results = outcomes(scheduler)
    add_job(scheduler, leave_open, id="careless")
    assert taken(results, 1) == ["person u-99 job"]
    plan(scheduler, WORK)
    runs = planned(taken(results, 3 * len(WORK)))
    assert {who: sorted(numbers) for who, numbers in runs.items()} == dict.fromkeys(
        ("u-17", "u-42", "nightly"), ALL
    )
    scheduler.shutdown()


async def during_a_request(executor: Any) -> list[str]:
    """The scheduler's own jobs of a host, of which Anna's request adds the last, and is still running when they run."""
    scheduler = AsyncIOScheduler(**SETTINGS, executors={"default": executor})
    results = outcomes(scheduler)
    scheduler.add_job(who_awaited, id="nightly")
    scheduler.add_job(Report("absences").write_awaited, args=["own"])
    scheduler.start(paused=True)
    with acting_as(ANNA):
        scheduler.resume()
        scheduler.add_job(who, id="from-request", args=["own"])
        outcome = await awaited(results, 3)
    scheduler.shutdown()
    return outcome


def test_jobs_that_nobody_asked_for() -> None:
    """A job of the scheduler's own `add_job` is the system's, named after it, also while somebody's request runs."""
    assert asyncio.run(during_a_request(ActivityExecutor(AsyncIOExecutor()))) == [
        "system from-request job own",
        "system nightly job",
        "system report-write-awaited job absences own",
    ]


def test_jobs_that_nobody_asked_for_without_the_executor() -> None:
    """The control: without `ActivityExecutor` APScheduler runs such coroutines as Anna."""
    outcome = asyncio.run(during_a_request(AsyncIOExecutor()))
    assert [text for text in outcome if text.startswith("person u-17")]


def test_scheduling_for_somebody_does_not_spread() -> None:
    """What Anna schedules wakes the scheduler, but not as Anna: the host's other job, due then, is not hers."""

    async def host() -> list[str]:
        scheduler = AsyncIOScheduler(**SETTINGS)
        results = outcomes(scheduler)
        scheduler.start()
        due = datetime.now(UTC) + timedelta(seconds=0.2)
        scheduler.add_job(who_awaited, "date", run_date=due, id="nightly", args=["own"])
        with acting_as(ANNA):
            add_job(scheduler, who_awaited, id="hers")
            outcome = await awaited(results, 2)
        scheduler.shutdown()
        return outcome

    hers, own = asyncio.run(host())
    assert hers == "person u-17 job"
    assert own.startswith("system ")


def test_jobs_end() -> None:
    """A job that fails in a block, one that leaves a block open, and a task that a job leaves behind end with it."""
    left: list[asyncio.Task[str]] = []

    async def leave_task() -> str:
        ended = asyncio.Event()

        async def go_on() -> str:
            await ended.wait()
            return who()

        left.append(asyncio.create_task(go_on()))
        asyncio.get_running_loop().call_later(0.05, ended.set)
        return who()

    async def host() -> list[str]:
        scheduler = AsyncIOScheduler(**SETTINGS)
        scheduler.start()
        results = outcomes(scheduler)
        with acting_as(ANNA):
            for func in (fail, leave_open, leave_task):
                add_job(scheduler, func)
                await awaited(results, 1)
        add_job(scheduler, who, id="access-expiry")
        outcome = await awaited(results, 1)
        scheduler.shutdown()
        return [*outcome, await left[0]]

    expiry, late = asyncio.run(host())
    assert expiry == "system access-expiry job"
    assert late.startswith("system ")


def test_a_store_and_processes(tmp_path: Path) -> None:
    """Jobs outlive the scheduler that they were given to, and run in other processes, as who scheduled them."""
    work = [who, who_awaited, partial(who, "partly"), Report("absences").write_awaited, REPORT]
    url = f"sqlite:///{tmp_path / 'jobs.db'}"

    def scheduler() -> BackgroundScheduler:
        executors = {"default": ActivityExecutor(ProcessPoolExecutor(1))}
        stores = {"default": SQLAlchemyJobStore(url)}
        return BackgroundScheduler(**SETTINGS, executors=executors, jobstores=stores)

    first = scheduler()
    first.start()
    plan(first, work, next_run_time=None)
    first.add_job(who_awaited, id="host-own", args=["own"], next_run_time=None)
    first.shutdown()
    second = scheduler()
    results = outcomes(second)
    second.start()
    for job in second.get_jobs():
        job.resume()
    *runs, own = sorted(
        taken(results, 3 * len(work) + 1), key=lambda text: text.startswith("system host-own")
    )
    second.shutdown()
    assert own == "system host-own job own"
    assert {len(numbers) for numbers in planned(runs).values()} == {len(work)}
    assert set(planned(runs)) == {"u-17", "u-42", "nightly"}


def test_a_context_that_does_not_read_fails_the_job() -> None:
    """A stored job whose context was changed does not run as somebody else: it does not run."""
    scheduler = BackgroundScheduler(**SETTINGS)
    scheduler.start(paused=True)
    results = outcomes(scheduler)
    with acting_as(ANNA):
        job = add_job(scheduler, who)
    context, *others = job.args
    job.modify(args=[context.replace("actor", "author"), *others])
    scheduler.resume()
    assert "author" in taken(results, 1)[0]
    scheduler.shutdown()
