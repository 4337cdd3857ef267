"""What is unsafe in a setup: settings and files, looked at without opening the log.

Owns the sentences about addresses, secrets, file modes and the outside file. Refuses to change any of them: whoever
keeps the machine does. What it cannot know, such as a proxy in front, it does not guess.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from trailbook import deployment as deployments
from trailbook.cli.server_lock import served_at
from trailbook.deployment import FILE, PREFIX, Locations, Settings
from trailbook.errors import ConfigurationError

_OTHERS = 0o077
_FEWEST = 16  # different bytes in a secret; one made by chance has fewer than once in 10**15


class Risk(Struct, frozen=True, kw_only=True):
    """One thing that is wrong or unsafe: the part, what it is, what to do; `repaired` when it was just mended."""

    part: str
    says: str
    do: str
    org: str | None = None
    repaired: bool = False


def unsafe(settings: Settings, config: Path | None) -> Iterator[Risk]:
    """What is unsafe in these settings and the files that they name. Raises: OSError."""
    locations = deployments.locations_of(settings)
    keys = placed(locations.keys_file) if settings.secret_key is None else None
    signing, log = placed(locations.signing_folder), deployments.store_file(settings.store)
    yield from _unplaced(settings, locations)
    yield from _addresses(settings, locations)
    yield from _set_secrets(settings, config)
    yield from _kept_secrets(keys)
    yield from _signing_keys(signing)
    yield from _readable(
        "secrets", [placed(locations.keys_file), *sorted(signing.glob("*.key") if signing else ())]
    )
    yield from _files(log)
    yield from _outside(settings.outside_file, log)


def placed(place: Callable[[], Path]) -> Path | None:
    """A place of the log, or None where a setting that has to name it does not."""
    try:
        return place()
    except ConfigurationError:
        return None


def _unplaced(settings: Settings, locations: Locations) -> Iterator[Risk]:
    """What nobody has said where it lies, though it does not lie beside the store."""
    needed = [locations.signing_folder, locations.lock_file, locations.export_folder]
    for place in needed if settings.secret_key else [locations.keys_file, *needed]:
        try:
            place()
        except ConfigurationError as error:
            yield Risk(part="places", says=f"{error.detail}.", do="Set it (docs/reference/configuration.md).")


def _addresses(settings: Settings, locations: Locations) -> Iterator[Risk]:
    lock = placed(locations.lock_file)
    addresses = [
        settings.base_url,
        None if lock is None else served_at(lock),
        f"http://{settings.listen}" if settings.base_url is None else None,
    ]
    for address in dict.fromkeys(address for address in addresses if address is not None):
        parts = urlsplit(address)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield Risk(
                part="address",
                says=f"{address} is plain HTTP beyond this machine: names, keys and sessions can be read on the way.",
                do="Put a TLS proxy in front, listen at 127.0.0.1, and set base_url to its https:// address.",
            )


def is_loopback(host: str) -> bool:
    """Whether a host of an address is this machine itself. Source: RFC 6761 section 6.3."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _set_secrets(settings: Settings, config: Path | None) -> Iterator[Risk]:
    """Secrets that the settings hold."""
    keys = {name: getattr(settings, name) for name in ("secret_key", "organisation_key")}
    for name, text in keys.items():
        if text is not None and is_weak(bytes.fromhex(text)):
            yield _weak(name, settings.sources[name])
    if keys["secret_key"] is not None and keys["secret_key"] == keys["organisation_key"]:
        yield Risk(
            part="secrets",
            says="secret_key and organisation_key are the same secret.",
            do="Make another secret_key (`openssl rand -hex 32`); organisation_key must stay as long as the log.",
        )
    file = config or Path(FILE)
    in_file = any(not settings.sources[n].startswith((PREFIX, "--", "default")) for n in keys if keys[n])
    if in_file and file.exists() and file.stat().st_mode & _OTHERS:
        yield _open_to_others("secrets", file)


