"""`init`, `config` and `version`: what each makes and says, and what is next."""

import stat
import subprocess

from tests.cli.conftest import Folder

from trailbook import __version__


def test_init_begins_a_log_and_says_what_is_next(empty: Folder) -> None:
    answer = empty.good("init", "--org", "acme")
    assert "trailbook record" in answer.out
    keys = empty.path / "trailbook.db.keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert keys.read_text().split("=")[1].split()[0] not in answer.out


def test_init_makes_secrets_where_the_settings_say_and_says_where(empty: Folder) -> None:
    empty.env["TRAILBOOK_SECRETS_DIRECTORY"] = "secrets"
    text = empty.good("init").out
    assert "secrets are in secrets/trailbook.db.keys." in text
    assert "signing keys are in secrets/trailbook.db.signing." in text
    assert {file.name for file in (empty.path / "secrets").iterdir()} == {
        "trailbook.db.keys",
        "trailbook.db.signing",
    }
    answer = empty.good("init", "--json").json
    assert (answer["secrets"], answer["signing_keys"]) == (
        "secrets/trailbook.db.keys",
        "secrets/trailbook.db.signing",
    )
    empty.good(*empty.given)
    empty.good("keys", "rotate")
    assert len([*(empty.path / "secrets" / "trailbook.db.signing").glob("*.key")]) == 4
    assert not (empty.path / "trailbook.db.signing").exists()


def test_init_again_is_harmless(entry_folder: Folder) -> None:
    keys = (entry_folder.path / "trailbook.db.keys").read_bytes()
    assert entry_folder.good("init", "--org", "acme").out.endswith(
        "already, with 1 entry; nothing was changed.\n"
    )
    assert entry_folder.good("init", "--org", "acme", "--json").json["created"] is False
    assert entry_folder.good("init", "--org", "new", "--json").json["created"] is True
    assert (entry_folder.path / "trailbook.db.keys").read_bytes() == keys
    assert entry_folder.good("--org", "acme", "count").out == "1\n"


def test_init_without_a_name_makes_main_and_says_so(empty: Folder) -> None:
    assert empty.good("init", "--json").json["org"] == "main"
    assert empty.good("count").out == "0\n"


def test_the_commands_that_init_prints_work(empty: Folder) -> None:
    text = empty.good("init").out
    script = text.partition("Next:\n")[2].partition("  trailbook serve")[0].replace("trailbook ", "tb ")
    tb = f'tb() {{ {" ".join(empty.command())} "$@"; }}\n'
    ended = subprocess.run(
        ["bash", "-euc", tb + script],
        cwd=empty.path,
        env=empty.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Anna Berg gave Bob Li the role Manager" in ended.stdout


def test_config_show_tells_values_sources_and_no_secret(empty: Folder) -> None:
    secret = "cd" * 32
    (empty.path / "trailbook.toml").write_text(f'secret_key = "{secret}"\norganisation_key = "{secret}"\n')
    empty.env["TRAILBOOK_TIMEZONE"] = "Europe/Oslo"
    answer = empty.good("--org", "acme", "config", "show", "--json")
    assert answer.json["org"] == {"value": "acme", "source": "--org"}
    assert answer.json["timezone"] == {"value": "Europe/Oslo", "source": "TRAILBOOK_TIMEZONE"}
    assert answer.json["secret_key"] == {"value": "(hidden)", "source": "trailbook.toml"}
    assert secret not in answer.out + empty.good("config", "show").out


def test_version(empty: Folder) -> None:
    assert empty.good("--version").out == empty.good("version").out == f"trailbook {__version__}\n"
    assert empty.good("version", "--json").json["version"] == __version__


def test_what_init_says_is_next_names_the_store_given(empty: Folder) -> None:
    """The commands work as they are printed; without a store of one's own nothing is added to them."""
    assert "  trailbook search\n" in empty.good("init").out
    text = empty.good("--store", "sqlite:///other.db", "init").out
    assert "  trailbook --store sqlite:///other.db search\n" in text
    assert "outside_file" in text
