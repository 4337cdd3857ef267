"""The single-file verifier against bundles made from the written format: what a bundle holds, and every way it may not.

Each refusal has the same bundle without the fault as its
control.
"""

import json
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bundles
import pytest
from tests.amounts import amount
from verifier import Files, Run, covers, flipped, places

from trailbook.record.canonical import canonical_json

UNBOUND = ["VERIFY.md", "trailbook_verify.py"]  # whoever signs the manifest may say what they like in these
CUTS = {
    "closed": bundles.closed,
    "whole": bundles.whole,
    "inclusion": bundles.inclusion,
    "redacted": lambda log: bundles.whole(log, redacted=True),
}


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
    assert any("found by anyone who kept checkpoint 600" in caveat for caveat in answer["not_proved"])


def test_every_flipped_bit_is_found_and_placed(log: bundles.Log, run: Run) -> None:
    """400 positions in full, over all files; body flips name their entry, though a neighbour may too."""
    files = bundles.signed(bundles.closed(log))
    assert run(files)["status"] == 0
    for name, at, bit in positions(files, amount(50, 400, 400)):
        answer = run({**files, name: flipped(files[name], at, bit)})
        assert answer["status"] == 1, (name, at, bit)
        verdicts = {finding["verdict"] for finding in answer["findings"] if finding["file"] == name}
        assert verdicts & ({"unsigned"} if name in ("checkpoint", "manifest.note") else {"changed"}), (
            name,
            at,
        )
        if name == "bodies.tsv":
            assert covers(answer, line_seq(files[name], at)), (at, bit)


def test_flips_are_found_though_the_manifest_is_signed_anew(log: bundles.Log, run: Run) -> None:
    """Digests are not what finds them; a thief of the log key who writes a new manifest is caught by the root."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    bound = {name: content for name, content in files.items() if name not in UNBOUND}
    assert run(bundles.signed(cut, files))["status"] == 0
    for name, at, bit in positions(bound, amount(44, 330, 330)):
        answer = run(bundles.signed(cut, {**files, name: flipped(files[name], at, bit)}))
        assert answer["status"] == 1, (name, at, bit)
        if name == "bodies.tsv":
            assert covers(answer, line_seq(files[name], at)), (at, bit)
        elif name.startswith("tile/"):
            assert any(
                finding["verdict"] == "changed" and finding["file"].startswith("tile/")
                for finding in answer["findings"]
            )
        elif name == "identities.ndjson":
            assert {finding["verdict"] for finding in answer["findings"]} <= {
                "changed",
                "missing",
                "inserted",
            }
            assert any(finding["seq"] is not None for finding in answer["findings"]), (at, bit)


def test_a_body_flip_names_its_entry_alone(log: bundles.Log, run: Run) -> None:
    """0 false alarms beside the one fault."""
    cut, chance = bundles.whole(log), random.Random(5)
    files = bundles.files(cut)
    lines = files["bodies.tsv"].splitlines(keepends=True)
    for seq in chance.sample([s for s in range(600) if s not in cut.removed], amount(8, 60, 60)):
        head, tab, body = lines[seq].partition(b"\t")
        changed = head + tab + flipped(body, chance.randrange(len(body) - 1), 0)
        content = b"".join([*lines[:seq], changed, *lines[seq + 1 :]])
        if content.count(b"\n") == len(lines):
            answer = run(bundles.signed(cut, {**files, "bodies.tsv": content}))
            assert places(answer, "bodies.tsv") == {("changed", seq)}


def test_raw_zip_flips_are_found_or_change_nothing(log: bundles.Log, run: Run, tmp_path: Path) -> None:
    """A flip anywhere in the ZIP file is refused, unless every file in it reads as before."""
    files = bundles.signed(bundles.inclusion(log))
    raw, chance = bundles.pack(files, tmp_path / "good.zip").read_bytes(), random.Random(3)
    for _ in range(amount(30, 200, 200)):
        path = tmp_path / "flipped.zip"
        path.write_bytes(flipped(raw, chance.randrange(len(raw)), chance.randrange(8)))
        if run(path)["status"] == 0:
            with zipfile.ZipFile(path) as again:
                assert {name: again.read(name) for name in again.namelist()} == files
    for cut in (0, 1, 100, len(raw) // 2, len(raw) - 1):
        (tmp_path / "flipped.zip").write_bytes(raw[:cut])
        assert run(tmp_path / "flipped.zip")["status"] != 0


def lines_of(files: Files) -> list[bytes]:
    return files["bodies.tsv"].splitlines(keepends=True)


def without(lines: list[bytes]) -> list[bytes]:
    return lines[:100] + lines[101:]


def exchanged(lines: list[bytes]) -> list[bytes]:
    early, late = (lines[seq].partition(b"\t")[2] for seq in (100, 300))
    return [*lines[:100], b"100\t" + late, *lines[101:300], b"300\t" + early, *lines[301:]]


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
    """A row removed, added, exchanged or moved, and a tail cut, each with its own verdict and seq."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    answer = run(bundles.signed(cut, {**files, "bodies.tsv": b"".join(edit(lines_of(files)))}))
    assert places(answer, "bodies.tsv") == expected
    if ("missing", 570) in expected:
        assert covers(answer, 599)


