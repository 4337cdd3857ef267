"""The rows of an export: what a file needs of each entry, and no more, many at a time.

Owns how bodies become lines quickly: an item is brought together once, the sentence of a shape once, and only
names are filled in. Refuses to write any format, and to say anything else than `reader.py` says of the same
entry: a test holds the two together. Whoever is erased has no name in the batches that follow.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Struct, structs

from trailbook.catalogue import Catalogue, Named, Spoken, leave_out, says_count, sentence_pieces
from trailbook.errors import DamagedError
from trailbook.finding.answers import ShownItem, ShownOrigin
from trailbook.finding.bound import BoundQuery, Sees
from trailbook.finding.finder import sight
from trailbook.finding.memo import Erasures, Memo
from trailbook.finding.reader import Reader, pseudonym
from trailbook.model import Kind, Outcome, State
from trailbook.proofs import entry_state, proved_sizes
from trailbook.stores import Identity, Ledger

BATCH = 2_000  # entries read at once
_MOST_FACES = 20_000  # items remembered within one export; about 30 MB
_MOST_SHAPES = 5_000
_DENSE = 4  # seqs that lie closer than this are read as one stretch
_Shape = Callable[[tuple[str, ...]], str]
_SLOT = re.compile("\ue000([0-9]+)\ue001")


class _Actor(Struct, frozen=True, gc=False):
    item: str
    kind: Kind


class _Concern(Struct, frozen=True, gc=False):
    item: str
    part: str


class _Origin(Struct, frozen=True, gc=False):
    interface: str
    item: str | None = None


class StoredBody(Struct, frozen=True, gc=False):
    """What `canonical.Body` says, held so that the garbage collector need not look at thousands of them."""

    action: str
    actor: _Actor
    category: str
    id: str
    occurred_at: str
    origin: _Origin
    outcome: Outcome
    recorded_at: str
    source: str
    target: str
    caused_by: str | None = None
    concerns: tuple[_Concern, ...] = ()
    correlation: str | None = None
    effective_at: str | None = None
    fields: tuple[str, ...] = ()
    on_behalf_of: str | None = None
    purpose: str | None = None


_decoder = msgspec.json.Decoder(StoredBody)


class Face(Struct, gc=False, eq=False):
    """An item as a file shows it: `shown` as the API does, `name` or pseudonym, `item` as `type/id`, `link`.

    `raw` holds its JSON once a format asked for it, by part or kind; `places` those of an origin, by interface.
    """

    identity: Identity
    shown: ShownItem
    name: str
    item: str
    called: str
    link: str | None
    key: tuple[str, str]
    same: tuple[str, str, str]
    look: int
    says: tuple[str, ...]
    raw: dict[str, msgspec.Raw]
    places: "dict[str, ShownPlace]"


class ShownPlace(Struct, gc=False, eq=False):
    """An origin as a file shows it, with its JSON."""

    identity: Identity | None
    shown: ShownOrigin
    raw: msgspec.Raw


class ExportLine(Struct, gc=False, eq=False):
    """One entry on its way into a file."""

    seq: int
    body: StoredBody
    actor: Face
    target: Face
    source: Face
    behalf: Face | None
    concerns: tuple[tuple[str, Face], ...]
    origin: ShownPlace
    own: bool
    state: State
    sentence: str = ""


class ExportRows(Struct, frozen=True, kw_only=True):
    """What an export has: exactly `count` entries of those below `as_of`, in batches."""

    count: int
    as_of: int
    batches: Iterator[list[ExportLine]]


class RowSource(Struct, frozen=True, kw_only=True):
    """Whose reader brings the rows together, for whom, in which language they speak, and whether they speak at all."""

    reader: Reader
    sees: Sees
    lang: str
    sentences: bool = True


class ExportLines:
    """Makes lines of seqs; remembers the items and the shapes of sentences it has met."""

    def __init__(self, source: RowSource) -> None:
        self._source = source
        self._reader = source.reader
        erasures = source.reader.erasures
        self._faces: Memo[str, Face] = Memo(_MOST_FACES, erasures)
        self._looks: dict[tuple[str, bool, bool], int] = {}
        self._nowhere: dict[str, ShownPlace] = {}  # of entries that say no more than the interface
        self._speech = Speech(source.reader.catalogue, source.lang, erasures)

    def batch(self, seqs: Sequence[int]) -> list[ExportLine]:
        """The lines of these seqs, in their order; removed entries are left out. Raises: DamagedError."""
        rows = [
            (seq, _decoded(seq, body)) for seq, body in bodies(self._reader.store, self._reader.org, seqs)
        ]
        rows = self._as_told(rows)
        signed = proved_sizes(self._reader.store, self._reader.org)
        seen = sight(self._reader.finder, self._source.sees)
        faces = self._faces.values(
            _tokens(body for _, body in rows), lambda tokens: self._make_faces(tokens, seen)
        )
        counted = [body.id for _, body in rows if self._speech.counts(body)]
        self._speech.led_to = self._reader.items.led_to(counted, seen)
        return [self._line(body, seq, entry_state(seq, signed), faces) for seq, body in rows]

    def _as_told(self, rows: list[tuple[int, StoredBody]]) -> list[tuple[int, StoredBody]]:
        """The rows without causes of which whoever they are for may not know."""
        causes = {body.caused_by for _, body in rows if body.caused_by is not None}
        hidden = causes - self._reader.citing.shown_causes(self._source.sees, causes)
        if not hidden:
            return rows
        return [(s, structs.replace(b, caused_by=None) if b.caused_by in hidden else b) for s, b in rows]

    def _make_faces(self, tokens: set[str], seen: BoundQuery) -> dict[str, Face]:
        identities = self._reader.items.identities
        cited = identities.of(tokens)
        if len(cited) < len(tokens):
            raise DamagedError(f"{len(tokens) - len(cited)} tokens of these entries are not in the directory")
        versions = identities.versions(i.item for i in cited.values() if self._may_be_named(i.type))
        ended = self._reader.items.ended({i.item for i in cited.values()}, seen)
        shown = {
            token: self._shown(identity, versions.get(identity.item, ()), seen, ended=ended)
            for token, identity in cited.items()
        }
        return {token: self._face(identity, shown[token]) for token, identity in cited.items()}

    def _may_be_named(self, type_: str) -> bool:
        """Whether an item of this type may have versions with other names."""
        declared = self._reader.catalogue.types.get(type_)
        return type_ != "origin" and (declared is None or declared.named)

    def _face(self, identity: Identity, shown: ShownItem) -> Face:
        id_, name = identity.id or "", identity.name
        erased = shown.pseudonym or ""
        item = f"{identity.type}/{id_}" if identity.id is not None else identity.type
        named = f"erased {erased}" if shown.erased else name or ""
        link = None
        if shown.exists and not shown.erased and identity.type != "origin":
            link = self._reader.catalogue.link(identity.type, id_)
        return Face(
            identity=identity,
            shown=shown,
            name=named,
            item=item,
            called=f"{named} ({item})" if named else item,
            link=link,
            key=(identity.type, id_),
            same=(identity.type, id_, erased),
            look=self._looks.setdefault((identity.type, shown.erased, name is None), len(self._looks)),
            says=(erased if shown.erased else name or "", id_),
            raw={},
            places={},
        )

    def _shown(
        self, identity: Identity, versions: Sequence[Identity], seen: BoundQuery, *, ended: set[int]
    ) -> ShownItem:
        if identity.id is None:
            return ShownItem(
                type=identity.type, id=None, name=None, erased=True, pseudonym=pseudonym(identity)
            )
        now = self._reader.items.name_now(versions, seen) if versions else identity.name
        return ShownItem(
            type=identity.type,
            id=identity.id,
            name=identity.name,
            exists=identity.item not in ended,
            name_now=None if now == identity.name else now,
        )

    def _line(self, body: StoredBody, seq: int, state: State, faces: Mapping[str, Face]) -> ExportLine:
        actor, target = faces[body.actor.item], faces[body.target]
        behalf = None if body.on_behalf_of is None else faces[body.on_behalf_of]
        concerns: tuple[tuple[str, Face], ...] = ()
        own = behalf is None and actor.key == target.key
        if body.concerns:
            concerns = tuple([(c.part, faces[c.item]) for c in body.concerns])
            own = own or (behalf is None and any(face.key == actor.key for _, face in concerns))
        origin = None if body.origin.item is None else faces[body.origin.item]
        places = self._nowhere if origin is None else origin.places
        place = places.get(body.origin.interface)
        if place is None:
            place = places[body.origin.interface] = _place(origin, body.origin.interface)
        line = ExportLine(seq, body, actor, target, faces[body.source], behalf, concerns, place, own, state)
        if self._source.sentences:
            line.sentence = self._speech.say(line)
        return line


class Speech:
    """Sentences by shape: entries that differ only in names have one template, filled in."""

    def __init__(self, catalogue: Catalogue, lang: str, erasures: Erasures) -> None:
        self._catalogue = catalogue
        self._lang = lang
        self.led_to: dict[str, int] = {}  # by entry: how many it led to, where its sentence counts them
        self._counted = {name: says_count(catalogue, name) for name in catalogue.actions}
        self._leaving_out = leave_out(catalogue, lang)
        self._shapes: Memo[Hashable, _Shape] = Memo(_MOST_SHAPES, erasures)

    def counts(self, body: StoredBody) -> bool:
        """Whether the sentence of an entry says how many it led to."""
        return not body.concerns and self._counted.get(body.action, False)

    def say(self, line: ExportLine) -> str:
        """The sentence of a line, word for word that of `sentences.say`."""
        body, actor, target, concerns = line.body, line.actor, line.target, line.concerns
        looks = [actor.look, target.look]
        says = actor.says + target.says
        count = len(concerns)
        if line.behalf is not None:
            looks.append(line.behalf.look)
            says += line.behalf.says
        for _, face in concerns:
            looks.append(face.look)
            says += face.says
        if not count and self._counted.get(body.action):
            count = self.led_to[body.id]
        parts = ",".join([part for part, _ in concerns]) if concerns else ""
        # What was done for somebody names them once, so it matters whether they are among the others.
        alike = line.own or line.behalf is not None or body.action in self._leaving_out
        same = _like(line) if alike else None
        key = (body.action, body.outcome, body.actor.kind, line.behalf is None, *looks, parts, count, same)
        shape = self._shapes.peek(key)
        if shape is None:
            shape = self._shape(line, count)
            self._shapes.put(key, shape)
        return shape(says)

    def _shape(self, line: ExportLine, count: int) -> _Shape:
        faces = _faces(line)
        named = [_slotted(faces, at) for at in range(len(faces))]
        first = 2 if line.behalf is None else 3
        spoken = Spoken(
            action=line.body.action,
            outcome=line.body.outcome,
            self_=line.own,
            kind=line.body.actor.kind,
            actor=named[0],
            target=named[1],
            on_behalf_of=None if line.behalf is None else named[2],
            concerns=tuple(
                (part, name) for (part, _), name in zip(line.concerns, named[first:], strict=True)
            ),
            count=count,
        )
        pieces = sentence_pieces(self._catalogue, spoken, self._lang)
        cut = _SLOT.split("".join(piece.text for piece in pieces))
        form = "%s".join(text.replace("%", "%%") for text in cut[::2])
        # A sentence begins with a capital letter, but for the name of who did it (catalogue/sentences.py).
        capital = not cut[0] and pieces[0].item != ("actor", 0)
        return _filler(form, [int(at) for at in cut[1::2]], capital)


def bodies(store: Ledger, org: str, seqs: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The bodies at these seqs, in their order; read as one stretch where they lie close together."""
    if not seqs:
        return iter(())
    low, high = min(seqs), max(seqs) + 1
    if high - low > _DENSE * len(seqs):
        return ((row.seq, row.body) for row in store.kept_at(org, seqs) if row.body is not None)
    stretch = {row.seq: row.body for row in store.kept(org, low, high)}
    chosen = ((seq, stretch.get(seq)) for seq in seqs)
    return ((seq, body) for seq, body in chosen if body is not None)


