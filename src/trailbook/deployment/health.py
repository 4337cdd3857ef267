"""How an open log is: whether it can answer, and what will go wrong with it unless somebody acts.

Owns the parts, each with a word of its own: six that are looked at here (store, migrations, disk, seal-lag,
checkpoint-age, clock), and the loops of `background`, which speak for themselves. Looks at heads and bookmarks alone,
so that it can be asked often. Refuses to repair, to read entries by the thousand (`verify` does), and to judge
settings and files, which the command line knows.
"""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct

from trailbook.errors import DamagedError, ProofInvalidError, SchemaNewerError, StoreError
from trailbook.finding import indexed
from trailbook.model import instant, microseconds, parse_instant, written
from trailbook.proofs import latest_checkpoint
from trailbook.record import decode_body
from trailbook.stores import Blobs, Filed, Head, Ledger, TreeStore
from trailbook.tree import parse_note

LoopName = Literal["sealing", "recording", "signing", "stamping", "witnessing", "exports", "draining"]
Part = Literal["store", "migrations", "disk", "seal-lag", "checkpoint-age", "clock"] | LoopName
HEALTH_PARTS: tuple[Part, ...] = ("store", "migrations", "disk", "seal-lag", "checkpoint-age", "clock")
LOOPS: tuple[LoopName, ...] = (
    "sealing",
    "recording",
    "signing",
    "stamping",
    "witnessing",
    "exports",
    "draining",
)
_SECOND = 1_000_000
_TIMED = 72  # bytes of a signature that begins with its time. Source: C2SP tlog-cosignature


class DiskRoom(Struct, frozen=True):
    """Bytes used, and bytes free for who may not use the reserve, on a disk."""

    used: int
    free: int


Room = Callable[[Path], DiskRoom]  # where a file or folder lies


class Alarms(Struct, frozen=True, kw_only=True):
    """From where on a part is told of: shares of the disk in percent, entries, seconds."""

    disk_tight: int = 75
    disk_full: int = 90
    unsealed: int = 131_072
    unsigned_seconds: int = 60
    clock_seconds: int = 5


