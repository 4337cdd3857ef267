"""Rotations in a stored log: the entries that replaced the signing keys, read from their hashed bodies.

Owns what such an entry states, and the origins under which it may name a key. Refuses to believe the index: whoever
signs looks at every new body itself.
"""

from collections.abc import Callable, Iterable

from trailbook.proofs.tiles import epoch_of
from trailbook.record import decode_body
from trailbook.stores import Blobs, Identity, StoredEntry
from trailbook.tree import Rotation, read_rotation

ROTATED = "activity_log.key_rotated"
_MARK = f'"{ROTATED}"'.encode()


def rotations_in(
    rows: Iterable[StoredEntry], identities: Callable[[Iterable[str]], list[Identity]]
) -> list[Rotation]:
    """The rotations among these rows, in their order; `identities` says what tokens stand for."""
    # Looked for as bytes first: decoding every body would cost more than hashing them did.
    marked = [(row.seq, decode_body(row.body)) for row in rows if row.body and _MARK in row.body]
    targets = {seq: body.target for seq, body in marked if body.action == ROTATED}
    facts = {i.token: i.id or "" for i in identities(targets.values())}
    stated = [read_rotation(seq + 1, facts.get(token, "")) for seq, token in targets.items()]
    return [rotation for rotation in stated if rotation is not None]


def origins_of(store: Blobs, org: str, origin: str) -> tuple[str, ...]:
    """The origins of a log's checkpoints in every epoch up to now, the first one first."""
    last = int(epoch_of(store, org) or "0")
    return (f"{origin}/{org}", *(f"{origin}/{org}/{epoch}" for epoch in range(1, last + 1)))
