"""Behind a real nginx with TLS, as the page on proxies has it: addresses, cookies, forms, streams, large bodies."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec import Struct
from requirements.nginx import nginx
from tests.cli.conftest import Folder, serving
from tests.web.conftest import ANNA, BOB, WEB

from trailbook import Deployment, Item, Log, open_deployment
from trailbook.access import Scope, operator
from trailbook.query import Query

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "proxy.md"
ORG, PERSON = "main", Item(type="user", id="u-17", name="Anna Berg")
HOST, SITE = "log.example", "https://log.example"
CLIENT, FORGED = "127.0.0.2", "198.51.100.66"  # another address than the proxy's, which nginx sees
LARGEST = 16 * 1024 * 1024
_CONF = """
daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {servers}
}}
"""


def block(kind: str) -> str:
    """The one block of the page of a kind, as it stands there."""
    (text,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return str(text)


def put(text: str, **places: str) -> str:
    """A text with its placeholders filled; each has to stand there, by the value that the page has for it."""
    for old, new in ((_PAGE[name], value) for name, value in places.items()):
        assert old in text, f"{old!r} does not stand on the page"
        text = text.replace(old, new)
    return text


_PAGE = {
    "listen": "listen 443 ssl",
    "certificate": "/etc/ssl/log.example.pem",
    "key": "/etc/ssl/private/log.example.key",
    "upstream": "http://127.0.0.1:8750",
    "address": "X-Forwarded-For $remote_addr",
}


class Front(Struct, frozen=True):
    """A site behind nginx: its log, as opened beside the server, the port of nginx, and the certificate."""

    deployment: Deployment
    port: int
    certificate: Path

    @property
    def log(self) -> Log:
        return self.deployment.log(ORG)

    @contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        """A client at another address than the proxy's, which goes to nginx whatever host it asks for."""
        trust = ssl.create_default_context(cafile=str(self.certificate))
        transport = httpx.HTTPTransport(verify=trust, local_address=CLIENT)
        headers = {"Host": HOST, "X-Forwarded-For": FORGED, "Forwarded": f"for={FORGED}"}
        with httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}", transport=transport, headers=headers, timeout=30
        ) as client:
            client.event_hooks["request"] = [_named]
            yield client

    def key(self, scope: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.deployment.credentials.new_key(ORG, 'x', (scope,))[1]}"}

    def enter(self, client: httpx.Client, **headers: str) -> httpx.Response:
        """Use a new link by its button, as a browser without `Sec-Fetch-Site` does."""
        link = self.deployment.credentials.new_link(ORG, PERSON, "full")
        return client.post("/sign-in", data={"link": link}, headers=headers)

    def last_address(self) -> str | None:
        """Where from the last one signed in, by the log."""
        page = self.log.search(Query(), viewer=operator(ORG), limit=10)
        return next(entry.origin.ip for entry in page.entries if entry.action == "user.signed_in")


