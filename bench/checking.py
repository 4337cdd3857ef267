"""What it costs to check: a stored log verified in place, and a bundle verified by the single file in it.

Owns both ways an auditor goes. Refuses to time a check that finds a fault: that would be a fault of ours.
"""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

from bench.measuring import Control, Row, once, row, scaled, seconds, tell
from bench.site import ORG, Built, Site
from trailbook.access.viewer import operator
from trailbook.deployment.settings import DEFAULT_SIGNS
from trailbook.deployment.verification import VerifyOptions, catalogue_rules, verify_log
from trailbook.errors import DamagedError
from trailbook.export.bundle import BundleKeys, write_bundle
from trailbook.export.cut import BundleRequest
from trailbook.query import Query
from trailbook.tree.checkpoint import format_vkey

_MOST = 1_000_000  # entries of a bundle
_ORIGIN = f"{DEFAULT_SIGNS.origin}/{ORG}"


def verify_stored(built: Built, size: int, control: Control) -> Row:
    """Everything of a stored, signed log: rows, tiles, heads, directory, ids. Raises: DamagedError."""
    tell("verifying the whole log")
    store = built.store()
    keys_of = built.deployment.signing.keyring.verifiers
    asked = VerifyOptions(
        origin=built.deployment.signing.origin,
        keys_of=keys_of,
        rules=catalogue_rules(built.log.catalogue),
    )

    def verify() -> None:
        findings = verify_log(store, ORG, asked).findings
        if findings:
            raise DamagedError(f"the benchmark's log does not verify: {findings[0]}")

    taken, noise = once(verify)
    store.close()
    goal = scaled(30, size)
    return row("verify a stored log", size, [taken], unit="s", goal=goal, control=control, noise=noise)


def bundles(site: Site, size: int) -> Iterator[Row]:
    """A closed bundle of every entry of a recorded log, written, then verified by a process of its own."""
    count = min(size, _MOST)
    built = site.recorded(count, unsorted=count < size)  # the unsorted one is there already
    built.deployment.signer().sign(ORG)
    tell(f"writing a bundle of {count:,} entries")
    file = site.folder / "all.zip"
    taken, noise = once(partial(_write, built, file))
    yield row("write a closed bundle", count, [taken], unit="s", noise=noise)
    tell("verifying the bundle with the single file in it")
    alone = Control(name="unpacking and hashing its bodies alone", value=seconds(partial(_hashed, file)))
    taken, noise = once(partial(_verify, built, file))
    name, goal = "verify a bundle with the single file", scaled(20, count, full=_MOST)
    yield row(name, count, [taken], unit="s", goal=goal, control=alone, noise=noise)
    yield row("size of a bundle", count, [file.stat().st_size / count], unit="bytes/entry")


def _write(built: Built, file: Path) -> None:
    key = built.deployment.signing.keyring.signers(_ORIGIN)[0]
    keys = BundleKeys(key, built.deployment.key_ranges(ORG))
    with file.open("wb") as out:
        write_bundle(
            built.log, BundleRequest(kind="closed", query=Query()), out, viewer=operator(ORG), keys=keys
        )


def _hashed(file: Path) -> None:
    with zipfile.ZipFile(file) as bundle, bundle.open("bodies.tsv") as lines:
        for line in lines:
            sha256(b"\x00" + line).digest()


def _verify(built: Built, file: Path) -> None:
    with zipfile.ZipFile(file) as bundle:
        verifier = bundle.extract("trailbook_verify.py", file.parent)
    keys = [f"--key={format_vkey(key)}" for key in built.deployment.verifier_keys(ORG)]
    done = subprocess.run(
        [sys.executable, verifier, str(file), *keys], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DamagedError(f"the benchmark's bundle does not verify: {done.stdout}{done.stderr}")
