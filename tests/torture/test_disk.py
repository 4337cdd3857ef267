"""A disk that fills up, and is given room again; a disk that turns read-only."""

import random
import subprocess
from pathlib import Path

import pytest
from tests.torture.judging import faults
from tests.torture.scenarios import ORG, begin, entry, open_in

from trailbook.errors import StorageFullError, StoreError
from trailbook.log.log import Log

pytestmark = pytest.mark.needs_root


@pytest.fixture
def disk(small_disk: Path) -> Path:
    """A small disk with a log on it."""
    begin(small_disk)
    return small_disk


def record(log: Log, chance: random.Random, receipts: list[str], count: int) -> None:
    """Record batches, and remember only what was acknowledged."""
    for _ in range(count):
        made = [entry(chance) for _ in range(50)]
        log.record_many(made)
        receipts += [f"id {each.id}" for each in made]


def test_a_full_disk_refuses_and_goes_on_when_it_has_room(disk: Path) -> None:
    """Nothing that was acknowledged is lost, what does not fit is refused as `storage-full`, and room is enough."""
    chance, receipts = random.Random(1), list[str]()
    deployment = open_in(disk)
    log = deployment.log(ORG)
    with pytest.raises(StorageFullError):
        record(log, chance, receipts, 1000)
    before = len(receipts)
    with pytest.raises(StoreError):
        record(log, chance, receipts, 1000)
    subprocess.run(["mount", "-o", "remount,size=32m", str(disk)], check=True)
    record(log, chance, receipts, 5)
    assert len(receipts) == before + 250
    deployment.close()
    assert faults(disk, receipts) == []


def test_a_read_only_disk_is_said(disk: Path) -> None:
    """Nothing is recorded and nothing is lost; the words say what is wrong."""
    chance, receipts = random.Random(2), list[str]()
    deployment = open_in(disk)
    record(deployment.log(ORG), chance, receipts, 2)
    deployment.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(StoreError, match=r"read-only|cannot be opened"):
        open_in(disk)
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert faults(disk, receipts) == []
