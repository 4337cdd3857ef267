"""The way out: stored rows become entries to show and views to match, with names then and now.

Owns how a row is brought together from body, directory, projection and catalogue. Refuses to decide who may
read; `Log` has asked before.
"""

import hashlib
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, cast
from uuid import UUID

from msgspec import Struct, structs

from trailbook.catalogue import Catalogue, SentencePiece as Pronounced, Spoken, says_count, sentence_pieces
from trailbook.finding.answers import Shown, ShownActor, ShownConcern, ShownItem, ShownOrigin, spoken
from trailbook.finding.citing import Sees, shown_causes
from trailbook.finding.embedded.projection import Hidden, Projection, readable
from trailbook.finding.memo import Erasures, Memo
from trailbook.index import Clause, Piece, Plan, every_seq
from trailbook.model import Actor, Concern, Entry, Interface, Item, Origin, Outcome, State, parse_instant
from trailbook.proofs import entry_state, proved_sizes
from trailbook.query import MAX_LIMIT, EntryFacts, self_of, words
from trailbook.record import Body, decode_body, sixty_bits
from trailbook.stores import Identity, Store

_MOST_SENTENCES = 20_000  # about 20 MB
_MOST_LABELS = 100_000  # about 25 MB
_MOST_SHOWN = 4_000  # about 12 MB


class _Sentence(Struct, frozen=True, gc=False):
    pieces: tuple[Pronounced, ...]
    text: str


class Sentences:
    """Sentences said lately, in pieces: the rows of one page are those of the next one, or of another filter.

    Whoever says one holds the projection's lock; for its pieces anybody may ask.
    """

    def __init__(self, catalogue: Catalogue, erasures: Erasures) -> None:
        self._catalogue = catalogue
        self.counted = frozenset(name for name in catalogue.actions if says_count(catalogue, name))
        self._by_words: Memo[tuple[str, Spoken], _Sentence] = Memo(_MOST_SENTENCES, erasures)
        self._by_entry: Memo[tuple[str, str, str], tuple[Pronounced, ...]] = Memo(_MOST_SENTENCES, erasures)

    def say(self, id_: str, spoken: Spoken, lang: str) -> str:
        """The sentence of an entry. Raises: CatalogueError where the catalogue does not have the language."""
        sentence = self._by_words.peek((lang, spoken))
        if sentence is None:
            pieces = sentence_pieces(self._catalogue, spoken, lang)
            sentence = _Sentence(pieces, "".join(piece.text for piece in pieces))
            self._by_words.put((lang, spoken), sentence)
        self._by_entry.put((lang, id_, sentence.text), sentence.pieces)
        return sentence.text

    def pieces(self, id_: str, sentence: str, lang: str) -> tuple[Pronounced, ...] | None:
        """The pieces of a sentence that was said of an entry; None where that was too long ago."""
        return self._by_entry.peek((lang, id_, sentence))


class ShownLately:
    """Entries as they were shown lately, for as long as the log stands where it stood then.

    What an entry shows besides its body - names by now, whether items exist, its state - follows from the log: with
    whatever is recorded, signed, removed or erased all of it is forgotten. Whoever asks holds the projection's lock.
    """

    def __init__(self, erasures: Erasures) -> None:
        self._stand: Hashable = None
        self._entries: Memo[tuple[Hashable, int], Shown] = Memo(_MOST_SHOWN, erasures)

    def recall(self, stand: Hashable, seqs: Sequence[int], whom: Hashable) -> list[Shown] | None:
        """All of these entries as `whom` is shown them where the log stands; None where one is not remembered."""
        if stand != self._stand:
            return None
        peek = self._entries.peek
        entries = [peek((whom, seq)) for seq in seqs]
        return None if None in entries else cast(list[Shown], entries)

    def clear(self) -> None:
        """Remember nothing."""
        self._entries.clear()

    def keep(self, stand: Hashable, entries: Sequence[Shown], whom: Hashable) -> None:
        """Remember entries that were made where the log stands; of long lists nothing."""
        if len(entries) > MAX_LIMIT:
            return
        if stand != self._stand:
            self._stand = stand
            self._entries.clear()
        for entry in entries:
            self._entries.put((whom, entry.seq), entry)


