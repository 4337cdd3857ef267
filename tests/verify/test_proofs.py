"""A proof file is held against the bytes it is about, under keys that did not come with it."""

import pytest

from trailbook.errors import InvalidError, ProofInvalidError
from trailbook.proofs import keyring_of
from trailbook.testing.signed import KEYRING
from trailbook.testing.trees import naive_root
from trailbook.tree import Checkpoint, KeyRange, Proof, format_proof, key_ranges, leaf_hash, sign_checkpoint
from trailbook.verify import check_proof

ORIGIN = "log.example/acme"
BODIES = [b"%d" % number for number in range(2)]
LEAVES = [leaf_hash(body) for body in BODIES]
HEAD = Checkpoint(ORIGIN, 2, naive_root(LEAVES))
KEYS = key_ranges(KEYRING.verifiers(ORIGIN), ())


def proof(index: int, head: Checkpoint = HEAD) -> bytes:
    note = sign_checkpoint(head, KEYRING.signers(head.origin), 5)
    return format_proof(Proof(index=index, hashes=(LEAVES[1 - index],), note=note))


@pytest.mark.parametrize("index", [0, 1])
def test_an_entry_stands_where_its_proof_says(index: int) -> None:
    assert check_proof(proof(index), BODIES[index], KEYS) == (index, HEAD)
    with pytest.raises(ProofInvalidError, match="root: the proof leads to"):
        check_proof(proof(index), BODIES[1 - index], KEYS)


def test_a_root_that_was_signed_for_another_tree_is_not_reached() -> None:
    with pytest.raises(ProofInvalidError, match="root: the proof leads to"):
        check_proof(proof(0, Checkpoint(ORIGIN, 2, bytes(32))), BODIES[0], KEYS)


def test_keys_are_brought_and_are_those_of_the_origin() -> None:
    """Those of another log say nothing of this one; a thief's do not fit what was signed."""
    other = key_ranges(KEYRING.verifiers("log.example/other"), ())
    with pytest.raises(InvalidError, match=r"none of the keys is of log\.example/acme"):
        check_proof(proof(0), BODIES[0], other)
    assert check_proof(proof(0), BODIES[0], (*other, *KEYS))
    thief = keyring_of({"log": b"t" * 32, "cosign": b"u" * 32})
    with pytest.raises(ProofInvalidError):
        check_proof(proof(0), BODIES[0], key_ranges(thief.verifiers(ORIGIN), ()))


@pytest.mark.parametrize(("first", "after"), [(3, None), (0, 2)])
def test_a_head_outside_the_range_of_a_known_key_proves_nothing(first: int, after: int | None) -> None:
    """Be it the log key or the one that gives the time; the control: ranges that just hold the size."""
    for at in range(len(KEYS)):
        wrong = [KeyRange(range_.key, first, after) if at == n else range_ for n, range_ in enumerate(KEYS)]
        with pytest.raises(ProofInvalidError, match="does not sign heads of size 2"):
            check_proof(proof(0), BODIES[0], wrong)
    assert check_proof(proof(0), BODIES[0], [KeyRange(range_.key, 2, 3) for range_ in KEYS])
