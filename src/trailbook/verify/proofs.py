"""A proof file and the bytes it is about: whether they stand in a signed tree.

Owns the check of one C2SP tlog-proof. Refuses keys that came with the proof: whoever asks brings them.
"""

from collections.abc import Sequence

from trailbook.errors import InvalidError
from trailbook.tree import (
    Checkpoint,
    KeyRange,
    Policy,
    TrustPolicy,
    format_note,
    leaf_hash,
    open_trusted,
    parse_proof,
    require_in_range,
    verify_inclusion,
)

BEGINNING = b"c2sp.org/tlog-proof@v1\n"


def check_proof(
    proof: bytes, leaf: bytes, keys: Sequence[KeyRange], trust: TrustPolicy | None = None
) -> tuple[int, Checkpoint]:
    """The place of these bytes in the signed tree, and its signed head, by keys each within its range.

    `trust` may ask for more.

    Raises: ProofInvalidError naming what does not hold; InvalidError without a key of the proof's origin. Source:
    C2SP tlog-proof.
    """
    parsed = parse_proof(proof)
    origin = parsed.note.text.split("\n", 1)[0]
    own = tuple(range_.key for range_ in keys if range_.key.name == origin)
    if not own:
        raise InvalidError(f"key: none of the keys is of {origin}")
    opened = open_trusted(format_note(parsed.note), Policy(origin, own), trust or TrustPolicy())
    require_in_range(opened, keys)
    head = opened.checkpoint
    verify_inclusion(leaf_hash(leaf), parsed.hashes, index=parsed.index, size=head.size, root=head.root)
    return parsed.index, head
