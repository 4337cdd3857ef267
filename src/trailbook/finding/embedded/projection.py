"""The projection: bodies and directory turned into the index of one log, followed and sealed beside its readers.

Owns the index of one log in this process, and that every question has a snapshot: the segments and the tail as they
are at one moment. The lock is held to take one and to add what was read, never while a question is answered or
anything is written. Refuses to know what is asked; `finder.py` does.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct

from trailbook.errors import DamagedError, HeadMovedError, IndexDamagedError, TrailbookError
from trailbook.finding.bound import BoundQuery
from trailbook.finding.embedded.segments import (
    DEFAULT_SIZES,
    Change,
    Listed,
    Parts,
    Sealed,
    Sizes,
    merged,
    without_removed,
)
from trailbook.finding.finder import FinderMeans
from trailbook.finding.items import readable
from trailbook.index import (
    Codes,
    Fields,
    IndexRow,
    Lives,
    Piece,
    Place,
    Segment,
    Tail,
    build_segment,
    lives_of,
    new_codes,
    rank_of,
    seen,
)
from trailbook.model import Progress
from trailbook.record import body_row, decode_body, unread_row
from trailbook.recording import Committed
from trailbook.stores import Head

T = TypeVar("T")
_CHUNK = 4096
_ERASED = "activity_log.erased"
_TRIES = 5
_FEW = 4
_Life = tuple[int, int, bool]  # when (at, seq) an item last ended or came back, and whether it is there since


class Snapshot(Struct, frozen=True):
    """The index at one moment: its pieces in the order of `seq`, and the codes of every coded column.

    Codes are only ever added at the end: those that came since stand for nothing here.
    """

    pieces: Sequence[Piece]
    codes: Mapping[str, Codes]
    segments: Sequence[Segment]


class _State:
    """The index as it stands; nobody sees one before it reaches as far as the one before it."""

    def __init__(self, sealed: Sealed, tail: Tail, removed: int) -> None:
        self.sealed = sealed
        self.tail = tail
        self.removed = removed  # entries, when it was read
        self.life: dict[int, _Life] = {}

    def add(self, rows: Sequence[IndexRow], size: int) -> None:
        """Take in rows in the order of `seq`; `size` is the log's size after them."""
        self.follow_lives((r.target, r.at, r.seq, r.alive) for r in rows if r.alive is not None)
        self.tail.add(rows, size)

    def follow_lives(self, lives: Iterable[tuple[int, int, int, Any]]) -> None:
        """Take in when items ended and came back."""
        for item, at, seq, alive in lives:
            if item not in self.life or self.life[item][:2] < (at, seq):
                self.life[item] = (at, seq, bool(alive))


