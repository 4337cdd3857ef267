"""What a log's trust rests on, as it stands: its last signed head, who else has it, and the keys.

Owns the facts, and no words about them. Refuses to verify entries, which takes its time (`deployment/verification.py`);
here only signatures are checked.
"""

from datetime import UTC, datetime

from msgspec import Struct

from trailbook.errors import DamagedError, ProofInvalidError, SigningRefusedError
from trailbook.proofs.outside_file import last_outside
from trailbook.proofs.signer import Signer, Signing
from trailbook.proofs.witnesses import Sighting, last_seen, sighting
from trailbook.stores import LogStore
from trailbook.tree import Opened, Policy, format_vkey, open_checkpoint


class SignedHead(Struct, frozen=True):
    """A signed head: over how many entries, and when its cosignature says; None where it says nothing."""

    size: int
    at: datetime | None


class Trust(Struct, frozen=True, kw_only=True):
    """The facts: `keeps_outside` says whether a file outside is kept, `outside` is this log's last head in it.

    `refused` says why the kept head is none of ours; `stamped` is the size that an authority put its time on last;
    `witnesses` are all that are asked to cosign, with what each has seen; `keys` the verifier keys, oldest first.
    Source: C2SP tlog-checkpoint, signed-note.
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


def trust(store: LogStore, org: str, signing: Signing | None) -> Trust:
    """The facts about one log. Raises: NotFoundError, StoreError."""
    size = store.head(org).size
    if signing is None:
        return Trust(size=size)
    signer = Signer(store, signing)
    origin = signer.origin(org)
    keys = signing.keyring.verifiers(origin)
    last, refused = None, None
    try:
        last = signer.last(org)
    except SigningRefusedError as error:
        refused = error.detail
    stamped, policy = signer.stamped(org), Policy(origin, keys)
    return Trust(
        size=size,
        origin=origin,
        signed=None if last is None else _head(last),
        refused=refused,
        keeps_outside=signing.outside is not None,
        outside=_outside(signing, policy),
        asks_authority=bool(signing.timestamp_urls),
        stamped=None if stamped is None else stamped.size,
        witnesses=tuple(
            sighting(witness, last_seen(store, org, witness, policy), last) for witness in signing.witnesses
        ),
        keys=tuple(format_vkey(key) for key in keys),
    )


def _outside(signing: Signing, policy: Policy) -> SignedHead | None:
    """The last head outside, if it is there and signed by these keys."""
    try:
        last = None if signing.outside is None else last_outside(signing.outside, policy.origin)
        return None if last is None else _head(open_checkpoint(last.note, policy))
    except (DamagedError, ProofInvalidError, OSError):
        return None


def _head(opened: Opened) -> SignedHead:
    at = datetime.fromtimestamp(opened.time, UTC) if opened.time else None
    return SignedHead(opened.checkpoint.size, at)
