"""The lane of passwords: so many at a time, so many that wait, and whoever comes then hears so at once."""

import asyncio
import threading

from litestar import Response
from tests.loops import no_loop_runs

from trailbook.web.http.hashing import Hashing, HashingLane


def test_what_is_too_much_is_refused_and_the_rest_is_made() -> None:
    """Of six, two are made at a time, two wait, and two are refused before any of the others is done."""
    gate, inside, most = threading.Event(), threading.Semaphore(2), []

    def make() -> Response[bytes]:
        most.append(inside.acquire(blocking=False))
        gate.wait(20)
        inside.release()
        return Response(b"made")

    def refuse() -> Response[bytes]:
        return Response(b"refused", status_code=503)

    async def six() -> list[bytes]:
        lane = HashingLane(threads=2, waiting=2)
        tasks = [asyncio.create_task(lane.run(Hashing(make, refuse))) for _ in range(6)]
        refused = [(await task).content for task in tasks[4:]]
        gate.set()
        made = [(await task).content for task in tasks[:4]]
        return [*made, *refused, (await lane.run(Hashing(make, refuse))).content]

    with no_loop_runs():
        answers = asyncio.run(six())
    assert answers == [b"made"] * 4 + [b"refused"] * 2 + [b"made"]
    assert most == [True] * 5


def test_a_failure_makes_room_too() -> None:
    def fail() -> Response[bytes]:
        raise ValueError("as it may happen")

    async def twice() -> list[str]:
        lane, ends = HashingLane(threads=1, waiting=0), []
        for _ in range(2):
            try:
                await lane.run(Hashing(fail, lambda: Response(b"refused")))
            except ValueError as error:
                ends.append(str(error))
        return ends

    with no_loop_runs():
        ends = asyncio.run(twice())
    assert ends == ["as it may happen"] * 2
