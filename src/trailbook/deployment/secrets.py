"""The secrets of a deployment: the organisation key and the signing keys of an embedded log, in files beside it.

Owns where they lie and that nobody but their owner may read them. Refuses a file that others can read, and to begin an
empty log under the secrets of one that is gone.
"""

import os
from pathlib import Path

from msgspec import Struct

from trailbook.clock import Entropy
from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.log import Keys
from trailbook.proofs import Keyring, keep_origin, new_keys, open_keyring, origin_in
from trailbook.stores import sqlite_path

ORIGIN = "localhost"


class NamedKeyring(Struct, frozen=True):
    """Signing keys, and the origin under which they sign."""

    origin: str
    keyring: Keyring


def signing_folder(url: str) -> Path:
    """Where the signing keys of an embedded log lie unless configured: beside it, `.signing` added to its name."""
    path = sqlite_path(url)
    return path.with_name(path.name + ".signing")


def refuse_a_lost_log(url: str) -> None:
    """Refuse to begin an empty log under the secrets of one that is gone: it would pass for the same."""
    path, keys = sqlite_path(url), keys_file(url)
    if keys.exists() and not path.exists():
        raise ConfigurationError(
            f"store: {path.name} is gone, but its secrets {keys.name} are here; restore a backup, or move them"
            " away to begin another log"
        )


def keys_file(url: str) -> Path:
    """Where the secrets of an embedded log lie: beside the database, `.keys` added to its name."""
    path = sqlite_path(url)
    return path.with_name(path.name + ".keys")


def kept_keys(file: Path, entropy: Entropy, *, create: bool) -> Keys:
    """The secrets in a file, made there when missing and `create`.

    Raises: NotFoundError when it is missing; ConfigurationError when others can read it or it is damaged.
    """
    if create and not file.exists():
        _write_keys(file, fresh_keys(entropy))
    if not file.exists():
        raise NotFoundError(f"the secrets of the log, {file.name}, are not beside it")
    if file.stat().st_mode & 0o077:
        raise ConfigurationError(f"{file.name}: others can read it; chmod 600 it")
    try:
        named = dict(line.split("=", 1) for line in file.read_text("ascii").split())
        return Keys(bytes.fromhex(named["secret_key"]), bytes.fromhex(named["organisation_key"]))
    except (KeyError, ValueError):
        raise ConfigurationError(
            f"{file.name}: is damaged; it needs secret_key and organisation_key"
        ) from None


def kept_signing(folder: Path, origin: str | None, entropy: Entropy) -> NamedKeyring:
    """The origin and the keyring of a folder, made there when it is missing. Raises: ConfigurationError."""
    if not folder.exists():
        keyring = new_keys(folder, entropy)
        keep_origin(folder, origin or ORIGIN)
        return NamedKeyring(origin or ORIGIN, keyring)
    own = origin_in(folder) or origin or ORIGIN
    if origin not in (None, own):
        raise ConfigurationError(
            f"origin: the log began as {own}; under another name it would be another log"
        )
    return NamedKeyring(own, open_keyring(folder))


def fresh_keys(entropy: Entropy) -> Keys:
    """Secrets that nobody had before."""
    return Keys(entropy(32), entropy(32))


def _write_keys(file: Path, keys: Keys) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(f"secret_key={keys.secret.hex()}\norganisation_key={keys.organisation.hex()}\n")
        out.flush()
        os.fsync(out.fileno())
