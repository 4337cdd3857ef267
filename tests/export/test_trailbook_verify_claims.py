"""The single-file verifier against bundles made from the written format: what one claims, who signed it, how it runs.

Each refusal has the same bundle without the fault
as its control.
"""

import ast
import json
import random
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import bundles
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from verifier import FILE, Run, flipped, places

from trailbook.tree.checkpoint import SignerKey, format_vkey, verifier_of


def test_the_filter_is_applied_again(log: bundles.Log, run: Run) -> None:
    """A closed bundle lists exactly what matches; one more or one less is told."""
    cut = bundles.closed(log)
    some = cut.matching[3]
    fewer = replace(cut, matching=[seq for seq in cut.matching if seq != some])
    assert ("missing", some) in places(run(bundles.signed(fewer)))
    stranger = next(seq for seq in range(100, 200) if seq not in cut.matching)
    more = replace(cut, matching=sorted([*cut.matching, stranger]))
    assert ("inserted", stranger) in places(run(bundles.signed(more)))
    wrong = replace(bundles.inclusion(log), matching=[0, 1, 4])
    assert places(run(bundles.signed(wrong))) >= {("inserted", 0)}


@pytest.mark.parametrize(
    "given",
    [
        [["action", "role.*"]],
        [["action.not", "role.assigned"], ["outcome", "success"]],
        [["actor_kind", "system"]],
        [["category", "absence"], ["category", "users"]],
        [["category.not", "roles"], ["origin.not", "job"]],
        [["outcome", "denied"]],
        [["to", "2026-03-02T10:00:00.000000Z"]],
        [["actor", "user/u-2"]],
        [["actor.not", "user/u-2"]],
        [["by_or_about", "user/u-2"]],
        [["source", "source/k-1"], ["target", "role/r-3"]],
    ],
    ids=lambda given: " ".join(name for name, _ in given),
)
def test_each_filter(given: list[list[str]], log: bundles.Log, run: Run) -> None:
    """Each filter is applied again; the reference here is the text of a body, not the verifier's reading of it."""
    tokens = [[value, [log.tokens[value]]] for value in sorted({v for _, v in given if "/" in v})]
    kept = [seq for seq in range(600) if not any(a <= seq <= b for a, b in bundles.REMOVED)]
    matching = [seq for seq in kept if all(_has(log, seq, name, given) for name in {n for n, _ in given})]
    cut = replace(
        bundles.whole(log), filter=given, filter_tokens=tokens, matching=matching, witnesses=[540, 560]
    )
    assert 0 < len(matching) < len(kept)
    assert run(bundles.signed(cut))["findings"] == []
    assert run(bundles.signed(replace(cut, matching=matching[:-1])))["status"] == 1


def _has(log: bundles.Log, seq: int, name: str, given: list[list[str]]) -> bool:
    body, field = json.loads(log.bodies[seq]), name.removesuffix(".not")
    about = {body["target"], *(concern["item"] for concern in body.get("concerns", ()))}
    has = {
        "action": {body["action"], body["action"].split(".")[0] + ".*"},
        "actor": {body["actor"]["item"]},
        "actor_kind": {body["actor"]["kind"]},
        "by_or_about": about | {body["actor"]["item"]},
        "category": {body["category"]},
        "origin": {body["origin"]["interface"]},
        "outcome": {body["outcome"]},
        "source": {body["source"]},
        "target": {body["target"]},
    }
    if field == "to":
        return bool(body["occurred_at"] < given[0][1])
    values = {log.tokens.get(value, value) for key, value in given if key == name}
    return bool(values & has[field]) is not name.endswith(".not")


def test_the_range_leaves_nothing_before_it(log: bundles.Log, run: Run) -> None:
    """An entry before the range could match unless the one before it was recorded well before `from`."""
    cut = bundles.closed(log)
    late = replace(cut, range=(62, bundles.SIZE), matching=[seq for seq in cut.matching if seq >= 62])
    assert places(run(bundles.signed(late))) == {("missing", 0)}
    open_ = replace(cut, filter=[pair for pair in cut.filter if pair[0] != "from"])
    assert ("missing", 0) in places(run(bundles.signed(open_)))
    for manifest in (
        {"range": [60, 601]},
        {"range": [61, 60]},
        {"count": 1},
        {"first_seq": 0},
        {"as_of": 599},
    ):
        assert run(bundles.signed(replace(cut, manifest=manifest)))["status"] == 1
    assert run(bundles.signed(cut))["status"] == 0


