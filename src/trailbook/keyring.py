"""Signing keys in files: made, rotated, read; never in the database and never shown.

Owns the key folder: one file a key, readable by its owner alone. A deployment has a log key and a cosigning
key; for each organisation they take the name of its origin. Refuses keys that others can read.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

from trailbook.checkpoint import COSIGNATURE, ED25519, SignerKey, VerifierKey, key_id, verifier_of
from trailbook.directory import Entropy
from trailbook.errors import ConfigurationError, NotFoundError

Use = Literal["log", "cosign"]
USES: dict[Use, int] = {"log": ED25519, "cosign": COSIGNATURE}
_HEAD = "trailbook-signing-key-v1"
_SEED = 32
_ORIGIN = "origin"


class Keyring(Struct, frozen=True):
    """Every seed of a deployment by use, oldest first; the last one signs."""

    seeds: dict[Use, tuple[bytes, ...]]

    def signers(self, origin: str) -> tuple[SignerKey, ...]:
        """The keys that sign for an origin now: the log key, then the cosigning key."""
        return tuple(SignerKey(origin, alg, self.seeds[use][-1]) for use, alg in USES.items())

    def verifiers(self, origin: str) -> tuple[VerifierKey, ...]:
        """Every key that ever signed for an origin, oldest first, log keys before cosigning keys."""
        pairs = [(alg, seed) for use, alg in USES.items() for seed in self.seeds[use]]
        return tuple(verifier_of(SignerKey(origin, alg, seed)) for alg, seed in pairs)

    def current_id(self, origin: str) -> str:
        """The key id, in hex, of the log key that signs now."""
        return key_id(verifier_of(self.signers(origin)[0])).hex()


def open_keyring(folder: Path) -> Keyring:
    """Read the signing keys of a folder.

    Raises: NotFoundError when there are none; ConfigurationError when one is damaged or others can read it.
    """
    seeds = {use: tuple(_read(file) for file in _files(folder, use)) for use in USES}
    if not all(seeds.values()):
        raise NotFoundError(f"there are no signing keys in {folder.name}; `trailbook keys new` makes them")
    return Keyring(seeds)


def origin_in(folder: Path) -> str | None:
    """The origin under which the keys of a folder sign, chosen when the log began; None when none is kept."""
    file = folder / _ORIGIN
    return file.read_text("ascii").strip() if file.exists() else None


def keep_origin(folder: Path, origin: str) -> None:
    """Keep the origin beside the keys, once and for all: another one would be another log."""
    (folder / _ORIGIN).write_text(origin + "\n", "ascii")


def new_keys(folder: Path, entropy: Entropy, *, rotate: bool = False) -> Keyring:
    """Make a log key and a cosigning key; `rotate` adds them after older ones, which stay to be verified by.

    Raises: ConfigurationError when there are keys and `rotate` is not asked, or none and it is.
    """
    existing = len(_files(folder, "log"))
    if bool(existing) != rotate:
        said = "there are keys already; rotate them" if existing else "there are no keys to rotate"
        raise ConfigurationError(f"{folder.name}: {said}")
    folder.mkdir(mode=0o700, exist_ok=True)
    for use in USES:
        _write(folder / f"{use}-{existing + 1:04d}.key", entropy(_SEED))
    return open_keyring(folder)


def _files(folder: Path, use: Use) -> list[Path]:
    return sorted(folder.glob(f"{use}-[0-9][0-9][0-9][0-9].key"))


def _read(file: Path) -> bytes:
    if file.stat().st_mode & 0o077:
        raise ConfigurationError(f"{file.name}: others can read this key; chmod 600 it")
    head, _, text = file.read_text("ascii").strip().partition(" ")
    try:
        seed = base64.b64decode(text, validate=True)
    except binascii.Error:
        seed = b""
    if head != _HEAD or len(seed) != _SEED:
        raise ConfigurationError(f"{file.name}: is not a signing key")
    return seed


def _write(file: Path, seed: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(f"{_HEAD} {base64.b64encode(seed).decode()}\n")
        out.flush()
        os.fsync(out.fileno())
