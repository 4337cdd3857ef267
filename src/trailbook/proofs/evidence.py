"""Proofs out of a stored log: an entry's state, its proof file, tiles and entry bundles as C2SP serves them.

Owns what an outside verifier may fetch. Refuses to verify anything: whoever asks does not take our word.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from trailbook.errors import BundleExpiredError, DamagedError, NotCheckpointedError, NotFoundError
from trailbook.model import State
from trailbook.proofs.tiles import Edge, kind_of, prove, root_at, tile
from trailbook.proofs.witnesses import with_cosignatures
from trailbook.record import decode_body
from trailbook.stores import Blobs, Identity, Store, StoredEntry, TreeStore
from trailbook.tree import (
    TILE,
    Checkpoint,
    Proof,
    SignedCheckpoint,
    format_proof,
    inclusion_plan,
    parse_note,
    read_checkpoint,
)

LATEST = "latest"
_CHUNK = 4096


class Opening(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What opens a token: the item version it commits to, and its salt in hex."""

    token: str
    type: str
    id: str
    name: str | None = None
    salt: str


class ProvedSizes(Struct, frozen=True):
    """The first so many entries of a log are under a signed checkpoint, and under one that is copied outside."""

    checkpointed: int
    anchored: int


class Holdings(Struct, frozen=True):
    """What a log holds, signed or not yet, for whoever writes it down for others to verify, and may see it.

    `sees`: whether they see entries of a category; `cited`: which of an item's versions such an entry cites.
    """

    store: Store
    org: str
    sees: Callable[[str], bool]
    cited: Callable[[Sequence[Identity]], list[Identity]]

    def kept(self, seqs: Sequence[int]) -> Iterator[StoredEntry]:
        """The rows at these seqs, in the order asked. Raises: NotFoundError at one that they do not see."""
        for row in self._rows(seqs):
            if row.body is not None and not self.sees(decode_body(row.body).category):
                raise NotFoundError("there is no such entry")
            yield row

    def _rows(self, seqs: Sequence[int]) -> Iterator[StoredEntry]:
        for start in range(0, len(seqs), _CHUNK):
            part = seqs[start : start + _CHUNK]
            first, stop = part[0], part[-1] + 1
            if list(part) == list(range(first, stop)):  # read as one range, not row by row
                yield from self.store.kept(self.org, first, stop)
            else:
                yield from self.store.kept_at(self.org, part)

    def identities(self, tokens: Iterable[str]) -> list[Identity]:
        """What tokens stand for, stubs included."""
        return self.store.identities_of(self.org, tokens)

    def tokens_of(self, type_: str, id_: str) -> list[str]:
        """Every cited token of an item, or with the id `*` of every item of a type, ascending."""
        if id_ == "*":
            versions = [
                i for i in self.store.every_identity(self.org) if i.type == type_ and i.id is not None
            ]
        else:
            versions = self.store.identities(self.org, [(type_, id_, None)])
        return sorted(version.token for version in self.cited(versions))

    def manifest(self, kind: str, digest: str) -> bytes:
        """An erasure's or removal's manifest. Raises: DamagedError when it is gone."""
        content = self.store.blob(self.org, kind, digest)
        if content is None:
            raise DamagedError(f"the {kind} manifest {digest[:16]} is not kept")
        return content


class Evidence(Struct, frozen=True):
    """A log up to its last signed head, for whoever writes it down for others to verify."""

    holdings: Holdings
    checkpoint: Checkpoint
    note: bytes

    def tile(self, level: int, index: int) -> bytes:
        """A hash tile of the signed tree, as wide as the tree is there."""
        width = min((self.checkpoint.size >> 8 * level) - index * TILE, TILE)
        return tile(self.holdings.store, self.holdings.org, level, index, width)

    def root_at(self, size: int) -> bytes:
        """The root of the tree as it was at a size up to the signed one. Raises: DamagedError."""
        return root_at(self.holdings.store, self.holdings.org, size)


