"""A deployment: one store opened with its registry, its secrets, and the logs of its organisations.

Owns that each organisation has one open log here, and what is done to all of them at once: signing, backup,
verifying, restarting. Refuses to hand out the store: whoever reads or records passes a log.
"""

import os
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import structs

from trailbook.access import Credentials, Viewer, operator
from trailbook.catalogue import load
from trailbook.clock import Clock, Entropy, utc_now
from trailbook.deployment.background import Guest, Loop, recording, running, sealing, signing_loops
from trailbook.deployment.granted import GrantRows
from trailbook.deployment.health import Ailment, Alarms, Examined, LoopName, Room, ailments, room_of
from trailbook.deployment.persons import Persons
from trailbook.deployment.restart import Restarted, is_behind, restart
from trailbook.deployment.verification import VerifyOptions, catalogue_rules, verify_log
from trailbook.errors import (
    ConfigurationError,
    EntryConflictError,
    Fault,
    InvalidError,
    StoreError,
    SuspendedError,
    TrailbookError,
)
from trailbook.finding import Parts, open_embedded
from trailbook.log import Keys, Log, rotations_of
from trailbook.model import EARLIEST, Actor, Item, Origin, Progress
from trailbook.proofs import (
    NOTHING_OUTSIDE,
    Keyring,
    Outside,
    Signer,
    Signing,
    Stamp,
    Trust,
    kept_stamps,
    new_keys,
    origin_of,
    origins_of,
    read_outside,
    read_ranges,
    trust,
)
from trailbook.query import WORKING_HOURS, WorkingHours
from trailbook.stores import Copies, Jobs, Registry, Store, Views
from trailbook.tree import Checkpoint, KeyRange, VerifierKey, key_ranges
from trailbook.verify import Report

SIGNER = Actor(kind="system", type="system", id="signer", name="Signer")
NumberedFilter = list[tuple[str, str | int]]  # a saved filter, its items as numbers
_filter = msgspec.json.Decoder(NumberedFilter)
_working_hours = msgspec.json.Decoder(WorkingHours)
MOST_LOGS = 512  # held open at once; one that is asked for again opens in a moment
_ORG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


DEFAULT_ALARMS = Alarms()


