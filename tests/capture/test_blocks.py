"""Blocks that are over: a copied context states nothing once the block has ended, wherever it goes on."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any

import pytest
from tests.capture.small import ANNA, BOB, item

from trailbook.capture import acting_as, recorded_as
from trailbook.capture.actor import Acting, resumed, stated, unstated
from trailbook.capture.meaning import current_meaning
from trailbook.errors import MisplacedBlockError


def acting() -> str | None:
    """The id of whoever was said to act, or None."""
    now = stated()
    return None if now is None else now.actor.id


def meant() -> str | None:
    """The action that statements mean, or None."""
    meaning = current_meaning()
    return None if meaning is None else meaning.action


def deactivating() -> recorded_as:
    """A block with a meaning."""
    return recorded_as("user.deactivated", target=item("user", 1))


Make = Callable[[], AbstractContextManager[Any]]
# Each block, what asks for its value, and that value.
KINDS = [
    pytest.param(lambda: acting_as(ANNA), acting, "u-17", id="acting_as"),
    pytest.param(lambda: resumed(Acting(actor=ANNA)), acting, "u-17", id="resumed"),
    pytest.param(deactivating, meant, "user.deactivated", id="recorded_as"),
]
every_kind = pytest.mark.parametrize(("make", "ask", "value"), KINDS)


@every_kind
def test_a_copy_ends_with_its_block(make: Make, ask: Callable[[], Any], value: str) -> None:
    """A copied context states the value while the block runs, and nothing afterwards, in whatever thread."""
    with make():
        carried = copy_context()
        assert (ask(), carried.run(ask)) == (value, value)
    with ThreadPoolExecutor(1) as pool:
        assert (carried.run(ask), pool.submit(carried.run, ask).result()) == (None, None)


@every_kind
def test_tasks(make: Make, ask: Callable[[], Any], value: str) -> None:
    """Children that are awaited in the block, and threads, have its value; a task that goes on after it has none."""

    async def child(wait: asyncio.Event) -> Any:
        await wait.wait()
        return ask()

    async def request() -> tuple[list[Any], Any]:
        go, ended = asyncio.Event(), asyncio.Event()
        go.set()
        with make():
            late = asyncio.create_task(child(ended))
            awaited = await asyncio.gather(child(go), child(go), asyncio.to_thread(ask))
        ended.set()
        return awaited, await late

    assert asyncio.run(request()) == ([value] * 3, None)


def test_an_ended_block_does_not_uncover_the_one_around_it() -> None:
    """What was started in Bob's block is nobody's when it has ended, though Anna's around it goes on."""
    with acting_as(ANNA):
        with acting_as(BOB):
            carried = copy_context()
        assert (acting(), carried.run(acting)) == ("u-17", None)


def test_a_later_block_in_a_copy_holds() -> None:
    """Who is said to act after the request is over acts, and takes nothing along from the request."""
    with acting_as(ANNA, correlation="request", purpose="support"):
        carried = copy_context()

    def go_on() -> tuple[Any, str | None]:
        with acting_as(BOB) as later:
            return later, acting()

    assert carried.run(go_on) == (Acting(actor=BOB), "u-42")
    assert carried.run(acting) is None


def test_nobody_acts_in_an_unstated_context() -> None:
    """`unstated` gives a context without an actor, also while the block runs."""
    with acting_as(ANNA):
        assert (unstated().run(acting), acting()) == (None, "u-17")


@every_kind
def test_left_elsewhere(make: Make, ask: Callable[[], Any], value: str) -> None:
    """A generator that is begun and ended in two copies of a context, as in a thread pool, is refused, and is over."""

    @contextmanager
    def dependency() -> Iterator[None]:
        with make():
            yield

    block = dependency()
    first = copy_context()
    first.run(block.__enter__)
    assert (first.run(ask), ask()) == (value, None)
    with pytest.raises(MisplacedBlockError, match="another context"):
        copy_context().run(block.__exit__, None, None, None)
    assert first.run(ask) is None


def test_a_copy_does_not_end_the_block_quietly() -> None:
    """A block that is left in a copy that holds it is refused too: its own context would never know."""
    block = acting_as(ANNA)
    own = Context()
    own.run(block.__enter__)
    with pytest.raises(MisplacedBlockError):
        own.copy().run(block.__exit__, None, None, None)
    assert own.run(acting) is None


def test_an_error_under_way_goes_on() -> None:
    """Where the block is left elsewhere because of an error, that error is raised, with a note."""
    block = acting_as(ANNA)
    copy_context().run(block.__enter__)
    error = LookupError("no such absence")
    block.__exit__(LookupError, error, None)
    assert "acting_as" in error.__notes__[0]
    with acting_as(ANNA), pytest.raises(LookupError) as raised, acting_as(BOB):
        raise LookupError("an ordinary one")
    assert not hasattr(raised.value, "__notes__")


def test_what_is_left_open_ends_with_the_block_around_it() -> None:
    """A block that a job opened and never left ends with the job's; left after that, it is refused."""
    forgotten = acting_as(BOB)
    with acting_as(ANNA):
        forgotten.__enter__()
        carried = copy_context()
        assert acting() == "u-42"
    assert (acting(), carried.run(acting)) == (None, None)
    with acting_as(ANNA):
        with pytest.raises(MisplacedBlockError, match="after the block around it"):
            forgotten.__exit__(None, None, None)
        assert acting() == "u-17"


def test_one_block_is_open_once() -> None:
    """An open block is not entered again, by nobody; one that was left may be, and is a new block."""
    block = acting_as(ANNA)
    with block:
        with pytest.raises(MisplacedBlockError, match="open already"):
            block.__enter__()
        assert acting() == "u-17"
    with pytest.raises(MisplacedBlockError):
        block.__exit__(None, None, None)
    with block:
        assert acting() == "u-17"


def test_a_meaning_that_is_used_again_is_new() -> None:
    """The entry of an earlier block is not taken for that of a later one."""
    block, meanings = deactivating(), []
    for _ in range(2):
        with block:
            meanings.append(current_meaning())
    assert None not in meanings
    assert meanings[0] is not meanings[1]


FORKED = """
import os
from tests.capture.small import ANNA, BOB
from tests.capture.test_blocks import acting, deactivating, meant
from trailbook.capture import acting_as

with acting_as(ANNA), deactivating():
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    os.write(1, f"{acting()} {meant()}\\n".encode())
    with acting_as(BOB):
        os.write(1, f"{acting()}\\n".encode())
"""


def test_a_forked_process_begins_with_nobody() -> None:
    """A process that is forked in a block has nothing of it, and says for itself who acts; the block goes on."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(root / "src")])
    environment = {**os.environ, "PYTHONPATH": path}
    answer = subprocess.run(
        [sys.executable, "-c", FORKED], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines() == ["None None", "u-42", "u-17 user.deactivated", "u-42"]


def test_async_generators() -> None:
    """An async generator's block holds for who awaits it, as a dependency's does, and ends where it is closed."""

    async def dependency() -> AsyncIterator[None]:
        with acting_as(ANNA):
            yield

    async def request() -> tuple[str | None, str | None]:
        generator = dependency()
        async for _ in generator:
            during = acting()
        return during, acting()

    async def closed_elsewhere() -> str | None:
        generator: Any = dependency()
        await anext(generator)
        with pytest.raises(MisplacedBlockError):
            await asyncio.create_task(generator.aclose(), context=Context())
        return acting()

    assert asyncio.run(request()) == ("u-17", None)
    assert asyncio.run(closed_elsewhere()) is None
