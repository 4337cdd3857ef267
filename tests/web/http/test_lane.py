"""Answers are made one after the other, in turn for whoever asks, and nobody waits long behind a slow one."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from anyio import CapacityLimiter

from trailbook.web.http import lane as lane_module
from trailbook.web.http.lane import Asker, Lane

SOMEBODY = Asker("somebody", "acme")


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
                    group.start_soon(lane.run, make, SOMEBODY)

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


def order(askers: list[Asker], monkeypatch: pytest.MonkeyPatch) -> list[Asker]:
    """In which order these are answered, who all came while another answer was made."""
    monkeypatch.setattr(lane_module, "PATIENCE", 60)
    lane, made, over = Lane(CapacityLimiter(8)), [], threading.Event()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(lane.run, lambda: over.wait(20), SOMEBODY)
            await anyio.sleep(0)
            for asker in askers:
                group.start_soon(lane.run, lambda asker=asker: made.append(asker), asker)
                await anyio.sleep(0)
            over.set()

    run(main)
    return made


@pytest.mark.parametrize(
    ("late", "before"),
    [(Asker("a", "acme"), 8), (Asker("b", "acme"), 1), (Asker("b", "bolt"), 1)],
    ids=["the same", "another", "of another organisation"],
)
def test_whose_turn_it_is_goes_round(late: Asker, before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks once waits for one answer of whoever asks for eight; the control is their own ninth."""
    first = Asker("a", "acme")
    assert order([*[first] * 8, late], monkeypatch) == [*[first] * before, late, *[first] * (8 - before)]


def test_organisations_go_round_before_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten keys of one organisation are answered once for every answer of another's."""
    many, other = [Asker(at, "acme") for at in range(10)], Asker("b", "bolt")
    made = order([*many, *[other] * 3], monkeypatch)
    assert [asker.party for asker in made] == [*["acme", "bolt"] * 3, *["acme"] * 7]


def test_who_goes_while_they_wait_holds_nobody_up() -> None:
    """A request that is cancelled in the queue, or as its turn comes, leaves the lane to the next."""
    lane, made, over = Lane(CapacityLimiter(8)), [], threading.Event()

    async def main() -> None:
        with anyio.fail_after(20):
            first = asyncio.create_task(lane.run(lambda: over.wait(20), SOMEBODY))
            await anyio.sleep(0)
            gone = [asyncio.create_task(lane.run(lambda: made.append("gone"), SOMEBODY)) for _ in range(2)]
            await anyio.sleep(0)
            gone[1].cancel()
            over.set()
            await first
            gone[0].cancel()
            await asyncio.gather(*gone, return_exceptions=True)
            await lane.run(lambda: made.append("next"), SOMEBODY)

    run(main)
    assert made[-1] == "next"


def test_an_error_frees_the_lane() -> None:
    """What goes wrong in one answer is told to whoever asked, and the next one is made."""
    lane, made = Lane(CapacityLimiter(8)), []

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await lane.run(lambda: 1 // 0, SOMEBODY)
        await lane.run(lambda: made.append("next"), SOMEBODY)

    run(main)
    assert made == ["next"]
