"""The tail: what is added is there at once, in the order of time, and what was sealed is cut off it."""

import numpy as np
import pytest

from trailbook.index import Clause, IndexRow, Plan, Tail, new_codes
from trailbook.index.columns import Codes


def row(seq: int, *, at: int = 0, alive: bool | None = None) -> IndexRow:
    return IndexRow(
        seq=seq,
        at=at,
        actor=1,
        target=seq + 100,
        source=2,
        behalf=0,
        concerned=tuple(range(seq % 3)),
        kind="person",
        type="role",
        category="roles",
        action=f"role.a{seq % 4}",
        outcome="success",
        interface="web",
        own=False,
        correlation=0,
        cause=0,
        alive=alive,
    )


def test_codes_are_given_out_in_the_order_of_words() -> None:
    codes = Codes(["roles"])
    assert codes.all(["salary", "roles", "salary", "users"]) == [1, 0, 1, 2]
    assert codes.words == ["roles", "salary", "users"]
    assert codes.known(["users", "nobody", "roles"]) == (2, 0)
    assert codes.words == ["roles", "salary", "users"]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000])
def test_what_was_added_is_there_at_once(count: int) -> None:
    """Whether it waits or is in the arrays, and however often they grew."""
    tail = Tail(5, new_codes())
    for seq in range(5, 5 + count):
        tail.add([row(seq)], seq + 1)
    assert (tail.count, tail.size) == (count, 5 + count)
    piece = tail.piece()
    assert piece.seqs(piece.find(Plan(as_of=10**6))).tolist() == list(range(5, 5 + count))
    assert tail.codes["action"].words == [f"role.a{(5 + n) % 4}" for n in range(min(4, count))]
    assert piece.having("target", np.asarray([104, 105, 104 + count, 105 + count])).tolist() == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("waiting", [0, 1, 22, 63])
def test_a_segment_holds_what_was_waiting_while_the_arrays_grew(waiting: int) -> None:
    """The last of a segment lay where the arrays had to grow, and were sealed away."""
    tail = Tail(0, new_codes())
    held = 256 - waiting // 2
    tail.add([row(seq) for seq in range(held)], held)
    for seq in range(held, held + waiting):
        tail.add([row(seq)], seq + 1)
    assert tail.fields(held + waiting).of["seq"].tolist() == list(range(held + waiting))
    assert tail.cut(held).count == waiting


def test_ranks_are_in_the_order_of_time_and_then_of_seq() -> None:
    tail = Tail(0, new_codes())
    tail.add([row(seq, at=at) for seq, at in enumerate([9, 3, 3, 7])], 4)
    before = tail.piece()
    assert before.seqs(np.arange(4)).tolist() == [1, 2, 3, 0]
    assert (before.low, before.high) == (3, 9)
    tail.add([row(4, at=5)], 5)
    piece = tail.piece()
    assert piece.seqs(np.arange(5)).tolist() == [1, 2, 4, 3, 0]
    assert piece.seqs(piece.find(Plan(since=3, until=9, as_of=4))).tolist() == [1, 2, 3]
    assert (before.count, before.size, before.seqs(np.arange(4)).tolist()) == (4, 4, [1, 2, 3, 0])


def test_a_piece_stays_what_it_was() -> None:
    """Whatever is added, sealed or makes the arrays grow; it is made anew only when something came."""
    tail = Tail(0, new_codes())
    tail.add([row(seq, at=-seq) for seq in range(200)], 200)
    piece = tail.piece()
    assert tail.piece() is piece

    def everything() -> list[object]:
        ranks = np.arange(piece.count)
        return [piece.seqs(ranks).tolist(), *(array.tolist() for array in piece.concerned(ranks))]

    before = everything()
    for seq in range(200, 900):  # the arrays grow twice
        tail.add([row(seq, at=-seq)], seq + 1)
    tail = tail.cut(100)
    tail.add([row(900)], 901)
    assert everything() == before
    assert (piece.first, piece.size, piece.count) == (0, 200, 200)
    assert (tail.piece().first, tail.piece().size, tail.piece().count) == (100, 901, 801)


def test_concerned_items_stay_with_their_entry() -> None:
    tail = Tail(0, new_codes())
    tail.add([row(seq, at=-seq) for seq in range(100)], 100)
    piece = tail.piece()
    counts, items = piece.concerned(np.arange(3))
    assert (counts.tolist(), items.tolist()) == ([0, 2, 1], [0, 1, 0])  # of 99, 98, 97
    hits = piece.find(Plan(clauses=(Clause("concerns", (1,)),), as_of=100))
    assert sorted(piece.seqs(hits).tolist()) == [seq for seq in range(100) if seq % 3 == 2]


def held(tail: Tail, stop: int) -> list[object]:
    """Everything that a tail would seal, in plain lists."""
    fields, lives = tail.fields(stop), tail.lives(stop)
    columns = {name: column.tolist() for name, column in fields.of.items()}
    arrays = (fields.starts, fields.concerned, lives.item, lives.at, lives.seq, lives.alive)
    return [columns, *(array.tolist() for array in arrays)]


@pytest.mark.parametrize("stop", [0, 1, 70, 149])
def test_cut_leaves_what_a_tail_from_there_would_hold(stop: int) -> None:
    rows = [row(seq, at=seq % 7, alive={0: True, 1: False}.get(seq % 9)) for seq in range(150)]
    tail = Tail(0, new_codes())
    tail.add(rows, 150)
    rest, expected = tail.cut(stop), Tail(stop, tail.codes)
    expected.add(rows[stop:], 150)
    assert (rest.first, rest.size, rest.count) == (stop, 150, 150 - stop)
    assert held(rest, 150) == held(expected, 150)
    assert held(rest, 150) != held(tail, 150) or stop == 0


def test_lives_say_when_a_target_ended_and_came_back() -> None:
    tail = Tail(0, new_codes())
    tail.add([row(0), row(1, at=4, alive=False), row(2, at=6, alive=True), row(3, at=8, alive=False)], 4)
    lives = tail.lives(3)
    assert (lives.item.tolist(), lives.at.tolist()) == ([101, 102], [4, 6])
    assert (lives.seq.tolist(), lives.alive.tolist()) == ([1, 2], [False, True])
    assert len(tail.lives(1).item) == 0
