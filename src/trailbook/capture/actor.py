"""Who acts: the context in which a host's changes are captured, carried by context variables.

Owns `acting_as`, what holds when nobody said who acts (the system, named after the job), and the written form in
which a context travels to a worker or a database. Refuses to remember: a thread or task without a context, or with
one whose block has ended, never acts as the last user.
"""

import re
import sys
from collections.abc import Callable
from contextvars import Context
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from trailbook.capture.blocks import Block, Stated
from trailbook.capture.rules import demand_acting
from trailbook.model import Actor, Item, Origin

_JOB = Origin(interface="job")


class Acting(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, dict=True):
    """Who acts, in whose name, why, as part of what, caused by which entry, and from where."""

    actor: Actor
    origin: Origin = _JOB
    on_behalf_of: Item | None = None
    purpose: str | None = None
    correlation: str | None = None
    caused_by: UUID | None = None

    @cached_property
    def members(self) -> str:
        """The members of an entry that say so, as JSON; worked out once, for all that is done meanwhile."""
        return as_text(self)[1:-1]


class _Asked:
    """A context whose actor is asked for by whoever needs it; all but the actor stands in `frame`."""

    def __init__(self, frame: Acting, find: Callable[[], Actor | None]) -> None:
        self.frame = frame
        self._find = find
        self._last = frame

    def acting(self) -> Acting:
        """The context with the actor of this moment; while it is asked for, whoever writes is the frame's."""
        with resumed(self.frame):
            actor = self._find() or self.frame.actor
        last = self._last
        if last.actor != actor:
            self._last = last = structs.replace(self.frame, actor=actor)
        return last


Asked = TypeVar("Asked")  # a request, in whatever form the host is given it

_stated: Stated[Acting | _Asked] = Stated("acting_as")
_travelled = msgspec.json.Decoder(Acting)
_NOT_A_SLUG = re.compile(r"[^a-z0-9]+")


class acting_as:  # noqa: N801  # read as a word: with acting_as(anna)
    """A block in which `actor` acts; blocks nest, and the outer one acts again when the inner one ends.

    What is not given (`origin`, `correlation`, `purpose`) holds on from the outer block; `on_behalf_of` does not, for
    it belongs to its actor. Tasks and threads that carry the context act as `actor` until the block ends, and then as
    nobody. Raises: EntryInvalidError naming the member that no log would take; MisplacedBlockError where it is not left
    in the context in which it was entered.
    """

    def __init__(
        self,
        actor: Actor,
        *,
        on_behalf_of: Item | None = None,
        purpose: str | None = None,
        correlation: str | None = None,
        caused_by: UUID | None = None,
        origin: Origin | None = None,
    ) -> None:
        demand_acting(actor, correlation, caused_by, behalf=on_behalf_of, purpose=purpose, origin=origin)
        self._actor = actor
        self._on_behalf_of = on_behalf_of
        self._purpose = purpose
        self._correlation = correlation
        self._caused_by = caused_by
        self._origin = origin
        self._block = Block(_stated)

    def __enter__(self) -> Acting:
        acting = self.stated()
        self._block.enter(acting)
        return acting

    def stated(self) -> Acting:
        """What the block states, entered here."""
        outer = _frame() or Acting(actor=self._actor)
        return Acting(
            actor=self._actor,
            origin=self._origin or outer.origin,
            on_behalf_of=self._on_behalf_of,
            purpose=self._purpose or outer.purpose,
            correlation=self._correlation or outer.correlation,
            caused_by=self._caused_by or outer.caused_by,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.leave(error)


class acting_when_asked:  # noqa: N801  # read as words
    """A block in which whoever `find` names acts, asked when an entry is made and not before; else `nobody`.

    `find` is asked for each entry, so that it answers as things are then; what is written while it looks is nobody's.
    `nobody` is the block that holds where it returns None. Raises: as `acting_as`; whoever needs to know who acts gets
    what `find` raises.
    """

    def __init__(self, find: Callable[[], Actor | None], *, nobody: acting_as) -> None:
        self._find = find
        self._nobody = nobody
        self._block = Block(_stated)

    def __enter__(self) -> None:
        self._block.enter(_Asked(self._nobody.stated(), self._find))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.leave(error)


def until_somebody(find: Callable[[Asked], Actor | None], request: Asked) -> Callable[[], Actor | None]:
    """Whom a host's callable finds in a request, asked until it is somebody, who then acts to the request's end.

    What is returned raises: EntryInvalidError naming the member that no log would take; what `find` raises.
    """
    actor: Actor | None = None

    def ask() -> Actor | None:
        nonlocal actor
        if actor is None and (answer := find(request)) is not None:
            demand_acting(answer, None, None, behalf=None, purpose=None, origin=None)
            actor = answer
        return actor

    return ask


class resumed:  # noqa: N801  # read as a word: with resumed(acting)
    """A block in which a context that was carried here holds, as `current` gave it where it was stated.

    Raises: MisplacedBlockError where it is not left in the context in which it was entered.
    """

    def __init__(self, acting: Acting) -> None:
        self._acting = acting
        self._block = Block(_stated)

    def __enter__(self) -> Acting:
        self._block.enter(self._acting)
        return self._acting

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.leave(error)


def stated() -> Acting | None:
    """The context that somebody stated and that still holds, or None. Raises: what looks for the actor raises."""
    value = _stated.value()
    return value.acting() if isinstance(value, _Asked) else value


def _frame() -> Acting | None:
    """The context around, of which nobody needs to know the actor."""
    value = _stated.value()
    return value.frame if isinstance(value, _Asked) else value


def unstated() -> Context:
    """A copy of the current context in which nobody acts: `unstated().run(scheduler.wakeup)`."""
    return _stated.absent()


def current(job: str | None = None) -> Acting:
    """The context in force; where nobody stated one, the system, named after `job` or else after the program."""
    return stated() or _system(job or _program())


def system(job: str, name: str | None = None) -> Actor:
    """The system as actor, one for each rule or job: `system("access-expiry")` is Access expiry."""
    slug = _NOT_A_SLUG.sub("-", job.lower()).strip("-")[:100] or "job"
    spoken = name or slug.replace("-", " ").capitalize()
    return Actor(kind="system", type="system", id=slug, name=spoken)


def as_text(acting: Acting) -> str:
    """A context as JSON, to travel to a worker or into a database."""
    # With its origin always: an entry has one, and triggers put this text into it as it stands.
    return msgspec.json.encode({**msgspec.to_builtins(acting), "origin": acting.origin}).decode()


def from_text(text: str) -> Acting:
    """A context that travelled. Raises: msgspec.ValidationError, msgspec.DecodeError."""
    return _travelled.decode(text)


def for_job(job: str, carried: Acting | None) -> Acting:
    """What holds while a job runs: who asked for it goes on acting, from a job; else the system, named after it."""
    if carried is None:
        return _system(job)
    return structs.replace(carried, origin=structs.replace(carried.origin, interface="job"))


@lru_cache(maxsize=256)
def _system(job: str) -> Acting:
    return Acting(actor=system(job))


def _program() -> str:
    return Path(sys.argv[0]).stem or "python"
