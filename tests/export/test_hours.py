"""Files of a filter by hours: bundles that the travelling verifier checks again, and what a bundle cannot say."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from test_bundle import OPERATOR, bundle, verdict
from test_runner import READER

from trailbook import Log, Query
from trailbook.administration import By, set_working_hours
from trailbook.deployment.deployment import Deployment
from trailbook.errors import ExportFailedError, FilterInvalidError
from trailbook.export.cut import BundleRequest, bundle_figures
from trailbook.export.runner import ExportRequest, Runner
from trailbook.query import WorkingHours, from_params, zone_data_version
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, assigned, opened
from trailbook.tree.checkpoint import parse_note

OSLO = WorkingHours(tz="Europe/Oslo")
Life = tuple[Deployment, Log]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A signed log of an entry every two hours, over the end of summer time in Oslo, whose nights are from 22 to 6."""
    clock = FrozenClock(datetime(2026, 10, 27, 12, tzinfo=UTC))
    deployment = opened(tmp_path_factory.mktemp("log"), clock)
    log = deployment.create(ORG)
    set_working_hours(By(deployment, OPERATOR), OSLO)
    ago = (timedelta(hours=2 * number) for number in range(60))
    log.record_many(
        [structs.replace(assigned(clock, 100 + n), occurred_at=clock() - by) for n, by in enumerate(ago)]
    )
    deployment.signer().sign(ORG)
    return deployment, log


def manifest_of(raw: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        manifest: dict[str, Any] = json.loads(archive.read("manifest.note").rpartition(b"\n\n")[0])
        return manifest


@pytest.mark.parametrize("kind", ["inclusion", "closed"])
def test_a_bundle_of_nights_holds(life: Life, tmp_path: Path, kind: Any) -> None:
    """As format-bundle.md 12.3 has it: a span of the day, the clocks' offsets between the bodies, and their source."""
    deployment, log = life
    query = from_params([("category", "roles"), ("hours", "night"), ("tz", "America/New_York")])
    raw, count = bundle(deployment, log, BundleRequest(kind=kind, query=query))
    manifest, (status, answer) = manifest_of(raw), verdict(raw, tmp_path, deployment)
    assert (status, answer["findings"], count) == (0, [], 21)
    assert ["hours", "22:00-06:00"] in manifest["filter"]
    assert manifest["filter_words"] == "Roles, at night (22:00 to 06:00, Oslo time)"
    assert (manifest["tz"], manifest["tzdata"]) == ("Europe/Oslo", zone_data_version())
    assert manifest["offsets"] == [
        ["0001-01-01T00:00:00.000000Z", 7200],
        ["2026-10-25T01:00:00.000000Z", 3600],
    ]


def test_a_bundle_with_the_wrong_offsets_does_not_hold(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: written as if the clocks had never gone back, its filter finds other entries than are listed."""
    deployment, log = life
    request = BundleRequest(kind="closed", query=Query(hours="night"))
    monkeypatch.setattr("trailbook.export.bundle.offsets_between", lambda tz, low, high: [(low, 7200)])
    with pytest.raises(ExportFailedError, match=r"matching\.json"):
        bundle(deployment, log, request)
    monkeypatch.setattr("trailbook.export.bundle.require_sound", lambda file, ranges, progress: None)
    raw, _ = bundle(deployment, log, request)
    status, answer = verdict(raw, tmp_path, deployment)
    assert (status, {finding["verdict"] for finding in answer["findings"]}) == (1, {"missing", "inserted"})


@pytest.mark.parametrize("kind", ["inclusion", "closed"])
@pytest.mark.parametrize("hours", ["outside", "weekend"])
def test_a_bundle_cannot_say_days_of_the_week(life: Life, tmp_path: Path, kind: Any, hours: str) -> None:
    """Refused before anything is written, ordered or counted; without days of the week it can be said."""
    deployment, log = life
    request = BundleRequest(kind=kind, query=Query(hours=hours))
    runner = Runner(deployment, tmp_path)
    for ask in (
        lambda: bundle(deployment, log, request),
        lambda: bundle_figures(log, request, viewer=OPERATOR),
        lambda: runner.order(ExportRequest(query=request.query, format=f"bundle-{kind}"), OPERATOR),
    ):
        with pytest.raises(FilterInvalidError, match="days of the week") as refused:
            ask()
        assert [fault.pointer for fault in refused.value.faults] == ["/hours"]
    every_day = Query(hours="outside,1234567,08:00-17:00,Europe/Oslo")
    raw, _ = bundle(deployment, log, BundleRequest(kind=kind, query=every_day))
    assert ["hours", "17:00-08:00"] in manifest_of(raw)["filter"]
    assert verdict(raw, tmp_path, deployment)[0] == 0


def test_the_manifest_of_a_table_has_the_rule(life: Life, tmp_path: Path) -> None:
    """What is set after it was ordered changes neither its entries nor what is signed of them."""
    deployment, log = life
    runner = Runner(deployment, tmp_path)
    count = log.count(Query(hours="outside"), viewer=OPERATOR)[0]
    job = runner.order(ExportRequest(query=Query(hours="outside"), format="csv"), READER)
    set_working_hours(By(deployment, OPERATOR), structs.replace(OSLO, work="11:00-12:00"))
    deployment.signer().sign(ORG)
    assert runner.step()
    set_working_hours(By(deployment, OPERATOR), OSLO)
    text = parse_note(runner.path(runner.orders.find(READER, job.id), READER, "manifest").read_bytes()).text
    manifest = json.loads(text)
    assert ["hours", "outside,12345,08:00-17:00,Europe/Oslo"] in manifest["filter"]
    assert manifest["count"] == count
    assert manifest["filter_words"].startswith(
        "Outside working hours (weekdays 08:00 to 17:00, Oslo time; public"
    )
