"""The page inside a host: mounted under the host's own address, for whoever the host has signed in.

Owns what an application that is mounted is handed: a scope of its own, in which nothing of the host's is left but the
request and the person whom `viewer` names. Refuses to know how the host signs people in, to let in anybody for it being
asked inside the host (what they may see is for the roles of their organisation to say), and to begin anything before it
is asked for the first time, for a server may fork until then.
"""

import atexit
import os
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from inspect import isawaitable
from typing import Any, cast

from anyio import from_thread

from trailbook.deployment import Deployment
from trailbook.errors import ConfigurationError
from trailbook.web.app import create_app
from trailbook.web.http.request import HOST_AGAIN, HOST_PLACE, HOST_USER
from trailbook.web.http.site import HostPlace, HostUser

HostScope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# From the host's request, as ASGI has it, to whom the host has signed in.
ViewerOf = Callable[[HostScope], HostUser | Awaitable[HostUser | None] | None]
PlaceOf = Callable[[HostScope], HostPlace]
# What of a request is the application's affair; the host's session, routes and state are not.
_PASSED = ("type", "asgi", "http_version", "method", "scheme", "query_string", "headers", "client", "server")


class MountedPage:
    """The page and its API as an ASGI application that a host mounts: Starlette, FastAPI, Litestar, or any other."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        base_url: str,
        viewer: ViewerOf,
        sign_in: str = "",
        place_of: PlaceOf | None = None,
        **more: Any,
    ) -> None:
        """`base_url` is the address of what is mounted, with its path: `https://hr.example/activity`.

        `viewer` is given the scope of the host's request, and says whom the host has signed in, or None. `sign_in`
        is the path or the address at which the host signs people in. Where a host has the page at several paths,
        `place_of` says at which a request is. `more` is as `create_app` takes it.
        Raises: ConfigurationError.
        """
        self._viewer = viewer
        self._place_of = place_of
        self._app = create_app(deployment, base_url=base_url, hosted=True, sign_in=sign_in, **more)
        self._begun_in: int | None = None

    @property
    def root(self) -> str:
        """The path that it is mounted at, as people see it."""
        return str(self._app.state.root)

    async def __call__(self, scope: HostScope, receive: Receive, send: Send) -> None:
        """Answer a request of the host. Raises: ConfigurationError where it is not mounted at its address."""
        if scope["type"] != "http":
            raise ConfigurationError(f"{scope['type']}: the page answers http alone")
        path = _path(scope, self.root)
        user = await self._user(scope)
        self._begin()
        inner = {name: scope[name] for name in _PASSED if name in scope}
        inner |= {"path": path, "root_path": "", "state": {}, HOST_USER: user}
        inner[HOST_AGAIN] = partial(from_thread.run, self._user, scope)  # for what streams goes on for long
        inner[HOST_PLACE] = self._place_of(scope) if self._place_of else None
        await cast("Any", self._app)(inner, receive, send)

    async def _user(self, scope: HostScope) -> HostUser | None:
        """Whom the host has signed in. Raises: TypeError for what names nobody; what `viewer` raises."""
        answer = self._viewer(scope)
        user = await answer if isawaitable(answer) else answer
        if user is not None and not isinstance(user, HostUser):
            raise TypeError(f"viewer: gives {type(user).__name__}, which is neither a HostUser nor None")
        return user

    def _begin(self) -> None:
        """Begin what runs beside, such as exports, once in each process: what is mounted hears of no start."""
        if self._begun_in != os.getpid():
            self._begun_in = os.getpid()
            for begin in self._app.on_startup:
                cast("Callable[[], None]", begin)()
            atexit.register(self.close)

    def close(self) -> None:
        """End what runs beside; the host's process does so by itself at its end."""
        atexit.unregister(self.close)
        if self._begun_in == os.getpid():
            self._begun_in = None
            for end in self._app.on_shutdown:
                cast("Callable[[], None]", end)()


def _path(scope: HostScope, root: str) -> str:
    """The path below where the application is mounted. Raises: ConfigurationError where that is another place."""
    path, mounted_at = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    if not mounted_at:  # Litestar has taken it off the path, and says no more of it
        # It also takes it off a longer word: what is left of /activityorgs is no place of ours.
        return path if path.startswith("/") else f"/-/{path}"
    if not root.endswith(mounted_at):
        raise ConfigurationError(
            f"base_url: its path is {root or '/'}, and the page is mounted at {mounted_at}"
        )
    return path.removeprefix(mounted_at) if f"{path}/".startswith(f"{mounted_at}/") else path
