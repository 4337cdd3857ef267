"""Tiles: the log as static files, for whoever follows it without asking the server.

Owns what an operator does to publish. Refuses to publish entries in silence: it says what they hold.
"""

from pathlib import Path

import typer

from trailbook import export
from trailbook.cli.context import JSON, open_log
from trailbook.cli.output import as_json, note, progress, put

tiles = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Publish the log as static files, for whoever follows it without a key.",
)
_HELD = (
    "Bundles of entries are public now. They hold no name and no address, but of every entry what was done, when, in"
    " which category, and the tokens of whom and what it is about: whoever knows one token can follow it through the"
    " whole log. What is copied from there cannot be taken back."
)


@tiles.callback()
def _group() -> None:
    """Publish the log as static files, for whoever follows it without a key."""


@tiles.command("publish")
def tiles_publish(
    ctx: typer.Context,
    folder: Path = typer.Argument(metavar="DIR", help="The folder that a web server or a bucket serves."),
    entries: bool = typer.Option(
        False,
        "--entries",
        help="Publish the hashed bytes of every entry too: no names, but what was done when, by and about which token.",
    ),
    json: bool = JSON,
) -> None:
    """Write the log, up to its last signed head, as files that any web server or bucket serves.

    Run again, it goes on where it stopped. Hashes alone are published, which tell nothing of an entry, and with them
    anybody can check that what they were shown is in the log, and that the log only grows.
    """
    with open_log(ctx) as opened, progress("Publishing") as advance:
        keys = opened.deployment.key_ranges(opened.log.org)
        published = export.publish(
            opened.log, folder, viewer=opened.viewer, keys=keys, entries=entries, progress=advance
        )
    head = f"{published.origin} is published up to size {published.size}"
    put(as_json(published) if json else f"{head}; tiles written: {published.written:,}.")
    if entries:
        note(_HELD)
        if published.holes:
            note(f"{published.holes:,} bundles are left out: retention removed an entry of each.")
