"""Whose personal items are, as the entries that are kept say: what a removal moves, and what a directory has wrong.

Owns how the owner of a row follows from bodies, whatever the row says. Refuses to touch what was erased: of that the
list of its erasure has the last word.
"""

from trailbook.catalogue import Catalogue
from trailbook.model import Progress
from trailbook.record import Body, OwnerRules, decode_body, owner_rules
from trailbook.stores import Append, Directory, EntryStore

CHUNK = 4096


class Belongings:
    """Whose items are by the first of the bodies read, oldest first, that says so."""

    def __init__(self, rules: OwnerRules) -> None:
        self._rules = rules
        self._owners: dict[str, tuple[str, ...]] = {}
        self._orphaned: set[str] = set()

    def learn(self, body: Body, *, goes: bool = False) -> None:
        """Note what a body says of owners; one that `goes` says it no more."""
        belonging = self._rules.belonging(body)
        if belonging is None:
            return
        for token in belonging.items:
            if token in self._owners:
                continue
            if goes:
                self._orphaned.add(token)
            else:
                self._owners[token] = belonging.owners

    def orphaned(self) -> set[str]:
        """Items of which the first entry goes, and one stays that says whose they are."""
        return self._orphaned & self._owners.keys()

    def every(self) -> set[str]:
        """Every item of which an entry that stays says whose it is."""
        return set(self._owners)

    def wrong(self, directory: Directory, org: str, tokens: set[str]) -> dict[str, int]:
        """The owners, by token, of those among these items whose row names another or nobody."""
        named = {owner for token in tokens for owner in self._owners[token]}
        numbers = {i.token: i.item for i in directory.identities_of(org, named)}
        owners = {}
        for row in directory.identities_of(org, tokens):
            about = [numbers[token] for token in self._owners[row.token] if token in numbers]
            if about and row.id is not None and self._rules.types.get(row.type) and row.owner not in about:
                owners[row.token] = about[0]
        return owners


def mend_owners(
    store: EntryStore, org: str, catalogue: Catalogue, progress: Progress = lambda done, total: None
) -> int:
    """Give every personal item to whom the entries say, where its row says otherwise; how many rows were wrong.

    Raises: NotFoundError; StoreError.
    """
    belongings, size = Belongings(owner_rules(catalogue)), store.head(org).size
    for start in range(0, size, CHUNK):
        _learn(store, org, belongings, range(start, min(start + CHUNK, size)))
        progress(min(start + CHUNK, size), size)
    with store.holding(org):
        head = store.head(org)
        _learn(store, org, belongings, range(size, head.size))  # recorded meanwhile
        owners = belongings.wrong(store, org, belongings.every())
        if owners:
            unchanged = Append(rows=(), identities=(), words=(), blobs=(), head=head, owners=owners)
            store.append(org, head, unchanged)
    return len(owners)


def _learn(store: EntryStore, org: str, belongings: Belongings, seqs: range) -> None:
    for row in store.kept(org, seqs.start, seqs.stop):
        if row.body is not None:
            belongings.learn(decode_body(row.body))
