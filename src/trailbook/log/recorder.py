"""The writing half of the log: recording, erasing and pruning, each in one commit.

Owns what a caller hands over and what becomes of it. Refuses to read for anybody: who asks is none of its business.
"""

import hmac
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

from trailbook.catalogue import Catalogue
from trailbook.clock import Clock
from trailbook.errors import BatchRefusedError, TrailbookError
from trailbook.finding import Upkeep
from trailbook.log.held_back import HeldBack
from trailbook.log.reads import Known, Watched
from trailbook.model import Actor, Concern, Item, NewEntry, Origin, Progress, Receipt
from trailbook.recording import Answer, Batch, LogChange, Means, Result, Writer
from trailbook.retention import (
    Command,
    Retention,
    erasure_entry,
    known_person,
    mend_owners,
    plan_erasure,
    plan_removal,
)
from trailbook.stores import Blob, Head, LogStore

LIBRARY = Item(type="source", id="library", name="Trailbook library")
Concerns = dict[str, Item | Sequence[Item]] | Sequence[Concern]


class Recorder:
    """Records the entries of one organisation."""

    def __init__(
        self,
        store: LogStore,
        org: str,
        *,
        means: Means,
        source: Item,
        upkeep: Upkeep,
    ) -> None:
        self.source = source
        self._org = org
        self._catalogue: Catalogue = means.catalogue
        self._clock: Clock = means.clock
        self._store = store
        self._key = means.key
        self._entropy = means.entropy
        self._writer = Writer(store, org, means, upkeep.tell)
        self._recording = upkeep.recording
        self._seal = upkeep.seal
        self.held_back = HeldBack(org, self.record_each)  # where sign-ins and readings are recorded
        self.before_erasure: Callable[[Item], None] = lambda item: None  # lets go of what is kept elsewhere
        self.on_change: Callable[[], None] = lambda: None  # told when something was erased or removed

    def record(self, entry: NewEntry) -> Receipt:
        """Record one entry; durable when this returns.

        Raises: EntryInvalidError, ActionUnknownError, EntryConflictError, StoreError.
        """
        result = self.record_each([entry])[0]
        if result.refused is not None:
            raise result.refused
        assert result.receipt is not None
        return result.receipt

    def record_many(
        self, entries: Sequence[NewEntry], *, source: Item | None = None, manifests: Sequence[Blob] = ()
    ) -> list[Receipt]:
        """Record all of a batch in one commit, or nothing; with it the manifests that its entries cite.

        Raises: BatchRefusedError with the reason of each bad entry; StoreError.
        """
        request = self._writer.request(
            entries, source or self.source, atomic=True, manifests=tuple(manifests)
        )
        results = self._record(request)
        return [result.receipt for result in results if result.receipt is not None]

    def record_each(self, entries: Sequence[NewEntry], *, source: Item | None = None) -> list[Result]:
        """Record what may be recorded of a batch in one commit; the bad ones come back with their reasons."""
        return self._record(self._writer.request(entries, source or self.source, atomic=False))

    def judge_each(self, entries: Sequence[NewEntry]) -> list[Result]:
        """What `record_each` would answer for each, conflicts with the log included; nothing is recorded."""
        return _results(self._writer.judge(self._writer.request(entries, self.source, atomic=False)))

    def record_apart(self, entries: Sequence[tuple[NewEntry, Item]]) -> list[Result]:
        """Record single entries, each under a source of its own, in one commit; one that is bad harms no other.

        Raises: StoreError when nothing was acknowledged.
        """
        batches = [self._writer.request([entry], source, atomic=False) for entry, source in entries]
        with self._recording():
            answers = self._writer.record(batches)
        return [result for answer in answers for result in _results(answer)]

    def _record(self, batch: Batch) -> list[Result]:
        with self._recording():
            answer = self._writer.record([batch])[0]
        return _results(answer)

    def erase(self, item: Item, *, actor: Actor, origin: Origin, purpose: str | None = None) -> Receipt:
        """Erase a person: what names them, their origins and what they own is gone when this returns.

        No proof breaks; what remains is a pattern of events under a pseudonym. Recorded again, they are somebody new.
        Raises: NotFoundError; InvalidError when the item is no person; LastAdministratorError; StoreError.
        """
        self.require_erasable(item, actor=actor, origin=origin, purpose=purpose)
        self.before_erasure(item)
        command = self._command(actor, purpose, origin)
        salt = self._entropy(16)
        return self.change(plan_erasure(self._store, self._org, self._catalogue, item, command, salt=salt))

    def require_erasable(
        self, item: Item, *, actor: Actor, origin: Origin, purpose: str | None = None, member: bool = False
    ) -> None:
        """Refuse what cannot be erased, before anything is let go of; the log may have lost sight of a `member`.

        Raises: NotFoundError; InvalidError when the item is no person; EntryInvalidError.
        """
        if not member:
            known_person(self._store, self._org, self._catalogue, item)
        entry = erasure_entry(item, f"0-{bytes(32).hex()}", self._command(actor, purpose, origin))
        for refused in self._writer.request([entry], self.source, atomic=False).refused.values():
            raise refused

    def mend_owners(self, progress: Progress = lambda done, total: None) -> int:
        """Give every personal item to whom the entries say; how many belonged to others. Raises: StoreError."""
        return mend_owners(self._store, self._org, self._catalogue, progress)

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
        command = self._command(actor, None, origin)
        receipt = self.change(
            plan_removal(self._store, self._org, self._catalogue, retention, command, progress)
        )
        # The removal stands, and what it left in the index is masked: whoever seals next takes it out.
        with suppress(TrailbookError):
            self._seal()
        return receipt

    def change(self, plan: Callable[[Head], LogChange]) -> Receipt:
        """Record an entry that does more than say so, in one commit with what it does. Raises: what `plan` raises."""
        receipt = self._writer.change(plan, self.source)
        self.on_change()
        return receipt

    def id_from(self, foreign: str) -> UUID:
        """The id of an entry that came without one of ours: the same text gives the same id, in this log only.

        It is made under the organisation's key, so that an id gives away nothing of the text. Source: RFC 9562
        section 5.8.
        """
        digest = hmac.digest(self._key, b"trailbook/entry-id/v1\0" + foreign.encode(), "sha256")
        number = int.from_bytes(digest[:16], "big") & ~(0xF000 << 64) & ~(0xC000 << 48)
        return UUID(int=number | 0x8000 << 64 | 0x8000 << 48)

    def watched(self, known: Known, *, watched: bool) -> Watched:
        """What is watched of this log's readings, of which nothing is recorded where it is not `watched`."""
        return Watched(
            org=self._org,
            catalogue=self._catalogue,
            clock=self._clock,
            record=self.record if watched else lambda entry: None,
            hold=self.held_back.record if watched else lambda entry: None,
            known=known,
            id_from=self.id_from,
        )

    def _command(self, actor: Actor, purpose: str | None, origin: Origin) -> Command:
        return Command(actor=actor, at=self._clock(), origin=origin, purpose=purpose)


def _results(answer: Answer) -> list[Result]:
    """What became of each entry. Raises: BatchRefusedError when an atomic batch was refused."""
    if isinstance(answer, BatchRefusedError):
        raise answer
    return answer


def concerns_of(concerns: Concerns) -> tuple[Concern, ...]:
    """What an entry is about, out of items by their parts."""
    if not isinstance(concerns, dict):
        return tuple(concerns)
    parts = [(part, [items] if isinstance(items, Item) else items) for part, items in concerns.items()]
    return tuple(
        Concern(type=i.type, id=i.id, name=i.name, hint=i.hint, part=part)
        for part, items in parts
        for i in items
    )
