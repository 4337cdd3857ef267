"""A deployment: one store opened with its registry, its secrets, and the logs of its organisations.

Owns opening and closing, and where the secrets of an embedded log lie: a file of its own beside the
database, readable by its owner alone. Refuses a secret that others can read.
"""

import os
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from trailbook.access.credentials import Credentials
from trailbook.access.throttle import Throttle
from trailbook.access.viewer import Viewer
from trailbook.catalogue import load
from trailbook.clock import Clock, Entropy, utc_now
from trailbook.deployment.background import Sealer
from trailbook.deployment.health import Ailment, Alarms, Examined, Room, ailments, room_of
from trailbook.deployment.restart import Restarted, is_behind, restart
from trailbook.deployment.verification import VerifyOptions, verify_log
from trailbook.errors import ConfigurationError, Fault, InvalidError, NotFoundError, SuspendedError
from trailbook.export.orders import Orders
from trailbook.finding.embedded.segments import DEFAULT_SIZES, Parts
from trailbook.log.log import Keys, Log
from trailbook.model import Actor, Item, Origin, Progress
from trailbook.proofs.keyring import Keyring, keep_origin, keyring_of, new_keys, open_keyring, origin_in
from trailbook.proofs.outside_file import NOTHING_OUTSIDE, read_outside
from trailbook.proofs.signer import Signer, Signing
from trailbook.proofs.status import Trust, trust
from trailbook.proofs.tiles import origin_of
from trailbook.proofs.timestamping import Stamp, kept_stamps
from trailbook.stores import Copies, Registry, Store, Views, open_store, sqlite_path
from trailbook.tree.checkpoint import Checkpoint, VerifierKey
from trailbook.verify import Report

ORIGIN = "localhost"
SIGNER = Actor(kind="system", type="system", id="signer", name="Signer")
AskedItems = list[tuple[str, str | int]]  # a saved filter, its items as numbers
MOST_LOGS = 512  # held open at once; one that is asked for again opens in a moment
_ORG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Signs(Struct, frozen=True, kw_only=True):
    """How heads are signed: the deployment's `origin`, the folder of keys, the file outside, who timestamps."""

    origin: str = "localhost"
    folder: Path | None = None
    outside: Path | None = None
    timestamp_urls: tuple[str, ...] = ()


DEFAULT_SIGNS = Signs()
DEFAULT_ALARMS = Alarms()


class Deployment:
    """An open store; `log(org)` is the one way to an organisation's entries."""

    def __init__(
        self,
        opened: tuple[Store, Registry],
        keys: Keys,
        *,
        folders: Sequence[Path] = (),
        clock: Clock = utc_now,
        entropy: Entropy = secrets.token_bytes,
        signing: Signing | None = None,
        watched: bool = True,
    ) -> None:
        self._signing = signing
        self._watched = watched
        self._store, registry = opened
        self._keys = keys
        self._entropy = entropy
        self._logs: OrderedDict[str, Log] = OrderedDict()
        self._parts = Parts()
        self._sealer = Sealer()
        self._lock = threading.Lock()
        self.clock = clock
        self.catalogue = load(folders)
        restricted = [c.name for c in self.catalogue.categories.values() if c.restricted]
        self.credentials = Credentials(registry, clock, entropy, restricted=restricted)
        self.access = registry.access
        self.entropy = entropy
        # One at a time in this process; what other processes change meanwhile the registry's own order shows.
        self.changing_access = threading.Lock()
        self.tries = Throttle(10, 60)
        self.views: Views = registry.views
        self.orders = Orders(registry.jobs, clock, entropy)

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
            kept=(self._parts, DEFAULT_SIZES),
            watched=self._watched,
        )
        log.on_ripe(lambda: self._sealer.wake(log))
        log.on_change = lambda: self._forget_views(log)
        return log

    def _forget_views(self, log: Log) -> None:
        """Remove the saved views that name an item which was erased: what stands in them would outlive it."""
        for view in self.views.every(log.org):
            cited = [at for _, at in msgspec.json.decode(view.asked, type=AskedItems) if isinstance(at, int)]
            if len(log.numbered(cited)) < len(set(cited)):
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
        return self._signing

    def signer(self) -> Signer:
        """The signer of these logs; a deployment runs one at a time. Raises: ConfigurationError."""
        return Signer(self._store, self.signing)

    def trust(self, org: str) -> Trust:
        """What a log's trust rests on, as it stands. Raises: NotFoundError, StoreError."""
        return trust(self._store, org, self._signing)

    def verifier_keys(self, org: str) -> tuple[VerifierKey, ...]:
        """Every key that ever signed a log's heads, oldest first. Raises: ConfigurationError."""
        return self.signing.keyring.verifiers(origin_of(self._store, org, self.signing.origin))

    def rotate_keys(self, folder: Path) -> Keyring:
        """Make new signing keys beside the old ones, and record it in every log. Raises: ConfigurationError."""
        keyring = new_keys(folder, self._entropy, rotate=True)
        self._signing = structs.replace(self.signing, keyring=keyring)
        for org in self.orgs():
            key = Item(type="key", id=keyring.current_id(origin_of(self._store, org, self.signing.origin)))
            self._log(org).record(
                "activity_log.key_rotated", actor=SIGNER, target=key, origin=Origin(interface="cli")
            )
        return keyring

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
        asked = VerifyOptions(
            origin=self.signing.origin,
            keys_of=self.signing.keyring.verifiers,
            outside=outside,
            start=start,
            stop=stop,
            now=self.clock(),
            types=frozenset(self.catalogue.types),
        )
        return verify_log(self._store, org, asked, progress=progress)

    def stamps(self, org: str) -> list[Stamp]:
        """The timestamps that a log keeps, unchecked, each with its note. Raises: NotFoundError, StoreError."""
        return kept_stamps(self._store, org)

    def behind(self, outside: Path) -> dict[str, Checkpoint]:
        """The logs that do not reach their last checkpoint kept outside, with it. Raises: DamagedError."""
        known = read_outside(outside)
        found = {org: is_behind(self._store, org, self.signing.origin, known) for org in self.orgs()}
        return {org: checkpoint for org, checkpoint in found.items() if checkpoint is not None}

    def unwitnessed(self, outside: Path) -> list[str]:
        """The logs with entries of which the outside file holds no signed head at all. Raises: DamagedError."""
        known, origin = read_outside(outside), self.signing.origin
        held = {org: known.last(frozenset({origin_of(self._store, org, origin)})) for org in self.orgs()}
        return [org for org, last in held.items() if last is None and self._store.head(org).size]

    def restart(self, outside: Path | None, *, always: bool = False) -> list[Restarted]:
        """Declare every log that lost entries restarted, and erase again whoever was erased since.

        With `always` every log begins a new origin. Raises: StoreError, DamagedError, ConfigurationError.
        """
        known = NOTHING_OUTSIDE if outside is None else read_outside(outside)
        origin = self.signing.origin
        done = [restart(self._store, self.log(o), origin, known, always=always) for o in self.orgs()]
        return [one for one in done if one is not None]

    def ailments(self, alarms: Alarms = DEFAULT_ALARMS, room: Room = room_of) -> list[Ailment]:
        """What is wrong with the open log, by part; an empty list says that it can be asked."""
        outside = None if self._signing is None else self._signing.outside
        beside = () if outside is None else (outside,)
        return ailments(
            Examined(store=self._store, now=self.clock(), alarms=alarms, beside=beside, room=room)
        )

    def kept_log(self, org: str) -> Log:
        """The log of an organisation, suspended or not, for whoever keeps its files. Raises: NotFoundError."""
        return self._log(org)

    def close(self) -> None:
        """Close the store; closing twice is fine."""
        self._sealer.close()
        self._store.close()


