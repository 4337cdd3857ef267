"""Answers are made one after the other, and nobody waits long behind a slow one."""

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from anyio import CapacityLimiter

from trailbook.web.http.lane import Asker, Lane


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run it in a thread of its own: the browser of other tests may have a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(anyio.run, main).result()


def together(lane: Lane, makes: list[Callable[[], None]]) -> None:
    """Run these at once, each in a request of its own; whatever hangs ends the test."""

    async def main() -> None:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                for make in makes:
                    group.start_soon(lane.run, make)

    run(main)


class Counting:
    """How many are at work, and how many were at their most."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def work(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        threading.Event().wait(0.002)
        self.now -= 1


def test_one_after_the_other() -> None:
    """Quick answers do not interrupt each other; the control: without the lane they are many at once."""
    counting = Counting()
    together(Lane(CapacityLimiter(8)), [counting.work] * 8)
    assert counting.most == 1
    control = Counting()

    async def without() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(anyio.to_thread.run_sync, control.work)

    run(without)
    assert control.most > 1


def test_nobody_waits_for_a_slow_one() -> None:
    """An answer that waits for another to be made would never end if that one waited for it."""
    done = threading.Event()
    together(Lane(CapacityLimiter(8)), [lambda: _wait(done), done.set])
    assert done.is_set()


def _wait(done: threading.Event) -> None:
    assert done.wait(20)


def test_an_error_frees_the_lane() -> None:
    """What goes wrong in one answer is told to whoever asked, and the next one is made."""
    lane, made = Lane(CapacityLimiter(8)), []

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await lane.run(lambda: 1 // 0)
        await lane.run(lambda: made.append("next"))

    run(main)
    assert made == ["next"]
