"""Secrets: beside the log, for their owner alone, and never made anew where a log was begun under others."""

import stat
from pathlib import Path

import pytest

from trailbook import open_deployment
from trailbook.deployment.locations import Locations
from trailbook.deployment.secrets import (
    ORIGIN,
    fresh_keys,
    kept_keys,
    kept_signing,
    refuse_a_lost_log,
)
from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.testing import Steady


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A deployment with one empty log, closed."""
    place = f"sqlite:///{tmp_path}/log.db"
    deployment = open_deployment(place, create=True)
    deployment.create("acme")
    deployment.close()
    return place


def test_secrets_are_beside_and_for_the_owner_alone(url: str) -> None:
    file = Locations(store=url).keys_file()
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
    file = Locations(store=url).keys_file()
    whole = file.read_text()
    file.write_text(content)
    with pytest.raises(ConfigurationError):
        open_deployment(url)
    file.write_text(whole)
    open_deployment(url).close()


@pytest.mark.parametrize("create", [True, False])
def test_secrets_that_are_gone_are_never_made_anew(url: str, create: bool) -> None:
    """Other secrets would break every cursor and make a replay with a correlation a conflict, in silence."""
    file = Locations(store=url).keys_file()
    whole = file.read_text()
    file.unlink()
    with pytest.raises(NotFoundError):
        open_deployment(url, create=create)
    assert not file.exists()
    file.write_text(whole)
    file.chmod(0o600)
    open_deployment(url, create=create).close()


def test_keys_are_made_once(tmp_path: Path) -> None:
    """Made where they are asked for and missing; read as they were made from then on."""
    file = tmp_path / "log.db.keys"
    with pytest.raises(NotFoundError):
        kept_keys(file, Steady(1), create=False)
    made = kept_keys(file, Steady(1), create=True)
    assert made == fresh_keys(Steady(1))
    assert kept_keys(file, Steady(2), create=True) == kept_keys(file, Steady(2), create=False) == made


def test_a_lost_log_is_not_begun_again_in_silence(url: str, tmp_path: Path) -> None:
    """Its secrets are there and it is not: an empty log under them would pass for the same."""
    file, keys = tmp_path / "log.db", Locations(store=url).keys_file()
    open_deployment(url, create=True).close()
    file.unlink()
    with pytest.raises(ConfigurationError, match="is gone"):
        open_deployment(url, create=True)
    with pytest.raises(NotFoundError, match="its secrets are there: `trailbook restore` a backup"):
        open_deployment(url)
    assert not file.exists()
    keys.unlink()
    refuse_a_lost_log(file, keys, create=True)
    with pytest.raises(NotFoundError, match="`trailbook init` makes one"):
        open_deployment(url)


def test_signing_keys_sign_under_the_origin_they_began_with(tmp_path: Path) -> None:
    """Made under a name, or the usual one, and never under another from then on."""
    folder = tmp_path / "log.db.signing"
    made = kept_signing(folder, "log.example", Steady(1))
    assert made.origin == "log.example"
    assert [kept_signing(folder, origin, Steady(2)) for origin in (None, "log.example")] == [made, made]
    with pytest.raises(ConfigurationError, match=r"began as log\.example"):
        kept_signing(folder, "other.example", Steady(2))
    assert kept_signing(tmp_path / "other.signing", None, Steady(1)).origin == ORIGIN
