"""What a case of the corpus is, and the keys, notes and trees that cases are made of.

Owns a writer of the C2SP formats that shares no code with the package: Ed25519 from `cryptography`, ML-DSA-44 from
`dilithium_py`. Refuses chance: every byte follows from fixed seeds, so the corpus can be made again anywhere.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dilithium_py.ml_dsa import ML_DSA_44

ORIGIN = "log.example/nordlys"
SIGNED_AT = 1_793_606_400  # 2026-11-02 08:00 UTC
LOG, COSIGNED, ML_DSA = 1, 4, 6  # signature types
DASH = "\N{EM DASH}"


@dataclass(frozen=True)
class Key:
    """A signing key: its name, signature type and seed."""

    name: str
    kind: int
    seed: bytes

    def public(self) -> bytes:
        return (
            ml_dsa_pair(self.seed)[0]
            if self.kind == ML_DSA
            else ed25519(self.seed).public_key().public_bytes_raw()
        )

    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public()).digest()[:4]

    def vkey(self) -> str:
        return f"{self.name}+{self.id().hex()}+{base64(bytes([self.kind]) + self.public())}"


KEYS = {
    "log": Key(ORIGIN, LOG, b"\1" * 32),
    "log-time": Key(ORIGIN, COSIGNED, b"\2" * 32),
    "thief": Key(ORIGIN, LOG, b"\3" * 32),
    "other": Key("log.example/other", LOG, b"\4" * 32),
    "w1": Key("witness.example/w1", COSIGNED, b"\5" * 32),
    "w2": Key("witness.example/w2", ML_DSA, b"\6" * 32),
    "w3": Key("witness.example/w3", COSIGNED, b"\7" * 32),
    "w9": Key("witness.example/w9", ML_DSA, b"\6" * 32),  # the key of w2 under another name
}


@dataclass(frozen=True)
class Case:
    """A file, whether it holds, and why; `stricter` where the standards alone would leave it open."""

    kind: str
    name: str
    content: bytes
    holds: bool
    reason: str
    stricter: bool = False
    members: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, bytes] = field(default_factory=dict)  # files that it needs, by their endings


def base64(content: bytes) -> str:
    return b64encode(content).decode()


def ed25519(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@cache
def ml_dsa_pair(seed: bytes) -> tuple[bytes, bytes]:
    pair: tuple[bytes, bytes] = ML_DSA_44.key_derive(seed)
    return pair


def signed_bytes(key: Key, text: str, time: int) -> bytes:
    """What a key signs of a note. Source: C2SP signed-note, tlog-cosignature."""
    if key.kind == LOG:
        return text.encode()
    if key.kind == COSIGNED:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    origin, size, root = text.split("\n")[:3]
    names = [bytes([len(name.encode())]) + name.encode() for name in (key.name, origin)]
    head = int(size).to_bytes(8) + b64decode(root)
    return b"subtree/v1\n\0" + names[0] + time.to_bytes(8) + names[1] + bytes(8) + head


def signature(who: str, text: str, time: int = SIGNED_AT) -> bytes:
    """What stands in a signature line behind the key id."""
    key = KEYS[who]
    message = signed_bytes(key, text, time)
    if key.kind == ML_DSA:
        made: bytes = ML_DSA_44.sign(ml_dsa_pair(key.seed)[1], message, deterministic=True)
    else:
        made = ed25519(key.seed).sign(message)
    return made if key.kind == LOG else time.to_bytes(8) + made


def line(who: str, text: str, time: int = SIGNED_AT) -> str:
    """A signature line by a key, with its newline."""
    return spelled_line(KEYS[who].name, KEYS[who].id() + signature(who, text, time))


def spelled_line(name: str, content: bytes) -> str:
    return f"{DASH} {name} {base64(content)}\n"


def note(text: str, *lines: str) -> bytes:
    return (text + "\n" + "".join(lines)).encode()


def checkpoint(size: int | str, root: bytes | str, *extensions: str, origin: str = ORIGIN) -> str:
    """The text of a checkpoint, well formed or not."""
    rows = (origin, str(size), root if isinstance(root, str) else base64(root), *extensions)
    return "".join(f"{row}\n" for row in rows)


def leaf_hash(body: bytes) -> bytes:
    return sha256(b"\0" + body).digest()


def root(leaves: list[bytes]) -> bytes:
    """The root over leaf hashes, by the definition. Source: RFC 9162 section 2.1.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def path(at: int, leaves: list[bytes]) -> list[bytes]:
    """The inclusion proof of a leaf. Source: RFC 9162 section 2.1.3.1."""
    if len(leaves) < 2:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if at < half:
        return [*path(at, leaves[:half]), root(leaves[half:])]
    return [*path(at - half, leaves[half:]), root(leaves[:half])]
