"""The way out: stored rows become entries to show and views to match, with names then and now.

Owns how a row is brought together from body, directory, finder and catalogue. Refuses to decide who may
read; `Log` has asked before.
"""

import hashlib
import sys
import threading
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from msgspec import Struct, structs

from trailbook.catalogue import Catalogue, SentencePiece as Pronounced, Spoken, says_count, sentence_pieces
from trailbook.finding.answers import Shown, ShownActor, ShownConcern, ShownItem, ShownOrigin, spoken
from trailbook.finding.binder import ActionWords, Binder
from trailbook.finding.bound import BoundQuery, BoundTerm, Sees
from trailbook.finding.citing import Citing
from trailbook.finding.finder import Finder, FinderMeans, sight
from trailbook.finding.items import Items, readable
from trailbook.finding.memo import Erasures, Memo
from trailbook.finding.origins import Origins
from trailbook.model import Actor, Concern, Entry, Interface, Item, Origin, Outcome, State, parse_instant
from trailbook.proofs import entry_state, proved_sizes
from trailbook.query import MAX_LIMIT, EntryFacts, self_of, words
from trailbook.record import Body, decode_body
from trailbook.stores import Identity, LogStore

_MOST_SENTENCES = 20_000  # about 20 MB
_MOST_LABELS = 100_000  # about 25 MB
_MOST_SHOWN = 4_000  # about 12 MB
_MOST_FIGURES = 128


_Directory = tuple[
    dict[str, Identity], dict[int, tuple[Identity, ...]]
]  # by token as cited, every version by item


class Sentence(Struct, frozen=True, gc=False):
    """A sentence, whole and in pieces."""

    pieces: tuple[Pronounced, ...]
    text: str


class Sentences:
    """Sentences said lately, in pieces: the rows of one page are those of the next one, or of another filter."""

    def __init__(self, catalogue: Catalogue, erasures: Erasures) -> None:
        self._catalogue = catalogue
        self._erasures = erasures
        self.counted = frozenset(name for name in catalogue.actions if says_count(catalogue, name))
        self._by_words: Memo[tuple[str, Spoken], Sentence] = Memo(_MOST_SENTENCES, erasures)
        self._by_entry: Memo[tuple[str, str, str], tuple[Pronounced, ...]] = Memo(_MOST_SENTENCES, erasures)

    def say(self, spoken: Spoken, lang: str, *, erasures: int) -> Sentence:
        """The sentence of an entry whose names were read after so many erasures.

        Raises: CatalogueError where the catalogue does not have the language.
        """
        sentence = self._by_words.peek((lang, spoken))
        if sentence is None:
            pieces = sentence_pieces(self._catalogue, spoken, lang)
            sentence = Sentence(pieces, "".join(piece.text for piece in pieces))
            self._erasures.keep(self._by_words, {(lang, spoken): sentence}, erasures)
        return sentence

    def keep(self, sentences: Mapping[str, Sentence], lang: str, *, erasures: int) -> None:
        """Remember the sentences that were said of entries, by their ids."""
        entries = {(lang, id_, sentence.text): sentence.pieces for id_, sentence in sentences.items()}
        self._erasures.keep(self._by_entry, entries, erasures)

    def pieces(self, id_: str, sentence: str, lang: str) -> tuple[Pronounced, ...] | None:
        """The pieces of a sentence that was said of an entry; None where that was too long ago."""
        return self._by_entry.peek((lang, id_, sentence))


class Stand(Struct, frozen=True):
    """Where a log stands: how far it reaches, how often something was removed or erased, and what was signed."""

    size: int
    erasures: int
    signed: Hashable


