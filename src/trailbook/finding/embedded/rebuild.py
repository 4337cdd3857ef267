"""The index of a log built anew from its bodies while they are verified, and compared with the one that is kept.

Owns what is at fault with the sealed segments, by seq; what is not sealed is read from the bodies at every opening.
Refuses to repair, and to believe a digest that lies beside what it is of. One segment is in memory at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from trailbook.errors import IndexDamagedError, StoreError
from trailbook.finding.embedded.segments import (
    DEFAULT_SIZES,
    Listed,
    content_of,
    gaps,
    read_list,
    read_segment,
)
from trailbook.finding.items import readable
from trailbook.index import (
    ENTRY,
    Difference,
    Fields,
    Ints,
    Lives,
    Mask,
    Segment,
    build_segment,
    differences,
    entries_of,
    joined,
    lives_among,
    new_codes,
    read_part,
    require_readable,
)
from trailbook.record import KnownItem, NumberedBody, body_fields, body_lives
from trailbook.stores import Store

_Entries = tuple[Fields, Lives]


class IndexFault(Struct, frozen=True):
    """What is wrong with the index, in words; of the entries first <= seq < stop, where it is of some."""

    what: str
    first: int | None = None
    stop: int | None = None


class IndexMeans(Struct, frozen=True):
    """What bodies are read into the index by: items by token, and what an action says of its target's end."""

    items: Mapping[str, KnownItem]
    endings: Mapping[str, bool | None]


