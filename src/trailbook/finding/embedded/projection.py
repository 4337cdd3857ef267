"""The projection: bodies and directory turned into the index of one log, and a query into its numbers.

Owns the index of one log in this process, caught up before every answer, so that an accepted entry is found
at once whoever recorded it. Refuses to show anything; `finding/reader.py` does.
"""

import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import numpy as np

from trailbook.catalogue import Catalogue
from trailbook.errors import DamagedError, HeadMovedError, IndexDamagedError, TrailbookError
from trailbook.finding.embedded.identities import Identities, name_of
from trailbook.finding.embedded.segments import DEFAULT_SIZES, Listed, Parts, Sealed, Sizes, merged
from trailbook.finding.memo import Erasures, Memo
from trailbook.finding.origins import Origins
from trailbook.index import (
    Clause,
    Codes,
    Fields,
    IndexRow,
    Lives,
    Piece,
    Place,
    Plan,
    Tail,
    Word,
    build_segment,
    count,
    last_with,
    lives_of,
    new_codes,
    newest_citing,
    rank_of,
    seen,
)
from trailbook.model import Kind, Progress
from trailbook.query import FIELDS, Query, Term, interval, words
from trailbook.record import Body, body_row, decode_body, sixty_bits, unread_row
from trailbook.recording import Committed
from trailbook.stores import Head, Identity, Store, StoredEntry

T = TypeVar("T")
Hidden = tuple[int, ...]  # the codes of categories that somebody does not see
_CHUNK = 4096
_ERASED = "activity_log.erased"
_TRIES = 5
_FEW = 4
_MOST_ANSWERS, _MOST_NAMES, _MOST_LABELS = 256, 50_000, 5_000


