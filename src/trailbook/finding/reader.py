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

from trailbook.catalogue import Catalogue, Spoken, says_count, sentence_pieces
from trailbook.catalogue import SentencePiece as Pronounced
from trailbook.finding.answers import Shown, ShownActor, ShownConcern, ShownItem, ShownOrigin, spoken
from trailbook.finding.embedded.identities import Identities
from trailbook.finding.embedded.projection import Projection, readable
from trailbook.index import Clause, Piece, Plan, every_seq
from trailbook.model import Actor, Concern, Entry, Interface, Item, Origin, Outcome, State, parse_instant
from trailbook.proofs import entry_state, proved_sizes
from trailbook.query import MAX_LIMIT, EntryFacts, fold, self_of, words
from trailbook.record import Body, decode_body, sixty_bits
from trailbook.stores import Identity, Store

_MOST = 20_000  # sentences remembered before starting afresh; about 20 MB
_MOST_PLACES = 100_000  # items remembered in their places; about 25 MB
_MOST_SHOWN = 4_000  # entries remembered as they were shown; about 12 MB


class Sayings:
    """Sentences said lately, in pieces: the rows of one page are those of the next one, or of another filter.

    What names somebody who is erased by now is never answered: everything is forgotten with the identities.
    """

    def __init__(self, catalogue: Catalogue, identities: Identities) -> None:
        self._catalogue = catalogue
        self._identities = identities
        self._forgotten = identities.forgotten
        self.counted = frozenset(name for name in catalogue.actions if says_count(catalogue, name))
        self._said: dict[tuple[str, Spoken], tuple[tuple[Pronounced, ...], str]] = {}
        self._of: dict[tuple[str, str, str], tuple[Pronounced, ...]] = {}

    def say(self, id_: str, spoken: Spoken, lang: str) -> str:
        """The sentence of an entry. Raises: CatalogueError where the catalogue does not have the language."""
        if self._forgotten != self._identities.forgotten or len(self._of) >= _MOST:
            self._forgotten, self._said, self._of = self._identities.forgotten, {}, {}
        found = self._said.get((lang, spoken))
        if found is None:
            said = sentence_pieces(self._catalogue, spoken, lang)
            found = self._said[lang, spoken] = said, "".join(piece.text for piece in said)
        self._of[lang, id_, found[1]] = found[0]
        return found[1]

    def pieces(self, id_: str, sentence: str, lang: str) -> tuple[Pronounced, ...] | None:
        """The pieces of a sentence that was said of an entry; None where that was too long ago."""
        return self._of.get((lang, id_, sentence))


class Lately:
    """Entries as they were shown lately, for as long as the log stands where it stood then.

    What an entry shows besides its body - names by now, whether items exist, its state - follows from the log: with
    whatever is recorded, signed, removed or erased all of it is forgotten. Whoever asks holds the projection's lock.
    """

    def __init__(self) -> None:
        self._stand: Hashable = None
        self._shown: dict[tuple[str, int], Shown] = {}

    def found(self, stand: Hashable, seqs: Sequence[int], lang: str) -> list[Shown] | None:
        """All of these entries as they are shown where the log stands; None where one is not remembered."""
        if stand != self._stand:
            return None
        found = [self._shown.get((lang, seq)) for seq in seqs]
        return None if None in found else cast(list[Shown], found)

    def keep(self, stand: Hashable, shown: Sequence[Shown], lang: str) -> None:
        """Remember entries that were made where the log stands; of long lists nothing."""
        if len(shown) > MAX_LIMIT:
            return
        if stand != self._stand or len(self._shown) + len(shown) > _MOST_SHOWN:
            self._stand, self._shown = stand, {}
        self._shown.update(((lang, one.seq), one) for one in shown)


