"""WSGI: a request's actor acts in all that its answer needs, from the request's own address, and no longer."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from threading import Barrier, Thread
from typing import Any
from wsgiref.validate import validator

import httpx
import pytest
from msgspec import structs
from tests.capture.small import ANNA, BOB
from werkzeug.serving import make_server
from werkzeug.test import Client
from werkzeug.wrappers import Response

from trailbook.capture import current
from trailbook.capture.actor import stated
from trailbook.capture.wsgi import ActivityMiddleware
from trailbook.errors import EntryInvalidError
from trailbook.model import Origin

PEOPLE = {"anna": ANNA, "bob": BOB}


def who() -> str:
    """Whoever acts now, or "nobody"."""
    return "nobody" if stated() is None else current().actor.id


def find_actor(environ: dict[str, Any]) -> Any:
    """The person whom a request names."""
    return PEOPLE.get(environ.get("HTTP_X_USER", ""))


class Pieces:
    """An answer in pieces that keeps what it saw, and the context that it was made in."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.seen: list[str] = []
        self.carried: Context | None = None

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.seen.append(who())
        self.carried = copy_context()
        if self.fails:
            raise LookupError("no such absence")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(2):
            self.seen.append(who())
            yield who().encode()

    def close(self) -> None:
        """What a server calls at the end."""
        self.seen.append(who())


def test_an_answer() -> None:
    """App, pieces and close act as who asked; between them, and for what was left behind, nobody does."""
    app = Pieces()
    host = validator(ActivityMiddleware(validator(app), actor=find_actor))
    answer = Client(host, Response).get("/", headers={"X-User": "anna"})
    assert answer.data == b"u-17u-17"
    answer.close()
    assert app.seen == ["u-17"] * 4
    assert app.carried is not None
    assert (app.carried.run(who), who()) == ("nobody", "nobody")


def test_an_answer_that_is_not_closed() -> None:
    """It leaves nobody behind in the server's thread, and neither does an app that fails."""
    app = Pieces()
    environ: dict[str, Any] = {"HTTP_X_USER": "anna"}
    assert next(iter(ActivityMiddleware(app, actor=find_actor)(environ, lambda *given: None))) == b"u-17"
    assert who() == "nobody"
    failing = Pieces(fails=True)
    with pytest.raises(LookupError):
        ActivityMiddleware(failing, actor=find_actor)(environ, lambda *given: None)
    assert failing.carried is not None
    assert (failing.seen, failing.carried.run(who), who()) == (["u-17"], "nobody", "nobody")


def test_where_from() -> None:
    """Address, user agent and trace are read as in ASGI; nobody is the system."""
    seen = []

    def app(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("204 No Content", [])
        seen.append(current())
        return []

    host = ActivityMiddleware(app, actor=find_actor, trusted_proxies=["10.0.0.0/8"], anonymous="kiosk")
    sent = {"User-Agent": "Mozilla/5.0", "X-Forwarded-For": "203.0.113.9", "X-Request-ID": "r-1"}
    Client(host, Response).get("/", headers=sent, environ_base={"REMOTE_ADDR": "10.0.0.1"})
    Client(host, Response).get("/", environ_base={"REMOTE_ADDR": ""})
    first, second = seen
    assert first.origin == Origin(interface="web", ip="203.0.113.9", user_agent="Mozilla/5.0")
    assert (first.actor.id, first.correlation) == ("kiosk", "r-1")
    assert second.origin.ip is None


def test_the_host_is_asked_when_the_first_write_asks() -> None:
    """By then the app may have put somebody there; nobody is asked for where nothing is written, or once found."""
    asked: list[str] = []

    def find(environ: dict[str, Any]) -> Any:
        asked.append(environ["PATH_INFO"])
        return environ.get("hr.user")

    def app(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/quiet":
            return []
        before = current().actor.id
        environ["hr.user"] = ANNA
        during = current().actor.id
        environ["hr.user"] = None  # signed out, and it is still her request
        return [f"{before} {during} {current().actor.id}".encode()]

    client = Client(ActivityMiddleware(app, actor=find), Response)
    assert client.get("/quiet").data == b""
    assert client.get("/").data == b"web u-17 u-17"
    assert asked == ["/", "/"]


def test_an_actor_whom_no_log_would_take_is_refused_where_they_would_act() -> None:
    """The control is a request that writes nothing."""
    app = Pieces()
    host = ActivityMiddleware(app, actor=lambda environ: structs.replace(ANNA, id=""))
    with pytest.raises(EntryInvalidError, match="actor/id"):
        Client(host, Response).get("/")
    quiet = ActivityMiddleware(Response("done"), actor=lambda environ: structs.replace(ANNA, id=""))
    assert Client(quiet, Response).get("/").data == b"done"


def test_two_requests_at_once() -> None:
    """In a real server two people's requests that wait for each other keep their actors apart."""
    met = Barrier(2, timeout=30)

    def app(environ: Any, start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        before = who()
        met.wait()
        yield f"{before} {who()}".encode()

    server = make_server("127.0.0.1", 0, ActivityMiddleware(app, actor=find_actor), threaded=True)
    serving = Thread(target=server.serve_forever)
    serving.start()

    def ask(user: str) -> str:
        return httpx.get(f"http://127.0.0.1:{server.port}/", headers={"X-User": user}).text

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, PEOPLE)) == ["u-17 u-17", "u-42 u-42"]
    server.shutdown()
    serving.join()
    server.server_close()
