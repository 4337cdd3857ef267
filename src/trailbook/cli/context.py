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

from trailbook import administration, deployment as deployments
from trailbook.access import Viewer, operator
from trailbook.deployment import Settings, read_settings
from trailbook.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from trailbook.administration import By
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

    @property
    def zone(self) -> str:
        """The IANA zone of the organisation, in which its pages cut days too."""
        return self.log.working_hours().tz

    @property
    def by(self) -> "By":
        """Who changes access here."""
        return administration.By(self.deployment, self.viewer)


def settings_of(ctx: typer.Context, **flags: str | None) -> Settings:
    """The settings in force for this command. Raises: ConfigurationError."""
    before: dict[str, Any] = ctx.obj
    flags = {"org": before["org"], "store": before["store"], **flags}
    return read_settings(flags, file=before["config"], environ=os.environ, folder=Path())


@contextmanager
def open_deployment(settings: Settings, *, create: bool = False) -> Iterator["Deployment"]:
    """The open deployment of these settings. Raises: ConfigurationError, CatalogueError, NotFoundError, StoreError."""
    deployment = deployments.open_configured(settings, create=create)
    try:
        yield deployment
    finally:
        deployment.close()


@contextmanager
def open_log(ctx: typer.Context) -> Iterator[Opened]:
    """The log that is meant.

    Raises: as `open_deployment`; ConfigurationError when several organisations may be meant.
    """
    settings = settings_of(ctx)
    with open_deployment(settings) as deployment:
        org = settings.org or only_org(deployment)
        log = deployment.log(org)
        yield Opened(settings=settings, deployment=deployment, log=log, viewer=operator(org))


def only_org(deployment: "Deployment") -> str:
    """The only organisation of a store. Raises: NotFoundError when there is none; ConfigurationError for several."""
    orgs = deployment.orgs()
    if not orgs:
        raise NotFoundError("the store has no organisation; `trailbook init --org NAME` makes one")
    if len(orgs) > 1:
        raise ConfigurationError(f"org: there are several, name one with --org: {', '.join(orgs)}")
    return orgs[0]


def language(settings: Settings, lang: str | None) -> str:
    """The language asked for. Raises: ConfigurationError when it is not enabled."""
    if lang is not None and lang not in settings.languages:
        raise ConfigurationError(
            f"lang: {lang[:20]!r} is not enabled; there are {', '.join(settings.languages)}"
        )
    return lang or settings.languages[0]
