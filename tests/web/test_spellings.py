"""Every route in every spelling: its limit holds, or there is no such path. A new route fails until it is listed."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from litestar import Litestar
from msgspec import Struct
from tests.web.conftest import ORG, Served, enter, wire

from trailbook.access.api_keys import SCOPES
from trailbook.access.roles import ADMINISTRATOR
from trailbook.testing.steady import FrozenClock
from trailbook.web.http import ahead
from trailbook.web.http.limits import Limits

API, PAGE = "/api/v1/orgs/{org}", "/orgs/{org}/activity"
FILLED = {
    "org": ORG,
    "id": "00000000-0000-4000-8000-000000000000",
    "type": "user",
    "item": "u-1",
}
# Which limit each route is under: `nobody` is open to whoever asks, and limits tries by rules of its own.
LIMITS = {
    "recording": [f"POST {API}/entries", f"POST {API}/entries/batch"],
    "reading": [
        *(f"GET {API}/{name}" for name in ("entries", "entries.csv", "entries.jsonl", "entries/{id}")),
        *(f"GET {API}/entries/{{id}}/{name}" for name in ("leaf", "proof", "related")),
        *(f"GET {API}/{name}" for name in ("facets", "histogram", "items", "catalogue", "live")),
        f"GET {API}/items/{{type}}/{{item}}/identities",
        *(f"GET /log/{{org}}/{name}" for name in ("checkpoint", "key", "witnesses")),
        *(f"{method} {API}/exports" for method in ("GET", "POST")),
        *(f"{method} {API}/exports/{{export}}" for method in ("GET", "DELETE")),
        *(f"GET {API}/exports/{{export}}/{name}" for name in ("file", "manifest")),
        *(f"{method} {API}/views" for method in ("GET", "POST")),
        *(f"{method} {API}/views/{{view}}" for method in ("GET", "PUT", "DELETE")),
        *(f"{method} {API}/roles" for method in ("GET", "POST")),
        *(f"{method} {API}/roles/{{role}}" for method in ("GET", "PUT", "DELETE")),
        f"GET {API}/members",
        *(f"{method} {API}/members/{{type}}/{{item}}" for method in ("GET", "PUT", "DELETE")),
        *(f"POST {API}/members/{{type}}/{{item}}/{name}" for name in ("invitation", "reset")),
        *(f"{method} {API}/keys" for method in ("GET", "POST")),
        f"POST {API}/keys/{{key}}/rotate",
        f"PUT {API}/keys/{{key}}/restricted",
        f"DELETE {API}/keys/{{key}}",
        *(f"{method} {API}/withheld" for method in ("GET", "PUT")),
        *(f"{method} {API}/working-hours" for method in ("GET", "PUT")),
        *(f"GET {PAGE}{name}" for name in ("", "/settings", "/settings/{place}", "/views/{view}", "/{rest}")),
        *(f"GET {PAGE}/{name}" for name in ("total", "bars", "values", "suggest", "e/{id}", "items/{item}")),
        *(f"GET {PAGE}/{name}" for name in ("overview", "exports", "about", "trust", "alerts")),
        *(f"{method} {PAGE}/views" for method in ("GET", "POST")),
        *(f"{method} {PAGE}/closed-bundle" for method in ("GET", "POST")),
        f"POST {PAGE}/settings/{{place}}",
        f"POST {PAGE}/trust",
    ],
    "tiles": ["GET /log/{org}/tile/{tile}"],
    "nobody": [
        *(f"{method} /{name}" for name in ("sign-in", "set-password") for method in ("GET", "POST")),
        *(f"GET /{name}" for name in ("", "docs", "openapi.json", "healthz", "readyz", "version")),
        *("POST /sign-out", "POST /language", "GET /problems/{code}", "GET /static/{name}"),
    ],
}
LISTED = {route: limit for limit, routes in LIMITS.items() for route in routes}


class Sent(Struct, frozen=True):
    """A spelling as it goes over the wire: the target of the request, and whom it is addressed to."""

    target: str
    host: str


def encoded(path: str, base: str) -> Sent:
    """The same path with letters of each fixed part percent-encoded, of which a reader takes the encoding off."""
    return Sent(re.sub(r"(?<=/)[a-z]", lambda letter: f"%{ord(letter[0]):02x}", path), urlsplit(base).netloc)


# Spellings that are the route.
SAME: dict[str, Callable[[str, str], Sent]] = {
    "slash at the end": lambda path, base: Sent(path + "/", urlsplit(base).netloc),
    "encoded slash at the end": lambda path, base: Sent(path + "%2F", urlsplit(base).netloc),
    "slashes at the end": lambda path, base: Sent(path + "///", urlsplit(base).netloc),
    "doubled slash": lambda path, base: Sent(path.replace("/", "//"), urlsplit(base).netloc),
    "encoded letters": encoded,
    "other letters of the host": lambda path, base: Sent(path, "LOG.Example"),
    "with its scheme and host": lambda path, base: Sent(base + path, urlsplit(base).netloc),
}
# Spellings that are another path, of which there is none, or the route all the same.
OTHER: dict[str, Callable[[str, str], Sent]] = {
    "other letters": lambda path, base: Sent(path.upper(), urlsplit(base).netloc),
    "a dot": lambda path, base: Sent(path + "/.", urlsplit(base).netloc),
    "up and down": lambda path, base: Sent(re.sub(r"/([^/]*)$", r"/x/../\1", path), urlsplit(base).netloc),
    "a semicolon": lambda path, base: Sent(path + ";x", urlsplit(base).netloc),
    "a nought byte": lambda path, base: Sent(path + "%00", urlsplit(base).netloc),
    "encoded twice": lambda path, base: Sent(path.replace("s", "%2573"), urlsplit(base).netloc),
}


def routes(app: Litestar) -> set[str]:
    """Every route of an application, as `METHOD path`."""
    every = {f"{method} {route.path_format}" for route in app.routes for method in route.methods}
    return {route for route in every if not route.startswith("OPTIONS")}  # the framework's own


class Asker(Struct, frozen=True):
    """A server, and a client with a key and a session that have asked as often as they may."""

    served: Served
    client: httpx.Client

    def ask(self, route: str, spelling: Callable[[str, str], Sent] | None = None) -> httpx.Response:
        """The answer to a route in a spelling."""
        method, _, path = route.partition(" ")
        plain = re.sub(r"\{(\w+)\}", lambda name: FILLED.get(name[1], "x"), path)
        base = self.served.base_url
        sent = Sent(plain, urlsplit(base).netloc) if spelling is None else spelling(plain, base)
        sending = {"json": [wire()]} if LISTED.get(route) == "recording" else {}
        extensions = {"target": sent.target.encode()}
        return self.client.request(
            method, base, headers={"Host": sent.host}, extensions=extensions, **sending
        )


@pytest.fixture(scope="module")
def asker(serve: Callable[..., Served]) -> Iterator[Asker]:
    """Whoever has no request and no entry left, while the clock stands still."""
    limits = Limits(reading=5, tiles=5, recording=1, failures=1_000_000)
    served = serve(clock=FrozenClock(datetime.now(UTC)), limits=limits)
    _, key = served.deployment.credentials.new_key(ORG, "Asks", SCOPES)
    with httpx.Client(base_url=served.base_url) as client:
        enter(client, served.link((ADMINISTRATOR, "hr")))
        client.headers["Sec-Fetch-Site"] = "same-origin"
        for _ in range(6):
            client.get(f"/orgs/{ORG}/activity/about")
        client.headers["Authorization"] = f"Bearer {key}"
        for _ in range(6):
            client.get(f"/api/v1/orgs/{ORG}/catalogue")
            client.get(f"/log/{ORG}/tile/0/000")
        assert client.post(f"/api/v1/orgs/{ORG}/entries", json=wire()).status_code == 201
        yield Asker(served, client)


def test_every_route_is_listed_with_its_limit(asker: Asker) -> None:
    """A route that the list does not name fails here, and so does one that is no more."""
    assert routes(asker.served.app) == set(LISTED)


@pytest.mark.parametrize("route", LISTED)
def test_no_spelling_goes_past_a_limit(asker: Asker, route: str) -> None:
    """Its limit, however it is spelled, and no other path leads there. Open routes are the control."""
    plain = asker.ask(route).status_code
    assert (plain == 429) == (LISTED[route] != "nobody")
    spelled = {name: asker.ask(route, spelling).status_code for name, spelling in SAME.items()}
    assert spelled == dict.fromkeys(SAME, plain)
    others = {name: asker.ask(route, spelling).status_code for name, spelling in OTHER.items()}
    assert {name: status for name, status in others.items() if status not in (404, 405, plain)} == {}


@pytest.mark.parametrize("route", LIMITS["recording"])
def test_past_the_fast_path_is_the_same(asker: Asker, route: str, monkeypatch: Any) -> None:
    """Should the front miss a request that records, the framework's route is the same code with the same limit."""
    monkeypatch.setattr(ahead, "_RECORDING", re.compile("(never)(at all)"))
    assert asker.ask(route).status_code == 429


def test_a_spelling_records_alike(served: Served) -> None:
    """What is recorded under another spelling says where it is in the first one."""
    key = {"Authorization": f"Bearer {served.keys['record']}"}
    for path in ("entries", "entries/", "/entries", "entrie%73"):
        answer = httpx.post(f"{served.api}/{path}", json=wire(), headers=key)
        assert (answer.status_code, answer.headers["location"]) == (
            201,
            f"{served.api}/entries/{answer.json()['id']}",
        )
