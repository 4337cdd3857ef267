"""Signed heads of the tree: notes, checkpoints, cosignatures and proof files, exactly as C2SP writes them.

Owns the text formats, the key ids and what each of them binds; how keys sign is in `algorithms`.
Pure but for the keys passed in: it reads no clock, file or store. It refuses every second spelling of
the same thing, so parse and format are inverse byte for byte, and it never answers with a bare boolean.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from msgspec import Struct

from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.tree.algorithms import COSIGNATURE as COSIGNATURE, ED25519 as ED25519, TYPES

MAX_NOTE = 1_000_000  # bytes; C2SP asks for some limit
MAX_SIGNATURES = 100  # C2SP asks for at least 16
MAX_NUMBER = 2**63  # of leaves in a tree
MAX_TIME = 2**63 - 1  # seconds since 1970
MAX_PATH = 63  # hashes of an inclusion proof in a tree of 2**63

_HASH, _SEED, _KEY_ID, _TIME = 32, 32, 4, 8  # bytes
_DASH = "\N{EM DASH} "
_PROOF = "c2sp.org/tlog-proof@v1"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_UNPRINTED = re.compile("[\x00-\x1f\ud800-\udfff]")
_VKEY = re.compile(r"([^+]*)\+([0-9a-f]{8})\+([^\n]*)")


class VerifierKey(Struct, frozen=True):
    """A public key under its name, for one signature type `alg`."""

    name: str
    alg: int
    key: bytes


class SignerKey(Struct, frozen=True):
    """A private key under its name, for one signature type `alg`; never shown."""

    name: str
    alg: int
    seed: bytes

    def __repr__(self) -> str:
        return f"SignerKey({self.name!r}, {self.alg})"


class Signature(Struct, frozen=True):
    """One signature line of a note; `signature` begins with the time if its type has one."""

    name: str
    key_id: bytes
    signature: bytes


class Note(Struct, frozen=True):
    """A text that ends in a newline, and its signatures; nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]


class Checkpoint(Struct, frozen=True):
    """The head of a log: its origin, size and root hash; extension lines are kept and mean nothing here."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


class SignedCheckpoint(Struct, frozen=True):
    """A checkpoint, and the bytes of the signed note that it was read from; nothing is verified yet."""

    checkpoint: Checkpoint
    note: bytes


class Submission(Struct, frozen=True):
    """What a witness is sent: a head, and the proof that it extends the head of `old` entries."""

    old: int
    proof: tuple[bytes, ...]
    head: SignedCheckpoint


class Verified(Struct, frozen=True):
    """A signature that holds: whose, and for a cosignature when (seconds since 1970)."""

    key: VerifierKey
    time: int | None


class Policy(Struct, frozen=True):
    """Whom to believe about one log: any of its keys, and so many of the witnesses."""

    origin: str
    log: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0


class Opened(Struct, frozen=True):
    """A checkpoint that satisfied a policy, with the signatures that did."""

    checkpoint: Checkpoint
    note: Note
    signed: tuple[Verified, ...]
    cosigned: tuple[Verified, ...]

    @property
    def time(self) -> int:
        """When the log's own keys cosigned it last, in seconds since 1970; 0 where none of them says."""
        return max((signature.time or 0 for signature in self.signed), default=0)