class Reader(Struct, frozen=True):
    """What showing needs: the store, one organisation, its catalogue, its projection, and what was lately.

    `folded` are the labels of items as they are sorted, each worked out once.
    """

    store: Store
    org: str
    catalogue: Catalogue
    projection: Projection
    sentences: Sentences
    shown_lately: ShownLately
    folded: Memo[str, str]

    def show(
        self, seqs: Sequence[int], lang: str, sees: Sees, damaged: list[int] | None = None
    ) -> list[Shown]:
        """The entries at these seqs as whoever sees these categories does, in the order asked; removed ones left out.

        What cannot be read goes into `damaged`, where that is given. Raises: DamagedError where it is not.
        """
        signed = proved_sizes(self.store, self.org)
        with self.projection.lock:
            stand, hidden = self.projection.stand, self.projection.hidden(sees).numbers
            remembered = self.shown_lately.recall((stand, signed), seqs, (lang, hidden))
        if remembered is not None:
            return remembered
        bodies = self._bodies(seqs, damaged)
        causes = self._causes(bodies, sees)
        with self.projection.lock:
            at_hand = self._at_hand([body for _, body in bodies], hidden, causes)
            counted = [
                body.id for _, body in bodies if not body.concerns and body.action in self.sentences.counted
            ]
            at_hand.led_to.update(self.projection.led_to(counted, hidden))
            entries = [
                self._shown(seq, body, at_hand, lang=lang, state=entry_state(seq, signed))
                for seq, body in bodies
            ]
            if stand == self.projection.stand:  # else a body may have been removed since it was read
                self.shown_lately.keep((stand, signed), entries, (lang, hidden))
            return entries

    def _causes(self, bodies: Sequence[tuple[int, Body]], sees: Sees) -> frozenset[str]:
        causes = (body.caused_by for _, body in bodies if body.caused_by is not None)
        return shown_causes(self.store, self.org, self.projection, sees, causes)

    def views(self, seqs: Sequence[int], lang: str, sees: Sees) -> list[EntryFacts]:
        """The same entries as `matches` reads them: with every word their items' names ever had."""
        bodies = self._bodies(seqs)
        causes = self._causes(bodies, sees)
        bodies = [(seq, _as_told(body, causes)) for seq, body in bodies]
        with self.projection.lock:
            at_hand = self._at_hand([body for _, body in bodies])
        return [self._facts(seq, body, at_hand, lang=lang) for seq, body in bodies]

    def related(self, entry: Shown, plan: Plan) -> list[int]:
        """The seqs of what belongs together with an entry, newest first."""
        linked = [Clause("cause", (sixty_bits(entry.id),))]
        if entry.correlation is not None:
            linked.append(Clause("correlation", (sixty_bits(entry.correlation),)))
        plans = [structs.replace(plan, clauses=(*plan.clauses, clause)) for clause in linked]
        seqs = {seq for link in plans for seq in self.projection.ask(partial(_all_seqs, plan=link))}
        if entry.caused_by is not None:
            seqs.update(self.store.seq_of(self.org, [UUID(entry.caused_by)]).values())
        seqs -= {entry.seq}
        # The index keeps 60 bits of an id: the bodies say who really belongs.
        bodies = [(seq, body) for seq, body in self._bodies(sorted(seqs)) if _belongs(entry, body)]
        bodies.sort(key=lambda pair: (pair[1].occurred_at, pair[0]), reverse=True)
        return [seq for seq, _ in bodies]

    def _bodies(self, seqs: Sequence[int], damaged: list[int] | None = None) -> list[tuple[int, Body]]:
        stored = self.store.kept_at(self.org, seqs)
        if damaged is None:
            return [(row.seq, decode_body(row.body)) for row in stored if row.body is not None]
        bodies, unread = readable(stored)
        damaged += unread
        return bodies

    def _at_hand(
        self, bodies: Sequence[Body], hidden: Hidden = (), causes: frozenset[str] = frozenset()
    ) -> "_AtHand":
        identities = self.projection.identities
        cited = identities.of(token for body in bodies for token in body.tokens())
        versions = identities.versions(i.item for i in cited.values() if i.type != "origin")
        return _AtHand(cited, versions, {}, hidden, causes)

    def _shown(self, seq: int, body: Body, at_hand: "_AtHand", *, lang: str, state: State) -> Shown:
        def item(shape: type[Any], token: str, **more: str) -> Any:
            return self._item(shape, at_hand, token, more)

        target: ShownItem = item(ShownItem, body.target)
        shown = Shown(
            id=body.id,
            seq=seq,
            occurred_at=body.occurred_at,
            recorded_at=body.recorded_at,
            category=body.category,
            action=body.action,
            outcome=cast(Outcome, body.outcome),
            actor=item(ShownActor, body.actor.item, kind=body.actor.kind),
            target=target,
            on_behalf_of=None if body.on_behalf_of is None else item(ShownItem, body.on_behalf_of),
            concerns=tuple(item(ShownConcern, c.item, part=c.part) for c in body.concerns),
            fields=body.fields,
            purpose=body.purpose,
            effective_at=body.effective_at,
            correlation=body.correlation,
            caused_by=_as_told(body, at_hand.causes).caused_by,
            origin=_origin(body, at_hand.cited),
            source=item(ShownItem, body.source),
            self_=_own(body, at_hand.cited),
            sentence="",
            link=self.catalogue.link(target.type, target.id) if target.exists and target.id else None,
            state=state,
        )
        # How many it was about: its concerns, or, where its sentence counts them, the entries it led to.
        count = at_hand.led_to.get(shown.id, len(shown.concerns))
        return structs.replace(shown, sentence=self.sentences.say(shown.id, spoken(shown, count), lang))

    def pieces(self, shown: Shown, lang: str, sees: Sees) -> tuple[Pronounced, ...]:
        """The sentence of an entry that was shown to whoever sees these categories, in pieces, each name apart."""
        pieces = self.sentences.pieces(shown.id, shown.sentence, lang)
        if pieces is not None:
            return pieces
        count = len(shown.concerns)
        if not count and shown.action in self.sentences.counted:
            count = self.projection.led_to([shown.id], self.projection.hidden(sees).numbers)[shown.id]
        return sentence_pieces(self.catalogue, spoken(shown, count), lang)

    def _item(self, shape: type[Any], at_hand: "_AtHand", token: str, more: dict[str, str]) -> Any:
        cited = at_hand.cited[token]
        if cited.id is None:
            return shape(type=cited.type, id=None, name=None, erased=True, pseudonym=pseudonym(cited), **more)
        now = self.projection.name_now(at_hand.versions[cited.item], at_hand.hidden)
        return shape(
            type=cited.type,
            id=cited.id,
            name=cited.name,
            exists=self.projection.exists(cited.item, at_hand.hidden),
            name_now=None if now == cited.name else now,
            **more,
        )

    def _facts(self, seq: int, body: Body, at_hand: "_AtHand", *, lang: str) -> EntryFacts:
        cited, versions = at_hand.cited, at_hand.versions
        entry = entry_of(seq, body, cited)
        tokens = [body.actor.item, body.target, *(c.item for c in body.concerns)]
        tokens += [body.on_behalf_of] if body.on_behalf_of else []
        names = [v.name for token in tokens for v in versions[cited[token].item] if v.name is not None]
        folded = [word for name in names for word in words(name)]
        folded += self.projection.label_words(body.action, lang)
        return EntryFacts(entry=entry, words=frozenset(folded), self_=self_of(entry))


