"""The log of a Django host: which it is, who asks in a request, and as whom they read.

Owns `TRAILBOOK["log"]`, `["base_url"]` and `["viewer"]`, and that each process opens the log once, when it is first
needed. Refuses to go on without a log, and to make one: `trailbook init` does.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest

from trailbook.access import Viewer
from trailbook.capture.django import signed_in, the_host
from trailbook.deployment import Deployment, open_configured, open_deployment, read_settings
from trailbook.errors import ConfigurationError
from trailbook.model import Actor, Item
from trailbook.web import HostUser, host_viewer

SETTINGS_FILE, _FILE = ".toml", "sqlite:///"


def host_log() -> Deployment:
    """The open log of this host, one for each process. Raises: ConfigurationError, NotFoundError, StoreError."""
    return _opened(os.getpid(), log_url())


@cache
def _opened(process: int, url: str) -> Deployment:
    if url.endswith(SETTINGS_FILE):
        file = Path(url)
        return open_configured(read_settings({}, file=file, environ=os.environ, folder=file.parent))
    return open_deployment(url, folders=the_host().settings.folders)


def log_url() -> str:
    """The URL of the log, or its file of settings, `trailbook.toml`. Raises: ConfigurationError without one."""
    log: str | None = the_host().settings.log
    if log is None:
        raise ConfigurationError(
            "TRAILBOOK: log: has to be given: the file of the log, its URL, or its trailbook.toml"
        )
    if log.endswith(SETTINGS_FILE) or "://" in log:
        return log
    return f"sqlite:///{Path(log).absolute()}"


def log_folder() -> Path | None:
    """The folder of a log that is a file, or of its settings; None for one that is elsewhere, or not given."""
    log: str | None = the_host().settings.log
    if log is None or ("://" in log and not log.startswith(_FILE)):
        return None
    return Path(log.removeprefix(_FILE)).absolute().parent


def base_url() -> str:
    """The address of the host that people use. Raises: ConfigurationError without one."""
    address: str | None = the_host().settings.base_url
    if address is None:
        raise ConfigurationError(
            "TRAILBOOK: base_url: has to be given: the address that people use, https://hr.example"
        )
    return address.rstrip("/")


def host_user(request: HttpRequest) -> HostUser | None:
    """Whom the host has signed in, as `TRAILBOOK["viewer"]` says; without it whoever acts in the request.

    Raises: TypeError for what names nobody; ConfigurationError where the organisation depends on a row, and `viewer`
    does not say which it is.
    """
    settings = the_host().settings
    if settings.viewer is not None:
        user: Any = settings.viewer(request)
        if user is not None and not isinstance(user, HostUser):
            raise TypeError(
                f"TRAILBOOK: viewer: gives {type(user).__name__}, which is neither a HostUser nor None"
            )
        return user
    find = settings.actor or signed_in
    actor: Actor | None = (async_to_sync(find) if iscoroutinefunction(find) else find)(request)
    if actor is None or actor.kind != "person":
        return None
    if callable(settings.org):
        raise ConfigurationError("TRAILBOOK: viewer: has to be given, for org is a callable that takes a row")
    return HostUser(settings.org, Item(type=actor.type, id=actor.id, name=actor.name))


def viewer_in(request: HttpRequest) -> Viewer:
    """The viewer that a request reads as. Raises: as `host_viewer`, `host_user` and `host_log`."""
    return host_viewer(host_log(), host_user(request))