class Proof(Struct, frozen=True):
    """A proof file: where an entry is in the checkpoint's tree. `extra` is opaque and not authenticated."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes = b""


def key_id(key: VerifierKey) -> bytes:
    """The four bytes that name a key beside its name. Source: C2SP signed-note."""
    return sha256(key.name.encode() + b"\n" + bytes([key.alg]) + key.key).digest()[:_KEY_ID]


def verifier_of(key: SignerKey) -> VerifierKey:
    """The public half of a signer's key.

    Raises: InvalidError when the key's name, type or length is wrong.
    """
    _check_key(key.name, key.alg)
    if len(key.seed) != _SEED:
        raise InvalidError(f"key: a private key has {_SEED} bytes, not {len(key.seed)}")
    return VerifierKey(key.name, key.alg, TYPES[key.alg].public(key.seed))


def format_vkey(key: VerifierKey) -> str:
    """A verifier key as text, `name+keyid+base64`.

    Raises: InvalidError when the key's name, type or length is wrong. Source: C2SP signed-note.
    """
    _check_public(key)
    return f"{key.name}+{key_id(key).hex()}+{_base64(bytes([key.alg]) + key.key)}"


def parse_vkey(text: str) -> VerifierKey:
    """Read `name+keyid+base64`; the key id must be the one that follows from the rest.

    Raises: InvalidError naming what is wrong. Source: C2SP signed-note.
    """
    key = VerifierKey(*_key_parts(text))
    if format_vkey(key) != text:
        raise InvalidError("key: the key id is not that of this name and key")
    return key


def format_skey(key: SignerKey) -> str:
    """A signer's key as text, `PRIVATE+KEY+name+keyid+base64`; keep it secret.

    Raises: InvalidError when the key's name, type or length is wrong.
    """
    public = verifier_of(key)
    return f"PRIVATE+KEY+{key.name}+{key_id(public).hex()}+{_base64(bytes([key.alg]) + key.seed)}"


def parse_skey(text: str) -> SignerKey:
    """Read `PRIVATE+KEY+name+keyid+base64`; the text never stands in an error.

    Raises: InvalidError naming what is wrong.
    """
    if not text.startswith("PRIVATE+KEY+"):
        raise InvalidError("key: does not begin with PRIVATE+KEY+")
    key = SignerKey(*_key_parts(text.removeprefix("PRIVATE+KEY+")))
    if format_skey(key) != text:
        raise InvalidError("key: the key id is not that of this name and key")
    return key


def sign(text: str, key: SignerKey, time: int | None = None) -> Signature:
    """Sign a note's text; a cosignature is over a checkpoint and needs `time`, seconds since 1970.

    Raises: InvalidError when the key or the time is wrong, ProofInvalidError when the text is no
    checkpoint (of a cosignature) or no text of a note. Source: C2SP signed-note, tlog-cosignature.
    """
    public = verifier_of(key)
    kind = TYPES[key.alg]
    _check_text(text)
    if kind.timed:
        parse_checkpoint(text)
    if (time is not None) != kind.timed or (time is not None and not 0 <= time <= MAX_TIME):
        raise InvalidError(f"time: {time} is no time for a signature of type {key.alg}")
    stamp = b"" if time is None else time.to_bytes(_TIME)
    return Signature(
        key.name, key_id(public), stamp + kind.sign(key.seed, kind.message(key.name, text, time))
    )


def sign_checkpoint(checkpoint: Checkpoint, keys: Sequence[SignerKey], time: int) -> Note:
    """Sign a checkpoint with each key, at `time` (seconds since 1970) where the key's type has one.

    Raises: as `sign` and `format_checkpoint`.
    """
    text = format_checkpoint(checkpoint)
    public = [verifier_of(key) for key in keys]  # an unknown type is refused here, before its row is read
    times = [time if TYPES[key.alg].timed else None for key in public]
    return Note(text, tuple(sign(text, key, at) for key, at in zip(keys, times, strict=True)))


def format_note(note: Note) -> bytes:
    """The bytes of a signed note.

    Raises: ProofInvalidError when it could not be read back. Source: C2SP signed-note.
    """
    lines = [f"{_DASH}{s.name} {_base64(s.key_id + s.signature)}\n" for s in note.signatures]
    text = f"{note.text}\n{''.join(lines)}"
    if _UNPRINTED.search(text.replace("\n", "")) or parse_note(raw := text.encode()) != note:
        raise ProofInvalidError("note: its text or signatures cannot be written")
    return raw


def parse_note(raw: bytes) -> Note:
    """Read a signed note; verifies nothing.

    Raises: ProofInvalidError naming what is malformed. Source: C2SP signed-note.
    """
    text, blank, signed = _decoded(raw).rpartition("\n\n")
    if not blank or not signed.endswith("\n"):
        raise ProofInvalidError("note: is not a text, an empty line and signature lines that end in newlines")
    lines = signed[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise ProofInvalidError(f"note: has more than {MAX_SIGNATURES} signatures")
    if len(set(lines)) != len(lines):
        raise ProofInvalidError("note: a signature line stands there twice")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def verify_note(note: Note, keys: Sequence[VerifierKey]) -> tuple[Verified, ...]:
    """Verify every signature by a known key; lines of unknown keys are ignored. Gives at least one.

    Raises: ProofInvalidError when a known key's signature fails or is there twice, or when no known key
    signed; InvalidError for keys that cannot be told apart. Source: C2SP signed-note.
    """
    known = {(key.name, key_id(key)): key for key in keys}
    if len(known) != len(keys):
        raise InvalidError("keys: two have the same name and key id")
    lines = [line for line in note.signatures if (line.name, line.key_id) in known]
    if not lines:
        raise ProofInvalidError("note: no signature is by a known key")
    if len({(line.name, line.key_id) for line in lines}) != len(lines):
        raise ProofInvalidError("note: a known key signed twice")
    return tuple(_verified(note.text, line, known[line.name, line.key_id]) for line in lines)


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The text of a checkpoint's note.

    Raises: ProofInvalidError when it could not be read back. Source: C2SP tlog-checkpoint.
    """
    lines = (checkpoint.origin, str(checkpoint.size), _base64(checkpoint.root), *checkpoint.extensions)
    text = "".join(f"{line}\n" for line in lines)
    if parse_checkpoint(text) != checkpoint:
        raise ProofInvalidError("checkpoint: a line of it has a newline")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note; verifies nothing.

    Raises: ProofInvalidError naming what is malformed. Source: C2SP tlog-checkpoint.
    """
    _check_text(text)
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise ProofInvalidError("checkpoint: is not three or more lines, none of them empty")
    origin, size, root, *extensions = lines
    return Checkpoint(origin, _number(size, "size"), _hash(root, "root"), tuple(extensions))


def read_checkpoint(note: bytes) -> SignedCheckpoint:
    """Read a signed checkpoint; verifies nothing. Raises: ProofInvalidError naming what is malformed."""
    return SignedCheckpoint(parse_checkpoint(parse_note(note).text), note)


def open_checkpoint(raw: bytes, policy: Policy) -> Opened:
    """Read a signed checkpoint and verify it against a policy.

    Raises: ProofInvalidError when it is malformed, of another origin, or a signature fails or lacks;
    InvalidError when the policy contradicts itself.
    """
    _check_policy(policy)
    note = parse_note(raw)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != policy.origin:
        raise ProofInvalidError(f"origin: is {checkpoint.origin!r}, not {policy.origin!r}")
    verified = verify_note(note, (*policy.log, *policy.witnesses))
    signed = tuple(signature for signature in verified if signature.key in policy.log)
    # A witness's time of 0 says that it did not look whether this is the largest tree: that is no witnessing.
    cosigned = tuple(
        signature for signature in verified if signature.key in policy.witnesses and signature.time
    )
    if not signed:
        raise ProofInvalidError("note: no signature is by a key of the log")
    if len(cosigned) < policy.quorum:
        raise ProofInvalidError(f"note: {len(cosigned)} witnesses cosigned, {policy.quorum} are asked for")
    return Opened(checkpoint, note, signed, cosigned)


def format_proof(proof: Proof) -> bytes:
    """The bytes of a proof file, media type text/plain.

    Raises: ProofInvalidError when it could not be read back. Source: C2SP tlog-proof.
    """
    extra = [f"extra {_base64(proof.extra)}"] if proof.extra else []
    lines = [_PROOF, *extra, f"index {proof.index}", *map(_base64, proof.hashes)]
    raw = "\n".join(lines).encode() + b"\n\n" + format_note(proof.note)
    parse_proof(raw)
    return raw


def parse_proof(raw: bytes) -> Proof:
    """Read a proof file; verifies nothing.

    Raises: ProofInvalidError naming what is malformed. Source: C2SP tlog-proof.
    """
    head, _, signed = raw.partition(b"\n\n")
    first, *lines = _decoded(head).split("\n")
    if first != _PROOF:
        raise ProofInvalidError(f"proof: does not begin with {_PROOF}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = _bytes(lines.pop(0).removeprefix("extra "), "extra")
    if not lines or not lines[0].startswith("index "):
        raise ProofInvalidError("proof: has no line for the index")
    index = _number(lines.pop(0).removeprefix("index "), "index")
    if len(lines) > MAX_PATH:
        raise ProofInvalidError(f"proof: has more than {MAX_PATH} hashes")
    note = parse_note(signed)
    parse_checkpoint(note.text)
    return Proof(index, tuple(_hash(line, "proof") for line in lines), note, extra)


def format_submission(submission: Submission) -> bytes:
    """The bytes that ask a witness for its cosignature. Source: C2SP tlog-witness, add-checkpoint."""
    lines = (f"old {submission.old}", *map(_base64, submission.proof))
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + submission.head.note


def parse_submission(raw: bytes) -> Submission:
    """Read what a witness is sent; verifies nothing.

    Raises: ProofInvalidError naming what is malformed. Source: C2SP tlog-witness, add-checkpoint.
    """
    head, _, note = raw.partition(b"\n\n")
    old, *lines = _decoded(head).split("\n")
    if not old.startswith("old ") or len(lines) > MAX_PATH:
        raise ProofInvalidError(f"submission: does not begin with the old size and at most {MAX_PATH} hashes")
    proof = tuple(_hash(line, "proof") for line in lines)
    return Submission(_number(old.removeprefix("old "), "old"), proof, read_checkpoint(note))


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _is_name(name):
        raise ProofInvalidError("signature: is not a dash, a key's name and base64, parted by single spaces")
    content = _bytes(encoded, "signature")
    if len(content) <= _KEY_ID:
        raise ProofInvalidError("signature: is too short for a key id and a signature")
    return Signature(name, content[:_KEY_ID], content[_KEY_ID:])


def _verified(text: str, line: Signature, key: VerifierKey) -> Verified:
    _check_public(key)
    kind, time, signature = TYPES[key.alg], None, line.signature
    if kind.timed:
        time, signature = int.from_bytes(signature[:_TIME]), signature[_TIME:]
        if time > MAX_TIME:
            raise ProofInvalidError(f"signature: the time of {key.name} is beyond all time")
        parse_checkpoint(text)  # a cosignature is over nothing else
    try:
        kind.verify(key.key, kind.message(key.name, text, time), signature)
    except InvalidSignature:
        raise ProofInvalidError(f"signature: that of {key.name}+{line.key_id.hex()} does not hold") from None
    return Verified(key, time)


def _key_parts(text: str) -> tuple[str, int, bytes]:
    """Name, signature type and key."""
    parts = _VKEY.fullmatch(text)
    typed = _decoded_base64(parts[3]) if parts else b""
    if not parts or not typed:
        raise InvalidError("key: is not name+keyid+base64")
    return parts[1], typed[0], typed[1:]


def _check_key(name: str, alg: int) -> None:
    if not _is_name(name):
        raise InvalidError("key: its name is empty, or has a space, a plus or a control character")
    if alg not in TYPES:
        raise InvalidError(f"key: the signature type {alg} is not known")


def _check_public(key: VerifierKey) -> None:
    _check_key(key.name, key.alg)
    if len(key.key) != TYPES[key.alg].key_bytes:
        raise InvalidError(f"key: a public key has {TYPES[key.alg].key_bytes} bytes, not {len(key.key)}")


def _check_policy(policy: Policy) -> None:
    if not policy.log:
        raise InvalidError("log: a policy has at least one key of the log")
    if any(key.alg not in TYPES or not TYPES[key.alg].timed for key in policy.witnesses):
        raise InvalidError("witnesses: a witness has a key for cosignatures")
    if {key.key for key in policy.witnesses} & {key.key for key in policy.log}:
        raise InvalidError("witnesses: a key of the log is no witness of it")
    if len({key.key for key in policy.witnesses}) != len(policy.witnesses):
        raise InvalidError("witnesses: two share one key, so they are one witness")
    if not 0 <= policy.quorum <= len(policy.witnesses):
        raise InvalidError(f"quorum: {policy.quorum} of {len(policy.witnesses)} witnesses cannot be had")


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_NOTE:
        raise ProofInvalidError(f"note: is longer than {MAX_NOTE} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ProofInvalidError("note: is not UTF-8") from None
    if control := _UNPRINTED.search(text.replace("\n", "")):
        raise ProofInvalidError(f"note: has the control character U+{ord(control.group()):04X}")
    return text


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _UNPRINTED.search(text.replace("\n", "")):
        raise ProofInvalidError("note: its text has a control character or does not end in a newline")


def _is_name(name: str) -> bool:
    odd = any(letter.isspace() or letter == "+" for letter in name)
    return bool(name) and not odd and not _UNPRINTED.search(name)


def _number(text: str, member: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > MAX_NUMBER:
        raise ProofInvalidError(f"{member}: is not a number without leading zeros, 2**63 at most")
    return int(text)


def _hash(text: str, member: str) -> bytes:
    content = _bytes(text, member)
    if len(content) != _HASH:
        raise ProofInvalidError(f"{member}: a hash has {_HASH} bytes, not {len(content)}")
    return content


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


def _bytes(text: str, member: str) -> bytes:
    if not (content := _decoded_base64(text)):
        raise ProofInvalidError(f"{member}: is not base64 in its canonical form")
    return content


def _decoded_base64(text: str) -> bytes:
    """Base64 in its one spelling, else nothing: no signature covers its left-over bits."""
    try:
        content = b64decode(text, validate=True)
    except ValueError:
        return b""
    return content if _base64(content) == text else b""