class Alphabet:
    """What items are sorted by, worked out once for each; forgotten with the identities, for these are names."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._forgotten = identities.forgotten
        self._places: dict[int, tuple[str, str]] = {}

    def place(self, item: int, label: str) -> str:
        """Where a label of an item stands."""
        if self._forgotten != self._identities.forgotten or len(self._places) > _MOST_PLACES:
            self._forgotten, self._places = self._identities.forgotten, {}
        found = self._places.get(item)
        if found is None or found[0] != label:
            found = self._places[item] = label, fold(label)
        return found[1]


class Reader(Struct, frozen=True):
    """What showing needs: the store, one organisation, its catalogue, its projection, and what was lately."""

    store: Store
    org: str
    catalogue: Catalogue
    projection: Projection
    sayings: Sayings
    lately: Lately
    alphabet: Alphabet

    def show(self, seqs: Sequence[int], lang: str, damaged: list[int] | None = None) -> list[Shown]:
        """The entries at these seqs as a viewer sees them, in the order asked; removed ones are left out.

        What cannot be read goes into `damaged`, where that is given. Raises: DamagedError where it is not.
        """
        signed = proved_sizes(self.store, self.org)
        with self.projection.lock:
            stand = self.projection.stand
            found = self.lately.found((stand, signed), seqs, lang)
        if found is not None:
            return found
        bodies = self._bodies(seqs, damaged)
        with self.projection.lock:
            known = self._known([body for _, body in bodies])
            counted = [
                body.id for _, body in bodies if not body.concerns and body.action in self.sayings.counted
            ]
            known.led_to.update(self.projection.led_to(counted))
            made = [self._shown((seq, entry_state(seq, signed)), body, known, lang) for seq, body in bodies]
            if stand == self.projection.stand:  # else a body may have been removed since it was read
                self.lately.keep((stand, signed), made, lang)
            return made

    def views(self, seqs: Sequence[int], lang: str) -> list[EntryFacts]:
        """The same entries as `matches` reads them: with every word their items' names ever had."""
        bodies = self._bodies(seqs)
        with self.projection.lock:
            known = self._known([body for _, body in bodies])
        return [self._view(seq, body, known, lang) for seq, body in bodies]

    def related(self, entry: Shown, plan: Plan) -> list[int]:
        """The seqs of what belongs together with an entry, newest first."""
        linked = [Clause("cause", (sixty_bits(entry.id),))]
        if entry.correlation is not None:
            linked.append(Clause("correlation", (sixty_bits(entry.correlation),)))
        plans = [structs.replace(plan, clauses=(*plan.clauses, clause)) for clause in linked]
        found = {seq for asked in plans for seq in self.projection.ask(partial(_all_seqs, plan=asked))}
        if entry.caused_by is not None:
            found.update(self.store.seq_of(self.org, [UUID(entry.caused_by)]).values())
        found -= {entry.seq}
        # The index keeps 60 bits of an id: the bodies say who really belongs.
        bodies = [(seq, body) for seq, body in self._bodies(sorted(found)) if _belongs(entry, body)]
        bodies.sort(key=lambda pair: (pair[1].occurred_at, pair[0]), reverse=True)
        return [seq for seq, _ in bodies]

    def _bodies(self, seqs: Sequence[int], damaged: list[int] | None = None) -> list[tuple[int, Body]]:
        kept = self.store.kept_at(self.org, seqs)
        if damaged is None:
            return [(row.seq, decode_body(row.body)) for row in kept if row.body is not None]
        bodies, unread = readable(kept)
        damaged += unread
        return bodies

    def _known(self, bodies: Sequence[Body]) -> "_AtHand":
        known = self.projection.identities
        cited = known.of(token for body in bodies for token in body.tokens())
        return _AtHand(cited, known.versions(i.item for i in cited.values() if i.type != "origin"), {})

    def _shown(self, at: tuple[int, State], body: Body, known: "_AtHand", lang: str) -> Shown:
        def item(shape: type[Any], token: str, **more: str) -> Any:
            return self._item(shape, known, token, more)

        seq, state = at
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
            caused_by=body.caused_by,
            origin=_origin(body, known.cited),
            source=item(ShownItem, body.source),
            self_=_own(body, known.cited),
            sentence="",
            link=self.catalogue.link(target.type, target.id) if target.exists and target.id else None,
            state=state,
        )
        # How many it was about: its concerns, or, where its sentence counts them, the entries it led to.
        count = known.led_to.get(shown.id, len(shown.concerns))
        return structs.replace(shown, sentence=self.sayings.say(shown.id, spoken(shown, count), lang))

    def pieces(self, shown: Shown, lang: str) -> tuple[Pronounced, ...]:
        """The sentence of an entry that was shown, in pieces, each name apart."""
        found = self.sayings.pieces(shown.id, shown.sentence, lang)
        if found is not None:
            return found
        count = len(shown.concerns)
        if not count and shown.action in self.sayings.counted:
            count = self.projection.led_to([shown.id])[shown.id]
        return sentence_pieces(self.catalogue, spoken(shown, count), lang)

    def _item(self, shape: type[Any], known: "_AtHand", token: str, more: dict[str, str]) -> Any:
        cited = known.cited[token]
        if cited.id is None:
            return shape(type=cited.type, id=None, name=None, erased=True, pseudonym=pseudonym(cited), **more)
        now = self.projection.name_now(known.versions[cited.item])
        return shape(
            type=cited.type,
            id=cited.id,
            name=cited.name,
            exists=self.projection.exists(cited.item),
            name_now=None if now == cited.name else now,
            **more,
        )

    def _view(self, seq: int, body: Body, known: "_AtHand", lang: str) -> EntryFacts:
        entry = entry_of(seq, body, known.cited)
        tokens = [body.actor.item, body.target, *(c.item for c in body.concerns)]
        tokens += [body.on_behalf_of] if body.on_behalf_of else []
        names = [v.name for t in tokens for v in known.versions[known.cited[t].item] if v.name is not None]
        found = [word for name in names for word in words(name)]
        found += self.projection.label_words(body.action, lang)
        return EntryFacts(entry=entry, words=frozenset(found), self_=self_of(entry))


class _AtHand(Struct, frozen=True):
    """Identities at hand: by token as cited, every version of those items; and how many each entry led to."""

    cited: dict[str, Identity]
    versions: dict[int, tuple[Identity, ...]]
    led_to: dict[str, int]


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
        found = cited[token]
        return {"type": found.type, "id": found.id or "", "name": found.name}

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
    found = cited[body.origin.item]
    if found.id is None:
        return ShownOrigin(interface=interface, erased=True)
    return ShownOrigin(interface=interface, ip=found.id or None, user_agent=found.name)
