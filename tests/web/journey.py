"""The way of a request through the rooms, as whoever reads along meets it.

Owns what a stay is: functions of one room, in the order in which they are met for the first time, until one of another
room is. A return is a stay in a room that was left before. What a room below `web` does further below is its own way,
and counts as that room. Members that are worked out, and what stands inside a function, are no functions to go to.
"""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar
from msgspec import Struct
from tests.loops import no_loop_runs
from tests.test_form import SOURCE


class Journey(Struct, frozen=True):
    """The status that a request was answered with, and the rooms that were stayed in until then, in their order."""

    status: int
    stays: tuple[str, ...]

    @property
    def returns(self) -> int:
        """How many stays were in a room that had been left before."""
        return len(self.stays) - len(set(self.stays))


def room_of(code: CodeType) -> str | None:
    """The room in which a function lies; inside `web` its part, of which `http` renders the templates."""
    file = Path(code.co_filename)
    if not file.is_relative_to(SOURCE):
        return None
    room, *rest = file.relative_to(SOURCE).with_suffix("").parts
    if room != "web":
        return room
    return "web.http" if rest[0] == "templates" else f"web.{rest[0]}"


def members() -> set[CodeType]:
    """The code of every member of a class of ours that is worked out when it is read."""
    modules = [module for name, module in sys.modules.items() if name.startswith("trailbook.")]
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    read = (member for each in classes for member in vars(each).values() if isinstance(member, property))
    return {member.fget.__code__ for member in read if isinstance(member.fget, FunctionType)}


class _Tracks:
    """The rooms in which control is, thread by thread: the loop waits while a thread works for it."""

    def __init__(self) -> None:
        self.stays: list[str] = []
        self._stacks: dict[int, list[str | None]] = {}
        self._met = members()
        self._loop = threading.get_ident()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        stack = self._stacks.setdefault(threading.get_ident(), [])
        if event == "call":
            self._enter(frame.f_code, stack)
        elif event == "return" and stack:  # what is left was entered before anybody looked
            stack.pop()

    def _enter(self, code: CodeType, stack: list[str | None]) -> None:
        above = stack[-1] if stack else None
        below_web = above is not None and not above.startswith("web.")
        own = room_of(code)
        room = above if below_web or own is None else own
        stack.append(room)  # a library works in the room that called it
        if (
            own is None
            or room is None
            or code in self._met
            or code.co_name.startswith("<")
            or self._is_idle()
        ):
            return
        self._met.add(code)
        if self.stays[-1:] != [room]:
            self.stays.append(room)

    def _is_idle(self) -> bool:
        """Whether this is the loop, looking at its clock while a thread works."""
        others = (stack for thread, stack in self._stacks.items() if thread != self._loop)
        return threading.get_ident() == self._loop and any(any(stack) for stack in others)


@contextmanager
def _watched() -> Iterator[_Tracks]:
    tracks = _Tracks()
    threading.setprofile(tracks)
    sys.setprofile(tracks)
    try:
        yield tracks
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


def journey(app: Litestar, url: str, headers: dict[str, str]) -> Journey:
    """The way of one GET, from the application's gate on."""
    with _watched() as tracks, no_loop_runs():
        status = asyncio.run(_get(app, url, headers))
    return Journey(status, tuple(tracks.stays))


async def _get(app: Litestar, url: str, headers: dict[str, str]) -> int:
    parts, sent = urlsplit(url), list[Any]()
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.7", 50_000),
        "server": ("testserver.local", 80),
        "state": {},
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    status: int = sent[0]["status"]
    return status
