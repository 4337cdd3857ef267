"""Slow and endless senders are hung up on, and nobody else waits for them.

The limits are the usual ones, of ten seconds and more; the server's clock is put forward, so that nobody waits.
"""

import gzip
import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.web.conftest import ORG, PLENTY, Served, wire
from tests.web.forward import ForwardLoop

from trailbook.web.http.slow_clients import LAST_SECONDS

HEAD, BODY, IDLE = PLENTY.header_seconds, PLENTY.request_seconds, PLENTY.idle_seconds


@pytest.fixture(scope="module")
def loop() -> ForwardLoop:
    """The loop of the server."""
    return ForwardLoop()


@pytest.fixture(scope="module")
def hasty(serve: Callable[..., Served], loop: ForwardLoop) -> Served:
    """A server whose seconds pass when they are answer to."""
    assert HEAD < BODY < IDLE
    return serve(loop=loop)


@contextmanager
def line(served: Served) -> Iterator[socket.socket]:
    """A bare connection."""
    parts = urlsplit(served.base_url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=60) as connection:
        yield connection


def rest(connection: socket.socket, loop: ForwardLoop) -> bytes:
    """Everything until the server hangs up, while time passes."""
    pieces = []
    for _ in range(1000):
        if not select.select([connection], [], [], 0.02)[0]:
            loop.forward(HEAD / 2)
        elif piece := connection.recv(65536):
            pieces.append(piece)
        else:
            return b"".join(pieces)
    raise AssertionError("the server never hung up")


