"""How often somebody may ask: every rate is met, refused above, and somebody else goes on."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from msgspec import Struct
from playwright.sync_api import Page, Response
from tests.web.conftest import ORG, Served, enter, wire

from trailbook.testing.steady import FrozenClock
from trailbook.web.api.live import Streams
from trailbook.web.http.limits import Limits

READING, TILES, RECORDING, FAILURES = 5, 3, 8, 3
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class Strict(Struct, frozen=True):
    """A server with small limits, a clock that stands until it is moved, and a client without a key."""

    served: Served
    clock: FrozenClock
    client: httpx.Client

    def get(self, path: str, bearer: str, **more: Any) -> httpx.Response:
        """GET with a key."""
        return self.client.get(path, headers={"Authorization": f"Bearer {bearer}"}, **more)

    def post(self, path: str, bearer: str, **more: Any) -> httpx.Response:
        """POST with a key."""
        return self.client.post(path, headers={"Authorization": f"Bearer {bearer}"}, **more)


@pytest.fixture(scope="module")
def started(serve: Callable[..., Served]) -> tuple[Served, FrozenClock]:
    """The server."""
    clock = FrozenClock(datetime.now(UTC))
    limits = Limits(reading=READING, tiles=TILES, recording=RECORDING, failures=FAILURES)
    return serve(clock=clock, limits=limits), clock


@pytest.fixture
def strict(started: tuple[Served, FrozenClock]) -> Iterator[Strict]:
    """The server, with every bucket full again."""
    served, clock = started
    clock.move(MINUTE)
    with httpx.Client(base_url=served.api + "/") as client:
        yield Strict(served, clock, client)


def test_reading(strict: Strict) -> None:
    """So many a second, then 429 that says when; another key and a person have a bucket each; then on again."""
    key, other = (strict.served.deployment.credentials.new_key(ORG, "K", ("read",))[1] for _ in range(2))
    for left in range(READING - 1, -1, -1):
        answer = strict.get("entries", key)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == f'"reading";q={READING};w=1'
        assert answer.headers["ratelimit"] == f'"reading";r={left};t=1'
    refused = strict.get("entries", key)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"] == '"reading";r=0;t=1'
    assert strict.get("catalogue", key).status_code == 429  # one bucket for every path
    assert strict.get("entries", other).status_code == 200
    with httpx.Client(base_url=strict.served.base_url) as person:
        enter(person, strict.served.link())
        assert person.get(f"/orgs/{ORG}/activity?category=roles").status_code == 200
    strict.clock.move(SECOND)
    assert strict.get("entries", key).status_code == 200


def test_tiles_have_a_rate_of_their_own(strict: Strict) -> None:
    """Who follows a log has a bucket for it: when it is empty, they can still read, and the other way round."""
    _, key = strict.served.deployment.credentials.new_key(ORG, "K", ("read", "prove"))
    strict.served.deployment.signer().sign(ORG)
    tile = strict.served.base_url + "/log/" + ORG + "/tile/0/000.p/1"
    for left in range(TILES - 1, -1, -1):
        answer = strict.get(tile, key)
        assert (answer.status_code, len(answer.content)) == (200, 32)
        assert answer.headers["ratelimit-policy"] == f'"tiles";q={TILES};w=1'
        assert answer.headers["ratelimit"] == f'"tiles";r={left};t=1'
    refused = strict.get(tile, key)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert refused.headers["ratelimit"] == '"tiles";r=0;t=1'
    for _ in range(READING):
        assert strict.get("entries", key).headers["ratelimit-policy"] == f'"reading";q={READING};w=1'
    assert strict.get("entries", key).status_code == 429
    strict.clock.move(SECOND)
    assert strict.get(tile, key).status_code == 200


def test_a_person_on_the_page(strict: Strict) -> None:
    """A person who asks too often gets a page that says so; static files and health count for nobody."""
    with httpx.Client(base_url=strict.served.base_url) as person:
        enter(person, strict.served.link())
        for _ in range(READING):
            assert person.get(f"/orgs/{ORG}/activity?category=roles").status_code == 200
        refused = person.get(f"/orgs/{ORG}/activity?category=roles")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.text.startswith("<!doctype html>")
        for path in ("/healthz", "/readyz", "/version", "/sign-in", "/openapi.json"):
            assert 429 not in {person.get(path).status_code for _ in range(READING + 1)}


def test_who_is_refused_is_counted(strict: Strict) -> None:
    """A key without the permission, and one of another organisation, are refused 403 as often as others are let in."""
    other = strict.served.keys["other"]
    statuses = [strict.get("entries", other).status_code for _ in range(READING + 2)]
    assert statuses == [403] * READING + [429] * 2


def test_recording_single_entries(strict: Strict) -> None:
    """Entries are counted, not requests; the refused one is not in the log; the other key goes on."""
    credentials = strict.served.deployment.credentials
    key, other = (credentials.new_key(ORG, "K", ("record",))[1] for _ in range(2))
    for left in range(RECORDING - 1, -1, -1):
        answer = strict.post("entries", key, json=wire())
        assert answer.status_code == 201
        assert answer.headers["ratelimit"] == f'"recording";r={left};t=1'
    id_ = "019a3c1e-7d2b-7c40-9f0e-6f1f0a6f2b11"
    refused = strict.post("entries", key, json=wire(id=id_))
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert refused.headers["ratelimit-policy"] == f'"recording";q={RECORDING};w=1'
    assert strict.get(f"entries/{id_}", strict.served.keys["read"]).status_code == 404
    assert strict.post("entries", other, json=wire()).status_code == 201
    strict.clock.move(SECOND)
    assert strict.post("entries", key, json=wire(id=id_)).status_code == 201


def test_recording_a_batch(strict: Strict) -> None:
    """A batch costs its entries: it is taken whole or refused whole; one above the limit waits for a full bucket."""
    key = strict.served.deployment.credentials.new_key(ORG, "K", ("record",))[1]

    def batch(count: int) -> httpx.Response:
        return strict.post("entries/batch", key, content=json.dumps([wire() for _ in range(count)]))

    strict.client.headers["Content-Type"] = "application/json"
    size = strict.served.log.size
    viewer = strict.served.deployment.credentials.credential(strict.served.keys["read"]).viewer()
    assert batch(RECORDING - 2).status_code == 200
    before = size(viewer=viewer)
    refused = batch(3)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert size(viewer=viewer) == before
    assert batch(2).status_code == 200
    strict.clock.move(SECOND)
    assert batch(RECORDING * 2).status_code == 200
    assert batch(1).status_code == 429


def test_wrong_keys(strict: Strict) -> None:
    """Who tries wrong keys too often is refused; a right one always opens, from the same address too.

    Every entry shows the id of the key that recorded it: whoever read one could lock the key out.
    """
    right = strict.served.deployment.credentials.new_key(ORG, "K", ("read",))[1]
    wrong = right[:-6] + "AAAAAA"
    assert [strict.get("entries", wrong).status_code for _ in range(FAILURES + 1)] == [401] * FAILURES + [429]
    refused = strict.get("entries", wrong)
    assert (refused.status_code, int(refused.headers["retry-after"]) <= 60) == (429, True)
    assert right not in refused.text
    assert strict.get("entries", right).status_code == 200
    assert strict.get("entries", strict.served.keys["read"]).status_code == 200
    strict.clock.move(MINUTE)
    assert strict.get("entries", right).status_code == 200


def test_right_keys_are_no_tries(strict: Strict) -> None:
    """The control: a right key is never throttled as a wrong one, and a session that is none costs nothing."""
    key = strict.served.keys["read"]
    for _ in range(FAILURES * 3):
        strict.clock.move(SECOND)
        assert strict.get("entries", key).status_code == 200
        assert strict.client.get("entries").status_code == 401


def test_wrong_texts_share_one_bucket(strict: Strict) -> None:
    """Whatever text is tried, its address is counted, and no key is taken with it."""
    tried = [strict.get("entries", f"nonsense-{at}").status_code for at in range(FAILURES + 2)]
    assert tried == [401] * FAILURES + [429] * 2
    assert strict.get("entries", strict.served.keys["read"]).status_code == 200


def test_a_key_in_an_address(strict: Strict) -> None:
    """Refused wherever in the address it stands, right or wrong, and repeated nowhere in the answer."""
    key = strict.served.keys["read"]
    for path in (f"entries?key={key}", f"entries?text={key}", f"entries/{key}", "entries?access_token=x"):
        refused = strict.client.get(path)
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed")
        assert key not in refused.text
        assert "Authorization" in refused.json()["detail"]
    assert strict.get("entries?text=x", key).status_code == 200


def test_header_fields_in_all(strict: Strict) -> None:
    """431 above 64 KiB of them in all; somewhat less is read."""
    key = strict.served.keys["read"]
    for size, status in ((30_000, 200), (70_000, 431)):
        headers = {"Authorization": f"Bearer {key}", "X-Filling": "x" * size}
        assert strict.client.get("entries", headers=headers).status_code == status


def test_the_default_suits_a_person(serve: Callable[..., Served]) -> None:
    """Ten fragments a page, five pages within the same second: nobody at work meets the default limit."""
    clock = FrozenClock(datetime.now(UTC))
    served = serve(clock=clock, limits=Limits())
    with httpx.Client(base_url=served.base_url) as person:
        enter(person, served.link())
        for _ in range(5):
            for _ in range(10):
                assert person.get(f"/orgs/{ORG}/activity?category=roles").status_code == 200


def test_streams_that_begin_together(strict: Strict) -> None:
    """The sixth stream of a reader has no room, also where all began at the same moment; another reader's has."""
    credentials, streams = strict.served.deployment.credentials, Streams()
    reader, other = (credentials.credential(strict.served.keys[name]).viewer() for name in ("read", "both"))
    with ExitStack() as opened:
        rooms = [opened.enter_context(streams.opened(reader)) for _ in range(6)]
        assert rooms == [True] * 5 + [False]
        assert opened.enter_context(streams.opened(other))
    with streams.opened(reader) as room:
        assert room


