"""Where a benchmark's logs lie: a folder that goes with the run, and logs built in it once for all who ask.

Owns building: really recorded, or grown by appending real bodies again under new ids, which is quick; or a log that
was built before, which is read and sealed where it lies. Refuses to measure anything but the recording itself.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from msgspec import Struct, structs

from bench.generate import batches, entries
from bench.measuring import memory, seconds, tell
from trailbook.deployment.deployment import Deployment
from trailbook.deployment.opening import open_deployment
from trailbook.log.log import Log
from trailbook.model import NewEntry
from trailbook.proofs.tiles import frontier as last_frontier
from trailbook.stores import Append, Blob, NewRow, Store, open_store
from trailbook.tree.merkle import compact_range, extend_frontier, leaf_hash

ORG = "bench"
BATCH = 1_000
_GROWN = 32_768  # rows a commit when a log is grown
_COPIED = 20_000  # really recorded entries that a grown log is copied from
_TOLD = 15.0  # seconds between words on how far it is
_ID = "019a3c1e-7d2b-7c40-8000-{:012x}"
_FIRST_ID = UUID(_ID.format(0)).int


class Built(Struct, frozen=True):
    """A log in a file of its own: its address, the open deployment, what each recorded batch took, peak memory."""

    url: str
    deployment: Deployment
    taken: list[float]
    peak: list[float] = []  # msgspec copies it

    @property
    def log(self) -> Log:
        """The log itself."""
        return self.deployment.log(ORG)

    def store(self) -> Store:
        """The store beneath, opened a second time."""
        return open_store(self.url)[0]


class Site:
    """The folder of a run, and the recorded logs in it by size; `given` is a log that was built before."""

    def __init__(self, folder: Path, given: Path | None = None) -> None:
        self.folder = folder
        self._given = given
        self._built: dict[tuple[int, bool], Built] = {}
        self._hashed: dict[str, float] = {}

    def recorded(self, size: int, *, unsorted: bool = False) -> Built:
        """A log of `size` generated entries recorded in batches, built at the first call."""
        if (size, unsorted) not in self._built:
            take = self._given is not None and not unsorted and not self._built
            built = self._opened() if take else self.empty()
            if not take:
                tell(f"recording {size:,} entries{', unsorted' if unsorted else ''}")
                stream = entries(built.log.catalogue, size, unsorted=unsorted)
                built.taken.extend(record_all(built.log, _with_progress(batches(stream, BATCH))))
                built.peak.append(memory())
            self._built[size, unsorted] = built
        return self._built[size, unsorted]

    def _opened(self) -> Built:
        tell(f"taking the log in {self._given}, which was built before")
        url = f"sqlite:///{self._given}"
        return Built(url, open_deployment(url, watched=False), [])

    def grown(self, size: int) -> Built:
        """A log of `size` entries with few people and as many bodies and ids as any other."""
        built = self.empty()
        tell(f"growing a log to {size:,} entries")
        stream = entries(built.log.catalogue, min(size, _COPIED))
        built.taken.extend(record_all(built.log, batches(stream, BATCH)))
        store = built.store()
        bodies = [row.body for row in store.kept(ORG, 0, min(size, _COPIED)) if row.body is not None]
        grow(store, bodies, size - len(bodies))
        store.close()
        return built

    def empty(self) -> Built:
        """An empty log in a new file."""
        url = f"sqlite:///{self.folder}/{secrets.token_hex(4)}.db"
        deployment = open_deployment(url, create=True, watched=False)
        deployment.create(ORG)
        return Built(url, deployment, [])

    def hashed(self, built: Built, size: int) -> float:
        """The seconds that reading and hashing every body of a log takes, measured once."""
        if built.url not in self._hashed:
            store = built.store()
            self._hashed[built.url] = seconds(lambda: _hash(store, size))
            store.close()
        return self._hashed[built.url]

    def close(self) -> None:
        """Close every log that was recorded here."""
        for built in self._built.values():
            built.deployment.close()


def record_all(log: Log, groups: Iterable[Sequence[NewEntry]]) -> list[float]:
    """Record batches; the seconds of each, without the making of its entries."""
    return [seconds(partial(log.record_many, batch)) for batch in groups]


def _hash(store: Store, size: int) -> None:
    for kept in store.kept(ORG, 0, size):
        sha256(b"\x00" + (kept.body or b"")).digest()


def _with_progress(groups: Iterable[list[NewEntry]]) -> Iterator[list[NewEntry]]:
    """The same batches, with a word now and then on how many have gone."""
    done, since = 0, time.monotonic()
    for batch in groups:
        yield batch
        done += len(batch)
        if time.monotonic() - since > _TOLD:
            since = time.monotonic()
            tell(f"{done:,}")


def grow(store: Store, bodies: Sequence[bytes], count: int) -> None:
    """Append `count` copies of these bodies in turn, each under an id of its own, past the directory."""
    parts = [body.partition(b'"id":"') for body in bodies]
    split = [(before + member, after[36:]) for before, member, after in parts]
    head = store.head(ORG)
    frontier, first = last_frontier(store, ORG, head), head.size
    stop = first + count
    while head.size < stop:
        numbers = range(head.size, min(head.size + _GROWN, stop))
        rows = [_copy(split[at % len(split)], at) for at in numbers]
        frontier, tiles = extend_frontier(frontier, [leaf_hash(row.body) for row in rows])
        moved = structs.replace(head, size=frontier.size, range=compact_range(frontier))
        blobs = [Blob("tile", f"{tile.level}/{tile.index}", tile.hashes) for tile in tiles]
        store.append(ORG, head, Append(rows=rows, identities=(), words=(), blobs=blobs, head=moved))
        head = moved


def _copy(split: tuple[bytes, bytes], number: int) -> NewRow:
    id_ = _ID.format(number)
    return NewRow(UUID(int=_FIRST_ID + number), split[0] + id_.encode() + split[1])