def post(served: Served, length: int, path: str = "entries", key: str = "") -> bytes:
    """The head of a request that records."""
    return (
        f"POST /api/v1/orgs/{ORG}/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key or served.keys['both']}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def is_served(served: Served) -> bool:
    """Whether somebody else is answered."""
    return httpx.get(f"{served.base_url}/healthz").status_code == 200


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b"])
def test_a_head_that_does_not_come(hasty: Served, loop: ForwardLoop, begun: bytes) -> None:
    """408 and hung up on; meanwhile others are served."""
    with line(hasty) as slow:
        slow.sendall(begun)
        assert is_served(hasty)
        answer = rest(slow, loop)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert refused(answer)["code"] == "request-timeout"


def test_a_head_that_comes_drop_by_drop(hasty: Served, loop: ForwardLoop) -> None:
    """Slow loris: a byte now and then buys no more time, on as many connections as one pleases."""
    with line(hasty) as first, line(hasty) as second:
        for connection in (first, second):
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        for _ in range(20):
            try:
                for connection in (first, second):
                    connection.sendall(b"X-A: b\r\n")
            except (BrokenPipeError, ConnectionResetError):
                break
            assert is_served(hasty)
            loop.forward(HEAD / 5)
        else:
            raise AssertionError("the server listened for four times as long as it should")


def test_a_head_that_does_not_end(hasty: Served, loop: ForwardLoop) -> None:
    """431 and hung up on, once it has 64 KiB; the server holds no more than that."""
    with line(hasty) as endless:
        endless.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        answer = b""
        try:
            for _ in range(10_000):
                endless.sendall(b"X-A: " + b"b" * 1000 + b"\r\n")
            answer = rest(endless, loop)
        except (BrokenPipeError, ConnectionResetError):
            answer = b"HTTP/1.1 431"  # it hung up while we were still sending
        assert answer.startswith(b"HTTP/1.1 431")
    assert is_served(hasty)


def refused(answer: bytes) -> dict[str, str]:
    """The problem that an answer below the application is; its fields are those of every answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert fields[b"content-type"] == b"application/problem+json"
    assert fields[b"content-length"] == str(len(body)).encode()
    assert (fields[b"connection"], fields[b"cache-control"]) == (b"close", b"no-store")
    problem: dict[str, str] = json.loads(body)
    assert fields[b"x-request-id"].decode() == problem["request_id"]
    return problem


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4^C4:,\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHo st: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_is_no_request(hasty: Served, loop: ForwardLoop, sent: bytes) -> None:
    """400 as a problem that carries nothing of what was sent, and hung up on."""
    with line(hasty) as other:
        other.sendall(sent)
        answer = rest(other, loop)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    problem = refused(answer)
    assert problem["code"] == "malformed"
    assert problem["type"] == f"{hasty.base_url}/problems/malformed"
    assert "nonsense" not in problem["detail"]
    assert is_served(hasty)


@pytest.mark.parametrize("path", ["entries", "entries/batch", "exports"])
def test_a_body_that_does_not_come(hasty: Served, loop: ForwardLoop, path: str) -> None:
    """408 as a problem, and hung up on; nothing is recorded of the half that came."""
    if path == "exports":
        hasty.keys["both"] = hasty.deployment.credentials.new_key(ORG, "E", ("record", "read", "export"))[1]
    with line(hasty) as slow:
        slow.sendall(post(hasty, 500, path) + b"{")
        assert is_served(hasty)
        answer = rest(slow, loop)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close" in head.lower()
    assert json.loads(body)["code"] == "request-timeout"


def test_in_time(hasty: Served, loop: ForwardLoop) -> None:
    """The control: a head and a body in pieces, sent in time, are read; then another on the same connection."""
    body = json.dumps(wire()).encode()
    with line(hasty) as connection:
        for _ in range(2):
            sent = post(hasty, len(body)) + body
            for piece in (sent[:20], sent[20:200], sent[200:-20], sent[-20:]):
                connection.sendall(piece)
                loop.forward(HEAD / 6)
            answer = b""
            while b'"state"' not in answer:
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 201")


def test_between_two_requests(hasty: Served, loop: ForwardLoop) -> None:
    """A connection that nobody uses is closed; longer than a head may take, it is kept."""
    with line(hasty) as idle:
        for seconds in (HEAD * 1.5, 0):
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += idle.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
            loop.forward(seconds)
        assert rest(idle, loop) == b""


def test_a_body_that_nobody_reads(hasty: Served, loop: ForwardLoop) -> None:
    """What is refused at its head is not read to its end: a gigabyte that was announced is hung up on."""
    with line(hasty) as large:
        large.sendall(post(hasty, 1_000_000_000) + b"{")
        answer = rest(large, loop)
    assert answer.startswith(b"HTTP/1.1 413")
    assert is_served(hasty)


def pushed(connection: socket.socket, most: int, *, piece: bytes = bytes(65536), pause: float = 0) -> int:
    """How many bytes could be sent, at most so many, until it was hung up on."""
    sent = 0
    try:
        while sent < most:
            sent += connection.send(piece)
            time.sleep(pause)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return sent


def heard(connection: socket.socket) -> bytes:
    """Everything that arrived until the connection ended or broke."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


@pytest.mark.parametrize(("path", "status"), [("entries/batch", 413), ("entries", 413), ("live", 405)])
def test_a_refused_body_is_not_read_on(served: Served, path: str, status: int) -> None:
    """Whoever pushes a gigabyte that is refused hears so, and is hung up on within what the buffers hold."""
    with line(served) as large:
        large.sendall(post(served, 1_000_000_000, path))
        assert pushed(large, 512 << 20) < 64 << 20
        answer = heard(large)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close" in answer.lower()
    assert is_served(served)


def test_a_body_past_its_share_is_not_read_on(served: Served, monkeypatch: Any) -> None:
    """429 and 503 too, which are answered in the middle of a body; the control has room, and is read whole."""
    bodies, length = served.app.state.bodies, 16 << 20
    for limit, status in (("_share", 429), ("_room", 503)):
        with monkeypatch.context() as patch, line(served) as large:
            patch.setattr(bodies, limit, 1 << 20)
            large.sendall(post(served, length, "entries/batch"))
            pushed(large, length)
            answer = heard(large)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert b"\r\nconnection: close" in answer.lower()
        assert b"\r\nretry-after: " in answer.lower()
    with line(served) as whole:
        whole.sendall(post(served, length, "entries/batch"))
        assert pushed(whole, length) == length
        assert whole.recv(100).startswith(b"HTTP/1.1 400")


def test_a_refused_body_that_comes_slowly(hasty: Served, loop: ForwardLoop) -> None:
    """After a second nobody listens any more, however little came."""
    with line(hasty) as slow:
        slow.sendall(post(hasty, 1_000_000_000) + b"{")
        assert heard(slow).startswith(b"HTTP/1.1 413")
        slow.send(b"x")
        loop.forward(LAST_SECONDS)
        assert pushed(slow, 1000, piece=b"x", pause=0.01) < 1000


def test_a_small_refused_body_that_comes_later(hasty: Served, loop: ForwardLoop) -> None:
    """What is as good as there is waited for, for a second: the connection goes on, and else it ends."""
    with line(hasty) as connection:
        for late in (b"", b"[]", b"[]"):
            connection.sendall(late + post(hasty, 2, "entries/batch", "tb_aaaaaaaaaaaaa_wrong"))
            answer = b""
            while b'"request_id"' not in answer:
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 401")
            assert b"connection: close" not in answer.lower()
        loop.forward(LAST_SECONDS)
        assert heard(connection) == b""


def test_a_refused_body_that_is_there(hasty: Served) -> None:
    """The control: what was read whole and refused is answered on a connection that goes on."""
    with line(hasty) as connection:
        for _ in range(2):
            connection.sendall(post(hasty, 2) + b"{}")
            answer = b""
            while b'"request_id"' not in answer:
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 422")
            assert b"connection: close" not in answer.lower()


def test_a_body_that_is_refused_while_it_is_sent(hasty: Served) -> None:
    """Whoever sends it to its end all the same reads why: the answer was lost in a connection reset."""
    size = 17 * 1024 * 1024
    for _ in range(5):
        with line(hasty) as large:
            large.sendall(post(hasty, size) + b" " * size)
            answer = heard(large)
        assert answer.startswith(b"HTTP/1.1 413")
        assert answer.endswith(b"}")


def test_a_stream_is_not_hung_up_on(hasty: Served, loop: ForwardLoop) -> None:
    """An answer may take as long as it pleases: only requests are late."""
    headers = {"Authorization": f"Bearer {hasty.keys['both']}"}
    with httpx.stream("GET", f"{hasty.api}/live", headers=headers, timeout=60) as live:
        pieces = live.iter_raw()
        assert next(pieces).startswith(b": open")
        loop.forward(2 * IDLE)
        packed = gzip.compress(json.dumps(wire()).encode())
        more = {**headers, "Content-Type": "application/json", "Content-Encoding": "gzip"}
        assert httpx.post(f"{hasty.api}/entries", content=packed, headers=more).status_code == 201
        assert any(b"event: entry" in piece for piece in pieces)  # signs of life may come before it