def test_a_page_in_a_browser_is_one_person_at_work(
    serve: Callable[..., Served], visit: Callable[..., Page]
) -> None:
    """With the default limit and a clock that stands: opening, filtering, reading and turning cost a part of it."""
    served = serve(clock=FrozenClock(datetime.now(UTC)), limits=Limits())
    left: list[int] = []
    page = visit(at=served, viewport={"width": 1280, "height": 900})

    def heard(answer: Response) -> None:
        assert answer.status != 429
        header = answer.headers.get("ratelimit")
        left.extend([int(header.partition("r=")[2].partition(";")[0])] if header else [])

    page.on("response", heard)
    page.goto(f"/orgs/{ORG}/activity?category=roles")
    page.click("a[rel=next]")
    page.wait_for_url("**cursor=**")
    page.click(".row a.when >> nth=0")
    page.wait_for_selector("#panel dl.facts")
    assert min(left) >= Limits().reading // 2


HOURS = "from=2026-03-01T00:00:00Z&to=2026-03-{}:00:00Z"
READ = {
    "page": ("entries?limit=200", "entries?limit=201"),
    "facet values": ("facets?by=target_type&limit=200", "facets?by=target_type&limit=201"),
    "typeahead rows": ("items?q=a&limit=20", "items?q=a&limit=21"),
    "typeahead text": (f"items?q={'a' * 80}", f"items?q={'a' * 81}"),
    "bars": (
        f"histogram?bucket=hour&{HOURS.format('04T20')}",
        f"histogram?bucket=hour&{HOURS.format('04T21')}",
    ),
    "words": ("entries?text=" + "+".join("abcdefghij"), "entries?text=" + "+".join("abcdefghijk")),
    "a word": (f"entries?text={'a' * 40}", f"entries?text={'a' * 41}"),
    "filter values": tuple(
        "entries?" + "&".join(f"actor=user/u-{at}" for at in range(count)) for count in (100, 101)
    ),
}


