"""The way in: complete entries become tokens, bodies and leaves, appended in one commit with the tree.

Owns idempotency, the order of `recorded_at` and the retry when another process appended first. Refuses to
acknowledge anything that is not durable, and keeps no trace of a request beyond what it recorded.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from trailbook.clock import Entropy
from trailbook.errors import BatchRefusedError, EntryConflictError, HeadMovedError, StoreError, TrailbookError
from trailbook.index import IndexRow
from trailbook.model import Actor, Item, NewEntry, Origin, Receipt, instant, microseconds, written
from trailbook.proofs import frontier
from trailbook.record import (
    Cited,
    Complete,
    RowItems,
    RulesCache,
    Stamp,
    correlation_digits,
    decode_body,
    encode_body,
    has_place,
    index_row,
    same_content,
)
from trailbook.recording.contract import Answer, Batch, Change, Committed, Means, Result, Tell
from trailbook.recording.directory import Directory, Draft
from trailbook.stores import Append, Blob, Head, Identity, NewRow, Store, Turns
from trailbook.tree import EMPTY, Frontier, compact_range, extend_frontier, leaf_hash, lengthen_range

_T = TypeVar("_T")
_ATTEMPTS = 5  # before others are held up
_FEW = 64  # leaves for which lengthening the compact range beats making it anew
_SECOND = 1_000_000
_TOGETHER = 4_000  # entries in one commit, unless one caller brings more
_ROOM = 40_000  # entries that may wait: some 100 MB at the most
_VERSION_7 = 0x7000 << 64 | 0x8000 << 48  # and the variant
_FREE = (1 << 80) - 1 & ~(0xF000 << 64 | 0xC000 << 48)  # what of an id's last ten bytes is random
_CLOCK_SOURCE = Item(type="source", id="library", name="Trailbook library")


class _Attempt(Struct):
    """One attempt at one commit, against one head."""

    head: Head
    draft: Draft
    at: int
    moment: datetime
    stamped: str  # `at` as bodies write it
    rows: list[NewRow]
    index: list[IndexRow]
    known: dict[UUID, int]
    adjusted: bool = False  # it begins with an entry that the clock went back


class _Written(Struct, gc=False):
    """A batch that is in the store, and the log as it is after it."""

    batch: _Attempt
    head: Head
    frontier: Frontier


class Writer:
    """The one writer of an organisation's log in this process: whoever asks at once shares one commit."""

    def __init__(self, store: Store, org: str, means: Means, tell: Tell = lambda told: None) -> None:
        self._store = store
        self._org = org
        self._means = means
        self._tell = tell
        self._turns: Turns[Sequence[Batch], Sequence[Answer]] = Turns(
            self._together, together=_TOGETHER, room=_ROOM
        )
        self._sound = RulesCache(means.catalogue)
        self._directory = Directory(store, org)
        self._head: Head | None = None
        self._frontier: Frontier = EMPTY
        self._noted = 0

    def request(self, entries: Sequence[NewEntry], source: Item, *, atomic: bool) -> Batch:
        """Entries checked against every rule that needs no log. Raises: BatchRefusedError."""
        now = self._means.clock()
        found = Batch(tuple(self._checked(entry, now) for entry in entries), source, atomic)
        if atomic and (refused := found.refused):
            raise BatchRefusedError(refused)
        return found

    def record(self, requests: Sequence[Batch]) -> Sequence[Answer]:
        """Record what may be recorded, durable when this returns; an answer for each request.

        Raises: OverloadedError; StoreError when nothing was acknowledged.
        """
        return self._turns.ask(requests, sum(len(request.checked) for request in requests))

    def judge(self, request: Batch) -> Answer:
        """What `record` would answer, and nothing is recorded. Raises: StoreError."""
        with self._turns.alone():
            return self._answer(self._begin(request.checked), request)

    def change(self, plan: Callable[[Head], Change], source: Item) -> Receipt:
        """Record what `plan` makes of the head, and do it in the same commit.

        Raises: what `plan` raises; EntryInvalidError, ActionUnknownError, StoreError.
        """
        with self._turns.alone():
            self._head = None  # identities may go with this commit: begin and end with nothing remembered
            try:
                return self._settled(lambda: self._change(plan, source))
            finally:
                self._head = None

    def _together(self, asked: Sequence[Sequence[Batch]]) -> Sequence[Sequence[Answer]]:
        """The requests of everybody who waited, in one commit."""
        flat = [request for requests in asked for request in requests]
        try:
            answers = iter(self._settled(lambda: self._attempt(flat)))
        except BaseException:
            self._head = None  # what is remembered may not be what is durable
            raise
        return [[next(answers) for _ in requests] for requests in asked]

    def _settled(self, attempt: Callable[[], tuple[_T, _Written | None]]) -> _T:
        """What an attempt gives once it succeeds; who keeps losing to other processes holds them up."""
        for _ in range(_ATTEMPTS):
            try:
                found, written = attempt()
                break
            except HeadMovedError:
                self._head = None
        else:
            with self._store.holding():
                found, written = attempt()
        if written is not None:
            self._note(written)
        return found

    def _change(self, plan: Callable[[Head], Change], source: Item) -> tuple[Receipt, _Written]:
        batch = self._begin([])
        change = plan(batch.head)
        outcome = self._one(batch, self._checked(change.entry, self._means.clock()), source)
        if outcome.refused is not None:
            raise outcome.refused
        assert outcome.receipt is not None
        return outcome.receipt, self._commit(batch, change)

    def _checked(self, entry: NewEntry, now: datetime) -> Complete | TrailbookError:
        try:
            return self._sound.complete(entry, now)
        except TrailbookError as error:
            return error

    def _attempt(self, requests: Sequence[Batch]) -> tuple[list[Answer], _Written | None]:
        spoiled: dict[
            int, BatchRefusedError
        ] = {}  # atomic ones that conflict with the log: as if never asked
        while True:
            asked = [request for at, request in enumerate(requests) if at not in spoiled]
            batch = self._begin([found for request in asked for found in request.checked])
            answers: list[Answer] = []
            for at, request in enumerate(requests):
                found = spoiled.get(at) or self._answer(batch, request)
                answers.append(found)
                if isinstance(found, BatchRefusedError) and at not in spoiled:
                    spoiled[at] = found
                    break
            else:
                return answers, self._commit(batch) if batch.rows else None

    def _answer(self, batch: _Attempt, request: Batch) -> Answer:
        outcomes = [self._one(batch, found, request.source) for found in request.checked]
        if request.atomic:
            refused = {at: o.refused for at, o in enumerate(outcomes) if o.refused is not None}
            if refused:
                return BatchRefusedError(refused)
        return outcomes

    def _begin(self, checked: Sequence[Complete | TrailbookError]) -> _Attempt:
        entries = [found.entry for found in checked if isinstance(found, Complete)]
        ids = [entry.id for entry in entries if entry.id is not None]
        head, known = self._stand(ids)
        now = microseconds(self._means.clock())
        draft = Draft(self._directory, head.items, self._means.entropy)
        draft.foresee(_items(entries))
        at = max(now, head.recorded_at)
        moment = instant(at)
        batch = _Attempt(head, draft, at, moment, written(moment), [], [], known)
        repeats = bool(checked) and not any(entry.id not in known for entry in entries)
        if not repeats and now <= head.recorded_at - _SECOND and head.recorded_at != self._noted:
            self._one(batch, self._clock_adjusted(now), _CLOCK_SOURCE)
            batch.adjusted = True
        return batch

    def _stand(self, ids: Sequence[UUID]) -> tuple[Head, dict[UUID, int]]:
        """The head to append to, and which of these ids lie before it."""
        while True:
            head = self._head
            if head is None:
                head = self._store.head(self._org)
                self._directory.forget()
                self._frontier = frontier(self._store, self._org, head)
                self._head = head
            known = self._store.seq_of(self._org, ids) if ids else {}
            if all(seq < head.size for seq in known.values()):
                return head, known
            self._head = None  # another process recorded them since

    def _clock_adjusted(self, now: int) -> Complete | TrailbookError:
        log = Item(type="log", id=self._org)
        clock = Actor(type="system", id="clock", name="Clock", kind="system")
        at = instant(now)
        return self._checked(
            NewEntry(
                action="activity_log.clock_adjusted",
                occurred_at=at,
                actor=clock,
                target=log,
                origin=Origin(interface="job"),
            ),
            at,
        )

    def _one(self, batch: _Attempt, found: Complete | TrailbookError, source: Item) -> Result:
        if isinstance(found, TrailbookError):
            return Result(None, found)
        id_ = found.entry.id or new_id(batch.at, self._means.entropy)
        try:
            seq = batch.known.get(id_)
            if seq is None:
                return Result(self._add(batch, (found, source), id_))
            return Result(self._again(batch, found, seq))
        except StoreError:
            raise
        except TrailbookError as error:
            return Result(None, error)

    def _add(self, batch: _Attempt, given: tuple[Complete, Item], id_: UUID) -> Receipt:
        found, source = given
        cited = _cite(batch.draft, found, source)
        stamp = Stamp(id=id_, recorded_at=batch.stamped, key=self._means.key)
        seq = batch.head.size + len(batch.rows)
        body = encode_body(found.entry, _tokens(cited), stamp)
        batch.rows.append(NewRow(id_, body))
        batch.index.append(_row(seq, found.entry, cited, self._means))
        batch.known[id_] = seq
        return Receipt(id=id_, seq=seq, recorded_at=batch.moment, state="accepted")

    def _again(self, batch: _Attempt, found: Complete, seq: int) -> Receipt:
        kept = self._body_at(batch, seq)
        if kept is None:
            return Receipt(id=_given(found), seq=seq, recorded_at=None, state="accepted", replayed=True)
        body = decode_body(kept)
        stands = {i.token: i for i in self._store.identities_of(self._org, body.tokens())}
        stands.update((i.token, i) for i in batch.draft.identities)
        if not any(i.id is None for i in stands.values()) and not same_content(
            body, found.entry, stands, self._means.key
        ):
            raise EntryConflictError(f"the entry {body.id} is in the log with other content")
        at = datetime.fromisoformat(body.recorded_at)
        return Receipt(id=_given(found), seq=seq, recorded_at=at, state="accepted", replayed=True)

    def _body_at(self, batch: _Attempt, seq: int) -> bytes | None:
        if seq >= batch.head.size:
            return batch.rows[seq - batch.head.size].body
        return self._store.kept_at(self._org, [seq])[0].body

    def _commit(self, batch: _Attempt, change: Change | None = None) -> _Written:
        before, leaves = batch.head, [leaf_hash(row.body) for row in batch.rows]
        grown, tiles = extend_frontier(self._frontier, leaves)
        few = len(leaves) < _FEW
        head = Head(
            size=grown.size,
            range=lengthen_range(before.range, before.size, leaves) if few else compact_range(grown),
            recorded_at=batch.at,
            items=batch.draft.items,
            removed=batch.head.removed + (change.removed if change else 0),
        )
        blobs = [Blob("tile", f"{tile.level}/{tile.index}", tile.hashes) for tile in tiles]
        append = Append(
            rows=batch.rows,
            identities=batch.draft.identities,
            words=batch.draft.words,
            blobs=[*blobs, *(change.blobs if change else ())],
            head=head,
        )
        if change is None:
            self._store.append(self._org, batch.head, append)
        else:
            change.apply(batch.head, append)
        return _Written(batch, head, grown)

    def _note(self, written: _Written) -> None:
        """Remember, and tell, what is durable."""
        batch, head = written.batch, written.head
        self._head, self._frontier = head, written.frontier
        if batch.adjusted:
            self._noted = head.recorded_at
        self._directory.learn(batch.draft.exact)
        self._tell(Committed(batch.index, batch.draft.identities, batch.head, head))


