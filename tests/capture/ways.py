"""What a write path is: its group, its name, its verdict, and the host on which it runs; the register of them all.

Owns the register that `matrix.py` and `slips.py` fill, which `test_matrix.py` proves and the reference prints.
"""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from trailbook.capture import Capture

Verdict = Literal["recorded", "refused", "nothing", "unseen"]
MEANING = {
    "recorded": "recorded once, with the commit",
    "refused": "refused before it runs",
    "nothing": "nothing, for nothing was committed",
    "unseen": "not seen: cover the table with triggers",
}


class Host(Struct, frozen=True, kw_only=True):
    """A host with Bob (a user with an absence and a role) and Eve (an employee) in it."""

    engine: Engine
    other: Engine
    awaited: AsyncEngine
    capture: Capture
    bob: int
    role: int
    eve: int

    def session(self) -> Session:
        """A session on its database."""
        return Session(self.engine)


class Way(Struct, frozen=True, kw_only=True):
    """A write path; `who` is the actor's id that its entries must have, None the system."""

    group: str
    name: str
    verdict: Verdict
    run: Callable[[Host], Any]
    who: str | None = "u-17"
    triggers: Verdict | None = None  # None: recorded, or nothing where there is nothing
    database: bool = False  # triggers know nobody but the database's user


WAYS: dict[str, Way] = {}


def way(group: str, name: str, verdict: Verdict = "recorded", **more: Any) -> Any:
    """Add a write path to the matrix; `more` are further members of `Way`."""

    def added(run: Callable[[Host], Any]) -> Callable[[Host], Any]:
        WAYS[name] = Way(group=group, name=name, verdict=verdict, run=run, **more)
        return run

    return added


def statement(
    group: str, name: str, made: Callable[[Host], Any], *, verdict: Verdict = "recorded", **more: Any
) -> None:
    """Add a path of one statement, executed by a session that commits; `made` gives it, and its parameters if any."""

    def run(host: Host) -> None:
        with host.session() as session, session.begin():
            command = made(host)
            session.execute(*command) if isinstance(command, tuple) else session.execute(command)

    way(group, name, verdict, **more)(run)


GROUPS = (
    "Session",
    "ORM in bulk",
    "Core",
    "Text and driver",
    "In another shape, or under another name",
    "Transactions and context",
)
UNIT, BULK, CORE, TEXT, SHAPES, AROUND = GROUPS
