"""`record`: one entry from options, or as JSON from standard input.

Owns how items are written as options. Refuses to guess: what the log asks for and is not given is refused by the
log's own rules, with the member named.
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import typer

from trailbook.adapters import MAX_LINE, strict_json
from trailbook.cli.context import JSON, open_log
from trailbook.cli.items import ITEM, parse_item
from trailbook.cli.output import as_json, put
from trailbook.errors import Fault, InvalidError
from trailbook.model import Item, NewEntry, entry_from, written

SOURCE = Item(type="source", id="cli", name="Trailbook command line")

Options = Mapping[str, Any]  # by the member of an entry that each fills; None where it was not given


def record(
    ctx: typer.Context,
    stdin: str | None = typer.Argument(None, metavar="-", help="- reads the entry as JSON from stdin."),
    action: str | None = typer.Option(None, metavar="NAME", help="What was done, such as role.assigned."),
    actor: str | None = typer.Option(None, metavar=f"KIND:{ITEM}", help="Who did it: person:user/u-17=Anna."),
    target: str | None = typer.Option(None, metavar=ITEM, help="The one item changed: role/r-3=Manager."),
    concerns: list[str] | None = typer.Option(
        None, metavar=f"PART:{ITEM}", help="Whom it is about: 'member:user/u-42=Bob Li'; repeat for more."
    ),
    at: str | None = typer.Option(None, metavar="TIME", help="When it happened, with an offset; else now."),
    field: list[str] | None = typer.Option(None, metavar="NAME", help="A changed field; repeat for more."),
    outcome: str | None = typer.Option(
        None, metavar="OUTCOME", help="success (as when absent), failure, denied."
    ),
    on_behalf_of: str | None = typer.Option(None, metavar=ITEM, help="For whom the actor acted."),
    purpose: str | None = typer.Option(None, metavar="NAME", help="Why, from the declared purposes."),
    effective_at: str | None = typer.Option(
        None, metavar="DATE", help="When it takes effect, if not at once."
    ),
    correlation: str | None = typer.Option(None, metavar="ID", help="What belongs together."),
    caused_by: str | None = typer.Option(None, metavar="UUID", help="The entry that led to it."),
    interface: str | None = typer.Option(None, metavar="NAME", help="Where it came from; else cli."),
    ip: str | None = typer.Option(None, metavar="ADDRESS", help="The address it came from."),
    user_agent: str | None = typer.Option(None, metavar="TEXT", help="The program it came from."),
    id_: str | None = typer.Option(None, "--id", metavar="UUID", help="The entry's id; else a new one."),
    json: bool = JSON,
) -> None:
    """Record one entry, from options or as JSON.

    An item is TYPE/ID or TYPE/ID=NAME; where an id has an equals sign in it, give the entry as JSON.
    """
    what = {"id": id_, "action": action, "occurred_at": at, "outcome": outcome, "purpose": purpose}
    cause = {"effective_at": effective_at, "correlation": correlation, "caused_by": caused_by}
    items = {
        "target": parse_item("target", target),
        "on_behalf_of": parse_item("on_behalf_of", on_behalf_of),
        "actor": parse_item("actor", actor, "kind"),
        "concerns": None if concerns is None else [parse_item("concerns", each, "part") for each in concerns],
    }
    members = _given({**what, **cause, "fields": field, **items})
    origin = _given({"interface": interface, "ip": ip, "user_agent": user_agent})
    if stdin is None:
        now = written(datetime.now(UTC))
        entry = {"occurred_at": now, **members, "origin": {"interface": "cli", **origin}}
    else:
        entry = _stdin(stdin, members | origin)
    _record(ctx, entry_from(entry), json)


def _given(options: Options) -> dict[str, Any]:
    """The members of an entry that were given; an option that was not is no member."""
    return {name: value for name, value in options.items() if value is not None}


def _stdin(source: str, options: Options) -> Any:
    if source != "-":
        raise _invalid("", "the only argument is -, for an entry as JSON on stdin; all else are options")
    if options:
        raise _invalid("", f"--{next(iter(options))} and JSON on stdin: give one or the other")
    return strict_json(sys.stdin.buffer.read(MAX_LINE + 1))


def _record(ctx: typer.Context, entry: NewEntry, json: bool) -> None:
    with open_log(ctx) as opened:
        result = opened.log.record_each([entry], source=SOURCE)[0]
    if result.refused is not None:
        raise result.refused
    receipt = result.receipt
    assert receipt is not None  # a result has one or the other
    if json:
        put(as_json(receipt))
    else:
        put(f"{receipt.id}  seq {receipt.seq}  {'recorded before' if receipt.replayed else receipt.state}")


def _invalid(pointer: str, detail: str) -> InvalidError:
    return InvalidError(detail, (Fault(pointer, "invalid", detail),))
