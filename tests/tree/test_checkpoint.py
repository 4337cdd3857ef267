"""Signed notes, checkpoints, cosignatures and proof files against golden bytes made with openssl."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, strategies as st

from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.tree import algorithms, checkpoint as cp, merkle
from trailbook.tree.checkpoint import Checkpoint, Note, Policy, Proof, Signature, SignerKey, VerifierKey

TEXT = (Path(__file__).parents[1] / "golden" / "checkpoint.txt").read_text()
GOLDEN = dict(part.split("\n", 1) for part in re.split(r"^%% ", TEXT, flags=re.MULTILINE)[1:])
WHO = ("log", "time", "witness")
SKEYS = {who: cp.parse_skey(GOLDEN[f"{who} skey"].rstrip("\n")) for who in WHO}
VKEYS = {who: cp.parse_vkey(GOLDEN[f"{who} vkey"].rstrip("\n")) for who in WHO}
POLICY = Policy("log.example/nordlys", (VKEYS["log"],), (VKEYS["time"], VKEYS["witness"]), 2)
RAW = GOLDEN["checkpoint"].encode()
NOTE = cp.parse_note(RAW)
HEAD = cp.parse_checkpoint(NOTE.text)
SIGNED_AT = 1793606400
ROOT = b64encode(HEAD.root).decode()


def refusal(check, *args, **named) -> str:
    with pytest.raises(ProofInvalidError) as caught:
        check(*args, **named)
    assert caught.value.code == "proof-invalid"
    return caught.value.detail


def flips(raw: bytes) -> Iterator[bytes]:
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


# --- golden: the format is frozen ---


@pytest.mark.parametrize("who", WHO)
def test_keys_are_those_of_the_golden_file(who: str):
    assert cp.verifier_of(SKEYS[who]) == VKEYS[who]
    assert cp.format_vkey(VKEYS[who]) + "\n" == GOLDEN[f"{who} vkey"]
    assert cp.format_skey(SKEYS[who]) + "\n" == GOLDEN[f"{who} skey"]


@pytest.mark.parametrize("which", ["checkpoint", "empty", "extended"])
def test_checkpoints_are_those_of_the_golden_file(which: str):
    """Ed25519 is deterministic, so signing again gives the same bytes as openssl."""
    raw = GOLDEN[which].encode()
    opened = cp.open_checkpoint(raw, POLICY)
    assert cp.format_checkpoint(opened.checkpoint) == opened.note.text
    own = cp.sign_checkpoint(opened.checkpoint, (SKEYS["log"], SKEYS["time"]), SIGNED_AT)
    witnessed = cp.sign(own.text, SKEYS["witness"], SIGNED_AT + 1)
    assert cp.format_note(Note(own.text, (*own.signatures, witnessed))) == raw
    assert [signature.key for signature in opened.signed] == [VKEYS["log"]]
    assert [signature.time for signature in opened.signed] == [None]
    assert [signature.key for signature in opened.cosigned] == [VKEYS["time"], VKEYS["witness"]]
    assert [signature.time for signature in opened.cosigned] == [SIGNED_AT, SIGNED_AT + 1]


def test_the_golden_checkpoints_say_what_they_say():
    frontier, _ = merkle.extend_frontier(
        merkle.EMPTY, [merkle.leaf_hash(b"leaf %d" % at) for at in range(257)]
    )
    assert cp.format_checkpoint(Checkpoint(POLICY.origin, 257, merkle.frontier_root(frontier))) == NOTE.text
    empty = cp.parse_note(GOLDEN["empty"].encode())
    assert cp.parse_checkpoint(empty.text) == Checkpoint("log.example/nordlys", 0, merkle.EMPTY_ROOT)
    extended = cp.parse_checkpoint(cp.parse_note(GOLDEN["extended"].encode()).text)
    assert extended.extensions == ("an extension line", "and one more: æøå")


@pytest.mark.parametrize("which", ["proof", "proof with extra", "proof of the only entry"])
def test_proof_files_are_those_of_the_golden_file_and_lead_to_the_root(which: str):
    raw = GOLDEN[which].encode()
    proof = cp.parse_proof(raw)
    assert cp.format_proof(proof) == raw
    assert proof.extra == (b"opaque" if which == "proof with extra" else b"")
    head = cp.open_checkpoint(cp.format_note(proof.note), POLICY).checkpoint
    leaf = merkle.leaf_hash(b"leaf %d" % proof.index)
    asked = {"index": proof.index, "size": head.size, "root": head.root}
    assert merkle.verify_inclusion(leaf, proof.hashes, **asked) == head.root


# --- parse(format(x)) == x ---

lines = st.text(st.characters(min_codepoint=0x20, exclude_categories=("Cs",)), min_size=1, max_size=40)
names = st.text(
    st.characters(min_codepoint=0x21, exclude_categories=("Cs", "Zs", "Zl", "Zp", "Cc")), min_size=1
)
names = names.filter(lambda name: "+" not in name)
hashes = st.binary(min_size=32, max_size=32)
sizes = st.integers(0, 2**63)
heads = st.builds(Checkpoint, lines, sizes, hashes, st.lists(lines, max_size=3).map(tuple))
key_ids = st.binary(min_size=4, max_size=4)
signatures = st.builds(Signature, names, key_ids, st.binary(min_size=1, max_size=80))
several = st.lists(signatures, min_size=1, max_size=4, unique_by=msgspec.structs.astuple).map(tuple)
texts = st.lists(st.one_of(st.just(""), lines), min_size=1, max_size=5).map(
    lambda rows: "\n".join(rows) + "\n"
)


@given(heads)
def test_reading_a_checkpoint_gives_back_what_was_written(head: Checkpoint):
    assert cp.parse_checkpoint(cp.format_checkpoint(head)) == head


@given(texts, several)
def test_reading_a_note_gives_back_what_was_written(text: str, signed: tuple[Signature, ...]):
    note = Note(text, signed)
    assert cp.parse_note(cp.format_note(note)) == note


@given(sizes, st.lists(hashes, max_size=63).map(tuple), heads, several, st.binary(max_size=20))
def test_reading_a_proof_gives_back_what_was_written(index, path, head, signed, extra):
    proof = Proof(index, path, Note(cp.format_checkpoint(head), signed), extra)
    assert cp.parse_proof(cp.format_proof(proof)) == proof


@given(names, st.sampled_from([algorithms.ED25519, algorithms.COSIGNATURE]), hashes)
def test_reading_a_key_gives_back_what_was_written(name: str, alg: int, seed: bytes):
    signer = SignerKey(name, alg, seed)
    verifier = cp.verifier_of(signer)
    assert cp.parse_skey(cp.format_skey(signer)) == signer
    assert cp.parse_vkey(cp.format_vkey(verifier)) == verifier


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(raw: bytes):
    for read, write in ((cp.parse_note, cp.format_note), (cp.parse_proof, cp.format_proof)):
        try:
            note = read(raw)
        except ProofInvalidError:
            continue
        assert write(note) == raw


# --- every bit ---


def test_every_bit_flip_of_a_signed_checkpoint_is_refused():
    """Log, own cosignature and witness are all asked for, so no line may be lost either."""
    assert cp.open_checkpoint(RAW, POLICY).checkpoint == HEAD
    for changed in flips(RAW):
        refusal(cp.open_checkpoint, changed, POLICY)


def check_proof(raw: bytes) -> bytes:
    proof = cp.parse_proof(raw)
    head = cp.open_checkpoint(cp.format_note(proof.note), POLICY).checkpoint
    leaf = merkle.leaf_hash(b"leaf 128")
    return merkle.verify_inclusion(leaf, proof.hashes, index=proof.index, size=head.size, root=head.root)


def test_every_bit_flip_of_a_proof_file_is_refused():
    raw = GOLDEN["proof"].encode()
    assert check_proof(raw) == HEAD.root
    for changed in flips(raw):
        refusal(check_proof, changed)


def test_every_bit_flip_of_a_verifier_key_is_refused():
    text = cp.format_vkey(VKEYS["log"])
    assert cp.parse_vkey(text) == VKEYS["log"]
    for changed in flips(text.encode()):
        with pytest.raises(InvalidError):
            cp.parse_vkey(changed.decode("latin-1"))


# --- malformed notes, each with the well-formed note as control ---

LOG_LINE = GOLDEN["checkpoint"].split("\n")[4]
BODY = f"log.example/nordlys\n257\n{ROOT}\n"
ONLY = Policy(POLICY.origin, POLICY.log)


def spelled(line: str = LOG_LINE, body: str = BODY, blank: str = "\n", end: str = "\n") -> bytes:
    return f"{body}{blank}{line}{end}".encode()


def resigned(body: str) -> bytes:
    """A body that a key of the log did sign, so that only its form can be wrong."""
    return cp.format_note(Note(body, (cp.sign(body, SKEYS["log"]),)))


NAME, CODED = LOG_LINE.split(" ")[1:]
MALFORMED = {
    "no newline at the end": (spelled(end=""), "note: is not"),
    "no empty line": (spelled(blank=""), "note: is not"),
    "no signature": (spelled(line="", end=""), "note: is not"),
    "an empty signature line": (spelled(end="\n\n"), "note: is not"),
    "no text": (f"\n{LOG_LINE}\n".encode(), "note: is not"),
    "nothing": (b"", "note: is not"),
    "a return": (spelled(end="\r\n"), "control character U+000D"),
    "a tab": (spelled(body="a\tb\n" + BODY), "control character U+0009"),
    "not UTF-8": (spelled() + b"\xff\n", "not UTF-8"),
    "too long": (b"x" * (cp.MAX_NOTE + 1), "longer than"),
    "a hyphen for the dash": (spelled(f"- {NAME} {CODED}"), "not a dash"),
    "two spaces": (spelled(f"— {NAME}  {CODED}"), "base64"),
    "no name": (spelled(f"—  {CODED}"), "not a dash"),
    "no base64": (spelled(f"— {NAME}"), "not a dash"),
    "a plus in the name": (spelled(f"— a+b {CODED}"), "not a dash"),
    "a no-break space in the name": (spelled(f"— a\u00a0b {CODED}"), "not a dash"),
    "base64 without padding": (spelled(f"— {NAME} {CODED.rstrip('=')}"), "base64"),
    "base64 with other left-over bits": (spelled(f"— {NAME} {CODED[:-2]}t="), "base64"),
    "base64 of URLs": (spelled(f"— {NAME} {CODED.replace('/', '_')}"), "base64"),
    "base64 with a space": (spelled(f"— {NAME} {CODED} "), "base64"),
    "base64 of nothing": (spelled(f"— {NAME} "), "base64"),
    "base64 of a key id alone": (spelled(f"— {NAME} {b64encode(b'1234').decode()}"), "too short"),
    "a line twice": (spelled(f"{LOG_LINE}\n{LOG_LINE}"), "stands there twice"),
    "too many lines": (spelled("\n".join(f"— w{at} {CODED}" for at in range(101))), "more than 100"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_note_is_refused(case: str):
    assert (cp.MAX_NOTE, cp.MAX_SIGNATURES) == (1_000_000, 100)
    raw, why = MALFORMED[case]
    most = "\n".join((LOG_LINE, *(f"— w{at} {CODED}" for at in range(99))))
    longest = "x" * (cp.MAX_NOTE - len(spelled())) + BODY
    assert all(map(cp.parse_note, (spelled(), spelled(most), spelled(body=longest))))
    assert why in refusal(cp.open_checkpoint, raw, ONLY)


BODIES = {
    "a leading zero": (f"{NAME}\n0257\n{ROOT}\n", "size"),
    "a sign": (f"{NAME}\n+257\n{ROOT}\n", "size"),
    "a fraction": (f"{NAME}\n257.0\n{ROOT}\n", "size"),
    "other digits": (f"{NAME}\n٢٥٧\n{ROOT}\n", "size"),
    "a size beyond 2**63": (f"{NAME}\n{2**63 + 1}\n{ROOT}\n", "size"),
    "no size": (f"{NAME}\n{ROOT}\n", "three or more lines"),
    "an empty origin": (f"\n257\n{ROOT}\n", "none of them empty"),
    "an empty extension": (f"{NAME}\n257\n{ROOT}\n\nx\n", "none of them empty"),
    "an empty last line": (f"{NAME}\n257\n{ROOT}\n\n", "none of them empty"),
    "a root in hex": (f"{NAME}\n257\n{HEAD.root.hex()}\n", "a hash has 32 bytes"),
    "a short root": (f"{NAME}\n257\n{b64encode(HEAD.root[:31]).decode()}\n", "a hash has 32 bytes"),
    "a root without padding": (f"{NAME}\n257\n{ROOT.rstrip('=')}\n", "canonical"),
    "another origin": (f"log.example/other\n257\n{ROOT}\n", "origin: is 'log.example/other'"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_malformed_checkpoint_is_refused_even_when_the_log_signed_it(case: str):
    body, why = BODIES[case]
    for size in (257, 2**63):
        assert cp.open_checkpoint(resigned(BODY.replace("257", str(size))), ONLY).checkpoint.size == size
    assert why in refusal(cp.open_checkpoint, resigned(body), ONLY)


HASH = b64encode(b"x" * 32).decode()
PROOFS = {
    "another first line": ("c2sp.org/tlog-proof@v2\nindex 0\n", "does not begin"),
    "no index": ("c2sp.org/tlog-proof@v1\n", "no line for the index"),
    "a hash before the index": (f"c2sp.org/tlog-proof@v1\n{HASH}\nindex 0\n", "no line for the index"),
    "a leading zero": ("c2sp.org/tlog-proof@v1\nindex 00\n", "index"),
    "an empty extra": ("c2sp.org/tlog-proof@v1\nextra \nindex 0\n", "extra"),
    "extra after the index": (f"c2sp.org/tlog-proof@v1\nindex 0\nextra {HASH}\n", "proof: is not base64"),
    "a short hash": ("c2sp.org/tlog-proof@v1\nindex 0\neHh4\n", "a hash has 32 bytes"),
    "a return": ("c2sp.org/tlog-proof@v1\nindex 0\r\n", "control character"),
    "64 hashes": ("c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 64, "more than 63"),
    "an empty line too many": ("c2sp.org/tlog-proof@v1\nindex 0\n\n", "none of them empty"),
}


@pytest.mark.parametrize("case", PROOFS)
def test_a_malformed_proof_file_is_refused(case: str):
    head, why = PROOFS[case]
    whole = "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 63
    assert len(cp.parse_proof(f"{whole}\n".encode() + RAW).hashes) == 63
    assert why in refusal(cp.parse_proof, f"{head}\n".encode() + RAW)


def test_a_proof_file_holds_a_checkpoint_and_not_any_note():
    letter = cp.format_note(Note("Dear all\n", NOTE.signatures))
    start = b"c2sp.org/tlog-proof@v1\nindex 0\n\n"
    assert cp.parse_proof(start + RAW).note == NOTE
    assert "checkpoint" in refusal(cp.parse_proof, start + letter)
    assert "note: is not" in refusal(cp.parse_proof, start)


@pytest.mark.parametrize(
    "write",
    [
        lambda: cp.format_checkpoint(Checkpoint("a\n1", 1, b"x" * 32)),
        lambda: cp.format_checkpoint(Checkpoint("a", -1, b"x" * 32)),
        lambda: cp.format_checkpoint(Checkpoint("a", 1, b"x" * 31)),
        lambda: cp.format_checkpoint(Checkpoint("a\ud800", 1, b"x" * 32)),
        lambda: cp.format_note(Note("text", NOTE.signatures)),
        lambda: cp.format_note(Note("text\n", ())),
        lambda: cp.format_note(Note("text\n", (Signature("a\nb", b"1234", b"s"),))),
        lambda: cp.format_note(Note("text\n", (Signature("a", b"1234", b""),))),
        lambda: cp.format_note(Note("text\n", (Signature("a", b"123", b"45"),))),
        lambda: cp.format_proof(Proof(-1, (), NOTE)),
        lambda: cp.format_proof(Proof(0, (b"x" * 32,) * 64, NOTE)),
    ],
)
def test_what_could_not_be_read_back_is_not_written(write):
    assert cp.format_checkpoint(Checkpoint("a", 1, b"x" * 32, ("b",)))
    assert cp.format_note(Note("text\n", (Signature("a", b"1234", b"s"),)))
    assert cp.format_proof(Proof(0, (b"x" * 32,), NOTE))
    refusal(write)


# --- who signed ---


def test_signatures_of_unknown_keys_are_ignored():
    """Same name and another key id, or the same key id and another name: both unknown."""
    log = NOTE.signatures[0]
    strangers = (Signature(log.name, b"\0\0\0\0", b"?"), Signature("other", log.key_id, b"?"))
    raw = cp.format_note(Note(NOTE.text, (*strangers, *NOTE.signatures)))
    assert [signature.key for signature in cp.open_checkpoint(raw, POLICY).signed] == [VKEYS["log"]]
    assert "no signature is by a known key" in refusal(cp.verify_note, Note(NOTE.text, strangers), POLICY.log)


def test_a_known_key_that_fails_refuses_the_note_whatever_others_say():
    log, time, witness = NOTE.signatures
    for broken in (
        Signature(time.name, time.key_id, time.signature[:-1] + b"\0"),
        Signature(time.name, time.key_id, time.signature + b"\0"),
        Signature(time.name, time.key_id, time.signature[:-1]),
        Signature(time.name, time.key_id, time.signature[:7]),
        Signature(time.name, time.key_id, b"\0" * 7 + b"\x01" + time.signature[8:]),
    ):
        raw = cp.format_note(Note(NOTE.text, (log, broken, witness)))
        assert "does not hold" in refusal(cp.open_checkpoint, raw, POLICY)
    late = Signature(time.name, time.key_id, b"\xff" + time.signature[1:])
    raw = cp.format_note(Note(NOTE.text, (log, late, witness)))
    assert "beyond all time" in refusal(cp.open_checkpoint, raw, POLICY)


def test_a_known_key_signs_once():
    again = cp.sign(NOTE.text, SKEYS["time"], SIGNED_AT + 60)
    assert cp.verify_note(Note(NOTE.text, (again,)), (VKEYS["time"],))[0].time == SIGNED_AT + 60
    both = Note(NOTE.text, (*NOTE.signatures, again))
    assert "signed twice" in refusal(cp.verify_note, both, (VKEYS["time"],))


def test_the_log_must_sign_and_witnesses_are_counted():
    log, time, witness = NOTE.signatures
    short = cp.format_note(Note(NOTE.text, (log, witness)))
    assert cp.open_checkpoint(short, ONLY).cosigned == ()
    policy = msgspec.structs.replace(POLICY, quorum=1)
    assert len(cp.open_checkpoint(short, policy).cosigned) == 1
    assert "1 witnesses cosigned, 2 are asked for" in refusal(cp.open_checkpoint, short, POLICY)
    unsigned = cp.format_note(Note(NOTE.text, (time, witness)))
    assert "by a key of the log" in refusal(cp.open_checkpoint, unsigned, POLICY)


def test_any_key_of_the_log_will_do_so_that_keys_can_change():
    new = SignerKey(POLICY.origin, algorithms.ED25519, b"n" * 32)
    both = Policy(POLICY.origin, (VKEYS["log"], cp.verifier_of(new)))
    for signers in ((SKEYS["log"],), (new,), (SKEYS["log"], new)):
        raw = cp.format_note(cp.sign_checkpoint(HEAD, signers, SIGNED_AT))
        assert len(cp.open_checkpoint(raw, both).signed) == len(signers)
    refusal(cp.open_checkpoint, cp.format_note(cp.sign_checkpoint(HEAD, (new,), SIGNED_AT)), ONLY)


def test_a_key_of_one_type_is_not_taken_for_the_other():
    """The key id commits to the type, and the signed bytes differ."""
    seed = SKEYS["log"].seed
    plain, timed = (
        cp.verifier_of(SignerKey("n", alg, seed)) for alg in (algorithms.ED25519, algorithms.COSIGNATURE)
    )
    assert plain.key == timed.key
    assert cp.key_id(plain) != cp.key_id(timed)
    signed = cp.sign(NOTE.text, SignerKey("n", algorithms.ED25519, seed))
    stamped = Signature("n", cp.key_id(timed), bytes(8) + signed.signature)
    assert cp.verify_note(Note(NOTE.text, (signed,)), (plain,))
    assert "does not hold" in refusal(cp.verify_note, Note(NOTE.text, (stamped,)), (timed,))


TWIN = VerifierKey("w", algorithms.COSIGNATURE, VKEYS["witness"].key)
PLAIN_WITNESS = VerifierKey("w", algorithms.ED25519, b"w" * 32)
POLICIES = {
    "no key": (Policy("o", ()), "at least one key"),
    "a witness without a time": (Policy("o", POLICY.log, (PLAIN_WITNESS,)), "for cosignatures"),
    "a witness of no known type": (Policy("o", POLICY.log, (VerifierKey("w", 9, b""),)), "for cosignatures"),
    "a key of the log": (
        Policy("o", POLICY.log, (VerifierKey("w", 4, VKEYS["log"].key),)),
        "no witness of it",
    ),
    "one witness under two names": (Policy("o", POLICY.log, (VKEYS["witness"], TWIN), 2), "one witness"),
    "more than there are": (Policy("o", POLICY.log, (VKEYS["witness"],), 2), "cannot be had"),
    "less than none": (Policy("o", POLICY.log, (), -1), "cannot be had"),
}


@pytest.mark.parametrize("case", POLICIES)
def test_a_policy_that_contradicts_itself_is_refused(case: str):
    policy, why = POLICIES[case]
    assert cp.open_checkpoint(RAW, POLICY)
    with pytest.raises(InvalidError, match=why):
        cp.open_checkpoint(RAW, policy)


def test_keys_that_cannot_be_told_apart_are_refused():
    assert cp.verify_note(NOTE, (VKEYS["log"],))
    with pytest.raises(InvalidError, match="same name and key id"):
        cp.verify_note(NOTE, (VKEYS["log"], VKEYS["log"]))
    for wrong, why in (
        (VerifierKey("n", 9, b"x" * 32), "type 9"),
        (VerifierKey("n", 1, b"x"), "32 bytes, not 1"),
    ):
        with pytest.raises(InvalidError, match=why):
            cp.verify_note(Note("text\n", (Signature("n", cp.key_id(wrong), b"s"),)), (wrong,))


# --- keys and signing ---


def with_parts(name: str, typed: bytes) -> str:
    key_hash = cp.key_id(VerifierKey(name, typed[0], typed[1:])).hex()
    return f"{name}+{key_hash}+{b64encode(typed).decode()}"


KEY = b"\x01" + VKEYS["log"].key
KEYS = {
    "another key id": (cp.format_vkey(VKEYS["log"]).replace("+d3f7084d+", "+d3f7084e+"), "key id"),
    "the key id in capitals": (cp.format_vkey(VKEYS["log"]).replace("+d3f7084d+", "+D3F7084D+"), "is not"),
    "no key": ("name+00000000+", "is not name"),
    "no name": (with_parts("", KEY), "name is empty"),
    "a space in the name": (with_parts("a b", KEY), "has a space"),
    "an unknown type": (with_parts("n", b"\x02" + KEY[1:]), "type 2 is not known"),
    "a short key": (with_parts("n", KEY[:-1]), "32 bytes, not 31"),
    "a long key": (with_parts("n", KEY + b"x"), "32 bytes, not 33"),
    "no padding": (with_parts("n", KEY + b"x").rstrip("="), "is not name"),
    "a newline": (cp.format_vkey(VKEYS["log"]) + "\n", "is not name"),
    "nothing": ("", "is not name"),
}


@pytest.mark.parametrize("case", KEYS)
def test_a_malformed_verifier_key_is_refused(case: str):
    text, why = KEYS[case]
    assert cp.parse_vkey(with_parts("n", KEY)).name == "n"
    with pytest.raises(InvalidError, match=why):
        cp.parse_vkey(text)


def test_a_malformed_signer_key_is_refused_and_not_shown():
    text = cp.format_skey(SKEYS["log"])
    secret = text.rpartition("+")[2]
    assert cp.parse_skey(text) == SKEYS["log"]
    malformed = {text[1:]: "begin", text.replace("+d3f7084d+", "+d3f7084e+"): "key id", text[:-4]: "bytes"}
    for wrong, why in malformed.items():
        with pytest.raises(InvalidError, match=why) as caught:
            cp.parse_skey(wrong)
        assert secret[:20] not in caught.value.detail
    assert SKEYS["log"].seed.hex() not in repr(SKEYS["log"])
    assert repr(SKEYS["log"]) == "SignerKey('log.example/nordlys', 1)"
    with pytest.raises(InvalidError, match="32 bytes, not 31"):
        cp.verifier_of(SignerKey("n", 1, b"x" * 31))


@pytest.mark.parametrize(("who", "time"), [("log", 1), ("time", None), ("time", -1), ("time", 2**63)])
def test_a_time_that_does_not_fit_the_key_is_refused(who: str, time: int | None):
    assert cp.sign(NOTE.text, SKEYS["log"])
    last = cp.sign(NOTE.text, SKEYS["time"], 2**63 - 1)
    assert last.signature[:8] == b"\x7f" + b"\xff" * 7
    assert cp.verify_note(Note(NOTE.text, (last,)), (VKEYS["time"],))[0].time == 2**63 - 1
    assert cp.sign(NOTE.text, SKEYS["time"], 0)
    with pytest.raises(InvalidError, match="is no time"):
        cp.sign(NOTE.text, SKEYS[who], time)


def test_only_a_checkpoint_is_cosigned():
    assert cp.sign("Dear all\n", SKEYS["log"])
    assert "checkpoint" in refusal(cp.sign, "Dear all\n", SKEYS["time"], 1)
    assert "does not end in a newline" in refusal(cp.sign, "Dear all", SKEYS["log"])


ML_DSA = SignerKey("witness.example/w1", algorithms.ML_DSA_44, b"m" * 32)


def test_a_cosignature_of_ml_dsa_is_over_what_the_standard_says():
    """The message, byte by byte; signed by the library alone, it is believed. Source: C2SP tlog-cosignature."""
    message = b"subtree/v1\n\0" + b"\x12witness.example/w1" + SIGNED_AT.to_bytes(8)
    message += b"\x13log.example/nordlys" + bytes(8) + (257).to_bytes(8) + HEAD.root
    private = MLDSA44PrivateKey.from_seed_bytes(ML_DSA.seed)
    verifier = VerifierKey(ML_DSA.name, 6, private.public_key().public_bytes_raw())
    assert verifier == cp.verifier_of(ML_DSA)
    assert cp.parse_vkey(cp.format_vkey(verifier)) == verifier
    assert cp.key_id(verifier) == sha256(b"witness.example/w1\n\x06" + verifier.key).digest()[:4]
    line = Signature(ML_DSA.name, cp.key_id(verifier), SIGNED_AT.to_bytes(8) + private.sign(message))
    (verified,) = cp.verify_note(Note(NOTE.text, (line,)), (verifier,))
    assert verified == cp.Verified(verifier, SIGNED_AT)
    other = Signature(ML_DSA.name, cp.key_id(verifier), SIGNED_AT.to_bytes(8) + private.sign(message[:-1]))
    assert "does not hold" in refusal(cp.verify_note, Note(NOTE.text, (other,)), (verifier,))


def test_a_witness_may_cosign_with_ml_dsa_and_not_every_bit_of_it_flips_unseen():
    signed = cp.sign_checkpoint(HEAD, (SKEYS["log"], ML_DSA), SIGNED_AT)
    policy = Policy(POLICY.origin, POLICY.log, (cp.verifier_of(ML_DSA),), 1)
    assert cp.open_checkpoint(cp.format_note(signed), policy).cosigned[0].time == SIGNED_AT
    line = signed.signatures[1]
    for at in (0, 7, 8, 500, 2427):
        bent = bytearray(line.signature)
        bent[at] ^= 1
        wrong = Note(signed.text, (signed.signatures[0], Signature(line.name, line.key_id, bytes(bent))))
        refusal(cp.open_checkpoint, cp.format_note(wrong), policy)
    for wrong in (line.signature[:-1], line.signature + b"\0", line.signature[:8]):
        short = Note(signed.text, (Signature(line.name, line.key_id, wrong),))
        assert "does not hold" in refusal(cp.verify_note, short, policy.witnesses)


def test_ml_dsa_says_nothing_of_extension_lines_and_ed25519_does():
    """So the log's own signature, which covers them, is asked for beside it."""
    longer = cp.format_checkpoint(Checkpoint(HEAD.origin, HEAD.size, HEAD.root, ("more",)))
    for key, holds in ((ML_DSA, True), (SKEYS["witness"], False)):
        moved = Note(longer, (cp.sign(NOTE.text, key, SIGNED_AT),))
        if holds:
            assert cp.verify_note(moved, (cp.verifier_of(key),))
        else:
            refusal(cp.verify_note, moved, (cp.verifier_of(key),))


