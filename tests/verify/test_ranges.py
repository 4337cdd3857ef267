"""Heads held to the ranges of their keys: what a thief of an old key signs, what earlier versions left open."""

from trailbook.proofs import keyring_of
from trailbook.tree import KeyRange, Rotation, VerifierKey, key_id, key_ranges
from trailbook.verify import Declared, RangeRules, Signed, in_range, rotations
from trailbook.verify.directory import Fact
from trailbook.verify.heads import Restart

ORIGIN = "log.example/acme"
OLD, NEW = (keyring_of({"log": bytes([n]) * 32, "cosign": bytes([n + 9]) * 32}) for n in range(2))
ROOT = bytes(32)


def keys_of(origin: str) -> tuple[VerifierKey, ...]:
    old, new = OLD.verifiers(origin), NEW.verifiers(origin)
    return (old[0], new[0], old[1], new[1])


def head(size: int, *rings: object, epoch: int = 0) -> Signed:
    origin = f"{ORIGIN}/{epoch}" if epoch else ORIGIN
    keys = tuple(key for ring in rings or (OLD,) for key in ring.verifiers(origin))  # type: ignore[attr-defined]
    return Signed(size, ROOT, epoch, "kept", keys)


def rotated(size: int, *, exact: bool = True, origin: str = ORIGIN) -> Rotation:
    log, second = (key_id(key).hex() for key in NEW.verifiers(origin))
    return Rotation(size, log, second if exact else None)


def rules(
    *stated: Rotation, restarts: tuple[Restart, ...] = (), known: tuple[KeyRange, ...] = ()
) -> RangeRules:
    return RangeRules(origin=ORIGIN, keys_of=keys_of, rotations=stated, restarts=restarts, known=known)


def test_what_an_old_key_signs_beyond_its_range_is_unsigned_and_binds_nothing() -> None:
    """The control: the same head by the new key, and by the old one within its range."""
    good = [head(9), head(10, OLD, NEW), head(11, NEW)]
    assert in_range(good, rules(rotated(10))) == (good, [], [])
    kept, findings, notes = in_range([*good, head(11), head(12, OLD, NEW)], rules(rotated(10)))
    assert (kept, notes) == (good, [])
    assert [(f.verdict, f.place) for f in findings] == [
        ("unsigned", "checkpoint kept, size 11"),
        ("unsigned", "checkpoint kept, size 12"),
    ]
    assert key_id(OLD.verifiers(ORIGIN)[0]).hex() in findings[0].what


def test_a_rotation_of_an_earlier_version_gives_a_note_and_no_finding() -> None:
    """Its server went on with the old key; once an entry of today names the keys, what comes after is a finding."""
    heads = [head(10, NEW), head(15), head(30, OLD, NEW), head(31, NEW)]
    kept, findings, notes = in_range(heads, rules(rotated(10, exact=False)))
    assert (kept, findings) == (heads, [])
    assert len(notes) == 1
    assert "an earlier version" in notes[0]
    both = rules(rotated(10, exact=False), rotated(30))
    assert in_range(heads, both) == (heads, [], [])
    assert [f.place for f in in_range([*heads, head(31)], both)[1]] == ["checkpoint kept, size 31"]


def test_a_key_that_no_entry_names_gives_a_note() -> None:
    """As in a log that an earlier version began after the keys were replaced."""
    kept, findings, notes = in_range([head(3, NEW)], rules())
    assert (len(kept), findings, len(notes)) == (1, [], 1)
    assert "since when the key" in notes[0]
    assert in_range([head(3)], rules())[2] == []
    assert in_range([head(11, NEW)], rules(rotated(10)))[2] == []


def test_what_was_declared_after_a_restart_says_nothing_of_the_epoch_before() -> None:
    """The rotation went with what was lost, and was declared again at a smaller size."""
    again = (Restart(5, 20, ROOT),)
    lost = [head(18), head(20, NEW)]
    kept, findings, _ = in_range(lost, rules(rotated(7), restarts=again))
    assert (kept, findings) == (lost, [])
    later = rules(rotated(7, origin=f"{ORIGIN}/1"), restarts=again)
    assert in_range([head(7, NEW, epoch=1), head(8, NEW, epoch=1)], later)[1:] == ([], [])
    assert len(in_range([head(8, epoch=1)], later)[1]) == 1  # the control


def test_ranges_known_from_elsewhere_hold_where_the_log_has_no_entry() -> None:
    """Whoever rewrote the log took the entry out of it; the file outside says the range."""
    known = tuple(key_ranges(keys_of(ORIGIN), [rotated(10)]))
    assert in_range([head(11)], rules(known=known))[0] == []
    assert in_range([head(10)], rules(known=known))[0] == [head(10)]


def test_rotations_are_read_from_what_their_targets_stand_for() -> None:
    facts = {
        "both": Fact("key", "0a0b0c0d-0e0f0a0b"),
        "log": Fact("key", "0a0b0c0d"),
        "other": Fact("erasure", "0a0b0c0d"),
        "none": Fact("key", "nothing"),
    }
    declared = [
        Declared(seq, "activity_log.key_rotated", target, ())
        for seq, target in enumerate(["log", "both", "other", "none", "gone"])
    ]
    declared.append(Declared(9, "activity_log.erased", "both", ()))
    assert rotations(declared, facts) == [Rotation(1, "0a0b0c0d"), Rotation(2, "0a0b0c0d", "0e0f0a0b")]
