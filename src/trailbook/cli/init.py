"""`init`, `config show` and `version`: beginning a log, and what is in force.

Owns what a newcomer is told to do next. Refuses to change a log that is there: a second `init` does nothing.
"""

import platform
import shlex

import typer

from trailbook import __version__, deployment as deployments
from trailbook.access import operator
from trailbook.cli.context import JSON, open_deployment, settings_of
from trailbook.cli.output import as_json, counted, put, table
from trailbook.cli.safety import placed
from trailbook.deployment import Settings, effective

FIRST_ORG = "main"
NEXT = """\
Next:
  {trailbook} record --action role.assigned --actor 'person:user/u-17=Anna Berg' \\
      --target role/r-3=Manager --concerns 'member:user/u-42=Bob Li'
  {trailbook} search
  {trailbook} api-keys new --name 'HR system' --scope record
  {trailbook} serve --sign-in
Before anything can be lost: set outside_file to a path on another machine's disk (docs/operate.md)."""

config = typer.Typer(add_completion=False, rich_markup_mode=None, help="Show the settings in force.")


def init(
    ctx: typer.Context,
    org: str | None = typer.Option(None, metavar="NAME", help=f"The organisation; else {FIRST_ORG}."),
    json: bool = JSON,
) -> None:
    """Begin a log: the store, its secrets and an organisation.

    Doing it again is harmless: what exists is left as it is, and the answer says so.
    """
    settings = settings_of(ctx, **({} if org is None else {"org": org}))
    name = settings.org or FIRST_ORG
    with open_deployment(settings, create=True) as deployment:
        new = name not in deployment.orgs()
        size = deployment.create(name).size(viewer=operator(name))
    kept = secrets_of(settings)
    if json:
        put(as_json({"org": name, "store": settings.store, "created": new, "size": size, **kept}))
    elif new:
        store = ctx.obj["store"]
        command = "trailbook" if store is None else f"trailbook --store {shlex.quote(store)}"
        lie = "".join(f" Its {what.replace('_', ' ')} are in {place}." for what, place in kept.items())
        put(
            f"The log of {name} has begun in {settings.store}.{lie}",
            *NEXT.format(trailbook=command).splitlines(),
        )
    else:
        put(
            f"{name} has a log in {settings.store} already, with {counted(size, 'entry', 'entries')};"
            " nothing was changed."
        )


def secrets_of(settings: Settings) -> dict[str, str]:
    """Where the secrets and the signing keys of these settings lie, those that lie in files."""
    locations = deployments.locations_of(settings)
    kept = {"secrets": placed(locations.keys_file) if settings.secret_key is None else None}
    kept["signing_keys"] = placed(locations.signing_folder)
    return {what: str(place) for what, place in kept.items() if place is not None}


@config.callback()
def _group() -> None:
    """Show the settings in force."""


@config.command("show")
def show(ctx: typer.Context, json: bool = JSON) -> None:
    """Show every setting with where it came from; secrets are hidden."""
    rows = effective(settings_of(ctx))
    if json:
        put(as_json({row["key"]: {"value": row["value"], "source": row["source"]} for row in rows}))
        return
    table((row["key"], row["source"], _value(row["value"])) for row in rows)


def version(json: bool = JSON) -> None:
    """Print the version."""
    python = platform.python_version()
    put(as_json({"version": __version__, "python": python}) if json else f"trailbook {__version__}")


def _value(value: str | tuple[str, ...] | None) -> str:
    return "-" if value in (None, ()) else value if isinstance(value, str) else ", ".join(value or ())
