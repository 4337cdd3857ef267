"""Signed heads: which notes are heads of this log, which restarts gave one up, and which ones still bind it."""

from collections.abc import Sequence

import pytest

from trailbook.proofs import keyring_of
from trailbook.testing.signed import KEYRING
from trailbook.tree import Checkpoint, VerifierKey, format_note, sign_checkpoint
from trailbook.verify import Declared, Finding, Signed, open_head, overlooked, restarts
from trailbook.verify.directory import Fact
from trailbook.verify.heads import Restart, Whose

ORIGIN = "log.example/acme"
THIEF = keyring_of({"log": b"t" * 32, "cosign": b"u" * 32})
ROOT, OTHER = bytes(32), b"\x01" * 32


def note(origin: str = ORIGIN, size: int = 3) -> bytes:
    return format_note(sign_checkpoint(Checkpoint(origin, size, ROOT), KEYRING.signers(origin), 5))


def head(size: int, epoch: int = 0, *, root: bytes = ROOT, whose: Whose = "kept") -> Signed:
    return Signed(size, root, epoch, whose)


def signed(size: int, origin: str = ORIGIN, epoch: int = 0, *, whose: Whose = "kept") -> Signed:
    return Signed(size, ROOT, epoch, whose, KEYRING.verifiers(origin))


def test_a_head_of_this_log_says_its_epoch() -> None:
    assert open_head(note(), ORIGIN, KEYRING.verifiers, "kept") == signed(3)
    later = f"{ORIGIN}/2"
    assert open_head(note(later, 7), ORIGIN, KEYRING.verifiers, "outside") == signed(
        7, later, 2, whose="outside"
    )


@pytest.mark.parametrize(
    "origin", ["log.example/other", f"{ORIGIN}/x", f"{ORIGIN}/²", f"{ORIGIN}2", "log.example"]
)
def test_a_head_of_another_log_is_no_head_of_this_one(origin: str) -> None:
    """Outside there are those of every log; among the kept ones it is a finding."""
    assert open_head(note(origin), ORIGIN, KEYRING.verifiers, "outside") is None
    kept = open_head(note(origin), ORIGIN, KEYRING.verifiers, "kept")
    assert isinstance(kept, Finding)
    assert (kept.verdict, kept.what) == ("unsigned", "the checkpoint is a head of another log")


@pytest.mark.parametrize("raw", [b"", b"nonsense", note()[:-2], note().replace(b"\n3\n", b"\n4\n")])
def test_a_note_that_cannot_be_believed_is_unsigned(raw: bytes) -> None:
    finding = open_head(raw, ORIGIN, KEYRING.verifiers, "kept")
    assert isinstance(finding, Finding)
    assert finding.verdict == "unsigned"
    assert "cannot be believed" in finding.what


def test_the_keys_of_a_thief_are_none_of_the_logs() -> None:
    assert isinstance(open_head(note(), ORIGIN, THIEF.verifiers, "kept"), Finding)
    assert isinstance(open_head(note(), ORIGIN, KEYRING.verifiers, "kept"), Signed)


def test_a_kept_head_has_every_signature_of_the_log() -> None:
    """One that somebody kept has those of the keys that they know: the log's, and its second where they know it."""

    def half(origin: str) -> Sequence[VerifierKey]:
        return (*KEYRING.verifiers(origin)[:1], *THIEF.verifiers(origin)[1:])

    for whose in ("outside", "kept"):
        lacking = open_head(note(), ORIGIN, half, whose)
        assert isinstance(lacking, Finding)
        assert "has no time that the log's second key signed" in lacking.what
    assert isinstance(open_head(note(), ORIGIN, lambda origin: half(origin)[:1], "outside"), Signed)


def test_restarts_are_read_from_what_their_targets_stand_for() -> None:
    """In the order of the log; a target that stands for no head, or for nothing, is no restart."""
    lost = {f"t{size}": Fact("checkpoint", f"{size}-{bytes([size]).hex() * 32}") for size in (5, 9)}
    facts = {**lost, "odd": Fact("checkpoint", "5-ff"), "none": Fact("checkpoint", "")}
    declared = [
        Declared(12, "activity_log.restarted", "t9", ()),
        Declared(4, "activity_log.restarted", "t5", ()),
        Declared(6, "activity_log.restarted", "odd", ()),
        Declared(7, "activity_log.restarted", "none", ()),
        Declared(8, "activity_log.restarted", "unknown", ()),
        Declared(9, "activity_log.erased", "t9", ()),
    ]
    assert restarts(declared, facts) == [Restart(4, 5, b"\x05" * 32), Restart(12, 9, b"\x09" * 32)]


def test_a_log_extends_every_head_that_it_reaches() -> None:
    heads = [head(3), head(10), head(10, whose="outside")]
    assert overlooked(heads, [], 10) == (heads, [])


def test_what_lies_beyond_the_end_is_missing_and_the_greatest_head_says_how_much() -> None:
    bound, (finding,) = overlooked([head(3), head(12), head(15, whose="outside"), head(14)], [], 10)
    assert bound == [head(3)]
    assert (finding.verdict, finding.seq, finding.stop) == ("missing", 10, 15)
    assert finding.what == "a checkpoint outside has 15 entries"


def test_a_restart_gives_up_the_head_that_it_names() -> None:
    """What was signed before the log was cut still binds it, and so does what was signed after."""
    again = [Restart(8, 12, ROOT)]
    heads = [head(8), head(12), head(10), head(20, 1)]
    assert overlooked(heads, again, 20) == ([head(8), head(20, 1)], [])


def test_a_restart_gives_up_nothing_beyond_what_it_names() -> None:
    again = [Restart(8, 12, ROOT)]
    _, (beyond,) = overlooked([head(13)], again, 20)
    assert (beyond.verdict, beyond.seq, beyond.stop) == ("missing", 8, 13)
    _, (other,) = overlooked([head(12, root=OTHER, whose="outside")], again, 20)
    assert (other.verdict, other.seq) == ("changed", 8)
    assert other.what == "the restart cites another head than the one outside"


def test_an_epoch_that_nobody_declared_is_unsigned() -> None:
    bound, (finding,) = overlooked([head(3), head(5, 1)], [], 10)
    assert bound == [head(3)]
    assert (finding.verdict, finding.what) == ("unsigned", "the checkpoint is of epoch 1, never declared")
