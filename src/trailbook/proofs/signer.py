"""The signer: looks at what is new, and signs a head only if it extends every head it or others hold.

Owns the checks before signing, the checkpoints kept in the store and the copies outside it, and which keys sign which
size. Refuses to sign over a difference: it names the range that differs, and nothing is repaired.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from trailbook.clock import Clock
from trailbook.errors import (
    ConfigurationError,
    DamagedError,
    HeadMovedError,
    ProofInvalidError,
    SigningRefusedError,
)
from trailbook.outgoing import PrivatePlace
from trailbook.proofs.keyring import Keyring, renewed
from trailbook.proofs.outside_file import add_erased, add_note, add_ranges, read_outside, read_ranges
from trailbook.proofs.rotations import origins_of, rotations_in
from trailbook.proofs.tiles import kind_of, leaves, origin_of, root_at, tile_root
from trailbook.proofs.timestamping import Stamp, Stamping
from trailbook.proofs.witnesses import Witness, check_witnesses
from trailbook.proofs.witnessing import Asking, Witnessing
from trailbook.record import decode_body
from trailbook.stores import Blob, ExpectedBlob, Head, LogStore
from trailbook.tree import (
    EMPTY,
    TILE,
    Checkpoint,
    Frontier,
    KeyRange,
    Opened,
    Policy,
    compact_range,
    extend_frontier,
    format_note,
    frontier_root,
    open_checkpoint,
    read_checkpoint,
    require_in_range,
    restore_frontier,
    sign_checkpoint,
)

_CHUNK = 65_536
LATEST = "latest"
_ERASED = b'"activity_log.erased"'


class Signing(Struct, frozen=True, kw_only=True):
    """What signing needs besides a store: keys, the deployment's origin, a clock, and whoever else is to vouch for it.

    Timestamps are asked for at most once in `timestamp_seconds` for each organisation, cosignatures of each witness at
    most once in `witness_seconds`; `places` are those that may be called for them though private. In `folder` the keys
    lie: where there is a newer pair, it signs.
    """

    keyring: Keyring
    origin: str
    clock: Clock
    outside: Path | None = None
    idle_seconds: int = 3600
    timestamp_urls: tuple[str, ...] = ()
    timestamp_seconds: int = 60
    witnesses: tuple[Witness, ...] = ()
    witness_seconds: int = 60
    places: tuple[PrivatePlace, ...] = ()
    folder: Path | None = None

    def renewed(self) -> "Signing":
        """The same with the keys that are in the folder by now. Raises: ConfigurationError, NotFoundError."""
        keyring = renewed(self.keyring, self.folder)
        return self if keyring is self.keyring else structs.replace(self, keyring=keyring)


class Step(Struct, frozen=True):
    """A size whose head is to be signed, and the pairs of keys that sign it, by their numbers.

    `replaced`: the pair that signed up to here, where the last entry replaced it.
    """

    size: int
    pairs: tuple[int, ...]
    replaced: int | None = None


class Signer:
    """The one signer of a deployment; `announce` records in a log that the newest keys sign it from then on."""

    def __init__(
        self, store: LogStore, signing: Signing, announce: Callable[[str], None] | None = None
    ) -> None:
        self._store = store
        self._signing = signing
        self._announce = announce
        self._ranges: dict[str, list[KeyRange]] | None = (
            None  # by origin those outside, once they were looked for
        )
        self._trees: dict[str, Frontier] = {}  # per organisation the tree as this process hashed it
        every = timedelta(seconds=signing.timestamp_seconds)
        self._stamping = Stamping(store, signing.timestamp_urls, signing.clock, every, places=signing.places)
        check_witnesses(signing.witnesses, signing.keyring, signing.origin)
        asking = Asking(
            origin=signing.origin,
            keys_of=lambda origin: self._signing.keyring.verifiers(origin),  # of newer pairs, too
            clock=signing.clock,
            every=timedelta(seconds=signing.witness_seconds),
            places=signing.places,
        )
        self.witnessings = tuple(Witnessing(store, witness, asking) for witness in signing.witnesses)

    def unstamped(self) -> list[str]:
        """The organisations whose last checkpoint waits for its timestamp, and whose turn it is."""
        return self._stamping.due()

    def stamp(self, org: str) -> None:
        """Get the timestamp of what was signed last; a slow authority takes its time here.

        Raises: AnchorError when no authority gives one, or when the first that was asked did not; StoreError.
        """
        self._stamping.ask(org)

    def stamped(self, org: str) -> Stamp | None:
        """The last timestamp of a log, with the signed note that it is over; None before the first."""
        return self._stamping.last(org)

    def sign(self, org: str) -> Checkpoint | None:
        """Sign the head of a log if it is new, or once an hour again; None when there was nothing to do.

        Where the keys were replaced an entry says so first; the head just after it is signed by both pairs.
        Raises: SigningRefusedError naming the range, when the log does not extend a head that was signed.
        """
        self._signing = self._signing.renewed()
        try:
            return self._sign(org)
        except HeadMovedError:  # another signer was faster
            return self._sign(org)

    def _sign(self, org: str) -> Checkpoint | None:
        last = self.last(org)
        head, steps = self._due(org, last)
        now = int(self._signing.clock().timestamp())
        fresh = last is not None and last.checkpoint.size == head.size
        fresh = fresh and now - (0 if last is None else last.time) < self._signing.idle_seconds
        # After a start the tree is hashed once even where nothing is to be signed: damage is noticed before more is
        # built on it.
        if fresh and org in self._trees:
            return None
        outside = self._outside(org)
        signed = None if last is None else last.checkpoint
        trees = self._checked(org, head, (signed, outside), [step.size for step in steps])
        self._trees[org] = trees[head.size]
        if last is not None and (outside is None or outside.size < last.checkpoint.size):
            self._copy_outside(org, format_note(last.note), 0 if outside is None else outside.size)
        if fresh:
            return None
        # A clock that went back makes no later head look older than the one it extends.
        time = now if last is None else max(now, last.time)
        before = None if last is None else format_note(last.note)
        for step in steps:
            checkpoint = Checkpoint(self.origin(org), step.size, frontier_root(trees[step.size]))
            note = self._note(checkpoint, step, time)
            if step.replaced is not None and self._signing.outside is not None:
                self._add_ranges(checkpoint.origin, step)
            self._keep(org, checkpoint, note, before)
            before = note
        return checkpoint

    def is_behind(self, org: str) -> bool:
        """Whether a log was not signed with the newest keys yet. Raises: ConfigurationError, StoreError."""
        self._signing = self._signing.renewed()
        try:
            last = self.last(org)
        except SigningRefusedError:  # nothing is signed over it
            return True
        return last is None or self._pair(last) < self._signing.keyring.newest

    def _due(self, org: str, last: Opened | None) -> tuple[Head, list[Step]]:
        """The head, and each size to sign up to it; in a log whose keys were replaced an entry says so by then."""
        pair, newest = self._pair(last), self._signing.keyring.newest
        head = self._store.head(org)
        steps = list(self._steps(org, last, head)) if pair < newest else [Step(head.size, (pair,))]
        if self._announce is None or steps[-1].pairs[-1] == newest:
            return head, steps
        self._announce(org)
        head = self._store.head(org)
        steps = list(self._steps(org, last, head))
        if steps[-1].pairs[-1] < newest:  # the entry stands before the last head
            raise SigningRefusedError(
                org, None, "the kept checkpoint is signed by a key that another one had replaced"
            )
        return head, steps

    def _steps(self, org: str, last: Opened | None, head: Head) -> Iterator[Step]:
        """The head just after each rotation since the last one, by the keys before and after; and the head itself."""
        pair, start = self._pair(last), 0 if last is None else last.checkpoint.size
        numbers = self._signing.keyring.pairs(origins_of(self._store, org, self._signing.origin))
        rows = self._store.kept(org, start, head.size)
        size = start
        for rotation in rotations_in(rows, lambda tokens: self._store.identities_of(org, tokens)):
            new = numbers.get(rotation.log, pair)
            if new > pair:
                # A key that signed no head of this log before begins none now.
                yield Step(rotation.size, (new,) if last is None else (pair, new), pair)
                pair, size = new, rotation.size
        if size < head.size or size == start:
            yield Step(head.size, (pair,))

    def _pair(self, last: Opened | None) -> int:
        """The number of the pair that signed a log's last head; of one without a head that of the oldest."""
        signed = () if last is None else last.signed
        return self._signing.keyring.pair_of(signature.key for signature in signed)

    def _note(self, checkpoint: Checkpoint, step: Step, time: int) -> bytes:
        keys = self._signing.keyring.signers(checkpoint.origin, step.pairs)
        if not keys:
            raise ConfigurationError("signing_key: the private keys that sign this log are gone")
        return format_note(sign_checkpoint(checkpoint, keys, time))

    def origin(self, org: str) -> str:
        """The origin of an organisation's checkpoints, with its epoch after a declared restart."""
        return origin_of(self._store, org, self._signing.origin)

    def last(self, org: str) -> Opened | None:
        """The last checkpoint kept in the store, its signatures verified; None before the first.

        Raises: SigningRefusedError when what is kept is not what these keys signed.
        """
        note = self._store.blob(org, kind_of(self._store, org, "checkpoint"), LATEST)
        if note is None:
            return None
        try:
            return self._opened(org, note)
        except ProofInvalidError as error:
            raise SigningRefusedError(
                org, None, f"the kept checkpoint is not ours: {error.detail}"
            ) from error

    def _opened(self, org: str, note: bytes) -> Opened:
        """A note of this log that its keys signed, each within the range that the file outside gives it.

        Raises: ProofInvalidError.
        """
        origin = self.origin(org)
        opened = open_checkpoint(note, Policy(origin, self._signing.keyring.verifiers(origin)))
        require_in_range(opened, self._known_ranges(origin))
        return opened

    def _known_ranges(self, origin: str) -> list[KeyRange]:
        if self._signing.outside is None:
            return []
        if self._ranges is None:
            self._ranges = read_ranges(self._signing.outside)
        return self._ranges.get(origin, [])

    def _checked(
        self,
        org: str,
        head: Head,
        heads: tuple[Checkpoint | None, Checkpoint | None],
        cuts: Sequence[int],
    ) -> dict[int, Frontier]:
        """The tree at `head` and at each cut, hashed anew from the last signed head on, and found to extend it and the
        one outside.
        """
        last, outside = heads
        for known, whose in ((last, "signed"), (outside, "kept outside")):
            if known is not None and known.size > head.size:
                lost = (head.size, known.size)
                raise SigningRefusedError(org, lost, f"is missing from a log whose checkpoint was {whose}")
        tree = self._tree_at(org, last)
        if outside is not None and outside.size < tree.size:
            self._compare(org, outside, root_at(self._store, org, outside.size), (0, outside.size))
        # The copy outside may be of a size between the last signed head and this one, if the database was restored: the
        # tree is compared as it grows past it.
        stops = {head.size, *cuts, *((outside.size,) if outside and outside.size > tree.size else ())}
        trees: dict[int, Frontier] = {}
        for stop in sorted(stops):
            start = tree.size
            trees[stop] = tree = self._grown(org, tree, stop)
            if outside is not None and outside.size == stop:
                self._compare(org, outside, frontier_root(tree), (start, stop))
        if compact_range(tree) != head.range:
            range_ = (0 if last is None else last.size, head.size)
            raise SigningRefusedError(org, range_, "hashes to another tree than the log's head says")
        return trees

    def _tree_at(self, org: str, last: Checkpoint | None) -> Frontier:
        if last is None:
            return EMPTY
        # What this process hashed itself is trusted; what is restored from tiles is compared with the signed root.
        held = self._trees.get(org)
        if held is not None and held.size == last.size:
            return held
        try:
            rest = leaves(self._store, org, last.size - last.size % TILE, last.size)
            tree = restore_frontier(
                last.size, rest, lambda level, index: tile_root(self._store, org, level, index)
            )
        except DamagedError as error:
            raise SigningRefusedError(org, (0, last.size), error.detail) from error
        self._compare(org, last, frontier_root(tree), (0, last.size))
        return tree

    def _grown(self, org: str, tree: Frontier, stop: int) -> Frontier:
        while tree.size < stop:
            start, end = tree.size, min(tree.size + _CHUNK, stop)
            try:
                tree, tiles = extend_frontier(tree, leaves(self._store, org, start, end))
            except DamagedError as error:
                raise SigningRefusedError(org, (start, end), error.detail) from error
            for tile in tiles:
                if self._store.blob(org, "tile", f"{tile.level}/{tile.index}") != tile.hashes:
                    width = TILE ** (tile.level + 1)
                    range_ = (tile.index * width, (tile.index + 1) * width)
                    raise SigningRefusedError(org, range_, "hashes to another tile than the one kept")
        return tree

    def _compare(self, org: str, known: Checkpoint, root: bytes, range_: tuple[int, int]) -> None:
        if known.root != root:
            raise SigningRefusedError(org, range_, f"differs from the checkpoint of size {known.size}")

    def _outside(self, org: str) -> Checkpoint | None:
        if self._signing.outside is None:
            return None
        last = read_outside(self._signing.outside).last(frozenset({self.origin(org)}))
        if last is None:
            return None
        try:
            return self._opened(org, last.note).checkpoint
        except ProofInvalidError as error:
            raise SigningRefusedError(org, None, f"the outside copy is not ours: {error.detail}") from error

    def _keep(self, org: str, checkpoint: Checkpoint, note: bytes, before: bytes | None) -> None:
        """Keep a note in place of the one before it. Raises: HeadMovedError where another is there by now."""
        kind = kind_of(self._store, org, "checkpoint")
        # Under both names at once: who died in between would leave a log that `verify` accuses.
        both = [Blob(kind, key, note) for key in (f"{checkpoint.size:020d}", LATEST)]
        self._store.put_blobs(org, both, expect=ExpectedBlob(kind, LATEST, before))
        self._copy_outside(org, note, 0 if before is None else read_checkpoint(before).checkpoint.size)
        self._stamping.offer(org, checkpoint.size, note)
        for witnessing in self.witnessings:
            witnessing.offer(org)

    def _copy_outside(self, org: str, note: bytes, start: int) -> None:
        """Copy a note outside, if there is such a file, and what was erased since `start`; after a crash also later."""
        if self._signing.outside is None:
            return
        # Erased tokens go out before the note that covers their entry: a restore that believes the note has to
        # find them. Done twice, after a crash between, they only stand there twice.
        tokens = erased_between(self._store, org, start, read_checkpoint(note).checkpoint.size)
        if tokens:
            add_erased(self._signing.outside, org, tokens)
        add_note(self._signing.outside, note)
        self._store.put_blob(org, Blob(kind_of(self._store, org, "anchor"), LATEST, note))

    def _add_ranges(self, origin: str, step: Step) -> None:
        """Say outside where the keys before end, and where the new ones begin; said twice, the last time counts."""
        assert self._signing.outside is not None
        ring, new = self._signing.keyring, step.pairs[-1]
        self._ranges = None  # another process may have said more by now
        known = {range_.key: range_ for range_ in self._known_ranges(origin)}
        ranges = []
        for at, key in enumerate(ring.verifiers(origin)):
            number, was = at % (ring.newest + 1), known.get(key, KeyRange(key))
            if number == new:
                ranges.append(KeyRange(key, step.size))
            elif number < new:
                is_over = number < (step.replaced or 0) and was.after is not None
                ranges.append(was if is_over else KeyRange(key, was.first, step.size + 1))
        add_ranges(self._signing.outside, ranges)
        self._ranges = None


def erased_between(store: LogStore, org: str, start: int, stop: int) -> tuple[str, ...]:
    """The tokens that erasures among these rows took, from the manifests their entries cite."""
    # Looked for as bytes first: decoding every body would cost more than hashing them did.
    rows = (row.body for row in store.kept(org, start, stop) if row.body and _ERASED in row.body)
    targets = [decode_body(body).target for body in rows]
    cited = [i.id for i in store.identities_of(org, targets) if i.type == "erasure" and i.id is not None]
    manifests = [store.blob(org, "erasure", id_.partition("-")[2]) for id_ in cited]
    return tuple(t for m in manifests if m is not None for t in msgspec.json.decode(m)["tokens"])
