"""API keys issued, rotated and revoked, each with its entry.

Owns who may do so and that a secret is shown once. The entry is written first, as in `access`. Refuses to
show a secret again: only its hash is kept.
"""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import structs

from trailbook.access import (
    KEY_LIFE,
    OVERLAP,
    ApiKey,
    NewKey,
    access_manifest,
    key_faults,
    refuse_faults,
    require_access,
    restricted_faults,
)
from trailbook.administration.access import AccessEntry, By, record_access
from trailbook.errors import AccessMovedError, Fault, NotFoundError
from trailbook.model import Item, microseconds
from trailbook.record import NOTHING


def list_keys(by: By) -> list[ApiKey]:
    """The keys of the organisation, oldest first. Raises: NotPermittedError."""
    require_access(by.viewer, by.org)
    return by.deployment.credentials.keys(by.org)


def issue_key(by: By, wanted: NewKey) -> tuple[ApiKey, str]:
    """A new key and its secret, which is shown once. Raises: NotPermittedError, InvalidError."""
    require_access(by.viewer, by.org)
    refuse_faults(key_faults(wanted, by.deployment.catalogue.categories))
    key, secret = by.deployment.credentials.drawn_key(by.org, wanted)
    fields = ("scopes", *(("categories",) if key.restricted else ()), "expiry_date")
    record_access(by, [_entry("api_key.created", key, fields)])
    by.deployment.credentials.keep_key(key)
    return key, secret


def rotate_key(
    by: By, id_: str, overlap: timedelta = OVERLAP, life: timedelta = KEY_LIFE
) -> tuple[ApiKey, str]:
    """A key's new secret, shown once; the old one works for `overlap` yet, at most 24 hours.

    The key stays the same source. Raises: NotPermittedError, NotFoundError, InvalidError, AccessMovedError.
    """
    with by.deployment.changing_access:
        key = find_key(by, id_)
        if not timedelta(0) <= overlap <= OVERLAP:
            refuse_faults((Fault("/overlap_hours", "invalid", "is not 0 to 24 hours"),))
        if life <= timedelta(0):
            refuse_faults((Fault("/expires_at", "invalid", "is not in the future"),))
        new, secret = by.deployment.credentials.redrawn_key(key, overlap, life)
        _replace(by, key, new, _entry("api_key.rotated", new, ("expiry_date",)))
    return find_key(by, id_), secret


def restrict_key(by: By, id_: str, categories: Sequence[str]) -> ApiKey:
    """Let a key read these restricted categories and no other, from the next request on.

    Raises: NotPermittedError, NotFoundError, InvalidError, AccessMovedError.
    """
    named = tuple(sorted(set(categories)))
    with by.deployment.changing_access:
        key = find_key(by, id_)
        refuse_faults(tuple(restricted_faults(named, by.deployment.catalogue.categories)))
        if named != key.restricted:
            new = structs.replace(key, restricted=named)
            _replace(by, key, new, _entry("api_key.categories_changed", new, ("categories",)))
    return find_key(by, id_)


def revoke_key(by: By, id_: str) -> bool:
    """Revoke a key; it is refused from the next request on. False when it was before.

    Raises: NotPermittedError, NotFoundError.
    """
    with by.deployment.changing_access:
        key = known_key(by, id_)
        if key.revoked_at is not None:
            return False
        record_access(by, [AccessEntry(action="api_key.revoked", target=_item(key), manifest=NOTHING)])
        return by.deployment.credentials.revoke_key(id_)


def find_key(by: By, id_: str) -> ApiKey:
    """A key that works. Raises: NotPermittedError, NotFoundError."""
    key = known_key(by, id_)
    if key.revoked_at is not None or key.expires_at <= microseconds(by.deployment.clock()):
        raise NotFoundError("there is no such key that works")
    return key


def known_key(by: By, id_: str) -> ApiKey:
    """A key, revoked and expired ones included. Raises: NotPermittedError, NotFoundError."""
    require_access(by.viewer, by.org)
    key = by.deployment.credentials.key(by.org, id_)
    if key is None:
        raise NotFoundError("there is no such key")
    return key


def _replace(by: By, key: ApiKey, new: ApiKey, entry: AccessEntry) -> None:
    """Make a change of a key, which `entry` tells first. Raises: AccessMovedError, and an entry says so."""
    record_access(by, [entry])
    if not by.deployment.credentials.replace_key(key, new):
        record_access(by, [entry], failed=True)
        raise AccessMovedError("somebody else revoked or rotated the key at the same time")


def _entry(action: str, key: ApiKey, fields: tuple[str, ...]) -> AccessEntry:
    """An entry of a key, which is as `key` from then on."""
    return AccessEntry(action=action, target=_item(key), fields=fields, manifest=access_manifest(key))


def _item(key: ApiKey) -> Item:
    return Item(type="api_key", id=key.id, name=key.name)
