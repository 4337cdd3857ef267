"""Opening: the store, its secrets beside it, and the logs of organisations."""

import stat
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from trailbook import Actor, Item, NewEntry, Origin, Query, open_deployment, operator
from trailbook.deployment.secrets import keys_file
from trailbook.errors import ConfigurationError, InvalidError, NotFoundError
from trailbook.testing.steady import START

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


def test_secrets_are_beside_and_for_the_owner_alone(url: str) -> None:
    file = keys_file(url)
    assert file.name == "log.db.keys"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = dict(line.split("=") for line in file.read_text().split())["secret_key"]
    assert len(bytes.fromhex(secret)) == 32
    assert bytes.fromhex(secret) not in file.with_name("log.db").read_bytes()
    file.chmod(0o640)
    with pytest.raises(ConfigurationError) as refused:
        open_deployment(url)
    assert secret not in refused.value.detail
    file.chmod(0o600)
    open_deployment(url).close()


@pytest.mark.parametrize("content", ["", "secret_key=00", "secret_key=zz\norganisation_key=00", "x"])
def test_damaged_secrets(url: str, content: str) -> None:
    file = keys_file(url)
    whole = file.read_text()
    file.write_text(content)
    with pytest.raises(ConfigurationError):
        open_deployment(url)
    file.write_text(whole)
    open_deployment(url).close()


@pytest.mark.parametrize("create", [True, False])
def test_secrets_that_are_gone_are_never_made_anew(url: str, create: bool) -> None:
    """Other secrets would break every cursor and make a replay with a correlation a conflict, in silence."""
    file = keys_file(url)
    whole = file.read_text()
    file.unlink()
    with pytest.raises(NotFoundError):
        open_deployment(url, create=create)
    assert not file.exists()
    file.write_text(whole)
    file.chmod(0o600)
    open_deployment(url, create=create).close()


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