def is_weak(secret: bytes) -> bool:
    """Whether a secret was not made by chance: few different bytes, a counted row, or words."""
    steps = {(b - a) % 256 for a, b in pairwise(secret)}
    return len(set(secret)) < _FEWEST or len(steps) == 1 or all(32 <= byte < 127 for byte in secret)


def _weak(name: str, where: str) -> Risk:
    more = (
        "" if name == "secret_key" else " It is kept as long as the log: begin the log anew with a good one."
    )
    return Risk(
        part="secrets",
        says=f"{name} ({where}) is an example or can be guessed: who guesses it can forge what it protects.",
        do=f"Make one with `openssl rand -hex 32`.{more}",
    )


def _kept_secrets(file: Path | None) -> Iterator[Risk]:
    """Secrets in a file of their own, where none are set."""
    if file is None:
        return
    if not file.exists():
        yield Risk(
            part="secrets",
            says=f"The secrets of the log are missing: {file.name} is not in {file.absolute().parent}, and none are"
            " set.",
            do="Put the file back from its backup; without it the log does not open.",
        )
        return
    for name, _, text in (line.partition("=") for line in file.read_text("ascii", "replace").split()):
        if _is_hex(text) and is_weak(bytes.fromhex(text)):
            yield _weak(name, file.name)


def _signing_keys(folder: Path | None) -> Iterator[Risk]:
    if folder is not None and not folder.is_dir():
        yield Risk(
            part="secrets",
            says=f"There are no signing keys in {folder.name}: nothing of the log is signed.",
            do="Put the folder back from its backup, or make keys with `trailbook keys new`.",
        )


def _is_hex(text: str) -> bool:
    try:
        return bool(bytes.fromhex(text))
    except ValueError:
        return False


def _files(log: Path | None) -> Iterator[Risk]:
    """The files of a log that is one, and backups of it in the same folder."""
    if log is None:
        return
    beside = [log.with_name(log.name + end) for end in ("", "-wal", "-shm")]
    yield from _readable("files", beside)
    others = (file for file in log.absolute().parent.iterdir() if file.name not in {f.name for f in beside})
    yield from _readable("backups", sorted(file for file in others if deployments.is_log_file(file)))


def _readable(part: str, files: Iterable[Path | None]) -> Iterator[Risk]:
    """Those of these files that others of this machine can read."""
    for file in files:
        if file is not None and file.exists() and file.stat().st_mode & _OTHERS:
            yield _open_to_others(part, file)


def _open_to_others(part: str, file: Path) -> Risk:
    return Risk(
        part=part,
        says=f"Others on this machine can read {file.name}.",
        do=f"`chmod 600 {file}`; if they may have read it, {_AFTER[part]}",
    )


_AFTER = {
    "secrets": "make new signing keys (docs/operate.md, drill 2) and have everybody sign in again.",
    "files": "names stand in it: that is a breach to be judged.",
    "backups": "names stand in it, also of whoever was erased since: that is a breach to be judged.",
}


def _outside(outside_file: str | None, log: Path | None) -> Iterator[Risk]:
    if outside_file is None:
        yield Risk(
            part="outside",
            says="No outside file is set: who has the signing key can rewrite the log, and a restore cannot tell what"
            " it lost.",
            do="Set outside_file to a path on another machine's disk (docs/operate.md).",
        )
        return
    folder = Path(outside_file).absolute().parent
    if not folder.is_dir():
        yield Risk(
            part="outside",
            says=f"The folder of the outside file, {folder}, is not there: nothing is signed until it is.",
            do="Mount the disk, or set outside_file to another path.",
        )
    elif log is not None and folder.stat().st_dev == log.absolute().parent.stat().st_dev:
        yield Risk(
            part="outside",
            says="The outside file lies on the same disk as the log: whoever takes or changes one has the other.",
            do="Set outside_file to a path on another machine's disk, and move the file there.",
        )
