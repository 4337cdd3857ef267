"""Timestamps by an authority (RFC 3161): what is asked, what is refused, and that signing never waits (F25).

The authority is real: `openssl` makes its certificates and its tokens, and gives a second opinion on each verdict.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from trailbook.deployment import Deployment, Signs, open_deployment
from trailbook.errors import AnchorError, ConfigurationError, InvalidError, ProofInvalidError
from trailbook.signer import keep_signing
from trailbook.stores import open_store
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, grow
from trailbook.timestamps import MAX_ANSWER, Stamped, check_stamp, check_url, stamp

NOTE = b"log.example/acme\n300\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\xe2\x80\x94 a c2lnbmVk\n"
GOLDEN = Path(__file__).parent / "golden" / "timestamp"
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
    assert done.returncode == 0, done.stderr.decode()


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
        assert self.headers["Content-Type"] == "application/timestamp-query"
        query = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.queries.append(query)
        found = self.server.answer(query)
        with suppress(ConnectionError):  # whoever asked may have gone
            self.send_response(found if isinstance(found, int) else 200)
            self.send_header("Location", self.server.url + "/elsewhere")
            self.end_headers()
            for piece in () if isinstance(found, int) else found:
                self.wfile.write(piece)

    def log_message(self, *_words: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a local authority."""
    return new_authority(tmp_path_factory.mktemp("authority") / "local")


@pytest.fixture
def server(authority: Path) -> Iterator[Server]:
    """The authority behind HTTP on this machine."""
    found = Server(authority)
    thread = threading.Thread(target=found.serve_forever, args=(0.02,))
    thread.start()
    yield found
    found.ended.set()
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture(scope="module")
def token(authority: Path) -> bytes:
    """A token over NOTE."""
    return token_over(authority, NOTE)


@pytest.fixture(scope="module")
def roots(authority: Path) -> list[bytes]:
    """The root of the authority."""
    return [(authority / "root.pem").read_bytes()]


def token_over(folder: Path, note: bytes, signer: str = "tsa") -> bytes:
    """A token over a note, made with openssl alone."""
    (folder / "note").write_bytes(note)
    openssl(folder, "ts", "-query", "-data", "note", "-sha256", "-cert", "-out", "asked")
    (folder / "answer").write_bytes(reply(folder, (folder / "asked").read_bytes(), signer=signer))
    openssl(folder, "ts", "-reply", "-in", "answer", "-token_out", "-out", "token")
    return (folder / "token").read_bytes()


def test_a_stamp_is_a_token_that_openssl_verifies_too(server: Server, roots: list[bytes]) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    token = stamp(NOTE, server.url)
    found = check_stamp(token, NOTE, roots)
    assert found == Stamped(found.time, "CN=Stamps of tsa")
    assert before <= found.time <= datetime.now(UTC)
    assert openssl_agrees(server.folder, token, NOTE)


def test_only_a_hash_a_nonce_and_the_wish_for_a_certificate_are_sent(server: Server) -> None:
    stamp(NOTE, server.url)
    stamp(NOTE, server.url)
    one, two = server.queries
    assert NOTE[:12] not in one
    assert one != two
    (server.folder / "q").write_bytes(one)
    said = subprocess.run(
        ["openssl", "ts", "-query", "-in", "q", "-text"], cwd=server.folder, capture_output=True, check=True
    )
    assert b"Hash Algorithm: sha256" in said.stdout
    assert b"Certificate required: yes" in said.stdout
    assert b"Nonce: 0x" in said.stdout


def test_a_token_over_another_note_is_refused(authority: Path, token: bytes, roots: list[bytes]) -> None:
    check_stamp(token, NOTE, roots)
    assert openssl_agrees(authority, token, NOTE)
    other = NOTE.replace(b"300", b"301")
    with pytest.raises(ProofInvalidError, match="not over the SHA-256 of this note"):
        check_stamp(token, other, roots)
    assert not openssl_agrees(authority, token, other)


