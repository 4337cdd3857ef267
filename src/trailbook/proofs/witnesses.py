"""Witnesses of a log: who they are, which of its heads they cosigned, and where that is kept.

Owns how the settings name a witness, and two kinds of blob: `witnessed`, a head with every cosignature on it, by its
size; and `witness`, the last head that each of them cosigned. Refuses to count a key of the log as somebody else.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from trailbook.errors import ConfigurationError, InvalidError, ProofInvalidError
from trailbook.outgoing import Address, parse_address
from trailbook.proofs.keyring import Keyring
from trailbook.proofs.tiles import kind_of
from trailbook.stores import Blob, Blobs, ExpectedBlob
from trailbook.tree import (
    COSIGNATURE,
    ML_DSA_44,
    Note,
    Opened,
    Policy,
    VerifierKey,
    format_note,
    key_id,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_vkey,
)

WITNESSED = "witnessed"
WITNESS = "witness"
LATE = timedelta(hours=2)
MOST_WITNESSES = 32  # a note has at most a hundred signatures, and a witness two of them


class Witness(Struct, frozen=True):
    """Somebody who is asked to cosign: below which address, and with which keys they do, of one name."""

    address: Address
    keys: tuple[VerifierKey, ...]

    @property
    def name(self) -> str:
        """What it calls itself in its cosignatures."""
        return self.keys[0].name

    @property
    def id(self) -> str:
        """The key id of its first key, in hex."""
        return key_id(self.keys[0]).hex()


class Sighting(Struct, frozen=True, kw_only=True):
    """What a witness, by `name`, has seen: the head over `size` entries, `at` the time it gives; None before the first.

    `newest`: this is the head that was signed last.
    """

    name: str
    size: int | None = None
    at: datetime | None = None
    newest: bool = False

    def is_late(self, now: datetime) -> bool:
        """Whether a witness should have seen a newer head by now: an idle log is signed again every hour."""
        return not self.newest and (self.at is None or now - self.at > LATE)


def parse_witness(text: str) -> Witness:
    """Read `URL VKEY`, or `URL VKEY VKEY` of a witness with a key of each type. Raises: InvalidError."""
    url, *vkeys = text.split(" ")
    address = parse_address(url)
    keys = tuple(parse_vkey(vkey) for vkey in vkeys)
    if not keys or len({key.name for key in keys}) != 1:
        raise InvalidError("key: an address is followed by the keys of one witness, of the same name")
    if any(key.alg not in (COSIGNATURE, ML_DSA_44) for key in keys):
        raise InvalidError("key: a witness has keys for cosignatures")
    return Witness(address, keys)


def check_witnesses(witnesses: Sequence[Witness], keyring: Keyring, origin: str) -> None:
    """Refuse witnesses that are not somebody else, or one of them twice. Raises: ConfigurationError."""
    keys = [key for witness in witnesses for key in witness.keys]
    own = {key for keys in keyring.publics.values() for key in keys}
    for key in keys:
        if key.key in own or key.name == origin or key.name.startswith(f"{origin}/"):
            raise ConfigurationError(f"witnesses: {key.name}: a key of the log itself is no witness of it")
    if len({key.key for key in keys}) != len(keys) or len({w.name for w in witnesses}) != len(witnesses):
        raise ConfigurationError("witnesses: two have the same name or key, so they are one witness")
    if len(witnesses) > MOST_WITNESSES:
        raise ConfigurationError(f"witnesses: there are more than {MOST_WITNESSES}")


def keep_cosigned(store: Blobs, org: str, witness: Witness, note: Note) -> None:
    """Keep a head with a witness's cosignatures on it. Raises: HeadMovedError when another was kept meanwhile."""
    kind, key = _home(store, org, note)
    before = store.blob(org, kind, key)
    whole = note if before is None else _joined(note, before)
    blobs = [
        Blob(kind, key, format_note(whole)),
        Blob(kind_of(store, org, WITNESS), witness.id, format_note(note)),
    ]
    store.put_blobs(org, blobs, expect=ExpectedBlob(kind, key, before))


def with_cosignatures(store: Blobs, org: str, note: bytes) -> bytes:
    """A signed head with the cosignatures of everybody who has seen it."""
    own = parse_note(note)
    kept = store.blob(org, *_home(store, org, own))
    return note if kept is None else format_note(_joined(own, kept))


def last_seen(store: Blobs, org: str, witness: Witness, policy: Policy) -> Opened | None:
    """The last head that a witness cosigned, its signatures verified; None before the first.

    `policy` names the log and its keys. One that does not verify is none.
    """
    note = store.blob(org, kind_of(store, org, WITNESS), witness.id)
    try:
        own = Policy(policy.origin, policy.log, witness.keys, 1)
        return None if note is None else open_checkpoint(note, own)
    except ProofInvalidError:
        return None


def sighting(witness: Witness, opened: Opened | None, newest: Opened | None) -> Sighting:
    """What is to be said of a witness, of the last head that it cosigned, beside the one that was signed last."""
    if opened is None:
        return Sighting(name=witness.name)
    at = max(signature.time or 0 for signature in opened.cosigned)
    return Sighting(
        name=witness.name,
        size=opened.checkpoint.size,
        at=datetime.fromtimestamp(at, UTC),
        newest=newest is not None and newest.checkpoint == opened.checkpoint,
    )


def _home(store: Blobs, org: str, note: Note) -> tuple[str, str]:
    return kind_of(store, org, WITNESSED), f"{parse_checkpoint(note.text).size:020d}"


def _joined(note: Note, kept: bytes) -> Note:
    """A head, and the signatures of the same head that were kept before and that it has no newer ones of."""
    before = parse_note(kept)
    if before.text != note.text:
        return note
    newer = {(line.name, line.key_id) for line in note.signatures}
    older = (line for line in before.signatures if (line.name, line.key_id) not in newer)
    return Note(note.text, (*note.signatures, *older))