class _Cites(Struct, frozen=True, gc=False):
    """The identities that one entry cites; `concerns` in the entry's order."""

    actor: Identity
    target: Identity
    source: Identity
    on_behalf_of: Identity | None
    origin: Identity | None
    concerns: tuple[Identity, ...]


def _items(entries: Iterable[NewEntry]) -> Iterator[Item]:
    for entry in entries:
        yield entry.actor
        yield entry.target
        yield from entry.concerns


def _cite(draft: Draft, found: Complete, source: Item) -> _Cites:
    entry, cite = found.entry, draft.cite
    actor = cite(entry.actor)
    owner = None if found.owner is None else cite(found.owner).item
    return _Cites(
        actor,
        cite(entry.target, owner),
        cite(source),
        None if entry.on_behalf_of is None else cite(entry.on_behalf_of),
        draft.cite_origin(entry.origin, actor.item) if has_place(entry.origin) else None,
        tuple([cite(concern) for concern in entry.concerns]),
    )


def _tokens(cites: _Cites) -> Cited:
    return Cited(
        actor=cites.actor.token,
        target=cites.target.token,
        source=cites.source.token,
        on_behalf_of=None if cites.on_behalf_of is None else cites.on_behalf_of.token,
        origin=None if cites.origin is None else cites.origin.token,
        concerns=tuple([one.token for one in cites.concerns]),
    )


