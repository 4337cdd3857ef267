"""The way in: complete entries become tokens, bodies and leaves, appended in one commit with the tree.

Owns idempotency, the order of `recorded_at` and the retry when another process appended first. Refuses to
acknowledge anything that is not durable, and keeps no trace of a request beyond what it recorded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from trailbook.catalogue import ItemType
from trailbook.clock import Entropy
from trailbook.errors import (
    BatchRefusedError,
    EntryConflictError,
    EntryInvalidError,
    Fault,
    HeadMovedError,
    StoreError,
    TrailbookError,
)
from trailbook.index import IndexRow
from trailbook.model import Actor, Concern, Item, NewEntry, Origin, Receipt, instant, microseconds, written
from trailbook.proofs import frontier
from trailbook.record import (
    ACCESS,
    Cited,
    Complete,
    EntryStamp,
    RowItems,
    RulesCache,
    correlation_digits,
    decode_body,
    encode_body,
    has_place,
    index_row,
    same_content,
)
from trailbook.recording.contract import Answer, Batch, Committed, LogChange, Means, Result, Tell
from trailbook.recording.directory import Draft, RecentVersions
from trailbook.stores import Append, Blob, Head, Identity, LogStore, NewRow, Turns
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
    seqs: dict[UUID, int]  # of the ids that are in the log, or come into it now
    adjusted: bool = False  # it begins with an entry that the clock went back


class _Written(Struct, gc=False):
    """An attempt that is in the store, and the log as it is after it."""

    attempt: _Attempt
    head: Head
    frontier: Frontier


class _Settled(Struct, Generic[_T], frozen=True):
    """What an attempt that succeeded answers, and what it wrote; None where there was nothing to write."""

    answer: _T
    written: _Written | None


class Writer:
    """The one writer of an organisation's log in this process: whoever asks at once shares one commit."""

    def __init__(self, store: LogStore, org: str, means: Means, tell: Tell = lambda committed: None) -> None:
        self._store = store
        self._org = org
        self._means = means
        self._tell = tell
        self._turns: Turns[Sequence[Batch], Sequence[Answer]] = Turns(
            self._together, together=_TOGETHER, room=_ROOM
        )
        self._sound = RulesCache(means.catalogue, means.earliest)
        self._recent = RecentVersions(store, org)
        self._head: Head | None = None
        self._frontier: Frontier = EMPTY
        self._noted = 0

    def request(
        self, entries: Sequence[NewEntry], source: Item, *, atomic: bool, manifests: tuple[Blob, ...] = ()
    ) -> Batch:
        """Entries checked against every rule that needs no log. Raises: BatchRefusedError."""
        now, brought = self._means.clock(), frozenset(blob.key for blob in manifests)
        checked = tuple(_stated(self._checked(entry, now), brought) for entry in entries)
        batch = Batch(checked, source, atomic, manifests)
        if atomic and (refused := batch.refused):
            raise BatchRefusedError(refused)
        return batch

    def record(self, requests: Sequence[Batch]) -> Sequence[Answer]:
        """Record what may be recorded, durable when this returns; an answer for each request.

        Raises: OverloadedError; StoreError when nothing was acknowledged.
        """
        return self._turns.ask(requests, sum(len(request.checked) for request in requests))

    def judge(self, request: Batch) -> Answer:
        """What `record` would answer, and nothing is recorded. Raises: StoreError."""
        with self._turns.alone():
            return self._answer(self._begin(request.checked), request)

    def change(self, plan: Callable[[Head], LogChange], source: Item) -> Receipt:
        """Record what `plan` makes of the head, and do it in the same commit.

        Raises: what `plan` raises; EntryInvalidError, ActionUnknownError, StoreError.
        """
        with self._turns.alone():
            self._head = None  # identities may go with this commit: begin and end with nothing remembered
            try:
                return self._settled(lambda: self._change(plan, source))
            finally:
                self._head = None

    def _together(self, waiting: Sequence[Sequence[Batch]]) -> Sequence[Sequence[Answer]]:
        """The requests of everybody who waited, in one commit."""
        flat = [request for requests in waiting for request in requests]
        try:
            answers = self._settled(lambda: self._attempt(flat))
        except BaseException:
            self._head = None  # what is remembered may not be what is durable
            raise
        following = iter(answers)
        return [[next(following) for _ in requests] for requests in waiting]

    def _settled(self, attempt: Callable[[], _Settled[_T]]) -> _T:
        """What an attempt answers once it succeeds; who keeps losing to other processes holds them up."""
        # No lock while bodies are encoded and hashed: two processes seldom meet, and who loses reads the head again.
        for _ in range(_ATTEMPTS):
            try:
                settled = attempt()
                break
            except HeadMovedError:
                self._head = None
        else:
            with self._store.holding(self._org):
                settled = attempt()
        if settled.written is not None:
            self._note(settled.written)
        return settled.answer

    def _change(self, plan: Callable[[Head], LogChange], source: Item) -> _Settled[Receipt]:
        attempt = self._begin([])
        change = plan(attempt.head)
        result = self._result(attempt, self._checked(change.entry, self._means.clock()), source)
        if result.refused is not None:
            raise result.refused
        assert result.receipt is not None
        return _Settled(result.receipt, self._commit(attempt, change))

    def _checked(self, entry: NewEntry, now: datetime) -> Complete | TrailbookError:
        try:
            return self._sound.complete(entry, now)
        except TrailbookError as error:
            return error

    def _attempt(self, requests: Sequence[Batch]) -> _Settled[list[Answer]]:
        # Atomic ones that conflict with the log: as if never asked.
        spoiled: dict[int, BatchRefusedError] = {}
        while True:
            sound = [request for at, request in enumerate(requests) if at not in spoiled]
            attempt = self._begin([entry for request in sound for entry in request.checked])
            answers: list[Answer] = []
            for at, request in enumerate(requests):
                answer = spoiled.get(at) or self._answer(attempt, request)
                answers.append(answer)
                if isinstance(answer, BatchRefusedError) and at not in spoiled:
                    # What stands behind it in this commit was numbered as if it came: begin anew without it.
                    spoiled[at] = answer
                    break
            else:
                manifests = [blob for request in sound for blob in request.manifests]
                return _Settled(answers, self._commit(attempt, manifests=manifests) if attempt.rows else None)

    def _answer(self, attempt: _Attempt, request: Batch) -> Answer:
        results = [self._result(attempt, entry, request.source) for entry in request.checked]
        if request.atomic:
            refused = {at: r.refused for at, r in enumerate(results) if r.refused is not None}
            if refused:
                return BatchRefusedError(refused)
        return results

    def _begin(self, checked: Sequence[Complete | TrailbookError]) -> _Attempt:
        entries = [complete.entry for complete in checked if isinstance(complete, Complete)]
        ids = [entry.id for entry in entries if entry.id is not None]
        head, seqs = self._stand(ids)
        now = microseconds(self._means.clock())
        draft = Draft(self._recent, head.items, self._means.entropy)
        draft.foresee(_items(entries))
        # Never before the entry recorded last, whatever the clock says: `recorded_at` only grows along a log.
        at = max(now, head.recorded_at)
        moment = instant(at)
        attempt = _Attempt(head, draft, at, moment, written(moment), [], [], seqs)
        # A request that only repeats what is there writes nothing, so it is no occasion to say that the clock went
        # back. Said once: `recorded_at` stands still until the clock has caught up, and so tells that it was noted.
        repeats = bool(checked) and not any(entry.id not in seqs for entry in entries)
        if not repeats and now <= head.recorded_at - _SECOND and head.recorded_at != self._noted:
            self._result(attempt, self._clock_adjusted(now), _CLOCK_SOURCE)
            attempt.adjusted = True
        return attempt

    def _stand(self, ids: Sequence[UUID]) -> tuple[Head, dict[UUID, int]]:
        """The head to append to, and the seqs of those of these ids that lie before it."""
        while True:
            head = self._head
            if head is None:
                head = self._store.head(self._org)
                self._recent.forget()
                self._frontier = frontier(self._store, self._org, head)
                self._head = head
            seqs = self._store.seq_of(self._org, ids) if ids else {}
            if all(seq < head.size for seq in seqs.values()):
                return head, seqs
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

    def _result(self, attempt: _Attempt, checked: Complete | TrailbookError, source: Item) -> Result:
        if isinstance(checked, TrailbookError):
            return Result(None, checked)
        id_ = checked.entry.id or new_id(attempt.at, self._means.entropy)
        try:
            seq = attempt.seqs.get(id_)
            if seq is None:
                return Result(self._add(attempt, checked, source=source, id_=id_))
            return Result(self._replay(attempt, checked, seq))
        except StoreError:
            # No fault of this entry: the whole commit fails, and everybody in it is told.
            raise
        except TrailbookError as error:
            return Result(None, error)

    def _add(self, attempt: _Attempt, complete: Complete, *, source: Item, id_: UUID) -> Receipt:
        entry, cites = (
            complete.entry,
            _cite(attempt.draft, complete, source, types=self._means.catalogue.types),
        )
        stamp = EntryStamp(id=id_, recorded_at=attempt.stamped, key=self._means.key)
        seq = attempt.head.size + len(attempt.rows)
        body = encode_body(entry, _tokens(cites), stamp)
        attempt.rows.append(NewRow(id_, body))
        attempt.index.append(_row(seq, entry, cites, self._means))
        attempt.seqs[id_] = seq
        # A repeat says nothing: it does not come here. Nor does an entry that few may see, for everybody who sees its
        # items sees their hints.
        hinted = _hinted(entry, cites)
        if hinted and not self._means.catalogue.categories[entry.category or ""].restricted:
            for cited, hint in hinted:
                attempt.draft.say(cited, hint, microseconds(entry.occurred_at))
        return Receipt(id=id_, seq=seq, recorded_at=attempt.moment, state="accepted")

    def _replay(self, attempt: _Attempt, complete: Complete, seq: int) -> Receipt:
        """The receipt of an entry whose id is in the log. Raises: EntryConflictError."""
        id_, raw = _given_id(complete), self._body_at(attempt, seq)
        if raw is None:
            # Retention took the body. There is nothing to compare with, and a host that is refused sends it for ever.
            return Receipt(id=id_, seq=seq, recorded_at=None, state="accepted", replayed=True)
        body = decode_body(raw)
        identities = {i.token: i for i in self._store.identities_of(self._org, body.tokens())}
        identities.update((i.token, i) for i in attempt.draft.identities)
        # Who was erased since cannot be compared: what names them is taken for the repeat that its id says it is.
        if not any(i.id is None for i in identities.values()) and not same_content(
            body, complete.entry, identities, self._means.key
        ):
            # What came just before is in no log yet: where a batch is recorded whole or not at all, it never may be.
            where = "is in the log" if seq < attempt.head.size else "came just before"
            raise EntryConflictError(f"the entry {body.id} {where} with other content")
        at = datetime.fromisoformat(body.recorded_at)
        return Receipt(id=id_, seq=seq, recorded_at=at, state="accepted", replayed=True)

    def _body_at(self, attempt: _Attempt, seq: int) -> bytes | None:
        if seq >= attempt.head.size:
            return attempt.rows[seq - attempt.head.size].body
        return self._store.kept_at(self._org, [seq])[0].body

    def _commit(
        self, attempt: _Attempt, change: LogChange | None = None, *, manifests: Sequence[Blob] = ()
    ) -> _Written:
        before, leaves = attempt.head, [leaf_hash(row.body) for row in attempt.rows]
        grown, tiles = extend_frontier(self._frontier, leaves)
        few = len(leaves) < _FEW
        head = Head(
            size=grown.size,
            range=lengthen_range(before.range, before.size, leaves) if few else compact_range(grown),
            recorded_at=attempt.at,
            items=attempt.draft.items,
            removed=before.removed + (change.removed if change else 0),
        )
        blobs = [Blob("tile", f"{tile.level}/{tile.index}", tile.hashes) for tile in tiles]
        append = Append(
            rows=attempt.rows,
            identities=attempt.draft.identities,
            words=attempt.draft.words,
            blobs=[*blobs, *manifests, *(change.blobs if change else ())],
            head=head,
            hints=tuple(attempt.draft.hints.values()),
            owners=attempt.draft.owners,
        )
        if change is None:
            self._store.append(self._org, before, append)
        else:
            change.apply(before, append)
        return _Written(attempt, head, grown)

    def _note(self, written: _Written) -> None:
        """Remember, and then tell, what is durable: whoever hears of it may read at once."""
        attempt, head = written.attempt, written.head
        self._head, self._frontier = head, written.frontier
        if attempt.adjusted:
            self._noted = head.recorded_at
        self._recent.learn(attempt.draft.exact)
        self._tell(Committed(attempt.index, attempt.draft.identities, attempt.head, head))


