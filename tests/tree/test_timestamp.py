"""Timestamps by an authority (RFC 3161): what is asked, what a token says, and what is refused.

The authority is real: `openssl` makes its certificates and its tokens, and gives a second opinion on each verdict.
"""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trailbook.errors import AnchorError, ConfigurationError, InvalidError, ProofInvalidError
from trailbook.testing.authority import (
    Server,
    new_authority,
    openssl,
    openssl_agrees,
    reply,
    serving,
    token_over,
)
from trailbook.tree.timestamp import MAX_ANSWER, Stamped, check_authority, check_stamp, request_stamp

NOTE = b"log.example/acme\n300\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\xe2\x80\x94 a c2lnbmVk\n"
GOLDEN = Path(__file__).parents[1] / "golden" / "timestamp"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a local authority."""
    return new_authority(tmp_path_factory.mktemp("authority") / "local")


@pytest.fixture
def server(authority: Path) -> Iterator[Server]:
    """The authority behind HTTP on this machine."""
    with serving(authority) as tsa:
        yield tsa


@pytest.fixture(scope="module")
def token(authority: Path) -> bytes:
    """A token over NOTE."""
    return token_over(authority, NOTE)


@pytest.fixture(scope="module")
def roots(authority: Path) -> list[bytes]:
    """The root of the authority."""
    return [(authority / "root.pem").read_bytes()]


def test_a_stamp_is_a_token_that_openssl_verifies_too(server: Server, roots: list[bytes]) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    token = request_stamp(NOTE, server.url)
    verdict = check_stamp(token, NOTE, roots)
    assert verdict == Stamped(verdict.time, "CN=Stamps of tsa")
    assert before <= verdict.time <= datetime.now(UTC)
    assert openssl_agrees(server.folder, token, NOTE)


def test_only_a_hash_a_nonce_and_the_wish_for_a_certificate_are_sent(server: Server) -> None:
    request_stamp(NOTE, server.url)
    request_stamp(NOTE, server.url)
    first, second = server.queries
    assert NOTE[:12] not in first
    assert first != second
    (server.folder / "q").write_bytes(first)
    process = subprocess.run(
        ["openssl", "ts", "-query", "-in", "q", "-text"], cwd=server.folder, capture_output=True, check=True
    )
    assert b"Hash Algorithm: sha256" in process.stdout
    assert b"Certificate required: yes" in process.stdout
    assert b"Nonce: 0x" in process.stdout


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
    """An authority whose certificate ran out may still have its key; what it stamps then is nothing worth."""
    late = token_over(authority, NOTE, signer="expired")
    with pytest.raises(ProofInvalidError, match="expired"):
        check_stamp(late, NOTE, roots)
    assert not openssl_agrees(authority, late, NOTE)
    check_stamp(token_over(authority, NOTE), NOTE, roots)


def test_a_token_outlives_the_certificate(tmp_path: Path) -> None:
    """Made within the twenty seconds of its authority's certificate, which is long over; it still holds."""
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
    request_stamp(NOTE, server.url)
    (earlier,) = server.queries
    server.answer = lambda _query: [reply(server.folder, earlier)]
    with pytest.raises(ProofInvalidError, match="nonce is not ours"):
        request_stamp(NOTE, server.url)


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
            request_stamp(NOTE, server.url)


def test_a_rejection_is_told(server: Server) -> None:
    server.answer = lambda query: [reply(server.folder, query, digests="sha512")]
    with pytest.raises(ProofInvalidError, match="was not granted; the authority answered status 2"):
        request_stamp(NOTE, server.url)


@pytest.mark.parametrize("garbage", [b"", b"<html>", bytes.fromhex("30053003020100"), b"\x30\x82\xff\xff"])
def test_garbage_is_no_timestamp(server: Server, garbage: bytes) -> None:
    server.answer = lambda _query: [garbage]
    with pytest.raises(ProofInvalidError, match="no timestamp of RFC 3161"):
        request_stamp(NOTE, server.url)


@pytest.mark.parametrize(
    ("answer", "says"),
    [(500, "500"), (302, "302"), (307, "307"), ([bytes(MAX_ANSWER + 1)], "longer than 65536 bytes")],
)
def test_an_error_a_redirect_and_an_endless_answer_are_failures(
    server: Server, answer: list[bytes] | int, says: str
) -> None:
    server.answer = lambda _query: answer
    with pytest.raises(AnchorError, match=f"the authority did not answer: .*{says}"):
        request_stamp(NOTE, server.url)
    assert len(server.queries) == 1


def test_nobody_is_waited_for_long(server: Server) -> None:
    for answer in (server.hang, server.drip):
        server.answer = answer
        with pytest.raises(AnchorError, match="in time"):
            request_stamp(NOTE, server.url, seconds=0.2)
    with pytest.raises(AnchorError, match="refused"):
        request_stamp(NOTE, "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    "url",
    """http://stamps.example/ ftp://stamps.example/ https:// stamps.example https://a:b@stamps.example/
    https://stamps.example:99999/ http://127.0.0.1.example/ file:///etc/passwd https://stamps.example:0/
    http://10.0.0.1/ https://stamps.example/?key=a""".split(),
)
def test_an_unsafe_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="timestamp_urls: "):
        check_authority(url)
    with pytest.raises(ConfigurationError):
        request_stamp(NOTE, url)


@pytest.mark.parametrize(
    "url", ["https://stamps.example/tsa", "http://127.0.0.1:8/", "http://[::1]:8/", "http://localhost/"]
)
def test_a_safe_address_is_not(url: str) -> None:
    check_authority(url)
