"""People before a letter is typed: those who were active last, or were concerned last, newest first.

Owns how far back is looked, and that readings of this log make nobody active. Refuses to count anybody, and to offer
whom `typeahead.py` would not: only who an entry that somebody sees cites.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import structs

from trailbook.finding.answers import FoundItem
from trailbook.finding.bound import BoundQuery, BoundTerm
from trailbook.finding.finder import sight
from trailbook.finding.items import readable
from trailbook.finding.namesakes import told_apart
from trailbook.finding.reader import Reader
from trailbook.finding.typeahead import MOST, ItemQuery, Part, find_items, named_items, offer, visible_items
from trailbook.index import Place
from trailbook.record import Body

_TURN, _TURNS = 100, 10  # entries; who was active before a thousand of them is people by name
_READINGS = BoundTerm("category", values=("activity_log",), negated=True)


def offer_items(reader: Reader, query: ItemQuery) -> list[FoundItem]:
    """Items by what was typed; where nothing is, people by when they were active or concerned.

    Raises: FilterInvalidError when the text is too long or has forbidden characters.
    """
    return find_items(reader, query) if query.q else _people_lately(reader, query)


def _people_lately(reader: Reader, query: ItemQuery) -> list[FoundItem]:
    seen, most = sight(reader.finder, query.sees), min(query.limit, MOST)
    looked_at: dict[int, None] = {}
    people: list[tuple[int, FoundItem]] = []
    for bodies in _latest(reader, seen, query.role):
        new = dict.fromkeys(n for n in _persons(reader, bodies, query.role) if n not in looked_at)
        looked_at |= new
        named = named_items(reader, list(new), query)
        visible = islice(visible_items(reader, named, query, lambda known: True), most - len(people))
        people += [(known[0].item, offer(reader, now, known, seen=seen)) for now, known in visible]
        if len(people) == most:
            break
    return told_apart(reader, people, seen)


def _latest(reader: Reader, seen: BoundQuery, role: Part | None) -> Iterator[list[Body]]:
    """The entries that happened last of those somebody sees, some at a time."""
    by_people = (BoundTerm("actor_kind", values=("person",)),) if role == "actor" else ()
    asked = structs.replace(seen, terms=(_READINGS, *by_people))
    at: Place | None = None
    for _ in range(_TURNS):
        turn = reader.finder.seqs(asked, order="desc", limit=_TURN, at=at)
        bodies, _unread = readable(reader.store.kept_at(reader.org, turn.seqs))
        by_seq = dict(bodies)
        yield [by_seq[seq] for seq in turn.seqs if seq in by_seq]
        if turn.end is None:
            break
        at = turn.end


def _persons(reader: Reader, bodies: Sequence[Body], role: Part | None) -> list[int]:
    """The numbers of the persons in a part of these entries, in their order."""
    cited = reader.items.identities.of(token for body in bodies for token in body.tokens())
    types = reader.catalogue.types
    numbers = (cited[token] for body in bodies for token in _tokens(body, role))
    return [i.item for i in numbers if i.type in types and types[i.type].person]


def _tokens(body: Body, role: Part | None) -> Sequence[str]:
    if role == "actor":
        return (body.actor.item,)
    about = (body.target, *(concern.item for concern in body.concerns))
    return about if role == "concerns" else (body.target,) if role == "target" else (body.actor.item, *about)
