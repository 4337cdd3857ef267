"""The sealed segments of a log as they lie in its store, and the parts of them kept in memory.

Owns the list of segments, its one transaction a change, and merging small ones. Refuses to hold anything that
cannot be rebuilt from the entries; a part that is damaged is never answered from.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from msgspec import Struct

from trailbook.errors import DamagedError, IndexDamagedError
from trailbook.finding.embedded.way import RightOfWay
from trailbook.index import (
    CODED,
    Array,
    Fields,
    Lives,
    Segment,
    SegmentHead,
    build_segment,
    entries_of,
    fields_of,
    joined,
    lives_of,
    read_head,
    read_part,
)
from trailbook.stores import Blob, Blobs, ExpectedBlob, TreeStore

SEGMENT, LIST = "segment", ("index", "segments")
PARTS_BYTES = 192 * 2**20
VERSION = 2  # of the list and of all that it names; since 2 a segment knows origins


class Sizes(Struct, frozen=True):
    """How many entries a segment takes at first, and once merged."""

    small: int = 4096
    large: int = 65536


DEFAULT_SIZES = Sizes()


class Listed(Struct, frozen=True, array_like=True):
    """One segment of the list: where it begins, how far it reaches, and the SHA-256 of its head."""

    first: int
    span: int
    digest: bytes


class SegmentList(Struct, frozen=True, kw_only=True):
    """Every segment in order, and the words of every coded column in the order of their codes."""

    v: int = VERSION
    segments: tuple[Listed, ...] = ()
    words: dict[str, list[str]] = msgspec.field(default_factory=lambda: {name: [] for name in CODED})


class _Removal(Struct):
    seqs: tuple[tuple[int, int], ...]


Built = tuple[SegmentHead, dict[str, bytes]]
_removal = msgspec.json.Decoder(_Removal)
_segment_list = msgspec.msgpack.Decoder(SegmentList)


class Parts:
    """Parts read lately, of every log of a deployment, within so many bytes."""

    def __init__(self, most: int = PARTS_BYTES) -> None:
        self.way = RightOfWay()  # of those who record in the deployment, before those who read parts
        self._most = most
        self._held: OrderedDict[tuple[str, int, str, bytes], Array] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[str, int, str, bytes]) -> Array | None:
        """A part that was kept, now the one used last."""
        with self._lock:
            part = self._held.get(key)
            if part is not None:
                self._held.move_to_end(key)
            return part

    def keep(self, key: tuple[str, int, str, bytes], part: Array) -> None:
        """Keep a part; those unused for longest go."""
        with self._lock:
            if key not in self._held:
                self._held[key] = part
                self._bytes += part.nbytes
            while self._bytes > self._most and len(self._held) > 1:
                self._bytes -= self._held.popitem(last=False)[1].nbytes


class Change(Struct, frozen=True):
    """A change of the segments: what they are after it, the list that says so, and what is stored and dropped with it.

    `before` is the list that it was made from, as it lies in the store.
    """

    before: bytes | None
    segments: list[Segment]
    listing: SegmentList
    blobs: list[Blob]
    gone: list[tuple[str, str]]


class Sealed:
    """The segments of one log; whoever changes them is one at a time.

    `segments` is never changed in place: whoever reads goes on with the list that they took.
    """

    def __init__(self, store: TreeStore, org: str, parts: Parts) -> None:
        self._store = store
        self._org = org
        self._parts = parts
        self._list = SegmentList()
        self._stored: bytes | None = None
        self.dead: Sequence[tuple[int, int]] = ()
        self.segments: list[Segment] = []

    @property
    def reached(self) -> int:
        """The first seq that is not sealed."""
        return self.segments[-1].size if self.segments else 0

    @property
    def words(self) -> dict[str, list[str]]:
        """The words of every coded column, as they were last stored."""
        return self._list.words

    def load(self) -> list[Listed]:
        """Read the list anew; answers the segments that are damaged or lack entries, which it leaves out.

        Raises: IndexDamagedError when the list itself is.
        """
        self.dead = removed(self._store, self._org)
        self._stored = self._store.blob(self._org, *LIST)
        self._list = _list(self._stored)
        heads = [(listed, self._head(listed)) for listed in self._list.segments]
        self.segments = [self._segment(head) for _, head in heads if head is not None]
        return [listed for listed, head in heads if head is None]

    def added(self, built: Built, words: dict[str, list[str]]) -> Change:
        """The change that appends a segment."""
        return self._change([*self.segments, self._segment(built[0])], built, words)

    def write(self, change: Change) -> None:
        """Make a change durable. Raises: HeadMovedError when another process changed the list first; StoreError."""
        expected = ExpectedBlob(*LIST, change.before)
        self._store.put_blobs(self._org, change.blobs, drop=change.gone, expect=expected)

    def take(self, change: Change) -> None:
        """Go on with what was written."""
        self._list, self._stored, self.segments = change.listing, change.blobs[-1].content, change.segments

    def mergeable(self, large: int) -> list[Segment]:
        """The small segments that fill a large one, where they do."""
        begin = self.reached - large
        small = [s for s in self.segments if s.first >= begin]
        whole = begin >= 0 and begin % large == 0 and len(small) > 1 and small[0].first == begin
        return small if whole else []

    def joined(self, small: Sequence[Segment], built: Built) -> Change:
        """The change that puts one segment in the place of several."""
        firsts = {s.first for s in small}
        others = [s for s in self.segments if s.first not in firsts]
        segments = sorted([*others, self._segment(built[0])], key=lambda s: s.first)
        return self._change(segments, built, self._list.words, drop=small)

    def replace(self, damaged: Listed, fields: Fields, lives: Lives) -> None:
        """Put a segment built anew in the place of a damaged one, in memory alone: `reindex` is what repairs."""
        head, content = build_segment(damaged.first, damaged.span, fields, lives)
        for name in head.parts:
            self._parts.keep(self._key(head, name), read_part(head, name, content[name]))
        held = {name: read_part(head, name, content[name]) for name in head.parts}
        segment = Segment(head, lambda _, name: held[name], self.dead)
        self.segments = sorted(
            [s for s in self.segments if s.first != damaged.first] + [segment], key=lambda s: s.first
        )

    def holed(self) -> list[Segment]:
        """The segments that still have entries whose bodies retention removed."""
        return [s for s in self.segments if self._has_removed(s.head)]

    def clear(self) -> None:
        """Forget every segment, in the store too. Raises: HeadMovedError, StoreError."""
        names = [(k, key) for k, key in self._store.blob_names(self._org) if k == SEGMENT]
        stored = self._store.blob(self._org, *LIST)
        self._store.put_blobs(self._org, (), drop=[*names, LIST], expect=ExpectedBlob(*LIST, stored))
        self.load()

    def faults(self, segment: Segment) -> list[str]:
        """What is wrong with the stored parts of a segment, in words."""
        faults = []
        for name in segment.head.parts:
            try:
                read_part(segment.head, name, self._blob(segment.head, name))
            except DamagedError as error:
                faults.append(f"{error.detail} ({name})")
        return faults

    def check(self) -> list[str]:
        """What is wrong with the stored segments, in words."""
        try:
            damaged = self.load()
        except DamagedError as error:
            return [error.detail]
        faults = [
            f"the segment of entries from {listed.first} on is damaged, or lacks some" for listed in damaged
        ]
        faults += [fault for segment in self.segments for fault in self.faults(segment)]
        return faults + gaps(self._list.segments)

    def _change(
        self,
        segments: list[Segment],
        built: Built,
        words: dict[str, list[str]],
        drop: Sequence[Segment] = (),
    ) -> Change:
        own, blobs = content_of(built)
        by_first = {listed.first: listed for listed in self._list.segments}
        by_first[own.first] = own
        listing = SegmentList(segments=tuple(by_first[s.first] for s in segments), words=words)
        stored = _with_digest(msgspec.msgpack.encode(listing))
        blobs.append(Blob(*LIST, stored))
        gone = [(SEGMENT, _named(s.head, name)) for s in drop for name in ("head", *s.head.parts)]
        return Change(self._stored, segments, listing, blobs, gone)

    def _segment(self, head: SegmentHead) -> Segment:
        return Segment(head, self._fetch, self.dead if self._has_removed(head) else ())

    def _has_removed(self, head: SegmentHead) -> bool:
        return head.count > head.span - self._removed_of(head.first, head.span)

    def _fetch(self, head: SegmentHead, name: str) -> Array:
        key = self._key(head, name)
        self._parts.way.give()
        part = self._parts.get(key)
        if part is None:
            part = read_part(head, name, self._blob(head, name))
            self._parts.keep(key, part)
        return part

    def _key(self, head: SegmentHead, name: str) -> tuple[str, int, str, bytes]:
        return (self._org, head.first, name, head.parts[name].digest)

    def _blob(self, head: SegmentHead, name: str) -> bytes | None:
        return self._store.blob(self._org, SEGMENT, _named(head, name))

    def _head(self, listed: Listed) -> SegmentHead | None:
        try:
            head = _read_head(self._store, self._org, listed)
        except IndexDamagedError:
            return None
        return head if head.count >= head.span - self._removed_of(listed.first, listed.span) else None

    def _removed_of(self, first: int, span: int) -> int:
        """How many entries of a segment retention removed, before or after it was sealed."""
        runs = np.asarray(self.dead, np.int64).reshape(-1, 2)
        inside = np.minimum(runs[:, 1], first + span) - np.maximum(runs[:, 0], first)
        return int(inside[inside > 0].sum())


def removed(store: TreeStore, org: str) -> list[tuple[int, int]]:
    """The runs of seqs whose bodies retention removed, half-open, as its manifests say."""
    if not store.head(org).removed:
        return []
    keys = [key for kind, key in store.blob_names(org) if kind == "removal"]
    try:
        manifests = [_removal.decode(store.blob(org, "removal", key) or b"") for key in keys]
    except msgspec.MsgspecError as error:
        raise DamagedError(
            "a manifest of removed entries is damaged; `trailbook verify` says which"
        ) from error
    return sorted((a, b + 1) for manifest in manifests for a, b in manifest.seqs)


def _named(head: SegmentHead, name: str) -> str:
    return f"{head.first:012}/{head.span}/{name}"


def _with_digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest() + content


def indexed(store: Blobs, org: str) -> int:
    """How many entries the stored index reaches, by its list alone. Raises: IndexDamagedError, StoreError."""
    segments = read_list(store, org).segments
    return segments[-1].first + segments[-1].span if segments else 0


def read_list(store: Blobs, org: str) -> SegmentList:
    """The list of the segments as it is stored. Raises: IndexDamagedError, StoreError."""
    return _list(store.blob(org, *LIST))


def read_segment(store: Blobs, org: str, listed: Listed) -> Segment:
    """A segment as it is stored, whatever was removed since. Raises: IndexDamagedError, StoreError."""
    head = _read_head(store, org, listed)
    if (head.first, head.span) != (listed.first, listed.span):
        raise IndexDamagedError(f"the index of entries from {listed.first} on is that of others")
    parts = {name: read_part(head, name, store.blob(org, SEGMENT, _named(head, name))) for name in head.parts}
    return Segment(head, lambda _, name: parts[name])


def gaps(segments: Sequence[Listed]) -> list[str]:
    """Which entries before the last of these segments are in none of them, or in two, in words."""
    ends = [(0, 0), *sorted((listed.first, listed.first + listed.span) for listed in segments)]
    return [
        f"entries {a} to {b} are in no segment" if a < b else f"entries {b} to {a} are in two segments"
        for (_, a), (b, _) in pairwise(ends)
        if a != b
    ]


def _read_head(store: Blobs, org: str, listed: Listed) -> SegmentHead:
    key = f"{listed.first:012}/{listed.span}/head"
    return read_head(store.blob(org, SEGMENT, key), listed.digest, listed.first)


def _list(stored: bytes | None) -> SegmentList:
    if stored is None:
        return SegmentList()
    if stored != _with_digest(stored[32:]):
        raise IndexDamagedError(
            "the list of the index's segments is damaged; `trailbook reindex` makes it anew"
        )
    try:
        segments = _segment_list.decode(stored[32:])
    except msgspec.MsgspecError as error:  # somebody wrote both, list and digest
        raise IndexDamagedError(
            "the list of the index's segments cannot be read; `trailbook reindex` makes it anew"
        ) from error
    if segments.v < VERSION:
        return SegmentList()  # of an older version nothing is read: what is sealed anew takes its place
    if segments.v > VERSION:
        raise IndexDamagedError(f"the list of the index's segments has version {segments.v}; reindex")
    return segments


def merged(small: Sequence[Segment]) -> Built:
    """One segment of the entries of several."""
    fields, lives = joined([(fields_of(s), lives_of(s)) for s in small])
    return build_segment(small[0].first, small[-1].size - small[0].first, fields, lives)


def without_removed(segment: Segment) -> Built:
    """The same segment without the entries that were removed since it was sealed."""
    seqs = segment.seqs(np.arange(segment.count))
    kept = entries_of(segment, seqs[segment.keeps(seqs)])
    return build_segment(segment.first, segment.head.span, *kept)


def content_of(built: Built) -> tuple[Listed, list[Blob]]:
    """How a segment stands in the list, and the blobs that it lies in."""
    head, parts = built
    written = msgspec.msgpack.encode(head)
    blobs = [Blob(SEGMENT, _named(head, name), part) for name, part in parts.items()]
    listed = Listed(head.first, head.span, hashlib.sha256(written).digest())
    return listed, [*blobs, Blob(SEGMENT, _named(head, "head"), written)]
