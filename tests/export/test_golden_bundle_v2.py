"""A bundle of the day version 2 was written down: every later verifier must find it whole, and nothing else in it.

It has keys that were replaced, hours by Oslo's clocks, a range that begins after others, and erasures of both versions.
"""

import json
import zipfile
from pathlib import Path

import bundles
import pytest
import version_2
from tests.amounts import amount
from verifier import Files, Run, flipped

KEY = version_2.GOLDEN.with_suffix(".key")
PAGES = ("VERIFY.md", "trailbook_verify.py")  # as they were on that day


@pytest.fixture(scope="module")
def golden() -> Files:
    with zipfile.ZipFile(version_2.GOLDEN) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def stated(files: Files) -> dict[str, object]:
    """What the manifest says, but for the digests of the two pages."""
    manifest = json.loads(files["manifest.note"].rpartition(b"\n\n")[0])
    digests = {name: digest for name, digest in manifest["files"].items() if name not in PAGES}
    return {**manifest, "files": digests}


def test_the_frozen_bundle_still_verifies(run: Run) -> None:
    answer = run(version_2.GOLDEN, keys=["--key", str(KEY)])
    assert (answer["status"], answer["findings"]) == (0, [])
    assert (
        "It holds 36 entries of all categories; 17 outside the filter can be read by name."
        in answer["proved"]
    )


def test_its_bytes_are_those_of_the_day(golden: Files) -> None:
    """The writer of these tests makes the same today, but for the two pages that travel along."""
    made = version_2.golden_files()
    assert list(golden) == list(made)
    other = {name for name in made if golden[name] != made[name]}
    assert other <= {*PAGES, "manifest.note"}
    assert stated(golden) == stated(made)
    lists = [json.loads(content)["v"] for name, content in golden.items() if name.startswith("erasures/")]
    assert sorted(lists) == [1, 2]
    assert [line.split()[1:] for line in golden["keys"].decode().splitlines()] == [["0", "11"], ["10"]] * 2


def test_any_byte_of_it_that_is_changed_is_found(golden: Files, run: Run) -> None:
    """Bytes from one end of every file to the other; in `make torture` every seventh of the small ones."""
    assert run(golden, keys=["--key", str(KEY)])["status"] == 0
    for name, content in golden.items():
        step = max(len(content) // amount(8, 85, 85), amount(1, 7, 7))
        for at in range(0, len(content), step):
            answer = run({**golden, name: flipped(content, at, at % 8)}, keys=["--key", str(KEY)])
            assert answer["status"] == 1, (name, at)


def test_any_file_of_it_that_is_taken_out_is_missing(golden: Files, run: Run) -> None:
    for name in golden:
        answer = run(
            {kept: content for kept, content in golden.items() if kept != name}, keys=["--key", str(KEY)]
        )
        assert answer["status"] == (2 if name == "manifest.note" else 1), name


def test_its_retired_key_opens_nothing_that_came_after(golden: Files, run: Run) -> None:
    """A head and a manifest by the old key, with the ranges that everybody was given; the new one is the control."""
    cut = version_2.golden_cut()
    for keys, status in ((version_2.OLD_KEYS, 1), (bundles.KEYS, 0)):
        head = bundles.checkpoint(cut.log, version_2.GOLDEN_SIZE, keys)
        files = {**golden, "checkpoint": head}
        del files["manifest.note"]
        cut.keys = keys
        files["manifest.note"] = version_2.manifest(cut, files)
        assert run(files, keys=["--key", str(KEY)])["status"] == status


def write(folder: Path) -> None:
    """How the golden files came to be."""
    version_2.write_golden(folder / "bundle-v2.zip")
    (folder / "bundle-v2.key").write_bytes(version_2.golden_files()["keys"])