def open_deployment(
    url: str,
    *,
    keys: Keys | None = None,
    create: bool = False,
    folders: Sequence[Path] = (),
    clock: Clock = utc_now,
    entropy: Entropy = secrets.token_bytes,
    signs: Signs = DEFAULT_SIGNS,
    watched: bool = True,
) -> Deployment:
    """Open the store of a URL with its secrets; `create` makes what is missing, signing keys included.

    `watched`: reading is an entry too; without it nobody learns who read, as in a benchmark of reading alone.
    Raises: ConfigurationError, NotFoundError, StoreError.
    """
    if create and keys is None and url != "memory:":
        _refuse_a_lost_log(url)
    opened = open_store(url, create=create)
    if keys is None and url == "memory:":
        keys = _fresh_keys(entropy)
    elif keys is None:
        # Beside a log that has entries, other secrets would break its cursors and replays in silence.
        keys = kept_keys(keys_file(url), entropy, create=create and not opened[0].orgs())
    signing = _signing(url, signs, (clock, entropy), create=create and not opened[0].orgs())
    return Deployment(
        opened, keys, folders=folders, clock=clock, entropy=entropy, signing=signing, watched=watched
    )


def signing_folder(url: str) -> Path:
    """Where the signing keys of an embedded log lie unless configured: beside it, `.signing` added to its name."""
    path = sqlite_path(url)
    return path.with_name(path.name + ".signing")


def _signing(url: str, signs: Signs, means: tuple[Clock, Entropy], *, create: bool) -> Signing | None:
    clock, entropy = means
    if url == "memory:" and signs.folder is None:
        keyring, origin = keyring_of({"log": entropy(32), "cosign": entropy(32)}), signs.origin or ORIGIN
    else:
        folder = signs.folder or signing_folder(url)
        if not folder.exists() and not create:
            return None
        origin, keyring = _kept_signing(folder, signs.origin, entropy)
    return Signing(
        keyring=keyring,
        origin=origin,
        clock=clock,
        outside=signs.outside,
        timestamp_urls=signs.timestamp_urls,
    )


def _refuse_a_lost_log(url: str) -> None:
    """Refuse to begin an empty log under the secrets of one that is gone: it would pass for the same."""
    path, kept = sqlite_path(url), keys_file(url)
    if kept.exists() and not path.exists():
        raise ConfigurationError(
            f"store: {path.name} is gone, but its secrets {kept.name} are here; restore a backup, or move them"
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
        _write_keys(file, _fresh_keys(entropy))
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


def _kept_signing(folder: Path, origin: str | None, entropy: Entropy) -> tuple[str, Keyring]:
    if not folder.exists():
        keyring = new_keys(folder, entropy)
        keep_origin(folder, origin or ORIGIN)
        return origin or ORIGIN, keyring
    kept = origin_in(folder) or origin or ORIGIN
    if origin not in (None, kept):
        raise ConfigurationError(
            f"origin: the log began as {kept}; under another name it would be another log"
        )
    return kept, open_keyring(folder)


def sync(path: Path) -> None:
    """Bring a file's or folder's content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fresh_keys(entropy: Entropy) -> Keys:
    return Keys(entropy(32), entropy(32))


def _write_keys(file: Path, keys: Keys) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(f"secret_key={keys.secret.hex()}\norganisation_key={keys.organisation.hex()}\n")
        out.flush()
        os.fsync(out.fileno())