class Deployment:
    """An open store; `log(org)` is the one way to an organisation's entries."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        keys: Keys,
        *,
        folders: Sequence[Path] = (),
        clock: Clock = utc_now,
        entropy: Entropy = secrets.token_bytes,
        signing: Signing | None = None,
        watched: bool = True,
        earliest: datetime = EARLIEST,
        timezone: str = "UTC",
        url: str | None = None,
    ) -> None:
        self.url = url  # by which another process opens the same store
        self._signing = signing
        self._watched = watched
        self._earliest = earliest
        self._store = store
        self._keys = keys
        self._entropy = entropy
        self._logs: OrderedDict[str, Log] = OrderedDict()
        self._parts = Parts()
        self._sealing, self._recording = sealing(), recording()
        # What runs beside, for its health to be told.
        self.loops: list[Loop | Guest] = [self._sealing.loop, self._recording.loop]
        self._lock = threading.Lock()
        self.timezone = timezone  # of an organisation that set none of its own
        self.clock = clock
        self.catalogue = load(folders)
        self.credentials = Credentials(registry, clock, entropy)
        self.access = registry.access
        self._granted = GrantRows(registry.access, registry.keys)
        self.entropy = entropy
        # One at a time in this process; what other processes change meanwhile the registry's own order shows.
        self.changing_access = threading.Lock()
        self.views: Views = registry.views
        self.persons = Persons(self.access, self.credentials, self.views, self.changing_access)
        self.jobs: Jobs = registry.jobs

    def log(self, org: str) -> Log:
        """The log of an organisation. Raises: NotFoundError when it has none; SuspendedError."""
        if self.access.organisation(org).suspended_at is not None:
            raise SuspendedError(org)
        return self._log(org)

    def _log(self, org: str) -> Log:
        with self._lock:
            if org not in self._logs:
                self._store.head(org)
                self._logs[org] = self._opened(org)
            self._logs.move_to_end(org)
            # A log in use goes on working when it is forgotten here: two of one organisation are as two processes.
            while len(self._logs) > MOST_LOGS:
                self._logs.popitem(last=False)
            return self._logs[org]

    def _opened(self, org: str) -> Log:
        log = Log(
            self._store,
            org,
            keys=self._keys,
            catalogue=self.catalogue,
            clock=self.clock,
            entropy=self._entropy,
            open_finder=open_embedded(parts=self._parts),
            watched=self._watched,
            earliest=self._earliest,
            working_hours=lambda: self.working_hours(org),
        )
        log.upkeep.on_ripe = lambda: self._sealing.wake(log)
        log.recorder.held_back.on_held = lambda: self._recording.wake(log)
        log.recorder.on_change = lambda: self._forget_views(log)
        log.recorder.before_erasure = lambda item: self._forget_person(org, item)
        return log

    def _forget_person(self, org: str, item: Item) -> None:
        """Let go of somebody in the registry, before the log does: killed between, whoever repeats it finds them."""
        self.persons.refuse_last(org, item)
        self.persons.forget(org, item)

    def working_hours(self, org: str) -> WorkingHours:
        """The working hours of an organisation, as they are set by now, in its zone."""
        kept = self.access.organisation(org).working_hours
        hours = _working_hours.decode(kept) if kept else WORKING_HOURS
        return structs.replace(hours, tz=hours.tz or self.timezone)

    def _forget_views(self, log: Log) -> None:
        """Remove the saved views that name an item which was erased: what stands in them would outlive it."""
        for view in self.views.every(log.org):
            pairs = _filter.decode(view.filter)
            numbers = [value for _, value in pairs if isinstance(value, int)]
            if len(log.numbered(numbers, viewer=operator(log.org))) < len(set(numbers)):
                self.views.drop(log.org, view.id)

    def refused(self, viewer: Viewer) -> None:
        """Record in a viewer's own log that they were refused, wherever they asked. Raises: StoreError."""
        self.log(viewer.org).refused(viewer)

    def orgs(self) -> list[str]:
        """The organisations that have a log, by name."""
        return self._store.orgs()

    def create(self, org: str) -> Log:
        """The log of an organisation, begun when it has none. Raises: InvalidError for a name that cannot be."""
        if not _ORG.fullmatch(org):
            detail = "needs 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit"
            raise InvalidError(f"org: {detail}", (Fault("/org", "invalid", detail),))
        self._store.create(org)
        return self.log(org)

    @property
    def signing(self) -> Signing:
        """How heads are signed. Raises: ConfigurationError when there are no signing keys."""
        if self._signing is None:
            raise ConfigurationError(
                "signing_key: there are no signing keys; `trailbook keys new` makes them"
            )
        self._signing = self._signing.renewed()
        return self._signing

    @property
    def can_sign(self) -> bool:
        """Whether the signing keys are here."""
        return self._signing is not None

    def signer(self) -> Signer:
        """The signer of these logs; a deployment runs one at a time. Raises: ConfigurationError."""
        return Signer(self._store, self.signing, self._announce)

    def trust(self, org: str) -> Trust:
        """What a log's trust rests on, as it stands. Raises: NotFoundError, StoreError."""
        if self._signing is None:
            return trust(self._store, org, None)
        try:
            ranges = self.key_ranges(org)
        except StoreError:  # the facts are there above all where entries are not
            ranges = tuple(key_ranges(self.verifier_keys(org), ()))
        return trust(self._store, org, self.signing, ranges)

    def verifier_keys(self, org: str) -> tuple[VerifierKey, ...]:
        """Every key that ever signed a log's heads, oldest first. Raises: ConfigurationError."""
        return self.signing.keyring.verifiers(origin_of(self._store, org, self.signing.origin))

    def key_ranges(self, org: str) -> tuple[KeyRange, ...]:
        """The same keys, each with the sizes of heads that it signs. Raises: ConfigurationError, StoreError."""
        keys = self.verifier_keys(org)
        rotations = rotations_of(self._log(org)) if self.signing.keyring.newest else ()
        return tuple(key_ranges(keys, rotations, origins_of(self._store, org, self.signing.origin)))

    def rotate_keys(self, folder: Path) -> Keyring:
        """Make new signing keys beside the old ones; each log records it, and is signed by both and then by the new.

        What a crash keeps from that is done by whoever signs next. Raises: ConfigurationError; as `take_keys`.
        """
        keyring = new_keys(folder, self._entropy, rotate=True)
        self._signing = structs.replace(self.signing, keyring=keyring)
        self.take_keys()
        return keyring

    def take_keys(self) -> None:
        """Sign every log with the newest keys. Raises: for the first log that cannot be signed, after all others."""
        signer, failed = self.signer(), list[TrailbookError]()
        for org in self.orgs():
            try:
                signer.sign(org)
            except TrailbookError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def behind_keys(self) -> list[str]:
        """The logs that were not signed with the newest keys yet. Raises: ConfigurationError, StoreError."""
        signer = self.signer()
        return [org for org in self.orgs() if signer.is_behind(org)]

    def _announce(self, org: str) -> None:
        """Record in a log that the newest keys sign from then on, once."""
        fact = self.signing.keyring.fact(origin_of(self._store, org, self.signing.origin))
        log = self._log(org)
        with suppress(EntryConflictError):  # recorded before, at another time
            log.record(
                "activity_log.key_rotated",
                actor=SIGNER,
                target=Item(type="key", id=fact),
                origin=Origin(interface="job"),
                id=log.id_from(f"key_rotated\n{fact}"),
            )

    def backup(self, file: Path, progress: Progress = lambda done, total: None) -> None:
        """Copy the whole store to a file while recording goes on; the file is whole once it has its name.

        Raises: ConfigurationError for a store that is not one file, or a file that exists; StoreError.
        """
        if not isinstance(self._store, Copies):
            raise ConfigurationError("store: only a store in one file is backed up this way")
        if file.exists():
            raise ConfigurationError(f"{file.name}: exists already; a backup never overwrites")
        partial = file.with_name(file.name + ".part")
        partial.unlink(missing_ok=True)
        self._store.copy_to(partial, progress)
        sync(partial)
        partial.rename(file)
        sync(file.parent)

    def verify(
        self,
        org: str,
        *,
        outside: Sequence[bytes] = (),
        start: int = 0,
        stop: int | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Report:
        """Check a log against its signed heads and those kept outside; names every fault, repairs nothing.

        `start` and `stop` narrow the bodies that are hashed anew. Raises: NotFoundError, StoreError,
        ConfigurationError without keys.
        """
        options = VerifyOptions(
            origin=self.signing.origin,
            keys_of=self.signing.keyring.verifiers,
            outside=outside,
            ranges=self.ranges_outside(org),
            start=start,
            stop=stop,
            now=self.clock(),
            rules=catalogue_rules(self.catalogue),
        )
        return verify_log(self._store, org, options, registry=self._granted, progress=progress)

    def heads_outside(self, org: str) -> list[bytes]:
        """The signed heads of a log that the outside file has, as they stand in it. Raises: DamagedError."""
        if self.signing.outside is None:
            return []
        return read_outside(self.signing.outside).notes_of(f"{self.signing.origin}/{org}")

    def ranges_outside(self, org: str) -> tuple[KeyRange, ...]:
        """The ranges of a log's keys that the outside file has, of every epoch. Raises: DamagedError."""
        if self.signing.outside is None:
            return ()
        ranges = read_ranges(self.signing.outside)
        origins = origins_of(self._store, org, self.signing.origin)
        return tuple(range_ for origin in origins for range_ in ranges.get(origin, ()))

    def stamps(self, org: str) -> list[Stamp]:
        """The timestamps that a log keeps, unchecked, each with its note. Raises: NotFoundError, StoreError."""
        return kept_stamps(self._store, org)

    def behind(self, outside: Path) -> dict[str, Checkpoint]:
        """The logs that do not reach their last checkpoint kept outside, with it. Raises: DamagedError."""
        copies, origin = read_outside(outside), self.signing.origin
        behind = {org: is_behind(self._store, org, origin, copies) for org in self.orgs()}
        return {org: checkpoint for org, checkpoint in behind.items() if checkpoint is not None}

    def unwitnessed(self, outside: Path) -> list[str]:
        """The logs with entries of which the outside file holds no signed head at all. Raises: DamagedError."""
        copies, origin = read_outside(outside), self.signing.origin
        last_heads = {
            org: copies.last(frozenset({origin_of(self._store, org, origin)})) for org in self.orgs()
        }
        return [org for org, last in last_heads.items() if last is None and self._store.head(org).size]

    def restart(self, outside: Path | None, *, always: bool = False) -> list[Restarted]:
        """Declare every log that lost entries restarted, and erase again whoever was erased since.

        With `always` every log begins a new origin. Raises: StoreError, DamagedError, ConfigurationError.
        """
        copies = NOTHING_OUTSIDE if outside is None else read_outside(outside)
        restarts = [self._restarted(org, copies, always=always) for org in self.orgs()]
        return [restarted for restarted in restarts if restarted is not None]

    def _restarted(self, org: str, copies: Outside, *, always: bool) -> Restarted | None:
        def forget(item: Item) -> None:  # whoever was an administrator when the backup was taken, too
            self.persons.forget(org, item)

        origin = self.signing.origin
        return restart(self._store, self.log(org), origin, copies, always=always, forget=forget)

    def ailments(self, alarms: Alarms = DEFAULT_ALARMS, room: Room = room_of) -> list[Ailment]:
        """What is wrong with the open log, by part; nothing where all is well."""
        outside = None if self._signing is None else self._signing.outside
        beside = () if outside is None else (outside,)
        examined = Examined(store=self._store, now=self.clock(), alarms=alarms, beside=beside, room=room)
        setbacks = [setback for loop in self.loops for setback in loop.setbacks]
        return [*ailments(examined), *(setback.ailment for setback in setbacks)]

    @contextmanager
    def signing_beside(self) -> Iterator[None]:
        """Sign every log's head within a second, and get timestamps, while this lasts. Raises: ConfigurationError."""
        loops = signing_loops(self.signer(), self.orgs)
        self.loops += loops
        try:
            with running(loops):
                yield
        finally:
            self.loops = [loop for loop in self.loops if loop not in loops]

    def beside(self, name: LoopName) -> Guest:
        """A loop that somebody else runs in this process; what it tells of itself is in this deployment's health."""
        guest = Guest(name)
        self.loops.append(guest)
        return guest

    def kept_log(self, org: str) -> Log:
        """The log of an organisation, suspended or not, for whoever keeps its files. Raises: NotFoundError."""
        return self._log(org)

    def close(self) -> None:
        """Close the store, once what waits for it is recorded or given up; closing twice is fine."""
        self._sealing.close()
        for log in self._recording.close():
            log.recorder.held_back.end()
        with suppress(StoreError):  # whoever signed in meanwhile signs in again
            self.credentials.settle()
        self._store.close()


def sync(path: Path) -> None:
    """Bring a file's or folder's content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
