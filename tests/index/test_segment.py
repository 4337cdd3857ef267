"""A segment's bytes: the same for the same entries, refused once they changed, and blind to what was removed since."""

import hashlib

import msgspec
import numpy as np
import pytest

from trailbook.errors import IndexDamagedError
from trailbook.index import (
    Clause,
    IndexRow,
    Plan,
    Segment,
    SegmentHead,
    Tail,
    build_segment,
    new_codes,
    read_head,
    read_part,
)

COUNT = 50
Sealed = tuple[SegmentHead, dict[str, bytes]]


def row(seq: int) -> IndexRow:
    return IndexRow(
        seq=seq,
        at=seq * 7 % 31,
        actor=seq % 5 + 1,
        target=seq % 3 + 10,
        source=20,
        behalf=30 if seq % 10 == 0 else 0,
        origin=seq % 6,
        concerned=(seq % 4 + 40, 50)[: seq % 3],
        kind="person",
        type="role",
        category="roles",
        action="role.assigned" if seq % 2 else "role.renamed",
        outcome="success",
        interface="web",
        own=seq % 6 == 0,
        correlation=seq % 8,
        cause=0,
        alive={0: False, 1: True}.get(seq % 20),
    )


@pytest.fixture
def sealed() -> Sealed:
    tail = Tail(0, new_codes())
    tail.add([row(seq) for seq in range(COUNT)], COUNT)
    return build_segment(0, COUNT, tail.fields(COUNT), tail.lives(COUNT))


def opened(sealed: Sealed, dead: tuple[tuple[int, int], ...] = ()) -> Segment:
    head, content = sealed
    return Segment(head, lambda head, name: read_part(head, name, content[name]), dead)


def test_the_same_entries_give_the_same_bytes(sealed: Sealed) -> None:
    """However many were added at a time; another entry among them gives others."""
    slowly, other = Tail(0, new_codes()), Tail(0, new_codes())
    for seq in range(COUNT):
        slowly.add([row(seq)], seq + 1)
        other.add([row(seq + (seq == 17))], seq + 1)
    assert build_segment(0, COUNT, slowly.fields(COUNT), slowly.lives(COUNT)) == sealed
    assert build_segment(0, COUNT, other.fields(COUNT), other.lives(COUNT)) != sealed


def test_a_flipped_bit_in_any_part_is_refused(sealed: Sealed) -> None:
    """No part that changed is ever answered from; the same bytes unchanged are."""
    head, content = sealed
    for name, part in content.items():
        assert len(read_part(head, name, part)) == head.parts[name].length
        for at in range(0, len(part), 7):
            flipped = bytes([*part[:at], part[at] ^ 4, *part[at + 1 :]])
            with pytest.raises(IndexDamagedError):
                read_part(head, name, flipped)
        with pytest.raises(IndexDamagedError):
            read_part(head, name, None)


def test_a_head_is_read_under_its_digest_alone(sealed: Sealed) -> None:
    content = msgspec.msgpack.encode(sealed[0])
    digest = hashlib.sha256(content).digest()
    assert read_head(content, digest, 0) == sealed[0]
    for altered in (content[:-1] + bytes([content[-1] ^ 1]), b"", None):
        with pytest.raises(IndexDamagedError, match="entries from 0 on"):
            read_head(altered, digest, 0)


def test_what_was_removed_since_is_found_no_more(sealed: Sealed) -> None:
    """The posting lists, the masks and the counts it was sealed with: none of them gives a removed entry out."""
    whole, holed = opened(sealed), opened(sealed, ((10, 20), (45, 99)))
    assert whole.whole
    assert not holed.whole
    left = [seq for seq in range(COUNT) if not 10 <= seq < 20 and seq < 45]
    for plan in (Plan(as_of=COUNT), Plan(clauses=(Clause("actor", (1, 2, 3, 4, 5)),), as_of=COUNT)):
        assert sorted(whole.seqs(whole.find(plan)).tolist()) == list(range(COUNT))
        assert sorted(holed.seqs(holed.find(plan)).tolist()) == left
        assert holed.number(plan) == len(left)
    for clause, seqs in (
        (Clause("citing", (20,)), left),
        (Clause("concerns", (10,)), [s for s in left if s % 3 == 0]),
    ):
        plan = Plan(clauses=(clause,), as_of=COUNT)
        assert sorted(holed.seqs(holed.find(plan)).tolist()) == seqs


def test_having_says_which_numbers_there_are(sealed: Sealed) -> None:
    numbers = np.asarray([0, 1, 5, 6, 10, 12, 40, 50, 51], np.int64)
    segment = opened(sealed)
    assert segment.having("actor", numbers).tolist() == [n in range(1, 6) for n in numbers]
    assert segment.having("about", numbers).tolist() == [n in (10, 12, 40, 50) for n in numbers]
    assert not segment.having("cause", numbers).any()