def test_a_row_rewritten_with_its_leaf_names_the_tile(log: bundles.Log, run: Run) -> None:
    """Where the leaf was changed with the body, the 256 entries of its tile are named."""
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
    """A damaged tile of a higher level is told, not the tiles below; one that is missing is missing."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    damaged = {**files, "tile/1/000.p/2": flipped(files["tile/1/000.p/2"], 40, 3)}
    assert [
        (finding["verdict"], finding["file"]) for finding in run(bundles.signed(cut, damaged))["findings"]
    ] == [("changed", "tile/1/000.p/2")]
    for name in [name for name in files if name.startswith("tile/")]:
        answer = run(bundles.signed(cut, {k: v for k, v in files.items() if k != name}))
        assert ("missing", name) in [(finding["verdict"], finding["file"]) for finding in answer["findings"]]
    more = {**files, "tile/2/000.p/1": bytes(32)}
    assert places(run(bundles.signed(cut, more))) == {("inserted", None)}


def rows_of(files: Files) -> list[dict[str, str]]:
    return [json.loads(line) for line in files["identities.ndjson"].splitlines()]


def with_rows(files: Files, rows: list[dict[str, str]]) -> Files:
    ordered = sorted(rows, key=lambda row: row["token"])
    return {**files, "identities.ndjson": b"".join(canonical_json(row) + b"\n" for row in ordered)}


def test_identities(log: bundles.Log, run: Run) -> None:
    """A row exchanged, renamed, removed, doubled or added; each is told with the first entry that cites it."""
    cut = bundles.whole(log)
    files = bundles.files(cut)
    rows = {row["token"]: row for row in rows_of(files)}
    bob, eve = log.tokens["user/u-2"], log.tokens["user/u-3"]
    assert run(bundles.signed(cut, with_rows(files, list(rows.values()))))["status"] == 0

    def verdicts(changed: dict[str, dict[str, str] | None]) -> set[tuple[str, int | None]]:
        kept = [row for row in {**rows, **changed}.values() if row]
        return places(run(bundles.signed(cut, with_rows(files, kept))))

    swapped = {bob: {**rows[eve], "token": bob}, eve: {**rows[bob], "token": eve}}
    assert verdicts(swapped) == {("changed", 2), ("changed", 3)}
    assert verdicts({bob: {**rows[bob], "name": "Eve"}}) == {("changed", 2)}
    assert verdicts({bob: {**rows[bob], "salt": "00" * 16}}) == {("changed", 2)}
    assert verdicts({bob: None}) == {("missing", 2)}
    stranger = bundles.Log()
    stranger.item(type="user", id="u-99", name="Nobody")
    assert verdicts(stranger.rows) == {("inserted", None)}
    twice = b"".join(canonical_json(rows[token]) + b"\n" for token in sorted([*rows, bob]))
    assert {
        place[0] for place in places(run(bundles.signed(cut, {**files, "identities.ndjson": twice})))
    } == {"inserted"}


def test_erasures(log: bundles.Log, run: Run) -> None:
    """An erased item that has a row, a row falsely erased, a list forged, uncited or lost."""
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
    """Without the entry that erased them, tokens without identity are missing."""
    cut = bundles.inclusion(log)
    assert run(bundles.signed(cut))["status"] == 0
    bare = replace(cut, witnesses=[])
    files = {k: v for k, v in bundles.files(bare).items() if not k.startswith("erasures/")}
    answer = run(bundles.signed(bare, files))
    assert {finding["verdict"] for finding in answer["findings"]} == {"missing"}
    assert ("missing", 7) in places(answer, "identities.ndjson")


def test_removals(log: bundles.Log, run: Run) -> None:
    """A removed body is accepted only where a cited list has it."""
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
    """What a log with a bad recorder took in and signed is still refused, at its seq."""
    log = bundles.sample()
    assert old in log.bodies[100]
    log.bodies[100] = log.bodies[100].replace(old, new)
    assert ("changed", 100) in places(run(bundles.signed(bundles.whole(log))), "bodies.tsv")
