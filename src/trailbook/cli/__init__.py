"""The command line: one table of commands, each imported when it is asked for.

Owns the table, the three flags that come before a command, and that every ending has an exit code. This module
imports typer alone, so that `--help` answers at once. Refuses to touch a store: commands go through `Log`.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command


class Command(NamedTuple):
    """A command: its module in this folder, its function or group there, and the first line of its help."""

    module: str
    attribute: str
    summary: str


COMMANDS: dict[str, Command] = {
    "init": Command("init", "init", "Begin a log: the store, its secrets and an organisation."),
    "record": Command("record", "record", "Record one entry, from options or as JSON."),
    "search": Command("search", "search", "Find entries, newest first."),
    "count": Command("search", "count", "Count the entries that a filter finds."),
    "show": Command("search", "show", "Show one entry by its id."),
    "export": Command("transfer", "export", "Write exactly what a filter finds to a file."),
    "import": Command("transfer", "imports", "Record the entries of a file."),
    "capture": Command("triggers", "group", "Install, check and remove the triggers of a host."),
    "drain": Command("drain", "drain", "Move what waits in a host's outbox into the log."),
    "quarantine": Command("drain", "quarantine", "What the log refused of a host's outbox."),
    "verify": Command("verify", "verify", "Check that nothing was changed, and name everything that was."),
    "prove": Command("proofs", "prove", "Write the proof that an entry is in the signed tree."),
    "checkpoint": Command("proofs", "checkpoint", "Show or publish the signed head."),
    "tiles": Command(
        "tiles", "tiles", "Publish the log as static files, for whoever follows it without a key."
    ),
    "keys": Command("proofs", "keys", "Make, rotate and list the signing keys."),
    "witness": Command("witness", "group", "Cosign the heads of other people's logs."),
    "backup": Command("proofs", "backup", "Copy the store while recording goes on."),
    "restore": Command("proofs", "restore", "Put a backup in place of a log that is gone."),
    "reindex": Command(
        "doctor",
        "reindex",
        "Build the index of a log anew from its entries, and give personal items to whom the entries say.",
    ),
    "doctor": Command(
        "doctor", "doctor", "Say what is wrong or unsafe, and what to do; exit 1 when anything is."
    ),
    "erase": Command("proofs", "erase", "Erase a person; no proof breaks."),
    "serve": Command("serve", "serve", "Serve the page and the API."),
    "sign-in": Command("serve", "sign_in", "Print a link that signs somebody in once."),
    "demo": Command("demo", "demo", "Open the log of the demo company, Nordlys AS."),
    "catalogue": Command("catalogue", "group", "Show and check what can be recorded, and in which words."),
    "api-keys": Command("keys", "group", "Make, list, rotate and revoke the keys of host systems."),
    "org": Command("organisations", "org", "Begin, list, suspend and resume organisations."),
    "roles": Command("organisations", "roles", "List, make, change and remove roles."),
    "members": Command("organisations", "members", "Who has which roles, and who has an account."),
    "config": Command("init", "config", "Show the settings in force."),
    "version": Command("init", "version", "Print the version."),
}


# What to type for what one wants, for somebody who typed nothing else.
BEGINNINGS = """\
Trailbook keeps the activity log of an organisation: who did what, to what, about whom, and when.

To look around:
  trailbook demo                          open the log of a made-up company
To begin a log in this folder:
  trailbook init --org NAME               make it, and its keys
  trailbook serve --sign-in               open it in a browser
  trailbook record --help                 record the first entry
To read it:
  trailbook search date:last-week         find entries; count, show and export take the same filters
  trailbook verify                        check that nothing was changed
To care for it:
  trailbook doctor                        say what is wrong or unsafe, and what to do

All commands: trailbook --help. One of them: trailbook COMMAND --help.
"""


class _Commands(TyperGroup):
    """The group of the table: its help comes from the table, a command from its module."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # names for lists and hints

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])


def load(name: str) -> Any:
    """A command of the table, ready to run."""
    entry = COMMANDS[name]
    command = getattr(importlib.import_module(f"trailbook.cli.{entry.module}"), entry.attribute)
    if isinstance(command, typer.Typer):
        return get_command(command)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(command)
    return get_command(app)


app = typer.Typer(cls=_Commands, name="trailbook", add_completion=False, rich_markup_mode=None)


def _version(wanted: bool) -> None:
    if wanted:
        from trailbook.cli.init import version

        version(json=False)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def before(
    ctx: typer.Context,
    config: Path | None = typer.Option(
        None, metavar="FILE", help="Settings; else trailbook.toml in the current folder, if there is one."
    ),
    org: str | None = typer.Option(None, metavar="ORG", help="The organisation; else the only one there is."),
    store: str | None = typer.Option(None, metavar="URL", help="The store; else sqlite:///trailbook.db."),
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_version, help="Print the version."
    ),
) -> None:
    """The activity log: who did what, to what, about whom, and when."""
    ctx.obj = {"config": config, "org": org, "store": store}
    if ctx.invoked_subcommand is None:
        sys.stdout.write(BEGINNINGS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    from trailbook.cli.exits import ended

    return ended(get_command(app), sys.argv[1:] if arguments is None else arguments)
