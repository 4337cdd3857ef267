"""RQ: workers of every class act as whoever enqueued the job, else as the system; a job leaves nobody behind."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, SimpleWorker
from rq.job import Job
from rq.registry import FailedJobRegistry
from tests.capture.jobs import work
from tests.capture.jobs.conftest import begin
from tests.capture.small import ANNA, BOB

from trailbook.capture import acting_as
from trailbook.capture.actor import stated
from trailbook.capture.jobs.rq import META, ActivityJob
from trailbook.model import Origin

HERS, HIS = "person u-17 job", "person u-42 job"
JOB_CLASS = "trailbook.capture.jobs.rq.ActivityJob"
callbacks: list[str] = []


def noted(job: Job, *outcome: object) -> None:
    """A callback: whoever acts after a job."""
    callbacks.append(work.who())


@pytest.fixture
def valkey(broker: str) -> Iterator[Any]:
    """A connection to the queue's Valkey, which is empty."""
    connection = Redis.from_url(broker)
    connection.flushall()
    yield connection
    connection.close()


@pytest.fixture
def queue(valkey: Any) -> Queue:
    """A queue of jobs that carry who asks for them."""
    return Queue(connection=valkey, job_class=ActivityJob)


def enqueued(queue: Queue) -> list[Job]:
    """Jobs of two people and of nobody in turn, between them some that leave a block open or fail."""
    with acting_as(ANNA, origin=Origin(interface="api")):
        hers = [queue.enqueue(work.who), queue.enqueue(work.leave_open), queue.enqueue(work.fail)]
        with acting_as(BOB):
            his = [queue.enqueue(work.who_awaited)]
        hers.append(queue.enqueue(work.who_awaited))
    return [*hers, *his, queue.enqueue(work.who), queue.enqueue(work.who_awaited)]


OUTCOMES = [
    HERS,
    "person u-99 job",
    None,
    HERS,
    HIS,
    "system tests-capture-jobs-work-who job",
    "system tests-capture-jobs-work-who-awaited job",
]


def test_one_process(queue: Queue, valkey: Any) -> None:
    """A worker that runs every job in its own process remembers none."""
    jobs = enqueued(queue)
    SimpleWorker([queue], connection=valkey, job_class=ActivityJob).work(burst=True)
    assert [job.return_value() for job in jobs] == OUTCOMES
    assert stated() is None


@pytest.mark.parametrize("kind", ["rq.Worker", "rq.SpawnWorker"])
def test_processes(queue: Queue, broker: str, kind: str) -> None:
    """So do workers that fork, or start, a process for each job."""
    jobs = enqueued(queue) if kind == "rq.Worker" else enqueued(queue)[:1]
    options = ["--burst", "--quiet", "--url", broker, "--job-class", JOB_CLASS, "--worker-class", kind]
    assert begin(["rq.cli", "worker", *options, "--max-jobs", str(len(jobs))]).wait(60) == 0
    assert [job.return_value() for job in jobs] == OUTCOMES[: len(jobs)]


def test_callbacks(queue: Queue, valkey: Any) -> None:
    """What follows a job acts as its asker too."""
    callbacks.clear()
    with acting_as(ANNA):
        queue.enqueue(work.who, on_success=Callback(noted))
        queue.enqueue(work.fail, on_failure=Callback(noted))
    queue.enqueue(work.who, on_success=Callback(noted))
    SimpleWorker([queue], connection=valkey, job_class=ActivityJob).work(burst=True)
    assert callbacks == [HERS, HERS, "system tests-capture-jobs-work-who job"]


def test_a_meta_that_does_not_read(queue: Queue, valkey: Any) -> None:
    """It makes nobody an actor: the job fails."""
    job = queue.enqueue(work.who, meta={META: '{"actor": {"kind": "person"}, "role": "admin"}'})
    SimpleWorker([queue], connection=valkey, job_class=ActivityJob).work(burst=True)
    assert FailedJobRegistry(queue=queue).get_job_ids() == [job.id]


def test_without_the_class(valkey: Any) -> None:
    """The control: RQ's own class carries nobody, and what a job leaves open acts in the next one."""
    queue = Queue(connection=valkey)
    with acting_as(ANNA):
        jobs = [queue.enqueue(work.who), queue.enqueue(work.leave_open), queue.enqueue(work.who)]
        with acting_as(BOB):  # so that nothing stays behind in this process
            SimpleWorker([queue], connection=valkey).work(burst=True)
    assert [job.return_value() for job in jobs] == ["person u-42 job", "person u-99 job", "person u-99 job"]
