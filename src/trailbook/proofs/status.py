"""What a log's trust rests on, as it stands: its last signed head, who else has it, and the keys.

Owns the facts, and no words about them. Refuses to verify entries, which takes its time (`deployment/verification.py`);
here only signatures are checked.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from trailbook.errors import DamagedError, ProofInvalidError, SigningRefusedError
from trailbook.proofs.outside_file import last_outside
from trailbook.proofs.signer import Signer, Signing
from trailbook.proofs.witnesses import Sighting, last_seen, sighting
from trailbook.stores import LogStore
from trailbook.tree import KeyRange, Opened, Policy, format_key, key_ranges, open_checkpoint, require_in_range


class SignedHead(Struct, frozen=True):
    """A signed head: over how many entries, and when its cosignature says; None where it says nothing."""

    size: int
    at: datetime | None


class Trust(Struct, frozen=True, kw_only=True):
    """The facts: `keeps_outside` says whether a file outside is kept, `outside` is this log's last head in it.

    `refused` says why the kept head is none of ours; `stamped` is the size that an authority put its time on last;
    `witnesses` are all that are asked to cosign, with what each has seen; `keys` the verifier keys, oldest first, each
    with the sizes that it signs where these are not all. Source: C2SP tlog-checkpoint, signed-note.
    """

    size: int
    origin: str | None = None
    signed: SignedHead | None = None
    refused: str | None = None
    keeps_outside: bool = False
    outside: SignedHead | None = None
    asks_authority: bool = False
    stamped: int | None = None
    witnesses: tuple[Sighting, ...] = ()
    keys: tuple[str, ...] = ()


def trust(store: LogStore, org: str, signing: Signing | None, ranges: Sequence[KeyRange] = ()) -> Trust:
    """The facts about one log, of whose keys these are the ranges; without any each signs every size.

    Raises: NotFoundError, StoreError.
    """
    size = store.head(org).size
    if signing is None:
        return Trust(size=size)
    signer = Signer(store, signing)
    origin = signer.origin(org)
    ranges = ranges or key_ranges(signing.keyring.verifiers(origin), ())
    policy = Policy(origin, tuple(range_.key for range_ in ranges))
    last, signed, refused = None, None, None
    try:
        last = signer.last(org)
        signed = None if last is None else _head(last, ranges)
    except (SigningRefusedError, ProofInvalidError) as error:
        refused = error.detail
    stamped = signer.stamped(org)
    return Trust(
        size=size,
        origin=origin,
        signed=signed,
        refused=refused,
        keeps_outside=signing.outside is not None,
        outside=_outside(signing, policy, ranges),
        asks_authority=bool(signing.timestamp_urls),
        stamped=None if stamped is None else stamped.size,
        witnesses=tuple(
            sighting(witness, last_seen(store, org, witness, policy), last) for witness in signing.witnesses
        ),
        keys=tuple(map(format_key, ranges)),
    )


def _outside(signing: Signing, policy: Policy, ranges: Sequence[KeyRange]) -> SignedHead | None:
    """The last head outside, if it is there and signed by these keys, each within its range."""
    try:
        last = None if signing.outside is None else last_outside(signing.outside, policy.origin)
        return None if last is None else _head(open_checkpoint(last.note, policy), ranges)
    except (DamagedError, ProofInvalidError, OSError):
        return None


def _head(opened: Opened, ranges: Sequence[KeyRange]) -> SignedHead:
    """A head that its keys may sign. Raises: ProofInvalidError."""
    require_in_range(opened, ranges)
    at = datetime.fromtimestamp(opened.time, UTC) if opened.time else None
    return SignedHead(opened.checkpoint.size, at)
