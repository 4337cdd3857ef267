"""The settings of a witness: what it calls itself, where its files lie, and whose logs it cosigns.

Owns the file `witness.toml`. Refuses a member that it does not know, a key of another name than its log's origin, and
to witness itself.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from trailbook.errors import ConfigurationError, InvalidError
from trailbook.model import prepare
from trailbook.tree import ED25519, KeyRange, VerifierKey, format_vkey, parse_range

_MOST = 255  # bytes of a name or an origin that ML-DSA-44 cosignatures cover


class _Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log as it stands in the file."""

    origin: str
    keys: tuple[str, ...]


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file; its paths are relative to where it lies."""

    name: str
    logs: tuple[_Log, ...]
    listen: str = "127.0.0.1:8751"
    key_file: str = "witness.key"
    heads_file: str = "witness.db"


prepare(_File)


class WitnessSettings(Struct, frozen=True, kw_only=True):
    """What is in force: `logs` are the keys of each log by its origin, each with the sizes that it signs."""

    name: str
    listen: str
    key_file: Path
    heads_file: Path
    logs: Mapping[str, tuple[KeyRange, ...]]


def read_witness_settings(file: Path) -> WitnessSettings:
    """Read a witness's settings. Raises: ConfigurationError naming what is wrong."""
    given = _given(file)
    if any(log.origin == given.name for log in given.logs):
        raise ConfigurationError(
            f"{file.name}: name: is the origin of a log; nobody is a witness of themselves"
        )
    if len({log.origin for log in given.logs}) != len(given.logs):
        raise ConfigurationError(f"{file.name}: logs: two have the same origin")
    _check_name(file, given.name)
    return WitnessSettings(
        name=given.name,
        listen=given.listen,
        key_file=file.parent / given.key_file,
        heads_file=file.parent / given.heads_file,
        logs={log.origin: tuple(_key(file, log.origin, key) for key in log.keys) for log in given.logs},
    )


def _given(file: Path) -> _File:
    try:
        given = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File)
    except OSError as error:
        raise ConfigurationError(f"{file.name}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file.name}: is not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{file.name}: {error}") from None
    for log in given.logs:
        if len(log.origin.encode()) > _MOST:
            raise ConfigurationError(f"{file.name}: logs: an origin has at most {_MOST} bytes")
        if not log.keys:
            raise ConfigurationError(f"{file.name}: {log.origin}: needs at least one key")
    return given


def _key(file: Path, origin: str, text: str) -> KeyRange:
    try:
        range_ = parse_range(text)
    except InvalidError as error:
        raise ConfigurationError(f"{file.name}: {origin}: {error.detail}") from None
    if range_.key.name != origin:
        raise ConfigurationError(f"{file.name}: {origin}: the key is of {range_.key.name}, another log")
    return range_


def _check_name(file: Path, name: str) -> None:
    try:
        format_vkey(VerifierKey(name, ED25519, bytes(32)))
    except InvalidError as error:
        raise ConfigurationError(f"{file.name}: name: {error.detail}") from None
    if len(name.encode()) > _MOST:
        raise ConfigurationError(f"{file.name}: name: has more than {_MOST} bytes")
