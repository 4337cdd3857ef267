"""The keys of a witness: one that cosigns with Ed25519, and one with ML-DSA-44, in one private file.

Owns that file. Refuses to write over one, and to read one that others can read.
"""

import os
from pathlib import Path

from trailbook.clock import Entropy
from trailbook.errors import ConfigurationError, InvalidError, NotFoundError
from trailbook.tree import COSIGNATURE, ML_DSA_44, SignerKey, format_skey, parse_skey

# Each with a seed of its own: a signature of one says nothing for the other.
ALGORITHMS = (COSIGNATURE, ML_DSA_44)


def write_witness_keys(file: Path, name: str, entropy: Entropy) -> tuple[SignerKey, ...]:
    """Make a witness's keys. Raises: ConfigurationError where the file is there, or cannot be made."""
    keys = tuple(SignerKey(name, alg, entropy(32)) for alg in ALGORITHMS)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(f"key_file: {file.name}: {error.strerror}") from None
    with os.fdopen(handle, "w") as out:
        out.writelines(f"{format_skey(key)}\n" for key in keys)
        out.flush()
        os.fsync(out.fileno())
    return keys


def read_witness_keys(file: Path, name: str) -> tuple[SignerKey, ...]:
    """Read a witness's keys. Raises: NotFoundError; ConfigurationError when they are not whole, private and its own."""
    if not file.exists():
        raise NotFoundError(f"the witness has no keys in {file.name}; `trailbook witness keys` makes them")
    if file.stat().st_mode & 0o077:
        raise ConfigurationError(f"key_file: {file.name}: others can read it; chmod 600 it")
    try:
        keys = tuple(parse_skey(line) for line in file.read_text("utf-8").splitlines())
    except (InvalidError, UnicodeDecodeError):
        raise ConfigurationError(f"key_file: {file.name}: is damaged, or no file of keys") from None
    if {key.name for key in keys} != {name} or tuple(key.alg for key in keys) != ALGORITHMS:
        raise ConfigurationError(f"key_file: {file.name}: holds the keys of another witness than {name}")
    return keys
