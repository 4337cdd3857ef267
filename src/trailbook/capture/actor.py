"""Who acts: the context in which a host's changes are captured, carried by context variables.

Owns `acting_as`, what holds when nobody said who acts (the system, named after the job), and the written form in
which a context travels to a worker or a database. Refuses to remember: a new thread or task without a context never
acts as the last user.
"""

import re
import sys
from contextvars import ContextVar, Token
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from trailbook.model import Actor, Item, Origin

_JOB = Origin(interface="job")


class Acting(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who acts, in whose name, why, as part of what, caused by which entry, and from where."""

    actor: Actor
    origin: Origin = _JOB
    on_behalf_of: Item | None = None
    purpose: str | None = None
    correlation: str | None = None
    caused_by: UUID | None = None


_acting: ContextVar[Acting | None] = ContextVar("trailbook_acting", default=None)
_travelled = msgspec.json.Decoder(Acting)
_NOT_A_SLUG = re.compile(r"[^a-z0-9]+")


class acting_as:  # noqa: N801  # read as a word: with acting_as(anna)
    """A block in which `actor` acts; blocks nest, and the outer one acts again when the inner one ends.

    What is not given (`origin`, `correlation`, `purpose`) holds on from the outer block; `on_behalf_of` does not, for
    it belongs to its actor.
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
        outer = _acting.get() or Acting(actor=actor)
        self._acting = Acting(
            actor=actor,
            origin=origin or outer.origin,
            on_behalf_of=on_behalf_of,
            purpose=purpose or outer.purpose,
            correlation=correlation or outer.correlation,
            caused_by=caused_by or outer.caused_by,
        )
        self._before: Token[Acting | None] | None = None

    def __enter__(self) -> Acting:
        self._before = _acting.set(self._acting)
        return self._acting

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            _acting.reset(self._before)


class resumed:  # noqa: N801  # read as a word: with resumed(acting)
    """A block in which a context that was carried here holds, as `current` and `from_text` gave it."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting
        self._before: Token[Acting | None] | None = None

    def __enter__(self) -> Acting:
        self._before = _acting.set(self._acting)
        return self._acting

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            _acting.reset(self._before)


def stated() -> Acting | None:
    """The context that somebody stated, or None."""
    return _acting.get()


def current(job: str | None = None) -> Acting:
    """The context in force; where nobody stated one, the system, named after `job` or else after the program."""
    return _acting.get() or _system(job or _program())


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
