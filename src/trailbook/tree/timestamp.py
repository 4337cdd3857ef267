"""Timestamps of checkpoints by an authority (RFC 3161): asked for, checked on arrival, and checked ever after.

Owns the request, what an answer must be, and the check of a token against roots that the caller trusts. It sends
nothing but the SHA-256 of a note, as `outgoing` calls anybody. Refuses to send in the clear to another machine. Needs
the extra `timestamp`.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address, ip_network

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

from trailbook.errors import (
    AnchorError,
    CallFailedError,
    ConfigurationError,
    InvalidError,
    ProofInvalidError,
)
from trailbook.outgoing import Address, Call, CallLimits, PrivatePlace, parse_address, post

MAX_ANSWER = 65_536  # bytes
SECONDS = 10.0
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_SHA256 = "2.16.840.1.101.3.4.2.1"
_STATUS = bytes.fromhex("3003020100")  # PKIStatusInfo: granted, and nothing else


class Stamped(Struct, frozen=True):
    """What a token says: the note existed at `time`, in the words of `authority` (its certificate's subject)."""

    time: datetime
    authority: str


def check_authority(url: str) -> None:
    """Refuse an authority's address under which a note's hash would travel unprotected.

    Raises: ConfigurationError naming what is wrong.
    """
    try:
        address = parse_address(url)
    except InvalidError as error:
        raise ConfigurationError(f"timestamp_urls: {error.detail}") from None
    if not address.secure and not _this_machine(address):
        raise ConfigurationError(
            f"timestamp_urls: {address.host}: needs https; http only to this machine itself"
        )


def request_stamp(
    note: bytes, url: str, *, places: Sequence[PrivatePlace] = (), seconds: float = SECONDS
) -> bytes:
    """Ask an authority for a token over a note, and check that it answers this question. Source: RFC 3161.

    `places` may be called though they are private, as this machine may. Raises: ConfigurationError for the address;
    AnchorError when nobody answers within `seconds`; ProofInvalidError when the answer is no grant, or is about another
    note or another request.
    """
    check_authority(url)
    query = TimestampRequestBuilder(note, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    call = Call(parse_address(url), query.as_bytes(), "application/timestamp-query")
    answer = _granted(_answered(call, places, seconds), note)
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


def _this_machine(address: Address) -> tuple[PrivatePlace, ...]:
    """This machine, where an address names it as itself: whoever sets that has named host, port and network."""
    try:
        loopback = address.host == "localhost" or ip_address(address.host).is_loopback
    except ValueError:
        loopback = False
    return tuple(PrivatePlace(address.host, address.port, network) for network in _LOOPBACK if loopback)


def _answered(call: Call, places: Sequence[PrivatePlace], seconds: float) -> bytes:
    try:
        reply = post(
            call, (*places, *_this_machine(call.address)), CallLimits(seconds=seconds, answer=MAX_ANSWER)
        )
    except CallFailedError as error:
        raise AnchorError(f"timestamp: the authority did not answer: {error.detail}") from None
    if reply.status != 200:
        raise AnchorError(f"timestamp: the authority did not answer: status {reply.status}")
    return reply.content


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
