"""The way in: complete entries become tokens, bodies and leaves, appended in one commit with the tree.

Owns idempotency, the order of `recorded_at` and the retry when another process appended first. Refuses to
acknowledge anything that is not durable, and keeps no trace of a request beyond what it recorded.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trailbook.canonical import Body, Cited, Stamp, correlation, decode, encode, has_place
from trailbook.catalogue import Catalogue
from trailbook.directory import Directory, Draft, Entropy
from trailbook.errors import (
    BatchRefusedError,
    DamagedError,
    EntryConflictError,
    HeadMovedError,
    StoreError,
    TrailbookError,
)
from trailbook.merkle import EMPTY, HASH, Frontier, compact, extend, leaf_hash, restore, subtree_root
from trailbook.model import Actor, Item, NewEntry, Origin, Receipt, instant, microseconds, written
from trailbook.rules import Complete, complete
from trailbook.stores import Append, Blob, Head, Identity, NewRow, Store

Clock = Callable[[], datetime]
_ATTEMPTS = 50
_SECOND = 1_000_000
_TILE = 256


class Outcome(Struct, frozen=True):
    """What became of one entry of a batch: a receipt, or why it was refused."""

    receipt: Receipt | None
    refused: TrailbookError | None = None


class Means(Struct, frozen=True, kw_only=True):
    """What recording needs besides a store: rules, time, randomness and the organisation's key."""

    catalogue: Catalogue
    clock: Clock
    entropy: Entropy
    key: bytes


class Change(Struct, frozen=True, kw_only=True):
    """An entry that does more than say so: the blobs beside it, and how the store makes it true in one commit."""

    entry: NewEntry
    blobs: tuple[Blob, ...]
    removed: int
    apply: Callable[[Head, Append], None]


class _Batch(Struct):
    """One attempt at one commit, against one head."""

    head: Head
    draft: Draft
    source: Item
    at: int
    rows: list[NewRow]
    known: dict[UUID, int]
    adjusted: bool = False  # it begins with an entry that the clock went back


