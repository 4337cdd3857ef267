"""How each type of key signs a note: the bytes that it signs, and the two algorithms that sign them.

Owns the signature types of C2SP notes; Ed25519 and ML-DSA-44 enter here and nowhere else. Refuses to read a note: what
it is handed was read before.
"""

from base64 import b64decode
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from msgspec import Struct

from trailbook.errors import ProofInvalidError

ED25519 = 0x01  # over the note's text
COSIGNATURE = 0x04  # over a time and the note's text: cosignature/v1
ML_DSA_44 = 0x06  # over the cosigner's name, a time, and what a checkpoint says: subtree/v1

_LABEL = b"subtree/v1\n\0"
_MOST = 255  # bytes of a name or an origin in the message of ML-DSA-44


class SignatureType(Struct, frozen=True):
    """How one type of key signs: `verify` raises InvalidSignature; `message` gives the signed bytes."""

    public: Callable[[bytes], bytes]
    sign: Callable[[bytes, bytes], bytes]
    verify: Callable[[bytes, bytes, bytes], None]
    message: Callable[[str, str, int | None], bytes]  # of the key's name, the note's text, the time
    timed: bool
    key_bytes: int = 32


def _public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _sign(seed: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def _verify(key: bytes, message: bytes, signature: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(key).verify(signature, message)


def _ml_dsa_public(seed: bytes) -> bytes:
    return MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()


def _ml_dsa_sign(seed: bytes, message: bytes) -> bytes:
    return MLDSA44PrivateKey.from_seed_bytes(seed).sign(message)


def _ml_dsa_verify(key: bytes, message: bytes, signature: bytes) -> None:
    MLDSA44PublicKey.from_public_bytes(key).verify(signature, message)


def _plain(_name: str, text: str, _time: int | None) -> bytes:
    return text.encode()


def _cosigned(_name: str, text: str, time: int | None) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _subtree(name: str, text: str, time: int | None) -> bytes:
    """A checkpoint as a subtree that begins at leaf 0; its extension lines are no part of it."""
    origin, size, root, *_ = text.split("\n")
    named = _opaque("name", name) + (time or 0).to_bytes(8) + _opaque("origin", origin)
    return _LABEL + named + bytes(8) + int(size).to_bytes(8) + b64decode(root)


def _opaque(member: str, text: str) -> bytes:
    """A text after its length in a byte. Source: RFC 8446, section 3.4."""
    content = text.encode()
    if len(content) > _MOST:
        raise ProofInvalidError(f"{member}: ML-DSA-44 signs at most {_MOST} bytes of it, not {len(content)}")
    return bytes([len(content)]) + content


# Another type is one line here: nothing else knows how keys sign. Source: C2SP signed-note, tlog-cosignature.
TYPES: dict[int, SignatureType] = {
    ED25519: SignatureType(_public, _sign, _verify, _plain, timed=False),
    COSIGNATURE: SignatureType(_public, _sign, _verify, _cosigned, timed=True),
    ML_DSA_44: SignatureType(
        _ml_dsa_public, _ml_dsa_sign, _ml_dsa_verify, _subtree, timed=True, key_bytes=1312
    ),
}
