"""What the directory said lately: identities by token and versions by item, within so many.

Owns the promise that nothing erased is answered from memory: whoever follows the log tells it what came.
Refuses to write.
"""

from collections.abc import Iterable, Sequence

from trailbook.stores import Identity, Store

_MOST = 50_000  # identities remembered before starting afresh; about 50 MB


class Identities:
    """One organisation's identities, read from the store when first needed; whoever calls holds a lock."""

    def __init__(self, store: Store, org: str) -> None:
        self._store = store
        self._org = org
        self._cited: dict[str, Identity] = {}
        self._versions: dict[int, tuple[Identity, ...]] = {}
        self.forgotten = 0  # how often, for whoever remembers what it made of them

    def forget(self) -> None:
        """Drop everything: somebody was erased, or identities were swept."""
        self._cited.clear()
        self._versions.clear()
        self.forgotten += 1

    def of(self, tokens: Iterable[str]) -> dict[str, Identity]:
        """The identities of these tokens, by token; a token the directory does not have is left out."""
        wanted = set(tokens)
        if len(self._cited) + len(wanted) > _MOST:
            self._cited.clear()
        unknown = wanted - self._cited.keys()
        if unknown:
            self.learn(self._store.identities_of(self._org, unknown))
        return {token: self._cited[token] for token in wanted if token in self._cited}

    def learn(self, identities: Iterable[Identity]) -> None:
        """Take in identities that may be new: what was remembered of their items' versions is old."""
        for identity in identities:
            self._cited[identity.token] = identity
            self._versions.pop(identity.item, None)

    def versions(self, items: Iterable[int]) -> dict[int, tuple[Identity, ...]]:
        """Every version of these items, oldest first, stubs included."""
        wanted = set(items)
        if len(self._versions) + len(wanted) > _MOST:
            self._versions.clear()
        unknown = wanted - self._versions.keys()
        if unknown:
            found: dict[int, list[Identity]] = {item: [] for item in unknown}
            for identity in self._store.versions(self._org, unknown):
                found[identity.item].append(identity)
            self._versions.update((item, tuple(versions)) for item, versions in found.items())
        return {item: self._versions[item] for item in wanted}


def name_of(versions: Sequence[Identity], cited: Iterable[str]) -> str | None:
    """The name of the version that was cited, else of the last one."""
    tokens = set(cited)
    return next((v.name for v in reversed(versions) if v.token in tokens), versions[-1].name)