class Writer:
    """The one writer of an organisation's log in this process."""

    def __init__(self, store: Store, org: str, means: Means) -> None:
        self._store = store
        self._org = org
        self._means = means
        self._lock = threading.Lock()
        self._directory = Directory(store, org)
        self._head: Head | None = None
        self._frontier: Frontier = EMPTY
        self._noted = 0

    def record(self, entries: Sequence[NewEntry], source: Item, atomic: bool) -> list[Outcome]:
        """Record what may be recorded; durable when this returns.

        Raises: BatchRefusedError when `atomic` and one is refused; StoreError when nothing was acknowledged.
        """
        now = self._means.clock()
        checked = [self._checked(entry, now) for entry in entries]
        with self._lock:
            for _ in range(_ATTEMPTS):
                try:
                    return self._attempt(checked, source, atomic)
                except HeadMovedError:
                    self._head = None
                except BatchRefusedError:
                    raise
                except BaseException:
                    self._head = None  # what is remembered may not be what is durable
                    raise
        raise StoreError("other processes kept appending first; try again")

    def change(self, plan: Callable[[Head], Change], source: Item) -> Receipt:
        """Record what `plan` makes of the head, and do it in the same commit.

        Raises: what `plan` raises; EntryInvalidError, ActionUnknownError, StoreError.
        """
        with self._lock:
            for _ in range(_ATTEMPTS):
                self._head = None  # identities may go with this commit: begin with nothing remembered
                try:
                    return self._change(plan, source)
                except HeadMovedError:
                    continue
                finally:
                    self._head = None
        raise StoreError("other processes kept appending first; try again")

    def _change(self, plan: Callable[[Head], Change], source: Item) -> Receipt:
        batch = self._begin([], source)
        change = plan(batch.head)
        outcome = self._one(batch, self._checked(change.entry, self._means.clock()))
        if outcome.refused is not None:
            raise outcome.refused
        self._commit(batch, change)
        assert outcome.receipt is not None
        return outcome.receipt

    def _checked(self, entry: NewEntry, now: datetime) -> Complete | TrailbookError:
        try:
            return complete(self._means.catalogue, entry, now)
        except TrailbookError as error:
            return error

    def _attempt(
        self, checked: Sequence[Complete | TrailbookError], source: Item, atomic: bool
    ) -> list[Outcome]:
        batch = self._begin(checked, source)
        outcomes = [self._one(batch, found) for found in checked]
        refused = {at: o.refused for at, o in enumerate(outcomes) if o.refused is not None}
        if atomic and refused:
            raise BatchRefusedError(refused)
        if batch.rows:
            self._commit(batch)
        return outcomes

    def _begin(self, checked: Sequence[Complete | TrailbookError], source: Item) -> _Batch:
        head = self._store.head(self._org)
        if head != self._head:
            self._directory.forget()
            self._frontier = load_frontier(self._store, self._org, head)
            self._head = head
        now = microseconds(self._means.clock())
        draft = Draft(self._directory, head.items, self._means.entropy)
        ids = [c.entry.id for c in checked if isinstance(c, Complete) and c.entry.id is not None]
        known = self._store.seq_of(self._org, ids) if ids else {}
        batch = _Batch(head, draft, source, max(now, head.recorded_at), [], known)
        repeats = bool(checked) and not any(
            isinstance(c, Complete) and c.entry.id not in known for c in checked
        )
        if not repeats and now <= head.recorded_at - _SECOND and head.recorded_at != self._noted:
            self._one(batch, self._clock_adjusted(now))
            batch.adjusted = True
        return batch

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

    def _one(self, batch: _Batch, found: Complete | TrailbookError) -> Outcome:
        if isinstance(found, TrailbookError):
            return Outcome(None, found)
        id_ = found.entry.id or new_id(batch.at, self._means.entropy)
        try:
            seq = batch.known.get(id_)
            return Outcome(self._add(batch, found, id_) if seq is None else self._again(batch, found, seq))
        except StoreError:
            raise
        except TrailbookError as error:
            return Outcome(None, error)

    def _add(self, batch: _Batch, found: Complete, id_: UUID) -> Receipt:
        cited = _cite(batch.draft, found, batch.source)
        stamp = Stamp(id=id_, recorded_at=written(instant(batch.at)), key=self._means.key)
        seq = batch.head.size + len(batch.rows)
        batch.rows.append(NewRow(id_, encode(found.entry, cited, stamp)))
        batch.known[id_] = seq
        return Receipt(id=id_, seq=seq, recorded_at=instant(batch.at), state="accepted")

    def _again(self, batch: _Batch, found: Complete, seq: int) -> Receipt:
        kept = self._body_at(batch, seq)
        if kept is None:
            return Receipt(id=_given(found), seq=seq, recorded_at=None, state="accepted", replayed=True)
        body = decode(kept)
        stands = {i.token: i for i in self._store.identities_of(self._org, body.tokens())}
        stands.update((i.token, i) for i in batch.draft.identities)
        if not any(i.id is None for i in stands.values()) and not same(
            body, found.entry, stands, self._means.key
        ):
            raise EntryConflictError(f"the entry {body.id} is in the log with other content")
        at = datetime.fromisoformat(body.recorded_at)
        return Receipt(id=_given(found), seq=seq, recorded_at=at, state="accepted", replayed=True)

    def _body_at(self, batch: _Batch, seq: int) -> bytes | None:
        if seq >= batch.head.size:
            return batch.rows[seq - batch.head.size].body
        return self._store.kept_at(self._org, [seq])[0].body

    def _commit(self, batch: _Batch, change: Change | None = None) -> None:
        frontier, tiles = extend(self._frontier, [leaf_hash(row.body) for row in batch.rows])
        head = Head(
            size=frontier.size,
            range=compact(frontier),
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
        self._head, self._frontier = head, frontier
        if batch.adjusted:
            self._noted = head.recorded_at
        self._directory.add(batch.draft.identities)


def _cite(draft: Draft, found: Complete, source: Item) -> Cited:
    entry = found.entry
    actor = draft.cite(_plain(entry.actor))
    owner = None if found.owner is None else draft.cite(_plain(found.owner)).item
    return Cited(
        actor=actor.token,
        target=draft.cite(_plain(entry.target), owner).token,
        source=draft.cite(_plain(source)).token,
        on_behalf_of=None if entry.on_behalf_of is None else draft.cite(entry.on_behalf_of).token,
        origin=draft.cite_origin(entry.origin, actor.item).token if has_place(entry.origin) else None,
        concerns=tuple(draft.cite(_plain(c)).token for c in entry.concerns),
    )


def _plain(item: Item) -> Item:
    return Item(type=item.type, id=item.id, name=item.name)


def _given(found: Complete) -> UUID:
    assert found.entry.id is not None  # only a given id can be in the log already
    return found.entry.id


def same(body: Body, entry: NewEntry, stands: dict[str, Identity], key: bytes) -> bool:
    """Whether an arriving entry says what a recorded body says, apart from `recorded_at` and `source`.

    `stands` maps the body's tokens to their identities. Source: record.md 6.
    """

    def says(token: str | None, item: Item | None) -> bool:
        if token is None or item is None:
            return token is None and item is None
        found = stands.get(token)
        if found is None or (found.type, found.id) != (item.type, item.id):
            return False
        return item.name is None or found.name == item.name

    def says_origin() -> bool:
        if body.origin.item is None:
            return not has_place(entry.origin)
        found = stands.get(body.origin.item)
        return found is not None and (found.id or None, found.name) == (
            entry.origin.ip,
            entry.origin.user_agent,
        )

    concerns = list(entry.concerns)
    for kept in body.concerns:
        match = next((c for c in concerns if c.part == kept.part and says(kept.item, c)), None)
        if match is None:
            return False
        concerns.remove(match)
    return (
        not concerns
        and _plain_members(body) == _given_members(entry, key)
        and says(body.actor.item, entry.actor)
        and says(body.target, entry.target)
        and says(body.on_behalf_of, entry.on_behalf_of)
        and says_origin()
    )


def _plain_members(body: Body) -> tuple[object, ...]:
    told = (
        body.action,
        body.category,
        body.outcome,
        body.actor.kind,
        body.origin.interface,
        body.occurred_at,
    )
    return (*told, body.fields, body.purpose, body.effective_at, body.correlation, body.caused_by)


def _given_members(entry: NewEntry, key: bytes) -> tuple[object, ...]:
    told = (entry.action, entry.category, entry.outcome, entry.actor.kind, entry.origin.interface)
    together = None if entry.correlation is None else correlation(entry.correlation, key)
    caused_by = None if entry.caused_by is None else str(entry.caused_by)
    fields = tuple(sorted(entry.fields))
    rest = (fields, entry.purpose, entry.effective_at, together, caused_by)
    return (*told, written(entry.occurred_at), *rest)


def load_frontier(store: Store, org: str, head: Head) -> Frontier:
    """The frontier of a stored log, from its last rows and its tiles. Raises: StoreError, DamagedError."""
    first = head.size - head.size % _TILE
    rows = store.kept(org, first, head.size)
    leaves = [leaf_hash(row.body) if row.body is not None else row.leaf or b"" for row in rows]

    def tile_root(level: int, index: int) -> bytes:
        content = store.blob(org, "tile", f"{level}/{index}")
        if content is None or len(content) != _TILE * HASH:
            raise DamagedError(f"the tile {level}/{index} of the tree is missing or cut short")
        return subtree_root([content[at : at + HASH] for at in range(0, len(content), HASH)])

    frontier = restore(head.size, leaves, tile_root)
    if compact(frontier) != head.range:
        raise DamagedError("the tree over the stored entries is not the one of the log's head")
    return frontier


def new_id(at: int, entropy: Entropy) -> UUID:
    """A version 7 UUID for an instant in microseconds. Source: RFC 9562 section 5.7."""
    number = int.from_bytes((at // 1000).to_bytes(6, "big") + entropy(10), "big")
    number = number & ~(0xF000 << 64) | (0x7000 << 64)
    return UUID(int=number & ~(0xC000 << 48) | (0x8000 << 48))
