"""Restart: a log goes on from a backup, and everybody can see for ever that it did.

Owns the new epoch, the entry that declares it, and erasing again whoever was erased since the backup. Refuses
to go on in silence: without a declared restart the signer signs nothing that lost entries.
"""

from collections.abc import Callable

from msgspec import Struct

from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.log import Log
from trailbook.model import Actor, Item, NewEntry, Origin
from trailbook.proofs import Outside, epoch_of, latest_checkpoint, origin_of
from trailbook.recording import LogChange
from trailbook.stores import Append, Blob, Blobs, EntryStore, Head, LogStore, TreeStore
from trailbook.tree import Checkpoint, root_of

RESTORER = Actor(kind="system", type="system", id="restore", name="Restore")


class Restarted(Struct, frozen=True, kw_only=True):
    """What a restart did: the lost range first <= seq < after, the new origin, how many were erased again."""

    org: str
    lost: tuple[int, int]
    origin: str
    erased_again: int


def is_behind(store: TreeStore, org: str, origin: str, outside: Outside) -> Checkpoint | None:
    """The last outside checkpoint of a log, when the stored log does not reach it; else None."""
    last = outside.last(frozenset({origin_of(store, org, origin)}))
    return None if last is None or last.checkpoint.size <= store.head(org).size else last.checkpoint


def restart(
    store: LogStore,
    log: Log,
    origin: str,
    outside: Outside,
    *,
    always: bool = False,
    forget: Callable[[Item], None] = lambda item: None,
) -> Restarted | None:
    """Declare the restart of a restored log and erase again; None when it had lost nothing and nobody was erased.

    With `always` a new origin begins even where nothing is known to be lost: the old one cannot be signed any more,
    or nobody can tell what was signed under it. `forget` lets go of what a registry keeps of somebody. Raises:
    StoreError, ConfigurationError for a backup from before a restart; what was done before stays done, and repeating
    it is harmless.
    """
    _refuse_overtaken(store, log.org, origin, outside)
    behind = is_behind(store, log.org, origin, outside)
    size = store.head(log.org).size
    if always and behind is None:
        behind = _last_signed(store, log.org, origin, outside)
    if behind is not None:
        # Before anybody is erased again: those erasures are entries, and belong behind the restart.
        log.recorder.change(lambda head: _declaration(store, log, behind))
    again = _erase_again(store, log, outside, forget)
    if behind is None and not again:
        return None
    lost = (size, size if behind is None else max(size, behind.size))
    return Restarted(org=log.org, lost=lost, origin=origin_of(store, log.org, origin), erased_again=again)


def _refuse_overtaken(store: Blobs, org: str, origin: str, outside: Outside) -> None:
    """Refuse a backup that is older than a restart: under that restart's origin other entries were signed."""
    own, before = int(epoch_of(store, org) or "0"), f"{origin}/{org}/"
    origins = (signed.checkpoint.origin for signed in outside.notes)
    epochs = (origin.removeprefix(before) for origin in origins if origin.startswith(before))
    later = [int(number) for number in epochs if number.isascii() and number.isdigit() and int(number) > own]
    if later:
        raise ConfigurationError(
            f"{org}: the log went on as {before}{max(later)}, which this backup is older than; restore one that was"
            " taken after that restart"
        )


def _last_signed(store: TreeStore, org: str, origin: str, outside: Outside) -> Checkpoint:
    """The last checkpoint of a log, kept outside or else beside it; of one that never was signed, its head."""
    own = origin_of(store, org, origin)
    last = outside.last(frozenset({own})) or latest_checkpoint(store, org)
    if last is not None:
        return last.checkpoint
    head = store.head(org)
    return Checkpoint(own, head.size, root_of(head.range))


def _declaration(store: TreeStore, log: Log, behind: Checkpoint) -> LogChange:
    # Named after what was lost, so that two restarts never share an origin.
    number = int(epoch_of(store, log.org) or "0") + 1
    entry = NewEntry(
        action="activity_log.restarted",
        occurred_at=log.clock(),
        actor=RESTORER,
        target=Item(type="checkpoint", id=f"{behind.size}-{behind.root.hex()}"),
        origin=Origin(interface="job"),
    )

    def apply(expected: Head, batch: Append) -> None:
        store.append(log.org, expected, batch)

    blob = Blob("epoch", "latest", str(number).encode())
    return LogChange(entry=entry, blobs=(blob,), removed=0, apply=apply)


def _erase_again(store: EntryStore, log: Log, outside: Outside, forget: Callable[[Item], None]) -> int:
    """Erase every person of whom a token was erased after the backup was taken."""
    tokens = outside.erased.get(log.org, frozenset())
    types = {name for name, declared in log.catalogue.types.items() if declared.person}
    persons = {
        (i.type, i.id) for i in store.identities_of(log.org, tokens) if i.id is not None and i.type in types
    }
    for type_, id_ in sorted(persons):
        item = Item(type=type_, id=id_)
        forget(item)
        try:
            log.erase(item, actor=RESTORER, origin=Origin(interface="job"))
        except NotFoundError:  # went with an earlier one that owned it
            continue
    return len(persons)
