"""Signing keys in files: made, rotated, read; never in the database and never shown.

Owns the key folder: a private file a key, readable by its owner alone, and a public one beside it that stays when
the private one is gone. A deployment has pairs of a log key and a cosigning key; for each organisation they take the
name of its origin. A pair is there once both public files are: who dies before has changed nothing. Refuses private
keys that others can read.
"""

import base64
import binascii
import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct

from trailbook.clock import Entropy
from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.tree import COSIGNATURE, ED25519, SignerKey, VerifierKey, format_fact, key_id, verifier_of

Use = Literal["log", "cosign"]
USES: dict[Use, int] = {"log": ED25519, "cosign": COSIGNATURE}
_HEADS = {".key": "trailbook-signing-key-v1", ".pub": "trailbook-verifying-key-v1"}
_SEED = 32
_ORIGIN = "origin"


class Keyring(Struct, frozen=True):
    """The seeds that sign now, by use, and every public key that ever signed, oldest first.

    `older`: the seeds of the pairs before, oldest first; none of a pair whose private keys are gone.
    """

    seeds: dict[Use, bytes]
    publics: dict[Use, tuple[bytes, ...]]
    older: tuple[dict[Use, bytes], ...] = ()

    @property
    def newest(self) -> int:
        """The number of the pair that signs now; the oldest has 0."""
        return len(self.publics["log"]) - 1

    def signers(self, origin: str, pairs: Iterable[int] | None = None) -> tuple[SignerKey, ...]:
        """The keys that sign for an origin now, or those of these pairs: each log key, then its cosigning key."""
        held = dict(enumerate(self.older)) | {self.newest: self.seeds}
        numbers = [self.newest] if pairs is None else pairs
        seeds = [held.get(number, {}) for number in numbers]
        return tuple(SignerKey(origin, alg, pair[use]) for pair in seeds for use, alg in USES.items() if pair)

    def verifiers(self, origin: str) -> tuple[VerifierKey, ...]:
        """Every key that ever signed for an origin, oldest first, log keys before cosigning keys."""
        return tuple(VerifierKey(origin, alg, key) for use, alg in USES.items() for key in self.publics[use])

    def current_id(self, origin: str) -> str:
        """The key id, in hex, of the log key that signs now."""
        return key_id(verifier_of(self.signers(origin)[0])).hex()

    def fact(self, origin: str) -> str:
        """What an entry says of the pair that signs from then on."""
        return format_fact(*map(verifier_of, self.signers(origin)))

    def pairs(self, origins: Iterable[str]) -> dict[str, int]:
        """The number of each pair by the id of its log key, under each of these origins."""
        numbered = [(origin, at, key) for origin in origins for at, key in enumerate(self.publics["log"])]
        return {key_id(VerifierKey(origin, ED25519, key)).hex(): at for origin, at, key in numbered}

    def pair_of(self, signed: Iterable[VerifierKey]) -> int:
        """The number of the newest pair of which a log key signed; 0 where none did."""
        numbers = {key: at for at, key in enumerate(self.publics["log"])}
        return max((numbers.get(key.key, 0) for key in signed if key.alg == ED25519), default=0)


def keyring_of(seeds: dict[Use, bytes]) -> Keyring:
    """A keyring of these seeds alone."""
    return Keyring(seeds, {use: (_public(use, seed),) for use, seed in seeds.items()})


def open_keyring(folder: Path) -> Keyring:
    """Read the signing keys of a folder.

    Raises: NotFoundError when there are none; ConfigurationError when one is damaged or others can read it.
    """
    names = _pairs(folder)
    pairs = [_pair(folder, name) for name in names]
    if not pairs or not pairs[-1]:
        raise NotFoundError(f"there are no signing keys in {folder.name}; `trailbook keys new` makes them")
    publics = {use: tuple(_read(folder / f"{use}-{name}.pub") for name in names) for use in USES}
    return Keyring(pairs[-1], publics, tuple(pairs[:-1]))


def renewed(keyring: Keyring, folder: Path | None) -> Keyring:
    """The keyring, read again where its folder has another pair by now. Raises: as `open_keyring`."""
    if folder is None or not (folder / f"log-{keyring.newest + 2:04d}.pub").exists():
        return keyring
    return open_keyring(folder)


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
    if rotate and not folder.exists():
        raise ConfigurationError(f"{folder.name}: there are no keys to rotate")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder) as handle:
        names = _pairs(folder)
        existing = any(_pair(folder, name) for name in names)
        if existing != rotate:
            why = "there are keys already; rotate them" if existing else "there are no keys to rotate"
            raise ConfigurationError(f"{folder.name}: {why}")
        number = int(names[-1]) + 1 if names else 1
        seeds = {use: entropy(_SEED) for use in USES}
        # The log's public key comes last: with it the pair is there.
        for use in reversed(USES):
            _write(folder / f"{use}-{number:04d}.key", seeds[use])
            _write(folder / f"{use}-{number:04d}.pub", _public(use, seeds[use]))
        os.fsync(handle)
    return open_keyring(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """The folder's handle, its lock held: two that make keys at once would mix them."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _public(use: Use, seed: bytes) -> bytes:
    return verifier_of(SignerKey("any", USES[use], seed)).key


def _pairs(folder: Path) -> Sequence[str]:
    """The numbers of the pairs that are there, as they stand in the files' names, oldest first."""
    names = [{file.stem[-4:] for file in folder.glob(f"{use}-[0-9][0-9][0-9][0-9].pub")} for use in USES]
    return sorted(set.intersection(*names))


def _pair(folder: Path, name: str) -> dict[Use, bytes]:
    """The seeds of a pair, or nothing where one of them is gone."""
    files = {use: folder / f"{use}-{name}.key" for use in USES}
    if not all(file.exists() for file in files.values()):
        return {}
    return {use: _read(file) for use, file in files.items()}


def _read(file: Path) -> bytes:
    if file.suffix == ".key" and file.stat().st_mode & 0o077:
        raise ConfigurationError(f"{file.name}: others can read this key; chmod 600 it")
    try:
        head, _, text = file.read_text("ascii").strip().partition(" ")
    except PermissionError:
        raise ConfigurationError(
            f"{file.name}: belongs to somebody else, and this process may not read it"
        ) from None
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        content = b""
    if head != _HEADS[file.suffix] or len(content) != _SEED:
        raise ConfigurationError(f"{file.name}: is not a signing key")
    return content


def _write(file: Path, content: bytes) -> None:
    """Under its name once it is whole; what a crash left under another is written over."""
    part = file.with_name(file.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        if os.geteuid() == 0:  # for the server to read it, whoever that runs as
            owner = file.parent.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
        out.write(f"{_HEADS[file.suffix]} {base64.b64encode(content).decode()}\n")
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, file)