class _Cites(Struct, frozen=True, gc=False):
    """The identities that one entry cites; `concerns` in the entry's order."""

    actor: Identity
    target: Identity
    source: Identity
    on_behalf_of: Identity | None
    origin: Identity | None
    concerns: tuple[Identity, ...]


def _stated(checked: Complete | TrailbookError, brought: frozenset[str]) -> Complete | TrailbookError:
    """An entry, or why it is refused: what somebody may do is stated only with the manifest that says so."""
    if isinstance(checked, Complete):
        for at, concern in enumerate(checked.entry.concerns):
            if concern.part == ACCESS and concern.id not in brought:
                detail = "is access, which only Trailbook's own entries state"
                return EntryInvalidError((Fault(f"/concerns/{at}", "concern-unknown", detail),))
    return checked


def _items(entries: Iterable[NewEntry]) -> Iterator[Item]:
    for entry in entries:
        yield entry.actor
        yield entry.target
        yield from entry.concerns


def _cite(draft: Draft, complete: Complete, source: Item, *, types: Mapping[str, ItemType]) -> _Cites:
    entry, cite = complete.entry, draft.cite
    actor = cite(entry.actor)
    # The actor comes before the origin, and the owner before the target: each is erased with the other.
    owner = None if complete.owner is None else cite(complete.owner).item
    theirs = () if complete.owner is None else _theirs(complete.owner, entry.concerns, types)
    return _Cites(
        actor,
        cite(entry.target, owner),
        cite(source),
        None if entry.on_behalf_of is None else cite(entry.on_behalf_of),
        draft.cite_origin(entry.origin, actor.item) if has_place(entry.origin) else None,
        tuple([cite(concern, owner if concern in theirs else None) for concern in entry.concerns])
        if theirs
        else tuple([cite(concern) for concern in entry.concerns]),
    )


