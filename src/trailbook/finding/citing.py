"""Citing: which entries that somebody sees cite an item, in whatever part.

Owns that an item, its versions and what opens them are handed out only where such an entry is there. Refuses to say
who sees what: that is asked of the gate.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from trailbook.finding.embedded.projection import Projection, readable
from trailbook.finding.paging import next_seqs
from trailbook.index import Clause, Place, Plan
from trailbook.record import decode_body

if TYPE_CHECKING:
    from trailbook.stores import Identity, Store

Sees = Callable[[str], bool]
_PARTS = ("by_or_about", "behalf", "source")
_CHUNK = 500


def is_cited(projection: Projection, item: int, sees: Sees) -> bool:
    """Whether an entry that somebody sees cites an item."""
    hidden = projection.hidden(sees)
    return not hidden.numbers or any(True for _ in _citing(projection, item, hidden, 1))


def cited_versions(
    store: "Store", org: str, projection: Projection, sees: Sees, versions: "Iterable[Identity]"
) -> "list[Identity]":
    """Those of an item's versions that an entry which somebody sees cites."""
    hidden, wanted = projection.hidden(sees), {version.token: version for version in versions}
    if not hidden.numbers:
        return list(wanted.values())
    cited: set[str] = set()
    for item in {version.item for version in wanted.values()}:
        tokens = {token for token, version in wanted.items() if version.item == item}
        for seqs in _citing(projection, item, hidden, _CHUNK):
            bodies = [decode_body(row.body) for row in store.kept_at(org, seqs) if row.body is not None]
            cited |= {token for body in bodies for token in body.tokens() if sees(body.category)} & tokens
            if tokens <= cited:
                break
    return [version for token, version in wanted.items() if token in cited]


def shown_causes(
    store: "Store", org: str, projection: Projection, sees: Sees, ids: Iterable[str]
) -> frozenset[str]:
    """Those of these entries, named as causes of others, of which somebody may know.

    One that was never recorded is what its recorder made of it, and hides nothing. Of a removed one nobody knows the
    category any more: it is told where nothing is hidden.
    """
    wanted = frozenset(ids)
    if not wanted or not projection.hidden(sees).numbers:
        return wanted
    seqs = {seq: str(id_) for id_, seq in store.seq_of(org, [UUID(id_) for id_ in wanted]).items()}
    bodies, _ = readable(store.kept_at(org, list(seqs)))
    known = {seqs[seq] for seq, body in bodies if sees(body.category)}
    return wanted - (frozenset(seqs.values()) - known)


def _citing(projection: Projection, item: int, hidden: Clause, limit: int) -> Iterator[list[int]]:
    """The seqs of the entries that are not hidden and that cite an item, some at a time."""
    for part in _PARTS:
        clauses = (Clause(part, (item,)), hidden)
        plan, at = Plan(clauses=clauses, as_of=projection.tail.size), Place(0, -1)
        while True:
            seqs, end = projection.ask(partial(next_seqs, plan=plan, order="seq", limit=limit, at=at))
            if end is None:
                break
            yield seqs
            at = end
