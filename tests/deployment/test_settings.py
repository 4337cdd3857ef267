"""Settings: their order, what is refused and how it is told, and the page of the reference."""

import re
from pathlib import Path

import pytest
from msgspec import Struct

from trailbook.deployment.settings import KEYS, LATER, Settings, effective, read_settings
from trailbook.errors import ConfigurationError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
HEX = "ab" * 32


class Place(Struct, frozen=True):
    """A folder, perhaps with a trailbook.toml, in which settings are read."""

    folder: Path

    def read(
        self, toml: str | None = None, env: dict[str, str] | None = None, **flags: str | None
    ) -> Settings:
        """The settings with this file, environment and flags."""
        if toml is not None:
            (self.folder / "trailbook.toml").write_text(toml)
        return read_settings(flags, file=None, environ=env or {}, folder=self.folder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place."""
    return Place(tmp_path)


def test_defaults(place: Place) -> None:
    settings = place.read(env={"PATH": "/bin", "trailbook_store": "x"})
    assert (settings.store, settings.org, settings.listen) == (
        "sqlite:///trailbook.db",
        None,
        "127.0.0.1:8750",
    )
    assert set(settings.sources.values()) == {"default"}


def test_each_layer_beats_the_one_before(place: Place) -> None:
    toml, env = 'org = "file"', {"TRAILBOOK_ORG": "environment"}
    for given, org, source in (
        (place.read(toml), "file", "trailbook.toml"),
        (place.read(toml, env), "environment", "TRAILBOOK_ORG"),
        (place.read(toml, env, org="flag"), "flag", "--org"),
        (place.read(toml, env, org=None), "environment", "TRAILBOOK_ORG"),
    ):
        assert (given.org, given.sources["org"]) == (org, source)


def test_a_named_file_is_read_instead(place: Place) -> None:
    other = place.folder / "other.toml"
    other.write_text('org = "other"')
    (place.folder / "trailbook.toml").write_text('org = "here"')
    assert read_settings({}, file=other, environ={}, folder=place.folder).org == "other"
    with pytest.raises(ConfigurationError) as error:
        read_settings({}, file=place.folder / "absent.toml", environ={}, folder=place.folder)
    assert error.value.detail == "absent.toml: cannot be read: No such file or directory"


def test_lists(place: Place) -> None:
    toml = 'languages = ["nb", "en"]\ncatalogue = ["a", "b"]'
    env = {"TRAILBOOK_LANGUAGES": "nb,en", "TRAILBOOK_CATALOGUE": "a:b"}
    for settings in (place.read(toml), place.read("", env)):
        assert (settings.languages, settings.catalogue) == (("nb", "en"), ("a", "b"))


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('stor = "x"', "trailbook.toml: stor: is not a known setting; the nearest known one is store"),
        ('zzz = "x"', "trailbook.toml: zzz: is not a known setting; known are store, org"),
        ("free_actions = 1", "trailbook.toml: free_actions: is not supported by this version"),
        ('oidc_issuer = "x"', "trailbook.toml: oidc_issuer: is not supported by this version"),
        ("[limits]\nbatch = 1", "trailbook.toml: limits_batch: is not a known setting"),
        (
            "[limits]\nreading = 0",
            "limits_reading (trailbook.toml): is not a whole number from 1 to 1,000,000",
        ),
        ("[limits]\nreading = true", "limits_reading (trailbook.toml): needs a text"),
        ("[limits]\nreading = 1.5", "limits_reading (trailbook.toml): needs a text"),
        ("limits_reading = 1\n[limits]\nreading = 1", "trailbook.toml: limits_reading: is given twice"),
        ("limits = 1", "trailbook.toml: limits: is not a known setting"),
        ("session_minutes = 721", "session_minutes (trailbook.toml): is not a whole number from 1 to 720"),
        ("org = 1", "org (trailbook.toml): needs a text"),
        ('languages = "nb"', "languages (trailbook.toml): needs a list of texts"),
        ("languages = [1]", "languages (trailbook.toml): needs a list of texts"),
        ("languages = []", "languages (trailbook.toml): needs at least one language"),
        ('languages = ["Norsk"]', "languages (trailbook.toml): is not a language code"),
        ("org", "trailbook.toml: is not TOML"),
        ('org = "a"\norg = "b"', "trailbook.toml: is not TOML"),
        ('org = "A B"', "org (trailbook.toml): is not the name of an organisation"),
        ('store = ""', "store (trailbook.toml): is empty"),
        ('listen = "8750"', "listen (trailbook.toml): is not HOST:PORT"),
        ('listen = "localhost:99999"', "listen (trailbook.toml): is not HOST:PORT"),
        ('base_url = "log.example"', "base_url (trailbook.toml): is not an address"),
        ('base_url = "https://log.example/x"', "base_url (trailbook.toml): is not an address"),
        ('base_url = "https://u:p@log.example"', "base_url (trailbook.toml): is not an address"),
        ('base_url = "javascript:alert(1)"', "base_url (trailbook.toml): is not an address"),
        ('timezone = "Oslo"', "timezone (trailbook.toml): is not the name of an IANA time zone"),
        ('timestamp_urls = ["stamps.example"]', "timestamp_urls (trailbook.toml): is not an address"),
        ('witnesses = ["stamps.example"]', "witnesses (trailbook.toml): is not a witness's address and keys"),
        ('outgoing_private = ["10.0.0.0/8"]', "outgoing_private (trailbook.toml): is not HOST:PORT=NETWORK"),
        ('log_level = "loud"', "log_level (trailbook.toml): is not one of critical, error"),
        ('secret_key = "abc"', "secret_key (trailbook.toml): is not 32 to 64 bytes written in hex"),
        (f'secret_key = "{HEX}"', "secret_key and organisation_key: give both, or neither"),
    ],
)
def test_what_is_wrong_is_refused_and_named(place: Place, toml: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        place.read(toml)
    assert error.value.detail.startswith(says)


def test_the_same_without_the_fault_is_read(place: Place) -> None:
    settings = place.read(
        f"""
        store = "sqlite:///x.db"
        org = "a-b"
        languages = ["nb"]
        listen = "[::1]:0"
        base_url = "https://log.example:8443"
        timezone = "Europe/Oslo"
        log_level = "info"
        session_minutes = 15
        timestamp_urls = ["https://stamps.example/tsa"]
        secret_key = "{HEX}"
        organisation_key = "{HEX}"
        [limits]
        reading = 100
        failures = "5"
        """
    )
    assert (settings.org, settings.listen, settings.timezone) == ("a-b", "[::1]:0", "Europe/Oslo")
    assert (settings.session_minutes, settings.limits_reading, settings.limits_failures) == ("15", "100", "5")


def test_an_unknown_variable_stops_the_start(place: Place) -> None:
    with pytest.raises(ConfigurationError) as error:
        place.read(env={"TRAILBOOK_STOER": "x"})
    assert error.value.detail == "TRAILBOOK_STOER: is not a known setting; the nearest known one is store"
    with pytest.raises(ConfigurationError) as error:
        place.read(env={"TRAILBOOK_STORE_FILE": "x"})
    assert error.value.detail.startswith("TRAILBOOK_STORE_FILE: is not a known setting")
    with pytest.raises(ConfigurationError) as error:
        place.read(env={"TRAILBOOK_ORG": ""})
    assert error.value.detail.startswith("org (TRAILBOOK_ORG): ")


def test_a_secret_is_read_from_a_file_and_never_shown(place: Place) -> None:
    (place.folder / "secret").write_text(HEX + "\n")
    files = {
        f"TRAILBOOK_{name}_FILE": str(place.folder / "secret") for name in ("SECRET_KEY", "ORGANISATION_KEY")
    }
    settings = place.read(env=files)
    assert (settings.secret_key, settings.organisation_key) == (HEX, HEX)
    assert settings.sources["secret_key"] == "TRAILBOOK_SECRET_KEY_FILE"
    assert HEX not in str(effective(settings))
    with pytest.raises(ConfigurationError) as error:
        place.read(env=files | {"TRAILBOOK_SECRET_KEY": HEX})
    assert error.value.detail == "TRAILBOOK_SECRET_KEY_FILE: is given together with TRAILBOOK_SECRET_KEY"
    with pytest.raises(ConfigurationError) as error:
        place.read(env=files | {"TRAILBOOK_SECRET_KEY_FILE": str(place.folder / "absent")})
    assert "cannot be read" in error.value.detail
    with pytest.raises(ConfigurationError) as error:
        place.read(env=files | {"TRAILBOOK_SECRET_KEY_FILE": str(place.folder)})
    assert "cannot be read" in error.value.detail


def test_a_wrong_secret_is_not_repeated(place: Place) -> None:
    with pytest.raises(ConfigurationError) as error:
        place.read(env={"TRAILBOOK_SECRET_KEY": "hunter2hunter2"})
    assert "hunter2" not in error.value.detail


def test_no_key_is_both_known_and_of_a_later_version() -> None:
    assert not LATER & set(KEYS)


def test_the_page_of_the_reference_names_every_key_default_and_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    wanted = []
    for name, key in KEYS.items():
        default = ", ".join((key.default,) if isinstance(key.default, str) else key.default or ())
        wanted.append((name, f"`{default}`" if default else "", key.meaning))
    assert [(name, default.strip(), meaning) for name, default, meaning in rows] == wanted


def test_trusted_proxies(place: Place) -> None:
    """Addresses and networks; what is neither, has bits of a host or is everybody is refused by its name."""
    assert place.read().trusted_proxies == ()
    right = ("127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8")
    assert place.read(f"trusted_proxies = {list(right)}").trusted_proxies == right
    assert place.read(env={"TRAILBOOK_TRUSTED_PROXIES": ",".join(right)}).trusted_proxies == right
    for wrong in (
        "proxy.example",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "",
        " 10.0.0.0/8",
        "0.0.0.0/0",
        "::/0",
        "unix:",
    ):
        with pytest.raises(ConfigurationError) as error:
            place.read(f'trusted_proxies = ["127.0.0.1", "{wrong}"]')
        assert error.value.detail.startswith("trusted_proxies (trailbook.toml): is ")
