"""The log: the one facade through which every door records, finds and shows entries.

Owns the order of checks: who reads is asked before anything is looked up, and `viewer` has no default. It is
made of what records, finds and shows. Refuses to know HTTP, pages or files.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from trailbook.access import Clearance, Viewer, require_full, require_proofs, require_verifying
from trailbook.catalogue import Catalogue, SentencePiece, load
from trailbook.clock import Clock, Entropy, utc_now
from trailbook.errors import NotFoundError
from trailbook.finding import (
    BATCH,
    MOST,
    Bucket,
    Erasures,
    ExportLines,
    ExportRows,
    FacetField,
    Facets,
    FoundItem,
    Histogram,
    ItemQuery,
    Meant,
    OpenFinder,
    Page,
    Part,
    RememberedItem,
    RowSource,
    Shown,
    bucket_for,
    count_bars,
    finder_means,
    hints_of,
    line_batches,
    list_page,
    list_values,
    meant_items,
    new_binder,
    new_reader,
    offer_items,
    open_embedded,
    refuse_hours,
    refuse_persons,
    refuse_unknown,
    remember_item,
    without_field,
)
from trailbook.index import Place
from trailbook.log.kept import Kept
from trailbook.log.keys import Keys
from trailbook.log.questions import Questions, vocabulary_of
from trailbook.log.reads import Watch
from trailbook.log.recorder import LIBRARY, Concerns, Recorder, concerns_of
from trailbook.model import EARLIEST, Actor, Item, NewEntry, Origin, Progress, Receipt
from trailbook.proofs import Evidence, Holdings, Opening, latest_checkpoint, with_cosignatures
from trailbook.query import EntryFacts, Order, Query, WorkingHours, frozen
from trailbook.recording import Means, Result
from trailbook.retention import Retention
from trailbook.stores import Store
from trailbook.verify import Report


class Log:
    """The activity log of one organisation: what it records, and what it shows to whom.

    `recorder` is what else records, `upkeep` what the index needs; `working_hours` says what is set by now.
    """

    def __init__(
        self,
        store: Store,
        org: str,
        *,
        keys: Keys,
        catalogue: Catalogue | None = None,
        source: Item = LIBRARY,
        clock: Clock = utc_now,
        entropy: Entropy = secrets.token_bytes,
        open_finder: OpenFinder | None = None,
        watched: bool = True,
        earliest: datetime = EARLIEST,
        working_hours: Callable[[], WorkingHours] = WorkingHours,
    ) -> None:
        key, declared = keys.of(org), catalogue or load()
        means = Means(catalogue=declared, clock=clock, entropy=entropy, key=key, earliest=earliest)
        self.org = org
        self.catalogue: Catalogue = means.catalogue
        self.clock: Clock = clock
        self.working_hours = working_hours
        self._store = store
        finding = finder_means(store, org, means.catalogue)
        engine = (open_finder or open_embedded())(finding)
        self._finder, self._erasures, self.upkeep = engine.finder, finding.erasures, engine.upkeep
        self.recorder = Recorder(store, org, means=means, source=source, upkeep=engine.upkeep)
        self._reader = new_reader(finding, engine.finder)
        self._kept = Kept(store, org, engine.finder, self._reader.citing, {})
        self._watch = Watch(
            self.recorder.watched(
                lambda keys, viewer: self._kept.known(keys, self.clearance(viewer=viewer)), watched=watched
            )
        )
        self._questions = Questions(
            org=org,
            finder=engine.finder,
            binder=new_binder(self._reader),
            declared=means.catalogue.categories,
            vocabulary=vocabulary_of(means.catalogue),
            watch=self._watch,
            refuse_hours=partial(refuse_hours, self._reader),
            working_hours=working_hours,
            clock=clock,
            secret=keys.secret,
        )

    def record(
        self,
        action: str,
        *,
        actor: Actor,
        target: Item,
        origin: Origin,
        concerns: Concerns = (),
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
            concerns=concerns_of(concerns),
            origin=origin,
            **more,
        )
        return self.recorder.record(entry)

    def record_many(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Receipt]:
        """Record all of a batch in one commit, or nothing.

        Raises: BatchRefusedError with the reason of each bad entry; StoreError.
        """
        return self.recorder.record_many(entries, source=source)

    def record_each(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Result]:
        """Record what may be recorded of a batch in one commit; the bad ones come back with their reasons.

        Raises: StoreError.
        """
        return self.recorder.record_each(entries, source=source)

    def judge_each(self, entries: Sequence[NewEntry]) -> list[Result]:
        """What `record_each` would answer for each, conflicts with the log included; nothing is recorded."""
        return self.recorder.judge_each(entries)

    def id_from(self, foreign: str) -> UUID:
        """The id of an entry that came without one of ours: the same text gives the same id, in this log only."""
        return self.recorder.id_from(foreign)

    def erase(self, item: Item, *, actor: Actor, origin: Origin, purpose: str | None = None) -> Receipt:
        """Erase a person: what names them, their origins and what they own is gone when this returns.

        No proof breaks; what remains is a pattern of events under a pseudonym. Recorded again, they are somebody new.
        Raises: NotFoundError; InvalidError when the item is no person; LastAdministratorError; StoreError.
        """
        return self.recorder.erase(item, actor=actor, origin=origin, purpose=purpose)

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
        return self.recorder.prune(retention, actor=actor, origin=origin, progress=progress)

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
        damaged: list[int] | None = None,
    ) -> Page:
        """One page of the entries that match, newest first unless asked otherwise; but for its turns, an entry itself.

        `part_of` is the filter that was asked for, where this is only a part of its answer; `damaged` takes the seqs of
        entries that cannot be read, which are then left out.
        Raises: NotPermittedError, FilterInvalidError, CursorInvalidError, StoreError; DamagedError without `damaged`.
        """
        refuse_unknown(order=order)
        question = self._questions.ask(query, viewer, form=order, lang=lang, cursor=cursor)
        head, at = question.head, question.at
        bound = self._questions.bind(query, question.clearance, size=head.size, at=at, lang=lang)
        cut = self._finder.page(bound, order=order, limit=limit, at=at)
        # Whoever polls by seq goes on into what comes; every other answer stays the one it was.
        pinned = bound.as_of if order != "seq" or query.as_of is not None else None
        page = Page(
            entries=tuple(self._reader.show(cut.seqs, lang, question.clearance.sees, damaged)),
            as_of=bound.as_of,
            next_cursor=self._questions.link(cut.next, question, bound, as_of=pinned),
            previous_cursor=self._questions.link(cut.previous, question, bound, as_of=pinned),
            size=head.size,
            count=self._finder.count(bound) if count else None,
        )
        if cursor is None:
            self._watch.searched(viewer, query if part_of is None else part_of)
        return page

    def count(self, query: Query, *, viewer: Viewer, lang: str = "en") -> tuple[int, int]:
        """How many entries match, exactly, and the `as_of` of that count. Raises: as `search`."""
        bound = self._questions.bind_now(query, viewer, lang)
        return self._finder.count(bound), bound.as_of

    def rows(
        self, query: Query, *, viewer: Viewer, order: Order = "desc", lang: str = "en"
    ) -> Iterator[Shown]:
        """Every entry that matches, at the query's `as_of` or now; later entries never change the answer.

        Raises: as `search`, before the first row.
        """
        bound, sees = self._questions.bind_now(query, viewer, lang), self.clearance(viewer=viewer).sees
        self._watch.searched(viewer, query)
        lists = self._questions.in_order(bound, order)
        return (shown for seqs in lists for shown in self._reader.show(seqs, lang, sees))

    def export(
        self,
        query: Query,
        *,
        viewer: Viewer,
        order: Order = "desc",
        lang: str = "en",
        sentences: bool = True,
        batch: int = BATCH,
    ) -> ExportRows:
        """Every entry that matches, counted and in batches, as files need them: much quicker than `rows`.

        `batch` is how many entries are read at once. Raises: as `search`, before the first row.
        """
        bound, sees = self._questions.bind_now(query, viewer, lang), self.clearance(viewer=viewer).sees
        lines = ExportLines(RowSource(reader=self._reader, sees=sees, lang=lang, sentences=sentences))
        batches = line_batches(lines, self._questions.in_order(bound, order, batch))
        return ExportRows(count=self._finder.count(bound), as_of=bound.as_of, batches=batches)

    def exported(self, query: Query, *, viewer: Viewer) -> None:
        """Record that a viewer exports what a filter finds, before anything is written. Raises: as `record`."""
        self._questions.let_in(viewer, require_full)
        self._watch.exported(viewer, query)

    def verified(self, report: Report, *, viewer: Viewer) -> None:
        """Record that all of this log was verified, and whether it held. Raises: NotPermittedError; as `record`."""
        self._questions.let_in(viewer, require_verifying)
        self._watch.verified(viewer, report)

    def refused(self, viewer: Viewer) -> None:
        """Record that a viewer was refused, once a minute. Raises: as `record`."""
        self._watch.refused(viewer)

    def newer(
        self, query: Query, *, viewer: Viewer, after: int, limit: int = 100, lang: str = "en"
    ) -> tuple[Shown, ...]:
        """Entries that match and were recorded after the one of that `seq`, as recorded. Raises: as `search`."""
        bound, at = self._questions.bind_now(query, viewer, lang), Place(0, after)
        sees = self.clearance(viewer=viewer).sees
        seqs = self._finder.seqs(bound, order="seq", limit=limit, at=at).seqs
        return tuple(self._reader.show(seqs, lang, sees))

    def views(self, query: Query, *, viewer: Viewer, lang: str = "en") -> Iterator[EntryFacts]:
        """Every entry that matches as `matches` reads it, newest first. Raises: as `search`."""
        bound, sees = self._questions.bind_now(query, viewer, lang), self.clearance(viewer=viewer).sees
        self._watch.searched(viewer, query)
        lists = self._questions.in_order(bound, "desc")
        return (facts for seqs in lists for facts in self._reader.views(seqs, lang, sees))

    def facets(
        self,
        query: Query,
        by: FacetField,
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
        refuse_unknown(by=by)
        rest = without_field(query, by)
        refuse_persons(self._reader, rest, self._now(viewer).sees)
        question = self._questions.ask(query, viewer, form=f"facets {by}", lang=lang, cursor=cursor)
        at = question.at
        bound = self._questions.bind(rest, question.clearance, size=question.head.size, at=at, lang=lang)
        listing = list_values(self._reader, bound, by=by, lang=lang, sees=question.clearance.sees)
        page = list_page(listing.numbers, at, limit)
        return Facets(
            by=by,
            as_of=bound.as_of,
            values=listing.values[page.begin : page.end],
            next_cursor=self._questions.link(page.next, question, bound, as_of=bound.as_of),
        )

    def histogram(
        self, query: Query, *, viewer: Viewer, bucket: Bucket = "auto", by_category: bool = False
    ) -> Histogram:
        """How many entries match over time, exactly, in at most 92 bars cut on the calendar of the filter's zone.

        Raises: FiguresOfAPersonError; TooManyBarsError; as `search`.
        """
        refuse_unknown(bucket=bucket)
        refuse_persons(self._reader, query, self._now(viewer).sees)
        units = bucket_for(self.catalogue, query, bucket)
        bound = self._questions.bind_now(query, viewer, "en")
        return count_bars(self._reader, bound, units=units, tz=query.tz, by_category=by_category)

    def demand_figures(self, query: Query, *, viewer: Viewer) -> None:
        """Let figures be made of a filter. Raises: NotPermittedError; FiguresOfAPersonError."""
        refuse_persons(self._reader, query, self._now(viewer).sees)

    def frozen(self, query: Query, *, viewer: Viewer) -> Query:
        """A filter as it is kept: its hours as the rule they are by now. Raises: as `demand_figures`, for hours."""
        refuse_hours(self._reader, query, self._now(viewer).sees)
        return frozen(query, self.working_hours())

    def related(
        self, id_: UUID, *, viewer: Viewer, limit: int = 50, cursor: str | None = None, lang: str = "en"
    ) -> Page:
        """Entries of the same correlation, the one that led to this one, and those it led to; newest first.

        Raises: as `show`; CursorInvalidError.
        """
        entry = self.show(id_, viewer=viewer, lang=lang)
        question = self._questions.ask(Query(), viewer, form=f"related {id_}", lang=lang, cursor=cursor)
        head, at = question.head, question.at
        bound = self._questions.bind(Query(), question.clearance, size=head.size, at=at, lang=lang)
        seqs = self._reader.related(entry, bound)
        page = list_page(seqs, at, limit)
        return Page(
            entries=tuple(self._reader.show(seqs[page.begin : page.end], lang, question.clearance.sees)),
            as_of=bound.as_of,
            next_cursor=self._questions.link(page.next, question, bound, as_of=bound.as_of),
            previous_cursor=None,
            size=head.size,
            count=len(seqs),
        )

    def show(self, id_: UUID, *, viewer: Viewer, lang: str = "en") -> Shown:
        """One entry by its id.

        Raises: NotPermittedError; NotFoundError; EntryExpiredError when retention removed it.
        """
        cleared = self._now(viewer)
        shown = self._reader.show([self._kept.seq(id_, cleared)], lang, cleared.sees)[0]
        self._watch.viewed(viewer)
        return shown

    def pieces(self, shown: Shown, *, viewer: Viewer, lang: str = "en") -> tuple[SentencePiece, ...]:
        """The sentence of an entry that a viewer was shown, in pieces: a page makes a link of each name.

        Raises: NotPermittedError.
        """
        return self._reader.pieces(shown, lang, self.clearance(viewer=viewer).sees)

    def leaf(self, id_: UUID, *, viewer: Viewer) -> bytes:
        """The hashed bytes of an entry.

        Raises: NotPermittedError; NotFoundError; EntryExpiredError when retention removed them.
        """
        body = self._kept.body(id_, self._questions.let_in(viewer, require_proofs))
        self._watch.proved(viewer)
        return body

    def proof(self, id_: UUID, *, viewer: Viewer) -> bytes:
        """The proof file of an entry: its place in the last signed tree. Source: C2SP tlog-proof.

        Raises: NotPermittedError; NotFoundError; NotCheckpointedError.
        """
        proof = self._kept.proof(id_, self._questions.let_in(viewer, require_proofs))
        self._watch.proved(viewer)
        return proof

    def checkpoint(self, *, viewer: Viewer) -> bytes:
        """The last signed head as a note, with cosignatures of others. Raises: NotPermittedError; NotFoundError."""
        self._questions.let_in(viewer, require_proofs)
        signed = latest_checkpoint(self._store, self.org)
        if signed is None:
            raise NotFoundError("nothing has been signed yet")
        return with_cosignatures(self._store, self.org, signed.note)

    def tile(self, level: int | Literal["entries"], index: int, width: int, *, viewer: Viewer) -> bytes:
        """A tile of the last signed tree, or its bundle of entries. Source: C2SP tlog-tiles.

        Raises: NotPermittedError, for entries wherever a category is withheld from the viewer; NotFoundError;
        EntryExpiredError for a bundle with a hole.
        """
        cleared = self._questions.let_in(viewer, require_proofs)
        if level != "entries":  # hashes alone
            return self._kept.tile(level, index, width)
        bundle = self._kept.bundle(index, width, cleared)
        self._watch.proved(viewer)
        return bundle

    def identities(self, type_: str, id_: str, *, viewer: Viewer) -> list[Opening]:
        """What opens the tokens of an item, as far as entries that the viewer may see cite it.

        Raises: NotPermittedError; NotFoundError, alike for one that is erased, absent or in no such entry.
        """
        opened = self._kept.openings(type_, id_, self._questions.let_in(viewer, require_proofs))
        self._watch.proved(viewer)
        return opened

    def evidence(self, *, viewer: Viewer) -> Evidence:
        """The log up to its last signed head, to be written down. Raises: NotPermittedError; NotCheckpointedError."""
        return self._kept.evidence(self._questions.let_in(viewer, require_proofs))

    def holdings(self, *, viewer: Viewer) -> Holdings:
        """What the log holds, signed or not yet, to be counted before it is written down. Raises: NotPermittedError."""
        return self._kept.holdings(self._questions.let_in(viewer, require_proofs))

    def seqs(self, query: Query, *, viewer: Viewer, lang: str = "en") -> list[int]:
        """The `seq` of every entry that matches, ascending. Raises: as `search`."""
        bound = self._questions.bind_now(query, viewer, lang)
        return [seq for seqs in self._questions.in_order(bound, "seq") for seq in seqs]

    def items(
        self, q: str, *, viewer: Viewer, role: Part | None = None, type_: str | None = None, limit: int = 20
    ) -> list[FoundItem]:
        """Items whose names have words beginning as those of `q`, or whose id is `q`; at most `limit`.

        Where `q` is empty: the people who were active last. Raises: NotPermittedError, FilterInvalidError.
        """
        sees = self._now(viewer).sees
        return offer_items(self._reader, ItemQuery(q=q, role=role, type=type_, limit=limit, sees=sees))

    def meant(self, q: str, *, viewer: Viewer, role: Part | None = None) -> Meant:
        """The same items, or, where there are none, at most three whose names are nearest. Raises: as `items`."""
        sees = self._now(viewer).sees
        return meant_items(self._reader, ItemQuery(q=q, role=role, type=None, limit=MOST, sees=sees))

    def item(self, type_: str, id_: str, *, viewer: Viewer) -> RememberedItem | None:
        """An item as the log remembers it, where an entry to be seen cites it; else None. Raises: NotPermittedError."""
        return remember_item(self._reader, type_, id_, self._now(viewer).sees)

    def hints(self, items: Sequence[tuple[str, str]], *, viewer: Viewer) -> dict[tuple[str, str], str]:
        """What the host says today of items, by type and id, as far as `item` finds them. Raises: NotPermittedError."""
        return hints_of(self._reader, items, self._now(viewer).sees)

    def numbers(self, items: Sequence[str], *, viewer: Viewer) -> dict[str, int]:
        """The log's own numbers of items given as `type/id`, as far as `item` finds them. Raises: NotPermittedError."""
        return self._kept.numbers(items, self._now(viewer))

    def numbered(self, numbers: Sequence[int], *, viewer: Viewer) -> dict[int, str]:
        """Items by number, as `type/id`, of those that an entry the viewer may see cites. Raises: NotPermittedError."""
        return self._kept.numbered(numbers, self._now(viewer))

    def _now(self, viewer: Viewer) -> Clearance:
        """What a viewer may see of the log, as it stands. Raises: NotPermittedError."""
        cleared = self._questions.let_in(viewer, require_full)
        self._finder.catch_up()
        return cleared

    def erasures(self, *, viewer: Viewer) -> Erasures:
        """The erasures that this process read of, for whoever keeps what was shown. Raises: NotPermittedError."""
        self.clearance(viewer=viewer)
        return self._erasures

    def clearance(self, *, viewer: Viewer) -> Clearance:
        """What a viewer may see, by permission alone: what the log holds changes nothing. Raises: NotPermittedError."""
        return self._questions.let_in(viewer, require_full)

    def size(self, *, viewer: Viewer) -> int:
        """How many entries the log has. Raises: NotPermittedError."""
        self._questions.let_in(viewer, require_full)
        return self._store.head(self.org).size
