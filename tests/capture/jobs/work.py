"""What the jobs of these tests do: they say who they act as. Importable by name, as workers and stores want it."""

import asyncio
from typing import Any

from trailbook.capture import acting_as, current
from trailbook.model import Actor

CARA = Actor(kind="person", type="user", id="u-99", name="Cara")


def who(*parts: object) -> str:
    """Whoever acts now, as kind, id and interface, and what the job was given."""
    acting = current()
    return " ".join([acting.actor.kind, acting.actor.id, acting.origin.interface, *map(str, parts)])


async def who_awaited(*parts: object) -> str:
    """The same, after others have had their turn."""
    before = who(*parts)
    for _ in range(5):
        await asyncio.sleep(0)
    assert who(*parts) == before
    return before


def leave_open() -> str:
    """Begin a block and never leave it."""
    acting_as(CARA).__enter__()
    return who()


def fail() -> None:
    """Raise in a block."""
    with acting_as(CARA):
        raise LookupError("no such absence")


class Report:
    """An object with methods, and one that is called itself."""

    def __init__(self, title: str) -> None:
        self.title = title

    def write(self, part: str) -> str:
        """A method."""
        return who(self.title, part)

    async def write_awaited(self, part: str) -> str:
        """A method that is awaited."""
        return await who_awaited(self.title, part)

    async def __call__(self, part: str) -> Any:
        """The object as a coroutine function."""
        return await self.write_awaited(part)
