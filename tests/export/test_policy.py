"""The single file is asked for witnesses and times: policies, `--max-age` and `--not-after`, over heads and bundles."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import bundles
import pytest
from verifier import KEYS, Run

from trailbook.tree import (
    COSIGNATURE,
    Checkpoint,
    SignerKey,
    format_note,
    format_vkey,
    sign_checkpoint,
    verifier_of,
)

NOW = 1_796_083_200  # 2026-12-01
DAY = 86_400
WITNESS = SignerKey("witness.example/w1", COSIGNATURE, b"w" * 32)
LOGS = "".join(f"log {KEYS[at]}\n" for at in (1, 3))
POLICY = f"witness w1 {format_vkey(verifier_of(WITNESS))}\nquorum w1\n"


@pytest.fixture
def now(single: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the machine stands still."""
    monkeypatch.setattr(single.clock, "time", lambda: float(NOW))


def head(folder: Path, at: int, seen: int | None = None) -> Path:
    """A head that the log signed at a time, and a witness at another if one did."""
    checkpoint = Checkpoint(bundles.ORIGIN, 7, bytes(32))
    note = sign_checkpoint(checkpoint, bundles.KEYS, at)
    cosigned = () if seen is None else sign_checkpoint(checkpoint, (WITNESS,), seen).signatures
    file = folder / "checkpoint"
    file.write_bytes(format_note(type(note)(note.text, (*note.signatures, *cosigned))))
    return file


def policy(folder: Path, text: str) -> list[str]:
    (folder / "policy").write_text(text, "utf-8")
    return ["--policy", str(folder / "policy")]


@pytest.mark.parametrize(
    ("at", "words", "why"),
    [
        (NOW - 6 * DAY, ["--max-age", "7d"], None),
        (NOW - 8 * DAY, ["--max-age", "7d"], "and not since 2026-11-24 00:00:00 UTC"),
        (1_000_000_000, ["--max-age", "365d"], "at 2001-09-09 01:46:40 UTC"),
        (1_000_000_000, [], None),
        (NOW + 299, ["--max-age", "7d"], None),
        (NOW + 301, ["--max-age", "7d"], "which is later than 2026-12-01 00:05:00 UTC"),
        (3_976_214_400, ["--not-after", "2026-12-01"], "at 2096-01-01 00:00:00 UTC, which is later than"),
        (NOW, ["--not-after", "2026-12-01"], None),
        (NOW + 1, ["--not-after", "2026-12-01T00:00:00Z"], "later than"),
        (3_976_214_400, ["--max-age", "1d", "--not-after", "2100-01-01"], None),
    ],
)
def test_a_head_is_as_young_as_was_asked(
    at: int, words: list[str], why: str | None, run: Run, now: None, tmp_path: Path
) -> None:
    answer = run(head(tmp_path, at), *words)
    assert [finding["verdict"] for finding in answer["findings"]] == ([] if why is None else ["unsigned"])
    assert why is None or why in answer["findings"][0]["detail"]


def test_a_time_that_has_not_come_is_mentioned_where_nothing_was_asked(
    run: Run, now: None, tmp_path: Path
) -> None:
    witness = ["--key", format_vkey(verifier_of(WITNESS))]
    answer = run(head(tmp_path, NOW, 3_976_214_400), *witness)
    assert answer["status"] == 0
    assert (
        "witness.example/w1 signed at a time that has not come yet, by the clock here: see --not-after."
        in answer["not_proved"]
    )
    assert not any("not come yet" in line for line in run(head(tmp_path, NOW, NOW), *witness)["not_proved"])
    asked = run(head(tmp_path, NOW, 3_976_214_400), *witness, "--not-after", "2026-12-02")
    assert "was signed by witness.example/w1 at 2096" in asked["findings"][0]["detail"]


def test_witnesses_are_asked_for(run: Run, now: None, tmp_path: Path) -> None:
    """With keys beside the policy or in it, and not with both; an old look is none where an age is asked for."""
    words = policy(tmp_path, LOGS + POLICY)
    met = run(head(tmp_path, NOW, NOW), *words, keys=[])
    assert (met["status"], met["keys_trusted"]) == (0, True)
    assert "The witnesses that the policy asks for signed it: w1." in met["proved"]
    alone = run(head(tmp_path, NOW), *words, keys=[])
    assert alone["findings"][0]["detail"] == "has not the witnesses that the policy asks for (w1), but none"
    assert run(head(tmp_path, NOW, NOW - 8 * DAY), *words, keys=[])["status"] == 0
    assert run(head(tmp_path, NOW, NOW - 8 * DAY), *words, "--max-age", "7d", keys=[])["status"] == 1
    assert "leave out --key" in run(head(tmp_path, NOW, NOW), *words)["refused"]
    assert run(head(tmp_path, NOW, NOW), *policy(tmp_path, POLICY))["status"] == 0
    assert run(head(tmp_path, NOW), *policy(tmp_path, POLICY))["status"] == 1
    own = f"witness own {KEYS[3]}\nquorum own\n"
    assert (
        "a key of the log is a witness"
        in run(head(tmp_path, NOW), *policy(tmp_path, own))["findings"][0]["detail"]
    )
    assert "policy: has no line for the quorum" in run(head(tmp_path, NOW), *policy(tmp_path, ""))["refused"]


def test_a_bundle_is_held_against_a_policy_too(run: Run, log: bundles.Log, tmp_path: Path) -> None:
    """Signed by the keys that the policy names; without names, by those in the bundle, which then nobody trusts."""
    files = bundles.signed(replace(bundles.inclusion(log), matching=[1, 4]))
    nobody = policy(tmp_path, LOGS + "quorum none\n")
    assert run(files, *nobody, keys=[])["keys_trusted"] is True
    assert run(files, *policy(tmp_path, "quorum none\n"), keys=[])["keys_trusted"] is False
    answer = run(files, *policy(tmp_path, LOGS + POLICY), keys=[])
    assert [finding["file"] for finding in answer["findings"]] == ["checkpoint"]
    other = policy(tmp_path, f"log {format_vkey(verifier_of(bundles.THIEF[0]))}\nquorum none\n")
    assert {finding["file"] for finding in run(files, *other, keys=[])["findings"]} == {
        "checkpoint",
        "manifest.note",
    }


@pytest.mark.parametrize(
    "words",
    [["--max-age", "7"], ["--max-age", "0d"], ["--not-after", "2026-13-01"], ["--not-after", "tomorrow"]],
)
def test_what_is_written_wrong_is_refused(words: list[str], single: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        single.main([str(head(tmp_path, NOW)), *KEYS, *words])
    assert caught.value.code == 2