def line_batches(lines: ExportLines, batches: Iterable[Sequence[int]]) -> Iterator[list[ExportLine]]:
    """The lines of seqs that come some at a time."""
    return (lines.batch(seqs) for seqs in batches)


def _decoded(seq: int, body: bytes) -> StoredBody:
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"the stored body of entry {seq} cannot be read: {error}") from error


def _tokens(bodies: Iterable[StoredBody]) -> set[str]:
    tokens: set[str] = set()
    for body in bodies:
        tokens.update((body.actor.item, body.target, body.source))
        if body.origin.item is not None:
            tokens.add(body.origin.item)
        if body.concerns:
            tokens.update([concern.item for concern in body.concerns])
        if body.on_behalf_of is not None:
            tokens.add(body.on_behalf_of)
    return tokens


def _faces(line: ExportLine) -> list[Face]:
    behalf = [] if line.behalf is None else [line.behalf]
    return [line.actor, line.target, *behalf, *(face for _, face in line.concerns)]


def _like(line: ExportLine) -> tuple[int, ...]:
    """For each item of a line where the same item stands first: who is the same as whom."""
    first: dict[tuple[str, str, str], int] = {}
    return tuple([first.setdefault(face.same, at) for at, face in enumerate(_faces(line))])


def _slotted(faces: Sequence[Face], at: int) -> Named:
    """An item whose texts are places to fill; the same item has the same id, as whoever compares them expects."""
    face = faces[at]
    first = next(i for i, other in enumerate(faces) if other.same == face.same)
    name, id_ = f"\ue000{2 * at}\ue001", f"\ue000{2 * first + 1}\ue001"
    if face.shown.erased:
        return Named(type=face.shown.type, erased=True, token4=f"\ue000{2 * first}\ue001")
    return Named(type=face.shown.type, id=id_, name=None if face.shown.name is None else name)


def _filler(form: str, order: list[int], capital: bool) -> _Shape:
    if not order:
        sentence = form % ()
        return lambda says: sentence
    pick = itemgetter(*order)  # of one it gives the text itself, which fills a form as well as a tuple does
    if capital:
        return lambda says: _capital(form % pick(says))
    return lambda says: form % pick(says)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _place(face: Face | None, interface: str) -> ShownPlace:
    identity = None if face is None else face.identity
    members: dict[str, Any] = {"interface": interface}
    if identity is not None and identity.id is None:
        members["erased"] = True
    elif identity is not None:
        members |= {"ip": identity.id or None, "user_agent": identity.name}
    shown = ShownOrigin(**members)
    return ShownPlace(identity=identity, shown=shown, raw=msgspec.Raw(msgspec.json.encode(shown)))
