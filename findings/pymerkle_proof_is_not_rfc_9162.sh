#!/usr/bin/env bash
# pymerkle's tree has exactly the root of RFC 9162, and its proofs are refused by every verifier of RFC 9162.
#
# Version:   pymerkle 7.0.0 with cachetools 7.2.1.
# Expected:  leaves and nodes are hashed with the prefixes of the RFC, the readme calls the tree essentially the
#            same, and the roots agree to the bit. So one hands the path of an inclusion proof, with index and size,
#            to any verifier of certificate transparency or of a transparency log.
# Seen:      for every leaf of every size tried the RFC's algorithm refuses it, with the index as given and with one
#            less. The path begins with the hash of the leaf itself, which the verifier has already, and indexes
#            count from 1. Without the first hash and with one less the same bytes verify.
# Met by:    whoever checks pymerkle against a log (Trailbook's proofs are those of the RFC), or publishes proofs
#            for auditors to check with tools of their own: equal roots make one look for the fault everywhere else.
# Instead:   `path[1:]` and `index - 1`; the list `rule` is pymerkle's own and of no use outside.
# Known:     counting from 1 shows in the readme's examples; that the leaf is part of the path is not documented.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile --no-deps pymerkle==7.0.0 cachetools==7.2.1
"$folder/venv/bin/python" - <<'PROGRAM'
import hashlib
import sys

from pymerkle import InmemoryTree


def digest(data):
    return hashlib.sha256(data).digest()


def root_of(leaves):
    """The root by section 2.1.1 of RFC 9162."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return digest(b"\1" + root_of(leaves[:half]) + root_of(leaves[half:]))


def verifies(leaf, index, size, path, root):
    """Whether a path proves a leaf, by section 2.1.3.2 of RFC 9162."""
    node, last, here = index, size - 1, leaf
    if index >= size:
        return False
    for beside in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            here = digest(b"\1" + beside + here)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            here = digest(b"\1" + here + beside)
        node, last = node >> 1, last >> 1
    return last == 0 and here == root


roots, counts = 0, {"as it comes": 0, "with one less": 0, "with one less, without the first hash": 0}
for size in range(1, 33):
    tree = InmemoryTree(algorithm="sha256")
    leaves = [digest(b"\0entry %d" % number) for number in range(size)]
    places = [tree.append_entry(b"entry %d" % number) for number in range(size)]
    root = tree.get_root()
    roots += root == root_of(leaves)
    for leaf, place in zip(leaves, places, strict=True):
        path = [bytes.fromhex(text) for text in tree.prove_inclusion(place, size).serialize()["path"]]
        counts["as it comes"] += verifies(leaf, place, size, path, root)
        counts["with one less"] += verifies(leaf, place - 1, size, path, root)
        counts["with one less, without the first hash"] += verifies(leaf, place - 1, size, path[1:], root)

print(f"{roots} of 32 roots are those of RFC 9162")
for how, number in counts.items():
    print(f"{number} of 528 proofs verify {how}")
if roots != 32 or list(counts.values()) != [0, 0, 528]:
    sys.exit("pymerkle's roots or proofs stand in another relation to those of RFC 9162.")
PROGRAM
