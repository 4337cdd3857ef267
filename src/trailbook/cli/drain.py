"""`drain` and `quarantine`: a host's outbox into the log, and what the log refused of it.

Owns the words for both. Refuses to show the content of a refused entry: who, where and why it was refused is enough to
repair the host, and the host has the entry.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from msgspec import to_builtins

from trailbook import capture
from trailbook.cli.context import JSON, opened, settings_of
from trailbook.cli.exits import DONE, FOUND
from trailbook.cli.output import as_json, note, put, table
from trailbook.errors import ConfigurationError
from trailbook.model import Item, instant, written

FROM = typer.Option(
    ...,
    "--from",
    metavar="URL",
    help="The host's database for SQLAlchemy; env:NAME takes it from a variable.",
)
quarantine = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="What the log refused of a host's outbox."
)


def drain(
    ctx: typer.Context,
    url: str = FROM,
    follow: bool = typer.Option(False, "--follow", help="Go on until interrupted."),
    batch: int = typer.Option(500, metavar="N", help="Rows of the outbox in one pass."),
    source: str = typer.Option(
        "capture", metavar="ID", help="The source that the entries are recorded under."
    ),
    json: bool = JSON,
) -> int:
    """Move what waits in a host's outbox into the log.

    Exit 1 when the log refused something. Each entry is recorded once, by its id, however often this is interrupted.
    """
    if not 1 <= batch <= 10_000:
        raise ConfigurationError("batch: is not 1 to 10000")
    with open_host(url) as engine, opened(settings_of(ctx)) as deployment:
        ways = capture.Ways(batch=batch, source=Item(type="source", id=source, name=f"Capture {source}"))
        if follow:
            done = capture.drain_forever(engine, deployment.log, _until_told(), ways=ways, failed=_failed)
        else:
            done = capture.drain(engine, deployment.log, ways)
        health = capture.outbox_health(engine)
    told = {**to_builtins(done), **to_builtins(health)}
    if json:
        put(as_json(told))
    else:
        put(
            f"{done.recorded} recorded, {done.folded} folded, {done.quarantined} refused; {health.pending} wait"
        )
    return FOUND if done.quarantined else DONE


@quarantine.callback()
def _group() -> None:
    """What the log refused of a host's outbox."""


@quarantine.command("list")
def listed(ctx: typer.Context, url: str = FROM, json: bool = JSON) -> None:
    """List what was refused, oldest first, and why; never what it said."""
    with open_host(url) as engine:
        found = [(f"{p.position}.{p.part}", p) for p in capture.list_quarantined(engine)]
    rows = [
        {"id": id_, "org": p.org, "code": p.code, "pointer": p.pointer, "since": written(instant(p.since))}
        for id_, p in found
    ]
    if json:
        put(as_json(rows))
    else:
        table([("id", "organisation", "code", "where", "since"), *(tuple(row.values()) for row in rows)])


@quarantine.command("retry")
def retry(ctx: typer.Context, url: str = FROM, json: bool = JSON) -> int:
    """Give the log everything in quarantine once more, after the catalogue or the host was repaired."""
    with open_host(url) as engine, opened(settings_of(ctx)) as deployment:
        done = capture.retry_quarantined(engine, deployment.log)
    put(as_json(done) if json else f"{done.recorded} recorded, {done.quarantined} still refused")
    return FOUND if done.quarantined else DONE


@quarantine.command("discard")
def discard(
    ctx: typer.Context,
    id_: str = typer.Argument(metavar="ID", help="As `list` shows it."),
    url: str = FROM,
    json: bool = JSON,
) -> None:
    """Forget one refused entry; that something was refused stays in the log."""
    position, _, part = id_.partition(".")
    if not (position.isdecimal() and part.isdecimal()):
        raise ConfigurationError(f"id: {id_[:40]!r} is not such as 12.0")
    with open_host(url) as engine:
        capture.discard_quarantined(engine, int(position), int(part))
    if json:
        put(as_json({"discarded": id_}))
    else:
        note(f"{id_} is forgotten")


@contextmanager
def open_host(url: str, *, new: bool = False) -> Iterator[Any]:
    """The engine of a host's database; a `new` one may lack an outbox.

    Raises: ConfigurationError, NotFoundError, StoreError.
    """
    kind, _, name = url.partition(":")
    if kind == "env":
        found = os.environ.get(name)
        if found is None:
            raise ConfigurationError(f"from: there is no variable {name}")
        url = found
    with capture.open_host(url, new=new) as engine:
        yield engine


def _until_told() -> threading.Event:
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, frame: stop.set())
    return stop


def _failed(error: Exception) -> None:
    note(f"waiting: {type(error).__name__}; what was captured stays in the outbox")
