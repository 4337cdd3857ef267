"""A call as it goes over a real socket: what is sent, what ends it, and who is never reached."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from trailbook.errors import CallFailedError
from trailbook.outgoing import Call, CallLimits, Reply, parse_address, parse_place, post
from trailbook.testing.authority import openssl

LONG, SHORT = CallLimits(), CallLimits(seconds=0.5, answer=1000)


class Server(ThreadingHTTPServer):
    """Answers with what `answer` does to a handler; keeps what it was sent."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.sent: list[tuple[str, dict[str, str], bytes]] = []
        self.ended = threading.Event()
        self.answer: Callable[[Any], None] = lambda handler: handler.reply(200, b"well")
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}=127.0.0.1/32"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sent.append((self.path, dict(self.headers), body))
        self.server.answer(self)

    def reply(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "text/plain; charset=utf-8"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        """Say nothing on stderr."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(context)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever asked has gone, as it should
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def ask(server: Server, limits: CallLimits = LONG, path: str = "/w/add") -> Reply:
    call = Call(parse_address(f"http://127.0.0.1:{server.server_port}{path}"), b"asked", "text/plain")
    return post(call, [parse_place(server.place)], limits)


def test_a_call_says_what_it_was_given_and_nothing_of_who_asks(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes by way of no proxy either."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask(server) == Reply(200, "text/plain", b"well")
    ((path, headers, body),) = server.sent
    assert (path, body) == ("/w/add", b"asked")
    assert headers == {
        "Host": f"127.0.0.1:{server.server_port}",
        "Content-Type": "text/plain",
        "User-Agent": "trailbook",
        "Connection": "close",
        "Content-Length": "5",
        "Accept-Encoding": "identity",
    }


def test_a_redirect_is_an_answer(server: Server) -> None:
    server.answer = lambda handler: handler.reply(307, b"", Location="/elsewhere")
    assert ask(server).status == 307
    assert len(server.sent) == 1


def test_an_unnamed_private_address_is_not_even_connected_to() -> None:
    """The control: named, it is."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        port = listening.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433"):
            for url in (f"http://{host}:{port}", f"https://{host}:{port}"):
                with pytest.raises(CallFailedError):
                    post(Call(parse_address(url), b"", "text/plain"), (), SHORT)
        with pytest.raises(TimeoutError):
            listening.accept()
        named = [parse_place(f"127.0.0.1:{port}=127.0.0.1/32")]
        with pytest.raises(CallFailedError):
            post(Call(parse_address(f"http://127.0.0.1:{port}"), b"", "text/plain"), named, SHORT)
        listening.accept()[0].close()


def test_a_host_with_a_private_address_among_public_ones_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever comes first: a name that leads to both is somebody's attempt."""
    call = Call(parse_address("https://witness.example"), b"", "text/plain")
    for ips in (("9.9.9.9", "10.0.0.1"), ("10.0.0.1", "9.9.9.9")):
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ips]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, rows=rows, **_k: rows)
        with pytest.raises(CallFailedError, match="is a private address"):
            post(call)


def drip(handler: Any, piece: bytes) -> None:
    while not handler.server.ended.wait(0.05):
        handler.wfile.write(piece)


@pytest.mark.parametrize("where", ["nothing", "head", "body"])
def test_whatever_comes_drop_by_drop_is_over_in_time(server: Server, where: str) -> None:
    def answer(handler: Any) -> None:
        if where == "nothing":
            handler.server.ended.wait()
        elif where == "head":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            drip(handler, b"x")
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            drip(handler, b"x")

    server.answer = answer
    with pytest.raises(CallFailedError, match="did not answer in time"):
        ask(server, SHORT)


def test_an_answer_that_is_too_long_is_refused(server: Server) -> None:
    server.answer = lambda handler: handler.reply(200, bytes(1001))
    with pytest.raises(CallFailedError, match="longer than 1000 bytes"):
        ask(server, SHORT)
    server.answer = lambda handler: handler.reply(200, bytes(1000))
    assert len(ask(server, SHORT).content) == 1000


def test_what_is_no_http_and_nobody_are_named_by_their_kind(server: Server) -> None:
    server.answer = lambda handler: handler.wfile.write(b"<secret>\r\n\r\n")
    with pytest.raises(CallFailedError, match=r"no answer that can be read \(BadStatusLine\)$"):
        ask(server)
    port = server.server_port
    server.server_close()
    with pytest.raises(CallFailedError, match=f"^127.0.0.1:{port}: ") as caught:
        ask(server, path="/a/secret/path")
    assert "secret" not in caught.value.detail
    with pytest.raises(CallFailedError, match="host is not known"):
        post(Call(parse_address("https://nobody.invalid"), b"", "text/plain"))
    with pytest.raises(CallFailedError):
        post(Call(parse_address(f"https://{'a' * 64}.example"), b"", "text/plain"))


def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the authorities of the machine, and for the host that was meant; the control is believed."""
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(tmp_path, "req", "-x509", *key, "-keyout", "k.pem", "-out", "c.pem", "-subj", "/CN=W", *names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    with serving(context) as server:
        port = server.server_port
        places = [
            parse_place(f"{host}:{port}=127.0.0.0/8") for host in ("127.0.0.1", "127.0.0.2", "localhost")
        ]
        call = Call(parse_address(f"https://127.0.0.1:{port}/w"), b"asked", "text/plain")
        with pytest.raises(CallFailedError, match="certificate is not believed"):
            post(call, places)
        assert server.sent == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "c.pem"))
        assert post(call, places).content == b"well"
        named = Call(parse_address(f"https://localhost:{port}/w"), b"asked", "text/plain")
        with pytest.raises(CallFailedError, match="certificate is not believed"):
            post(named, places)
