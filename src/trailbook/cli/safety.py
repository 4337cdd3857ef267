"""What is unsafe in a setup: settings and files, looked at without opening the log.

Owns the sentences about addresses, secrets, file modes and the outside file. Refuses to change any of them: whoever
keeps the machine does. What it cannot know, such as a proxy in front, it does not guess.
"""

import ipaddress
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from trailbook import deployment as deployments
from trailbook.cli.server_lock import served_at
from trailbook.deployment import FILE, PREFIX, Settings

_OTHERS = 0o077
_FEWEST = 16  # different bytes in a secret; one made by chance has fewer than once in 10**15


class Risk(Struct, frozen=True, kw_only=True):
    """One thing that is wrong or unsafe: the part, what it is, what to do; `repaired` when it was just mended."""

    part: str
    says: str
    do: str
    org: str | None = None
    repaired: bool = False


def unsafe(found: Settings, config: Path | None) -> Iterator[Risk]:
    """What is unsafe in these settings and the files that they name. Raises: OSError."""
    yield from _addresses(found)
    yield from _given_secrets(found, config)
    if found.store.startswith("sqlite:///"):
        log = Path(found.store.removeprefix("sqlite:///"))
        yield from _kept_secrets(found, log)
        yield from _readable(found, log)
        yield from _outside(found.outside_file, log)


def _addresses(found: Settings) -> Iterator[Risk]:
    told = [found.base_url, served_at(found.store) if found.store.startswith("sqlite:///") else None]
    if found.base_url is None:
        told.append(f"http://{found.listen}")
    for address in dict.fromkeys(one for one in told if one is not None):
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


def _given_secrets(found: Settings, config: Path | None) -> Iterator[Risk]:
    given = {name: getattr(found, name) for name in ("secret_key", "organisation_key")}
    for name, text in given.items():
        if text is not None and is_weak(bytes.fromhex(text)):
            yield _weak(name, found.sources[name])
    if given["secret_key"] is not None and given["secret_key"] == given["organisation_key"]:
        yield Risk(
            part="secrets",
            says="secret_key and organisation_key are the same secret.",
            do="Make another secret_key (`openssl rand -hex 32`); organisation_key must stay as long as the log.",
        )
    file = config or Path(FILE)
    in_file = any(not found.sources[n].startswith((PREFIX, "--", "default")) for n in given if given[n])
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


def _kept_secrets(found: Settings, log: Path) -> Iterator[Risk]:
    """Secrets beside the log, where none are given."""
    kept = log.with_name(log.name + ".keys")
    if found.secret_key is None and not kept.exists():
        yield Risk(
            part="secrets",
            says=f"The secrets of the log are missing: {kept.name} is not beside it, and none are set.",
            do="Put the file back from its backup; without it the log does not open.",
        )
    elif found.secret_key is None:
        lines = (line.partition("=") for line in kept.read_text("ascii", "replace").split())
        for name, _, text in lines:
            if _is_hex(text) and is_weak(bytes.fromhex(text)):
                yield _weak(name, kept.name)
    folder = Path(found.signing_key) if found.signing_key else log.with_name(log.name + ".signing")
    if not folder.is_dir():
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


def _readable(found: Settings, log: Path) -> Iterator[Risk]:
    """Files that others of this machine can read."""
    folder = Path(found.signing_key) if found.signing_key else log.with_name(log.name + ".signing")
    kept = log.with_name(log.name + ".keys")
    for file in (kept, *sorted(folder.glob("*.key"))):
        if file.exists() and file.stat().st_mode & _OTHERS:
            yield _open_to_others("secrets", file)
    beside = [log.with_name(log.name + end) for end in ("", "-wal", "-shm")]
    for file in beside:
        if file.exists() and file.stat().st_mode & _OTHERS:
            yield _open_to_others("files", file)
    for file in sorted(log.absolute().parent.iterdir()):
        copy = file.name not in {one.name for one in beside} and file.is_file()
        if copy and file.stat().st_mode & _OTHERS and deployments.is_log_file(file):
            yield _open_to_others("backups", file)


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


def _outside(given: str | None, log: Path) -> Iterator[Risk]:
    if given is None:
        yield Risk(
            part="outside",
            says="No outside file is set: who has the signing key can rewrite the log, and a restore cannot tell what"
            " it lost.",
            do="Set outside_file to a path on another machine's disk (docs/operate.md).",
        )
        return
    folder = Path(given).absolute().parent
    if not folder.is_dir():
        yield Risk(
            part="outside",
            says=f"The folder of the outside file, {folder}, is not there: nothing is signed until it is.",
            do="Mount the disk, or set outside_file to another path.",
        )
    elif folder.stat().st_dev == log.absolute().parent.stat().st_dev:
        yield Risk(
            part="outside",
            says="The outside file lies on the same disk as the log: whoever takes or changes one has the other.",
            do="Set outside_file to a path on another machine's disk, and move the file there.",
        )
