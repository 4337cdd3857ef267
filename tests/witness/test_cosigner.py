"""What a witness answers: each answer of the standard, and that nothing but one history is ever cosigned."""

import random
import threading

import pytest
from tests.witness.conftest import KEYS, LOG, LOGS, ORIGIN, MadeLog, MadeWitness

from trailbook.testing import FrozenClock
from trailbook.tree import (
    EMPTY_ROOT,
    Checkpoint,
    KeyRange,
    Note,
    Policy,
    SignerKey,
    format_note,
    open_checkpoint,
    parse_note,
    sign_checkpoint,
    verifier_of,
)
from trailbook.witness import Cosigner

TRUE, FORK = MadeLog(), MadeLog(forks=3)
POLICY = Policy(ORIGIN, (verifier_of(LOG),), tuple(map(verifier_of, KEYS)), 2)


def cosigned(witness: MadeWitness, log: MadeLog, old: int, size: int) -> int:
    """The status of a submission; one that is cosigned verifies as a note, with a key of each type."""
    answer = witness.add(log.submission(old, size))
    if answer.status == 200:
        note = (
            parse_note(log.note(size)).text.encode()
            + b"\n"
            + b"".join(
                line + b"\n" for line in (*log.note(size).splitlines()[4:], *answer.content.splitlines())
            )
        )
        opened = open_checkpoint(note, POLICY)
        assert opened.checkpoint == Checkpoint(ORIGIN, size, log.root(size))
        assert [signature.time for signature in opened.cosigned] == [
            int(witness.clock.at.timestamp()) - 1
        ] * 2
    return answer.status


def test_a_log_that_grows_is_cosigned_each_time(witness: MadeWitness) -> None:
    """Also where it did not grow: that it stood still is seen too."""
    sizes = [0, 0, 1, 2, 2, 5, 8, 21, 300]
    for old, size in zip([0, *sizes], sizes, strict=False):
        assert cosigned(witness, TRUE, old, size) == 200
    heads = witness.heads()
    (last,) = heads.cosigned()
    assert (last.origin, last.size, last.root) == (ORIGIN, 300, TRUE.root(300))
    assert open_checkpoint(last.note, POLICY).checkpoint.size == 300
    assert heads.refused() == []
    heads.close()


def test_another_size_than_the_last_is_told_the_last(witness: MadeWitness) -> None:
    for old in (3, 7):
        assert witness.add(TRUE.submission(old, 7)).content == b"0\n"
    assert cosigned(witness, TRUE, 0, 7) == 200
    for old, size in ((0, 7), (0, 9), (5, 9), (8, 9), (0, 3), (3, 3)):
        answer = witness.add(TRUE.submission(old, size))
        assert (answer.status, answer.content, answer.media_type) == (409, b"7\n", "text/x.tlog.size")
    assert cosigned(witness, TRUE, 7, 9) == 200


def test_a_fork_is_refused_for_ever_and_remembered(witness: MadeWitness) -> None:
    """At the same size with 409, later with 422; the history that was cosigned goes on."""
    assert cosigned(witness, TRUE, 0, 7) == 200
    for _ in range(2):
        answer = witness.add(FORK.submission(7, 7))
        assert (answer.status, answer.content, answer.media_type) == (409, b"7\n", "text/x.tlog.size")
        assert cosigned(witness, FORK, 7, 9) == 422
    assert cosigned(witness, TRUE, 7, 9) == 200
    assert cosigned(witness, FORK, 9, 12) == 422
    heads = witness.heads()
    assert [(head.size, head.held, head.proved) for head in heads.refused()] == [
        (7, 7, True),
        (9, 7, True),
        (12, 9, True),
    ]
    for head in heads.refused():
        assert open_checkpoint(head.note, Policy(ORIGIN, POLICY.log)).checkpoint.root == head.root
        assert open_checkpoint(head.against, POLICY).checkpoint.size == head.held
    assert [head.root for head in heads.cosigned()] == [TRUE.root(9)]
    heads.close()


@pytest.mark.parametrize("proof", [[], [b"x" * 32], [b"x" * 32] * 63])
def test_a_head_without_its_proof_is_refused_until_it_has_one(
    witness: MadeWitness, proof: list[bytes]
) -> None:
    """Whoever has a signed head can send it without a proof: that says nothing about the log."""
    assert cosigned(witness, TRUE, 0, 7) == 200
    assert witness.add(TRUE.submission(7, 9, proof)).status == 422
    heads = witness.heads()
    assert [(head.size, head.proved) for head in heads.refused()] == [(9, False)]
    assert cosigned(witness, TRUE, 7, 9) == 200
    assert heads.refused() == []
    heads.close()


def test_a_proof_too_many_hides_no_fork_and_makes_none(witness: MadeWitness) -> None:
    """The same head again with a proof is refused for that alone; another of its size is a fork."""
    assert cosigned(witness, TRUE, 0, 7) == 200
    assert witness.add(TRUE.submission(7, 7, [b"x" * 32])).status == 422
    heads = witness.heads()
    assert heads.refused() == []
    assert witness.add(FORK.submission(7, 7, [b"x" * 32])).status == 409
    assert [(head.size, head.proved) for head in heads.refused()] == [(7, True)]
    heads.close()


def test_the_first_head_needs_no_proof_and_takes_none(witness: MadeWitness) -> None:
    assert witness.add(TRUE.submission(0, 7, [b"x" * 32])).status == 422
    heads = witness.heads()
    assert (heads.cosigned(), heads.refused()) == ([], [])
    heads.close()
    assert cosigned(witness, TRUE, 0, 7) == 200