def _theirs(
    owner: Concern, concerns: Sequence[Concern], types: Mapping[str, ItemType]
) -> tuple[Concern, ...]:
    """The personal items among the concerns: they belong to whom the target belongs."""
    return tuple([c for c in concerns if c.part != owner.part and types[c.type].personal])


def _hinted(entry: NewEntry, cites: _Cites) -> list[tuple[Identity, str]]:
    """What an entry says of its items today; where it says two things of one, the later one counts."""
    # Asked of every entry, and most say nothing: hence no loop over all of them alike.
    actor, target, behalf = entry.actor.hint, entry.target.hint, entry.on_behalf_of
    hinted = [] if actor is None else [(cites.actor, actor)]
    if target is not None:
        hinted.append((cites.target, target))
    if behalf is not None and cites.on_behalf_of is not None and behalf.hint is not None:
        hinted.append((cites.on_behalf_of, behalf.hint))
    for concern, cited in zip(entry.concerns, cites.concerns, strict=True):
        if concern.hint is not None:
            hinted.append((cited, concern.hint))
    return hinted


def _tokens(cites: _Cites) -> Cited:
    return Cited(
        actor=cites.actor.token,
        target=cites.target.token,
        source=cites.source.token,
        on_behalf_of=None if cites.on_behalf_of is None else cites.on_behalf_of.token,
        origin=None if cites.origin is None else cites.origin.token,
        concerns=tuple([cited.token for cited in cites.concerns]),
    )


def _row(seq: int, entry: NewEntry, cites: _Cites, means: Means) -> IndexRow:
    many = len(cites.concerns) > 1
    items = RowItems(
        actor=cites.actor.item,
        target=cites.target.item,
        source=cites.source.item,
        behalf=0 if cites.on_behalf_of is None else cites.on_behalf_of.item,
        origin=0 if cites.origin is None else cites.origin.item,
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
        (concern.part, cited.token, cited.item)
        for concern, cited in zip(entry.concerns, cites.concerns, strict=True)
    )
    return tuple(dict.fromkeys(item for _, _, item in order))


def _given_id(complete: Complete) -> UUID:
    assert complete.entry.id is not None  # only a given id can be in the log already
    return complete.entry.id


def new_id(at: int, entropy: Entropy) -> UUID:
    """A version 7 UUID for an instant in microseconds. Source: RFC 9562 section 5.7."""
    return UUID(int=at // 1000 << 80 | int.from_bytes(entropy(10), "big") & _FREE | _VERSION_7)
