"""Bundles of version 2 before the single-file verifier: all that holds for version 1, and what is new.

Owns that every fault found in a bundle of version 1 is found in one of version 2, by the same tests; and each rule of
section 12 of the format with its control.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import bundles
import pytest
import test_trailbook_verify as version_1
import version_2
from test_trailbook_verify import (  # noqa: F401  # the tests of version 1, collected here once more
    test_a_body_flip_names_its_entry_alone,
    test_a_bundle_that_nobody_touched_holds,
    test_a_row_rewritten_with_its_leaf_names_the_tile,
    test_an_inclusion_bundle_needs_the_witness_of_an_erasure,
    test_bodies_that_are_not_canonical,
    test_erasures,
    test_every_flipped_bit_is_found_and_placed,
    test_flips_are_found_though_the_manifest_is_signed_anew,
    test_higher_tiles,
    test_identities,
    test_raw_zip_flips_are_found_or_change_nothing,
    test_removals,
    test_rows,
)
from test_trailbook_verify_claims import (  # noqa: F401  # and these
    test_a_tail_cut_and_signed_again_is_found_by_whoever_kept_a_checkpoint,
    test_by_hand,
    test_each_filter,
    test_keys,
    test_the_filter_is_applied_again,
    test_the_range_leaves_nothing_before_it,
    test_the_zip_file_itself,
    test_tokens_of_the_filter,
    test_two_bundles_and_two_checkpoints,
)
from verifier import KEYS, Run, places

from trailbook.tree.checkpoint import format_vkey, verifier_of

LOG_KEY, SECOND_KEY = (format_vkey(verifier_of(key)) for key in bundles.KEYS)


@pytest.fixture(autouse=True)
def _newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `bundles` writes in these tests is version 2. The log's word alone says which sizes a key signs."""
    monkeypatch.setattr(bundles, "files", version_2.files)
    monkeypatch.setattr(bundles, "manifest", version_2.manifest)
    monkeypatch.setattr(version_1, "UNBOUND", [*version_1.UNBOUND, "keys"])


def test_these_are_of_version_2(log: bundles.Log) -> None:
    """What the tests of version 1 were run with here."""
    note = bundles.signed(bundles.whole(log))["manifest.note"]
    assert json.loads(note.rpartition(b"\n\n")[0])["v"] == 2


# --- The two counts.


def test_a_closed_bundle_says_what_it_holds(log: bundles.Log, run: Run) -> None:
    """Both figures stand among what is proved; an inclusion bundle names nobody outside but in its witnesses."""
    cut = bundles.closed(log)
    held, named = version_2.counts(cut).values()
    assert (held, len(cut.matching)) == (600 - 59, 27)
    assert 27 < named < held - 27
    answer = run(bundles.signed(cut))
    sentence = f"It holds {held} entries of all categories; {named} outside the filter can be read by name."
    assert sentence in answer["proved"]
    assert version_2.counts(bundles.inclusion(log)) == {"held": 100 - 4 + 1, "named_outside": 1}


@pytest.mark.parametrize("kind", ["closed", "inclusion", "whole", "redacted"])
@pytest.mark.parametrize("member", ["held", "named_outside"])
@pytest.mark.parametrize("more", [-1, 1])
def test_a_count_that_is_wrong_is_told(kind: str, member: str, more: int, log: bundles.Log, run: Run) -> None:
    cut = version_1.CUTS[kind](log)
    lie = version_2.counts(cut)[member] + more
    if lie >= 0:
        answer = run(bundles.signed(replace(cut, manifest={member: lie})))
        assert places(answer) == {("changed", None)}
        assert [finding["file"] for finding in answer["findings"]] == ["manifest.note"]


@pytest.mark.parametrize("member", ["held", "named_outside"])
def test_a_manifest_without_a_count_is_none_of_version_2(member: str, log: bundles.Log, run: Run) -> None:
    """And one of version 1 has neither."""
    cut = bundles.closed(log)
    older = {**version_2.V1_FILES(cut)}
    with_counts = replace(cut, manifest=version_2.counts(cut))
    assert run({"manifest.note": version_2.V1_MANIFEST(cut, older), **older})["status"] == 0
    assert run({"manifest.note": version_2.V1_MANIFEST(with_counts, older), **older})["status"] == 1
    files = version_2.files(cut)
    without = {"v": 2, **{name: n for name, n in version_2.counts(cut).items() if name != member}}
    assert (
        run({"manifest.note": version_2.V1_MANIFEST(replace(cut, manifest=without), files), **files})[
            "status"
        ]
        == 1
    )


# --- Keys and the sizes that they sign.


