"""The directory: which token stands for which item version, and the words people find items by.

Owns salts, item numbers, names then and now, and typeahead; all reading and writing of identities passes
here, so that erasure has one place to reach. Refuses to be a cache of anything it has not itself added or
read since the log's head last moved under it.
"""

from collections.abc import Collection, Iterable

from msgspec import structs

from trailbook.clock import Entropy
from trailbook.model import Item, Origin
from trailbook.query import words
from trailbook.record import item_preimage, origin_preimage, token_of
from trailbook.stores import Directory, Hint, Identity

Key = tuple[str, str, int | None]  # type, id and, of an origin, its actor's item number
# An item's type, id and name; an origin's ip, agent and actor.
Exact = tuple[str | None, str | None, str | int | None]

_MOST_KNOWN = 150_000  # versions in each of two generations; about 75 MB


class RecentVersions:
    """The versions of one organisation that were cited lately, by what they are cited as."""

    def __init__(self, directory: Directory, org: str) -> None:
        self._directory = directory
        self._org = org
        self.exact: dict[Exact, Identity] = {}
        self._older: dict[Exact, Identity] = {}

    def forget(self) -> None:
        """Drop what is remembered: somebody else has written."""
        self.exact.clear()
        self._older.clear()

    def older(self, exact: Exact) -> Identity | None:
        """A version that was cited before the newest generation began; it is of that one from now on."""
        identity = self._older.get(exact)
        if identity is not None:
            self.exact[exact] = identity
        return identity

    def read(self, keys: Collection[Key]) -> dict[Key, list[Identity]]:
        """All versions of these items, oldest first; an empty list for one the log has never seen."""
        versions: dict[Key, list[Identity]] = {key: [] for key in keys}
        for identity in self._directory.identities(self._org, keys):
            versions[key_of(identity)].append(identity)
        return versions

    def learn(self, exact: dict[Exact, Identity]) -> None:
        """Remember what is now durable."""
        # Whoever is cited again is carried over, whoever is not goes next time.
        if len(self.exact) >= _MOST_KNOWN:
            self._older, self.exact = self.exact, {}
        self.exact.update(exact)


class Draft:
    """The identities a batch of entries needs beyond the directory; they become known once it is durable."""

    def __init__(self, recent: RecentVersions, items: int, entropy: Entropy) -> None:
        self._recent = recent
        self._entropy = entropy
        self._began = items
        self._versions: dict[Key, list[Identity]] = {}
        self.exact: dict[Exact, Identity] = {}
        self.items = items
        self.identities: list[Identity] = []
        self.words: list[tuple[str, int]] = []
        self.hints: dict[int, Hint] = {}  # by item
        self.owners: dict[str, int] = {}  # by token, of versions that were there before anybody owned them

    def say(self, identity: Identity, text: str, at: int) -> None:
        """Note what an entry of a time says of an item: of one time it is the later entry that counts."""
        before = self.hints.get(identity.item)
        if before is None or at >= before.at:
            self.hints[identity.item] = Hint(item=identity.item, text=text, at=at)

    def foresee(self, items: Iterable[Item]) -> None:
        """Read at once what the directory has of these items: one by one they cost a query each."""
        lately, older = self._recent.exact, self._recent.older
        exact = [key for i in items if (key := (i.type, i.id, i.name)) not in lately]
        keys: dict[Key, None] = {
            (type_, id_, None): None for type_, id_, name in exact if not older((type_, id_, name))
        }
        if keys:
            self._versions.update(self._recent.read(keys))

    def cite(self, item: Item, owner: int | None = None) -> Identity:
        """The version of `item` with this name, made when new; an item given without a name cites the latest.

        It belongs to `owner` unless it belongs to somebody already.
        """
        exact = (item.type, item.id, item.name)
        recent = self._recent
        identity = self.exact.get(exact) or recent.exact.get(exact) or recent.older(exact)
        if identity is None:
            identity = self._look(item, owner)
        if owner is not None and identity.owner is None:
            identity = self.exact[exact] = structs.replace(identity, owner=owner)
            self.owners[identity.token] = owner
        return identity

    def cite_origin(self, origin: Origin, actor: int) -> Identity:
        """The origin's version for this actor; origins are made per actor, so that they link nobody else."""
        exact = (origin.ip, origin.user_agent, actor)
        recent = self._recent
        identity = self.exact.get(exact) or recent.exact.get(exact) or recent.older(exact)
        return identity if identity is not None else self._look_for_origin(origin, actor)

    def _look(self, item: Item, owner: int | None) -> Identity:
        key: Key = (item.type, item.id, None)
        versions = self._versions_of(key)
        identity = next((v for v in reversed(versions) if item.name is None or v.name == item.name), None)
        if identity is None:
            salt = self._entropy(16)
            identity = Identity(
                item=self._number(versions),
                token=token_of(item_preimage(item), salt),
                type=item.type,
                id=item.id,
                name=item.name,
                salt=salt,
                owner=owner,
            )
            self._add(key, identity)
        self.exact[item.type, item.id, item.name] = identity
        return identity

    def _look_for_origin(self, origin: Origin, actor: int) -> Identity:
        key: Key = ("origin", origin.ip or "", actor)
        if actor > self._began:
            self._versions.setdefault(key, [])  # of somebody new the directory has nothing
        versions = self._versions_of(key)
        identity = next((v for v in versions if v.name == origin.user_agent), None)
        if identity is None:
            salt = self._entropy(16)
            identity = Identity(
                item=self._number(versions),
                token=token_of(origin_preimage(origin.ip, origin.user_agent), salt),
                type="origin",
                id=origin.ip or "",
                name=origin.user_agent,
                salt=salt,
                owner=actor,
            )
            self._add(key, identity)
        self.exact[origin.ip, origin.user_agent, actor] = identity
        return identity

    def _versions_of(self, key: Key) -> list[Identity]:
        versions = self._versions.get(key)
        if versions is None:
            versions = self._versions[key] = self._recent.read([key])[key]
        return versions

    def _number(self, versions: list[Identity]) -> int:
        if versions:
            return versions[0].item
        self.items += 1
        return self.items

    def _add(self, key: Key, identity: Identity) -> None:
        versions = self._versions_of(key)
        if versions and identity.type != "origin":  # whoever is cited without a name is cited by the latest
            self.exact[identity.type, identity.id, None] = identity
        versions.append(identity)
        self.identities.append(identity)
        if identity.name is not None and identity.type != "origin":
            self.words.extend((word, identity.item) for word in words(identity.name))


def key_of(identity: Identity) -> Key:
    """By what an identity is found: type, id and, for an origin, its owner."""
    return (identity.type, identity.id or "", identity.owner if identity.type == "origin" else None)
