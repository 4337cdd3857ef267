"""From flags to an open log: settings, deployment, organisation, and the viewer a command reads as.

Owns which organisation is meant. Whoever can run a command on the files has Activity log at full, as its operator.
Refuses to import the core before a command needs a log.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from msgspec import Struct

from trailbook import deployment as deployments
from trailbook.access import Viewer, operator
from trailbook.deployment import Settings, read_settings
from trailbook.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from trailbook.deployment import Deployment
    from trailbook.log import Log

JSON = typer.Option(False, "--json", help="Answer in JSON.")
LANG = typer.Option(None, "--lang", metavar="LANG", help="The language of sentences; else the first enabled.")


class Opened(Struct, frozen=True, kw_only=True):
    """Everything a command on one organisation's log needs."""

    settings: Settings
    deployment: "Deployment"
    log: "Log"
    viewer: Viewer


def settings_of(ctx: typer.Context, **flags: str | None) -> Settings:
    """The settings in force for this command. Raises: ConfigurationError."""
    before: dict[str, Any] = ctx.obj
    given = {"org": before["org"], "store": before["store"], **flags}
    return read_settings(given, file=before["config"], environ=os.environ, folder=Path())


@contextmanager
def opened(found: Settings, *, create: bool = False) -> Iterator["Deployment"]:
    """The open deployment of these settings. Raises: ConfigurationError, CatalogueError, NotFoundError, StoreError."""
    deployment: Deployment = deployments.open_deployment(
        found.store,
        keys=_keys(found),
        create=create,
        folders=[Path(each) for each in found.catalogue],
        signs=deployments.Signs(
            origin=found.origin,
            folder=_path(found.signing_key),
            outside=_path(found.outside_file),
            timestamp_urls=found.timestamp_urls,
        ),
    )
    try:
        for lang in found.languages:
            deployment.catalogue.language(lang)
        yield deployment
    finally:
        deployment.close()


@contextmanager
def open_log(ctx: typer.Context) -> Iterator[Opened]:
    """The log that is meant. Raises: as `opened`; ConfigurationError when several organisations may be meant."""
    found = settings_of(ctx)
    with opened(found) as deployment:
        org = found.org or only_org(deployment)
        log = deployment.log(org)
        yield Opened(settings=found, deployment=deployment, log=log, viewer=operator(org))


def only_org(deployment: "Deployment") -> str:
    """The only organisation of a store. Raises: NotFoundError when there is none; ConfigurationError for several."""
    orgs = deployment.orgs()
    if not orgs:
        raise NotFoundError("the store has no organisation; `trailbook init --org NAME` makes one")
    if len(orgs) > 1:
        raise ConfigurationError(f"org: there are several, name one with --org: {', '.join(orgs)}")
    return orgs[0]


def language(found: Settings, lang: str | None) -> str:
    """The language asked for. Raises: ConfigurationError when it is not enabled."""
    if lang is not None and lang not in found.languages:
        raise ConfigurationError(
            f"lang: {lang[:20]!r} is not enabled; there are {', '.join(found.languages)}"
        )
    return lang or found.languages[0]


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _keys(found: Settings) -> Any:
    if found.secret_key is None or found.organisation_key is None:
        return None
    keys = deployments.Keys
    return keys(bytes.fromhex(found.secret_key), bytes.fromhex(found.organisation_key))
