"""`search`, `count` and `show`: entries as sentences, or in JSON exactly as the API answers them.

Owns how an entry is laid out for a reader of a terminal. Refuses to find anything by itself: `Log` does.
"""

from datetime import datetime
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from trailbook.cli.context import JSON, LANG, language, open_log
from trailbook.cli.filters import Pairs, filtered, query_of
from trailbook.cli.output import as_json, counted, note, put, table
from trailbook.errors import Fault, InvalidError
from trailbook.finding import Shown, ShownItem
from trailbook.query import ONCE, local_time, split_params, zone


@filtered
def search(
    ctx: typer.Context,
    pairs: Pairs,
    order: str = typer.Option("desc", metavar="ORDER", help="desc or asc by time, or seq as recorded."),
    limit: str = typer.Option("50", metavar="N", help="1 to 200 entries."),
    cursor: str | None = typer.Option(None, metavar="CURSOR", help="Go on from a former answer."),
    lang: str | None = LANG,
    json: bool = JSON,
) -> None:
    """Find entries, newest first."""
    turn = [("order", order), ("limit", limit), *([("cursor", cursor)] if cursor is not None else [])]
    _, paging = split_params(turn)
    with open_log(ctx) as opened:
        query = query_of(opened, pairs)
        page = opened.log.search(
            query,
            viewer=opened.viewer,
            order=paging.order,
            limit=paging.limit,
            cursor=paging.cursor,
            count=True,
            lang=language(opened.settings, lang),
        )
    if json:
        put(as_json(page))
        return
    days = zone(query.tz)  # that which cut the days of the filter
    table((local(e.occurred_at, days), e.category, e.sentence, e.id) for e in page.entries)
    note(f"{len(page.entries)} of {counted(page.count or 0, 'entry', 'entries')}")
    if page.next_cursor is not None and page.entries:
        note(f"more: --as-of {page.as_of} --cursor {page.next_cursor}")


@filtered
def count(ctx: typer.Context, pairs: Pairs, lang: str | None = LANG, json: bool = JSON) -> None:
    """Count the entries that a filter finds."""
    with open_log(ctx) as opened:
        query = query_of(opened, pairs)
        matches, as_of = opened.log.count(query, viewer=opened.viewer, lang=language(opened.settings, lang))
    put(as_json({"count": matches, "as_of": as_of}) if json else str(matches))


def show(
    ctx: typer.Context,
    id_: str = typer.Argument(metavar="ID", help="The entry's id, a UUID."),
    tz: str | None = typer.Option(None, "--tz", metavar="ZONE", help=ONCE["tz"].option),
    lang: str | None = LANG,
    json: bool = JSON,
) -> None:
    """Show one entry by its id."""
    wanted = entry_id(id_)
    with open_log(ctx) as opened:
        clocks = zone(tz or opened.zone)
        entry = opened.log.show(wanted, viewer=opened.viewer, lang=language(opened.settings, lang))
    if json:
        put(as_json(entry))
        return
    put(entry.sentence, "")
    table(rows_of(entry, clocks))


def entry_id(text: str) -> UUID:
    """The id of an entry as given. Raises: InvalidError."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError("id: is not a UUID", (Fault("/id", "invalid", "is not a UUID"),)) from None


def local(at: str, clocks: ZoneInfo) -> str:
    """An instant of an answer as the clocks of a zone show it, with its offset."""
    return local_time(datetime.fromisoformat(at), clocks).isoformat(sep=" ", timespec="seconds")


def rows_of(entry: Shown, clocks: ZoneInfo) -> list[tuple[str, str]]:
    """What is known of an entry, a line each; what it does not have is left out."""
    rows: list[tuple[str, str | None]] = [
        ("id", entry.id),
        ("seq", str(entry.seq)),
        ("when", local(entry.occurred_at, clocks)),
        ("recorded", local(entry.recorded_at, clocks)),
        ("category", entry.category),
        ("action", entry.action),
        ("outcome", entry.outcome),
        ("actor", f"{entry.actor.kind} {named(entry.actor)}"),
        ("on behalf of", named(entry.on_behalf_of)),
        ("target", named(entry.target)),
        *((f"concerns ({concern.part})", named(concern)) for concern in entry.concerns),
        ("fields", ", ".join(entry.fields)),
        ("purpose", entry.purpose),
        ("effective at", entry.effective_at),
        (
            "origin",
            " ".join(filter(None, (entry.origin.interface, entry.origin.ip, entry.origin.user_agent))),
        ),
        ("source", named(entry.source)),
        ("correlation", entry.correlation),
        ("caused by", entry.caused_by),
        ("link", entry.link),
        ("state", entry.state),
    ]
    return [cast(tuple[str, str], row) for row in rows if row[1]]


def named(item: ShownItem | None) -> str | None:
    """An item for a reader: type/id, its name then and, where it differs, now."""
    if item is None:
        return None
    if item.erased:
        return f"{item.type} {item.pseudonym} (erased)"
    name = "" if item.name is None else f"  {item.name}"
    now = "" if item.name_now is None else f" (now {item.name_now})"
    return f"{item.type}/{item.id}{name}{now}" + ("" if item.exists else " (deleted)")
