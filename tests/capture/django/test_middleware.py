"""Who acts during a request: whom the host's callable finds, from where, and nobody once it is over."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model, login, logout
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from msgspec import structs
from tests.capture.django.company.models import Person
from tests.capture.django.outbox import ANNA, waiting

from trailbook.capture import Acting, current
from trailbook.capture.actor import stated
from trailbook.capture.django import ActivityMiddleware
from trailbook.capture.django.host import the_host
from trailbook.capture.django.middleware import signed_in
from trailbook.errors import ConfigurationError

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
        return HttpResponse((await sync_to_async(current)()).actor.id)

    async def both() -> list[bytes]:
        answers = await asyncio.gather(
            *(ActivityMiddleware(view)(RequestFactory().get("/", {"id": each})) for each in ("a", "b"))
        )
        assert stated() is None
        return [answer.content for answer in answers]

    for actor in (find, ask):
        the_host().settings = structs.replace(the_host().settings, actor=actor)
        assert asyncio.run(both()) == [b"a", b"b"]


@pytest.mark.parametrize("awaited", [True, False])
def test_an_event_loop_does_not_wait(host: None, awaited: bool) -> None:
    """Who asks there who acts is refused, and told how to ask; an answer that needs no waiting is given."""

    async def find(request: HttpRequest) -> Any:
        return ANNA

    def ask(request: HttpRequest) -> Any:
        return get_user_model().objects.first()

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(current().actor.id)

    async def answer() -> HttpResponse:
        return await ActivityMiddleware(view)(RequestFactory().get("/"))

    the_host().settings = structs.replace(the_host().settings, actor=find if awaited else ask)
    with pytest.raises(ConfigurationError, match="sync_to_async"):
        asyncio.run(answer())
    the_host().settings = structs.replace(the_host().settings, actor=lambda request: ANNA)
    assert asyncio.run(answer()).content == b"u-17"


def write(request: HttpRequest) -> HttpResponse:
    """A view that writes."""
    Person.objects.create(name="by the session's")
    return HttpResponse()


def answer_only(request: HttpRequest) -> HttpResponse:
    """A view that writes nothing."""
    return HttpResponse()


def token(request: HttpRequest) -> HttpResponse:
    """A view that authenticates by itself, as REST frameworks do, after it has written."""
    Person.objects.create(name="by the session's")
    request.user = get_user_model().objects.get(username="bob")
    Person.objects.create(name="by bob")
    return HttpResponse()


def switch(request: HttpRequest) -> HttpResponse:
    """A view that signs somebody else in."""
    logout(request)
    Person.objects.create(name="by nobody")
    login(request, get_user_model().objects.get(username="bob"))
    Person.objects.create(name="by bob")
    return HttpResponse()


async def write_awaited(request: HttpRequest) -> HttpResponse:
    """An awaited view that writes."""
    await Person.objects.acreate(name="by the session's")
    return HttpResponse()


urlpatterns = [path(f"{view.__name__}/", view) for view in (write, answer_only, token, switch, write_awaited)]


@pytest.fixture
def people(host: None) -> Iterator[dict[str, Any]]:
    """Ann and Bob, and nobody."""
    with override_settings(ROOT_URLCONF=__name__):
        users = {name: get_user_model().objects.create_user(name) for name in ("ann", "bob")}
        yield {**users, "nobody": None}


def asked(view: str, user: Any) -> tuple[Any, int]:
    """The answer of a view to somebody who is signed in, and how many queries it took."""
    client = Client()
    if user is not None:
        client.force_login(user)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"/{view}/")
    assert answer.status_code == 200
    return answer, len(queries)


@pytest.mark.parametrize("by", ["hooks", "triggers"])
@pytest.mark.parametrize("who", ["ann", "nobody"])
@pytest.mark.parametrize("view", ["write", "token", "switch", "write_awaited"])
def test_whoever_the_request_has_when_an_entry_is_made(people: dict[str, Any], who: str, view: str) -> None:
    """A view may sign in somebody else, before or after it wrote: each entry is of its moment."""
    asked(view, people[who])
    ids = {name: "web" if user is None else str(user.pk) for name, user in people.items()}
    ids["the session's"] = ids[who]
    entries = waiting()
    assert len(entries) == (1 if view.startswith("write") else 2)
    for entry in entries:
        assert entry["actor"]["id"] == ids[entry["target"]["name"].removeprefix("by ")]
        assert entry["origin"]["interface"] == "web"


@pytest.mark.parametrize("who", ["ann", "nobody"])
def test_a_view_that_writes_nothing_asks_for_nobody(people: dict[str, Any], who: str) -> None:
    """No query, and no page that a cache may not give to others; of one that writes both are due."""
    answer, queries = asked("answer_only", people[who])
    assert (queries, answer.headers.get("Vary")) == (0, None)
    answer, queries = asked("write", people[who])
    assert (queries > 0, answer.headers.get("Vary")) == (True, "Cookie")


def test_who_looks_for_the_actor_may_write(people: dict[str, Any]) -> None:
    """What it writes is nobody's, for nobody is found yet; and it is asked once while the user is the same."""
    calls = []

    def find(request: HttpRequest) -> Any:
        calls.append(request)
        Person.objects.create(name="found")
        return ANNA

    the_host().settings = structs.replace(the_host().settings, actor=find)
    asked("token", None)
    who = [(entry["target"]["name"], entry["actor"]["id"]) for entry in waiting()]
    assert sorted(who) == [
        ("by bob", "u-17"),
        ("by the session's", "u-17"),
        ("found", "web"),
        ("found", "web"),
    ]
    assert len(calls) == 2


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
