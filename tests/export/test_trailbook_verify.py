"""The single-file verifier against bundles made from the written format: what holds, and every way it may not.

Names the requirements R6 and the goals G4, G5, G24 of the fault list; each refusal has the same bundle without
the fault as its control.
"""

import ast
import importlib.util
import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import bundles
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.amounts import amount

from trailbook.record.canonical import canonical_json
from trailbook.tree.checkpoint import SignerKey, format_vkey, verifier_of

FILE = bundles.PACKAGE / "trailbook_verify.py"
KEYS = [text for key in bundles.KEYS for text in ("--key", format_vkey(verifier_of(key)))]
VERDICTS = {"changed", "missing", "inserted", "moved", "unsigned", "unerased"}
UNBOUND = ["VERIFY.md", "trailbook_verify.py"]  # whoever signs the manifest may say what they like in these
Files = dict[str, bytes]
Run = Callable[..., dict[str, Any]]
CUTS = {
    "closed": bundles.closed,
    "whole": bundles.whole,
    "inclusion": bundles.inclusion,
    "redacted": lambda log: bundles.whole(log, redacted=True),
}


@pytest.fixture(scope="module")
def single() -> ModuleType:
    spec = importlib.util.spec_from_file_location("single", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def log() -> bundles.Log:
    return bundles.sample()


@pytest.fixture
def run(single: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Verify the files of a bundle; gives the answer with its exit status."""

    def verify(found: Files | Path, *more: str, keys: list[str] = KEYS) -> dict[str, Any]:
        path = found if isinstance(found, Path) else bundles.pack(found, tmp_path / "b.zip")
        status = single.main([str(path), "--json", *keys, *more])
        out = capsys.readouterr()
        answer = json.loads(out.out) if out.out else {"findings": [], "refused": out.err}
        assert {found["verdict"] for found in answer["findings"]} <= VERDICTS
        assert (status == 0) == answer.get("holds", False)
        return {**answer, "status": status}

    return verify


def places(answer: dict[str, Any], file: str | None = None) -> set[tuple[str, int | None]]:
    """(verdict, seq) of the findings, of one file if asked."""
    return {
        (one["verdict"], one.get("seq")) for one in answer["findings"] if file is None or one["file"] == file
    }


def covers(answer: dict[str, Any], seq: int) -> bool:
    """Whether a finding names the entry, alone or in a range."""
    placed = [one for one in answer["findings"] if one["seq"] is not None]
    return any(one["seq"] <= seq <= one["last"] for one in placed)


def flipped(content: bytes, at: int, bit: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def positions(files: Files, count: int) -> Iterator[tuple[str, int, int]]:
    """Positions over all files, half of them spread evenly, the rest one file after the other."""
    chance = random.Random(17)
    names = sorted(files)
    for at in range(count):
        name = names[at % len(names)]
        yield name, chance.randrange(len(files[name])), chance.randrange(8)


def line_seq(content: bytes, at: int) -> int:
    start = content.rfind(b"\n", 0, at) + 1
    return int(content[start:].partition(b"\t")[0])


@pytest.mark.parametrize("name", CUTS)
def test_a_bundle_that_nobody_touched_holds(name: str, log: bundles.Log, run: Run) -> None:
    """The control of every refusal below."""
    answer = run(bundles.signed(CUTS[name](log)))
    assert answer["findings"] == []
    assert answer["status"] == 0
    assert answer["keys_trusted"] is True
    assert any("found by anyone who kept checkpoint 600" in said for said in answer["not_proved"])


def test_every_flipped_bit_is_found_and_placed(log: bundles.Log, run: Run) -> None:
    """F5, G4: 400 positions in full, over all files; body flips name their entry, though a neighbour may too."""
    found = bundles.signed(bundles.closed(log))
    assert run(found)["status"] == 0
    for name, at, bit in positions(found, amount(100, 400, 400)):
        answer = run({**found, name: flipped(found[name], at, bit)})
        assert answer["status"] == 1, (name, at, bit)
        verdicts = {one["verdict"] for one in answer["findings"] if one["file"] == name}
        assert verdicts & ({"unsigned"} if name in ("checkpoint", "manifest.note") else {"changed"}), (
            name,
            at,
        )
        if name == "bodies.tsv":
            assert covers(answer, line_seq(found[name], at)), (at, bit)


def test_flips_are_found_though_the_manifest_is_signed_anew(log: bundles.Log, run: Run) -> None:
    """R6: digests are not what finds them; a thief of the log key who writes a new manifest is caught by the root."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    bound = {name: content for name, content in files.items() if name not in UNBOUND}
    assert run(bundles.signed(cut, files))["status"] == 0
    for name, at, bit in positions(bound, amount(88, 330, 330)):
        answer = run(bundles.signed(cut, {**files, name: flipped(files[name], at, bit)}))
        assert answer["status"] == 1, (name, at, bit)
        if name == "bodies.tsv":
            assert covers(answer, line_seq(files[name], at)), (at, bit)
        elif name.startswith("tile/"):
            assert any(
                one["verdict"] == "changed" and one["file"].startswith("tile/") for one in answer["findings"]
            )
        elif name == "identities.ndjson":
            assert {one["verdict"] for one in answer["findings"]} <= {"changed", "missing", "inserted"}
            assert any(one["seq"] is not None for one in answer["findings"]), (at, bit)


def test_a_body_flip_names_its_entry_alone(log: bundles.Log, run: Run) -> None:
    """G4: 0 false alarms beside the one fault."""
    cut, chance = bundles.whole(log), random.Random(5)
    files = bundles.files(cut)
    lines = files["bodies.tsv"].splitlines(keepends=True)
    for seq in chance.sample([s for s in range(600) if s not in cut.removed], amount(15, 60, 60)):
        head, tab, body = lines[seq].partition(b"\t")
        changed = head + tab + flipped(body, chance.randrange(len(body) - 1), 0)
        content = b"".join([*lines[:seq], changed, *lines[seq + 1 :]])
        if content.count(b"\n") == len(lines):
            answer = run(bundles.signed(cut, {**files, "bodies.tsv": content}))
            assert places(answer, "bodies.tsv") == {("changed", seq)}


def test_raw_zip_flips_are_found_or_change_nothing(log: bundles.Log, run: Run, tmp_path: Path) -> None:
    """F5: a flip anywhere in the ZIP file is refused, unless every file in it reads as before."""
    found = bundles.signed(bundles.inclusion(log))
    raw, chance = bundles.pack(found, tmp_path / "good.zip").read_bytes(), random.Random(3)
    for _ in range(amount(60, 200, 200)):
        path = tmp_path / "flipped.zip"
        path.write_bytes(flipped(raw, chance.randrange(len(raw)), chance.randrange(8)))
        if run(path)["status"] == 0:
            with zipfile.ZipFile(path) as again:
                assert {name: again.read(name) for name in again.namelist()} == found
    for cut in (0, 1, 100, len(raw) // 2, len(raw) - 1):
        (tmp_path / "flipped.zip").write_bytes(raw[:cut])
        assert run(tmp_path / "flipped.zip")["status"] != 0


def lines_of(files: Files) -> list[bytes]:
    return files["bodies.tsv"].splitlines(keepends=True)


def without(lines: list[bytes]) -> list[bytes]:
    return lines[:100] + lines[101:]


def exchanged(lines: list[bytes]) -> list[bytes]:
    one, two = (lines[seq].partition(b"\t")[2] for seq in (100, 300))
    return [*lines[:100], b"100\t" + two, *lines[101:300], b"300\t" + one, *lines[301:]]


def out_of_order(lines: list[bytes]) -> list[bytes]:
    return [*lines[:100], lines[101], lines[100], *lines[102:]]


def added(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[5].replace(b"5\t", b"600\t", 1)]


def doubled(lines: list[bytes]) -> list[bytes]:
    return [*lines[:101], lines[100], *lines[101:]]


def shifted(lines: list[bytes]) -> list[bytes]:
    bodies = [line.partition(b"\t")[2] for line in lines]
    bodies.insert(590, bodies[3])
    return [b"%d\t%s" % pair for pair in enumerate(bodies)]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (without, {("missing", 100)}),
        (exchanged, {("moved", 100), ("moved", 300)}),
        (out_of_order, {("missing", 100), ("inserted", 100)}),
        (added, {("inserted", 600)}),
        (doubled, {("inserted", 100)}),
        (lambda lines: lines[:570], {("missing", 570)}),
        (shifted, {*(("moved", seq) for seq in range(590, 600)), ("inserted", 600)}),
    ],
    ids=["removed", "exchanged", "order", "added", "doubled", "tail", "shifted"],
)
def test_rows(
    edit: Callable[[list[bytes]], list[bytes]], expected: set[Any], log: bundles.Log, run: Run
) -> None:
    """G4: a row removed, added, exchanged or moved, and a tail cut, each with its own verdict and seq."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    answer = run(bundles.signed(cut, {**files, "bodies.tsv": b"".join(edit(lines_of(files)))}))
    assert places(answer, "bodies.tsv") == expected
    if ("missing", 570) in expected:
        assert covers(answer, 599)


def test_a_row_rewritten_with_its_leaf_names_the_tile(log: bundles.Log, run: Run) -> None:
    """G4: where the leaf was changed with the body, the 256 entries of its tile are named."""
    cut = bundles.whole(log)
    files, forged = bundles.files(cut), bundles.sample()
    forged.bodies[300] = forged.bodies[300].replace(b"success", b"failure").replace(b"denied", b"failure")
    tile = bundles.tiles(forged.bodies, [300])["tile/0/001"]
    lines = lines_of(files)
    lines[300] = b"300\t" + forged.bodies[300] + b"\n"
    answer = run(bundles.signed(cut, {**files, "bodies.tsv": b"".join(lines), "tile/0/001": tile}))
    assert places(answer) == {("changed", 256)}
    assert answer["findings"][0]["last"] == 511


def test_higher_tiles(log: bundles.Log, run: Run) -> None:
    """G4: a damaged tile of a higher level is told, not the tiles below; one that is missing is missing."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    damaged = {**files, "tile/1/000.p/2": flipped(files["tile/1/000.p/2"], 40, 3)}
    assert [(one["verdict"], one["file"]) for one in run(bundles.signed(cut, damaged))["findings"]] == [
        ("changed", "tile/1/000.p/2")
    ]
    for name in [name for name in files if name.startswith("tile/")]:
        answer = run(bundles.signed(cut, {k: v for k, v in files.items() if k != name}))
        assert ("missing", name) in [(one["verdict"], one["file"]) for one in answer["findings"]]
    more = {**files, "tile/2/000.p/1": bytes(32)}
    assert places(run(bundles.signed(cut, more))) == {("inserted", None)}


def rows_of(files: Files) -> list[dict[str, str]]:
    return [json.loads(line) for line in files["identities.ndjson"].splitlines()]


def with_rows(files: Files, rows: list[dict[str, str]]) -> Files:
    ordered = sorted(rows, key=lambda row: row["token"])
    return {**files, "identities.ndjson": b"".join(canonical_json(row) + b"\n" for row in ordered)}


def test_identities(log: bundles.Log, run: Run) -> None:
    """G4: a row exchanged, renamed, removed, doubled or added; each is told with the first entry that cites it."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    rows = {row["token"]: row for row in rows_of(files)}
    bob, eve = log.tokens["user/u-2"], log.tokens["user/u-3"]
    assert run(bundles.signed(cut, with_rows(files, list(rows.values()))))["status"] == 0

    def told(changed: dict[str, dict[str, str] | None]) -> set[tuple[str, int | None]]:
        kept = [row for row in {**rows, **changed}.values() if row]
        return places(run(bundles.signed(cut, with_rows(files, kept))))

    swapped = {bob: {**rows[eve], "token": bob}, eve: {**rows[bob], "token": eve}}
    assert told(swapped) == {("changed", 2), ("changed", 3)}
    assert told({bob: {**rows[bob], "name": "Eve"}}) == {("changed", 2)}
    assert told({bob: {**rows[bob], "salt": "00" * 16}}) == {("changed", 2)}
    assert told({bob: None}) == {("missing", 2)}
    stranger = bundles.Log()
    stranger.item(type="user", id="u-99", name="Nobody")
    assert told(stranger.rows) == {("inserted", None)}
    twice = b"".join(canonical_json(rows[token]) + b"\n" for token in sorted([*rows, bob]))
    assert {one[0] for one in places(run(bundles.signed(cut, {**files, "identities.ndjson": twice})))} == {
        "inserted"
    }


def test_erasures(log: bundles.Log, run: Run) -> None:
    """G15, G4: an erased item that has a row, a row falsely erased, a list forged, uncited or lost."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    assert run(bundles.signed(cut, files))["status"] == 0
    before = bundles.Log()
    for seq in range(8):
        bundles.entry(before, seq)
    gone = before.tokens["user/u-7"]
    assert gone in log.gone
    assert places(run(bundles.signed(cut, with_rows(files, [*rows_of(files), before.rows[gone]])))) == {
        ("unerased", 7)
    }

    bob = log.tokens["user/u-2"]
    fewer = with_rows(files, [row for row in rows_of(files) if row["token"] != bob])
    name = next(name for name in files if name.startswith("erasures/"))
    wider = canonical_json({**json.loads(files[name]), "tokens": sorted([*log.gone, bob])})
    assert ("changed", bundles.ERASED) in places(run(bundles.signed(cut, {**fewer, name: wider})), name)
    forged = f"erasures/{bundles.hashlib.sha256(wider).hexdigest()}.json"
    answer = run(bundles.signed(cut, {**fewer, forged: wider}))
    assert places(answer) == {("missing", 2), ("inserted", None)}
    lost = {k: v for k, v in files.items() if k != name}
    assert ("missing", bundles.ERASED) in places(run(bundles.signed(cut, lost)), name)


def test_an_inclusion_bundle_needs_the_witness_of_an_erasure(log: bundles.Log, run: Run) -> None:
    """F5: without the entry that erased them, tokens without identity are missing."""
    cut = bundles.inclusion(log)
    assert run(bundles.signed(cut))["status"] == 0
    bare = replace(cut, witnesses=[])
    files = {k: v for k, v in bundles.files(bare).items() if not k.startswith("erasures/")}
    answer = run(bundles.signed(bare, files))
    assert {one["verdict"] for one in answer["findings"]} == {"missing"}
    assert ("missing", 7) in places(answer, "identities.ndjson")


def test_removals(log: bundles.Log, run: Run) -> None:
    """R9: a removed body is accepted only where a cited list has it."""
    cut = bundles.whole(log)
    uncited = replace(cut, removed=cut.removed | {50, 51})
    uncited.matching = [seq for seq in uncited.matching if seq not in uncited.removed]
    answer = run(bundles.signed(uncited))
    assert places(answer) >= {("missing", 50)}
    assert not covers(answer, 25)
    # Without a filter everything matches, so this range holds entries that are not disclosed for a reason.
    other = [seq for seq in cut.matching if seq != bundles.PRUNED]
    assert ("missing", bundles.PRUNED) in places(run(bundles.signed(replace(cut, matching=other))))
    lines = lines_of(files := bundles.files(cut))
    lines[25] = b"25\t-\t" + b"00" * 32 + b"\n"
    assert places(run(bundles.signed(cut, {**files, "bodies.tsv": b"".join(lines)}))) == {("changed", 25)}


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
    values = {log.tokens.get(value, value) for found, value in given if found == name}
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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":1,"w":1'),
        (b'"v":1', b'"v":2'),
        (b'{"action"', b'{ "action"'),
        (b'"outcome":"success"', b'"outcome":"success","outcome":"success"'),
        (b'"outcome":"success",', b""),
        (b'"category":"users"', b'"category":"us\\u0065rs"'),
        (b'["email","phone"]', b'["phone","email"]'),
        (b'["email","phone"]', b'["email","email"]'),
        (b'"occurred_at":"2026-03-02', b'"occurred_at":"2026-02-30'),
        (b'"occurred_at":"2026-03-02', b'"occurred_at":"2026-03-03'),
        (b'"recorded_at":"2026-03-02', b'"recorded_at":"2026-03-01'),
        (b'"kind":"person"', b'"kind":"robot"'),
        (b'"fields":', b'"value":"secret","fields":'),
    ],
)
def test_bodies_that_are_not_canonical(old: bytes, new: bytes, run: Run) -> None:
    """R29: what a log with a bad recorder took in and signed is still refused, at its seq."""
    log = bundles.sample()
    assert old in log.bodies[100]
    log.bodies[100] = log.bodies[100].replace(old, new)
    assert ("changed", 100) in places(run(bundles.signed(bundles.whole(log))), "bodies.tsv")


