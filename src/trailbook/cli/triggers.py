"""`capture install`, `check` and `remove`: the triggers of a host's declarations in its database.

Owns how a host's declarations are named on the command line. Refuses to import anything but what it is told to.
"""

import importlib
import os
import sys
from typing import Any

import typer

from trailbook import capture as captures
from trailbook.cli.context import JSON
from trailbook.cli.drain import FROM, open_host
from trailbook.cli.exits import DONE, FOUND
from trailbook.cli.output import as_json, note, put, table
from trailbook.errors import ConfigurationError

APP = typer.Option(
    ..., "--app", metavar="MODULE:NAME", help="The host's Capture, such as hr.capture:capture."
)
group = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Install, check and remove the triggers of a host."
)


@group.command("install")
def install(app: str = APP, url: str = FROM, json: bool = JSON) -> None:
    """Make the outbox, and the triggers of every table that is declared with by="triggers"."""
    capture = _capture(app)
    with open_host(url, new=True) as (_, engine), engine.begin() as connection:
        captures.install_outbox(connection)
        made = captures.install_triggers(connection, capture.triggered(), capture.org)
    put(as_json(made)) if json else put(*made)
    note(f"{len(made)} triggers")


@group.command("check")
def check(app: str = APP, url: str = FROM, json: bool = JSON) -> int:
    """Say what is not covered: triggers that are missing or differ, and what hooks cannot see; exit 1 if anything."""
    capture = _capture(app)
    with open_host(url) as (_, engine), engine.connect() as connection:
        found = [*captures.check_triggers(connection, capture.triggered(), capture.org), *capture.check()]
    if json:
        put(as_json(found))
    elif found:
        table([("table", "code", "what"), *((each.table, each.code, each.detail) for each in found)])
    return FOUND if found else DONE


@group.command("remove")
def remove(app: str = APP, url: str = FROM, json: bool = JSON) -> None:
    """Drop the triggers; the outbox and what waits in it stays."""
    capture = _capture(app)
    with open_host(url) as (_, engine), engine.begin() as connection:
        gone = captures.remove_triggers(connection, capture.triggered(), capture.org)
    put(as_json(gone)) if json else put(*gone)
    note(f"{len(gone)} triggers removed")


def _capture(app: str) -> Any:
    module, _, name = app.partition(":")
    sys.path.insert(0, os.getcwd())  # as `python -m` does
    try:
        found = getattr(importlib.import_module(module), name or "capture")
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"app: {app[:100]!r} is not there ({type(error).__name__})") from None
    if not isinstance(found, captures.Capture):
        raise ConfigurationError(f"app: {app[:100]!r} is no Capture")
    return found
