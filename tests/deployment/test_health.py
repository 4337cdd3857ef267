"""How an open log is: each part is told from its limit on and not below, and of a log that is well nothing is."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from msgspec import structs

from trailbook.deployment import Deployment
from trailbook.deployment.health import (
    HEALTH_PARTS,
    Ailment,
    Alarms,
    DiskRoom,
    Examined,
    ailments,
    refused_ailment,
    room_of,
)
from trailbook.errors import SchemaNewerError, StoreError
from trailbook.stores import Store, open_store
from trailbook.testing import FrozenClock
from trailbook.testing.small import ORG, grow, opened

ROOMY = DiskRoom(1, 99)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def deployment(tmp_path: Path, clock: FrozenClock) -> Iterator[Deployment]:
    """A log of three entries, signed."""
    deployment = opened(tmp_path, clock)
    grow(deployment.create(ORG), clock, 3)
    deployment.signer().sign(ORG)
    yield deployment
    deployment.close()


@pytest.fixture
def examined(deployment: Deployment, tmp_path: Path, clock: FrozenClock) -> Iterator[Examined]:
    """The same log, looked at when the clock stood, on a disk with room."""
    store, _ = open_store(f"sqlite:///{tmp_path}/log.db")
    yield Examined(store=store, now=clock(), room=lambda path: ROOMY)
    store.close()


def parts(diagnosis: list[Ailment]) -> list[str]:
    return [ailment.part for ailment in diagnosis]


def test_of_a_well_log_nothing_is_told(examined: Examined, deployment: Deployment) -> None:
    """The control of every test here; the deployment says the same of itself."""
    assert ailments(examined) == []
    assert deployment.ailments(room=lambda path: ROOMY) == []


def test_entries_that_nobody_signs(examined: Examined, deployment: Deployment, clock: FrozenClock) -> None:
    """From the limit on, with since when and of which organisation; signed, no more."""
    clock.move(timedelta(seconds=5))
    grow(deployment.log(ORG), clock, 2, first=200)
    late = Alarms().unsigned_seconds
    for seconds, expected in ((late - 1, []), (late, ["checkpoint-age"])):
        now = clock() + timedelta(seconds=seconds)
        assert parts(ailments(structs.replace(examined, now=now))) == expected
    (ailment,) = ailments(structs.replace(examined, now=now))
    assert (ailment.org, ailment.fails) == (ORG, True)
    assert f"behind in {ORG}: 2 entries since" in ailment.says
    deployment.signer().sign(ORG)
    assert ailments(structs.replace(examined, now=now)) == []


def test_a_clock_that_went_back(examined: Examined) -> None:
    """Behind the newest entry from the limit on; a little is the difference between two machines."""
    limit = Alarms().clock_seconds
    for seconds, expected in ((limit - 1, []), (limit, ["clock"])):
        now = examined.now - timedelta(seconds=seconds)
        assert parts(ailments(structs.replace(examined, now=now))) == expected


def test_a_clock_behind_the_last_signature(
    examined: Examined, deployment: Deployment, clock: FrozenClock
) -> None:
    """An idle log has newer signatures than entries."""
    assert ailments(examined) == []
    clock.move(timedelta(hours=2))
    deployment.signer().sign(ORG)
    (ailment,) = ailments(examined)
    assert "behind the last checkpoint of acme" in ailment.says


def test_entries_that_nobody_seals(examined: Examined) -> None:
    """A backlog is told from its limit on."""
    for limit, expected in ((4, []), (3, ["seal-lag"])):
        assert parts(ailments(structs.replace(examined, alarms=Alarms(unsealed=limit)))) == expected


@pytest.mark.parametrize(
    ("used", "fails"), [(74, []), (75, [False]), (89, [False]), (90, [True]), (100, [True])]
)
def test_a_disk_that_fills(examined: Examined, used: int, fails: list[bool]) -> None:
    """Told first, and unfit then."""
    diagnosis = ailments(structs.replace(examined, room=lambda path: DiskRoom(used, 100 - used)))
    assert [(ailment.part, ailment.fails) for ailment in diagnosis] == [("disk", each) for each in fails]


def test_every_file_that_must_have_room_is_looked_at(examined: Examined, tmp_path: Path) -> None:
    """The files beside too, by the folder where one is not there yet; a place that cannot be reached is told."""
    looked: list[Path] = []

    def room(path: Path) -> DiskRoom:
        looked.append(path)
        return ROOMY

    beside = (tmp_path / "outside.txt", tmp_path / "to-come.txt")
    assert ailments(structs.replace(examined, beside=beside, room=room)) == []
    assert looked == [tmp_path / "log.db", tmp_path / "outside.txt", tmp_path]
    away = structs.replace(examined, beside=(tmp_path / "away" / "outside.txt",), room=room_of)
    unreached = [ailment for ailment in ailments(away) if "cannot be reached" in ailment.says]
    assert parts(unreached) == ["disk"]


def test_another_version_beside_it(examined: Examined, tmp_path: Path) -> None:
    """A file that another Trailbook brought on meanwhile is told of before anything of its content."""
    with apsw.Connection(str(tmp_path / "log.db")) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    diagnosis = ailments(structs.replace(examined, alarms=Alarms(unsealed=1)))
    assert parts(diagnosis) == ["migrations", "seal-lag"]
    assert "schema 999" in diagnosis[0].says


def test_what_is_damaged_is_named_and_not_repaired(examined: Examined, tmp_path: Path) -> None:
    """A checkpoint and an index that cannot be read are each told as themselves; the log still answers."""
    with apsw.Connection(str(tmp_path / "log.db")) as db:
        db.execute("UPDATE blob SET content = x'00' WHERE kind = 'checkpoint'")
        db.execute("INSERT INTO blob (org, kind, key, content) VALUES (1, 'index', 'segments', x'00')")
    db.close()
    diagnosis = ailments(examined)
    assert [(ailment.part, "cannot be read" in ailment.says) for ailment in diagnosis] == [
        ("seal-lag", True),
        ("checkpoint-age", True),
    ]


class Silent:
    """A store that answers nothing but its file."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def orgs(self) -> list[str]:
        raise StoreError("the disk is gone")


def test_a_log_that_does_not_answer(examined: Examined) -> None:
    """Whatever else is wrong: the store is what is told."""
    silent = structs.replace(examined, store=Silent(examined.store))  # type: ignore[arg-type]
    (ailment,) = ailments(silent)
    assert (ailment.part, ailment.fails) == ("store", True)
    assert "the disk is gone" in ailment.says


def test_a_log_that_could_not_be_opened() -> None:
    """A newer file is told as that, anything else as a store that does not answer."""
    newer, damaged = (
        refused_ailment(SchemaNewerError("schema 999")),
        refused_ailment(StoreError("no database")),
    )
    assert (newer.part, damaged.part) == ("migrations", "store")
    assert "schema 999" in newer.says
    assert "no database" in damaged.says
    assert {newer.part, damaged.part} <= set(HEALTH_PARTS)