def test_a_name_that_ml_dsa_cannot_sign_is_refused():
    for name in ("w" * 255, "æ" * 127):
        assert cp.sign(NOTE.text, SignerKey(name, 6, ML_DSA.seed), 1)
    for name in ("w" * 256, "æ" * 128):
        assert "name: ML-DSA-44 signs at most 255" in refusal(
            cp.sign, NOTE.text, SignerKey(name, 6, ML_DSA.seed), 1
        )
    far = cp.format_checkpoint(Checkpoint("o" * 256, 1, HEAD.root))
    assert "origin: ML-DSA-44" in refusal(cp.sign, far, ML_DSA, 1)


def test_a_cosignature_over_no_checkpoint_is_refused_by_whoever_reads_it():
    for key in (SKEYS["witness"], ML_DSA):
        kind, text = algorithms.TYPES[key.alg], "Dear all\n\nYours\n"
        verifier = cp.verifier_of(key)
        message = f"cosignature/v1\ntime 1\n{text}".encode() if key.alg == 4 else b"any"
        line = Signature(key.name, cp.key_id(verifier), bytes(7) + b"\1" + kind.sign(key.seed, message))
        assert "checkpoint" in refusal(cp.verify_note, Note(text, (line,)), (verifier,))


def test_a_witness_whose_time_is_zero_is_not_counted():
    """It says itself that it did not look for the largest tree. Source: C2SP tlog-cosignature."""
    for key in (SKEYS["witness"], ML_DSA):
        policy = Policy(POLICY.origin, POLICY.log, (cp.verifier_of(key),), 1)
        at = [cp.format_note(cp.sign_checkpoint(HEAD, (SKEYS["log"], key), time)) for time in (0, 1)]
        assert "0 witnesses cosigned" in refusal(cp.open_checkpoint, at[0], policy)
        assert len(cp.open_checkpoint(at[1], policy).cosigned) == 1


