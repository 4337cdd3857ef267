"""Celery: real workers of every pool act as whoever sent the task, else as the system; a task leaves nobody behind."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import chain
from celery.result import AsyncResult
from redis import Redis
from tests.capture.jobs import celery_host as host
from tests.capture.jobs.conftest import begin
from tests.capture.small import ANNA, BOB

from trailbook.capture import acting_as
from trailbook.capture.actor import stated
from trailbook.capture.jobs.celery import HEADER, connect, disconnect
from trailbook.model import Origin

# How many tasks a worker of each pool runs at once in one process.
POOLS = {"solo": 1, "prefork": 1, "threads": 2, "gevent": 2}
HERS, HIS = "person u-17 job", "person u-42 job"


@pytest.fixture(scope="module")
def workers(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One worker of each pool, each with a queue of its own, all begun at once; beat runs beside the first."""
    host.app.conf.update(broker_url=broker, result_backend=broker)
    connect()
    beat = ["-B", "-s", str(tmp_path_factory.mktemp("beat") / "schedule")]
    processes = {pool: worker(broker, pool, *(beat if pool == "solo" else [])) for pool in POOLS}
    yield broker
    for pool, process in processes.items():
        if pool == "gevent":
            process.kill()  # it has no children, and takes seconds to end by itself
        else:
            process.terminate()
    for process in processes.values():
        process.wait(60)
    host.app.close()
    disconnect()


def worker(broker: str, pool: str, *options: str) -> Any:
    """A worker's process."""
    quiet = "--without-gossip --without-mingle --without-heartbeat -l critical".split()
    place = ["-n", pool, "-P", pool, "-c", str(POOLS[pool])]
    arguments = ["celery", "-q", "-A", "tests.capture.jobs.celery_host", "worker", *quiet, *place, *options]
    return begin(arguments, HOST_BROKER=broker, HOST_QUEUE=pool)


class Sender:
    """Whoever sends tasks to the worker of one pool."""

    def __init__(self, queue: str) -> None:
        self.queue = queue

    def send(self, task: Any, *args: Any, **options: Any) -> AsyncResult:
        """Send a task, as whoever acts."""
        return task.apply_async(args, queue=self.queue, **options)

    def sent(self, task: Any, *args: Any, **options: Any) -> Any:
        """What a task returned."""
        return self.send(task, *args, **options).get(timeout=30)

    def nobody(self) -> None:
        """Nobody asks for a task, in as many as the pool has room for: it is the system's, named after the task."""
        results = [self.send(host.who) for _ in range(2 * POOLS[self.queue])]
        assert {result.get(timeout=30) for result in results} == {"system host-who job"}


@pytest.mark.parametrize("pool", POOLS)
def test_pools(workers: str, pool: str) -> None:
    """Two people and nobody; tasks leave blocks open, fail, try again, send others, are ignored, rejected, expired."""
    sender = Sender(pool)
    sender.nobody()
    with acting_as(ANNA, origin=Origin(interface="web")):
        assert sender.sent(host.who) == HERS
        assert sender.sent(host.leave_open) == "person u-99 job"
        with acting_as(BOB):
            assert sender.sent(host.who) == HIS
    sender.nobody()
    with acting_as(ANNA):
        failed = sender.send(host.fail)
        with pytest.raises(LookupError):
            failed.get(timeout=30)
        sender.send(host.ignore)
        sender.send(host.reject)
        expired = sender.send(host.who, expires=datetime.now(UTC) - timedelta(hours=1))
        assert sender.sent(host.again) == HERS
        assert sender.sent(host.run_coroutine) == HERS
        if pool != "gevent":  # whose threads are one, in which a second loop does not run
            assert sender.sent(host.share_loop) == HERS
        following = chain(host.who.si().set(queue=pool), host.both.s().set(queue=pool)).apply_async()
        assert following.get(timeout=30) == [HERS, HERS]
        mine, other = sender.sent(host.send_on)
        assert (mine, AsyncResult(other, app=host.app).get(timeout=30)) == (HERS, HERS)
    sender.nobody()
    assert expired.state == "REVOKED"
    assert sender.sent(host.again) == "system host-again job"
    assert sender.sent(host.run_coroutine) == "system host-run-coroutine job"


@pytest.mark.parametrize("pool", POOLS)
def test_what_goes_on_after_a_task(workers: str, pool: str) -> None:
    """A thread that a task leaves behind, with its context, acts as the system once the task has ended."""
    with acting_as(ANNA):
        assert Sender(pool).sent(host.go_on, f"late-{pool}") == HERS
    with Redis.from_url(workers) as client:
        _, text = client.blpop([f"late-{pool}"], timeout=30)  # type: ignore[misc]
    assert text.decode().startswith("system ")


@pytest.mark.parametrize("pool", [pool for pool, room in POOLS.items() if room == 2])
def test_two_tasks_at_once(workers: str, pool: str) -> None:
    """Two people's tasks that wait for each other in one process keep their actors apart."""
    sender = Sender(pool)
    with acting_as(ANNA):
        hers = sender.send(host.meet, f"anna-{pool}", f"bob-{pool}")
    with acting_as(BOB):
        his = sender.send(host.meet, f"bob-{pool}", f"anna-{pool}")
    assert (hers.get(timeout=30), his.get(timeout=30)) == ([HERS] * 2, [HIS] * 2)
    sender.nobody()


def test_beat(workers: str) -> None:
    """What beat asks for nobody asked for: it is the system's, named after the task."""
    with Redis.from_url(workers) as client:
        _, text = client.blpop(["noted"], timeout=30)  # type: ignore[misc]
    assert text == b"system host-note job"


def test_a_header_that_does_not_read(workers: str) -> None:
    """It makes nobody an actor: the task is the system's."""
    headers = {HEADER: '{"actor": {"kind": "person", "type": "user", "id": "1"}, "role": "admin"}'}
    assert Sender("solo").sent(host.who, headers=headers) == "system host-who job"


def test_eager() -> None:
    """A task that runs where it was asked for acts as whoever acts there, who then acts on as before."""
    origin = Origin(interface="web")
    connect()
    with acting_as(ANNA, origin=origin):
        assert host.who.apply().get() == HERS
        assert host.leave_open.apply().get() == "person u-99 job"
        assert host.fail.apply().state == "FAILURE"
        acting = stated()
        assert acting is not None
        assert (acting.actor, acting.origin) == (ANNA, origin)
    assert host.who.apply().get() == "system host-who job"
    disconnect()


def test_without_the_hooks() -> None:
    """The control: what a task leaves open acts in the next one, unless `connect` was called."""
    disconnect()
    with acting_as(ANNA):  # so that nothing stays behind in this process
        host.leave_open.apply()
        assert host.who.apply().get() == "person u-99 job"
