"""Live: entries of a filter as they are recorded, as server-sent events.

Owns how often a stream looks, who may go on reading, and how many streams a viewer has. Refuses to go on for a
moment longer than half a second once the permission is gone, and to hold up a server that ends. Source: HTML
Standard, section 9.2.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from typing import Any

import anyio
import msgspec
from anyio import to_thread
from litestar import Request as HTTPRequest
from msgspec import Struct

from trailbook.access import Viewer
from trailbook.errors import (
    Fault,
    FiguresOfAPersonError,
    NotCheckpointedError,
    NotFoundError,
    NotPermittedError,
    TrailbookError,
    UnauthenticatedError,
)
from trailbook.finding import Shown
from trailbook.query import Query, from_params
from trailbook.web.http.auth import admit_api
from trailbook.web.http.outflow import Flow, Outflow
from trailbook.web.http.problems import NotAcceptableError
from trailbook.web.http.request import Request, refuse_parameters, request_of
from trailbook.web.http.responses import acceptable
from trailbook.web.http.site import Site
from trailbook.web.http.transfers import Transfers

MOST, IN_ALL = 5, 1_000  # streams a viewer; all
LOOK, COMMENT = 0.5, 15.0  # seconds between two looks, and between two signs of life
HOSTED = 15.0  # seconds after which a page inside a host asks anew, and the host says anew who is signed in
_BATCH = 100
_PLACE = re.compile(r"-1|0|[1-9][0-9]{0,14}")
_TYPE = "text/event-stream"
_END = b"event: end\ndata: {}\n\n"
_HEADERS = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}


class TooManyStreamsError(TrailbookError):
    """A viewer has as many streams open as they may."""

    code = "too-many-streams"


class Streams:
    """The streams that are open; `stopping` says whether the server ends, and they with it."""

    def __init__(self) -> None:
        self.stopping: Callable[[], bool] = lambda: False
        self.transfers = Transfers(IN_ALL)
        self._open: Counter[tuple[str, str, str]] = Counter()

    def count(self) -> int:
        """How many are open."""
        return self._open.total()

    def check(self, viewer: Viewer) -> None:
        """Let a viewer open one more. Raises: TooManyStreamsError."""
        if self._open[_whose(viewer)] >= MOST:
            raise TooManyStreamsError(f"at most {MOST} streams may be open at a time; close one")

    @contextmanager
    def opened(self, viewer: Viewer) -> Iterator[bool]:
        """One more stream, while it lasts, and whether there is room: others may have begun since `check`."""
        self._open[_whose(viewer)] += 1
        try:
            yield self._open[_whose(viewer)] <= MOST
        finally:
            self._open[_whose(viewer)] -= 1


class Newer(Struct, frozen=True):
    """What one look finds: the size of the log, the next entries that match, and how much is signed."""

    size: int
    entries: tuple[Shown, ...]
    signed: int | None


class Following(Struct, frozen=True):
    """What one stream follows, who opened it, and after which entry it begins."""

    request: Request
    query: Query
    streams: Streams
    viewer: Viewer
    after: int

    def admitted(self) -> Viewer:
        """The viewer, asked for anew. Raises: UnauthenticatedError, NotPermittedError."""
        return admit_api(self.request, "read", again=True).viewer

    def newer(self, after: int) -> Newer:
        """What there is after an entry. Raises: as `admitted`."""
        viewer, log = self.admitted(), self.request.log
        size = log.size(viewer=viewer)
        signed = self._signed(viewer)
        if size <= after + 1:
            return Newer(size, (), signed)
        lang = self.request.lang
        entries = log.newer(self.query, viewer=viewer, after=after, limit=_BATCH, lang=lang)
        return Newer(size, entries, signed)

    def _signed(self, viewer: Viewer) -> int | None:
        """The size of the last signed head, for those who may read proofs."""
        if viewer.read_proofs != "full":
            return None
        try:
            return int(self.request.log.checkpoint(viewer=viewer).split(b"\n", 2)[1])
        except (NotFoundError, NotCheckpointedError):
            return None


async def follow(site: Site, request: HTTPRequest[Any, Any, Any]) -> Outflow:
    """GET live: the stream of a filter. Raises: as `admit_api`; InvalidError, NotAcceptableError."""
    if not site.live:
        raise NotFoundError("the server of this host streams nothing; ask for entries again")
    plain = request_of(site, request)
    following = await to_thread.run_sync(_following, plain, request.app.state.streams, limiter=site.limiter)
    return Outflow(_flow(following), headers=_HEADERS, media_type=_TYPE)


def _flow(following: Following) -> Flow:
    """A stream says itself that it ends, unless nobody reads it: then its connection breaks."""
    return Flow(
        viewer=following.viewer,
        transfers=following.streams.transfers,
        begin=lambda _beside: events(following),
        still=following.admitted,
        site=following.request.site,
        grace=LOOK,
    )


def _following(request: Request, streams: Streams) -> Following:
    """What is to be followed. Raises: as `admit_api`; InvalidError, NotAcceptableError."""
    if not acceptable(request.headers.get("accept"), _TYPE):
        raise NotAcceptableError(f"this path answers with {_TYPE}")
    viewer = admit_api(request, "read").viewer
    streams.check(viewer)
    places = [value for name, value in request.pairs if name == "after"]
    place = request.headers.get("last-event-id") or (places[0] if places else None)
    if len(places) > 1 or (place is not None and not _PLACE.fullmatch(place)):
        refuse_parameters([Fault("/after", "parameter-invalid", "is not the id of one event")])
    pairs = [pair for pair in request.pairs if pair[0] != "after"]
    # One rule for as long as it is followed; what would follow one person's hours is refused before it begins.
    query = request.log.frozen(from_params(pairs, request.vocabulary), viewer=viewer)
    if query.as_of is not None:
        refuse_parameters([Fault("/as_of", "parameter-unknown", "is not a parameter of a stream")])
    after = request.log.size(viewer=viewer) - 1 if place is None else int(place)
    return Following(request, query, streams, viewer, after)


async def events(following: Following) -> AsyncIterator[bytes]:
    """The events of a stream, until the permission, the server or the reader goes, or a host is to be asked anew."""
    turns, streams, after = following.request.site.outflows.turns, following.streams, following.after
    with streams.opened(following.viewer) as room:
        yield b": open\n\n" if room else _END
        spoke, signed = anyio.current_time(), 0
        until = spoke + HOSTED if following.request.site.hosted else inf
        while room and not streams.stopping() and anyio.current_time() < until:
            try:
                newer = await turns.run(partial(following.newer, after))
            except (NotPermittedError, UnauthenticatedError, FiguresOfAPersonError):
                yield _END
                return
            entries, head = newer.entries, newer.signed
            news = [_event("entry", entry, entry.seq) for entry in entries]
            if head is not None and head > signed:
                news, signed = [*news, _event("checkpoint", {"size": head})], head
            if news or anyio.current_time() - spoke >= COMMENT:
                yield b"".join(news) or b": still here\n\n"
                spoke = anyio.current_time()
            # An entry recorded since the size was read may be among them already: it is not told twice.
            last = entries[-1].seq if entries else after
            after = last if len(entries) == _BATCH else max(last, newer.size - 1)
            if len(entries) < _BATCH:
                await anyio.sleep(LOOK)


def _event(name: str, content: Any, id_: int | None = None) -> bytes:
    place = b"" if id_ is None else f"id: {id_}\n".encode()
    return b"event: " + name.encode() + b"\n" + place + b"data: " + msgspec.json.encode(content) + b"\n\n"


def _whose(viewer: Viewer) -> tuple[str, str, str]:
    return viewer.org, viewer.item.type, viewer.item.id
