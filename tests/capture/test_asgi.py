"""ASGI: a request's actor acts during it, from the request's own address and trace."""

import asyncio
from functools import partial
from typing import Any

import pytest
from tests.capture.small import ANNA, BOB

from trailbook.capture import Acting, current, system
from trailbook.capture.actor import stated
from trailbook.capture.asgi import ActivityMiddleware
from trailbook.errors import ConfigurationError
from trailbook.model import Actor, Origin


def asked(headers: dict[str, str], *, client: str = "10.0.0.1", **more: Any) -> Acting:
    """The context in which an app answers a request."""
    seen: list[Acting] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        seen.append(current())

    async def run() -> None:
        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        scope = {"type": "http", "headers": sent, "client": (client, 1), "user": ANNA}
        await ActivityMiddleware(app, **{"actor": lambda scope: scope["user"], **more})(scope, None, None)  # type: ignore[arg-type]

    asyncio.run(run())
    assert stated() is None
    return seen[0]


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_request() -> None:
    """Actor, address, user agent and trace are the request's, and end with it; an awaited actor is awaited."""
    context = asked(
        {"User-Agent": "Mozilla/5.0", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "r"}
    )
    assert context.actor == ANNA
    assert context.origin == Origin(interface="web", ip="10.0.0.1", user_agent="Mozilla/5.0")
    assert context.correlation == TRACE

    async def awaited(scope: Any) -> Actor:
        return BOB

    assert asked({}, actor=awaited).actor == BOB
    assert asked({}, actor=lambda scope: None).actor == system("web")
    assert asked({"X-Request-ID": "r"}).correlation == "r"
    assert asked({}).correlation is None


def test_the_host_is_asked_when_the_first_write_asks() -> None:
    """By then the app may have put somebody there; what is awaited is asked before, for a write cannot wait for it."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["user"] = BOB
        seen.append(current().actor.id)

    async def awaited(scope: Any) -> Actor | None:
        return scope["user"]  # type: ignore[no-any-return]

    for find in (lambda scope: scope["user"], awaited):
        scope = {"type": "http", "headers": [], "user": None}
        asyncio.run(ActivityMiddleware(app, actor=find)(scope, None, None))  # type: ignore[arg-type]
    assert seen == [BOB.id, "web"]


def test_what_would_have_to_be_awaited_says_so() -> None:
    """A plain function that gives a coroutine is refused where somebody writes."""

    async def awaited(scope: Any) -> Actor:
        return BOB

    with pytest.raises(ConfigurationError, match="async def"):
        asked({}, actor=lambda scope: awaited(scope))
    assert asked({}, actor=partial(awaited)).actor == BOB  # the control


@pytest.mark.parametrize(
    ("forwarded", "trusted", "address"),
    [
        ("203.0.113.9", [], "10.0.0.1"),
        ("203.0.113.9", ["10.0.0.0/8"], "203.0.113.9"),
        ("203.0.113.9, 10.0.0.7", ["10.0.0.0/8"], "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", ["10.0.0.1"], "203.0.113.9"),
        ("2001:DB8::1", ["10.0.0.1"], "2001:db8::1"),
        ("<script>", ["10.0.0.1"], None),
        ("fe80::1%anything", ["10.0.0.1"], None),
    ],
)
def test_forwarded_addresses(forwarded: str, trusted: list[str], address: str | None) -> None:
    """A forwarded address counts only as far as trusted proxies passed it on, and only if it is one."""
    assert asked({"X-Forwarded-For": forwarded}, trusted_proxies=trusted).origin.ip == address


@pytest.mark.parametrize("agent", ["x" * 501, "a\x1b[2J"])
def test_what_an_entry_may_not_hold_is_left_out(agent: str) -> None:
    """A user agent or id that no entry may hold is left out, so that nobody's header stops capture."""
    context = asked(
        {"User-Agent": agent, "X-Request-ID": "y" * 201, "traceparent": f"00-{'0' * 32}-{'0' * 16}-00"}
    )
    assert (context.origin.user_agent, context.correlation) == (None, None)
