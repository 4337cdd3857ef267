"""The way in is straight: a request is read, the log is asked, and the answer is shown."""

import subprocess
import sys
from datetime import UTC, datetime

import msgspec
import pytest
from litestar import Litestar, get
from msgspec import Struct
from tests.test_form import ROOT
from tests.web.conftest import ANNA, ORG, PLENTY, fill
from tests.web.journey import Journey, journey

from trailbook import Item, Log, open_deployment, operator
from trailbook.query import fold, from_params
from trailbook.web import create_app
from trailbook.web.pages.address import quoted
from trailbook.web.pages.rows import cut

PAGE, API = f"/orgs/{ORG}/activity", f"/api/v1/orgs/{ORG}"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PART = {"HX-Request": "true", "HX-Request-Type": "partial"}
# Each way, and the returns on it; before a page was a question, an answer and a model there were 36, 29 and 13. They
# rose from 18, 14 and 6 with what is asked since: where a request comes from, the organisation's hours, its views,
# what the host says of an item today; and with what a list leads with: files, working hours, the filter in words.
MOST = {PAGE: 27, f"{PAGE}/e/{{id}}": 19, f"{API}/entries": 7}


class Ground(Struct, frozen=True):
    """An application over a log in memory, and the headers that a person and a program ask with."""

    app: Litestar
    log: Log
    headers: dict[str, dict[str, str]]


@get("/straight", sync_to_thread=False)
def straight() -> str:
    """Through the queries' room, and then through that of the pages."""
    return cut(quoted(fold("a name")))


@get("/wandering", sync_to_thread=False)
def wandering() -> str:
    """The same, in another order."""
    return quoted(fold(cut("a name")))


def ground() -> Ground:
    """A log of a few entries, and somebody and a program who may read it."""
    deployment = open_deployment("memory:", clock=lambda: NOW)
    fill(deployment.create(ORG))
    app = create_app(
        deployment,
        base_url="http://localhost",
        timezone="Europe/Oslo",
        limits=PLENTY,
        extra=[straight, wandering],
    )
    credentials = deployment.credentials
    reader = Item(type="user", id=ANNA.id, name="Anna Berg")
    session = credentials.sign_in(credentials.new_link(ORG, reader, "full"))
    _, key = credentials.new_key(ORG, "Reader", ("read",))
    headers = {"page": {"Cookie": f"__Host-trailbook={session}"}, "api": {"Authorization": f"Bearer {key}"}}
    return Ground(app, deployment.log(ORG), headers)


def way_of(ground: Ground, path: str) -> Journey:
    """The way of the second request, when texts and templates are read; it finds something and draws all its rows."""
    roles = from_params([("category", "roles")])
    entry = ground.log.search(roles, viewer=operator(ORG), limit=1).entries[0]
    headers = ground.headers["api"] if path.startswith(API) else ground.headers["page"]
    if "{id}" in path:
        headers = headers | PART
    asked = path.replace("{id}", entry.id)
    journey(ground.app, f"{asked}?category=users", headers)
    return journey(ground.app, f"{asked}?category=roles", headers)


def main() -> None:
    """Print every way, as JSON."""
    made = ground()
    ways = {path: way_of(made, path) for path in MOST}
    ways |= {path: journey(made.app, path, {}) for path in ("/straight", "/wandering")}
    print(msgspec.json.encode(ways).decode())


@pytest.fixture(scope="module")
def ways() -> dict[str, Journey]:
    """Every way, in an interpreter of its own: where servers and browsers of other tests live, others are met."""
    asked = [sys.executable, "-c", "from tests.web.test_way_in import main; main()"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=dict[str, Journey])


@pytest.mark.parametrize("path", MOST)
def test_a_request_seldom_comes_back_to_a_room_it_left(ways: dict[str, Journey], path: str) -> None:
    way = ways[path]
    assert way.status == 200
    assert {"query", "log"} <= set(way.stays)
    assert way.returns <= MOST[path], " ".join(way.stays)


def test_a_way_back_is_counted(ways: dict[str, Journey]) -> None:
    """The control: of two ways through the same functions one comes back to a room, and has a return more."""
    there, back = ways["/straight"], ways["/wandering"]
    assert (there.status, back.status) == (200, 200)
    assert there.stays == ("web.http", "query", "web.pages", "web.http")
    assert back.stays == ("web.http", "web.pages", "query", "web.pages", "web.http")
    assert back.returns == there.returns + 1
