"""`capture install`, `check` and `remove`: the triggers of a host's declarations in its database.

Owns how a host's declarations are named on the command line. Refuses to import anything but what it is told to.
"""

import importlib
import os
import sys
from typing import TYPE_CHECKING

import typer

from trailbook import capture as captures
from trailbook.cli.context import JSON
from trailbook.cli.drain import FROM, opened_host
from trailbook.cli.exits import DONE, FINDINGS
from trailbook.cli.output import as_json, note, put, table
from trailbook.errors import ConfigurationError

if TYPE_CHECKING:
    from trailbook.capture import Capture

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
    with opened_host(url, new=True) as engine, engine.begin() as connection:
        names = capture.mend(connection)
    put(as_json(names)) if json else put(*names)
    note(f"{len(names)} triggers")


@group.command("check")
def check(app: str = APP, url: str = FROM, json: bool = JSON) -> int:
    """Say what is not covered: triggers that are missing or differ, and what hooks cannot see; exit 1 if anything."""
    capture = _capture(app)
    with opened_host(url) as engine, engine.connect() as connection:
        blindspots = captures.check_triggers(connection, capture.triggered(), capture.org) + capture.check()
    if json:
        put(as_json(blindspots))
    elif blindspots:
        table([("table", "code", "what"), *((spot.table, spot.code, spot.detail) for spot in blindspots)])
    return FINDINGS if blindspots else DONE


@group.command("remove")
def remove(app: str = APP, url: str = FROM, json: bool = JSON) -> None:
    """Drop the triggers; the outbox and what waits in it stays."""
    capture = _capture(app)
    with opened_host(url) as engine, engine.begin() as connection:
        names = captures.remove_triggers(connection, capture.triggered(), capture.org)
    put(as_json(names)) if json else put(*names)
    note(f"{len(names)} triggers removed")


def _capture(app: str) -> "Capture":
    module, _, name = app.partition(":")
    sys.path.insert(0, os.getcwd())  # as `python -m` does
    try:
        capture = getattr(importlib.import_module(module), name or "capture")
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"app: {app[:100]!r} is not there ({type(error).__name__})") from None
    if not isinstance(capture, captures.Capture):
        raise ConfigurationError(f"app: {app[:100]!r} is no Capture")
    return capture
