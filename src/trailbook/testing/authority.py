"""A local timestamping authority (RFC 3161) made with `openssl`, for tests: its root, its certificates, its server.

Owns real keys and real tokens in a folder of the test. Refuses to be skipped: where `openssl` is missing, tests fail.
"""

import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
CA = """[ca]
default_ca = c
[c]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = p
[p]
commonName = supplied
"""
TSA = """[t]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
ess_cert_id_alg = sha256
"""
PURPOSES = {
    "tsa": "critical,timeStamping",
    "expired": "critical,timeStamping",
    "web": "serverAuth",
    "lax": "timeStamping",
}
FIELD = "%Y%m%d%H%M%SZ"


def openssl(folder: Path, *words: str) -> None:
    """Run openssl in a folder; it is needed, so it is not skipped where it is missing."""
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())


def openssl_agrees(folder: Path, token: bytes, note: bytes, *more: str) -> bool:
    """Whether `openssl ts -verify` accepts a token over a note, by the root in the folder."""
    (folder / "seen.der").write_bytes(token)
    (folder / "seen").write_bytes(note)
    words = ["-token_in", "-in", "seen.der", "-data", "seen", "-CAfile", "root.pem", *more]
    done = subprocess.run(["openssl", "ts", "-verify", *words], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def new_authority(folder: Path) -> Path:
    """A root in `folder`, and certificates by it: of an authority, of one that expired, for other uses."""
    folder.mkdir()
    openssl(folder, "req", "-x509", *KEY, "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Root")
    (folder / "ca.cnf").write_text(CA)
    (folder / "index").write_text("")
    (folder / "serial").write_text("01\n")
    (folder / "sha256.cnf").write_text(TSA.format(digests="sha256"))
    (folder / "sha512.cnf").write_text(TSA.format(digests="sha512"))
    now = datetime.now(UTC)
    for name, purpose in PURPOSES.items():
        begin, end = (-400, -30) if name == "expired" else (-1, 365)
        dates = [(now + timedelta(days=days)).strftime(FIELD) for days in (begin, end)]
        (folder / "ext").write_text(f"extendedKeyUsage = {purpose}\nkeyUsage = critical,digitalSignature\n")
        request = ["-keyout", f"{name}.key", "-out", "csr", "-subj", f"/CN=Stamps of {name}"]
        openssl(folder, "req", *KEY, *request)
        signer = ["-cert", "root.pem", "-keyfile", "root.key", "-extfile", "ext"]
        limits = ["-startdate", dates[0], "-enddate", dates[1]]
        openssl(
            folder,
            "ca",
            "-batch",
            "-notext",
            "-config",
            "ca.cnf",
            *signer,
            *limits,
            "-in",
            "csr",
            "-out",
            f"{name}.pem",
        )
    return folder


def reply(folder: Path, query: bytes, *, signer: str = "tsa", digests: str = "sha256") -> bytes:
    """The answer of the authority in a folder to a request."""
    (folder / "query").write_bytes(query)
    by = ["-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-out", "reply"]
    openssl(folder, "ts", "-reply", "-config", f"{digests}.cnf", "-section", "t", "-queryfile", "query", *by)
    return (folder / "reply").read_bytes()


def token_over(folder: Path, note: bytes, signer: str = "tsa") -> bytes:
    """A token over a note, made with openssl alone."""
    (folder / "note").write_bytes(note)
    openssl(folder, "ts", "-query", "-data", "note", "-sha256", "-cert", "-out", "question")
    (folder / "answer").write_bytes(reply(folder, (folder / "question").read_bytes(), signer=signer))
    openssl(folder, "ts", "-reply", "-in", "answer", "-token_out", "-out", "token")
    return (folder / "token").read_bytes()


class Server(ThreadingHTTPServer):
    """Answers each request with what `answer` makes of it, or with the status it gives; ends with `end`."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.ended = threading.Event()
        self.queries: list[bytes] = []
        self.answer: Callable[[bytes], Iterable[bytes] | int] = lambda query: [reply(folder, query)]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/tsa"

    def hang(self, query: bytes) -> int:
        """Answer nothing until the test is over."""
        self.ended.wait()
        return 500

    def drip(self, query: bytes) -> Iterator[bytes]:
        """Answer drop by drop until the test is over."""
        while not self.ended.wait(0.01):
            yield b"0"


class Handler(BaseHTTPRequestHandler):
    """Speaks RFC 3161 over HTTP for a Server."""

    server: Server

    def do_POST(self) -> None:
        """Answer one request."""
        query = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.queries.append(query)
        answer = self.server.answer(query)
        with suppress(ConnectionError):  # whoever asked may have gone
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Location", self.server.url + "/elsewhere")
            self.end_headers()
            for piece in () if isinstance(answer, int) else answer:
                self.wfile.write(piece)

    def log_message(self, *_words: object) -> None:
        """Say nothing on stderr."""


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """The authority of a folder behind HTTP on this machine."""
    server = Server(folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
