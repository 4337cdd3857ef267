"""Settings: defaults < trailbook.toml < TRAILBOOK_* < flags, each with where it came from.

Owns which keys exist, what each may be, and reading a secret from a file. Refuses a key it does not know, naming
the nearest, and one that means nothing yet: a setting is never ignored. Opens no store and makes no secret.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from trailbook import outgoing, proofs
from trailbook.errors import ConfigurationError, FilterInvalidError, InvalidError
from trailbook.query import parse_day, zone

if TYPE_CHECKING:
    from trailbook.outgoing import PrivatePlace
    from trailbook.proofs import Witness

FILE, PREFIX = "trailbook.toml", "TRAILBOOK_"
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")

# Keys of a later release, so that whoever has read of them is told so instead of "unknown".
LATER = frozenset(
    """metrics_listen week_start cosigning_key checkpoint_seconds
    checkpoint_idle_seconds checkpoint_public free_actions auth
    own_view embed_parents spool on_failure retention stream_allow
    log_format""".split()
)


class Settings(Struct, frozen=True, kw_only=True):
    """What is in force; `sources` says for each key where it came from."""

    store: str
    org: str | None
    base_url: str | None
    listen: str
    trusted_proxies: tuple[str, ...]
    catalogue: tuple[str, ...]
    languages: tuple[str, ...]
    timezone: str
    secret_key: str | None
    organisation_key: str | None
    origin: str | None
    secrets_directory: str | None
    signing_key: str | None
    outside_file: str | None
    timestamp_urls: tuple[str, ...]
    witnesses: tuple[str, ...]
    outgoing_private: tuple[str, ...]
    earliest: str
    export_directory: str | None
    export_days: str
    lock_file: str | None
    session_minutes: str
    limits_reading: str
    limits_tiles: str
    limits_recording: str
    limits_failures: str
    limits_header_seconds: str
    limits_request_seconds: str
    limits_idle_seconds: str
    log_level: str
    sources: dict[str, str]


class Key(Struct, frozen=True, kw_only=True):
    """A setting: its default, what is wrong with a value (or None), and what it is for."""

    default: str | tuple[str, ...] | None
    fault: Callable[[str], str | None]
    meaning: str
    secret: bool = False
    separator: str | None = None  # of a list in an environment variable
    number: bool = False  # may also stand as a number in the file


def _some(value: str) -> str | None:
    return None if value.strip() else "is empty"


def _org(value: str) -> str | None:
    match = re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", value)
    return None if match else "is not the name of an organisation: 1 to 63 of a-z, 0-9 and hyphen"


def _base_url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        right = right and parts.path == "" and "@" not in parts.netloc and value.isprintable()
    except ValueError:
        right = False
    return None if right else "is not an address such as https://log.example, without a path"


def _origin(value: str) -> str | None:
    match = re.fullmatch(r"[A-Za-z0-9.-]{1,200}", value)
    return None if match else "is not a name such as log.example: letters, digits, dots and hyphens"


def _listen(value: str) -> str | None:
    host, _, port = value.rpartition(":")
    right = re.fullmatch(r"[0-9A-Za-z.:\[\]-]+", host) and re.fullmatch(r"[0-9]{1,5}", port)
    return None if right and int(port) < 65536 else "is not HOST:PORT, such as 127.0.0.1:8750"


def _network(value: str) -> str | None:
    try:
        network = ip_network(value)
    except ValueError:
        return "is not an address or a network such as 127.0.0.1 or 10.0.0.0/8, without bits of a host"
    return None if network.prefixlen else "is everybody: then anybody could say where a request came from"


def _language(value: str) -> str | None:
    return None if re.fullmatch(r"[a-z]{2,3}", value) else "is not a language code such as nb"


def _zone(value: str) -> str | None:
    try:
        zone(value)
    except FilterInvalidError as error:
        return error.faults[0].detail
    return None


def _earliest(value: str) -> str | None:
    try:
        day = parse_day(value)
    except ValueError as error:
        return str(error)
    return None if 1800 <= day.year <= 2100 else "is not a day from 1800-01-01 on"


def _secret(value: str) -> str | None:
    return None if re.fullmatch(r"([0-9a-fA-F]{2}){32,64}", value) else "is not 32 to 64 bytes written in hex"


def _authority(value: str) -> str | None:
    match = re.fullmatch(r"https?://[!-~]+", value)
    return None if match else "is not an address such as https://stamps.example/tsa"


def _witness(value: str) -> str | None:
    try:
        proofs.parse_witness(value)
    except InvalidError as error:
        return f"is not a witness's address and keys: {error.detail}"
    return None


def _place(value: str) -> str | None:
    try:
        outgoing.parse_place(value)
    except InvalidError as error:
        return error.detail
    return None


def _days(value: str) -> str | None:
    return None if re.fullmatch(r"[1-9][0-9]{0,3}", value) else "is not a number of days, such as 7"


def _number(most: int) -> Callable[[str], str | None]:
    def fault(value: str) -> str | None:
        right = re.fullmatch(r"[1-9][0-9]{0,8}", value) and int(value) <= most
        return None if right else f"is not a whole number from 1 to {most:,}"

    return fault


def _limit(default: int, most: int, meaning: str) -> Key:
    return Key(default=str(default), fault=_number(most), meaning=meaning, number=True)


def _log_level(value: str) -> str | None:
    return None if value in LOG_LEVELS else f"is not one of {', '.join(LOG_LEVELS)}"


KEYS: dict[str, Key] = {
    "store": Key(
        default="sqlite:///trailbook.db",
        fault=_some,
        meaning="Where the entries are: `sqlite:///relative.db`, `sqlite:////absolute.db`.",
    ),
    "org": Key(
        default=None,
        fault=_org,
        meaning="The organisation whose log is meant; not needed when the store has only one.",
    ),
    "base_url": Key(
        default=None,
        fault=_base_url,
        meaning="The address under which people reach the server; the address it listens at when absent.",
    ),
    "listen": Key(default="127.0.0.1:8750", fault=_listen, meaning="Where the server listens, HOST:PORT."),
    "trusted_proxies": Key(
        default=(),
        fault=_network,
        meaning="The proxies in front, as addresses or networks, whose word on where a request came from is believed.",
        separator=",",
    ),
    "catalogue": Key(
        default=(),
        fault=_some,
        meaning="Folders of the host's own catalogue files, read in order after the built-in ones.",
        separator=os.pathsep,
    ),
    "languages": Key(
        default=("en", "nb"),
        fault=_language,
        meaning="The enabled languages of sentences and pages; the first is the default.",
        separator=",",
    ),
    "timezone": Key(
        default="UTC",
        fault=_zone,
        meaning="The IANA time zone of organisations that set none: days are cut and times told in it.",
    ),
    "secret_key": Key(
        default=None,
        fault=_secret,
        meaning="Authenticates cursors and sessions; hex. With `organisation_key` it stands in for the keys file.",
        secret=True,
    ),
    "organisation_key": Key(
        default=None,
        fault=_secret,
        meaning="The root of each organisation's own key; hex; kept as long as the log.",
        secret=True,
    ),
    "origin": Key(
        default=None,
        fault=_origin,
        meaning="The deployment's name in its checkpoints, such as `log.example`; chosen once, when the log begins.",
    ),
    "secrets_directory": Key(
        default=None,
        fault=_some,
        meaning="The folder in which the keys file and the signing keys lie; beside the store's file when absent.",
    ),
    "signing_key": Key(
        default=None,
        fault=_some,
        meaning="The folder of the signing keys, when they lie elsewhere than the keys file.",
    ),
    "outside_file": Key(
        default=None,
        fault=_some,
        meaning="The file that gets a copy of each checkpoint; not beside the database.",
    ),
    "timestamp_urls": Key(
        default=(),
        fault=_authority,
        meaning="Timestamping authorities (RFC 3161), the first that answers; needs the extra `timestamp`.",
        separator=",",
    ),
    "witnesses": Key(
        default=(),
        fault=_witness,
        meaning="Who is asked to cosign signed heads (C2SP tlog-witness): an address, a space, its key or keys.",
        separator=",",
    ),
    "outgoing_private": Key(
        default=(),
        fault=_place,
        meaning="Witnesses and authorities in a private network that may be called: `HOST:PORT=NETWORK`.",
        separator=",",
    ),
    "earliest": Key(
        default="1900-01-01",
        fault=_earliest,
        meaning="The first day of which entries are taken; for archives, down to 1800-01-01.",
    ),
    "export_directory": Key(
        default=None,
        fault=_some,
        meaning="The folder in which exports lie until they expire; beside the store's file when absent.",
    ),
    "export_days": Key(
        default="7", fault=_days, meaning="How many days an export that was ordered is kept.", number=True
    ),
    "lock_file": Key(
        default=None,
        fault=_some,
        meaning="The file by which a server holds the log, so that it has one; beside the store's file when absent.",
    ),
    "session_minutes": _limit(
        60, 720, "How long a session lives without being used; in all it lives 12 hours."
    ),
    "limits_reading": _limit(50, 1_000_000, "Requests a second that each key or signed-in person may make."),
    "limits_tiles": _limit(200, 1_000_000, "Tiles a second that each key or signed-in person may fetch."),
    "limits_recording": _limit(20_000, 1_000_000, "Entries a second that each key may record."),
    "limits_failures": _limit(
        10, 1_000_000, "What may go wrong in a minute of one account, or of keys, from one address."
    ),
    "limits_header_seconds": _limit(10, 3600, "How long the head of a request may take to arrive."),
    "limits_request_seconds": _limit(30, 3600, "How long the body of a request may take to arrive."),
    "limits_idle_seconds": _limit(75, 3600, "How long a connection is kept between two requests."),
    "log_level": Key(
        default="warning",
        fault=_log_level,
        meaning="What the server writes to stderr; `debug` also shows where an internal error arose.",
    ),
}


class _Given(Struct, frozen=True):
    """A setting as somebody gives it: where, and the value as it stands there."""

    source: str
    value: Any


def read_settings(
    flags: Mapping[str, str | None], *, file: Path | None, environ: Mapping[str, str], folder: Path
) -> Settings:
    """The settings in force. `file` is the one asked for; else trailbook.toml in `folder`, if it is there.

    Raises: ConfigurationError naming the key that is unknown, wrong, or means nothing yet.
    """
    given = {name: _Given("default", key.default) for name, key in KEYS.items()}
    given |= _from_file(file, folder)
    given |= _from_environment(environ)
    given |= {
        name: _Given(f"--{name.replace('_', '-')}", value)
        for name, value in flags.items()
        if value is not None
    }
    values = {name: _checked(name, setting) for name, setting in given.items()}
    if (values["secret_key"] is None) != (values["organisation_key"] is None):
        raise ConfigurationError("secret_key and organisation_key: give both, or neither")
    return Settings(**values, sources={name: setting.source for name, setting in given.items()})


def effective(settings: Settings) -> list[dict[str, Any]]:
    """Each setting with its value, secrets hidden, and its source."""
    return [
        {
            "key": name,
            "value": "(hidden)" if key.secret and getattr(settings, name) else getattr(settings, name),
            "source": settings.sources[name],
        }
        for name, key in KEYS.items()
    ]


def _from_file(file: Path | None, folder: Path) -> dict[str, _Given]:
    path = folder / FILE if file is None else file
    if file is None and not path.exists():
        return {}
    try:
        table = _flat(path.name, tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigurationError(f"{path.name}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name}: is not TOML: {error}") from None
    for name in table:
        _check_name(name, f"{path.name}: {name}")
    return {name: _Given(path.name, value) for name, value in table.items()}


def _flat(file: str, table: dict[str, Any]) -> dict[str, Any]:
    """The keys of the file, those of the table `[limits]` by their whole names."""
    within = table.get("limits")
    if not isinstance(within, dict):
        return table
    flat = {name: value for name, value in table.items() if name != "limits"}
    for name, value in within.items():
        if f"limits_{name}" in flat:
            raise ConfigurationError(f"{file}: limits_{name}: is given twice")
        flat[f"limits_{name}"] = value
    return flat


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    given: dict[str, _Given] = {}
    for variable in sorted(v for v in environ if v.startswith(PREFIX)):
        name, value = variable.removeprefix(PREFIX).lower(), environ[variable]
        secret = name.removesuffix("_file")
        if name.endswith("_file") and secret in KEYS and KEYS[secret].secret:
            if PREFIX + secret.upper() in environ:
                raise ConfigurationError(f"{variable}: is given together with {PREFIX}{secret.upper()}")
            given[secret] = _Given(variable, _read_secret(variable, Path(value)))
            continue
        _check_name(name, variable)
        separator = KEYS[name].separator
        given[name] = _Given(variable, value if separator is None else value.split(separator))
    return given


def _read_secret(variable: str, path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError as error:
        raise ConfigurationError(f"{variable}: the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{variable}: the file is not a secret written in hex") from None


def _check_name(name: str, where: str) -> None:
    if name in KEYS:
        return
    if name in LATER or name.startswith("oidc_"):
        raise ConfigurationError(f"{where}: is not supported by this version; remove it")
    near = difflib.get_close_matches(name[:64], KEYS, n=1, cutoff=0.5)
    hint = f"; the nearest known one is {near[0]}" if near else f"; known are {', '.join(KEYS)}"
    raise ConfigurationError(f"{where}: is not a known setting{hint}")


def _checked(name: str, given: _Given) -> Any:
    key, source, value = KEYS[name], given.source, given.value
    where = name if source in ("default", name) else f"{name} ({source})"
    if value is None or source == "default":
        return value
    if key.number and type(value) is int:
        value = str(value)
    wanted = list if key.separator else str
    if not isinstance(value, wanted) or (wanted is list and not all(isinstance(v, str) for v in value)):
        raise ConfigurationError(f"{where}: needs {'a list of texts' if key.separator else 'a text'}")
    for each in value if isinstance(value, list) else [value]:
        if why := key.fault(each):
            raise ConfigurationError(f"{where}: {why}")
    if name == "languages" and not value:
        raise ConfigurationError(f"{where}: needs at least one language")
    return tuple(value) if isinstance(value, list) else value


class Signs(Struct, frozen=True, kw_only=True):
    """How heads are signed: the deployment's `origin`, the folder of keys, the file outside, who vouches for them.

    `places` are those that may be called though they are private.
    """

    origin: str | None = "localhost"
    folder: Path | None = None
    outside: Path | None = None
    timestamp_urls: tuple[str, ...] = ()
    witnesses: tuple["Witness", ...] = ()
    places: tuple["PrivatePlace", ...] = ()


DEFAULT_SIGNS = Signs()
