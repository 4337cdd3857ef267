"""A bundle of the day the formats were frozen: every later verifier must find it whole, and nothing else in it."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from trailbook.model import Item
from trailbook.record.canonical import decode_body, item_preimage, token_of
from trailbook.tree.merkle import leaf_hash

GOLDEN = Path(__file__).parents[1] / "golden"
VERIFIER = Path(__file__).parents[2] / "src" / "trailbook" / "export" / "trailbook_verify.py"
# What stands in it, so that neither side can drift: the root of the tree, and the two lists.
ROOT = "J0Za9PKySDi5eT6xtC9u9wBXrsUtpBdSBg7bgh/zGI0="
ERASURE = "3534b1c68cc88666c98fc2c96bf6a181093f4092c918e6ef316f755dc7f58276"
REMOVAL = "b544be8893f1aae354c9485e9750a288d9c04845df3f339955d2875ec77ff289"


def verified(bundle: Path) -> int:
    """The exit status of the verifier, as an auditor runs it."""
    command = [sys.executable, "-I", str(VERIFIER), str(bundle), "--key", str(GOLDEN / "bundle-v1.key")]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode


def test_the_frozen_bundle_still_verifies() -> None:
    assert verified(GOLDEN / "bundle-v1.zip") == 0


@pytest.mark.parametrize("name", ["bodies.tsv", "checkpoint", "identities.ndjson", "matching.json"])
def test_any_change_of_it_is_found(name: str, tmp_path: Path) -> None:
    """The control: the same bundle with one byte of one file changed."""
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(GOLDEN / "bundle-v1.zip") as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.namelist():
            content = bytearray(old.read(member))
            if member == name:
                content[len(content) // 2] ^= 1
            new.writestr(member, bytes(content))
    assert verified(changed) == 1


def test_its_bytes_are_those_of_the_day() -> None:
    with zipfile.ZipFile(GOLDEN / "bundle-v1.zip") as archive:
        lines = [line.split(b"\t", 1) for line in archive.read("bodies.tsv").splitlines()]
        names = archive.namelist()
        checkpoint = archive.read("checkpoint").decode().splitlines()
        tile = archive.read("tile/0/000.p/15")
        lists = [name for name in names if name.startswith(("erasures/", "removals/"))]
        digests = [hashlib.sha256(archive.read(name)).hexdigest() for name in lists]
    assert checkpoint[:3] == ["golden.example/acme", "15", ROOT]
    bodies = {int(seq): body for seq, body in lines if not body.startswith(b"-")}
    assert all(tile[32 * seq : 32 * seq + 32] == leaf_hash(body) for seq, body in bodies.items())
    assert decode_body(bodies[13]).action == "activity_log.erased"
    assert decode_body(bodies[14]).action == "activity_log.pruned"
    assert sorted(lists) == [f"erasures/{ERASURE}.json", f"removals/{REMOVAL}.json"]
    assert sorted(digests) == sorted([ERASURE, REMOVAL])


def test_a_token_commits_to_the_same_bytes_for_ever() -> None:
    made = token_of(item_preimage(Item(type="user", id="u-17", name="Anna Berg")), bytes(range(16)))
    assert made == "tkFZI8Aq-CuTNQfyu0ztm1IJWe8eUxfP"
