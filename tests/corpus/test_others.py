"""The corpus under other people's code: golang.org/x/mod, openssl, and a second implementation of ML-DSA-44.

Needs Go with the source of x/mod, as Debian packages them, and openssl: `make golang` and `make browser` see to both.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from dilithium_py.ml_dsa import ML_DSA_44
from tests.corpus.make import CORPUS
from tests.corpus.test_corpus import CASES, INDEX, content, vkeys

from trailbook.errors import ProofInvalidError
from trailbook.tree import Note, VerifierKey, key_id, parse_note, parse_vkey, verify_note
from trailbook.tree.algorithms import TYPES
from trailbook.tree.checkpoint import Signature

GOPATH = "/usr/share/gocode"  # where Debian's packages put other people's Go
DER = bytes.fromhex("302a300506032b6570032100")  # what stands before an Ed25519 key. Source: RFC 8410
ED25519, COSIGNATURE, ML_DSA = 1, 4, 6


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What x/mod says of each file; the program is built once."""
    folder = tmp_path_factory.mktemp("go")
    source = Path(__file__).parent / "go" / "main.go"
    places = {"GO111MODULE": "off", "GOPATH": GOPATH, "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    command = ["go", "build", "-o", str(folder / "judge"), str(source)]
    subprocess.run(command, env={**os.environ, **places}, check=True)
    judged = subprocess.run([folder / "judge", CORPUS], check=True, capture_output=True)
    answer: dict[str, str] = json.loads(judged.stdout)
    return answer


def test_x_mod_judges_as_the_corpus_does_but_where_the_standard_is_silent(verdicts: dict[str, str]) -> None:
    assert verdicts.keys() == {case["file"] for case in CASES}
    judged = [case for case in CASES if not verdicts[case["file"]].startswith("not judged")]
    differ = {case["file"] for case in judged if (verdicts[case["file"]] == "holds") is not case["holds"]}
    assert differ <= {case["file"] for case in judged if case.get("stricter")}
    counted = {(case["kind"], case["holds"]) for case in judged}
    assert counted == {
        (kind, holds) for kind in ("key", "note", "checkpoint", "proof") for holds in (True, False)
    }


def lines(*kinds: int) -> list[tuple[VerifierKey, str, bytes]]:
    """Key, text and signature of every line in the corpus by a known key of these types, each once."""
    listed: dict[tuple[VerifierKey, str, bytes], None] = {}
    for case in CASES:
        known = {(key.name, key_id(key)): key for key in map(parse_vkey, vkeys(case)) if key.alg in kinds}
        for signed in notes_in(case) if known else ():
            for line in signed.signatures:
                if key := known.get((line.name, line.key_id)):
                    listed[key, signed.text, line.signature] = None
    return list(listed)


def notes_in(case: dict[str, Any]) -> list[Note]:
    """The note in a file, where it can be read."""
    raw = content(case)
    if case["kind"] == "proof":
        raw = raw.partition(b"\n\n")[2]
    try:
        return [parse_note(raw)] if case["kind"] in ("note", "checkpoint", "proof") else []
    except ProofInvalidError:
        return []


def ours(key: VerifierKey, text: str, signature: bytes) -> bool:
    try:
        return bool(verify_note(Note(text, (Signature(key.name, key_id(key), signature),)), (key,)))
    except ProofInvalidError:
        return False


def singles(single: ModuleType, key: VerifierKey, text: str, signature: bytes) -> bool:
    try:
        single.time_signed((key.name, key_id(key), key.alg, key.key, 0, 1), text, signature)
    except single.BrokenError:
        return False
    return True


def message_of(key: VerifierKey, text: str, signature: bytes) -> tuple[bytes, bytes]:
    """The signed bytes by the standard's own words, and the signature without its time."""
    if key.alg == ED25519:
        return text.encode(), signature
    time = int.from_bytes(signature[:8])
    if key.alg == COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode(), signature[8:]
    return TYPES[ML_DSA].message(key.name, text, time), signature[8:]


def openssl(folder: Path, key: bytes, message: bytes, signature: bytes) -> bool:
    files = {"key": DER + key, "message": message, "signature": signature}
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    words = ["-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin", "-in", "message"]
    command = ["openssl", "pkeyutl", *words, "-sigfile", "signature"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def test_openssl_judges_every_signature_as_both_verifiers_do(single: ModuleType, tmp_path: Path) -> None:
    """But for a time beyond all time, which no signature can mend."""
    answers = set()
    for key, text, signature in lines(ED25519, COSIGNATURE):
        holds = openssl(tmp_path, key.key, *message_of(key, text, signature))
        if key.alg == COSIGNATURE and signature[0] > 127:
            assert (ours(key, text, signature), singles(single, key, text, signature)) == (False, False)
            continue
        assert (ours(key, text, signature), singles(single, key, text, signature)) == (holds, holds)
        answers.add((key.alg, holds))
    assert answers == {(kind, holds) for kind in (ED25519, COSIGNATURE) for holds in (True, False)}


def test_a_second_implementation_judges_every_ml_dsa_signature_as_both_verifiers_do(
    single: ModuleType,
) -> None:
    answers = set()
    for key, text, signature in lines(ML_DSA):
        message, bare = message_of(key, text, signature)
        holds = ML_DSA_44.verify(key.key, message, bare)
        assert (ours(key, text, signature), singles(single, key, text, signature)) == (holds, holds)
        answers.add(holds)
    assert answers == {True, False}


@pytest.mark.parametrize(
    "seed", [bytes(32), b"\xff" * 32, bytes(range(32))], ids=["zeros", "ones", "counted"]
)
def test_both_implementations_of_ml_dsa_make_the_same_keys_and_take_each_others_signatures(
    seed: bytes,
) -> None:
    public, secret = ML_DSA_44.key_derive(seed)
    private = MLDSA44PrivateKey.from_seed_bytes(seed)
    assert private.public_key().public_bytes_raw() == public
    for message in (b"", b"subtree/v1\n\0", bytes(1000)):
        private.public_key().verify(ML_DSA_44.sign(secret, message), message)
        assert ML_DSA_44.verify(public, message, private.sign(message))
        assert not ML_DSA_44.verify(public, message + b"\0", private.sign(message))


def test_the_single_file_names_the_package_that_ml_dsa_needs(
    single: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it is not installed the rest can be checked, by leaving that key out."""
    file = str(CORPUS / "checkpoints" / "good-witness-6.txt")
    words = [word for name in ("log", "log-time") for word in ("--key", INDEX["keys"][name])]
    both = [*words, "--key", INDEX["keys"]["w2"]]
    assert single.main([file, *both]) == 0
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
    capsys.readouterr()
    assert single.main([file, *both]) == 2
    assert "needs the Python package cryptography" in capsys.readouterr().err
    assert single.main([file, *words]) == 0
