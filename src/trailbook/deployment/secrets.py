"""The secrets of a deployment: the organisation key and the signing keys of a log, in files.

Owns that nobody but their owner may read them; where they lie is for `Locations` to say. Refuses a file that others can
read, and to begin an empty log under the secrets of one that is gone.
"""

import os
from pathlib import Path

from msgspec import Struct

from trailbook.clock import Entropy
from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.log import Keys
from trailbook.proofs import Keyring, keep_origin, new_keys, open_keyring, origin_in

ORIGIN = "localhost"


class NamedKeyring(Struct, frozen=True):
    """Signing keys, and the origin under which they sign."""

    origin: str
    keyring: Keyring


def refuse_a_lost_log(file: Path, keys: Path, *, create: bool) -> None:
    """Refuse a log whose file is gone while its secrets are there; an empty one begun under them would pass for it.

    Raises: ConfigurationError when it was to be begun; NotFoundError when it was to be opened.
    """
    if file.exists() or not keys.exists():
        return
    if create:
        raise ConfigurationError(
            f"store: {file.name} is gone, but its secrets {keys.name} are here; restore a backup, or move them"
            " away to begin another log"
        )
    raise NotFoundError(f"there is no log at {file}; its secrets are there: `trailbook restore` a backup")


def kept_keys(file: Path, entropy: Entropy, *, create: bool) -> Keys:
    """The secrets in a file, made there when missing and `create`.

    Raises: NotFoundError when it is missing; ConfigurationError when others can read it or it is damaged.
    """
    if create and not file.exists():
        _write_keys(file, fresh_keys(entropy))
    if not file.exists():
        raise NotFoundError(f"the secrets of the log, {file.name}, are not in {file.absolute().parent}")
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


def make_folder(folder: Path) -> None:
    """Make the folder that secrets are to lie in, for its owner alone. Raises: ConfigurationError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"secrets_directory: {folder}: {error.strerror}") from None


def fresh_keys(entropy: Entropy) -> Keys:
    """Secrets that nobody had before."""
    return Keys(entropy(32), entropy(32))


def _write_keys(file: Path, keys: Keys) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(f"secret_key={keys.secret.hex()}\norganisation_key={keys.organisation.hex()}\n")
        out.flush()
        os.fsync(out.fileno())
