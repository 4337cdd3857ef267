"""Turns: what waits is done together, each gets its own answer, and no more waits than there is room for."""

import threading
import time
from collections.abc import Sequence

import pytest

from trailbook.errors import NotFoundError, OverloadedError, StoreError
from trailbook.stores.group_commit import Turns


class Bench:
    """Work that can be held up, and what it was given each time."""

    def __init__(self, together: int = 100, room: int = 100) -> None:
        self.free = threading.Event()
        self.begun = threading.Event()
        self.rounds: list[list[int]] = []
        self.turns: Turns[int, int] = Turns(self._work, together=together, room=room)
        self.answers: dict[int, object] = {}
        self._threads: list[threading.Thread] = []

    def _work(self, wishes: Sequence[int]) -> list[int | Exception]:
        self.begun.set()
        assert self.free.wait(20)
        self.rounds.append(list(wishes))
        if any(wish == 666 for wish in wishes):
            raise StoreError("the disk is gone")
        return [NotFoundError("odd") if wish % 2 else wish * 10 for wish in wishes]

    def send(self, wish: int, size: int = 1) -> None:
        """Ask in a thread of its own, and wait until it waits."""

        def ask() -> None:
            try:
                self.answers[wish] = self.turns.ask(wish, size)
            except Exception as error:  # noqa: BLE001 - kept to be looked at
                self.answers[wish] = error

        thread = threading.Thread(target=ask)
        thread.start()
        self._threads.append(thread)
        if len(self._threads) == 1:
            assert self.begun.wait(20)
        else:
            while wish not in self.answers and all(turn.wish != wish for turn in self.turns._waiting):
                time.sleep(0.001)

    def end(self) -> None:
        self.free.set()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()


def test_what_waits_is_done_together() -> None:
    """The first goes alone; the three that came meanwhile share one round, each with its own answer."""
    bench = Bench()
    for wish in (2, 4, 5, 6):
        bench.send(wish)
    bench.end()
    assert [sorted(batch) for batch in bench.rounds] == [[2], [4, 5, 6]]
    assert [bench.answers[wish] for wish in (2, 4, 6)] == [20, 40, 60]
    assert isinstance(bench.answers[5], NotFoundError)


def test_what_fails_whole_fails_for_all_in_it_alone() -> None:
    """Nobody of a failed round is told that it worked; who was in another is not touched."""
    bench = Bench()
    for wish in (2, 666, 4):
        bench.send(wish)
    bench.end()
    assert bench.answers[2] == 20
    assert isinstance(bench.answers[666], StoreError)
    assert isinstance(bench.answers[4], StoreError)


def test_a_round_is_bounded() -> None:
    """Three of size 2 make two rounds where 4 fit; one that is larger by itself goes alone."""
    bench = Bench(together=4)
    for wish, size in ((2, 1), (4, 2), (6, 2), (8, 2), (10, 50)):
        bench.send(wish, size)
    bench.end()
    assert [sorted(batch) for batch in bench.rounds] == [[2], [4, 6], [8], [10]]


def test_above_the_room_whoever_comes_is_refused() -> None:
    """Overloaded at once, and nothing of it is done; the control is the one that still fits."""
    bench = Bench(room=3)
    bench.send(2)
    bench.send(4, 3)
    bench.send(6)
    bench.end()
    assert isinstance(bench.answers[6], OverloadedError)
    assert (bench.answers[2], bench.answers[4]) == (20, 40)
    assert sorted(wish for batch in bench.rounds for wish in batch) == [2, 4]


def test_one_who_is_stopped_tells_the_others() -> None:
    """A leader that is interrupted leaves nobody waiting for ever."""

    def work(wishes: Sequence[int]) -> list[int | Exception]:
        raise KeyboardInterrupt

    turns: Turns[int, int] = Turns(work, together=9, room=9)
    with pytest.raises(KeyboardInterrupt):
        turns.ask(1)
    with turns.alone():
        pass
