"""What is unsafe in a setup: addresses, secrets, files that others can read, and the outside file."""

import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Folder

from trailbook import open_deployment
from trailbook.cli.safety import is_loopback, is_weak, unsafe
from trailbook.deployment.settings import read_settings

RANDOM = "8f1c52e09ad77b34c61d0e2fa5b94863d2f7160b3ce85aa94471f3d9286b0ec5"
OTHER = "1b90c4d7e86f2a3155ce07b9f84ad2613c7e9550aa1f6db82347c08ef9165d2b"


def risks(folder: Folder, **settings: str) -> dict[str, str]:
    """What is unsafe in the settings of a folder and these, by part, of a log that is well otherwise."""
    flags = {"store": f"sqlite:///{folder.path / 'trailbook.db'}", **settings}
    in_force = read_settings(flags, file=None, environ={}, folder=folder.path)
    return {risk.part: risk.says for risk in unsafe(in_force, folder.path / "trailbook.toml")}


def test_a_log_set_up_as_the_documents_say_is_safe(well: Folder) -> None:
    """The control of every risk below."""
    assert risks(well) == {}


@pytest.mark.parametrize(
    ("settings", "risk"),
    [
        ({"base_url": "http://log.example"}, True),
        ({"listen": "0.0.0.0:8750"}, True),
        ({"listen": "[::]:8750"}, True),
        ({"base_url": "https://log.example"}, False),
        ({"base_url": "http://localhost:8750"}, False),
        ({"base_url": "https://log.example", "listen": "0.0.0.0:8750"}, False),
        ({"listen": "127.0.0.2:8750"}, False),
        ({"listen": "[::1]:8750"}, False),
    ],
)
def test_plain_http_beyond_this_machine(well: Folder, settings: dict[str, str], risk: bool) -> None:
    """An address that others reach without TLS is told; loopback and https are not."""
    assert ("address" in risks(well, **settings)) is risk


def test_what_is_this_machine() -> None:
    """RFC 6761: the names and numbers of loopback, and no others that look like them."""
    assert all(map(is_loopback, ("localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("", "localhost.example", "127.0.0.1.example", "10.0.0.1", "::")))


@pytest.mark.parametrize(
    "weak", ["00" * 32, bytes(range(32)).hex(), b"change me, this is an example!!!".hex()]
)
def test_a_secret_that_can_be_guessed(well: Folder, weak: str) -> None:
    """An example's secret is told, given or kept beside the log; one made by chance is not."""
    assert "secrets" in risks(well, secret_key=weak, organisation_key=RANDOM)
    assert "secrets" in risks(well, secret_key=RANDOM, organisation_key=RANDOM)
    assert "secrets" not in risks(well, secret_key=OTHER, organisation_key=RANDOM)
    keys = well.path / "trailbook.db.keys"
    keys.write_text(f"secret_key={weak}\norganisation_key={RANDOM}\n", "ascii")
    assert "secrets" in risks(well)
    keys.write_text(f"secret_key={OTHER}\norganisation_key={RANDOM}\n", "ascii")
    assert "secrets" not in risks(well)


def test_chance_is_not_weak() -> None:
    """No secret that is made by chance is told: ten thousand of them."""
    with Path("/dev/urandom").open("rb") as chance:
        assert not any(is_weak(chance.read(32)) for _ in range(10_000))


def test_missing_signing_keys(well: Folder) -> None:
    """Without signing keys nothing is signed, which is said."""
    shutil.rmtree(well.path / "trailbook.db.signing")
    assert "There are no signing keys in trailbook.db.signing" in risks(well)["secrets"]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("trailbook.db", "files"),
        ("trailbook.db.keys", "secrets"),
        ("trailbook.db.signing/log-0001.key", "secrets"),
        ("old.db", "backups"),
    ],
)
def test_others_can_read(well: Folder, name: str, part: str) -> None:
    """A key, the database or a backup that others can read is told by its name; a private one is not."""
    well.good("backup", "old.db")
    assert part not in risks(well)
    (well.path / name).chmod(0o640)
    assert Path(name).name in risks(well)[part]


def test_secrets_that_lie_in_a_folder_of_their_own(well: Folder) -> None:
    """What is looked at is what is in force: the files in the folder that is set, and none beside the log."""
    secrets = well.path / "secrets"
    secrets.mkdir(mode=0o700)
    in_force = {"secrets_directory": str(secrets)}
    assert "There are no signing keys" in risks(well, **in_force)["secrets"]
    for end in ("keys", "signing"):
        shutil.move(well.path / f"trailbook.db.{end}", secrets / f"trailbook.db.{end}")
    assert risks(well, **in_force) == {}
    assert "secrets" in risks(well)
    (secrets / "trailbook.db.keys").chmod(0o640)
    assert "can read trailbook.db.keys" in risks(well, **in_force)["secrets"]


def test_a_store_that_is_no_file_needs_its_places_set(well: Folder) -> None:
    """Each setting that is missing is told by its name; with all of them, and secrets made there, nothing is."""
    url = "postgresql://host/log"
    flags = {"store": url, "outside_file": str(well.path / "outside.txt")}
    in_force = read_settings(flags, file=None, environ={}, folder=Path("/none"))
    settings = [risk.says.partition(":")[0] for risk in unsafe(in_force, None) if risk.part == "places"]
    assert settings == ["secrets_directory", "secrets_directory", "lock_file", "export_directory"]
    open_deployment("sqlite:///" + str(well.path / "trailbook"), create=True).close()
    flags |= {
        "secrets_directory": str(well.path),
        "lock_file": str(well.path / "lock"),
        "export_directory": str(well.path / "exports"),
    }
    in_force = read_settings(flags, file=None, environ={}, folder=Path("/none"))
    assert list(unsafe(in_force, None)) == []


def test_secrets_in_a_file_that_others_can_read(well: Folder) -> None:
    """Secrets in the settings' own file need that file to be private; without secrets anybody may read it."""
    config = well.path / "trailbook.toml"
    kept = config.read_text("utf-8")
    config.chmod(0o644)
    assert risks(well) == {}
    named = dict(line.split("=") for line in (well.path / "trailbook.db.keys").read_text("ascii").split())
    config.write_text(kept + "".join(f'{name} = "{value}"\n' for name, value in named.items()), "utf-8")
    assert set(risks(well)) == {"secrets"}
    config.chmod(0o600)
    assert risks(well) == {}


def test_the_outside_file(well: Folder, elsewhere: Path) -> None:
    """No outside file, one beside the database, and one whose disk is away are told; one elsewhere is not."""
    config = well.path / "trailbook.toml"
    kept = config.read_text("utf-8")
    for risk, content in (
        ("No outside file is set", ""),
        ("same disk as the log", f'outside_file = "{well.path}/outside.txt"\n'),
        ("is not there", f'outside_file = "{elsewhere}/away/outside.txt"\n'),
    ):
        config.write_text(content, "utf-8")
        assert risk in risks(well)["outside"]
    config.write_text(kept, "utf-8")
    assert risks(well) == {}