def test_no_flipped_bit_makes_a_token_say_anything_else(token: bytes, roots: list[bytes]) -> None:
    """Each bit is refused but those of three fields that CMS does not sign, which say nothing about note or time."""
    plain, passed = check_stamp(token, NOTE, roots), set()
    for at in range(len(token) * 8):
        flipped = bytearray(token)
        flipped[at // 8] ^= 1 << at % 8
        try:
            assert check_stamp(bytes(flipped), NOTE, roots) == plain
            passed.add(at // 8)
        except ProofInvalidError:
            continue
    ecdsa = token.rindex(
        bytes.fromhex("2a8648ce3d040302")
    )  # the signature algorithm in the signer's own words
    versions = passed - set(range(ecdsa, ecdsa + 8))
    assert len(versions) <= 2
    assert all(token[at - 2 : at] == b"\x02\x01" for at in versions)


def test_a_cut_or_longer_token_is_refused(token: bytes, roots: list[bytes]) -> None:
    for wrong in (b"", token[:-1], token + b"\0", token[1:], b"\x30\x80" + token, bytes(MAX_ANSWER)):
        with pytest.raises(ProofInvalidError, match="no timestamp of RFC 3161"):
            check_stamp(wrong, NOTE, roots)
    check_stamp(token, NOTE, roots)


def test_another_root_is_refused(tmp_path: Path, authority: Path, token: bytes, roots: list[bytes]) -> None:
    other = new_authority(tmp_path / "other")
    wrong = (other / "root.pem").read_bytes()
    with pytest.raises(ProofInvalidError, match="certificate verify error"):
        check_stamp(token, NOTE, [wrong])
    assert not openssl_agrees(other, token, NOTE)
    check_stamp(token, NOTE, [wrong, *roots])
    check_stamp(token, NOTE, [wrong + roots[0]])


@pytest.mark.parametrize(("roots", "says"), [([], "roots: there is none"), ([b"x"], "roots: are not")])
def test_roots_that_are_none_are_named(token: bytes, roots: list[bytes], says: str) -> None:
    with pytest.raises(InvalidError, match=says):
        check_stamp(token, NOTE, roots)


def test_a_certificate_for_another_purpose_stamps_nothing(authority: Path, roots: list[bytes]) -> None:
    """The same root vouches for web servers: what their keys sign is no timestamp, though the chain holds."""
    (authority / "t").write_bytes(token_over(authority, NOTE))
    openssl(authority, "cms", "-verify", "-noverify", "-inform", "DER", "-in", "t", "-out", "said")
    made = {}
    for name in ("tsa", "web", "lax"):
        kind = ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-binary", "-nodetach", "-outform", "DER"]
        by = ["-signer", f"{name}.pem", "-inkey", f"{name}.key", "-md", "sha256"]
        openssl(authority, "cms", "-sign", *kind, *by, "-in", "said", "-out", "forged")
        made[name] = (authority / "forged").read_bytes()
    check_stamp(made["tsa"], NOTE, roots)
    for name in ("web", "lax"):
        with pytest.raises(ProofInvalidError, match="unsuitable certificate purpose"):
            check_stamp(made[name], NOTE, roots)


def test_a_token_made_after_the_certificate_expired_is_refused(authority: Path, roots: list[bytes]) -> None:
    """F25: an authority whose certificate ran out may still have its key; what it stamps then is nothing worth."""
    late = token_over(authority, NOTE, signer="expired")
    with pytest.raises(ProofInvalidError, match="expired"):
        check_stamp(late, NOTE, roots)
    assert not openssl_agrees(authority, late, NOTE)
    check_stamp(token_over(authority, NOTE), NOTE, roots)


def test_a_token_outlives_the_certificate(tmp_path: Path) -> None:
    """F25: made within the twenty seconds of its authority's certificate, which is long over; it still holds."""
    token, note = (GOLDEN / "token.der").read_bytes(), (GOLDEN / "note").read_bytes()
    root = (GOLDEN / "root.pem").read_bytes()
    made = datetime(2026, 11, 22, 22, 31, 56, tzinfo=UTC)
    assert check_stamp(token, note, [root]) == Stamped(made, "CN=Golden timestamps")
    assert check_stamp(token, note, [root], at=made + timedelta(seconds=20)).time == made
    for at in (made + timedelta(seconds=21), made - timedelta(seconds=1)):
        with pytest.raises(ProofInvalidError, match="certificate is not valid at"):
            check_stamp(token, note, [root], at=at)
    with pytest.raises(InvalidError, match="at: needs a time zone"):
        check_stamp(token, note, [root], at=made.replace(tzinfo=None))
    (tmp_path / "root.pem").write_bytes(root)
    assert not openssl_agrees(tmp_path, token, note)
    assert openssl_agrees(tmp_path, token, note, "-attime", str(int(made.timestamp())))


def test_a_replayed_answer_is_refused(server: Server) -> None:
    """An answer to an earlier request about the same note carries that request's nonce."""
    answers: list[bytes] = []
    server.answer = lambda query: answers.append(reply(server.folder, query)) or answers[:1]
    stamp(NOTE, server.url)
    with pytest.raises(ProofInvalidError, match="nonce is not ours"):
        stamp(NOTE, server.url)


def test_an_answer_without_nonce_or_about_another_note_is_refused(server: Server) -> None:
    folder = server.folder
    (folder / "other").write_bytes(b"another note")
    for data, more, says in (
        ("plain", ["-no_nonce"], "nonce is not ours"),
        ("other", [], "not over the SHA-256"),
    ):
        (folder / "plain").write_bytes(NOTE)
        openssl(folder, "ts", "-query", "-data", data, "-sha256", "-cert", *more, "-out", "theirs")
        server.answer = lambda _query: [reply(folder, (folder / "theirs").read_bytes())]
        with pytest.raises(ProofInvalidError, match=says):
            stamp(NOTE, server.url)


def test_a_rejection_is_told(server: Server) -> None:
    server.answer = lambda query: [reply(server.folder, query, digests="sha512")]
    with pytest.raises(ProofInvalidError, match="was not granted; the authority answered status 2"):
        stamp(NOTE, server.url)


@pytest.mark.parametrize("garbage", [b"", b"<html>", bytes.fromhex("30053003020100"), b"\x30\x82\xff\xff"])
def test_garbage_is_no_timestamp(server: Server, garbage: bytes) -> None:
    server.answer = lambda _query: [garbage]
    with pytest.raises(ProofInvalidError, match="no timestamp of RFC 3161"):
        stamp(NOTE, server.url)


@pytest.mark.parametrize(
    ("answer", "says"),
    [(500, "500"), (302, "302"), (307, "307"), ([bytes(MAX_ANSWER + 1)], "longer than 65536 bytes")],
)
def test_an_error_a_redirect_and_an_endless_answer_are_failures(
    server: Server, answer: list[bytes] | int, says: str
) -> None:
    server.answer = lambda _query: answer
    with pytest.raises(AnchorError, match=f"the authority did not answer: .*{says}"):
        stamp(NOTE, server.url)
    assert len(server.queries) == 1


def test_nobody_is_waited_for_long(server: Server) -> None:
    for answer in (server.hang, server.drip):
        server.answer = answer
        with pytest.raises(AnchorError, match="timed out"):
            stamp(NOTE, server.url, seconds=0.2)
    with pytest.raises(AnchorError, match="refused"):
        stamp(NOTE, "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    "url",
    """http://stamps.example/ ftp://stamps.example/ https:// stamps.example https://a:b@stamps.example/
    https://stamps.example:99999/ http://127.0.0.1.example/ file:///etc/passwd https://stamps.example:0/
    http://10.0.0.1/""".split(),
)
def test_an_unsafe_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="timestamp_urls: "):
        check_url(url)
    with pytest.raises(ConfigurationError):
        stamp(NOTE, url)


@pytest.mark.parametrize(
    "url", ["https://stamps.example/tsa", "http://127.0.0.1:8/", "http://[::1]:8/", "http://localhost/"]
)
def test_a_safe_address_is_not(url: str) -> None:
    check_url(url)


def opened(folder: Path, clock: FrozenClock, *urls: str) -> Deployment:
    """A deployment whose checkpoints are stamped by the authorities at `urls`."""
    signs = Signs(origin="log.example", outside=folder / "outside.txt", timestamp_urls=urls)
    return open_deployment(f"sqlite:///{folder}/log.db", create=True, clock=clock, signs=signs)


def tokens(folder: Path) -> list[str]:
    """The sizes for which tokens are kept, as their keys."""
    store, _ = open_store(f"sqlite:///{folder}/log.db")
    found = sorted(key for kind, key in store.blob_names(ORG) if kind == "timestamp")
    store.close()
    return found


def test_a_checkpoint_is_stamped_once_a_minute(tmp_path: Path, server: Server, roots: list[bytes]) -> None:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    log, signer = deployment.create(ORG), deployment.signer()
    for seconds, kept in ((0, 1), (30, 1), (29, 1), (1, 2)):
        clock.move(timedelta(seconds=seconds))
        grow(log, clock, 3)
        assert signer.sign(ORG) is not None
        signer.ask_stamps()
        assert len(tokens(tmp_path)) == kept
    assert tokens(tmp_path) == [f"{3:020d}", f"{12:020d}"]
    assert signer.problems == []
    note, token = signer.stamped(ORG) or (b"", b"")
    assert note in (tmp_path / "outside.txt").read_bytes()
    check_stamp(token, note, roots)
    assert openssl_agrees(server.folder, token, note)


def test_the_last_checkpoint_of_a_minute_is_stamped_when_it_is_over(tmp_path: Path, server: Server) -> None:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    log, signer = deployment.create(ORG), deployment.signer()
    for _ in range(2):
        grow(log, clock, 1)
        signer.sign(ORG)
        signer.ask_stamps()
    clock.move(timedelta(minutes=1))
    signer.ask_stamps()
    signer.ask_stamps()
    assert tokens(tmp_path) == [f"{1:020d}", f"{2:020d}"]


def test_the_earliest_token_of_a_size_stays(tmp_path: Path, server: Server, roots: list[bytes]) -> None:
    """An idle log is signed again every hour, at the same size; its token keeps the note that it is over."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    grow(deployment.create(ORG), clock, 3)
    signer = deployment.signer()
    signer.sign(ORG)
    signer.ask_stamps()
    first = signer.stamped(ORG)
    clock.move(timedelta(hours=1))
    assert signer.sign(ORG) is not None
    signer.ask_stamps()
    assert first is not None
    assert signer.stamped(ORG) == first
    check_stamp(first[1], first[0], roots)
    assert len(server.queries) == 1


def test_signing_asks_nobody_itself_and_goes_on_without(tmp_path: Path, server: Server) -> None:
    """A failing authority is named until it works again, and asked about the next checkpoint."""
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    log, signer = deployment.create(ORG), deployment.signer()
    works, server.answer = server.answer, lambda _query: 500
    grow(log, clock, 1)
    assert signer.sign(ORG) is not None
    assert server.queries == []
    signer.ask_stamps()
    (problem,) = signer.problems
    assert problem.startswith("acme: the last checkpoint has no timestamp: 127.0.0.1:")
    assert "500" in problem
    signer.ask_stamps()
    assert len(server.queries) == 1
    server.answer = works
    grow(log, clock, 1)
    assert signer.sign(ORG) is not None
    signer.ask_stamps()
    assert signer.problems == []
    assert tokens(tmp_path) == [f"{2:020d}"]


def test_the_next_authority_is_asked_when_one_fails(
    tmp_path: Path, server: Server, roots: list[bytes]
) -> None:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, "http://127.0.0.1:1/", server.url)
    grow(deployment.create(ORG), clock, 1)
    signer = deployment.signer()
    signer.sign(ORG)
    signer.ask_stamps()
    note, token = signer.stamped(ORG) or (b"", b"")
    check_stamp(token, note, roots)
    assert signer.problems[0].startswith("acme: another authority stamped the last checkpoint: 127.0.0.1:1: ")


def test_a_running_signer_stamps_and_reports(tmp_path: Path, server: Server) -> None:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock, server.url)
    log, signer = deployment.create(ORG), deployment.signer()
    works, server.answer = server.answer, lambda _query: 500
    grow(log, clock, 1)
    stop, reported, told = threading.Event(), threading.Event(), []
    thread = threading.Thread(
        target=keep_signing, args=(signer, stop, lambda error: (told.append(error), reported.set()))
    )
    thread.start()
    try:
        assert reported.wait(60)
        server.answer = works
        grow(log, clock, 1)
        waiting = threading.Event()
        while not tokens(tmp_path):
            waiting.wait(0.05)
    finally:
        stop.set()
        thread.join()
    assert tokens(tmp_path) == [f"{2:020d}"]
    assert [error.code for error in told] == ["anchor-unavailable"]


def test_without_the_extra_the_setting_is_refused_and_nothing_else(tmp_path: Path) -> None:
    lines = [
        "import sys",
        "import trailbook.deployment as d",
        "assert 'rfc3161_client' not in sys.modules",
        "sys.modules['rfc3161_client'] = None",
        "urls = tuple(sys.argv[2:])",
        "d.open_deployment(sys.argv[1], create=True, signs=d.Signs(timestamp_urls=urls)).signer()",
    ]
    command = [sys.executable, "-c", "\n".join(lines), f"sqlite:///{tmp_path}/log.db"]
    without = subprocess.run(command, capture_output=True, check=False)
    assert without.returncode == 0, without.stderr.decode()
    asked = subprocess.run([*command, "https://stamps.example/"], capture_output=True, check=False)
    assert b"ConfigurationError: timestamp_urls: needs the extra" in asked.stderr


def test_a_deployment_with_an_unsafe_address_does_not_sign(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs https"):
        opened(tmp_path, FrozenClock(), "http://stamps.example/").signer()