def test_keys(log: bundles.Log, run: Run, tmp_path: Path) -> None:
    """R6, F25: signed by another, by nobody, or by the log; with keys that somebody gave and that came along."""
    cut = bundles.closed(log)
    stolen = bundles.signed(replace(cut, keys=bundles.THIEF))
    answer = run(stolen)
    assert {one["file"] for one in answer["findings"] if one["verdict"] == "unsigned"} == {
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
    """R6, F22: forked, rewritten or shortened by the operator with the key; and a log that only grew, as control."""
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
    """R6: two histories shown to two people are found by comparing what they were given."""
    forged = bundles.sample()
    forged.bodies[300] = forged.bodies[300].replace(b'"purpose":"onboarding"', b'"purpose":"correction"')
    mine = bundles.signed(bundles.whole(log))
    same = bundles.pack(bundles.signed(bundles.inclusion(log)), tmp_path / "same.zip")
    theirs = bundles.pack(bundles.signed(bundles.whole(forged)), tmp_path / "theirs.zip")
    assert run(mine, "--against", str(same))["status"] == 0
    assert ("changed", 300) in places(run(mine, "--against", str(theirs)))

    one, two, small = tmp_path / "one", tmp_path / "two", tmp_path / "small"
    one.write_bytes(bundles.checkpoint(log, 600))
    two.write_bytes(bundles.checkpoint(forged, 600))
    small.write_bytes(bundles.checkpoint(log, 599))
    assert run(one, "--against", str(one))["status"] == 0
    assert ("changed", 0) in places(run(one, "--against", str(two)))
    assert run(one, "--against", str(small))["not_shown"]
    assert run(one, keys=[])["status"] == 1


def test_the_zip_file_itself(log: bundles.Log, run: Run, tmp_path: Path) -> None:
    """R24: no path, no second file of a name, nothing of another name, nothing larger than it may be."""
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
    """G5: vectors of RFC 8032 7.1, 40 random messages, and their flips."""
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
    """G24: at most 670 lines, only the standard library, and it runs where nothing else is installed."""
    text = FILE.read_text("utf-8")
    assert len(text.splitlines()) <= 670
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
        said = file.read_text("utf-8").lower()
        for word in ("immutable", "tamper-proof", "tamperproof", "compliant", "complete for bob"):
            assert word not in said


def by_hand() -> list[str]:
    """The commands that VERIFY.md gives."""
    text = FILE.with_name("VERIFY.md").read_text("utf-8")
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def failing(folder: Path) -> list[int]:
    """Which of the commands fail in a folder where a bundle is unpacked."""
    done = [
        subprocess.run(["bash", "-euo", "pipefail", "-c", one], cwd=folder, capture_output=True)
        for one in by_hand()
    ]
    return [at for at, one in enumerate(done) if one.returncode]


@pytest.mark.parametrize(
    ("name", "at", "told"),
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
def test_by_hand(name: str | None, at: int, told: list[int], log: bundles.Log, tmp_path: Path) -> None:
    """G24: VERIFY.md's own commands, with openssl and a few lines of Python, agree on good and bad."""
    found = bundles.signed(bundles.whole(log))
    if name is not None:
        found[name] = flipped(found[name], at, 1)
    for file, content in found.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(content)
    assert failing(tmp_path) == told
