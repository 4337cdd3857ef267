"""WSGI: who acts during a request, and where they act from. One class for Flask and every other such host.

Owns the block of a request: it ends when the server closes the answer. Refuses to touch the context of the server's
thread: the app runs in a copy of it, so that an answer that nobody closes acts for nobody but itself.
"""

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, copy_context
from typing import Any

from trailbook.capture.actor import acting_as, acting_when_asked, system, until_somebody
from trailbook.capture.requests import Headers, Origins, correlation
from trailbook.model import Actor, Interface

Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]


class ActivityMiddleware:
    """During a request its actor acts, as `actor` finds them in the environ when the first write asks who acts.

    It is asked where that write is, so that it may look into what the host's framework has by then, until it finds
    somebody; nobody found is the system, named `anonymous`.
    """

    def __init__(
        self,
        app: App,
        *,
        actor: Callable[[Environ], Actor | None],
        trusted_proxies: Iterable[str] = (),
        interface: Interface = "web",
        anonymous: str = "web",
    ) -> None:
        """`trusted_proxies` are addresses or networks. Raises: ValueError for what is neither."""
        self._app = app
        self._actor = actor
        self._origins = Origins(trusted_proxies, interface)
        self._nobody = system(anonymous)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Pass a request on, with its actor acting."""
        headers = _headers(environ)
        origin = self._origins.of(environ.get("REMOTE_ADDR") or None, headers)
        nobody = acting_as(self._nobody, origin=origin, correlation=correlation(headers))
        answer = _Answer(acting_when_asked(until_somebody(self._actor, environ), nobody=nobody))
        answer.begin(self._app, environ, start_response)
        return answer


class _Answer:
    """The pieces of an answer, each made in the context of its request."""

    def __init__(self, block: acting_when_asked) -> None:
        self._block = block
        self._context: Context = copy_context()
        self._body: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())

    def begin(self, app: App, environ: Environ, start_response: Any) -> None:
        self._context.run(self._block.__enter__)
        try:
            self._body = self._context.run(app, environ, start_response)
            self._pieces = self._context.run(iter, self._body)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._context.run(next, self._pieces)

    def close(self) -> None:
        """End the request, as the server does once, whether or not it took every piece."""
        try:
            close: Callable[[], None] | None = getattr(self._body, "close", None)
            if close is not None:
                self._context.run(close)
        finally:
            self._context.run(self._block.__exit__, None, None, None)


def _headers(environ: Environ) -> Headers:
    def header(name: str) -> str | None:
        value: str | None = environ.get("HTTP_" + name.upper().replace("-", "_"))
        return value

    return header
