"""What the directory said lately: identities by token and versions by item, within so many.

Owns that both are read from the store when first needed, and that an item with a new version is asked for anew: whoever
follows the log says what came. Refuses to write.
"""

from collections.abc import Iterable, Sequence

from trailbook.finding.memo import Erasures, Memo
from trailbook.stores import Directory, Identity

_MOST = 50_000  # identities remembered; about 50 MB


class Identities:
    """One organisation's identities, read from the store when first needed; any number of threads may ask."""

    def __init__(self, store: Directory, org: str, erasures: Erasures) -> None:
        self._store = store
        self._org = org
        self._cited: Memo[str, Identity] = Memo(_MOST, erasures)
        self._versions: Memo[int, tuple[Identity, ...]] = Memo(_MOST, erasures)

    def of(self, tokens: Iterable[str]) -> dict[str, Identity]:
        """The identities of these tokens, by token; a token the directory does not have is left out."""
        return self._cited.values(tokens, self._read_cited)

    def learn(self, identities: Iterable[Identity]) -> None:
        """Take in identities that may be new: what was remembered of their items' versions is old."""
        for identity in identities:
            self._cited.put(identity.token, identity)
            self._versions.drop(identity.item)

    def versions(self, items: Iterable[int]) -> dict[int, tuple[Identity, ...]]:
        """Every version of these items, oldest first, stubs included."""
        return self._versions.values(items, self._read_versions)

    def _read_cited(self, tokens: set[str]) -> dict[str, Identity]:
        cited = {identity.token: identity for identity in self._store.identities_of(self._org, tokens)}
        for identity in cited.values():
            self._versions.drop(identity.item)
        return cited

    def _read_versions(self, items: set[int]) -> dict[int, tuple[Identity, ...]]:
        versions: dict[int, list[Identity]] = {item: [] for item in items}
        for identity in self._store.versions(self._org, items):
            versions[identity.item].append(identity)
        return {item: tuple(identities) for item, identities in versions.items()}


def name_of(versions: Sequence[Identity], cited: Iterable[str]) -> str | None:
    """The name of the version that was cited, else of the last one."""
    tokens = set(cited)
    return next((v.name for v in reversed(versions) if v.token in tokens), versions[-1].name)