def new_reader(store: Store, org: str, projection: Projection) -> Reader:
    """A reader of one log that remembers nothing yet."""
    catalogue, erasures = projection.catalogue, projection.erasures
    return Reader(
        store=store,
        org=org,
        catalogue=catalogue,
        projection=projection,
        sentences=Sentences(catalogue, erasures),
        shown_lately=ShownLately(erasures),
        folded=Memo(_MOST_LABELS, erasures),
    )


class _AtHand(Struct, frozen=True):
    """Identities at hand: by token as cited, every version of those items; and how many each entry led to.

    What is hidden from whoever is shown it, and which causes may be told.
    """

    cited: dict[str, Identity]
    versions: dict[int, tuple[Identity, ...]]
    led_to: dict[str, int]
    hidden: Hidden
    causes: frozenset[str]


def _as_told(body: Body, causes: frozenset[str]) -> Body:
    """A body without a cause of which whoever is shown it may not know."""
    if body.caused_by is None or body.caused_by in causes:
        return body
    return structs.replace(body, caused_by=None)


def _all_seqs(pieces: Sequence[Piece], plan: Plan) -> list[int]:
    return [int(seq) for seqs in every_seq(pieces, plan) for seq in seqs]


def _own(body: Body, cited: dict[str, Identity]) -> bool:
    """Whether the actor is the target or concerned, and acted on nobody's behalf: `self_of`, by item number."""
    actor = cited[body.actor.item].item
    touched = (body.target, *(concern.item for concern in body.concerns))
    return body.on_behalf_of is None and any(cited[token].item == actor for token in touched)