def openings(versions: Iterable[Identity]) -> list[Opening]:
    """What opens the tokens of an item's versions; of an origin or a stub nothing does.

    Raises: NotFoundError where there is nothing, whether the item is absent, erased or not to be seen.
    """
    opened = [
        Opening(token=i.token, type=i.type, id=i.id, name=i.name, salt=(i.salt or b"").hex())
        for i in versions
        if i.type != "origin" and i.id is not None
    ]
    if not opened:
        raise NotFoundError("the log knows no such item")
    return opened


def evidence_of(holdings: Holdings) -> Evidence:
    """A log as it was last signed. Raises: NotCheckpointedError before the first time."""
    signed = latest_checkpoint(holdings.store, holdings.org)
    if signed is None:
        raise NotCheckpointedError("nothing has been signed yet")
    note = with_cosignatures(holdings.store, holdings.org, signed.note)
    return Evidence(holdings, signed.checkpoint, note)


def latest_checkpoint(store: Blobs, org: str, kind: str = "checkpoint") -> SignedCheckpoint | None:
    """The last checkpoint kept (`checkpoint`), or copied outside (`anchor`), with its note; None before the first."""
    note = store.blob(org, kind_of(store, org, kind), LATEST)
    return None if note is None else read_checkpoint(note)


def proved_sizes(store: Blobs, org: str) -> ProvedSizes:
    """How many entries are checkpointed, and how many anchored."""
    return ProvedSizes(_latest_size(store, org, "checkpoint"), _latest_size(store, org, "anchor"))


def _latest_size(store: Blobs, org: str, kind: str) -> int:
    signed = latest_checkpoint(store, org, kind)
    return 0 if signed is None else signed.checkpoint.size


def entry_state(seq: int, sizes: ProvedSizes) -> State:
    """The state of an entry that has its `seq`."""
    if seq < sizes.anchored:
        return "anchored"
    return "checkpointed" if seq < sizes.checkpointed else "accepted"


def proof_file(store: TreeStore, org: str, seq: int, edge: Edge | None = None) -> bytes:
    """The proof that an entry is in the last checkpoint's tree. Source: C2SP tlog-proof.

    Raises: NotCheckpointedError when no checkpoint covers it yet; DamagedError.
    """
    signed = latest_checkpoint(store, org)
    if signed is None or seq >= signed.checkpoint.size:
        raise NotCheckpointedError(
            "no signed checkpoint covers this entry yet; a running server signs within a second, and"
            " `trailbook checkpoint publish` at once"
        )
    size = signed.checkpoint.size
    path = prove(store, org, inclusion_plan(seq, size), size, edge)
    note = parse_note(with_cosignatures(store, org, signed.note))
    return format_proof(Proof(index=seq, hashes=path, note=note))


def served_tile(
    store: TreeStore, org: str, level: int, index: int, *, width: int, edge: Edge | None = None
) -> bytes:
    """The first `width` hashes of a tile of the last checkpoint's tree. Source: C2SP tlog-tiles.

    Every width that the tree had on its way is there, also of a tile that has grown full since.
    Raises: NotFoundError when the signed tree has no such tile, or not so many hashes in it.
    """
    _require_tile(store, org, level=level, index=index, width=width)
    return tile(store, org, level, index, width, edge)


def entry_bundle(store: TreeStore, org: str, index: int, *, width: int, sees: Callable[[str], bool]) -> bytes:
    """`width` bodies from seq 256 * index on, each after its length in 16 bits. Source: C2SP tlog-tiles.

    Raises: NotFoundError beyond the last checkpoint, and at a body whose category is not seen; BundleExpiredError at
    the first body that is removed.
    """
    _require_tile(store, org, level=0, index=index, width=width)
    pieces = []
    for row in store.kept(org, index * TILE, index * TILE + width):
        if row.body is None:
            raise BundleExpiredError(row.seq, row.leaf or b"")
        if not sees(decode_body(row.body).category):
            raise NotFoundError("the log has no such tile")
        pieces.append(len(row.body).to_bytes(2, "big") + row.body)
    return b"".join(pieces)


def _require_tile(store: Blobs, org: str, *, level: int, index: int, width: int) -> None:
    hashes = (_latest_size(store, org, "checkpoint") >> 8 * level) - index * TILE
    if not 0 < width <= min(hashes, TILE):
        raise NotFoundError("the last checkpoint's tree has no such tile")
