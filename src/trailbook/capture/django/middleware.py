"""Who acts during a request, and where they act from: put it after Django's own authentication.

Owns the reading of a request. Refuses to believe a forwarded address unless it came through a trusted proxy.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase

from trailbook.capture.actor import acting_as, system
from trailbook.capture.django.host import the_host
from trailbook.capture.requests import Origins, correlation
from trailbook.model import Actor

Answer = Callable[[HttpRequest], Any]


class ActivityMiddleware:
    """During a request its actor acts, as `TRAILBOOK["actor"]` finds them; nobody found is the system."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Answer) -> None:
        settings = the_host().settings
        self._answer = get_response
        self._actor = settings.actor or signed_in
        self._origins = Origins(settings.trusted_proxies, settings.interface)
        self._nobody = system(settings.anonymous)
        self._awaited = iscoroutinefunction(get_response)
        if self._awaited:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer a request, with its actor acting."""
        if self._awaited:
            return self._await(request)
        with self._acting(request, self._actor(request)):
            answer: HttpResponseBase = self._answer(request)
            return answer

    async def _await(self, request: HttpRequest) -> HttpResponseBase:
        ask = self._actor if iscoroutinefunction(self._actor) else sync_to_async(self._actor)
        with self._acting(request, await ask(request)):
            answer: HttpResponseBase = await self._answer(request)
            return answer

    def _acting(self, request: HttpRequest, actor: Actor | None) -> acting_as:
        def headers(name: str) -> str | None:
            value: str | None = request.headers.get(name)
            return value

        origin = self._origins.of(request.META.get("REMOTE_ADDR") or None, headers)
        return acting_as(actor or self._nobody, origin=origin, correlation=correlation(headers))


def signed_in(request: HttpRequest) -> Actor | None:
    """The user who is signed in, as an item of the type `user`."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return Actor(kind="person", type="user", id=str(user.pk), name=name or user.get_username())
