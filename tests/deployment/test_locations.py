"""Locations: beside the file of the store unless a setting says otherwise, and named where there is no file."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from trailbook import Deployment, Query, Shown, open_configured, open_deployment, operator
from trailbook.deployment.locations import Locations, locations_of
from trailbook.deployment.settings import read_settings
from trailbook.errors import ConfigurationError

GOLDEN = Path(__file__).parents[1] / "golden" / "deployment.zip"
NO_FILE = "postgresql://host/log"


def places(url: str, **settings: str) -> Locations:
    """The places that settings name."""
    return locations_of(
        read_settings({"store": url, **settings}, file=None, environ={}, folder=Path("/none"))
    )


def all_of(of: Locations) -> list[str]:
    """Every place, as text."""
    return [str(place()) for place in (of.keys_file, of.signing_folder, of.export_folder, of.lock_file)]


def test_what_nobody_set_lies_beside_the_file_as_it_always_did() -> None:
    """The names that logs on people's disks have; another one would open them without their secrets."""
    ends = (".keys", ".signing", ".exports", ".serving")
    assert all_of(places("sqlite:///trailbook.db")) == [f"trailbook.db{end}" for end in ends]
    assert all_of(places("sqlite:////var/log.db")) == [f"/var/log.db{end}" for end in ends]


def test_a_setting_comes_before_the_place_beside_the_file() -> None:
    given = places("sqlite:////var/log.db", secrets_directory="/s", export_directory="/e", lock_file="/run/l")
    assert all_of(given) == ["/s/log.db.keys", "/s/log.db.signing", "/e", "/run/l"]
    apart = places("sqlite:////var/log.db", secrets_directory="/s", signing_key="/k")
    assert [str(apart.keys_file()), str(apart.signing_folder())] == ["/s/log.db.keys", "/k"]


@pytest.mark.parametrize("url", [NO_FILE, "memory:"])
def test_beside_a_store_that_is_no_file_nothing_lies(url: str) -> None:
    """Each place that nobody set is refused by the setting that has to name it; with all of them set none is."""
    bare = places(url)
    for place, setting in (
        (bare.keys_file, "secrets_directory"),
        (bare.signing_folder, "secrets_directory"),
        (bare.export_folder, "export_directory"),
        (bare.lock_file, "lock_file"),
    ):
        with pytest.raises(ConfigurationError, match=f"^{setting}: has to be set"):
            place()
    given = places(url, secrets_directory="/s", export_directory="/e", lock_file="/run/l")
    assert all_of(given) == ["/s/trailbook.keys", "/s/trailbook.signing", "/e", "/run/l"]


def test_secrets_are_made_where_the_settings_say_and_nowhere_else(tmp_path: Path) -> None:
    """In a folder that only their owner may enter; the log opens with them from then on, and not without."""
    (tmp_path / "data").mkdir()
    url, secrets = f"sqlite:///{tmp_path}/data/log.db", tmp_path / "etc" / "trailbook"
    flags = {"store": url, "secrets_directory": str(secrets)}
    settings = read_settings(flags, file=None, environ={}, folder=tmp_path)
    deployment = open_configured(settings, create=True)
    deployment.create("acme")
    origin = deployment.signing.origin
    deployment.close()
    assert sorted(file.name for file in secrets.iterdir()) == ["log.db.keys", "log.db.signing"]
    assert secrets.stat().st_mode & 0o077 == 0
    assert [f.name for f in (tmp_path / "data").iterdir() if f.suffix in (".keys", ".signing")] == []
    again = open_configured(settings)
    assert (again.orgs(), again.signing.origin) == (["acme"], origin)
    again.close()
    (tmp_path / "data" / "log.db").rename(tmp_path / "data" / "away.db")
    with pytest.raises(ConfigurationError, match="is gone"):
        open_configured(settings, create=True)


def test_a_deployment_of_before_opens_unchanged(tmp_path: Path) -> None:
    """Made when secrets lay beside the file because there was no setting: nothing moves and nothing is made."""
    with zipfile.ZipFile(GOLDEN) as packed:
        packed.extractall(tmp_path)
    private = [tmp_path / "log.db.keys", *(tmp_path / "log.db.signing").glob("*.key")]
    for file in private:
        file.chmod(0o600)
    before = {file: file.read_bytes() for file in private}
    deployment = open_configured(
        read_settings({"store": f"sqlite:///{tmp_path}/log.db"}, file=None, environ={}, folder=tmp_path)
    )
    assert deployment.verify("acme").findings == ()
    assert [shown.action for shown in entries(deployment)] == ["role.assigned"]
    deployment.close()
    assert {file: file.read_bytes() for file in before} == before
    assert {file.name for file in tmp_path.iterdir()} == {"log.db", "log.db.keys", "log.db.signing"}


def entries(deployment: Deployment) -> Sequence[Shown]:
    """What the golden log shows."""
    viewer = operator("acme")
    return deployment.log("acme").search(Query(), viewer=viewer).entries


def test_a_log_made_beside_its_secrets_opens_after_they_moved(tmp_path: Path) -> None:
    """As the reference says it is done: the same names, in another folder."""
    url, secrets = f"sqlite:///{tmp_path}/log.db", tmp_path / "secrets"
    made = open_deployment(url, create=True)
    made.create("acme")
    made.close()
    secrets.mkdir()
    for end in ("keys", "signing"):
        shutil.move(tmp_path / f"log.db.{end}", secrets / f"log.db.{end}")
    moved = open_deployment(url, secrets_directory=secrets)
    assert moved.signing.keyring.publics == made.signing.keyring.publics
    moved.close()


def test_a_folder_of_secrets_that_cannot_be_made_is_refused_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"^secrets_directory: .*file"):
        open_deployment(
            f"sqlite:///{tmp_path}/log.db", create=True, secrets_directory=tmp_path / "file" / "s"
        )
    open_deployment(f"sqlite:///{tmp_path}/log.db", create=True, secrets_directory=tmp_path / "s").close()