class Projection:
    """The index of one log; hold `lock` while reading the pieces, for the last one grows in place."""

    def __init__(
        self,
        store: Store,
        org: str,
        catalogue: Catalogue,
        *,
        parts: Parts | None = None,
        sizes: Sizes = DEFAULT_SIZES,
    ) -> None:
        self._store = store
        self._org = org
        self.catalogue = catalogue
        self._sizes = sizes
        self.on_ripe: Callable[[], None] = lambda: None  # told when a segment is due
        self._sealed = Sealed(store, org, parts or Parts())
        self._loaded = False
        self._removed = 0
        self._unread = 0  # entries recorded here while nothing was read
        self._life: dict[int, tuple[int, int, bool]] = {}  # item -> when (at, seq) it last ended or came back
        self._sealing = threading.Lock()
        self.lock = threading.RLock()
        self.erasures = Erasures()  # announced with the lock held
        self._answers: Memo[Hashable, Any] = Memo(_MOST_ANSWERS, self.erasures)
        # Of an item, for whom something is hidden: how far the log reached, and what the item was called then.
        self._names: Memo[tuple[int, Hidden], tuple[int, str | None]] = Memo(_MOST_NAMES, self.erasures)
        self._labels: Memo[tuple[str, str], tuple[str, ...]] = Memo(_MOST_LABELS, self.erasures)
        self.identities = Identities(store, org, self.erasures)
        self.origins = Origins(store, org, self.erasures)
        self.tail = Tail(0, new_codes())

    @property
    def pieces(self) -> list[Piece]:
        """Every piece of the index, in the order of `seq`."""
        return [*self._sealed.segments, self.tail]

    @property
    def stand(self) -> tuple[int, int]:
        """Where the log stands here: how far it reaches, and how often something of it was removed or erased."""
        return self.tail.size, self.erasures.count

    @property
    def codes(self) -> dict[str, Codes]:
        """The codes of every coded column, with the words that waited for one: no two threads may give it at once."""
        with self.lock:
            return self.tail.codes

    @property
    def unsealed(self) -> int:
        """How many entries, at the last catching up, were in no segment."""
        return self.tail.size - self.tail.first

    def catch_up(self) -> Head:
        """Read what was recorded since; the head up to which the index reaches at least.

        Raises: DamagedError.
        """
        head = self._store.head(self._org)
        with self.lock:
            if not self._loaded or head.removed != self._removed:
                self._load(head)
            for start in range(self.tail.size, head.size, _CHUNK):
                stop = min(start + _CHUNK, head.size)
                rows = self._rows_that_are(start, stop)
                self._announce_erasures(rows)
                self._add(rows, stop)
        return head

    def tell(self, committed: Committed) -> None:
        """Take in what this process has just made durable, so that nothing is read and decoded again.

        Whatever goes wrong here harms no answer: the next one begins by reading the index anew.
        """
        with self.lock:
            try:
                self._follow(committed)
            except TrailbookError:
                self._loaded = False
            # Last, for whoever is erased is among what was learnt of this commit.
            self._announce_erasures(committed.rows)

    def _follow(self, committed: Committed) -> None:
        if not self._loaded:
            # One entry, or a few, are not worth the reading of what is there; whoever records many is followed.
            self._unread += len(committed.rows)
            if self._unread >= self._sizes.small // _FEW:
                self.catch_up()
        elif self.tail.size == committed.before.size and committed.head.removed == self._removed:
            self.identities.learn(committed.identities)
            self._add(committed.rows, committed.head.size)

    def ask(self, question: Callable[[Sequence[Piece]], T]) -> T:
        """The answer to a question about the pieces; what is found damaged is built anew, in memory, from the entries.

        Raises: DamagedError when it still cannot be answered.
        """
        with self.lock:
            for _ in range(_TRIES):
                try:
                    return question(self.pieces)
                except IndexDamagedError:
                    self._mend()
            return question(self.pieces)

    def seal(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Seal full segments, off the commit path, until none is due; how many entries. Raises: StoreError."""
        done = 0
        with self._sealing:
            self.catch_up()
            while (span := self._ripe()) and not stopped():
                try:
                    done += self._seal(span)
                except HeadMovedError:  # another process sealed first
                    with self.lock:
                        self._loaded = False
                    self.catch_up()
        return done

    def reindex(self, progress: Progress = lambda done, total: None) -> None:
        """Build the whole index anew from the entries. Raises: StoreError."""
        with self._sealing, self.lock:
            self._sealed.clear()
            self.tail = Tail(0, new_codes())
            self._life.clear()
            self.erasures.announce()
            self._loaded = True
            size = self._store.head(self._org).size
            for start in range(0, size, self._sizes.large):
                stop = min(start + self._sizes.large, size)
                self._add(self._rows(start, stop), stop)
                while span := self._ripe():
                    self._seal(span)
                progress(stop, size)

    def check(self) -> list[str]:
        """What is wrong with the stored index, in words; the entries are not looked at."""
        return Sealed(self._store, self._org, Parts(0)).check()

    def plan(self, query: Query, now: datetime, as_of: int, lang: str) -> Plan:
        """A query in the numbers of this log; presets become instants."""
        since, until = interval(query, now)
        return Plan(
            since=since,
            until=until,
            clauses=tuple(self._clause(term) for term in query.terms),
            text=tuple(self._word(word, lang) for phrase in query.text for word in words(phrase)),
            own=query.self_,
            as_of=as_of,
        )

    def count(self, plan: Plan) -> int:
        """How many entries match, exactly."""
        return self.remembered(("count", plan), lambda: self.ask(lambda pieces: count(pieces, plan)))

    def remembered(self, question: Hashable, answer: Callable[[], T]) -> T:
        """An answer that was computed before: what was asked at one `as_of` never changes, but by a removal."""
        with self.lock:
            return cast(T, self._answers.value(question, answer))

    def hidden(self, sees: Callable[[str], bool]) -> Clause:
        """What keeps entries out of an answer whose categories somebody does not see.

        An entry that cannot be read has no category: that it is there is no secret, and nothing of it is shown.
        """
        codes = self.codes["category"]
        return Clause("category", codes.known([w for w in codes.words if w and not sees(w)]), negated=True)

    def exists(self, item: int, hidden: Hidden = ()) -> bool:
        """False after an entry that deleted the item, with no later one that restored it.

        What an entry of a `hidden` category did to it is not told.
        """
        life = self._life.get(item)
        return life is None or bool(life[2]) or self._is_hidden(Place(*life[:2]), hidden)

    def name_now(self, versions: Sequence[Identity], hidden: Hidden = ()) -> str | None:
        """The name of the version cited by the entry that happened last, among an item's versions.

        Entries of the `hidden` categories name nothing.
        """
        if len(versions) == 1:
            return versions[0].name
        item, size = (versions[0].item, hidden), self.tail.size
        remembered = self._names.peek(item)
        if remembered is not None and remembered[0] == size:
            return remembered[1]
        erasures = self.erasures.count
        seq = self.ask(lambda pieces: newest_citing(pieces, versions[0].item, hidden))
        body = None if seq is None else self._store.kept_at(self._org, [seq])[0].body
        name = name_of(versions, () if body is None else decode_body(body).tokens())
        if (
            erasures == self.erasures.count
        ):  # else the log was read anew, and this name may be of an erased one
            self._names.put(item, (size, name))
        return name

    def led_to(self, ids: Sequence[str], hidden: Hidden = ()) -> dict[str, int]:
        """How many entries each of these entries led to, those of the `hidden` categories left out."""
        causes = [sixty_bits(id_) for id_ in ids]
        numbers = np.asarray(causes, np.int64)

        def question(pieces: Sequence[Piece]) -> dict[int, int]:
            counts = dict.fromkeys(causes, 0)
            for piece in pieces:
                some = numbers[piece.having("cause", numbers)] if piece.count else ()
                for cause in set(map(int, some)):
                    counts[cause] += len(seen(piece, piece.posting("cause", cause), hidden))
            return counts

        counts = self.ask(question) if ids else {}
        return {id_: counts[cause] for id_, cause in zip(ids, causes, strict=True)}

    def _is_hidden(self, place: Place, hidden: Hidden) -> bool:
        """Whether the entry at a place is of a category that is hidden."""

        def question(pieces: Sequence[Piece]) -> bool:
            piece = next(p for p in pieces if p.first <= place.seq < p.size)
            rank = rank_of(piece, place)
            return rank == piece.count or not len(seen(piece, np.asarray([rank]), hidden))

        return bool(hidden) and self.ask(question)

    def kind_of(self, item: int) -> Kind | None:
        """The kind of actor an item last was; None when it never acted."""

        def question(pieces: Sequence[Piece]) -> Kind | None:
            last = last_with(pieces, "actor", item)
            if last is None:
                return None
            piece, at = last
            code = int(piece.column("kind", np.asarray([at]))[0])
            return cast(Kind, self.tail.codes["kind"].words[code])

        return self.ask(question)

    def label_words(self, action: str, lang: str) -> tuple[str, ...]:
        """The folded words of an action's label."""
        folded = self._labels.peek((action, lang))
        if folded is None:
            folded = words(self.catalogue.label("action", action, lang))
            with self.lock:
                self._labels.put((action, lang), folded)
        return folded

    def _load(self, head: Head) -> None:
        damaged = self._sealed.load()
        self._removed, self._loaded = head.removed, True
        self._life.clear()
        self.erasures.announce()
        self.tail = Tail(self._sealed.reached, new_codes(self._sealed.words))
        for listed in damaged:
            self._replace(listed)
        for segment in self._sealed.segments:
            self._live(zip(*_tolist(lives_of(segment)), strict=True))

    def _mend(self) -> None:
        """Read the list anew, for another process may have merged segments; what is damaged then is built anew."""
        self._load(self._store.head(self._org))
        for segment in self._sealed.segments:
            if self._sealed.faults(segment):
                self._replace(Listed(segment.first, segment.size - segment.first, b""))
        self.tail = Tail(self._sealed.reached, new_codes(self._sealed.words))
        self.catch_up()

    def _replace(self, listed: Listed) -> None:
        codes = new_codes(self._sealed.words)
        built, end = Tail(listed.first, codes), listed.first + listed.span
        for start in range(listed.first, end, _CHUNK):
            stop = min(start + _CHUNK, end)
            built.add(self._rows(start, stop), stop)
        self._sealed.replace(listed, *_entries(built, end))
        self.tail = Tail(self._sealed.reached, codes)

    def _announce_erasures(self, rows: Sequence[IndexRow]) -> None:
        if any(row.action == _ERASED for row in rows):
            self.erasures.announce()

    def _add(self, rows: Sequence[IndexRow], size: int) -> None:
        self._live((r.target, r.at, r.seq, r.alive) for r in rows if r.alive is not None)
        self.tail.add(rows, size)
        if self._ripe():
            self.on_ripe()

    def _ripe(self) -> int:
        """How many entries to seal next: a large segment where one is due, else a small one, else 0."""
        first, waiting = self.tail.first, self.unsealed
        small, large = self._sizes.small, self._sizes.large
        if waiting >= large and first % large == 0:
            return large
        return small if waiting >= small else 0

    def _seal(self, span: int) -> int:
        """Seal the next `span` entries. Building goes on while others read and record: sealed rows no longer change."""
        with self.lock:
            first, stop = self.tail.first, self.tail.first + span
            fields, lives = _entries(self.tail, stop)
            written = {name: codes.words for name, codes in self.tail.codes.items()}
        built = build_segment(first, span, fields, lives)
        with self.lock:
            if not self._sealed.add(built, written):
                return 0
            self.tail = self.tail.cut(stop)
            small = self._sealed.mergeable(self._sizes.large)
        if small:
            built = merged(small)
            with self.lock:
                self._sealed.merge(small, built)
        return span

    def _live(self, lives: Iterable[tuple[int, int, int, bool]]) -> None:
        for item, at, seq, alive in lives:
            if item not in self._life or self._life[item][:2] < (at, seq):
                self._life[item] = (at, seq, alive)

    def _clause(self, term: Term) -> Clause:
        codes, field = self.codes, FIELDS[term.field]
        if field.column == "origin":
            return Clause(field.column, self.origins.within(term.values), term.negated)
        if field.items:
            named = [v.partition("/")[::2] for v in term.values]
            numbers = self._numbers([(type_, id_) for type_, id_ in named if id_ != "*"])
            types = codes["type"].known([type_ for type_, id_ in named if id_ == "*"])
            return Clause(field.column, numbers, term.negated, types)
        values: Sequence[str] = term.values
        if term.field == "action":
            values = [a.name for v in values for a in self.catalogue.entity_actions(v)]
        return Clause(field.column, codes[field.column].known(values), term.negated)

    def _numbers(self, keys: Sequence[tuple[str, str]]) -> tuple[int, ...]:
        wanted = [(type_, id_, None) for type_, id_ in keys if type_ != "origin"]
        return tuple({i.item for i in self._store.identities(self._org, wanted)})

    def _word(self, word: str, lang: str) -> Word:
        items = sorted(self._store.items_by_word(self._org, word))
        actions = self.codes["action"]
        hits = [a for a in actions.words if any(w.startswith(word) for w in self.label_words(a, lang))]
        return Word(tuple(items), actions.known(hits))

    def _rows(self, start: int, stop: int) -> list[IndexRow]:
        stored = self._store.kept(self._org, start, stop)
        bodies = [(row.seq, decode_body(row.body)) for row in stored if row.body is not None]
        identities = self.identities.of(token for _, body in bodies for token in body.tokens())
        return [body_row(seq, body, identities, catalogue=self.catalogue) for seq, body in bodies]

    def _rows_that_are(self, start: int, stop: int) -> list[IndexRow]:
        """The same, where a body that cannot be read is an entry of which nothing is known but that it is there."""
        try:
            return self._rows(start, stop)
        except DamagedError:
            bodies, unread = readable(self._store.kept(self._org, start, stop))
        identities = self.identities.of(token for _, body in bodies for token in body.tokens())
        rows = [body_row(seq, body, identities, catalogue=self.catalogue) for seq, body in bodies]
        at = rows[0].at if rows else 0
        return sorted([*rows, *(unread_row(seq, at) for seq in unread)], key=lambda row: row.seq)


def readable(stored: Iterable[StoredEntry]) -> tuple[list[tuple[int, Body]], list[int]]:
    """The bodies that can be read, by seq, and the seqs of those that cannot."""
    bodies, unread = [], []
    for row in stored:
        try:
            bodies += [] if row.body is None else [(row.seq, decode_body(row.body))]
        except DamagedError:
            unread.append(row.seq)
    return bodies, unread


def _entries(tail: Tail, stop: int) -> tuple[Fields, Lives]:
    return tail.fields(stop), tail.lives(stop)


def _tolist(lives: Lives) -> list[list[Any]]:
    return [array.tolist() for array in (lives.item, lives.at, lives.seq, lives.alive)]
