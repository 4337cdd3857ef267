"""The signer: looks at what is new, and signs a head only if it extends every head it or others hold.

Owns the checks before signing, the checkpoints kept in the store and the copies outside it. Refuses to sign
over a difference: it names the range that differs, and nothing is repaired.
"""

from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from trailbook.clock import Clock
from trailbook.errors import (
    DamagedError,
    ProofInvalidError,
    SigningRefusedError,
)
from trailbook.outgoing import PrivatePlace
from trailbook.proofs.keyring import Keyring
from trailbook.proofs.outside_file import add_erased, add_note, read_outside
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
    Opened,
    Policy,
    compact_range,
    extend_frontier,
    format_note,
    frontier_root,
    open_checkpoint,
    restore_frontier,
    sign_checkpoint,
)

_CHUNK = 65_536
LATEST = "latest"
_ERASED = b'"activity_log.erased"'


class Signing(Struct, frozen=True, kw_only=True):
    """What signing needs besides a store: keys, the deployment's origin, a clock, and whoever else is to vouch for it.

    Timestamps are asked for at most once in `timestamp_seconds` for each organisation, cosignatures of each witness at
    most once in `witness_seconds`; `places` are those that may be called for them though private.
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


class Signer:
    """The one signer of a deployment."""

    def __init__(self, store: LogStore, signing: Signing) -> None:
        self._store = store
        self._signing = signing
        self._trees: dict[str, Frontier] = {}  # per organisation the tree as this process hashed it
        every = timedelta(seconds=signing.timestamp_seconds)
        self._stamping = Stamping(store, signing.timestamp_urls, signing.clock, every, places=signing.places)
        check_witnesses(signing.witnesses, signing.keyring, signing.origin)
        asking = Asking(
            origin=signing.origin,
            keys_of=signing.keyring.verifiers,
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

        Raises: SigningRefusedError naming the range, when the log does not extend a head that was signed.
        """
        head = self._store.head(org)
        last = self.last(org)
        now = int(self._signing.clock().timestamp())
        fresh = last is not None and last.checkpoint.size == head.size
        fresh = fresh and now - (0 if last is None else last.time) < self._signing.idle_seconds
        # After a start the tree is hashed once even where nothing is to be signed: damage is noticed before more is
        # built on it.
        if fresh and org in self._trees:
            return None
        tree = self._checked(org, head, None if last is None else last.checkpoint)
        self._trees[org] = tree
        if fresh:
            return None
        checkpoint = Checkpoint(self.origin(org), head.size, frontier_root(tree))
        # A clock that went back makes no later head look older than the one it extends.
        time = now if last is None else max(now, last.time)
        note = format_note(
            sign_checkpoint(checkpoint, self._signing.keyring.signers(checkpoint.origin), time)
        )
        self._keep(org, checkpoint, note, 0 if last is None else last.checkpoint.size)
        return checkpoint

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
        origin = self.origin(org)
        keys = self._signing.keyring.verifiers(origin)
        try:
            return open_checkpoint(note, Policy(origin, keys))
        except ProofInvalidError as error:
            raise SigningRefusedError(
                org, None, f"the kept checkpoint is not ours: {error.detail}"
            ) from error

    def _checked(self, org: str, head: Head, last: Checkpoint | None) -> Frontier:
        """The tree at `head`, hashed anew from the last signed one on, and found to extend every known head."""
        outside = self._outside(org)
        for known, whose in ((last, "signed"), (outside, "kept outside")):
            if known is not None and known.size > head.size:
                lost = (head.size, known.size)
                raise SigningRefusedError(org, lost, f"is missing from a log whose checkpoint was {whose}")
        tree = self._tree_at(org, last)
        if outside is not None and outside.size < tree.size:
            self._compare(org, outside, root_at(self._store, org, outside.size), (0, outside.size))
        # The copy outside may be of a size between the last signed head and this one, if the database was restored: the
        # tree is compared as it grows past it.
        stops = sorted({head.size, *((outside.size,) if outside and outside.size > tree.size else ())})
        for stop in stops:
            start = tree.size
            tree = self._grown(org, tree, stop)
            if outside is not None and outside.size == stop:
                self._compare(org, outside, frontier_root(tree), (start, stop))
        if compact_range(tree) != head.range:
            range_ = (0 if last is None else last.size, head.size)
            raise SigningRefusedError(org, range_, "hashes to another tree than the log's head says")
        return tree

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
        origin = self.origin(org)
        keys = self._signing.keyring.verifiers(origin)
        last = read_outside(self._signing.outside).last(frozenset({origin}))
        if last is None:
            return None
        try:
            return open_checkpoint(last.note, Policy(origin, keys)).checkpoint
        except ProofInvalidError as error:
            raise SigningRefusedError(org, None, f"the outside copy is not ours: {error.detail}") from error

    def _keep(self, org: str, checkpoint: Checkpoint, note: bytes, start: int) -> None:
        kind = kind_of(self._store, org, "checkpoint")
        # Under both names at once: who died in between would leave a log that `verify` accuses.
        both = [Blob(kind, key, note) for key in (f"{checkpoint.size:020d}", LATEST)]
        latest = ExpectedBlob(kind, LATEST, self._store.blob(org, kind, LATEST))
        self._store.put_blobs(org, both, expect=latest)
        if self._signing.outside is not None:
            # Erased tokens go out before the note that covers their entry: a restore that believes the note has to
            # find them. Done twice, after a crash between, they only stand there twice.
            tokens = erased_between(self._store, org, start, checkpoint.size)
            if tokens:
                add_erased(self._signing.outside, org, tokens)
            add_note(self._signing.outside, note)
            self._store.put_blob(org, Blob(kind_of(self._store, org, "anchor"), LATEST, note))
        self._stamping.offer(org, checkpoint.size, note)
        for witnessing in self.witnessings:
            witnessing.offer(org)


def erased_between(store: LogStore, org: str, start: int, stop: int) -> tuple[str, ...]:
    """The tokens that erasures among these rows took, from the manifests their entries cite."""
    # Looked for as bytes first: decoding every body would cost more than hashing them did.
    rows = (row.body for row in store.kept(org, start, stop) if row.body and _ERASED in row.body)
    targets = [decode_body(body).target for body in rows]
    cited = [i.id for i in store.identities_of(org, targets) if i.type == "erasure" and i.id is not None]
    manifests = [store.blob(org, "erasure", id_.partition("-")[2]) for id_ in cited]
    return tuple(t for m in manifests if m is not None for t in msgspec.json.decode(m)["tokens"])