def test_who_signed_is_asked_before_anything_else(witness: MadeWitness) -> None:
    other = SignerKey("log.example/other", 1, LOG.seed)
    thief = SignerKey(ORIGIN, 1, b"t" * 32)
    cosigner = SignerKey(ORIGIN, 4, LOG.seed)
    assert witness.add(MadeLog(origin="log.example/other", key=other).submission(0, 7)).status == 404
    for key in (thief, other, cosigner):
        assert witness.add(MadeLog(key=key).submission(0, 7)).status == 403
    bent = TRUE.note(7).replace(b"\n7\n", b"\n8\n")
    assert witness.add(b"old 0\n\n" + bent).status == 403
    assert cosigned(witness, TRUE, 0, 7) == 200


def test_signatures_of_others_are_neither_verified_nor_kept(witness: MadeWitness) -> None:
    stranger = SignerKey("stranger.example", 4, b"s" * 32)
    note = parse_note(TRUE.note(7, (LOG, stranger)))
    bent = Note(note.text, (note.signatures[0], parse_note(TRUE.note(8, (stranger,))).signatures[0]))
    for signed in (note, bent):
        assert witness.add(b"old %d\n\n" % (7 * (signed is bent)) + format_note(signed)).status == 200
        heads = witness.heads()
        names = [line.name for line in parse_note(heads.cosigned()[0].note).signatures]
        heads.close()
        assert names == [ORIGIN, "witness.example/1", "witness.example/1"]


GOOD = TRUE.submission(0, 7)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"old 0", b"old 0\n", b"old 0\n\n", GOOD[1:], GOOD[:-1], b"\n" + GOOD, GOOD + b"\n"),
        *(
            GOOD.replace(b"old 0", word)
            for word in (b"old 00", b"old -1", b"old", b"Old 0", b"old  0", b"old 0 ")
        ),
        *(GOOD.replace(b"old 0\n", b"old 0\n" + line) for line in (b"abc\n", b" \n", b"\r\n")),
        TRUE.submission(3, 7, [b"x" * 32] * 64),
        TRUE.submission(8, 7, []),
        GOOD.replace(b"\n7\n", b"\n07\n"),
        b"\xff" + GOOD,
        b"x" * 1_100_000,
    ],
)
def test_what_cannot_be_read_is_refused(witness: MadeWitness, raw: bytes) -> None:
    assert witness.add(raw).status == 400
    assert witness.add(GOOD).status == 200


def test_a_size_that_no_file_holds_is_refused(witness: MadeWitness) -> None:
    for size, status in ((2**63, 400), (2**63 - 1, 200)):
        note = format_note(sign_checkpoint(Checkpoint(ORIGIN, size, b"r" * 32), (LOG,), 5))
        assert witness.add(b"old 0\n\n" + note).status == status


def test_a_head_of_no_entries_has_the_root_of_none(witness: MadeWitness) -> None:
    for root, status in ((b"r" * 32, 409), (EMPTY_ROOT, 200)):
        note = format_note(sign_checkpoint(Checkpoint(ORIGIN, 0, root), (LOG,), 5))
        assert witness.add(b"old 0\n\n" + note).status == status


def test_a_key_counts_for_its_sizes_alone(witness: MadeWitness) -> None:
    """A stolen old key, of which the witness knows where it was replaced, gets nothing cosigned beyond."""
    heads, until = witness.heads(), {ORIGIN: (KeyRange(verifier_of(LOG), 0, 8),)}
    cosigner = Cosigner(keys=KEYS, logs=until, heads=heads, clock=witness.clock)
    assert cosigner.add(TRUE.submission(0, 7)).status == 200
    beyond = cosigner.add(TRUE.submission(7, 8))
    assert (beyond.status, b"does not sign heads of size 8" in beyond.content) == (403, True)
    assert [head.size for head in heads.cosigned()] == [7]
    heads.close()


def test_a_clock_that_goes_back_makes_no_cosignature_older(witness: MadeWitness) -> None:
    assert cosigned(witness, TRUE, 0, 7) == 200
    heads = witness.heads()
    before = heads.cosigned()[0].time
    late = FrozenClock()
    cosigner = Cosigner(keys=KEYS, logs=LOGS, heads=heads, clock=lambda: late.at.replace(year=2020))
    assert cosigner.add(TRUE.submission(7, 9)).status == 200
    assert heads.cosigned()[0].time == before
    heads.close()


def test_many_at_once_are_cosigned_in_one_order(witness: MadeWitness) -> None:
    """The race of the standard: a smaller head never takes a larger one's place. Two histories are offered at once."""
    heads = witness.heads()
    cosigner = Cosigner(keys=KEYS[:1], logs=LOGS, heads=heads, clock=witness.clock)
    offered = {
        (log, old, size): log.submission(old, size)
        for log in (TRUE, FORK)
        for old in range(5, 12)
        for size in range(old, 12)
    }
    offered[TRUE, 0, 5], offered[FORK, 0, 5] = TRUE.submission(0, 5), FORK.submission(0, 5)
    seen: list[tuple[MadeLog, int]] = []
    begin = threading.Barrier(4)

    def ask(seed: int) -> None:
        order = random.Random(seed).sample(sorted(offered, key=repr), len(offered))
        begin.wait()
        for log, old, size in order * 3:
            if cosigner.add(offered[log, old, size]).status == 200:
                seen.append((log, size))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert len({log for log, _ in seen}) == 1
    assert heads.cosigned()[0].size == max(size for _, size in seen)
    heads.close()
