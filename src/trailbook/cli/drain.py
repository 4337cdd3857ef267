"""`drain` and `quarantine`: a host's outbox into the log, and what the log refused of it.

Owns the words for both. Refuses to show the content of a refused entry: who, where and why it was refused is enough to
repair the host, and the host has the entry.
"""

import os
import signal
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import typer
from msgspec import to_builtins

from trailbook import capture
from trailbook.cli.context import JSON, open_deployment, settings_of
from trailbook.cli.exits import DONE, FINDINGS
from trailbook.cli.items import sound
from trailbook.cli.output import as_json, counted, note, put, table
from trailbook.errors import ConfigurationError
from trailbook.model import Item, instant, written

if TYPE_CHECKING:
    from trailbook.capture import Poison, Ways
    from trailbook.deployment import Deployment

    Host = Any  # a database as SQLAlchemy has it, or a `HostDatabase`

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

    Exit 1 while anything lies in quarantine, refused now or earlier. Each entry is recorded once, by its id, however
    often this is interrupted.
    """
    ways = ways_of(batch, source)
    with opened_host(url) as engine, open_deployment(settings_of(ctx)) as deployment:
        return moved(engine, deployment, ways, follow=follow, json=json)


def ways_of(batch: int, source: str) -> "Ways":
    """How a drain works, as it was asked for. Raises: ConfigurationError."""
    if not 1 <= batch <= 10_000:
        raise ConfigurationError("batch: is not 1 to 10000")
    item = sound(Item(type="source", id=source, name=f"Capture {source}"), "source")
    return capture.Ways(batch=batch, source=item)


def moved(host: "Host", deployment: "Deployment", ways: "Ways", *, follow: bool, json: bool) -> int:
    """Move what waits in a host's outbox, once or until interrupted, and say what became of it."""
    if follow:
        done = capture.drain_forever(host, deployment.log, _until_signalled(), ways=ways, failed=_failed)
    else:
        done = capture.drain(host, deployment.log, ways)
    health = capture.outbox_health(host)
    if json:
        put(as_json({**to_builtins(done), **to_builtins(health)}))
    else:
        counts = f"{done.recorded} recorded, {done.folded} folded, {done.quarantined} refused"
        mended = f", {counted(done.mended, 'name')} mended" if done.mended else ""
        earlier = max(health.quarantined - done.quarantined, 0)
        put(f"{counts}{mended}{f', {earlier} refused earlier' if earlier else ''}; {health.pending} wait")
    for why in _reasons(host):
        note(why)
    return FINDINGS if health.quarantined else DONE  # until somebody has mended or discarded it


def _reasons(host: "Host") -> list[str]:
    """Why the log refused what is in quarantine, each reason once."""
    reasons = ((p.org, p.code, p.pointer) for p in capture.list_quarantined(host))
    return [f"refused: {org}: {code} {pointer}".rstrip() for org, code, pointer in dict.fromkeys(reasons)]


@quarantine.callback()
def _group() -> None:
    """What the log refused of a host's outbox."""


@quarantine.command("list")
def listed(ctx: typer.Context, url: str = FROM, json: bool = JSON) -> None:
    """List what was refused, oldest first, and why; never what it said."""
    with opened_host(url) as engine:
        rows = [_listed(poison) for poison in capture.list_quarantined(engine)]
    if json:
        put(as_json(rows))
    else:
        table([("id", "organisation", "code", "where", "since"), *(tuple(row.values()) for row in rows)])


@quarantine.command("retry")
def retry(ctx: typer.Context, url: str = FROM, json: bool = JSON) -> int:
    """Give the log everything in quarantine once more, after the catalogue or the host was repaired."""
    with opened_host(url) as engine, open_deployment(settings_of(ctx)) as deployment:
        done = capture.retry_quarantined(engine, deployment.log)
    put(as_json(done) if json else f"{done.recorded} recorded, {done.quarantined} still refused")
    return FINDINGS if done.quarantined else DONE


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
    with opened_host(url) as engine:
        capture.discard_quarantined(engine, int(position), int(part))
    if json:
        put(as_json({"discarded": id_}))
    else:
        note(f"{id_} is forgotten")


def opened_host(url: str, *, new: bool = False) -> "AbstractContextManager[Any]":
    """A host's database as SQLAlchemy has it. Raises: ConfigurationError where that is not installed."""
    try:
        opener = capture.open_host
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sqlalchemy":
            raise
        raise ConfigurationError(
            "from: needs the extra: pip install 'trailbook[capture]'; in a Django project `manage.py trailbook drain` "
            "needs none"
        ) from None
    return opener(_host_url(url), new=new)


def _host_url(url: str) -> str:
    """The address of a host's database, out of a variable where it says so. Raises: ConfigurationError."""
    kind, _, name = url.partition(":")
    if kind != "env":
        return url
    if name not in os.environ:
        raise ConfigurationError(f"from: there is no variable {name}")
    return os.environ[name]


def _listed(poison: "Poison") -> dict[str, str]:
    since = written(instant(poison.since))
    id_ = f"{poison.position}.{poison.part}"
    return {"id": id_, "org": poison.org, "code": poison.code, "pointer": poison.pointer, "since": since}


def _until_signalled() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _failed(error: Exception) -> None:
    note(f"waiting: {type(error).__name__}; what was captured stays in the outbox")