def test_tokens_of_the_filter(log: bundles.Log, run: Run) -> None:
    """Identities and the filter's tokens say the same, so nobody passes off another's tokens as Bob's."""
    cut = bundles.closed(log)
    bob, eve = log.tokens["user/u-2"], log.tokens["user/u-3"]
    for tokens in ([["user/u-2", []]], [["user/u-2", sorted([bob, eve])]], [["user/u-3", [bob]]], []):
        assert run(bundles.signed(replace(cut, filter_tokens=tokens)))["status"] == 1
    unknown = replace(cut, filter=[*cut.filter, ["colour", "red"]])
    assert run(bundles.signed(unknown))["status"] == 1


def test_keys(log: bundles.Log, run: Run, tmp_path: Path) -> None:
    """Signed by another, by nobody, or by the log; with keys that somebody gave and that came along."""
    cut = bundles.closed(log)
    stolen = bundles.signed(replace(cut, keys=bundles.THIEF))
    answer = run(stolen)
    assert {finding["file"] for finding in answer["findings"] if finding["verdict"] == "unsigned"} == {
        "manifest.note",
        "checkpoint",
    }
    trusting = run(stolen, keys=[])
    assert (trusting["status"], trusting["keys_trusted"]) == (0, False)
    good = bundles.signed(cut)
    unsigned = good["manifest.note"].rpartition(b"\n\n")[0] + b"\n\n"
    assert ("unsigned", None) in places(run({**good, "manifest.note": unsigned}), "manifest.note")
    timeless = bundles.checkpoint(log, 600).rpartition("\N{EM DASH}".encode())[0]
    files = {**bundles.files(cut), "checkpoint": timeless}
    assert places(run(bundles.signed(cut, files))) == {("unsigned", None)}
    kept = tmp_path / "keys"
    kept.write_bytes(good["keys"])
    assert run(good, keys=["--key", str(kept)])["status"] == 0
    assert run(good, keys=["--key", "log.example+00000000+AAAA"])["status"] == 2
    other = SignerKey("log.example/other", 1, bytes([1]) * 32)
    assert run(good, keys=["--key", format_vkey(verifier_of(other))])["status"] == 1


def test_a_tail_cut_and_signed_again_is_found_by_whoever_kept_a_checkpoint(
    log: bundles.Log, run: Run, tmp_path: Path
) -> None:
    """Forked, rewritten or shortened by the operator with the key; and a log that only grew, as control."""
    kept = tmp_path / "kept"
    kept.write_bytes(bundles.checkpoint(log, 580))
    assert run(bundles.signed(bundles.whole(log)), "--since", str(kept))["status"] == 0
    kept.write_bytes(bundles.checkpoint(log, 600))
    assert run(bundles.signed(bundles.whole(log)), "--since", str(kept))["status"] == 0

    forged = bundles.sample()
    forged.bodies[3] = forged.bodies[3].replace(b'"outcome":"success"', b'"outcome":"failure"')
    rewritten = bundles.signed(bundles.whole(forged))
    assert run(rewritten)["status"] == 0
    for size in (580, 600):
        kept.write_bytes(bundles.checkpoint(log, size))
        assert ("changed", 0) in places(run(rewritten, "--since", str(kept)))

    kept.write_bytes(bundles.checkpoint(log, 600))
    short = replace(bundles.whole(log), size=590, range=(0, 590))
    short.matching = [seq for seq in short.matching if seq < 590]
    answer = run(bundles.signed(short), "--since", str(kept))
    assert (answer["status"], len(answer["not_shown"])) == (1, 1)
    kept.write_bytes(bundles.checkpoint(log, 580, bundles.THIEF))
    assert ("unsigned", None) in places(run(bundles.signed(bundles.whole(log)), "--since", str(kept)))


def test_two_bundles_and_two_checkpoints(log: bundles.Log, run: Run, tmp_path: Path) -> None:
    """Two histories shown to two people are found by comparing what they were given."""
    forged = bundles.sample()
    forged.bodies[300] = forged.bodies[300].replace(b'"purpose":"onboarding"', b'"purpose":"correction"')
    mine = bundles.signed(bundles.whole(log))
    same = bundles.pack(bundles.signed(bundles.inclusion(log)), tmp_path / "same.zip")
    theirs = bundles.pack(bundles.signed(bundles.whole(forged)), tmp_path / "theirs.zip")
    assert run(mine, "--against", str(same))["status"] == 0
    assert ("changed", 300) in places(run(mine, "--against", str(theirs)))

    head, other, small = tmp_path / "head", tmp_path / "other", tmp_path / "small"
    head.write_bytes(bundles.checkpoint(log, 600))
    other.write_bytes(bundles.checkpoint(forged, 600))
    small.write_bytes(bundles.checkpoint(log, 599))
    assert run(head, "--against", str(head))["status"] == 0
    assert ("changed", 0) in places(run(head, "--against", str(other)))
    assert run(head, "--against", str(small))["not_shown"]
    assert run(head, keys=[])["status"] == 1


