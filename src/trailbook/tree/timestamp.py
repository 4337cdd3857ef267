"""Timestamps of checkpoints by an authority (RFC 3161): asked for, checked on arrival, and checked ever after.

Owns the request, what an answer must be, and the check of a token against roots that the caller trusts. It sends
nothing but the SHA-256 of a note. Refuses to follow a redirect, to send in the clear to another machine, and to wait
for ever. Needs the extra `timestamp`.
"""

import re
import time
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import BaseHandler, HTTPRedirectHandler, ProxyHandler, Request, build_opener

from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates
from msgspec import Struct
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from trailbook.errors import AnchorError, ConfigurationError, InvalidError, ProofInvalidError

MAX_ANSWER = 65_536  # bytes
SECONDS = 10.0
_SHA256 = "2.16.840.1.101.3.4.2.1"
_STATUS = bytes.fromhex("3003020100")  # PKIStatusInfo: granted, and nothing else


class Stamped(Struct, frozen=True):
    """What a token says: the note existed at `time`, in the words of `authority` (its certificate's subject)."""

    time: datetime
    authority: str


class _Straight(HTTPRedirectHandler):
    """Takes a redirect for the failure that it is here."""

    def redirect_request(self, *_redirect: object) -> None:
        return None


def check_authority(url: str) -> None:
    """Refuse an authority's address under which a note's hash would travel unprotected.

    Raises: ConfigurationError naming what is wrong.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if (
        not host
        or port == 0
        or "@" in parts.netloc
        or not (url.isascii() and url.isprintable())
        or " " in url
    ):
        raise ConfigurationError("timestamp_urls: is not an address such as https://stamps.example/tsa")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ConfigurationError(f"timestamp_urls: {host}: needs https; http only to this machine itself")


def request_stamp(note: bytes, url: str, *, seconds: float = SECONDS) -> bytes:
    """Ask an authority for a token over a note, and check that it answers this question. Source: RFC 3161.

    Raises: ConfigurationError for the address; AnchorError when nobody answers within `seconds`;
    ProofInvalidError when the answer is no grant, or is about another note or another request.
    """
    check_authority(url)
    query = TimestampRequestBuilder(note, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    answer = _granted(_posted(url, query.as_bytes(), seconds), note)
    if answer.tst_info.nonce != query.nonce:
        raise ProofInvalidError("timestamp: the answer is to another request: its nonce is not ours")
    return answer.time_stamp_token()


def check_stamp(token: bytes, note: bytes, roots: Sequence[bytes], at: datetime | None = None) -> Stamped:
    """Verify a token over a note: signature, chain to one of the `roots` (PEM), purpose, and all at the token's time.

    A certificate that expired since does no harm. With `at` the authority's own must be valid at that instant too.

    Raises: ProofInvalidError; InvalidError for roots or an instant that are none. Source: RFC 3161, appendix B.
    """
    trusted = _roots(roots)
    if at is not None and at.tzinfo is None:
        raise InvalidError("at: needs a time zone")
    answer = _granted(_sequence(_STATUS + token), note)
    try:
        VerifierBuilder(roots=trusted).build().verify(answer, sha256(note).digest())
        authority = _authority(answer)
    except (VerificationError, ValueError) as error:
        raise ProofInvalidError(f"timestamp: {_reasons(error)}") from None
    if at is not None and not authority.not_valid_before_utc <= at <= authority.not_valid_after_utc:
        raise ProofInvalidError(f"timestamp: the authority's certificate is not valid at {at.isoformat()}")
    return Stamped(answer.tst_info.gen_time, authority.subject.rfc4514_string())


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _posted(url: str, body: bytes, seconds: float) -> bytes:
    request = Request(url, body, {"Content-Type": "application/timestamp-query"}, method="POST")
    handlers: list[BaseHandler] = [_Straight()]
    if request.type == "http":  # to this machine: never by way of a proxy
        handlers.append(ProxyHandler({}))
    try:
        with build_opener(*handlers).open(request, timeout=seconds) as answer:
            return _read(answer, time.monotonic() + seconds)
    except (OSError, HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise AnchorError(f"timestamp: the authority did not answer: {reason[:200]}") from None


def _read(answer: HTTPResponse, until: float) -> bytes:
    """The whole answer; one that comes drop by drop has the same time as any other."""
    content = b""
    while piece := answer.read1(MAX_ANSWER + 1):
        content += piece
        if len(content) > MAX_ANSWER:
            raise OSError(f"the answer is longer than {MAX_ANSWER} bytes")
        if time.monotonic() > until:
            raise TimeoutError("timed out")
    return content


def _granted(raw: bytes, note: bytes) -> TimeStampResponse:
    """An answer that grants a token over this note; whose it is remains to be verified."""
    try:
        answer = decode_timestamp_response(raw)
        granted = answer.status == PKIStatus.GRANTED
        imprint = answer.tst_info.message_imprint if granted else None
    except ValueError:
        raise ProofInvalidError("timestamp: is no timestamp of RFC 3161") from None
    if imprint is None:
        raise ProofInvalidError(f"timestamp: was not granted; the authority answered status {answer.status}")
    if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != sha256(note).digest():
        raise ProofInvalidError("timestamp: is not over the SHA-256 of this note")
    return answer


def _roots(roots: Sequence[bytes]) -> list[Certificate]:
    try:
        certificates = [certificate for pem in roots for certificate in load_pem_x509_certificates(pem)]
    except ValueError:
        raise InvalidError("roots: are not certificates in PEM") from None
    if not certificates:
        raise InvalidError("roots: there is none; a timestamp is worth what its root is")
    return certificates


def _reasons(error: Exception) -> str:
    """The reasons in an error of OpenSSL, without the lines of its source."""
    return "; ".join(re.findall(r'(?:reason|data): "([^"]+)"', str(error))) or str(error)


def _authority(answer: TimeStampResponse) -> Certificate:
    """The certificate whose key signed; verified before."""
    (signer,) = answer.signed_data.signer_infos
    inside = [load_der_x509_certificate(each) for each in answer.signed_data.certificates]
    return next(c for c in inside if (c.issuer, c.serial_number) == (signer.issuer, signer.serial_number))


def _sequence(content: bytes) -> bytes:
    """A DER sequence. Source: X.690, 8.1.3."""
    size = len(content)
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return b"\x30" + (bytes([size]) if size < 128 else bytes([128 + len(length)]) + length) + content