class ShownLately:
    """Entries as they were shown lately, for as long as the log stands where it stood then.

    What an entry shows besides its body - names by now, whether items exist, its state - follows from the log: with
    whatever is recorded, signed, removed or erased all of it is forgotten.
    """

    def __init__(self, erasures: Erasures) -> None:
        self._stand: Stand | None = None
        self._erasures = erasures
        self._entries: Memo[tuple[Hashable, int], Shown] = Memo(_MOST_SHOWN, erasures)
        self._lock = threading.Lock()  # all that is remembered is of one stand

    def recall(self, stand: Stand, seqs: Sequence[int], whom: Hashable) -> list[Shown] | None:
        """All of these entries as `whom` is shown them where the log stands; None where one is not remembered."""
        peek = self._entries.peek
        with self._lock:
            if stand != self._stand:
                return None
            entries = [peek((whom, seq)) for seq in seqs]
        return None if None in entries else cast(list[Shown], entries)

    def clear(self) -> None:
        """Remember nothing."""
        self._entries.clear()

    def keep(self, stand: Stand, entries: Sequence[Shown], whom: Hashable) -> None:
        """Remember entries that were made where the log stood; of long lists nothing."""
        if len(entries) > MAX_LIMIT:
            return
        with self._lock:
            if stand != self._stand:
                self._stand = stand
                self._entries.clear()
            self._entries.put_all({(whom, entry.seq): entry for entry in entries})
            if (
                self._erasures.count != stand.erasures
            ):  # somebody in them may be erased, or their bodies removed
                self._entries.clear()


class Reader(Struct, frozen=True):
    """What showing needs: the store, one organisation, its catalogue, its finder and items, and what was lately.

    `folded` are the labels of items as they are sorted, each worked out once; `figures` the lists of values
    and the bars that were made lately.
    """

    store: LogStore
    org: str
    catalogue: Catalogue
    finder: Finder
    items: Items
    citing: Citing
    action_words: ActionWords
    origins: Origins
    erasures: Erasures
    sentences: Sentences
    shown_lately: ShownLately
    folded: Memo[str, str]
    figures: Memo[Hashable, Any]

    def show(
        self, seqs: Sequence[int], lang: str, sees: Sees, damaged: list[int] | None = None
    ) -> list[Shown]:
        """The entries at these seqs as whoever sees these categories does, in the order asked; removed ones left out.

        What cannot be read goes into `damaged`, where that is given. Raises: DamagedError where it is not.
        """
        signed = proved_sizes(self.store, self.org)
        erasures, seen = self.erasures.count, sight(self.finder, sees)
        stand, whom = Stand(seen.as_of, erasures, signed), (lang, seen.hidden)
        remembered = self.shown_lately.recall(stand, seqs, whom)
        if remembered is not None:
            return remembered
        bodies = self._bodies(seqs, damaged)
        causes = self._causes(bodies, sees)
        at_hand = self._at_hand([body for _, body in bodies], seen, causes=causes, erasures=erasures)
        counted = [
            body.id for _, body in bodies if not body.concerns and body.action in self.sentences.counted
        ]
        at_hand.led_to.update(self.items.led_to(counted, seen))
        entries = [
            self._shown(seq, body, at_hand, lang=lang, state=entry_state(seq, signed)) for seq, body in bodies
        ]
        self.sentences.keep(at_hand.sentences, lang, erasures=erasures)
        self.shown_lately.keep(stand, entries, whom)
        return entries

    def _causes(self, bodies: Sequence[tuple[int, Body]], sees: Sees) -> frozenset[str]:
        causes = (body.caused_by for _, body in bodies if body.caused_by is not None)
        return self.citing.shown_causes(sees, causes)

    def views(self, seqs: Sequence[int], lang: str, sees: Sees) -> list[EntryFacts]:
        """The same entries as `matches` reads them: with every word their items' names ever had."""
        bodies = self._bodies(seqs)
        causes = self._causes(bodies, sees)
        bodies = [(seq, _as_told(body, causes)) for seq, body in bodies]
        cited = self.items.identities.of(token for _, body in bodies for token in body.tokens())
        versions = self._versions(cited)
        return [self._facts(seq, body, (cited, versions), lang=lang) for seq, body in bodies]

    def related(self, entry: Shown, query: BoundQuery) -> list[int]:
        """The seqs of what belongs together with an entry, newest first."""
        linked = [BoundTerm("cause", (entry.id,))]
        if entry.correlation is not None:
            linked.append(BoundTerm("correlation", (entry.correlation,)))
        queries = [structs.replace(query, terms=(*query.terms, term)) for term in linked]
        seqs = {seq for q in queries for seq in self.finder.seqs(q, order="seq", limit=sys.maxsize).seqs}
        if entry.caused_by is not None:
            seqs.update(self.store.seq_of(self.org, [UUID(entry.caused_by)]).values())
        seqs -= {entry.seq}
        # An index may keep 60 bits of an id: the bodies say who really belongs.
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
        self, bodies: Sequence[Body], seen: BoundQuery, *, causes: frozenset[str], erasures: int
    ) -> "_AtHand":
        cited = self.items.identities.of(token for body in bodies for token in body.tokens())
        ended = self.items.ended({i.item for i in cited.values()}, seen)
        return _AtHand(cited, self._versions(cited), ended, {}, {}, seen, causes, erasures)

    def _versions(self, cited: dict[str, Identity]) -> dict[int, tuple[Identity, ...]]:
        items = [identity for identity in cited.values() if identity.type != "origin"]
        versions = self.items.identities.versions(identity.item for identity in items)
        # Retention may have taken the last of an item since its entry was read: what was read answers for it.
        own = {item.item: (item,) for item in items}
        return {number: versions[number] or own[number] for number in versions}

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
        sentence = self.sentences.say(spoken(shown, count), lang, erasures=at_hand.erasures)
        at_hand.sentences[shown.id] = sentence
        return structs.replace(shown, sentence=sentence.text)

    def pieces(self, shown: Shown, lang: str, sees: Sees) -> tuple[Pronounced, ...]:
        """The sentence of an entry that was shown to whoever sees these categories, in pieces, each name apart."""
        pieces = self.sentences.pieces(shown.id, shown.sentence, lang)
        if pieces is not None:
            return pieces
        count = len(shown.concerns)
        if not count and shown.action in self.sentences.counted:
            count = self.items.led_to([shown.id], sight(self.finder, sees))[shown.id]
        return sentence_pieces(self.catalogue, spoken(shown, count), lang)

    def _item(self, shape: type[Any], at_hand: "_AtHand", token: str, more: dict[str, str]) -> Any:
        cited = at_hand.cited[token]
        if cited.id is None:
            return shape(type=cited.type, id=None, name=None, erased=True, pseudonym=pseudonym(cited), **more)
        now = self.items.name_now(at_hand.versions[cited.item], at_hand.seen)
        return shape(
            type=cited.type,
            id=cited.id,
            name=cited.name,
            exists=cited.item not in at_hand.ended,
            name_now=None if now == cited.name else now,
            **more,
        )

    def _facts(self, seq: int, body: Body, at_hand: _Directory, *, lang: str) -> EntryFacts:
        cited, versions = at_hand
        entry = entry_of(seq, body, cited)
        tokens = [body.actor.item, body.target, *(c.item for c in body.concerns)]
        tokens += [body.on_behalf_of] if body.on_behalf_of else []
        names = [v.name for token in tokens for v in versions[cited[token].item] if v.name is not None]
        folded = [word for name in names for word in words(name)]
        folded += self.action_words.of(body.action, lang)
        return EntryFacts(entry=entry, words=frozenset(folded), self_=self_of(entry))


