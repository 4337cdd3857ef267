"""`TRAILBOOK` in a host's settings: what capture is to know of the host, each member checked when Django starts.

Owns the members, their defaults and their check. Refuses a member that it does not know and a value of the wrong kind,
naming both.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from msgspec import Meta, Struct

from trailbook.errors import ConfigurationError
from trailbook.model import Interface, prepare


class BoundsMember(Struct, frozen=True, forbid_unknown_fields=True):
    """How many rows may wait, as `trailbook.capture.Bounds`."""

    outbox: Annotated[int, Meta(ge=0)] = 100_000
    spool: Annotated[int, Meta(ge=0)] = 1_000_000
    every: Annotated[float, Meta(ge=0)] = 1.0


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The members of `TRAILBOOK`."""

    org: Any
    name: str = "capture"
    job: str | None = None
    folders: Sequence[Any] = ()
    bounds: BoundsMember = BoundsMember()
    on_failure: Mapping[str, Literal["refuse", "spool"]] = {}
    actor: Any = None
    trusted_proxies: Sequence[str] = ()
    anonymous: str = "web"
    interface: Interface = "web"
    truncate: Literal["refuse", "allow"] = "refuse"
    log: Any = None
    base_url: str | None = None
    viewer: Any = None


prepare(Settings)


_ORG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CALLABLES = ("org", "actor", "viewer")


def checked(members: object) -> Settings:
    """The settings of a host. Raises: ConfigurationError naming the member that is wrong."""
    if not isinstance(members, Mapping):
        raise ConfigurationError("TRAILBOOK: is not a dict")
    known = {field.name for field in msgspec.structs.fields(Settings)}
    for name in members:
        if name not in known:
            raise _fault(str(name), f"is not known; there are {', '.join(sorted(known))}")
    if "org" not in members:
        raise _fault("org", "has to be given: the organisation whose log this is")
    values = {name: _value(name, value) for name, value in members.items()}
    try:
        settings = Settings(**{name: values[name] for name in _CALLABLES if name in values})
        plain = {name: value for name, value in values.items() if name not in (*_CALLABLES, "folders", "log")}
        rest = msgspec.convert({**plain, "org": ""}, Settings)
    except msgspec.ValidationError as error:
        raise _fault(_member(error), str(error).split(" - at")[0]) from None
    own = {name: getattr(settings, name) for name in _CALLABLES} | {"log": values.get("log")}
    return msgspec.structs.replace(rest, **own, folders=values.get("folders", ()))


def _value(name: str, value: Any) -> Any:
    if name == "org" and not callable(value):
        if not isinstance(value, str) or not value:
            raise _fault("org", "is neither a name nor a callable that takes a row")
        return _callable(name, value) if "." in value else _organisation(value)
    if name in ("actor", "viewer") and value is not None:
        return _callable(name, value)
    if name == "folders":
        return [_path(name, each) for each in _listed(name, value)]
    if name == "log" and value is not None:
        return _log(str(_path(name, value)))
    if name == "base_url" and value is not None:
        return _address(value)
    if name == "trusted_proxies":
        return [_network(each) for each in _listed(name, value)]
    return value


def _callable(name: str, value: Any) -> Callable[..., Any]:
    if isinstance(value, str):
        try:
            value = import_string(value)
        except (ImportError, ImproperlyConfigured) as error:
            raise _fault(name, f"cannot be imported: {error}") from None
    if not callable(value):
        raise _fault(name, "is neither a callable nor the dotted path of one")
    made: Callable[..., Any] = value
    return made


def _listed(name: str, value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _fault(name, "is not a list")
    return list(value)


def _path(name: str, value: Any) -> Any:
    if not isinstance(value, str | Path):
        raise _fault(name, "is not a path")
    return Path(value) if name == "folders" else value


def _organisation(value: str) -> str:
    if not _ORG.fullmatch(value):
        raise _fault(
            "org",
            f"{value!r} is no organisation's name: 1 to 63 lower-case letters, digits and hyphens, beginning with a "
            "letter or digit",
        )
    return value


def _log(value: str) -> str:
    if not value:
        raise _fault("log", "is empty; it is the file of the log, its URL, or its trailbook.toml")
    if "://" in value and not value.startswith("sqlite:///"):
        raise _fault("log", f"{value.partition('://')[0]}:// is no URL of a log; sqlite:///FILE is")
    return value


def _address(value: Any) -> str:
    """An origin as people use it; a path below it would be taken for the page's."""
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or parts.username is not None:
        raise _fault("base_url", f"{value!r} is not an address such as https://hr.example")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _fault(
            "base_url",
            f"{value!r} has more than scheme and host: where the page lies Django's URLs say, and FORCE_SCRIPT_NAME",
        )
    return str(value)


def _network(value: Any) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise _fault("trusted_proxies", f"{value!r} is neither an address nor a network") from None
    return str(value)


def _member(error: msgspec.ValidationError) -> str:
    """The member that a fault of msgspec names: `... - at `$.bounds.outbox``."""
    return str(error).rpartition("`$.")[2].rstrip("`") or "?"


def _fault(member: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"TRAILBOOK: {member}: {why}")
