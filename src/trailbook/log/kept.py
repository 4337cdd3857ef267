"""What the log keeps of single entries and items: bytes, places and openings, for whoever sees the entry.

Owns that each comes out for a clearance alone, and that what a viewer does not see answers as what is not there.
Refuses to let anybody in: the clearance says that somebody was.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from msgspec import Struct

from trailbook.access import Clearance, require_everything
from trailbook.errors import EntryExpiredError, NotFoundError
from trailbook.finding import Citing, Finder
from trailbook.proofs import (
    Edge,
    Evidence,
    Holdings,
    Opening,
    entry_bundle,
    evidence_of,
    openings,
    proof_file,
    served_tile,
)
from trailbook.record import decode_body
from trailbook.stores import Identity, Store, StoredEntry


class Kept(Struct, frozen=True):
    """The kept entries of one organisation; `edge` is what proofs remember of the tree."""

    store: Store
    org: str
    finder: Finder
    citing: Citing
    edge: Edge

    def body(self, id_: UUID, clearance: Clearance) -> bytes:
        """The hashed bytes of an entry. Raises: NotFoundError; EntryExpiredError when retention removed them."""
        stored = self._stored(id_, clearance)
        if stored.body is None:
            raise EntryExpiredError(stored.seq, stored.leaf or b"")
        return stored.body

    def seq(self, id_: UUID, clearance: Clearance) -> int:
        """Where an entry is. Raises: as `body`."""
        self.body(id_, clearance)
        return self._stored(id_, clearance).seq

    def proof(self, id_: UUID, clearance: Clearance) -> bytes:
        """The proof file of an entry, of a removed one too. Raises: NotFoundError; NotCheckpointedError."""
        return proof_file(self.store, self.org, self._stored(id_, clearance).seq, self.edge)

    def tile(self, level: int, index: int, width: int) -> bytes:
        """A tile of hashes, which say nothing of anybody. Raises: NotFoundError."""
        return served_tile(self.store, self.org, level, index, width=width, edge=self.edge)

    def bundle(self, index: int, width: int, clearance: Clearance) -> bytes:
        """A bundle of entries. Raises: NotPermittedError where any category is withheld; as `entry_bundle`."""
        require_everything(clearance)
        return entry_bundle(self.store, self.org, index, width=width, sees=clearance.sees)

    def openings(self, type_: str, id_: str, clearance: Clearance) -> list[Opening]:
        """What opens the tokens of an item, of the versions that an entry to be seen cites. Raises: NotFoundError."""
        self.finder.catch_up()
        return openings(self.known([(type_, id_, None)], clearance))

    def known(self, keys: Iterable[tuple[str, str, None]], clearance: Clearance) -> list[Identity]:
        """The versions of items, by type and id, that an entry to be seen cites, oldest first."""
        return self._cited(clearance, self.store.identities(self.org, keys))

    def numbers(self, items: Iterable[str], clearance: Clearance) -> dict[str, int]:
        """The log's own numbers of items given as `type/id`, as far as `known` has them."""
        keys = [(type_, id_, None) for type_, _, id_ in (item.partition("/") for item in items)]
        return {f"{v.type}/{v.id}": v.item for v in self.known(keys, clearance)}

    def numbered(self, numbers: Sequence[int], clearance: Clearance) -> dict[int, str]:
        """Items by number, as `type/id`, but for origins, as far as an entry to be seen cites them."""
        versions = [v for v in self.store.versions(self.org, numbers) if v.type != "origin"]
        cited = versions if clearance.unbound else self._cited(clearance, versions)
        return {v.item: f"{v.type}/{v.id}" for v in cited if v.id is not None}

    def evidence(self, clearance: Clearance) -> Evidence:
        """The log as it was last signed. Raises: NotCheckpointedError."""
        return evidence_of(self.holdings(clearance))

    def holdings(self, clearance: Clearance) -> Holdings:
        """What the log holds, signed or not yet."""
        return Holdings(self.store, self.org, clearance.sees, partial(self._cited, clearance))

    def _cited(self, clearance: Clearance, versions: Sequence[Identity]) -> list[Identity]:
        return self.citing.versions(clearance.sees, versions)

    def _stored(self, id_: UUID, clearance: Clearance) -> StoredEntry:
        """An entry that is seen. Of a removed one nobody knows the category: only who sees everything is told."""
        seq = self.store.seq_of(self.org, [id_]).get(id_)
        stored = None if seq is None else self.store.kept_at(self.org, [seq])[0]
        seen = stored is not None and (
            clearance.everything if stored.body is None else clearance.sees(decode_body(stored.body).category)
        )
        if stored is None or not seen:
            raise NotFoundError("there is no such entry")
        return stored
