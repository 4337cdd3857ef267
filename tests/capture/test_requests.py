"""Requests of real frameworks: their actor acts as long as they run, in all that runs for them, and no longer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from litestar.testing import TestClient
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from tests.capture.small import ANNA, BOB

from trailbook.capture import acting_as, current
from trailbook.capture.actor import stated
from trailbook.capture.asgi import ActivityMiddleware
from trailbook.errors import MisplacedBlockError

PEOPLE = {b"anna": ANNA, b"bob": BOB}
seen: list[str] = []


def who() -> str:
    """Whoever acts now, or "nobody"."""
    return "nobody" if stated() is None else current().actor.id


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen.clear()


def find_actor(scope: Any) -> Any:
    """The person whom a request names."""
    return PEOPLE.get(dict(scope["headers"]).get(b"x-user", b""))


class Host:
    """A Starlette app with whatever a request can begin."""

    def __init__(self) -> None:
        self.met = asyncio.Barrier(2)
        self.ended = asyncio.Event()
        self.tasks: list[asyncio.Task[str]] = []
        paths = [self.meet, self.stream, self.later, self.begin]
        routes = [Route(f"/{path.__name__}", path) for path in paths]
        app = Starlette(routes=[*routes, WebSocketRoute("/socket", self.socket)], lifespan=self.lifespan)
        self.app = ActivityMiddleware(app, actor=find_actor)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Start and stop."""
        seen.append(f"start {who()}")
        yield
        seen.append(f"stop {who()}")

    async def meet(self, request: Request) -> PlainTextResponse:
        """Answer when another request is as far."""
        before = who()
        await self.met.wait()
        threaded = await asyncio.to_thread(who)
        return PlainTextResponse(f"{before} {who()} {threaded}")

    async def stream(self, request: Request) -> StreamingResponse:
        """Answer in pieces, from a plain generator, which runs in a thread pool."""

        def pieces() -> Iterator[str]:
            for _ in range(3):
                yield f"{who()} "

        return StreamingResponse(pieces())

    async def later(self, request: Request) -> PlainTextResponse:
        """Answer, and do something afterwards."""
        return PlainTextResponse(who(), background=BackgroundTask(lambda: seen.append(who())))

    async def begin(self, request: Request) -> PlainTextResponse:
        """Begin a task that goes on after the answer."""

        async def go_on() -> str:
            await self.ended.wait()
            return who()

        self.tasks.append(asyncio.create_task(go_on()))
        return PlainTextResponse(who())

    async def socket(self, socket: WebSocket) -> None:
        """Say who acts, as often as asked."""
        await socket.accept()
        for _ in range(2):
            await socket.send_text(f"{await socket.receive_text()} {who()}")
        await socket.close()


async def asked(client: AsyncClient, path: str, user: str) -> str:
    """What a user's request was answered."""
    return (await client.get(path, headers={"X-User": user})).text


def test_two_requests_at_once() -> None:
    """Requests that wait for each other keep their actors apart, in threads too; a task left behind is nobody's."""

    async def run() -> tuple[list[str], str]:
        host = Host()
        async with AsyncClient(transport=ASGITransport(app=host.app), base_url="http://host") as client:
            answers = await asyncio.gather(asked(client, "/meet", "anna"), asked(client, "/meet", "bob"))
            answers.append(await asked(client, "/begin", "anna"))
            host.ended.set()
            late = await host.tasks[0]
        return answers, late

    assert asyncio.run(run()) == (["u-17 u-17 u-17", "u-42 u-42 u-42", "u-17"], "nobody")


def test_all_that_runs_for_a_request() -> None:
    """Streams, background tasks and sockets act as who asked; the start and stop of the app are nobody's."""
    with TestClient(Host().app) as client:
        client.headers["X-User"] = "anna"
        assert client.get("/stream").text.split() == ["u-17"] * 3
        assert client.get("/later").text == "u-17"
        with client.websocket_connect("/socket") as socket:
            for word in ("first", "second"):
                socket.send_text(word)
                assert socket.receive_text() == f"{word} u-17"
    assert seen == ["start nobody", "u-17", "stop nobody"]


async def as_bob() -> AsyncIterator[None]:
    """A dependency that says who acts."""
    with acting_as(BOB):
        yield


def as_bob_in_a_thread() -> Iterator[None]:
    """The same as a plain generator, which FastAPI begins and ends in a thread pool."""
    with acting_as(BOB):
        yield


def test_dependencies() -> None:
    """An awaited dependency holds for its endpoint; a plain one holds nowhere, and says so."""
    app = FastAPI()

    @app.get("/awaited")
    async def _awaited(_: Annotated[None, Depends(as_bob)]) -> str:
        return who()

    @app.get("/awaited-in-a-thread")
    def _threaded(_: Annotated[None, Depends(as_bob)]) -> str:
        return who()

    @app.get("/plain")
    def _plain(_: Annotated[None, Depends(as_bob_in_a_thread)]) -> str:
        seen.append(who())
        return who()

    with TestClient(ActivityMiddleware(app, actor=find_actor)) as client:
        client.headers["X-User"] = "anna"
        assert [client.get(path).json() for path in ("/awaited", "/awaited-in-a-thread")] == ["u-42"] * 2
        with pytest.raises(MisplacedBlockError, match="async def"):
            client.get("/plain")
    assert seen == ["u-17"]
