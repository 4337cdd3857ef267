"""A deployment: opened and closed, the logs of its organisations, and a copy of the whole store."""

from pathlib import Path
from typing import Any
from uuid import UUID

import apsw
import pytest
from msgspec import structs

from trailbook import Actor, Item, NewEntry, Origin, Query, open_deployment, operator
from trailbook.errors import ConfigurationError, InvalidError, NotFoundError
from trailbook.stores import open_store
from trailbook.testing.small import ORG, grow, opened
from trailbook.testing.steady import START, FrozenClock
from trailbook.testing.trees import tree_faults

ENTRY = NewEntry(
    id=UUID(int=7),
    action="role.updated",
    occurred_at=START,
    actor=Actor(type="user", id="u-17", name="Anna Berg", kind="person"),
    target=Item(type="role", id="r-3", name="Manager"),
    origin=Origin(interface="web"),
    correlation="HR/42",
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A deployment with one log of one entry, closed."""
    place = f"sqlite:///{tmp_path}/log.db"
    deployment = open_deployment(place, create=True)
    deployment.create("acme").record_many([ENTRY])
    deployment.close()
    return place


def test_closed_and_opened_again(url: str) -> None:
    """The secrets are the same ones: a cursor still opens, a correlation still is its own."""
    for _ in range(2):
        deployment = open_deployment(url)
        log = deployment.log("acme")
        assert deployment.orgs() == ["acme"]
        assert log.record_many([ENTRY])[0].replayed
        assert log.count(Query(), viewer=operator("acme")) == (1, 1)
        deployment.close()
        deployment.close()


def test_organisations_are_apart(url: str) -> None:
    deployment = open_deployment(url)
    other = deployment.create("other")
    assert other.size(viewer=operator("other")) == 0
    receipt = other.record_many([ENTRY])[0]
    assert (receipt.seq, receipt.replayed) == (0, False)
    assert deployment.log("acme").size(viewer=operator("acme")) == 1
    shown = [next(deployment.log(org).rows(Query(), viewer=operator(org))) for org in ("acme", "other")]
    assert shown[0].correlation != shown[1].correlation  # under each organisation's own key
    assert deployment.orgs() == ["acme", "other"]
    assert deployment.create("other") is other
    deployment.close()


@pytest.mark.parametrize("org", ["", "A", "a_b", "-a", "a" * 64, "a/b", "a\n", "é", ".."])
def test_names_that_no_organisation_has(org: str) -> None:
    deployment = open_deployment("memory:")
    with pytest.raises(InvalidError) as refused:
        deployment.create(org)
    assert refused.value.faults[0].pointer == "/org"
    assert deployment.orgs() == []
    deployment.create("a" * 63)


def test_an_organisation_without_a_log() -> None:
    deployment = open_deployment("memory:")
    with pytest.raises(NotFoundError):
        deployment.log("acme")
    deployment.create("acme")
    assert deployment.log("acme").org == "acme"


def test_the_hosts_own_catalogue(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "roles.toml").write_text(
        '[actions]\n"role.blessed" = { target = ["role"], verb = "other", since = "1.0" }\n'
    )
    blessed: Any = structs.replace(ENTRY, action="role.blessed", correlation=None)
    log = open_deployment("memory:", folders=[folder]).create("acme")
    assert log.record_many([blessed])[0].seq == 0
    with pytest.raises(InvalidError):
        open_deployment("memory:").create("acme").record_many([blessed])


def test_a_backup_is_whole_while_others_write_and_never_overwrites(
    tmp_path: Path,
) -> None:
    clock = FrozenClock()
    deployment = opened(tmp_path, clock)
    log = deployment.create(ORG)
    grow(log, clock, 300)
    steps: list[tuple[int, int]] = []
    deployment.backup(tmp_path / "copy.db", lambda done, total: steps.append((done, total)))
    grow(log, clock, 10, first=900)
    copy = open_store(f"sqlite:///{tmp_path}/copy.db")[0]
    assert copy.head(ORG).size == 300
    assert tree_faults(copy, ORG) == []
    assert steps[-1][0] == steps[-1][1]
    with pytest.raises(ConfigurationError, match="never overwrites"):
        deployment.backup(tmp_path / "copy.db")
    assert apsw.Connection(str(tmp_path / "copy.db")).execute("PRAGMA integrity_check").get == "ok"
