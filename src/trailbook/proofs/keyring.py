"""Signing keys in files: made, rotated, read; never in the database and never shown.

Owns the key folder: a private file a key, readable by its owner alone, and a public one beside it that stays when
the private one is gone. A deployment has a log key and a cosigning key; for each organisation they take the name
of its origin. Refuses private keys that others can read.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

from trailbook.clock import Entropy
from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.tree import COSIGNATURE, ED25519, SignerKey, VerifierKey, key_id, verifier_of

Use = Literal["log", "cosign"]
USES: dict[Use, int] = {"log": ED25519, "cosign": COSIGNATURE}
_HEADS = {".key": "trailbook-signing-key-v1", ".pub": "trailbook-verifying-key-v1"}
_SEED = 32
_ORIGIN = "origin"


class Keyring(Struct, frozen=True):
    """The seeds that sign now, by use, and every public key that ever signed, oldest first."""

    seeds: dict[Use, bytes]
    publics: dict[Use, tuple[bytes, ...]]

    def signers(self, origin: str) -> tuple[SignerKey, ...]:
        """The keys that sign for an origin now: the log key, then the cosigning key."""
        return tuple(SignerKey(origin, alg, self.seeds[use]) for use, alg in USES.items())

    def verifiers(self, origin: str) -> tuple[VerifierKey, ...]:
        """Every key that ever signed for an origin, oldest first, log keys before cosigning keys."""
        return tuple(VerifierKey(origin, alg, key) for use, alg in USES.items() for key in self.publics[use])

    def current_id(self, origin: str) -> str:
        """The key id, in hex, of the log key that signs now."""
        return key_id(verifier_of(self.signers(origin)[0])).hex()


def keyring_of(seeds: dict[Use, bytes]) -> Keyring:
    """A keyring of these seeds alone."""
    return Keyring(seeds, {use: (_public(use, seed),) for use, seed in seeds.items()})


def open_keyring(folder: Path) -> Keyring:
    """Read the signing keys of a folder.

    Raises: NotFoundError when there are none; ConfigurationError when one is damaged or others can read it.
    """
    files = {use: _files(folder, use, "key") for use in USES}
    if not all(files.values()):
        raise NotFoundError(f"there are no signing keys in {folder.name}; `trailbook keys new` makes them")
    publics = {use: tuple(_read(file) for file in _files(folder, use, "pub")) for use in USES}
    return Keyring({use: _read(ours[-1]) for use, ours in files.items()}, publics)


def origin_in(folder: Path) -> str | None:
    """The origin under which the keys of a folder sign, chosen when the log began; None when none is kept."""
    file = folder / _ORIGIN
    return file.read_text("ascii").strip() if file.exists() else None


def keep_origin(folder: Path, origin: str) -> None:
    """Keep the origin beside the keys, once and for all: another one would be another log."""
    (folder / _ORIGIN).write_text(origin + "\n", "ascii")


def new_keys(folder: Path, entropy: Entropy, *, rotate: bool = False) -> Keyring:
    """Make a log key and a cosigning key; public keys of older ones stay, and go on to verify what they signed.

    Raises: ConfigurationError when there are keys and `rotate` is not asked, or none and it is.
    """
    existing = bool(_files(folder, "log", "key"))
    if existing != rotate:
        why = "there are keys already; rotate them" if existing else "there are no keys to rotate"
        raise ConfigurationError(f"{folder.name}: {why}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = len(_files(folder, "log", "pub")) + 1
    for use in USES:
        seed = entropy(_SEED)
        _write(folder / f"{use}-{number:04d}.key", seed)
        _write(folder / f"{use}-{number:04d}.pub", _public(use, seed))
    return open_keyring(folder)


def _public(use: Use, seed: bytes) -> bytes:
    return verifier_of(SignerKey("any", USES[use], seed)).key


def _files(folder: Path, use: Use, ending: str) -> list[Path]:
    return sorted(folder.glob(f"{use}-[0-9][0-9][0-9][0-9].{ending}"))


def _read(file: Path) -> bytes:
    if file.suffix == ".key" and file.stat().st_mode & 0o077:
        raise ConfigurationError(f"{file.name}: others can read this key; chmod 600 it")
    head, _, text = file.read_text("ascii").strip().partition(" ")
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        content = b""
    if head != _HEADS[file.suffix] or len(content) != _SEED:
        raise ConfigurationError(f"{file.name}: is not a signing key")
    return content


def _write(file: Path, content: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(f"{_HEADS[file.suffix]} {base64.b64encode(content).decode()}\n")
        out.flush()
        os.fsync(out.fileno())
