"""An entry of the year 1, as an older version took it: every door shows it in every zone, and no job ends on it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from litestar.testing import TestClient
from msgspec import structs
from tests.export.test_runner import READER

from trailbook import Deployment, Query
from trailbook.cli.search import local
from trailbook.deployment.opening import open_deployment
from trailbook.errors import BatchRefusedError
from trailbook.export import ExportRequest, Runner
from trailbook.query.dates import local_time, zone
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, assigned, grow
from trailbook.web.app import create_app

ZONES = ("Pacific/Pago_Pago", "America/New_York", "UTC", "Europe/Oslo", "Pacific/Kiritimati")
FIRST = datetime(1, 1, 1, tzinfo=UTC)
ADDRESS = "http://testserver.local"
PAGE, API = f"/orgs/{ORG}/activity", f"/api/v1/orgs/{ORG}"
ZONED = (
    f"{PAGE}?",
    f"{PAGE}?order=asc",
    f"{PAGE}?from=0001-01-01&to=0001-12-31",
    f"{PAGE}/bars?from=0001-01-01&to=0001-12-31",
    f"{PAGE}/items/user/u-500?",
    f"{API}/entries?count=true",
    f"{API}/histogram?bucket=month&from=0001-01-01&to=0001-12-31",
    f"{API}/facets?by=category",
    f"{API}/entries.csv?",
    f"{API}/entries.jsonl?",
)
OTHERS = (
    f"{PAGE}/about",
    f"{PAGE}/trust",
    f"{PAGE}/views",
    f"{API}/catalogue",
    f"{API}/items?q=zeb&role=concerns",
)


def fill(deployment: Deployment, clock: FrozenClock, *, early: bool = True) -> None:
    """A log with an entry of the first moment of the calendar beside those of today."""
    log = deployment.create(ORG)
    grow(log, clock, 3)
    if early:
        log.record_many([structs.replace(assigned(clock, 500), occurred_at=FIRST)])


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """A log as a version without the rule left it."""
    clock = FrozenClock()
    opened = open_deployment(f"sqlite:///{tmp_path}/log.db", create=True, clock=clock, earliest=FIRST)
    fill(opened, clock)
    yield opened
    opened.close()


@pytest.fixture
def client(deployment: Deployment) -> Iterator[TestClient]:  # type: ignore[type-arg]
    """A browser whose reader is signed in."""
    app = create_app(deployment, base_url=ADDRESS)
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        credentials = deployment.credentials
        text = credentials.sign_in(credentials.new_link(ORG, READER.item, "full"))
        for name in ("__Host-trailbook", "trailbook"):
            client.cookies.set(name, text)
        yield client


@pytest.mark.parametrize("tz", ZONES)
def test_every_door_shows_it_in_every_zone(client: TestClient, tz: str) -> None:  # type: ignore[type-arg]
    answers = {door: client.get(f"{door}&tz={tz}".replace("?&", "?")) for door in ZONED}
    answers |= {door: client.get(door) for door in OTHERS}
    assert {door: answer.status_code for door, answer in answers.items() if answer.status_code != 200} == {}
    years = client.get(f"{API}/histogram?tz={tz}")  # two thousand of them are more bars than anybody is shown
    assert (years.status_code, years.json()["code"]) == (422, "too-many-bars")


@pytest.mark.parametrize("tz", ZONES)
def test_the_page_says_where_the_time_is_not_the_zones(client: TestClient, tz: str) -> None:  # type: ignore[type-arg]
    """What a zone cannot show is shown in UTC, and says so; the control is today's entry."""
    page = client.get(f"{PAGE}?order=asc&category=roles&tz={tz}").text
    rows = page.split('<li class="row"')[1:]
    assert len(rows) == 4
    # By their local mean time Kiritimati was west of Greenwich, and Pago Pago east of it.
    west = tz in ("America/New_York", "Pacific/Kiritimati")
    assert ["UTC</time>" in row for row in rows] == [west, False, False, False]


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "pdf"])
def test_an_export_in_every_zone_is_made(deployment: Deployment, tmp_path: Path, tz: str, form: str) -> None:
    """One in a western zone ended the thread of everybody's exports, again after each start."""
    runner = Runner(deployment, tmp_path / "exports")
    job = runner.order(ExportRequest(query=Query(), format=form, tz=tz, manifest=False), READER)
    assert runner.step()
    assert (runner.orders.find(READER, job.id).state, runner.loop.setbacks) == ("ready", [])


@pytest.mark.parametrize("tz", ZONES)
def test_the_command_line_shows_it(tz: str) -> None:
    shown = local("0001-01-01T00:00:00.000000Z", zone(tz))
    assert datetime.fromisoformat(shown) == FIRST


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("at", [FIRST, datetime.max.replace(tzinfo=UTC), FrozenClock()()])
def test_a_local_time_is_the_same_instant(at: datetime, tz: str) -> None:
    """Nothing is moved: only the clocks it is read on may be others."""
    assert local_time(at, zone(tz)) == at


def test_it_is_not_taken_any_more(tmp_path: Path) -> None:
    """The rule refuses it at every way in; the control is the entry of today."""
    clock = FrozenClock()
    deployment = open_deployment("memory:", create=True, clock=clock)
    with pytest.raises(BatchRefusedError) as refused:
        fill(deployment, clock)
    assert [error.code for error in refused.value.refused.values()] == ["time-early"]
    deployment.close()
    fill(open_deployment("memory:", create=True, clock=clock), clock, early=False)