def ranged(cut: bundles.Cut, first: int, after: int | None) -> dict[str, bytes]:
    """A bundle whose keys sign these sizes."""
    return bundles.signed(cut, {**bundles.files(cut), "keys": version_2.key_lines(cut.keys, first, after)})


@pytest.mark.parametrize("keys", [None, []], ids=["given", "its-own"])
@pytest.mark.parametrize(
    ("first", "after", "holds"),
    [(0, None, True), (600, 601, True), (601, None, False), (0, 600, False), (0, 601, True)],
)
def test_a_head_outside_the_sizes_of_its_key_is_refused(
    first: int, after: int | None, holds: bool, keys: list[str] | None, log: bundles.Log, run: Run
) -> None:
    cut = bundles.closed(log)
    answer = run(ranged(cut, first, after), keys=KEYS if keys is None else keys)
    assert (answer["status"] == 0) is holds
    if not holds:
        assert ("unsigned", None) in places(answer, "checkpoint")
    assert ("unsigned" in {verdict for verdict, _ in places(answer, "manifest.note")}) is (after == 600)


def test_the_sizes_that_an_auditor_gives_count(log: bundles.Log, run: Run) -> None:
    """A log that says of a retired key that it signs for ever is not believed; a range in a wrong form is no key."""
    cut = bundles.closed(log)
    files = bundles.signed(cut)
    for size, status in (("0", 0), ("0 601", 0), ("0 600", 1), ("601", 1)):
        assert run(files, keys=["--key", f"{LOG_KEY} {size}"])["status"] == status, size
    for wrong in ("600 600", "601 600", "-1", "0 1 2", "one", "01"):
        assert run(files, keys=["--key", f"{LOG_KEY} {wrong}"])["status"] == 2, wrong


def test_a_retired_key_signs_no_kept_head_that_is_believed(
    log: bundles.Log, run: Run, tmp_path: Path
) -> None:
    """The head of 590 is outside the range that the bundle says; that of 600 is its control."""
    files = ranged(bundles.whole(log), 595, None)
    for size, status in ((590, 1), (600, 0)):
        kept = tmp_path / str(size)
        kept.write_bytes(bundles.checkpoint(log, size))
        assert run(files, "--since", str(kept))["status"] == status


def test_two_keys_hand_over_at_a_size_that_both_sign(log: bundles.Log, run: Run) -> None:
    """The old key ends just after the entry of the new one; a bundle may be signed by a newer key than its head."""
    old, new = version_2.OLD_KEYS, bundles.KEYS
    cut = bundles.closed(log)
    for rotated, right in ((599, {"old", "new"}), (598, {"new"}), (620, {"old"})):
        lines = version_2.key_lines(old, 0, rotated + 2) + version_2.key_lines(new, rotated + 1)
        files = {**bundles.files(cut), "keys": lines}
        for name, keys in (("old", old), ("new", new)):
            head = bundles.checkpoint(log, 600, keys)
            answer = run(bundles.signed(cut, {**files, "checkpoint": head}), keys=[])
            assert (answer["status"] == 0) is (name in right), (rotated, name)


def test_keys_have_sizes_from_version_2_on(log: bundles.Log, run: Run) -> None:
    """A line without is none of version 2, and one with is none of version 1."""
    cut = bundles.closed(log)
    bare = {**bundles.files(cut), "keys": f"{LOG_KEY}\n{SECOND_KEY}\n".encode()}
    assert places(run(bundles.signed(cut, bare)), "keys") == {("changed", None)}
    older = {**version_2.V1_FILES(cut), "keys": version_2.key_lines(cut.keys)}
    answer = run({"manifest.note": version_2.V1_MANIFEST(cut, older), **older})
    assert places(answer, "keys") == {("changed", None)}


# --- Hours, by the offsets of the zone, and addresses.


CLOCKS = [
    [version_2.BEGIN, 3600],
    ["2026-03-02T12:00:00.000000Z", 7200],
    ["2026-03-02T15:30:00.000000Z", -5400],
]
HOURS = [
    [["hours", "09:00-12:30"]],
    [["hours", "18:00-10:15"]],
    [["hours", "23:59-00:00"], ["hours", "10:00-10:01"]],
    [["hours.not", "09:00-17:00"]],
    [["hours", "09:00-17:00"], ["hours.not", "12:00-12:30"], ["category", "roles"]],
]


def local(log: bundles.Log, seq: int) -> time:
    """When an entry occurred by the clocks on the wall, computed otherwise than the verifier does."""
    at = datetime.fromisoformat(json.loads(log.bodies[seq])["occurred_at"])
    begun = [
        seconds
        for since, seconds in CLOCKS
        if since == version_2.BEGIN or at >= datetime.fromisoformat(since)
    ]
    return (at + timedelta(seconds=begun[-1])).time()