@pytest.mark.parametrize("what", READ)
def test_what_is_asked_for(client: httpx.Client, what: str) -> None:
    """At the limit it is answered, above it 422."""
    within, above = READ[what]
    assert client.get(within).status_code == 200
    assert client.get(above).status_code == 422


def _role(**more: Any) -> dict[str, Any]:
    return wire(target={"type": "role", "id": "r-limit", "name": "Limit"} | more)


def _members(count: int) -> dict[str, Any]:
    return wire(concerns=[{"part": "member", "type": "user", "id": f"u-l{at}"} for at in range(count)])


def _ahead(minutes: float) -> dict[str, Any]:
    return wire(occurred_at=(datetime.now(UTC) + timedelta(minutes=minutes)).isoformat())


SENT = {
    "id of an item": (lambda: _role(id="r" * 200), lambda: _role(id="r" * 201)),
    "name": (lambda: _role(name="n" * 300), lambda: _role(name="n" * 301)),
    "user agent": tuple(
        (lambda size=size: wire(origin={"interface": "web", "user_agent": "a" * size})) for size in (500, 501)
    ),
    "correlation": tuple((lambda size=size: wire(correlation="c" * size)) for size in (200, 201)),
    "concerns": (lambda: _members(100), lambda: _members(101)),
    "ahead of the clock": (lambda: _ahead(4), lambda: _ahead(6)),
}


@pytest.fixture(scope="module")
def recorder(serve: Callable[..., Served]) -> Iterator[httpx.Client]:
    """A client that records into a log of its own."""
    served = serve()
    headers = {"Authorization": f"Bearer {served.keys['record']}"}
    with httpx.Client(base_url=served.api + "/", headers=headers) as client:
        yield client


@pytest.mark.parametrize("what", SENT)
def test_what_is_sent(recorder: httpx.Client, what: str) -> None:
    """At the limit it is recorded, above it 422 with a pointer, and nothing is cut to fit."""
    within, above = SENT[what]
    assert recorder.post("entries", json=within()).status_code == 201
    refused = recorder.post("entries", json=above())
    assert (refused.status_code, bool(refused.json()["errors"][0]["pointer"])) == (422, True)
