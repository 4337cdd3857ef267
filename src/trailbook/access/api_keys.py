"""API keys as plain data: how one is made, judged and rotated.

Owns what a key may be and what it may record. Refuses to keep a secret: only its hash stands in the struct.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from trailbook.access.viewer import ACTIVITY_LOG, MANAGE_ACCESS, MANAGE_EXPORTS, READ_PROOFS, Viewer
from trailbook.catalogue import Category
from trailbook.errors import EntryInvalidError, Fault, KeyRefusedError, NotPermittedError
from trailbook.model import MAX_NAME, Item, NewEntry, Origin, name_fault
from trailbook.stores import ApiKey

Scope = Literal["record", "read", "export", "prove", "administer"]
SCOPES: tuple[Scope, ...] = ("record", "read", "export", "prove", "administer")
KEY_LIFE, OVERLAP = timedelta(days=365), timedelta(hours=24)
_KEY = re.compile(r"tb_([a-z2-7]{13})_([A-Za-z0-9_-]{43})")
_LACKS: dict[Scope, str] = {
    "record": MANAGE_ACCESS,
    "read": ACTIVITY_LOG,
    "export": MANAGE_EXPORTS,
    "prove": READ_PROOFS,
    "administer": MANAGE_ACCESS,
}


class NewKey(Struct, frozen=True, kw_only=True):
    """A key as it is asked for: `categories` it may record (none: all), `only_itself` whom it may name as actor.

    `restricted` are the restricted categories that it may read; none unless they are named.
    """

    name: str
    scopes: tuple[str, ...]
    life: timedelta = KEY_LIFE
    categories: tuple[str, ...] = ()
    only_itself: bool = False
    restricted: tuple[str, ...] = ()


class Source(Item, frozen=True, kw_only=True):
    """A key as the source of what it records: an item, with what it may record (see `NewKey`)."""

    categories: tuple[str, ...] = ()
    only_itself: bool = False


class Credential(Struct, frozen=True, kw_only=True):
    """A valid API key as the doors see it: its organisation, scopes and the `source` of what it records."""

    org: str
    scopes: tuple[str, ...]
    source: Source
    withheld: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()

    def viewer(self) -> Viewer:
        """The key as a reader: `read`, `export` and `prove` give Activity log at full, each its own beside."""
        scopes = set(self.scopes)
        return Viewer(
            org=self.org,
            item=Item(type=self.source.type, id=self.source.id, name=self.source.name),
            kind="integration",
            activity_log="none" if scopes.isdisjoint({"read", "export", "prove"}) else "full",
            read_proofs="full" if "prove" in scopes else "none",
            manage_access="full" if "administer" in scopes else "none",
            manage_exports="full" if "export" in scopes else "none",
            manage_retention="full" if "administer" in scopes else "none",
            withheld=self.withheld,
            restricted=self.restricted,
            origin=Origin(interface="api"),
        )

    def require(self, scope: Scope, org: str) -> None:
        """Let the key act in `org`. Raises: NotPermittedError."""
        if self.org != org or scope not in self.scopes:
            raise (KeyRefusedError if scope == "record" else NotPermittedError)(_LACKS[scope])


def unrecordable(source: Item, entry: NewEntry, category: str | None) -> EntryInvalidError | None:
    """Why a key may not record an entry whose action is of `category`; None when it may, or is no key."""
    if not isinstance(source, Source):
        return None
    faults = []
    if source.categories and category not in source.categories:
        detail = f"is not of a category that this key may record; it may {', '.join(source.categories)}"
        faults.append(Fault("/action", "category-refused", detail))
    actor = entry.actor
    if source.only_itself and (actor.kind, actor.type, actor.id) != ("integration", "source", source.id):
        detail = f"this key names only itself as actor: kind integration, source/{source.id}"
        faults.append(Fault("/actor", "actor-refused", detail))
    return EntryInvalidError(tuple(faults)) if faults else None


def key_faults(wanted: NewKey, declared: Mapping[str, Category] | None) -> tuple[Fault, ...]:
    """What is wrong with a key that is asked for; `declared` are the categories there are, where they are known."""
    faults = []
    if why := name_fault(wanted.name, MAX_NAME):
        faults.append(Fault("/name", "invalid", why))
    if not wanted.scopes or set(wanted.scopes) - set(SCOPES):
        faults.append(Fault("/scopes", "invalid", f"needs one or more of {', '.join(SCOPES)}"))
    if wanted.life <= timedelta(0):
        faults.append(Fault("/expires_at", "invalid", "is not in the future"))
    if declared is not None:
        for unknown in sorted(set(wanted.categories) - set(declared)):
            faults.append(Fault("/categories", "invalid", f"{unknown[:80]!r} is not a declared category"))
        faults += restricted_faults(wanted.restricted, declared)
    return tuple(faults)


def restricted_faults(named: Iterable[str], declared: Mapping[str, Category]) -> list[Fault]:
    """What is wrong with categories that are named as restricted ones."""
    wrong = [name for name in named if name not in declared or not declared[name].restricted]
    return [Fault("/restricted", "invalid", f"{name[:80]!r} is not a restricted category") for name in wrong]


def new_id(random: bytes) -> str:
    """The id of a key, of 8 random bytes."""
    return base64.b32encode(random).decode().rstrip("=").lower()


def key_parts(bearer: str) -> tuple[str, str] | None:
    """Id and secret of a bearer text, or None where it is none of ours."""
    match = _KEY.fullmatch(bearer)
    return None if match is None else (match[1], match[2])


def is_right(key: ApiKey | None, secret: str, now: int) -> bool:
    """Whether a secret opens a key now; it takes as long whatever is wrong."""
    digest = hash_of(secret)
    right = hmac.compare_digest(digest, bytes(32) if key is None else key.secret_hash)
    old = hmac.compare_digest(digest, bytes(32) if key is None or key.old_hash is None else key.old_hash)
    if key is None or key.revoked_at is not None or key.expires_at <= now:
        return False
    return right or (old and key.old_until is not None and key.old_until > now)


def hash_of(secret: str) -> bytes:
    """What is kept of a secret: 256 random bits need no slow hash, for there is no dictionary to try."""
    return hashlib.sha256(secret.encode()).digest()


def secret_text(random: bytes) -> str:
    """Random bytes as the text of a secret."""
    return base64.urlsafe_b64encode(random).decode().rstrip("=")