def _named(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = HOST


class Fronts(Struct, frozen=True):
    """The page's configuration; the same with a proxy that adds instead of overwriting; and without trust in it."""

    page: Front
    adding: Front
    untrusted: Front


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate that signed itself, and its key."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "site.pem", folder / "site.key"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def free_ports(count: int) -> list[int]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def proxying(folder: Path, servers: Sequence[str], ports: Sequence[int]) -> Iterator[None]:
    """nginx with these servers."""
    command = nginx(Path(sys.prefix) / "nginx")
    assert command is not None, "there is no nginx: make nginx"
    user = "" if os.getuid() else "user root;"
    file = folder / "nginx.conf"
    file.write_text(_CONF.format(user=user, folder=folder, servers="\n".join(servers)))
    with subprocess.Popen([command, "-p", folder, "-c", file, "-e", folder / "error.log"]) as process:
        try:
            for port in ports:
                _wait(process, port, folder / "error.log")
            yield
        finally:
            process.terminate()
            process.wait(20)


def _wait(process: "subprocess.Popen[bytes]", port: int, errors: Path) -> None:
    while True:
        assert process.poll() is None, errors.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return


def begun(path: Path, trusted: bool) -> Folder:
    """A log with the settings of the page, but that tests listen at any port."""
    folder = Folder(path)
    path.mkdir()
    lines = [
        line
        for line in block("toml").splitlines(keepends=True)
        if not line.startswith("listen") and (trusted or not line.startswith("trusted_proxies"))
    ]
    (path / "trailbook.toml").write_text("".join(lines))
    folder.good("init")
    return folder


@pytest.fixture(scope="module")
def fronts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronts]:
    """nginx before two servers of Trailbook, one of which trusts it."""
    path, ports = tmp_path_factory.mktemp("proxy"), free_ports(5)
    certificate, key = certified(path)
    trusting, untrusting = begun(path / "trusting", True), begun(path / "untrusting", False)
    with ExitStack() as running:
        for folder, port in ((trusting, ports[3]), (untrusting, ports[4])):
            running.enter_context(serving(folder, listen=f"127.0.0.1:{port}"))

        def server(port: int, upstream: int, **more: str) -> str:
            more |= {"listen": f"listen 127.0.0.1:{port} ssl", "upstream": f"http://127.0.0.1:{upstream}"}
            return put(block("nginx"), certificate=str(certificate), key=str(key), **more)

        servers = [
            server(ports[0], ports[3]),
            server(ports[1], ports[3], address="X-Forwarded-For $proxy_add_x_forwarded_for"),
            server(ports[2], ports[4]),
        ]
        running.enter_context(proxying(path, servers, ports[:3]))
        opened = [running.enter_context(closing(_opened(folder))) for folder in (trusting, untrusting)]
        behind = zip((opened[0], *opened), ports[:3], strict=True)
        yield Fronts(*(Front(deployment, port, certificate) for deployment, port in behind))


def _opened(folder: Folder) -> Deployment:
    return open_deployment(f"sqlite:///{folder.path}/trailbook.db")


def test_the_address_of_whoever_signed_in(fronts: Fronts) -> None:
    """The client's own, whatever they forged; where the proxy is not trusted the connection's, which is the proxy's."""
    for front, address in ((fronts.page, CLIENT), (fronts.adding, CLIENT), (fronts.untrusted, "127.0.0.1")):
        with front.browser() as client:
            assert front.enter(client, Origin=SITE).status_code == 303
        assert front.last_address() == address


def test_cookies_and_forms(fronts: Fronts) -> None:
    """The cookie is for https alone; forms of the outer site are taken, and of no other."""
    front = fronts.page
    with front.browser() as client:
        for other in ("https://evil.example", f"http://{HOST}", f"http://127.0.0.1:{front.port}"):
            assert front.enter(client, Origin=other).status_code == 403
        entered = front.enter(client, Origin=SITE)
        assert (entered.status_code, "; Secure; HttpOnly" in entered.headers["set-cookie"]) == (303, True)
        assert entered.headers["strict-transport-security"] == "max-age=63072000"
        cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
        assert client.get("/orgs/main/activity?category=roles", headers=cookie).status_code == 200
        assert (
            client.post("/sign-out", headers={**cookie, "Origin": "https://evil.example"}).status_code == 403
        )
        assert client.post("/sign-out", headers={**cookie, "Origin": SITE}).status_code == 303
        assert client.get("/orgs/main/activity", headers=cookie).status_code == 401


def test_a_live_stream_arrives_as_it_is_made(fronts: Fronts) -> None:
    """What is recorded while a stream is open comes through before the stream has an end."""
    front = fronts.page
    with (
        front.browser() as client,
        client.stream(
            "GET", "/api/v1/orgs/main/live?action=role.assigned", headers=front.key("read")
        ) as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        role = Item(type="role", id="r-3", name="Manager")
        receipt = front.log.record(
            "role.assigned", actor=ANNA, target=role, concerns={"member": BOB}, origin=WEB
        )
        line = next(line for line in stream.iter_lines() if line.startswith("data: {"))
    assert json.loads(line.removeprefix("data: "))["seq"] == receipt.seq


def test_a_body_that_is_too_large_is_refused_by_trailbook(fronts: Fronts) -> None:
    """nginx lets it through, and Trailbook says why it does not; the control is one that just fits."""
    front = fronts.page
    sent = front.key("record") | {"Content-Type": "application/json"}
    with front.browser() as client:
        for size, status, code in ((LARGEST + 1, 413, "batch-too-large"), (LARGEST, 400, "malformed")):
            answer = client.post(
                "/api/v1/orgs/main/entries/batch", content=b"[" + b" " * (size - 1), headers=sent
            )
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status_code, answer.json()["code"]) == (status, code)
