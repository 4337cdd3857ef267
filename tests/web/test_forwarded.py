"""Behind a trusted proxy, in a real server: one address for entries and limits, and whose form it is."""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from msgspec import structs
from tests.web.conftest import ORG, Served

from trailbook.access import operator
from trailbook.query import Query
from trailbook.testing import FrozenClock
from trailbook.web.http.limits import DEFAULT_LIMITS

FORGED, CLIENT, OTHER = "198.51.100.66", "203.0.113.9", "203.0.113.10"
SITE = "https://log.example"


def through(address: str) -> dict[str, str]:
    """What a proxy passes on of somebody who forges."""
    return {
        "X-Forwarded-For": f"{FORGED}, {address}",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "log.example",
    }


@pytest.fixture(scope="module")
def behind(serve: Callable[..., Served]) -> Served:
    """A server that trusts this machine."""
    return serve(trusted_proxies=["127.0.0.1"])


def enter(served: Served, **headers: str) -> httpx.Response:
    link = served.link().partition("link=")[2]
    return httpx.post(f"{served.base_url}/sign-in", data={"link": link}, headers=headers)


def last_address(served: Served) -> str | None:
    page = served.log.search(Query(), viewer=operator(ORG), limit=5)
    origin = next(entry.origin for entry in page.entries if entry.action == "user.signed_in")
    return None if origin is None else origin.ip


def test_the_address_in_an_entry(behind: Served, served: Served) -> None:
    """The client's, whatever they wrote themselves; without the setting the connection's."""
    assert enter(behind, **through(CLIENT), Origin=SITE).status_code == 303
    assert last_address(behind) == CLIENT
    assert enter(served, **through(CLIENT), Origin=served.base_url).status_code == 303
    assert last_address(served) == "127.0.0.1"


def test_whose_form_it_is(behind: Served, served: Served) -> None:
    """The site that people use is our own where a trusted proxy says so, and no other is; else the one that is set."""
    assert enter(behind, **through(CLIENT), Origin=SITE).status_code == 303
    for other in ("http://log.example", "https://evil.example", "null"):
        assert enter(behind, **through(CLIENT), Origin=other).status_code == 403
    assert enter(behind, **through(CLIENT)).status_code == 403
    assert enter(behind).status_code == 403
    assert enter(served, **through(CLIENT), Origin=SITE).status_code == 403


@pytest.mark.parametrize("door", ["key", "password"])
def test_limits_are_of_the_client(serve: Callable[..., Served], door: str) -> None:
    """Another forged address each time helps nobody past a limit; another client behind the proxy goes on."""
    limits = structs.replace(DEFAULT_LIMITS, failures=3)
    served = serve(trusted_proxies=["127.0.0.1"], limits=limits, clock=FrozenClock(datetime.now(UTC)))

    def guess(at: int, address: str) -> int:
        headers = {"X-Forwarded-For": f"198.51.100.{at}, {address}", "Sec-Fetch-Site": "same-origin"}
        if door == "key":
            headers["Authorization"] = "Bearer wrong"
            return httpx.get(f"{served.api}/entries", headers=headers).status_code
        sent = {"org": ORG, "login": "anna", "password": "wrong wrong wrong"}
        return httpx.post(f"{served.base_url}/sign-in", data=sent, headers=headers).status_code

    assert [guess(at, CLIENT) for at in range(5)] == [401] * 3 + [429] * 2
    assert guess(9, OTHER) == 401