def test_the_zip_file_itself(log: bundles.Log, run: Run, tmp_path: Path) -> None:
    """No path, no second file of a name, nothing of another name, nothing larger than it may be."""
    good = bundles.signed(bundles.inclusion(log))
    assert run(good)["status"] == 0
    for name in (
        "../evil",
        "/etc/x",
        "tile/0/../000",
        "a\\b",
        "bodies.tsv/",
        "extra",
        "tile/0/x000/000",
    ):
        answer = run({**good, name: b"x"})
        assert answer["status"] != 0, name
    path = bundles.pack(good, tmp_path / "twice.zip")
    with zipfile.ZipFile(path, "a") as out, pytest.warns(UserWarning, match="Duplicate name"):
        out.writestr("checkpoint", good["checkpoint"])
    assert run(path)["status"] == 2
    assert run({**good, "checkpoint": good["checkpoint"] + b"x" * 1_000_001})["status"] == 2
    assert run({k: v for k, v in good.items() if k != "manifest.note"})["status"] == 2
    missing = run({k: v for k, v in good.items() if k != "VERIFY.md"})
    assert ("missing", None) in places(missing, "VERIFY.md")
    more = run({**good, "removals/" + "0" * 64 + ".json": b"{}"})
    assert ("inserted", None) in places(more)
    assert run(tmp_path / "absent.zip")["status"] == 2


def test_ed25519_agrees_with_another_implementation(single: ModuleType) -> None:
    """Vectors of RFC 8032 7.1, 40 random messages, and their flips."""
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    first = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    single.check_ed25519(
        public, b"", bytes.fromhex(first + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")
    )
    chance = random.Random(8032)
    for length in range(40):
        key, message = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)), chance.randbytes(length)
        raw, signature = key.public_key().public_bytes_raw(), key.sign(message)
        single.check_ed25519(raw, message, signature)
        for bad in (
            flipped(signature, chance.randrange(64), chance.randrange(8)),
            signature[:-1],
            signature + b"\0",
        ):
            with pytest.raises(single.BrokenError):
                single.check_ed25519(raw, message, bad)
    larger = int.from_bytes(signature[32:], "little") + single.L
    with pytest.raises(single.BrokenError):
        single.check_ed25519(raw, message, signature[:32] + larger.to_bytes(32, "little"))


def test_it_stands_alone(log: bundles.Log, tmp_path: Path) -> None:
    """At most 850 lines, only the standard library, and it runs where nothing else is installed."""
    text = FILE.read_text("utf-8")
    assert len(text.splitlines()) <= 850
    tree = ast.walk(ast.parse(text))
    imported = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names)
    path = bundles.pack(bundles.signed(bundles.closed(log)), tmp_path / "b.zip")
    with zipfile.ZipFile(path) as bundle:
        bundle.extract("trailbook_verify.py", tmp_path)
    command = [sys.executable, "-I", "-S", str(tmp_path / "trailbook_verify.py")]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "WARNING: the keys came with" in done.stdout
    assert "complete for the tokens" in done.stdout
    assert subprocess.run([*command], capture_output=True, check=False).returncode == 2
    assert subprocess.run([*command, str(FILE)], capture_output=True, check=False).returncode == 1


def test_what_it_never_says() -> None:
    """Never claimed, in the verifier or its page: more than is proved."""
    for file in (FILE, FILE.with_name("VERIFY.md")):
        text = file.read_text("utf-8").lower()
        for word in ("immutable", "tamper-proof", "tamperproof", "compliant", "complete for bob"):
            assert word not in text


def by_hand() -> list[str]:
    """The commands that VERIFY.md gives."""
    text = FILE.with_name("VERIFY.md").read_text("utf-8")
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def failing(folder: Path) -> list[int]:
    """Which of the commands fail in a folder where a bundle is unpacked."""
    done = [
        subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, capture_output=True)
        for command in by_hand()
    ]
    return [at for at, process in enumerate(done) if process.returncode]


@pytest.mark.parametrize(
    ("name", "at", "failures"),
    [
        (None, 0, []),
        ("checkpoint", 24, [0, 1, 3]),
        ("VERIFY.md", 5, [1]),
        ("bodies.tsv", 40, [1, 2]),
        ("tile/0/000", 3, [2]),
        ("tile/1/000.p/2", 3, [3]),
        ("identities.ndjson", 9, [1, 4]),
    ],
)
def test_by_hand(name: str | None, at: int, failures: list[int], log: bundles.Log, tmp_path: Path) -> None:
    """VERIFY.md's own commands, with openssl and a few lines of Python, agree on good and bad."""
    files = bundles.signed(bundles.whole(log))
    if name is not None:
        files[name] = flipped(files[name], at, 1)
    for file, content in files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(content)
    assert failing(tmp_path) == failures
