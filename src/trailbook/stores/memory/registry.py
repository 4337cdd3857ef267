"""A registry in memory: the oracle that every other registry is compared with.

Owns nothing that outlives the process. Refuses to be clever: dicts, each part's under one lock.
"""

import threading

from msgspec import structs

from trailbook.errors import HeadMovedError, StoreError
from trailbook.stores.access import Change, Member, Organisation, Role
from trailbook.stores.api_keys import ApiKey
from trailbook.stores.jobs import MemoryJobs
from trailbook.stores.registry import Registry
from trailbook.stores.sessions import Session
from trailbook.stores.views import MemoryViews


def memory_registry() -> Registry:
    """A registry that forgets everything when the process ends."""
    return Registry(
        keys=MemoryKeys(),
        sessions=MemorySessions(),
        access=MemoryAccess(),
        jobs=MemoryJobs(),
        views=MemoryViews(),
    )


class MemoryKeys:
    """`ApiKeys` that are forgotten when the process ends."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._lock = threading.Lock()

    def add(self, key: ApiKey) -> None:
        self._keys[key.id] = key

    def get(self, id_: str) -> ApiKey | None:
        return self._keys.get(id_)

    def every(self, org: str) -> list[ApiKey]:
        return sorted((k for k in self._keys.values() if k.org == org), key=lambda k: (k.created_at, k.id))

    def replace(self, old: ApiKey, new: ApiKey) -> bool:
        with self._lock:
            now = self._keys.get(old.id)
            if now is None or now.secret_hash != old.secret_hash or now.revoked_at is not None:
                return False
            self._keys[old.id] = new
            return True

    def touch(self, id_: str, at: int) -> None:
        with self._lock:
            if id_ in self._keys:
                self._keys[id_] = structs.replace(self._keys[id_], used_at=at)

    def revoke(self, id_: str, at: int) -> bool:
        with self._lock:
            key = self._keys.get(id_)
            if key is None or key.revoked_at is not None:
                return False
            self._keys[id_] = structs.replace(key, revoked_at=at)
            return True


class MemorySessions:
    """`Sessions` that are forgotten when the process ends."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def add(self, session: Session) -> None:
        self._sessions[session.token_hash] = session

    def get(self, token_hash: bytes) -> Session | None:
        return self.link(token_hash, "session")

    def touch(self, token_hash: bytes, at: int) -> None:
        with self._lock:
            if token_hash in self._sessions:
                self._sessions[token_hash] = structs.replace(self._sessions[token_hash], seen_at=at)

    def end(self, token_hash: bytes) -> None:
        with self._lock:
            if self.get(token_hash) is not None:
                del self._sessions[token_hash]

    def end_all_of(self, org: str, type_: str, id_: str) -> int:
        with self._lock:
            theirs = [h for h, s in self._sessions.items() if (s.org, s.type, s.id) == (org, type_, id_)]
            for each in theirs:
                del self._sessions[each]
            return len(theirs)

    def link(self, token_hash: bytes, kind: str) -> Session | None:
        session = self._sessions.get(token_hash)
        return session if session is not None and session.kind == kind else None

    def take_link(self, token_hash: bytes, kind: str) -> Session | None:
        with self._lock:
            link = self.link(token_hash, kind)
            return None if link is None else self._sessions.pop(token_hash)

    def sweep(self, now: int, idle_since: int) -> int:
        with self._lock:
            gone = [
                h
                for h, s in self._sessions.items()
                if s.expires_at <= now or (s.kind == "session" and s.seen_at < idle_since)
            ]
            for each in gone:
                del self._sessions[each]
            return len(gone)


class MemoryAccess:
    """`Access` that is forgotten when the process ends."""

    def __init__(self) -> None:
        self._organisations: dict[str, Organisation] = {}
        self._roles: dict[tuple[str, str], Role] = {}
        self._members: dict[tuple[str, str, str], Member] = {}
        self._lock = threading.Lock()

    def organisation(self, org: str) -> Organisation:
        return self._organisations.get(org, Organisation(org=org))

    def change_access(self, expected: Organisation, change: Change) -> None:
        org = expected.org
        with self._lock:
            if self.organisation(org) != expected:
                raise HeadMovedError("somebody else changed access meanwhile")
            members = dict(self._members)
            for key in change.drop_members:
                members.pop((org, *key), None)
            members.update({(org, m.type, m.id): m for m in change.put_members})
            logins = [(key[0], m.login) for key, m in members.items() if m.login is not None]
            if len(set(logins)) < len(logins):
                raise StoreError("two members have one login")
            self._members = members
            for id_ in change.drop_roles:
                self._roles.pop((org, id_), None)
            self._roles.update({(org, role.id): role for role in change.put_roles})
            self._organisations[org] = structs.replace(change.organisation, version=expected.version + 1)

    def roles(self, org: str) -> list[Role]:
        return [role for key, role in sorted(self._roles.items()) if key[0] == org]

    def members(self, org: str) -> list[Member]:
        return [member for key, member in sorted(self._members.items()) if key[0] == org]

    def member(self, org: str, type_: str, id_: str) -> Member | None:
        return self._members.get((org, type_, id_))

    def member_by_login(self, org: str, login: str) -> Member | None:
        return next((m for m in self.members(org) if m.login == login), None)
