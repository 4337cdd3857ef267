"""Who acts during a request, and where they act from: put it after Django's own authentication.

Owns the reading of a request, and that its actor is looked for when the first entry is made: so a view that writes
nothing asks for nobody, and a view that authenticates by itself has its own user act. Refuses to believe a forwarded
address unless it came through a trusted proxy.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest, HttpResponseBase

from trailbook.capture.actor import acting_as, acting_when_asked, system
from trailbook.capture.django.host import the_host
from trailbook.capture.requests import Origins, correlation
from trailbook.errors import ConfigurationError
from trailbook.model import Actor

Answer = Callable[[HttpRequest], Any]
_NO_USER = object()
_IN_LOOP = (
    "who acts is looked for when it is needed, for which an event loop cannot wait: in an awaited view write with the"
    " ORM's awaited methods, and call what else asks who acts (current, a queue's delay) with sync_to_async"
)


class ActivityMiddleware:
    """During a request its actor acts, as `TRAILBOOK["actor"]` finds them; nobody found is the system."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Answer) -> None:
        settings = the_host().settings
        self._answer = get_response
        find = settings.actor or signed_in
        self._find = _waited_for(find) if iscoroutinefunction(find) else find
        self._origins = Origins(settings.trusted_proxies, settings.interface)
        self._nobody = system(settings.anonymous)
        self._awaited = iscoroutinefunction(get_response)
        if self._awaited:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer a request, with its actor acting."""
        if self._awaited:
            return self._await(request)
        with self._acting(request):
            answer: HttpResponseBase = self._answer(request)
            return answer

    async def _await(self, request: HttpRequest) -> HttpResponseBase:
        with self._acting(request):
            answer: HttpResponseBase = await self._answer(request)
            return answer

    def _acting(self, request: HttpRequest) -> acting_when_asked:
        def headers(name: str) -> str | None:
            value: str | None = request.headers.get(name)
            return value

        origin = self._origins.of(request.META.get("REMOTE_ADDR") or None, headers)
        nobody = acting_as(self._nobody, origin=origin, correlation=correlation(headers))
        return acting_when_asked(_Asked(self._find, request).actor, nobody=nobody)


class _Asked:
    """Whom the host's callable finds in a request: asked again until it is somebody, and when the user is another."""

    def __init__(self, find: Callable[[HttpRequest], Actor | None], request: HttpRequest) -> None:
        self._find = find
        self._request = request
        self._user: Any = _NO_USER
        self._actor: Actor | None = None

    def actor(self) -> Actor | None:
        """The actor of this moment. Raises: ConfigurationError where an event loop would have to wait for it."""
        user = getattr(self._request, "user", None)  # as it was put there: Django looks it up later
        if self._actor is None or user is not self._user:
            try:
                self._actor = self._find(self._request)
            except SynchronousOnlyOperation as error:
                raise ConfigurationError(_IN_LOOP) from error
            self._user = getattr(self._request, "user", None)  # whoever looks may put it there
        return self._actor


def _waited_for(
    find: Callable[[HttpRequest], Awaitable[Actor | None]],
) -> Callable[[HttpRequest], Actor | None]:
    """An awaited callable, to be called by the thread that writes."""

    def wait(request: HttpRequest) -> Actor | None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # how Python says that there is none
            actor: Actor | None = async_to_sync(find)(request)
            return actor
        raise SynchronousOnlyOperation

    return wait


def signed_in(request: HttpRequest) -> Actor | None:
    """The user who is signed in, as an item of the type `user`."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return Actor(kind="person", type="user", id=str(user.pk), name=name or user.get_username())
