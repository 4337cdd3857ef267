"""A witness's settings and keys: what is refused, each with what is right as its control."""

from pathlib import Path

import pytest

from trailbook.errors import ConfigurationError, NotFoundError
from trailbook.tree import KeyRange, SignerKey, VerifierKey, format_vkey, verifier_of
from trailbook.witness import read_witness_keys, read_witness_settings, write_witness_keys

ORIGIN = "log.example/acme"
KEY = verifier_of(SignerKey(ORIGIN, 1, b"l" * 32))
VKEY = format_vkey(KEY)
LOG = f'[[logs]]\norigin = "{ORIGIN}"\nkeys = ["{VKEY}"]\n'
GOOD = f'name = "witness.example/1"\n{LOG}'
OTHER = format_vkey(VerifierKey("log.example/other", 1, KEY.key))


def entropy(count: int) -> bytes:
    entropy.made += 1  # type: ignore[attr-defined]
    return bytes([entropy.made]) * count  # type: ignore[attr-defined]


entropy.made = 0  # type: ignore[attr-defined]


def test_the_settings_are_read(tmp_path: Path) -> None:
    (tmp_path / "witness.toml").write_text(GOOD)
    settings = read_witness_settings(tmp_path / "witness.toml")
    assert (settings.name, settings.listen) == ("witness.example/1", "127.0.0.1:8751")
    assert (settings.key_file, settings.heads_file) == (tmp_path / "witness.key", tmp_path / "witness.db")
    assert settings.logs == {ORIGIN: (KeyRange(KEY),)}
    (tmp_path / "witness.toml").write_text(GOOD.replace(VKEY, f"{VKEY} 0 5122"))
    assert read_witness_settings(tmp_path / "witness.toml").logs == {ORIGIN: (KeyRange(KEY, 0, 5122),)}
    (tmp_path / "witness.toml").write_text('key_file = "/k"\nheads_file = "h"\nlisten = "a:1"\n' + GOOD)
    settings = read_witness_settings(tmp_path / "witness.toml")
    assert (settings.key_file, settings.heads_file) == (Path("/k"), tmp_path / "h")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "name"),
        (LOG, "name"),
        ('name = "a"', "logs"),
        ("name", "is not TOML"),
        ("nam = 1\n" + GOOD, "nam"),
        (GOOD.replace("keys", "key"), "key"),
        (GOOD.replace(f'"{VKEY}"', ""), "at least one key"),
        (GOOD.replace(VKEY, "nonsense"), f"{ORIGIN}: key"),
        (GOOD.replace(VKEY, OTHER), "another log"),
        (GOOD + LOG, "same origin"),
        (GOOD.replace("witness.example/1", ORIGIN), "witness of themselves"),
        (GOOD.replace("witness.example/1", "a+b"), "name"),
        (GOOD.replace("witness.example/1", "w" * 256), "255 bytes"),
        (GOOD.replace(f'origin = "{ORIGIN}"', f'origin = "{"o" * 256}"'), "255 bytes"),
    ],
)
def test_settings_that_are_wrong_are_refused_and_named(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "witness.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"^witness\.toml: ") as caught:
        read_witness_settings(tmp_path / "witness.toml")
    assert why in caught.value.detail


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_witness_settings(tmp_path / "witness.toml")


def test_keys_are_made_once_private_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    with pytest.raises(NotFoundError):
        read_witness_keys(file, "w")
    made = write_witness_keys(file, "w", entropy)
    assert [key.alg for key in made] == [4, 6]
    assert made[0].seed != made[1].seed
    assert read_witness_keys(file, "w") == made
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="File exists"):
        write_witness_keys(file, "w", entropy)


def test_keys_of_others_open_and_damaged_ones_are_refused_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    write_witness_keys(file, "w", entropy)
    whole = file.read_text()
    with pytest.raises(ConfigurationError, match="keys of another witness"):
        read_witness_keys(file, "x")
    for text in (whole.splitlines()[0] + "\n", whole[:-9], "", whole[::-1], "x" + whole):
        file.write_text(text)
        with pytest.raises(ConfigurationError) as caught:
            read_witness_keys(file, "w")
        assert whole[-40:-10] not in caught.value.detail
    file.write_text(whole)
    file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_witness_keys(file, "w")
    file.chmod(0o600)
    assert read_witness_keys(file, "w")