def finds(given: list[list[str]], log: bundles.Log, seq: int) -> bool:
    """Whether a filter of hours finds an entry, and one of its category if it asks for that."""

    def within(span: str) -> bool:
        start, end = (time.fromisoformat(text) for text in span.split("-"))
        at = local(log, seq)
        return start <= at < end if start < end else at >= start or at < end

    spans = {name: [value for named, value in given if named == name] for name in ("hours", "hours.not")}
    category = not any(name == "category" for name, _ in given) or b'"category":"roles"' in log.bodies[seq]
    return (
        category
        and (not spans["hours"] or any(map(within, spans["hours"])))
        and not any(map(within, spans["hours.not"]))
    )


def at_hours(log: bundles.Log, given: list[list[str]], **more: Any) -> bundles.Cut:
    """A closed bundle of what a filter of hours finds."""
    kept = [seq for seq in range(600) if not any(a <= seq <= b for a, b in bundles.REMOVED)]
    matching = [seq for seq in kept if finds(given, log, seq)]
    others = {bundles.ERASED, bundles.PRUNED} - set(matching)
    return replace(
        bundles.whole(log),
        filter=given,
        matching=matching,
        witnesses=sorted(others),
        manifest={"offsets": CLOCKS, "tzdata": "2025b", **more},
    )


@pytest.mark.parametrize("given", HOURS, ids=str)
def test_hours_are_applied_again(given: list[list[str]], log: bundles.Log, run: Run) -> None:
    """Start in, end out, past midnight, and by the offset that holds at each instant; one match left out is missing."""
    cut = at_hours(log, given)
    assert 0 < len(cut.matching) < 580
    answer = run(bundles.signed(cut))
    assert answer["findings"] == []
    assert any("time zone data 2025b" in sentence for sentence in answer["not_proved"])
    fewer = replace(cut, matching=cut.matching[:-1])
    assert ("missing", cut.matching[-1]) in places(run(bundles.signed(fewer)))
    shown = replace(cut, kind="inclusion", witnesses=[bundles.ERASED])
    if bundles.ERASED not in cut.matching:
        assert run(bundles.signed(shown))["status"] == 0


@pytest.mark.parametrize(
    "hours", ["09:00-09:00", "9:00-12:30", "09:00-24:00", "09:60-10:00", "09:00", "09:00-12:30 "]
)
def test_hours_that_are_none_are_refused(hours: str, log: bundles.Log, run: Run) -> None:
    assert run(bundles.signed(at_hours(log, HOURS[0])))["status"] == 0
    cut = replace(at_hours(log, HOURS[0]), filter=[["hours", hours]])
    assert run(bundles.signed(cut))["status"] == 1


@pytest.mark.parametrize(
    "offsets",
    [
        [],
        CLOCKS[1:],
        CLOCKS[::-1],
        [*CLOCKS, CLOCKS[-1]],
        [[version_2.BEGIN, 86_400]],
        [[version_2.BEGIN, -86_400]],
    ],
)
def test_hours_need_offsets_from_the_first_instant_on(offsets: list[Any], log: bundles.Log, run: Run) -> None:
    answer = run(bundles.signed(at_hours(log, HOURS[0], offsets=offsets)))
    assert places(answer) == {("changed", None)}
    assert "offsets" in answer["findings"][0]["detail"]


@pytest.mark.parametrize("lacks", ["offsets", "tzdata"])
def test_hours_and_offsets_come_together(lacks: str, log: bundles.Log, run: Run) -> None:
    cut = at_hours(log, HOURS[0])
    less = {name: value for name, value in cut.manifest.items() if name != lacks}
    assert run(bundles.signed(replace(cut, manifest=less)))["status"] == 1
    more = replace(bundles.closed(log), manifest={lacks: cut.manifest[lacks]})
    assert run(bundles.signed(more))["status"] == 1


def test_offsets_of_a_zone_are_its_clocks() -> None:
    """The writer of these tests, against the zone itself on every hour of two years."""
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
    pairs = version_2.offsets("Europe/Oslo", first, last)
    assert [at for at, _ in pairs[1:3]] == ["2026-03-29T01:00:00.000000Z", "2026-10-25T01:00:00.000000Z"]
    for hour in range(0, 730 * 24, 7):
        at = first + timedelta(hours=hour)
        text = bundles.written(at)
        assert [s for since, s in pairs if since <= text][-1] == at.astimezone(
            ZoneInfo("Europe/Oslo")
        ).utcoffset().seconds  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["ip", "ip.not"])
