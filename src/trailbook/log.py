"""The log: the one facade through which every door records, finds and shows entries.

Owns the order of checks: who reads is asked before anything is looked up, and `viewer` has no default.
Refuses to know HTTP, pages or files.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, structs

from trailbook.access import Viewer, require_full, require_proofs
from trailbook.catalogue import Catalogue, load
from trailbook.cursors import Cursor, read, write
from trailbook.directory import Entropy
from trailbook.erasing import Order as Ordered
from trailbook.erasing import Progress, Retention, erasure, removal
from trailbook.errors import (
    BatchRefusedError,
    CursorInvalidError,
    EntryExpiredError,
    Fault,
    FilterInvalidError,
    NotFoundError,
    NotPermittedError,
)
from trailbook.exporting import BATCH, Lines, Making, Rows, batches
from trailbook.figures import (
    Bucket,
    By,
    Facets,
    Histogram,
    bucket_for,
    draw,
    list_values,
    refuse_persons,
    without,
)
from trailbook.figures import check as check_figures
from trailbook.index import Place, Plan
from trailbook.model import Actor, Concern, Item, NewEntry, Origin, Receipt, microseconds
from trailbook.paging import Order, Turn, after, batch, cut
from trailbook.projection import Projection
from trailbook.proving import (
    Evidence,
    Opening,
    entry_bundle,
    evidence,
    latest,
    openings,
    proof_file,
    served_tile,
)
from trailbook.query import Known, Query, View, from_params, printed, to_params
from trailbook.reading import Reader
from trailbook.recording import Answer, Change, Clock, Means, Outcome, Request, Writer
from trailbook.sealed import Parts, Sizes
from trailbook.sentences import Piece, pieces
from trailbook.shown import Found, Page, Shown, spoken
from trailbook.stores import Head, Store
from trailbook.tiles import Edge
from trailbook.typeahead import Role, Sought, find_items
from trailbook.watching import Watch, Watched

LIBRARY = Item(type="source", id="library", name="Trailbook library")
_ROWS = 500


class Keys(Struct, frozen=True):
    """The deployment's secrets: `secret` signs cursors, `organisation` is the root of each organisation's key."""

    secret: bytes
    organisation: bytes

    def of(self, org: str) -> bytes:
        """An organisation's own key, for correlations."""
        return hashlib.blake2b(org.encode(), key=self.organisation[:64], person=b"trailbook/org/1").digest()


