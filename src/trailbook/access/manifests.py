"""Manifests of access: what a member, a role, an API key or an organisation's settings give, as bytes to be hashed.

Owns their format. A manifest names nobody: the entry that cites it says whose it is, and so it outlives an erasure.
Refuses to hold a name, an id of a person or a secret.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from trailbook.model import Concern
from trailbook.record import ACCESS, Holder, canonical_json, digest_of
from trailbook.stores import ApiKey, Blob, Member, Organisation, Role

GrantRow = Member | Role | ApiKey | Organisation


def access_manifest(row: GrantRow) -> bytes:
    """The manifest of what a row of the registry gives; whoever it gives nothing has the same one, `NOTHING`."""
    return canonical_json({"v": 1, **_given(row)})


def access_fact(manifest: bytes) -> Concern:
    """The concern by which an entry cites a manifest."""
    return Concern(type=ACCESS, id=digest_of(manifest), part=ACCESS)


def access_blob(manifest: bytes) -> Blob:
    """A manifest as it is kept."""
    return Blob(ACCESS, digest_of(manifest), manifest)


def holder_of(row: GrantRow) -> Holder:
    """The item that entries name a row of the registry by."""
    if isinstance(row, Member):
        return row.type, row.id
    if isinstance(row, Organisation):
        return "log", row.org
    return ("api_key", row.id) if isinstance(row, ApiKey) else ("role", f"trailbook.{row.id}")


def _given(row: GrantRow) -> Mapping[str, Any]:
    if isinstance(row, Member):
        member = {"disabled": row.disabled_at is not None, "roles": sorted(row.roles)}
        return {"member": member} if row.roles else {}
    if isinstance(row, Role):
        role = {"categories": sorted(row.categories), "full": sorted(row.full)}
        return {"role": role} if any(role.values()) else {}
    if isinstance(row, ApiKey):
        return {"api_key": _key(row)} if row.revoked_at is None else {}
    return {"organisation": {"withheld": sorted(row.withheld)}} if row.withheld else {}


def _key(key: ApiKey) -> dict[str, Any]:
    """What a key may do, and by which secrets: of these the SHA-256 of what is kept, which opens nothing."""
    secrets: Sequence[bytes] = [key.secret_hash, *([key.old_hash] if key.old_hash else [])]
    until = {} if key.old_until is None else {"old_until": key.old_until}
    return {
        "categories": sorted(key.categories),
        "expires_at": key.expires_at,
        "only_itself": key.only_itself,
        "restricted": sorted(key.restricted),
        "scopes": sorted(key.scopes),
        "secrets": [sha256(secret).hexdigest() for secret in secrets],
        **until,
    }