class Ailment(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: the part, what it is, and what to do; `fails`: the log is not fit to be of."""

    part: Part
    says: str
    do: str
    fails: bool = True
    org: str | None = None


def room_of(path: Path) -> DiskRoom:
    """The room on the disk of a file or folder."""
    usage = shutil.disk_usage(path)
    return DiskRoom(usage.used, usage.free)


class Examined(Struct, frozen=True, kw_only=True):
    """What is looked at, when, and from where on it is told of; `beside` are other files that must have room."""

    store: TreeStore
    now: datetime
    alarms: Alarms = Alarms()
    beside: tuple[Path, ...] = ()
    room: Room = room_of


def ailments(examined: Examined) -> list[Ailment]:
    """Everything that is wrong, in the order of `HEALTH_PARTS`; an empty list says that all is well."""
    try:
        return sorted(_every(examined), key=lambda ailment: HEALTH_PARTS.index(ailment.part))
    except StoreError as error:
        return [_unanswered(error.detail)]


def _every(examined: Examined) -> Iterator[Ailment]:
    yield from (*_store(examined), *_migrations(examined), *_disk(examined))
    for org in examined.store.orgs():
        head = examined.store.head(org)
        yield from (
            *_sealing(examined, org, head),
            *_checkpoint(examined, org, head),
            *_clock(examined, org, head),
        )


def _unanswered(detail: str) -> Ailment:
    return Ailment(
        part="store",
        says=f"The log does not answer: {detail}.",
        do="Look at its disk and its rights; where the file is damaged, restore a backup (docs/operate.md, drill 1).",
    )


def _store(examined: Examined) -> Iterator[Ailment]:
    """A write that failed below the database: this process must not write any more, whatever the disk says now."""
    if isinstance(examined.store, Filed) and not examined.store.fit:
        yield Ailment(
            part="store",
            says="An earlier write failed below the database, so nothing more is recorded through this process.",
            do="Look at the disk, then start the server again.",
        )


def _migrations(examined: Examined) -> Iterator[Ailment]:
    if not isinstance(examined.store, Filed):
        return
    schema, known = examined.store.schema()
    if schema != known:
        yield Ailment(
            part="migrations",
            says=f"The file has schema {schema}, this Trailbook knows {known}: another version has opened the file.",
            do="Run one version of Trailbook on a log, and start the server again with it.",
        )


def _disk(examined: Examined) -> Iterator[Ailment]:
    own = (examined.store.path,) if isinstance(examined.store, Filed) else ()
    for path in (*own, *examined.beside):
        try:
            room = examined.room(path if path.exists() else path.parent)
        except OSError as error:
            yield Ailment(
                part="disk",
                says=f"The place of {path.name} cannot be reached: {error.strerror}.",
                do="Mount its disk again, or name another place; signing waits for the outside file.",
            )
            continue
        share = 100 * room.used / max(1, room.used + room.free)
        if share >= examined.alarms.disk_tight:
            yield Ailment(
                part="disk",
                says=f"The disk of {path.name} is {share:.0f} % full; at 100 % nothing more is recorded.",
                do="Make room, or move the log to a larger disk; old backups and exports are often the largest part.",
                fails=share >= examined.alarms.disk_full,
            )


def _sealing(examined: Examined, org: str, head: Head) -> Iterator[Ailment]:
    repair = "`trailbook doctor --repair` builds the index anew from the entries, which are not touched."
    try:
        waiting = head.size - indexed(examined.store, org)
    except DamagedError as error:
        says = f"The list of the index of {org} cannot be read: {error.detail}."
        yield Ailment(part="seal-lag", says=says, do=repair, org=org)
        return
    if waiting >= examined.alarms.unsealed:
        yield Ailment(
            part="seal-lag",
            says=f"{_entries(waiting)} of {org} not sealed yet: found, but slowly, and held in memory.",
            do=f"Sealing goes on while a server runs. Where it does not get less, {repair}",
            org=org,
        )


def _checkpoint(examined: Examined, org: str, head: Head) -> Iterator[Ailment]:
    """Entries that nobody has signed for long; the first of them says since when."""
    try:
        signed = latest_checkpoint(examined.store, org)
    except ProofInvalidError as error:
        says = f"The last checkpoint of {org} cannot be read: {error.detail}."
        yield Ailment(
            part="checkpoint-age", says=says, do="`trailbook verify` says what is touched.", org=org
        )
        return
    size = 0 if signed is None else signed.checkpoint.size
    if size >= head.size:
        return
    since = _recorded_at(examined.store, org, size) or head.recorded_at
    waited = (microseconds(examined.now) - since) // _SECOND
    if waited >= examined.alarms.unsigned_seconds:
        yield Ailment(
            part="checkpoint-age",
            says=f"Signing is behind in {org}: {_entries(head.size - size)} since {written(instant(since))} in no"
            " checkpoint.",
            do="A running server signs within a second, and says on stderr why it refuses; without one,"
            " `trailbook checkpoint publish` signs now. Where it refuses, `trailbook verify` says what is touched.",
            org=org,
        )


def _recorded_at(store: Ledger, org: str, seq: int) -> int | None:
    rows = store.kept_at(org, [seq])
    if not rows or rows[0].body is None:
        return None
    try:
        return microseconds(parse_instant(decode_body(rows[0].body).recorded_at))
    except DamagedError:
        return None  # `verify` names it; here only the age matters


def _clock(examined: Examined, org: str, head: Head) -> Iterator[Ailment]:
    last = max(head.recorded_at, _signed_at(examined.store, org) * _SECOND)
    ahead = (last - microseconds(examined.now)) // _SECOND
    if ahead >= examined.alarms.clock_seconds:
        whose = "newest entry" if last == head.recorded_at else "last checkpoint"
        yield Ailment(
            part="clock",
            says=f"The clock is {ahead} seconds behind the {whose} of {org} ({written(instant(last))}).",
            do="Set the clock (chrony or systemd-timesyncd keep it). Until it has caught up, every entry is given that"
            " time as the time of recording.",
            org=org,
        )


def _signed_at(store: Blobs, org: str) -> int:
    """When the last checkpoint was signed, in seconds; 0 without one. Nothing is verified: `verify` does."""
    try:
        signed = latest_checkpoint(store, org)
    except ProofInvalidError:
        return 0
    signatures = () if signed is None else parse_note(signed.note).signatures
    return max((int.from_bytes(s.signature[:8]) for s in signatures if len(s.signature) == _TIMED), default=0)


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def refused_ailment(error: StoreError) -> Ailment:
    """What is wrong with a log that could not even be opened."""
    if isinstance(error, SchemaNewerError):
        return Ailment(
            part="migrations",
            says=f"A newer Trailbook has opened this log: {error.detail}.",
            do="Install that version again; a schema never goes back.",
        )
    return _unanswered(error.detail)
