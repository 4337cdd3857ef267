"""Who acts during a request: whom the host's callable finds, from where, and nobody once it is over."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from msgspec import structs
from tests.capture.django.outbox import ANNA

from trailbook.capture import Acting, current
from trailbook.capture.actor import stated
from trailbook.capture.django import ActivityMiddleware
from trailbook.capture.django.host import the_host
from trailbook.capture.django.middleware import signed_in

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


def seen(headers: dict[str, str], **settings: Any) -> Acting:
    """Who acts while a view answers a request."""
    the_host().settings = structs.replace(the_host().settings, **settings)
    acting = []

    def view(request: HttpRequest) -> HttpResponse:
        acting.append(current())
        return HttpResponse()

    ActivityMiddleware(view)(RequestFactory().get("/", REMOTE_ADDR="10.1.2.3", headers=headers))
    assert stated() is None
    return acting[0]


def test_a_request(host: None) -> None:
    """Address through trusted proxies, user agent and correlation; the actor is the host's."""
    headers = {"x-forwarded-for": "192.0.2.7", "user-agent": "curl", "x-request-id": "r-1"}
    acting = seen(headers, actor=lambda request: ANNA)
    assert (acting.actor, acting.correlation) == (ANNA, "r-1")
    assert (acting.origin.interface, acting.origin.ip, acting.origin.user_agent) == (
        "web",
        "192.0.2.7",
        "curl",
    )


def test_a_forwarded_address_is_believed_of_trusted_proxies_only(host: None) -> None:
    the_host().settings = structs.replace(the_host().settings, trusted_proxies=["127.0.0.1"])
    assert seen({"x-forwarded-for": "192.0.2.7"}).origin.ip == "10.1.2.3"


def test_nobody_is_the_system(host: None) -> None:
    """Named as the settings say."""
    acting = seen({}, anonymous="public pages")
    assert (acting.actor.kind, acting.actor.id) == ("system", "public-pages")


def test_an_awaited_view(host: None) -> None:
    """The callable may be awaited, or ask the database in a thread; two requests at once keep their own."""

    async def find(request: HttpRequest) -> Any:
        await asyncio.sleep(0)
        return structs.replace(ANNA, id=request.GET["id"])

    def ask(request: HttpRequest) -> Any:
        get_user_model().objects.count()
        return structs.replace(ANNA, id=request.GET["id"])

    async def view(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0.01)
        return HttpResponse(current().actor.id)

    async def both() -> list[bytes]:
        answers = await asyncio.gather(
            *(ActivityMiddleware(view)(RequestFactory().get("/", {"id": each})) for each in ("a", "b"))
        )
        assert stated() is None
        return [answer.content for answer in answers]

    for actor in (find, ask):
        the_host().settings = structs.replace(the_host().settings, actor=actor)
        assert asyncio.run(both()) == [b"a", b"b"]


def test_the_signed_in_user(host: None) -> None:
    """Django's own, by full name or else by user name; nobody without authentication."""
    request = RequestFactory().get("/")
    assert signed_in(request) is None
    request.user = get_user_model()(pk=5, username="bob")
    actor = signed_in(request)
    assert actor is not None
    assert (actor.type, actor.id, actor.name) == ("user", "5", "bob")
    request.user.first_name, request.user.last_name = "Bob", "Li"
    assert getattr(signed_in(request), "name", None) == "Bob Li"


def test_without_settings_it_does_not_start(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((ImproperlyConfigured, TypeError)):
        ActivityMiddleware()  # type: ignore[call-arg]