class Projection:
    """The index of one log: it follows what is recorded, and hands out snapshots."""

    def __init__(
        self, means: FinderMeans, *, parts: Parts | None = None, sizes: Sizes = DEFAULT_SIZES
    ) -> None:
        self._means = means
        self._store = means.store
        self._org = means.org
        self._parts = parts or Parts()
        self._sizes = sizes
        self.on_ripe: Callable[[], None] = lambda: None  # told when a segment is due
        self._state = _State(self._nothing_sealed(), Tail(0, new_codes()), 0)
        self._loaded = False
        self._unread = 0  # entries recorded here while nothing was read
        # Whoever needs several takes them in this order.
        self._sealing = threading.Lock()
        self._catching = threading.Lock()
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """How many entries of the log the index reaches."""
        return self._state.tail.size

    @property
    def unsealed(self) -> int:
        """How many entries, at the last catching up, were in no segment."""
        with self._lock:
            return self._state.tail.size - self._state.tail.first

    def snapshot(self) -> Snapshot:
        """The index as it is now, which no longer changes."""
        with self._lock:
            segments, tail = self._state.sealed.segments, self._state.tail
            return Snapshot((*segments, tail.piece()), tail.codes, segments)

    def words(self, column: str) -> list[str]:
        """Every word of a coded column that some entry had."""
        with self._lock:
            return self._state.tail.codes[column].words

    def catch_up(self) -> Head:
        """Read what was recorded since; the head up to which the index reaches at least.

        Raises: DamagedError.
        """
        head = self._store.head(self._org)
        if self._lags(head):
            with self._catching:
                self._read_up_to(head)
        return head

    def recording(self) -> AbstractContextManager[None]:
        """Record before anybody who reads segments goes on."""
        return self._parts.way.taken()

    def tell(self, committed: Committed) -> None:
        """Take in what this process has just made durable, so that nothing is read and decoded again.

        Whatever goes wrong here harms no answer: the next one begins by reading the index anew.
        """
        try:
            self._follow(committed)
        except TrailbookError:
            self._forget()
        # Last, for whoever is erased is among what was learnt of this commit.
        self._announce_erasures(committed.rows)

    def ask(self, question: Callable[[Snapshot], T]) -> T:
        """The answer to a question about the index; what is found damaged is built anew, in memory, from the entries.

        Raises: DamagedError when it still cannot be answered.
        """
        for _ in range(_TRIES):
            now = self.snapshot()
            try:
                return question(now)
            except IndexDamagedError:  # or another process merged these segments, and they are gone
                self._mend(now)
        return question(self.snapshot())

    def ended(self, items: Sequence[int], query: BoundQuery) -> set[int]:
        """Those of these items whose last beginning or end was an end, in an entry that is not hidden."""
        with self._lock:
            life = self._state.life
            lives = {item: life[item] for item in items if item in life}
        ends = {item: Place(at, seq) for item, (at, seq, alive) in lives.items() if not alive}
        if not query.hidden:
            return set(ends)
        return self.ask(lambda now: {item for item, end in ends.items() if _is_seen(now, end, query)})

    def seal(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Seal full segments, off the commit path, until none is due; how many entries. Raises: StoreError.

        What retention removed is taken out of the segments that still have it, each in a transaction of its own.
        """
        done = 0
        with self._sealing:
            self.catch_up()
            self._clear(stopped)
            while (span := self._ripe()) and not stopped():
                try:
                    done += self._seal(span)
                except HeadMovedError:  # another process sealed first
                    self._forget()
                    self.catch_up()
        return done

    def reindex(self, progress: Progress = lambda done, total: None) -> None:
        """Build the whole index anew from the entries. Raises: StoreError."""
        with self._sealing, self._catching, self._lock:
            sealed, head = self._nothing_sealed(), self._store.head(self._org)
            sealed.clear()
            self._state, self._loaded = _State(sealed, Tail(0, new_codes()), head.removed), True
            self._means.erasures.announce()
            while (start := self.size) < head.size:
                stop = min(start + self._sizes.large, head.size)
                self._add(self._rows(start, stop), stop)
                self._seal_what_is_due(head)
                progress(stop, head.size)

    def _seal_what_is_due(self, head: Head) -> None:
        while span := self._ripe():
            try:
                self._seal(span)
            except HeadMovedError:
                # Another process sealed since the index was cleared. It too built from the entries, so that stands.
                self._load(head)

    def check(self) -> list[str]:
        """What is wrong with the stored index, in words; the entries are not looked at."""
        return Sealed(self._store, self._org, Parts(0)).check()

    def _nothing_sealed(self) -> Sealed:
        return Sealed(self._store, self._org, self._parts)

    def _is_old(self, head: Head) -> bool:
        """Whether the index has to be read anew: it never was, or something was removed since."""
        return not self._loaded or head.removed > self._state.removed

    def _lags(self, head: Head) -> bool:
        with self._lock:
            return self._is_old(head) or self._state.tail.size < head.size

    def _read_up_to(self, head: Head) -> None:
        """Take in everything before a head; entries are read while others ask and record."""
        with self._lock:
            old = self._is_old(head)
        if old:
            self._load(head)
        while (start := self.size) < head.size:
            stop = min(start + _CHUNK, head.size)
            rows = self._rows_that_are(start, stop)
            self._announce_erasures(rows)
            with self._lock:
                if self.size == start:  # else they were told of meanwhile
                    self._add(rows, stop)

    def _follow(self, committed: Committed) -> None:
        with self._lock:
            if self._loaded:
                if (self.size, self._state.removed) == (committed.before.size, committed.head.removed):
                    self._means.identities.learn(committed.identities)
                    self._add(committed.rows, committed.head.size)
                return
            # One entry, or a few, are not worth the reading of what is there; whoever records many is followed.
            self._unread += len(committed.rows)
        if self._unread >= self._sizes.small // _FEW:
            self.catch_up()

    def _forget(self) -> None:
        """Have the index read anew before the next answer."""
        with self._lock:
            self._loaded = False

    def _load(self, head: Head, *, mend: bool = False) -> None:
        """Read the index anew beside the one there is, which answers until the new one reaches as far."""
        state = self._read(head, mend=mend)
        while True:
            with self._lock:
                reach = max(head.size, self.size)
                if state.tail.size >= reach:
                    self._state, self._loaded = state, True
                    self._means.erasures.announce()
                    break
            start = state.tail.size
            stop = min(start + _CHUNK, reach)
            state.add(self._rows_that_are(start, stop), stop)
        if self._is_due():
            self.on_ripe()

    def _read(self, head: Head, *, mend: bool) -> _State:
        """The sealed part of the index; what is damaged is built anew, which with `mend` is looked for everywhere."""
        sealed = self._nothing_sealed()
        damaged = sealed.load()
        if mend:
            damaged += [Listed(s.first, s.size - s.first, b"") for s in sealed.segments if sealed.faults(s)]
        state = _State(sealed, Tail(sealed.reached, new_codes(sealed.words)), head.removed)
        for listed in damaged:
            self._replace(state, listed)
        state.tail = Tail(sealed.reached, state.tail.codes)
        try:
            for segment in sealed.segments:
                state.follow_lives(zip(*_tolist(lives_of(segment)), strict=True))
        except IndexDamagedError:
            if mend:
                raise
            return self._read(head, mend=True)
        return state

    def _mend(self, broken: Snapshot) -> None:
        """Read the list anew, for another process may have merged segments; what is damaged then is built anew."""
        with self._catching:
            if self._state.sealed.segments is broken.segments:  # else somebody did already
                self._load(self._store.head(self._org), mend=True)

    def _replace(self, state: _State, listed: Listed) -> None:
        built, end = Tail(listed.first, state.tail.codes), listed.first + listed.span
        for start in range(listed.first, end, _CHUNK):
            stop = min(start + _CHUNK, end)
            built.add(self._rows(start, stop), stop)
        state.sealed.replace(listed, *_entries(built, end))

    def _announce_erasures(self, rows: Sequence[IndexRow]) -> None:
        if any(row.action == _ERASED for row in rows):
            self._means.erasures.announce()

    def _add(self, rows: Sequence[IndexRow], size: int) -> None:
        self._state.add(rows, size)
        if self._ripe():
            self.on_ripe()

    def _is_due(self) -> bool:
        return bool(self._ripe() or self._state.sealed.holed())

    def _clear(self, stopped: Callable[[], bool]) -> None:
        """Take what retention removed out of the segments that still have it. Raises: StoreError."""
        state = self._state
        try:
            for segment in state.sealed.holed():
                if not stopped():
                    self._make(state, state.sealed.joined([segment], without_removed(segment)), 0)
        except HeadMovedError:  # another process does the same, or seals
            self._forget()
            self.catch_up()
        except IndexDamagedError:
            self._mend(self.snapshot())

    def _ripe(self) -> int:
        """How many entries to seal next: a large segment where one is due, else a small one, else 0."""
        with self._lock:
            first, waiting = self._state.tail.first, self.unsealed
        small, large = self._sizes.small, self._sizes.large
        if waiting >= large and first % large == 0:
            return large
        return small if waiting >= small else 0

    def _seal(self, span: int) -> int:
        """Seal the next `span` entries. Building goes on while others read and record: sealed rows no longer change.

        Raises: HeadMovedError.
        """
        with self._lock:
            state = self._state
            first, stop = state.tail.first, state.tail.first + span
            fields, lives = _entries(state.tail, stop)
            words = {name: codes.words for name, codes in state.tail.codes.items()}
        built = build_segment(first, span, fields, lives)
        self._make(state, state.sealed.added(built, words), stop)
        if small := state.sealed.mergeable(self._sizes.large):
            self._make(state, state.sealed.joined(small, merged(small)), stop)
        return span

    def _make(self, state: _State, change: Change, stop: int) -> None:
        """Make a change of the segments durable, and then true here; what is before `stop` is sealed."""
        state.sealed.write(change)
        with self._lock:
            if self._state is not state:
                raise HeadMovedError("the index was read anew meanwhile")
            state.sealed.take(change)
            if state.tail.first < stop:
                state.tail = state.tail.cut(stop)

    def _rows(self, start: int, stop: int) -> list[IndexRow]:
        stored = self._store.kept(self._org, start, stop)
        bodies = [(row.seq, decode_body(row.body)) for row in stored if row.body is not None]
        identities = self._means.identities.of(token for _, body in bodies for token in body.tokens())
        return [body_row(seq, body, identities, catalogue=self._means.catalogue) for seq, body in bodies]

    def _rows_that_are(self, start: int, stop: int) -> list[IndexRow]:
        """The same, where a body that cannot be read is an entry of which nothing is known but that it is there."""
        try:
            return self._rows(start, stop)
        except DamagedError:
            bodies, unread = readable(self._store.kept(self._org, start, stop))
        identities = self._means.identities.of(token for _, body in bodies for token in body.tokens())
        rows = [body_row(seq, body, identities, catalogue=self._means.catalogue) for seq, body in bodies]
        at = rows[0].at if rows else 0
        return sorted([*rows, *(unread_row(seq, at) for seq in unread)], key=lambda row: row.seq)


def _is_seen(now: Snapshot, place: Place, query: BoundQuery) -> bool:
    """Whether the entry at a place is among those of a query that are not hidden."""
    if place.seq >= query.as_of:
        return False
    piece = next(p for p in now.pieces if p.first <= place.seq < p.size)
    rank = rank_of(piece, place)
    hidden = now.codes["category"].known(query.hidden)
    return rank < piece.count and bool(len(seen(piece, np.asarray([rank]), hidden)))


def _entries(tail: Tail, stop: int) -> tuple[Fields, Lives]:
    return tail.fields(stop), tail.lives(stop)


def _tolist(lives: Lives) -> list[list[Any]]:
    return [array.tolist() for array in (lives.item, lives.at, lives.seq, lives.alive)]