def _belongs(entry: Shown, body: Body) -> bool:
    together = entry.correlation is not None and body.correlation == entry.correlation
    return together or body.caused_by == entry.id or body.id == entry.caused_by


def entry_of(seq: int, body: Body, cited: dict[str, Identity]) -> Entry:
    """The entry of a body; an item that was erased has the id "" and no name."""

    def item(token: str) -> dict[str, Any]:
        identity = cited[token]
        return {"type": identity.type, "id": identity.id or "", "name": identity.name}

    origin = None if body.origin.item is None else cited[body.origin.item]
    return Entry(
        id=UUID(body.id),
        seq=seq,
        occurred_at=parse_instant(body.occurred_at),
        recorded_at=parse_instant(body.recorded_at),
        category=body.category,
        action=body.action,
        outcome=cast(Outcome, body.outcome),
        actor=Actor(kind=body.actor.kind, **item(body.actor.item)),
        target=Item(**item(body.target)),
        origin=Origin(
            interface=cast(Interface, body.origin.interface),
            ip=origin.id or None if origin else None,
            user_agent=origin.name if origin else None,
        ),
        source=Item(**item(body.source)),
        on_behalf_of=None if body.on_behalf_of is None else Item(**item(body.on_behalf_of)),
        concerns=tuple(Concern(part=c.part, **item(c.item)) for c in body.concerns),
        fields=body.fields,
        purpose=body.purpose,
        effective_at=body.effective_at,
        correlation=body.correlation,
        caused_by=None if body.caused_by is None else UUID(body.caused_by),
    )


def pseudonym(identity: Identity) -> str:
    """Four hex digits that stay the same for an erased item, whichever of its versions is cited."""
    return hashlib.sha256(f"trailbook/pseudonym/{identity.item}".encode()).hexdigest()[:4].upper()


def _origin(body: Body, cited: dict[str, Identity]) -> ShownOrigin:
    interface = cast(Interface, body.origin.interface)
    if body.origin.item is None:
        return ShownOrigin(interface=interface)
    origin = cited[body.origin.item]
    if origin.id is None:
        return ShownOrigin(interface=interface, erased=True)
    return ShownOrigin(interface=interface, ip=origin.id or None, user_agent=origin.name)
