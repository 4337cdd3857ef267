"""Citing: which entries that somebody sees cite an item, in whatever part.

Owns that an item, its versions and what opens them are handed out only where such an entry is there. Refuses to say
who sees what: that is asked of the gate.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct, structs

from trailbook.finding.bound import BoundQuery, BoundTerm, Sees
from trailbook.finding.finder import Finder, sight
from trailbook.finding.items import readable
from trailbook.index import Place
from trailbook.record import decode_body

if TYPE_CHECKING:
    from trailbook.stores import Identity, Ledger

_CHUNK = 500


class Citing(Struct, frozen=True):
    """The entries of one log, by what they cite."""

    store: "Ledger"
    org: str
    finder: Finder

    def is_cited(self, item: int, seen: BoundQuery, part: str = "citing") -> bool:
        """Whether an entry that somebody sees cites an item, in one part or in any."""
        return not seen.hidden or any(True for _ in self._citing(item, seen, part=part, limit=1))

    def versions(self, sees: Sees, versions: "Iterable[Identity]") -> "list[Identity]":
        """Those of an item's versions that an entry which somebody sees cites."""
        seen, wanted = sight(self.finder, sees), {version.token: version for version in versions}
        if not seen.hidden:
            return list(wanted.values())
        cited: set[str] = set()
        for item in {version.item for version in wanted.values()}:
            tokens = {token for token, version in wanted.items() if version.item == item}
            for seqs in self._citing(item, seen, part="citing", limit=_CHUNK):
                kept = self.store.kept_at(self.org, seqs)
                bodies = [decode_body(row.body) for row in kept if row.body is not None]
                cited |= {token for body in bodies for token in body.tokens() if sees(body.category)} & tokens
                if tokens <= cited:
                    break
        return [version for token, version in wanted.items() if token in cited]

    def shown_causes(self, sees: Sees, ids: Iterable[str]) -> frozenset[str]:
        """Those of these entries, named as causes of others, of which somebody may know.

        One that was never recorded is what its recorder made of it, and hides nothing. Of a removed one nobody knows
        the category any more: it is told where nothing is hidden.
        """
        wanted = frozenset(ids)
        if not wanted or not sight(self.finder, sees).hidden:
            return wanted
        seqs = {
            seq: str(id_) for id_, seq in self.store.seq_of(self.org, [UUID(id_) for id_ in wanted]).items()
        }
        bodies, _ = readable(self.store.kept_at(self.org, list(seqs)))
        known = {seqs[seq] for seq, body in bodies if sees(body.category)}
        return wanted - (frozenset(seqs.values()) - known)

    def _citing(self, item: int, seen: BoundQuery, *, part: str, limit: int) -> Iterator[list[int]]:
        """The seqs of the entries that are not hidden and that cite an item, some at a time."""
        query, at = structs.replace(seen, terms=(BoundTerm(part, items=(item,)),)), Place(0, -1)
        while True:
            turn = self.finder.seqs(query, order="seq", limit=limit, at=at)
            if turn.end is None:
                break
            yield turn.seqs
            at = turn.end