class Log:
    """The activity log of one organisation."""

    def __init__(
        self,
        store: Store,
        org: str,
        *,
        keys: Keys,
        catalogue: Catalogue | None = None,
        source: Item = LIBRARY,
        clock: Clock = lambda: datetime.now(UTC),
        entropy: Entropy = secrets.token_bytes,
        kept: tuple[Parts, Sizes] | None = None,
        watched: bool = True,
    ) -> None:
        self.org = org
        self.catalogue = catalogue or load()
        self.source = source
        self.clock = clock
        self._store = store
        self._keys = keys
        means = Means(catalogue=self.catalogue, clock=clock, entropy=entropy, key=keys.of(org))
        self._projection = Projection(store, org, self.catalogue, kept)
        self._writer = Writer(store, org, means, self._projection.tell)
        self._known = Known(
            categories=self.catalogue.categories, actions=self.catalogue.actions, types=self.catalogue.types
        )
        self._edge: Edge = {}
        self._reader = Reader(store, org, self.catalogue, self._projection)
        self._watch = Watch(
            Watched(
                store=store,
                org=org,
                catalogue=self.catalogue,
                clock=clock,
                record=self._told if watched else lambda entry: None,
                id_from=self.id_from,
            )
        )

    def record(
        self,
        action: str,
        *,
        actor: Actor,
        target: Item,
        origin: Origin,
        concerns: dict[str, Item | Sequence[Item]] | Sequence[Concern] = (),
        occurred_at: datetime | None = None,
        **more: Any,
    ) -> Receipt:
        """Record one entry that happened now unless said otherwise; durable when this returns.

        `more` are further members of `NewEntry`. Raises: EntryInvalidError, ActionUnknownError,
        EntryConflictError, StoreError.
        """
        entry = NewEntry(
            action=action,
            occurred_at=occurred_at or self.clock(),
            actor=actor,
            target=target,
            concerns=_concerns(concerns),
            origin=origin,
            **more,
        )
        outcome = self.record_each([entry])[0]
        if outcome.refused is not None:
            raise outcome.refused
        assert outcome.receipt is not None
        return outcome.receipt

    def record_many(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Receipt]:
        """Record all of a batch in one commit, or nothing.

        Raises: BatchRefusedError with the reason of each bad entry; StoreError.
        """
        request = self._writer.request(entries, source or self.source, atomic=True)
        outcomes = self._recorded(request)
        return [outcome.receipt for outcome in outcomes if outcome.receipt is not None]

    def record_each(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Outcome]:
        """Record what may be recorded of a batch in one commit; the bad ones come back with their reasons."""
        return self._recorded(self._writer.request(entries, source or self.source, atomic=False))

    def judge_each(self, entries: Sequence[NewEntry]) -> list[Outcome]:
        """What `record_each` would answer for each, conflicts with the log included; nothing is recorded."""
        return _outcomes(self._writer.judge(self._writer.request(entries, self.source, atomic=False)))

    def record_apart(self, entries: Sequence[tuple[NewEntry, Item]]) -> list[Outcome]:
        """Record single entries, each under a source of its own, in one commit; one that is bad harms no other.

        Raises: StoreError when nothing was acknowledged.
        """
        requests = [self._writer.request([entry], source, atomic=False) for entry, source in entries]
        return [found for answer in self._writer.record(requests) for found in _outcomes(answer)]

    def _recorded(self, request: Request) -> list[Outcome]:
        return _outcomes(self._writer.record([request])[0])

    def _told(self, entry: NewEntry) -> None:
        refused = self.record_each([entry])[0].refused
        if refused is not None:
            raise refused

    def erase(self, item: Item, *, actor: Actor, origin: Origin, purpose: str | None = None) -> Receipt:
        """Erase a person: what names them, their origins and what they own is gone when this returns.

        No proof breaks; what remains is a pattern of events under a pseudonym. Recorded again, they are somebody new.
        Raises: NotFoundError; InvalidError when the item is no person; StoreError.
        """
        order = self._order(actor, purpose, origin)
        return self.change(erasure(self._store, self.org, self.catalogue, item, order))

    def prune(
        self,
        retention: Retention,
        *,
        actor: Actor,
        origin: Origin,
        progress: Progress = lambda done, total: None,
    ) -> Receipt:
        """Remove the bodies of a retention class recorded before an instant; leaf hashes stay, a manifest cites them.

        Raises: InvalidError when nothing is due; StoreError.
        """
        order = self._order(actor, None, origin)
        return self.change(removal(self._store, self.org, self.catalogue, retention, order, progress))

    def change(self, plan: Callable[[Head], Change]) -> Receipt:
        """Record an entry that does more than say so, in one commit with what it does. Raises: what `plan` raises."""
        return self._writer.change(plan, self.source)

    def id_from(self, foreign: str) -> UUID:
        """The id of an entry that came without one of ours: the same text gives the same id, in this log only.

        It is made under the organisation's key, so that an id gives away nothing of the text. Source: RFC 9562
        section 5.8.
        """
        found = hmac.digest(self._keys.of(self.org), b"trailbook/entry-id/v1\0" + foreign.encode(), "sha256")
        number = int.from_bytes(found[:16], "big") & ~(0xF000 << 64) & ~(0xC000 << 48)
        return UUID(int=number | 0x8000 << 64 | 0x8000 << 48)

    def search(
        self,
        query: Query,
        *,
        viewer: Viewer,
        order: Order = "desc",
        limit: int = 50,
        cursor: str | None = None,
        count: bool = False,
        lang: str = "en",
        part_of: Query | None = None,
    ) -> Page:
        """One page of the entries that match, newest first unless asked otherwise; but for its turns, an entry itself.

        `part_of` is the filter that was asked for, where this is only a part of its answer.
        Raises: NotPermittedError, FilterInvalidError, CursorInvalidError, StoreError.
        """
        head, at, question = self._asked(query, viewer, (order, lang), cursor)
        plan = self._plan(query, viewer, (at, _as_of(query, at, head.size)), lang)
        page = self._projection.ask(lambda pieces: cut(pieces, plan, (order, limit), at))
        # Whoever polls by seq goes on into what comes; every other answer stays the one it was.
        bound = plan.as_of if order != "seq" or query.as_of is not None else None
        found = Page(
            entries=tuple(self._reader.show(page.seqs, lang)),
            as_of=plan.as_of,
            next_cursor=self._link(page.next, plan, bound, question),
            previous_cursor=self._link(page.previous, plan, bound, question),
            size=head.size,
            count=self._projection.count(plan) if count else None,
        )
        if cursor is None:
            self._watch.searched(viewer, query if part_of is None else part_of)
        return found

    def count(self, query: Query, *, viewer: Viewer, lang: str = "en") -> tuple[int, int]:
        """How many entries match, exactly, and the `as_of` of that count. Raises: as `search`."""
        plan = self._now_plan(query, viewer, lang)
        return self._projection.count(plan), plan.as_of

    def rows(
        self, query: Query, *, viewer: Viewer, order: Order = "desc", lang: str = "en"
    ) -> Iterator[Shown]:
        """Every entry that matches, at the query's `as_of` or now; later entries never change the answer.

        Raises: as `search`, before the first row.
        """
        plan = self._now_plan(query, viewer, lang)
        self._watch.searched(viewer, query)
        return (shown for seqs in self._in_order(plan, order) for shown in self._reader.show(seqs, lang))

    def export(
        self,
        query: Query,
        *,
        viewer: Viewer,
        order: Order = "desc",
        lang: str = "en",
        sentences: bool = True,
    ) -> Rows:
        """Every entry that matches, counted and in batches, as files need them: much quicker than `rows`.

        Raises: as `search`, before the first row.
        """
        plan = self._now_plan(query, viewer, lang)
        making = self._making(lang, sentences=sentences)
        found = batches(Lines(making), self._in_order(plan, order, BATCH))
        return Rows(count=self._projection.count(plan), as_of=plan.as_of, batches=found)

    def exported(self, query: Query, *, viewer: Viewer) -> None:
        """Record that a viewer exports what a filter finds, before anything is written. Raises: as `record`."""
        self._let_in(viewer, require_full)
        self._watch.exported(viewer, query)

    def refused(self, viewer: Viewer) -> None:
        """Record that a viewer was refused, once a minute. Raises: as `record`."""
        self._watch.refused(viewer)

    def _let_in(self, viewer: Viewer, required: Callable[[Viewer, str], None]) -> None:
        """Ask before anything is looked up; who is of this organisation and refused is an entry."""
        try:
            required(viewer, self.org)
        except NotPermittedError:
            if viewer.org == self.org:
                self.refused(viewer)
            raise

    def _making(self, lang: str, *, sentences: bool = True) -> Making:
        return Making(
            store=self._store,
            org=self.org,
            catalogue=self.catalogue,
            projection=self._projection,
            lang=lang,
            sentences=sentences,
        )

    def newer(
        self, query: Query, *, viewer: Viewer, after: int, limit: int = 100, lang: str = "en"
    ) -> tuple[Shown, ...]:
        """Entries that match and were recorded after the one of that `seq`, as recorded. Raises: as `search`."""
        plan, at = self._now_plan(query, viewer, lang), Place(0, after)
        seqs, _ = self._projection.ask(partial(batch, plan=plan, ask=("seq", limit), at=at))
        return tuple(self._reader.show(seqs, lang))

    def views(self, query: Query, *, viewer: Viewer, lang: str = "en") -> Iterator[View]:
        """Every entry that matches as `matches` reads it, newest first. Raises: as `search`."""
        plan = self._now_plan(query, viewer, lang)
        self._watch.searched(viewer, query)
        return (view for seqs in self._in_order(plan, "desc") for view in self._reader.views(seqs, lang))

    def facets(
        self,
        query: Query,
        by: By,
        *,
        viewer: Viewer,
        limit: int = 50,
        cursor: str | None = None,
        lang: str = "en",
    ) -> Facets:
        """The values of a field, with exact counts, among what the filter finds without its terms on that field.

        Items come by name; of persons there is no number. Raises: FiguresOfAPersonError when the filter names
        whose doing it is; as `search`.
        """
        check_figures(by=by)
        rest = without(query, by)
        refuse_persons(self.catalogue, rest)
        head, at, question = self._asked(query, viewer, (f"facets {by}", lang), cursor)
        plan = self._plan(rest, viewer, (at, _as_of(query, at, head.size)), lang)
        listing = self._projection.remembered(
            ("facets", plan, by, lang), lambda: list_values(self._reader, plan, by, lang)
        )
        begin, end, turn = after(listing.numbers, at, limit)
        return Facets(
            by=by,
            as_of=plan.as_of,
            values=listing.values[begin:end],
            next_cursor=self._link(turn, plan, plan.as_of, question),
        )

    def histogram(
        self, query: Query, *, viewer: Viewer, bucket: Bucket = "auto", by_category: bool = False
    ) -> Histogram:
        """How many entries match over time, exactly, in at most 92 bars cut on the calendar of the filter's zone.

        Raises: FiguresOfAPersonError; TooManyBarsError; as `search`.
        """
        check_figures(bucket=bucket)
        refuse_persons(self.catalogue, query)
        tried = bucket_for(self.catalogue, query, bucket)
        plan = self._now_plan(query, viewer, "en")
        words = self._projection.tail.codes["category"].words if by_category else []
        ask = (tried, query.tz)
        return self._projection.remembered(
            ("histogram", plan, ask, by_category),
            lambda: self._projection.ask(lambda pieces: draw(pieces, plan, ask, words)),
        )

    def related(
        self, id_: UUID, *, viewer: Viewer, limit: int = 50, cursor: str | None = None, lang: str = "en"
    ) -> Page:
        """Entries of the same correlation, the one that led to this one, and those it led to; newest first.

        Raises: as `show`; CursorInvalidError.
        """
        entry = self.show(id_, viewer=viewer, lang=lang)
        head, at, question = self._asked(Query(), viewer, (f"related {id_}", lang), cursor)
        plan = self._plan(Query(), viewer, (at, _as_of(Query(), at, head.size)), lang)
        seqs = self._reader.related(entry, plan)
        begin, end, turn = after(seqs, at, limit)
        return Page(
            entries=tuple(self._reader.show(seqs[begin:end], lang)),
            as_of=plan.as_of,
            next_cursor=self._link(turn, plan, plan.as_of, question),
            previous_cursor=None,
            size=head.size,
            count=len(seqs),
        )

    def show(self, id_: UUID, *, viewer: Viewer, lang: str = "en") -> Shown:
        """One entry by its id.

        Raises: NotPermittedError; NotFoundError; EntryExpiredError when retention removed it.
        """
        self._let_in(viewer, require_full)
        self._projection.catch_up()
        seq = self._seq(id_)
        kept = self._store.kept_at(self.org, [seq])[0]
        if kept.body is None:
            raise EntryExpiredError(seq, kept.leaf or b"")
        shown = self._reader.show([seq], lang)[0]
        if shown.category in viewer.withheld:
            raise NotFoundError("there is no such entry")
        self._watch.viewed(viewer)
        return shown

    def pieces(self, shown: Shown, lang: str = "en") -> tuple[Piece, ...]:
        """The sentence of an entry that was shown, in pieces: a page makes a link of each name."""
        return pieces(self.catalogue, spoken(shown, self._reader.count_of(shown)), lang)

    def leaf(self, id_: UUID, *, viewer: Viewer) -> bytes:
        """The hashed bytes of an entry.

        Raises: NotPermittedError; NotFoundError; EntryExpiredError when retention removed them.
        """
        self._let_in(viewer, require_proofs)
        kept = self._store.kept_at(self.org, [self._seq(id_)])[0]
        if kept.body is None:
            raise EntryExpiredError(kept.seq, kept.leaf or b"")
        self._watch.proved(viewer)
        return kept.body

    def proof(self, id_: UUID, *, viewer: Viewer) -> bytes:
        """The proof file of an entry: its place in the last signed tree. Source: C2SP tlog-proof.

        Raises: NotPermittedError; NotFoundError; NotCheckpointedError.
        """
        self._let_in(viewer, require_proofs)
        found = proof_file(self._store, self.org, self._seq(id_), self._edge)
        self._watch.proved(viewer)
        return found

    def checkpoint(self, *, viewer: Viewer) -> bytes:
        """The last signed head, as a note. Raises: NotPermittedError; NotFoundError before the first."""
        self._let_in(viewer, require_proofs)
        signed = latest(self._store, self.org)
        if signed is None:
            raise NotFoundError("nothing has been signed yet")
        return signed[1]

    def tile(self, level: int | Literal["entries"], index: int, width: int, *, viewer: Viewer) -> bytes:
        """A tile of the last signed tree, or its bundle of entries. Source: C2SP tlog-tiles.

        Raises: NotPermittedError; NotFoundError; EntryExpiredError for a bundle with a hole.
        """
        self._let_in(viewer, require_proofs)
        if level != "entries":  # hashes alone
            return served_tile(self._store, self.org, level, index, width)
        found = entry_bundle(self._store, self.org, index, width)
        self._watch.proved(viewer)
        return found

    def identities(self, type_: str, id_: str, *, viewer: Viewer) -> list[Opening]:
        """What opens the tokens of an item. Raises: NotPermittedError; NotFoundError, erased or absent alike."""
        self._let_in(viewer, require_proofs)
        found = openings(self._store, self.org, type_, id_)
        self._watch.proved(viewer)
        return found

    def evidence(self, *, viewer: Viewer) -> Evidence:
        """The log up to its last signed head, to be written down. Raises: NotPermittedError; NotCheckpointedError."""
        self._let_in(viewer, require_proofs)
        return evidence(self._store, self.org)

    def seqs(self, query: Query, *, viewer: Viewer, lang: str = "en") -> list[int]:
        """The `seq` of every entry that matches, ascending. Raises: as `search`."""
        plan = self._now_plan(query, viewer, lang)
        return [seq for seqs in self._in_order(plan, "seq") for seq in seqs]

    def _seq(self, id_: UUID) -> int:
        seq = self._store.seq_of(self.org, [id_]).get(id_)
        if seq is None:
            raise NotFoundError("there is no such entry")
        return seq

    def items(
        self, q: str, *, viewer: Viewer, role: Role | None = None, type_: str | None = None, limit: int = 20
    ) -> list[Found]:
        """Items whose names have words beginning as those of `q`, or whose id is `q`; at most `limit`.

        Raises: NotPermittedError; FilterInvalidError when `q` is empty or longer than 80 characters.
        """
        self._let_in(viewer, require_full)
        self._projection.catch_up()
        return find_items(self._reader, Sought(q=q, role=role, type=type_, limit=limit))

    def size(self, *, viewer: Viewer) -> int:
        """How many entries the log has. Raises: NotPermittedError."""
        self._let_in(viewer, require_full)
        return self._store.head(self.org).size

    def seal(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Seal full segments of the index until none is due or `stopped`; how many entries. Raises: StoreError."""
        return self._projection.seal(stopped)

    def on_ripe(self, wake: Callable[[], None]) -> None:
        """Whom to tell when a segment is due."""
        self._projection.on_ripe = wake

    def reindex(self, progress: Progress = lambda done, total: None) -> None:
        """Build the whole index anew from the entries. Raises: StoreError, DamagedError."""
        self._projection.reindex(progress)

    def check_index(self) -> list[str]:
        """What is wrong with the stored index, in words; of the entries it says nothing, `verify` does."""
        return self._projection.check()

    def _asked(
        self, query: Query, viewer: Viewer, how: tuple[str, str], cursor: str | None
    ) -> tuple[Head, Cursor | None, str]:
        """What every paged reading begins with: permission, the log's head, and the cursor read for this question."""
        self._let_in(viewer, require_full)
        head = self._projection.catch_up()
        who = f"{viewer.item.type}/{viewer.item.id}"
        question = "\n".join((self.org, who, *how, printed(_unbound(query))))
        at = None if cursor is None else read(cursor, question, self._keys.secret, self._now())
        return head, at, question

    def _in_order(self, plan: Plan, order: Order, limit: int = _ROWS) -> Iterator[list[int]]:
        """The seqs that match, some at a time, each turn from where the last one ended."""
        at: Place | None = None
        while True:
            now = limit if at else min(limit, _ROWS)  # the first ones come soon
            seqs, at = self._projection.ask(partial(batch, plan=plan, ask=(order, now), at=at))
            if at is None:
                return
            yield seqs

    def _now_plan(self, query: Query, viewer: Viewer, lang: str) -> Plan:
        self._let_in(viewer, require_full)
        size = self._projection.catch_up().size
        return self._plan(query, viewer, (None, _as_of(query, None, size)), lang)

    def _plan(self, query: Query, viewer: Viewer, bound: tuple[Cursor | None, int], lang: str) -> Plan:
        at, as_of = bound
        checked = from_params(to_params(query), self._known)
        plan = self._projection.plan(checked, self.clock(), as_of, lang)
        if viewer.withheld:
            hidden = self._projection.hidden(viewer.withheld)
            plan = structs.replace(plan, clauses=(*plan.clauses, hidden))
        # A preset moves with the day; the pages of one answer do not.
        return plan if at is None else structs.replace(plan, since=at.since, until=at.until)

    def _link(self, turn: Turn | None, plan: Plan, as_of: int | None, question: str) -> str | None:
        return None if turn is None else write(self._cursor(turn, plan, as_of), question, self._keys.secret)

    def _cursor(self, turn: Turn, plan: Plan, as_of: int | None) -> Cursor:
        place = turn.place
        return Cursor(
            at=place.at,
            seq=place.seq,
            later=turn.later,
            as_of=as_of,
            since=plan.since,
            until=plan.until,
            written=self._now(),
        )

    def _order(self, actor: Actor, purpose: str | None, origin: Origin) -> Ordered:
        return Ordered(actor=actor, at=self.clock(), origin=origin, purpose=purpose)

    def _now(self) -> int:
        return microseconds(self.clock())


def _outcomes(answer: Answer) -> list[Outcome]:
    """What became of each entry. Raises: BatchRefusedError when an atomic batch was refused."""
    if isinstance(answer, BatchRefusedError):
        raise answer
    return answer


def _unbound(query: Query) -> Query:
    return structs.replace(query, as_of=None)


def _as_of(query: Query, at: Cursor | None, size: int) -> int:
    if at is not None and at.as_of is not None:
        if query.as_of not in (None, at.as_of):
            raise CursorInvalidError("the cursor is of another as_of; begin again without it")
        return at.as_of
    if query.as_of is not None and query.as_of > size:
        fault = Fault("/as_of", "parameter-invalid", f"is {query.as_of}, but the log has {size} entries")
        raise FilterInvalidError(f"as_of: {fault.detail}", (fault,))
    return size if query.as_of is None else query.as_of


def _concerns(given: dict[str, Item | Sequence[Item]] | Sequence[Concern]) -> tuple[Concern, ...]:
    if not isinstance(given, dict):
        return tuple(given)
    pairs = [(part, [one] if isinstance(one, Item) else one) for part, one in given.items()]
    return tuple(
        Concern(type=i.type, id=i.id, name=i.name, part=part) for part, items in pairs for i in items
    )
