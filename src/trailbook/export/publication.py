"""A publication: the log as static files that any web server or bucket serves, to be followed without a key.

Owns the folder: hash tiles, and bundles of entries where they were asked for, at their C2SP paths, each whole or not
there; the signed head last. Refuses a folder of another log or of another history, and to write a bundle of which an
entry was removed. Source: C2SP tlog-tiles.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from trailbook.access import Viewer
from trailbook.errors import BundleExpiredError, ConfigurationError, ProofInvalidError
from trailbook.log import Log
from trailbook.model import Progress
from trailbook.proofs import Evidence, Holdings
from trailbook.query import Query, Term
from trailbook.record import decode_body
from trailbook.tree import TILE, KeyRange, format_key, read_checkpoint, tile_path

_HEAD, _KEYS, _TILES, _ASIDE = "checkpoint", "key", "tile", ".part"
_PRUNED = Query(terms=(Term("action", ("activity_log.pruned",)), Term("outcome", ("success",))))


class Published(Struct, frozen=True, kw_only=True):
    """What is published: the log's origin and signed size; how many tiles were written now; bundles with a hole."""

    origin: str
    size: int
    written: int
    holes: int


class _Tile(Struct, frozen=True):
    """A tile of hashes, or a bundle of entries: the first `width` of 256."""

    level: int | Literal["entries"]
    index: int
    width: int

    @property
    def path(self) -> str:
        return tile_path(self.level, self.index, self.width)

    def is_below(self, size: int) -> bool:
        """Whether it was complete in the tree of that size, and so never changes."""
        height = 0 if self.level == "entries" else self.level
        return (self.index + 1) * TILE <= size >> 8 * height


def publish(
    log: Log,
    folder: Path,
    *,
    viewer: Viewer,
    keys: Sequence[KeyRange],
    entries: bool = False,
    progress: Progress = lambda done, of: None,
) -> Published:
    """Write the log up to its last signed head into a folder, from where the last time stopped.

    `keys` verify its heads, each of its sizes; with `entries` the hashed bytes of every entry are published too.
    Raises: NotPermittedError; NotCheckpointedError; ConfigurationError for a folder that is not this log's;
    ProofInvalidError where the log does not extend what was published; OSError.
    """
    evidence = log.evidence(viewer=viewer)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        before = _published_size(folder, evidence)
        holes = _holes(log, evidence.holdings, viewer)
        _drop_bundles(folder, holes)
        tiles = [
            tile
            for tile in _tiles(evidence.checkpoint.size, entries=entries)
            if not (tile.level == "entries" and tile.index in holes)
            if not (tile.is_below(before) and (folder / tile.path).exists())
        ]
        for done, tile in enumerate(tiles, 1):
            _write_tile(folder, log, tile, viewer)
            progress(done, len(tiles))
        _put(folder, _KEYS, "".join(f"{format_key(range_)}\n" for range_ in keys).encode())
        _put(folder, _HEAD, evidence.note)
        _drop_outgrown(folder)
    head = evidence.checkpoint
    return Published(origin=head.origin, size=head.size, written=len(tiles), holes=len(holes))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else publishes into the folder meanwhile. Raises: ConfigurationError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigurationError(f"{folder}: is being published into by somebody else") from None
    finally:
        os.close(handle)


def _published_size(folder: Path, evidence: Evidence) -> int:
    """The size of the head that the folder has, below which everything is there; 0 before the first.

    Raises: ConfigurationError; ProofInvalidError.
    """
    try:
        head = read_checkpoint((folder / _HEAD).read_bytes()).checkpoint
    except FileNotFoundError:
        others = sorted({path.name for path in folder.iterdir()} - {_KEYS, _TILES, _ASIDE})
        if others:
            raise ConfigurationError(f"{folder}: has {others[0]} in it; name an empty folder") from None
        return 0
    ours = evidence.checkpoint
    if head.origin != ours.origin:
        raise ConfigurationError(f"{folder}: is of the log {head.origin}, and this one is {ours.origin}")
    if head.size > ours.size or evidence.root_at(head.size) != head.root:
        raise ProofInvalidError(
            f"published: the log, signed at size {ours.size}, does not extend the head of size {head.size} in"
            f" {folder}; nothing was written"
        )
    return head.size


def _tiles(size: int, *, entries: bool) -> Iterator[_Tile]:
    """Every tile of the tree of a size, lowest level first; then the bundles of entries."""
    level, hashes = 0, size
    while hashes:
        yield from (_Tile(level, index, width) for index, width in _widths(hashes))
        level, hashes = level + 1, hashes // TILE
    if entries:
        yield from (_Tile("entries", index, width) for index, width in _widths(size))


def _widths(hashes: int) -> Iterator[tuple[int, int]]:
    return ((first // TILE, min(TILE, hashes - first)) for first in range(0, hashes, TILE))


def _write_tile(folder: Path, log: Log, tile: _Tile, viewer: Viewer) -> None:
    try:
        content = log.tile(tile.level, tile.index, tile.width, viewer=viewer)
    except BundleExpiredError:  # removed since the holes were looked up
        return
    _put(folder, tile.path, content)


def _put(folder: Path, name: str, content: bytes) -> None:
    """Write a file aside, and give it its name once it is whole and on the disk."""
    path, aside = folder / name, folder / _ASIDE
    path.parent.mkdir(parents=True, exist_ok=True)
    with aside.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(aside, path)


def _holes(log: Log, holdings: Holdings, viewer: Viewer) -> set[int]:
    """The indices of the bundles of which retention removed an entry, by the manifests that the log cites."""
    rows = holdings.kept(log.seqs(_PRUNED, viewer=viewer))
    targets = [decode_body(row.body).target for row in rows if row.body is not None]
    manifests = [holdings.manifest("removal", i.id or "") for i in holdings.identities(targets)]
    runs = [run for manifest in manifests for run in msgspec.json.decode(manifest)["seqs"]]
    return {index for first, last in runs for index in range(first // TILE, last // TILE + 1)}


def _drop_bundles(folder: Path, holes: set[int]) -> None:
    """Take back bundles that were published before an entry in them was removed."""
    for index in holes if (folder / _TILES / "entries").exists() else ():
        whole = folder / tile_path("entries", index)
        whole.unlink(missing_ok=True)
        shutil.rmtree(whole.with_name(f"{whole.name}.p"), ignore_errors=True)


def _drop_outgrown(folder: Path) -> None:
    """Remove partial tiles of which the complete one is there: it begins with the same hashes, and stands for them."""
    for partial in list((folder / _TILES).rglob("*.p")):
        if partial.with_suffix("").exists():
            shutil.rmtree(partial)