def test_an_address_is_asked_in_an_inclusion_bundle_and_never_said(
    name: str, log: bundles.Log, run: Run
) -> None:
    """Its value stands nowhere, and nothing is checked of it; a closed bundle and a value are refused."""
    cut = bundles.inclusion(log)
    asked = replace(cut, filter=[*cut.filter, [name, ""]])
    answer = run(bundles.signed(asked))
    assert answer["status"] == 0
    assert any(f"filter {name} was not checked" in sentence for sentence in answer["not_proved"])
    assert run(bundles.signed(replace(cut, filter=[*cut.filter, [name, "192.0.2.7"]])))["status"] == 1
    closed = bundles.closed(log)
    assert run(bundles.signed(replace(closed, filter=[*closed.filter, [name, ""]])))["status"] == 1


@pytest.mark.parametrize("pair", [["hours", "09:00-12:30"], ["ip", ""]])
def test_version_1_has_no_such_filters(pair: list[str], log: bundles.Log, run: Run) -> None:
    for kept, status in ((False, 0), (True, 1)):
        cut = bundles.inclusion(log)
        cut = replace(cut, filter=[*cut.filter, *([pair] if kept else [])])
        files = version_2.V1_FILES(cut)
        assert run({"manifest.note": version_2.V1_MANIFEST(cut, files), **files})["status"] == status


# --- Erasures of version 2.


def erased(lists: Callable[[bytes], bytes] = bytes) -> bundles.Log:
    """A log whose first erasure is of version 1 and whose second of version 2, its list changed by `lists`."""
    log = bundles.sample(560)
    version_2.erase(log, 19, "user/u-6", "origin/192.0.2.6")
    name, content = list(log.lists.items())[-1]
    if lists(content) != content:
        del log.lists[name]
        log.bodies.pop()
        version_2.cite(log, 19, lists(content), "user/u-6")
    while len(log.bodies) < bundles.SIZE:
        bundles.entry(log, 8 * len(log.bodies) + 1)
    return log


def whole(log: bundles.Log) -> bundles.Cut:
    """Everything, of a log that lost no body."""
    return replace(bundles.whole(log), removed=frozenset(), matching=list(range(bundles.SIZE)))


def test_an_erasure_of_either_version_counts(run: Run) -> None:
    """Both in one bundle; in one of version 1 only the older."""
    log = erased()
    cut = whole(log)
    assert run(bundles.signed(cut))["findings"] == []
    files = version_2.V1_FILES(cut)
    answer = run({"manifest.note": version_2.V1_MANIFEST(cut, files), **files})
    assert {finding["verdict"] for finding in answer["findings"]} == {"changed", "missing"}


def test_a_row_of_somebody_erased_by_version_2_is_told(run: Run) -> None:
    before = bundles.Log()
    for seq in range(8):
        bundles.entry(before, seq)
    log = erased()
    cut = whole(log)
    files = bundles.files(cut)
    back = [*version_1.rows_of(files), before.rows[before.tokens["user/u-6"]]]
    assert places(run(bundles.signed(cut, version_1.with_rows(files, back)))) == {("unerased", 6)}


def unsorted(content: bytes) -> bytes:
    manifest = json.loads(content)
    return bundles.canonical_json({**manifest, "tokens": manifest["tokens"][::-1]})


@pytest.mark.parametrize(
    "change",
    [
        unsorted,
        lambda content: content.replace(b'"v":2', b'"v":3'),
        lambda content: content.replace(b'"stubs":"', b'"stubs":"00'),
        lambda content: content.replace(b'"item":19', b'"item":18'),
        lambda content: bundles.canonical_json(
            {n: v for n, v in json.loads(content).items() if n != "stubs"}
        ),
    ],
    ids=["order", "version", "digest", "item", "no-digest"],
)
def test_an_erasure_in_another_form_is_refused(change: Callable[[bytes], bytes], run: Run) -> None:
    """Signed and cited as it is, so that nothing but its form speaks against it."""
    answer = run(bundles.signed(whole(erased(change))))
    assert "changed" in {finding["verdict"] for finding in answer["findings"]}
    assert all(f["file"].startswith(("erasures/", "identities")) for f in answer["findings"])


def test_what_was_erased_by_type_is_in_no_bundle() -> None:
    """The list of stubs stays where it is: of types and owners a bundle has a salted digest alone."""
    files = bundles.signed(whole(erased()))
    manifests = [json.loads(content) for name, content in files.items() if name.startswith("erasures/")]
    assert sorted(manifest["v"] for manifest in manifests) == [1, 2]
    newer = next(manifest for manifest in manifests if manifest["v"] == 2)
    assert sorted(newer) == ["item", "stubs", "tokens", "v"]
    assert len(list(itertools.chain.from_iterable(newer["tokens"]))) == 64
