"""The directory: which token stands for which item version, and the words people find items by.

Owns salts, item numbers, names then and now, and typeahead; all reading and writing of identities passes
here, so that erasure has one place to reach. Refuses to be a cache of anything it has not itself added or
read since the log's head last moved under it.
"""

from collections.abc import Callable, Iterable

from trailbook.canonical import item_preimage, origin_preimage, token
from trailbook.model import Item, Origin
from trailbook.query import words
from trailbook.stores import Identity, Store

Key = tuple[str, str, int | None]
Entropy = Callable[[int], bytes]

_MOST_KNOWN = 200_000  # items remembered before starting afresh; a dict of that size is about 100 MB


class Directory:
    """One organisation's identities, read from the store when first needed."""

    def __init__(self, store: Store, org: str) -> None:
        self._store = store
        self._org = org
        self._known: dict[Key, list[Identity]] = {}

    def forget(self) -> None:
        """Drop what is remembered: somebody else has written."""
        self._known.clear()

    def versions(self, key: Key) -> list[Identity]:
        """All versions of an item, oldest first; empty when the log has never seen it."""
        found = self._known.get(key)
        if found is None:
            found = self._store.identities(self._org, [key])
            if found:
                self._remember(key, found)
        return found

    def add(self, identities: Iterable[Identity]) -> None:
        """Remember identities that are now durable."""
        for identity in identities:
            key = key_of(identity)
            self._remember(key, [*self._known.get(key, self.versions(key)), identity])

    def _remember(self, key: Key, versions: list[Identity]) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        unique = {identity.token: identity for identity in versions}
        self._known[key] = list(unique.values())


class Draft:
    """The identities a batch of entries needs beyond the directory; they become known once it is durable."""

    def __init__(self, directory: Directory, items: int, entropy: Entropy) -> None:
        self._directory = directory
        self._entropy = entropy
        self._fresh: dict[Key, list[Identity]] = {}
        self.items = items
        self.identities: list[Identity] = []
        self.words: list[tuple[str, int]] = []

    def cite(self, item: Item, owner: int | None = None) -> Identity:
        """The version of `item` with this name, made when new; an item given without a name cites the latest."""
        key: Key = (item.type, item.id, None)
        versions = self._versions(key)
        for version in reversed(versions):
            if item.name is None or version.name == item.name:
                return version
        salt = self._entropy(16)
        return self._add(
            key,
            Identity(
                item=self._number(versions),
                token=token(item_preimage(item), salt),
                type=item.type,
                id=item.id,
                name=item.name,
                salt=salt,
                owner=owner,
            ),
        )

    def cite_origin(self, origin: Origin, actor: int) -> Identity:
        """The origin's version for this actor; origins are made per actor, so that they link nobody else."""
        key: Key = ("origin", origin.ip or "", actor)
        versions = self._versions(key)
        for version in versions:
            if version.name == origin.user_agent:
                return version
        salt = self._entropy(16)
        return self._add(
            key,
            Identity(
                item=self._number(versions),
                token=token(origin_preimage(origin.ip, origin.user_agent), salt),
                type="origin",
                id=origin.ip or "",
                name=origin.user_agent,
                salt=salt,
                owner=actor,
            ),
        )

    def _versions(self, key: Key) -> list[Identity]:
        return self._fresh.get(key) or self._directory.versions(key)

    def _number(self, versions: list[Identity]) -> int:
        if versions:
            return versions[0].item
        self.items += 1
        return self.items

    def _add(self, key: Key, identity: Identity) -> Identity:
        self._fresh[key] = [*self._versions(key), identity]
        self.identities.append(identity)
        if identity.name is not None and identity.type != "origin":
            self.words.extend((word, identity.item) for word in words(identity.name))
        return identity


def key_of(identity: Identity) -> Key:
    """By what an identity is found: type, id and, for an origin, its owner."""
    return (identity.type, identity.id or "", identity.owner if identity.type == "origin" else None)
