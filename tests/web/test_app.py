"""The application as a host mounts it: its own routes beside ours, under the same edge, at the address people use."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar import get
from litestar.testing import TestClient

from trailbook import Deployment
from trailbook.deployment import Alarms
from trailbook.deployment.opening import open_deployment
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, grow
from trailbook.web.app import create_app

BASE = "http://testserver.local"
SECRET = "a secret in an error"


@get("/ours", sync_to_thread=False)
def ours() -> str:
    """A page of the host's own."""
    return "ours"


@get("/broken", sync_to_thread=False)
def broken() -> str:
    """A page that fails, with words that are nobody's business."""
    raise RuntimeError(SECRET)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def deployment(clock: FrozenClock) -> Iterator[Deployment]:
    opened = open_deployment("memory:", clock=clock)
    grow(opened.create(ORG), clock, 3)
    yield opened
    opened.close()


def asked(deployment: Deployment, path: str, **more: Any) -> Any:
    """What an application answers to a request for a path."""
    app = create_app(deployment, **{"base_url": BASE, **more})
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        return client.get(path)


def test_a_hosts_own_routes_stand_beside_ours(deployment: Deployment) -> None:
    """Under the same headers; without being handed in there is no such path."""
    answer = asked(deployment, "/ours", extra=[ours])
    assert (answer.status_code, answer.text) == (200, "ours")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert asked(deployment, "/ours").status_code == 404
    assert asked(deployment, "/healthz", extra=[ours]).status_code == 200


def test_what_a_hosts_route_raises_is_told_to_nobody(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    """It is answered as each failure of ours is; the log of the process says of which kind it was."""
    answer = asked(deployment, "/broken", extra=[broken])
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize("base_url", ["https://log.example", "https://log.example/"])
def test_the_address_people_use_has_no_slash_at_its_end(deployment: Deployment, base_url: str) -> None:
    """Every link is made by putting a path after it."""
    described = asked(deployment, "/openapi.json", base_url=base_url).json()
    assert described["servers"] == [{"url": "https://log.example"}]


def test_what_alarms_are_handed_in_decide_whether_it_is_ready(
    deployment: Deployment, clock: FrozenClock
) -> None:
    """Nobody signs here: after a minute that is an ailment, unless an operator says that it is none."""
    clock.move(timedelta(minutes=5))
    assert asked(deployment, "/readyz").json()["failing"] == ["checkpoint-age"]
    patient = Alarms(unsigned_seconds=86_400)
    assert asked(deployment, "/readyz", alarms=patient).status_code == 200