def new_reader(means: FinderMeans, finder: Finder) -> Reader:
    """A reader of one log that remembers nothing yet."""
    catalogue, erasures = means.catalogue, means.erasures
    return Reader(
        store=means.store,
        org=means.org,
        catalogue=catalogue,
        finder=finder,
        items=Items(means, finder),
        citing=Citing(means.store, means.org, finder),
        action_words=ActionWords(catalogue, erasures),
        origins=Origins(means.store, means.org, erasures),
        erasures=erasures,
        sentences=Sentences(catalogue, erasures),
        shown_lately=ShownLately(erasures),
        folded=Memo(_MOST_LABELS, erasures),
        figures=Memo(_MOST_FIGURES, erasures),
    )


class _AtHand(Struct, frozen=True):
    """Identities at hand: by token as cited, every version of those items, and which of them are there no longer.

    How many entries each led to, what is said of each, all that whoever is shown them sees, and which causes may be
    told; all of it was read after so many `erasures`.
    """

    cited: dict[str, Identity]
    versions: dict[int, tuple[Identity, ...]]
    ended: set[int]
    led_to: dict[str, int]
    sentences: dict[str, Sentence]
    seen: BoundQuery
    causes: frozenset[str]
    erasures: int


def _as_told(body: Body, causes: frozenset[str]) -> Body:
    """A body without a cause of which whoever is shown it may not know."""
    if body.caused_by is None or body.caused_by in causes:
        return body
    return structs.replace(body, caused_by=None)


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


def new_binder(reader: Reader) -> Binder:
    """What binds filters to the log of a reader."""
    return Binder(
        store=reader.store,
        org=reader.org,
        catalogue=reader.catalogue,
        finder=reader.finder,
        action_words=reader.action_words,
        origins=reader.origins,
    )