class Rebuild:
    """The sealed segments of one log, built anew one after the other; begun while the store is held still."""

    def __init__(self, store: Store, org: str, means: IndexMeans) -> None:
        self.undeclared = (
            0  # ends of targets that were not compared, for nothing here declares what brought them
        )
        self._store = store
        self._org = org
        self._means = means
        self._doubtful: Sequence[tuple[int, int]] = ()
        self._judged: set[Listed] = set()
        self._entries: list[_Entries] = []  # of the segment under way
        size = store.head(org).size
        try:
            listing = read_list(store, org)
        except StoreError:  # `faults` says so
            self._codes, self._waiting = new_codes(), list[Listed]()
        else:
            self._codes = new_codes(listing.words)
            self._waiting = [each for each in reversed(listing.segments) if _is_possible(each, size)]

    def add(self, rows: Sequence[NumberedBody], stop: int) -> None:
        """Take in, in the order of `seq`, the bodies of the entries before `stop` that were not taken in yet."""
        while self._waiting:
            listed = self._waiting[-1]
            own = [row for row in rows if listed.first <= row[0] < _end(listed)]
            if own:
                self._entries.append(self._read(own))
            if _end(listed) > stop:
                return
            if self._is_as_built(listed):
                self._judged.add(listed)
            self._entries = []
            self._waiting.pop()

    def faults(self, doubtful: Sequence[tuple[int, int]] = ()) -> Iterator[IndexFault]:
        """What is wrong with the segments as they are by now; what was not the same when it was built is looked into.

        Others may seal and merge meanwhile: a segment that came since is built anew too. `doubtful` are runs of seqs,
        half-open, whose entries are at fault themselves: against such a body nothing is held.
        """
        self._doubtful = doubtful
        try:
            while (faults := self._next()) is not None:
                yield from faults
            yield from map(IndexFault, gaps(read_list(self._store, self._org).segments))
        except StoreError as error:
            yield IndexFault(error.detail)

    def _is_as_built(self, listed: Listed) -> bool:
        built = build_segment(listed.first, listed.span, *joined(self._entries or [self._read(())]))
        own, blobs = content_of(built)
        try:
            return own == listed and all(
                self._store.blob(self._org, blob.kind, blob.key) == blob.content for blob in blobs
            )
        except StoreError:
            return False

    def _next(self) -> list[IndexFault] | None:
        """What is wrong with the next segment that was not judged; None when there is none. Raises: StoreError."""
        # Of one moment, but of one segment alone: nobody is erased while the store is held still.
        with self._store.still(self._org):
            listing = read_list(self._store, self._org)
            listed = next((each for each in listing.segments if each not in self._judged), None)
            if listed is None:
                return None
            self._judged.add(listed)
            self._codes = new_codes(listing.words)
            try:
                return list(self._faults_of(listed))
            except StoreError as error:
                return [IndexFault(error.detail, listed.first, _end(listed))]

    def _faults_of(self, listed: Listed) -> Iterator[IndexFault]:
        """What is wrong with a segment. Raises: StoreError."""
        if not _is_possible(listed, self._store.head(self._org).size):
            raise IndexDamagedError(
                f"entries {listed.first} to {_end(listed)} cannot be a segment of this log"
            )
        kept = read_segment(self._store, self._org, listed)
        require_readable(kept)
        bodies, _ = readable(self._store.kept(self._org, listed.first, _end(listed)))
        doubtful = self._doubtful_in(listed)
        bodies = [row for row in bodies if not doubtful[row[0] - listed.first]]
        for difference in differences(kept, self._anew(kept, bodies)):
            yield IndexFault(_in_words(difference), difference.first, difference.stop)

    def _anew(self, kept: Segment, bodies: Sequence[NumberedBody]) -> Segment:
        """A segment built from these bodies; what has none any more, or none that can be read, is as it is kept."""
        fields, lives = self._read(bodies)
        every = np.arange(kept.first, kept.size)
        rest = every[~np.isin(every, fields.of["seq"])]
        undeclared = _seqs(seq for seq, body in bodies if body.action not in self._means.endings)
        believed = lives_among(kept, undeclared)
        self.undeclared += len(believed.seq)
        nothing = entries_of(kept, _seqs(()))[0]
        entries, ends = joined([(fields, lives), entries_of(kept, rest), (nothing, believed)])
        head, content = build_segment(kept.first, kept.head.span, entries, _ascending(ends))
        return Segment(head, lambda _, name: read_part(head, name, content[name]))

    def _read(self, rows: Sequence[NumberedBody]) -> _Entries:
        """Bodies as columns; what cites an unknown token, or has no time, is at fault itself and left out."""
        try:
            return self._columns(rows)
        except (KeyError, ValueError):
            return self._columns([row for row in rows if self._is_sound(row)])

    def _doubtful_in(self, listed: Listed) -> Mask:
        marks = np.zeros(listed.span, np.bool_)
        for low, high in self._doubtful:
            marks[max(low - listed.first, 0) : max(high - listed.first, 0)] = True
        return marks

    def _is_sound(self, row: NumberedBody) -> bool:
        try:
            self._columns([row])
        except (KeyError, ValueError):
            return False
        return True

    def _columns(self, rows: Sequence[NumberedBody]) -> _Entries:
        items, endings = self._means.items, self._means.endings
        return body_fields(rows, items, self._codes), body_lives(rows, items, endings)


def _end(listed: Listed) -> int:
    return listed.first + listed.span


def _is_possible(listed: Listed, size: int) -> bool:
    """Whether a segment lies in the log and is no larger than one is made."""
    return listed.first >= 0 and 0 < listed.span <= DEFAULT_SIZES.large and _end(listed) <= size


def _in_words(difference: Difference) -> str:
    if difference.unordered:
        return (
            f"the index has these in a wrong order, or counts them wrongly: {', '.join(difference.unordered)}"
        )
    does = [
        f"{verb} {_fields(names)}"
        for verb, names in (("hides", difference.hidden), ("invents", difference.invented))
        if names
    ]
    return f"the index {' and '.join(does)}"


def _fields(names: tuple[str, ...]) -> str:
    return "it" if ENTRY in names else f"its {', '.join(names)}"


def _seqs(seqs: Iterable[int]) -> Ints:
    return np.asarray(list(seqs), np.int64)


def _ascending(lives: Lives) -> Lives:
    order = np.argsort(lives.seq, kind="stable")
    return Lives(*(getattr(lives, name)[order] for name in Lives.__struct_fields__))