def _row(seq: int, entry: NewEntry, cites: _Cites, means: Means) -> IndexRow:
    many = len(cites.concerns) > 1
    items = RowItems(
        actor=cites.actor.item,
        target=cites.target.item,
        source=cites.source.item,
        behalf=0 if cites.on_behalf_of is None else cites.on_behalf_of.item,
        concerned=_concerned(entry, cites) if many else tuple([c.item for c in cites.concerns]),
        type=cites.target.type,
    )
    return index_row(
        seq,
        entry,
        items,
        at=microseconds(entry.occurred_at),
        correlation=None if entry.correlation is None else correlation_digits(entry.correlation, means.key),
        cause=None if entry.caused_by is None else str(entry.caused_by),
        catalogue=means.catalogue,
    )


def _concerned(entry: NewEntry, cites: _Cites) -> tuple[int, ...]:
    """Each item once, in the order in which the body names them."""
    order = sorted(
        (concern.part, one.token, one.item)
        for concern, one in zip(entry.concerns, cites.concerns, strict=True)
    )
    return tuple(dict.fromkeys(item for _, _, item in order))


def _given(found: Complete) -> UUID:
    assert found.entry.id is not None  # only a given id can be in the log already
    return found.entry.id


def new_id(at: int, entropy: Entropy) -> UUID:
    """A version 7 UUID for an instant in microseconds. Source: RFC 9562 section 5.7."""
    return UUID(int=at // 1000 << 80 | int.from_bytes(entropy(10), "big") & _FREE | _VERSION_7)