def check_reversed(_key: bytes, message: bytes, signature: bytes) -> None:
    if signature != message[::-1]:
        raise InvalidSignature


def test_a_second_signature_type_is_one_line_in_the_table(monkeypatch: pytest.MonkeyPatch):
    """With the key's name in the message and a longer key, as ML-DSA-44 cosignatures have them."""
    kind = algorithms.SignatureType(
        public=lambda seed: seed * 2,
        sign=lambda _seed, message: message[::-1],
        verify=check_reversed,
        message=lambda name, text, time: f"{name} {time} {text}".encode(),
        timed=True,
        key_bytes=64,
    )
    signer = SignerKey("toy.example", 0xFA, b"s" * 32)
    with pytest.raises(InvalidError, match="type 250 is not known"):
        cp.verifier_of(signer)
    monkeypatch.setitem(cp.TYPES, 0xFA, kind)
    verifier = cp.verifier_of(signer)
    assert cp.parse_vkey(cp.format_vkey(verifier)) == verifier
    raw = cp.format_note(cp.sign_checkpoint(HEAD, (SKEYS["log"], signer), SIGNED_AT))
    policy = Policy(POLICY.origin, POLICY.log, (verifier,), 1)
    assert cp.open_checkpoint(raw, policy).cosigned[0].time == SIGNED_AT
    for changed in flips(raw):
        refusal(cp.open_checkpoint, changed, policy)
