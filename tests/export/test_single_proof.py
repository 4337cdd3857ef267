"""The single-file verifier against proofs of one entry: every place of many trees, and every way one may not hold.

The trees and proofs are made from the definition of RFC 9162 2.1.3.1, not by
the package; each refusal has the same proof without the fault as its control.
"""

import base64
import hashlib
import json
from pathlib import Path
from types import ModuleType

import bundles
import pytest
from verifier import KEYS


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = below(len(leaves))
    return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


def path(at: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = below(len(leaves))
    if at < split:
        return [*path(at, leaves[:split]), root(leaves[split:])]
    return [*path(at - split, leaves[split:]), root(leaves[:split])]


def below(count: int) -> int:
    """The largest power of two smaller than a count."""
    return 1 << (count - 1).bit_length() - 1


def proof_bytes(at: int, hashes: list[bytes]) -> bytes:
    lines = [f"index {at}", *(base64.b64encode(digest).decode() for digest in hashes)]
    return b"c2sp.org/tlog-proof@v1\n" + "\n".join(lines).encode()


def refused(single: ModuleType, proof: bytes, leaf: bytes, head: tuple[str, int, bytes]) -> bool:
    try:
        single.seq_of(proof, leaf, head)
    except single.BrokenError:
        return True
    return False


@pytest.mark.parametrize("size", [*range(1, 20), 31, 32, 33, 64, 100])
def test_every_place_of_a_tree_is_proved_and_no_other(single: ModuleType, size: int) -> None:
    """The proof of each place holds there; at another place, of another size or with a hash less it does not."""
    leaves = [b"entry %d" % at for at in range(size)]
    head = ("o", size, root(leaves))
    for at, leaf in enumerate(leaves):
        hashes = path(at, leaves)
        assert single.seq_of(proof_bytes(at, hashes), leaf, head) == at
        for wrong in {at + 1, at - 1, at ^ 1, size, size + at} - {at}:
            assert refused(single, proof_bytes(wrong, hashes), leaf, head)
        assert refused(single, proof_bytes(at, hashes), leaf + b" ", head)
        assert refused(single, proof_bytes(at, [*hashes, bytes(32)]), leaf, head)
        if hashes:
            assert refused(single, proof_bytes(at, hashes[1:]), leaf, head)
            assert refused(single, proof_bytes(at, hashes[:-1]), leaf, head)


def written(log: bundles.Log, folder: Path, at: int = 300) -> Path:
    """A proof file of an entry, its leaf beside it."""
    proof = folder / "p.tlog-proof"
    proof.write_bytes(
        proof_bytes(at, path(at, log.bodies)) + b"\n\n" + bundles.checkpoint(log, len(log.bodies))
    )
    (folder / "p.tlog-proof.leaf").write_bytes(log.bodies[at])
    return proof


def test_a_proof_beside_its_leaf_is_checked_by_one_command(
    single: ModuleType, log: bundles.Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a key and the two files, offline; the answer names the place."""
    proof = written(log, tmp_path)
    assert single.main([str(proof), *KEYS, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["holds"] is True
    assert any("are entry 300 of that tree" in claim for claim in answer["proved"])
    moved = (tmp_path / "p.tlog-proof.leaf").rename(tmp_path / "body")
    assert single.main([str(proof), *KEYS, "--leaf", str(moved)]) == 0
    assert single.main([str(proof), *KEYS]) == 2
    assert "p.tlog-proof.leaf" in capsys.readouterr().err


def test_every_flipped_bit_of_a_proof_or_its_leaf_is_found(
    single: ModuleType, log: bundles.Log, tmp_path: Path
) -> None:
    """No change of the two files passes; the control is the pair as it was."""
    proof = written(log, tmp_path)
    pair = {file: file.read_bytes() for file in (proof, tmp_path / "p.tlog-proof.leaf")}
    assert single.main([str(proof), *KEYS]) == 0
    for file, content in pair.items():
        for at in range(0, len(content), 7):
            file.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
            assert single.main([str(proof), *KEYS]) == 1, (file.name, at)
        file.write_bytes(content)


def test_nobody_else_signs_for_the_log(single: ModuleType, log: bundles.Log, tmp_path: Path) -> None:
    """Another key's signature, or no key at all, shows nothing."""
    proof = written(log, tmp_path)
    assert single.main([str(proof), "--key", KEYS[3]]) == 1
    assert single.main([str(proof)]) == 1
    assert single.main([str(proof), "--key", KEYS[1]]) == 0
