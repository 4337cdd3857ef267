"""The verifier that is read in half an hour: what holds before it, and the lies that it refuses."""

import ast
import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bundles
import pytest
import version_2
from msgspec import Struct

from trailbook.record.canonical import canonical_json
from trailbook.tree.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    format_note,
    format_vkey,
    sign_checkpoint,
    verifier_of,
)
from trailbook.tree.merkle import leaf_hash

ROOT = Path(__file__).parents[2]
FILE, GOLDEN = ROOT / "examples" / "check_it_yourself.py", ROOT / "tests" / "golden"
KEYS = [text for key in bundles.KEYS for text in ("--key", format_vkey(verifier_of(key)))]
Files = dict[str, bytes]


class Answer(Struct, frozen=True):
    """How the verifier ended, and what it said."""

    code: int
    text: str


def check(place: Path | str, *more: str) -> Answer:
    """What it says of a place, run as a reader runs it, without anything of ours."""
    command = [sys.executable, "-I", str(FILE), str(place), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return Answer(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def cut() -> bundles.Cut:
    """What a bundle of forty entries is made from, two of them erasures."""
    log = bundles.Log()
    for seq in range(40):
        if seq == 30:
            version_2.erase(log, 18, "user/u-6", "origin/192.0.2.6")
        elif seq == 31:
            bundles.prune(log, [[2, 3]])
        else:
            bundles.entry(log, seq if seq < 30 else 8 * seq + 1)
    matching = [seq for seq in range(40) if seq not in (2, 3)]
    return bundles.Cut(log, "closed", matching, [], (0, 40), [], [], frozenset({2, 3}), 40)


def body_changed(files: Files, cut: bundles.Cut) -> None:
    lines = files["bodies.tsv"].replace(b'"outcome":"denied"', b'"outcome":"success"', 1)
    assert lines != files["bodies.tsv"]
    files["bodies.tsv"] = lines


def name_changed(files: Files, cut: bundles.Cut) -> None:
    rows = files["identities.ndjson"].replace("Åse 2".encode(), "Åse 4".encode(), 1)
    assert rows != files["identities.ndjson"]
    files["identities.ndjson"] = rows


def name_left_out(files: Files, cut: bundles.Cut) -> None:
    token = cut.log.tokens["user/u-2"].encode()
    rows = [row for row in files["identities.ndjson"].splitlines(keepends=True) if token not in row]
    files["identities.ndjson"] = b"".join(rows)


def erased_named(files: Files, cut: bundles.Cut) -> None:
    """The row that was there before, with the salt that somebody kept."""
    fresh = bundles.Log()
    fresh.item(type="user", id="u-6", name='Åse 6 «Berg» \\ "6"')
    (row,) = fresh.rows.values()
    assert row["token"] in cut.log.gone
    files["identities.ndjson"] += canonical_json(row) + b"\n"


def list_of_erased_changed(files: Files, cut: bundles.Cut) -> None:
    (name,) = (name for name in files if name.startswith("erasures/"))
    tokens = [*json.loads(files[name])["tokens"], cut.log.tokens["user/u-2"]]
    files[name] = canonical_json({**json.loads(files[name]), "tokens": sorted(tokens)})
    name_left_out(files, cut)


def root_wrong(files: Files, cut: bundles.Cut) -> None:
    head = Checkpoint(bundles.ORIGIN, cut.size, hashlib.sha256(b"another tree").digest())
    files["checkpoint"] = format_note(sign_checkpoint(head, bundles.KEYS, bundles.SIGNED))


def root_of_more(files: Files, cut: bundles.Cut) -> None:
    """A head over a tree in which one entry is another, with the tiles of that tree."""
    bodies = [*cut.log.bodies]
    bodies[7] = bodies[7].replace(b"users", b"roles")
    head = Checkpoint(bundles.ORIGIN, cut.size, bundles.root(bodies))
    files["checkpoint"] = format_note(sign_checkpoint(head, bundles.KEYS, bundles.SIGNED))
    files |= bundles.tiles(bodies, cut.seqs())


def tile_changed(files: Files, cut: bundles.Cut) -> None:
    files["tile/0/000.p/40"] = files["tile/0/000.p/40"][:-32] + leaf_hash(b"{}")


def tile_left_out(files: Files, cut: bundles.Cut) -> None:
    del files["tile/0/000.p/40"]


def removed_leaf_changed(files: Files, cut: bundles.Cut) -> None:
    kept = leaf_hash(cut.log.bodies[2]).hex().encode()
    files["bodies.tsv"] = files["bodies.tsv"].replace(kept, leaf_hash(b"{}").hex().encode())


def line_without_place(files: Files, cut: bundles.Cut) -> None:
    files["bodies.tsv"] = b"-1\t" + cut.log.bodies[0] + b"\n" + files["bodies.tsv"]


def line_beyond_the_end(files: Files, cut: bundles.Cut) -> None:
    files["bodies.tsv"] += b"40\t" + cut.log.bodies[0] + b"\n"


def listed_left_out(files: Files, cut: bundles.Cut) -> None:
    lines = files["bodies.tsv"].splitlines(keepends=True)
    files["bodies.tsv"] = b"".join(line for line in lines if not line.startswith(b"9\t"))


LIES: dict[Callable[[Files, bundles.Cut], None], str] = {
    body_changed: "entry 5 is not the one in the tree",
    name_changed: "'type': 'user'} is not what",
    name_left_out: "nothing says whom",
    erased_named: "somebody who was erased is named",
    list_of_erased_changed: "the list of what was erased",
    root_wrong: "the tiles do not lead to the signed root",
    root_of_more: "entry 7 is not the one in the tree",
    tile_changed: "the tiles do not lead to the signed root",
    tile_left_out: "tile 0/0 is not there",
    removed_leaf_changed: "entry 2 is not the one in the tree",
    line_without_place: "there is no entry -1",
    line_beyond_the_end: "there is no entry 40",
    listed_left_out: "an entry that is listed is not there",
}


def signed(cut: bundles.Cut, files: Files) -> Files:
    """The bundle of these files; its manifest speaks of the head that they have."""
    root = files["checkpoint"].split(b"\n")[2].decode()
    honest = replace(cut, manifest={"root": base64.b64decode(root).hex()})
    return version_2.signed(honest, files)


def test_it_is_read_in_half_an_hour() -> None:
    """Less than 250 lines, and nothing but the standard library."""
    text = FILE.read_text("utf-8")
    assert text.count("\n") < 250
    nodes = list(ast.walk(ast.parse(text)))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_bundles_of_every_version_hold(version: str) -> None:
    answer = check(GOLDEN / f"bundle-{version}.zip", "--key", str(GOLDEN / f"bundle-{version}.key"))
    assert (answer.code, answer.text.splitlines()[-1]) == (0, "It holds.")


def test_an_honest_bundle_holds(cut: bundles.Cut, tmp_path: Path) -> None:
    """The control of all that is refused below; without the second key there is no time."""
    path = bundles.pack(signed(cut, version_2.files(cut)), tmp_path / "bundle.zip")
    answer = check(path, *KEYS)
    assert answer.code == 0, answer.text
    assert "was signed at 2026-03-31 23:33:20 UTC, with 40 entries" in answer.text
    assert "38 entries are in the tree, byte for byte" in answer.text
    assert "2 were erased" in answer.text
    answer = check(path, *KEYS[:2])
    assert (answer.code, "UTC" in answer.text) == (0, False)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_is_refused(lie: Any, cut: bundles.Cut, tmp_path: Path) -> None:
    """Whoever tells it has the keys, and signs what the bundle became."""
    files = version_2.files(cut)
    lie(files, cut)
    answer = check(bundles.pack(signed(cut, files), tmp_path / "bundle.zip"), *KEYS)
    assert (answer.code, LIES[lie] in answer.text) == (1, True), answer.text


def test_what_nobody_signed_is_refused(cut: bundles.Cut, tmp_path: Path) -> None:
    """A file that differs from the signed list, a manifest or a head under a thief's key, and no key at all."""
    honest = signed(cut, version_2.files(cut))
    other = bundles.pack({**honest, "matching.json": b"[[0,1]]"}, tmp_path / "other.zip")
    assert "matching.json is not the file that was signed" in check(other, *KEYS).text
    stolen = signed(replace(cut, keys=bundles.THIEF), version_2.files(cut))
    path = bundles.pack(stolen, tmp_path / "stolen.zip")
    assert "signed by no known key of log.example/nordlys" in check(path, *KEYS).text
    head = bundles.pack(
        {**honest, "checkpoint": bundles.checkpoint(cut.log, 40, bundles.THIEF)}, tmp_path / "head.zip"
    )
    assert "signed by no known key" in check(head, *KEYS).text
    cosigned = [
        text
        for key in bundles.KEYS
        if key.alg == COSIGNATURE
        for text in ("--key", format_vkey(verifier_of(key)))
    ]
    good = bundles.pack(honest, tmp_path / "good.zip")
    assert "signed by no known key" in check(good, *cosigned).text  # the second key alone is not the log
    assert check(good).code == 2
    assert check(good, *KEYS).code == 0


def test_a_key_counts_for_its_sizes_alone(cut: bundles.Cut, tmp_path: Path) -> None:
    path = bundles.pack(signed(cut, version_2.files(cut)), tmp_path / "bundle.zip")
    key = format_vkey(verifier_of(bundles.KEYS[0]))
    for sizes, code in ((" 0", 0), (" 40", 0), (" 0 41", 0), (" 41", 1), (" 0 40", 1)):
        (tmp_path / "keys").write_text(f"{key}{sizes}\n", "utf-8")
        assert check(path, "--key", str(tmp_path / "keys")).code == code, sizes


def test_an_older_head_is_part_of_the_tree_or_it_is_said(cut: bundles.Cut, tmp_path: Path) -> None:
    path = bundles.pack(signed(cut, version_2.files(cut)), tmp_path / "bundle.zip")
    (tmp_path / "old").write_bytes(bundles.checkpoint(cut.log, 17))
    answer = check(path, *KEYS, "--since", str(tmp_path / "old"))
    assert (answer.code, "Its first 17 entries are those of the head that you kept." in answer.text) == (
        0,
        True,
    )
    other = bundles.Log()
    for seq in range(17):
        bundles.entry(other, seq + 1)
    (tmp_path / "old").write_bytes(bundles.checkpoint(other, 17))
    answer = check(path, *KEYS, "--since", str(tmp_path / "old"))
    assert (answer.code, "or not the history, that you knew" in answer.text) == (1, True)
