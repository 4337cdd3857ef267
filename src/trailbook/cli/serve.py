"""`serve` and `sign-in`: the page and the API on this machine, and links that sign somebody in once.

Owns the socket and how the server ends. Refuses to write who asked for what: there is no access log.
"""

import ctypes
import errno
import gc
import importlib
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from trailbook import access, deployment as deployments, web
from trailbook.access import Level
from trailbook.cli.context import JSON, only_org, open_deployment, settings_of
from trailbook.cli.items import ITEM, parse_item, sound
from trailbook.cli.output import as_json, put
from trailbook.cli.server_lock import alone, served_at
from trailbook.deployment import Settings
from trailbook.errors import ConfigurationError
from trailbook.model import Item

if TYPE_CHECKING:
    from trailbook.deployment import Deployment
    from trailbook.web import Limits

LISTEN = typer.Option(None, metavar="HOST:PORT", help="Where to listen; else 127.0.0.1:8750.")
BASE_URL = typer.Option(None, metavar="URL", help="The address people use; else the one listened at.")
M_MMAP_THRESHOLD, LARGE = (
    -3,
    1024 * 1024,
)  # from how many bytes on a block is a mapping of its own: mallopt(3)
OPERATOR = "user/operator=Operator"
ADMINISTRATOR = "system-administrator"
Brings = Level | tuple[str, ...] | None  # the roles that a link brings along; None: those of the membership


def serve(
    ctx: typer.Context,
    listen: str | None = LISTEN,
    base_url: str | None = BASE_URL,
    sign_in: bool = typer.Option(False, "--sign-in", help="Also print a link that signs you in once."),
    json: bool = JSON,
) -> None:
    """Serve the page and the API."""
    settings = settings_of(ctx, listen=listen, base_url=base_url)
    with (
        bound(settings.listen) as listening,
        open_deployment(settings) as deployment,
        served(settings, listening) as address,
    ):
        addresses = {"address": address}
        if sign_in:
            org, who = settings.org or only_org(deployment), _person(OPERATOR)
            addresses["sign_in"] = link(deployment, org, who, brings=(ADMINISTRATOR,), address=address)
        settle(deployment, settings)
        app = web.create_app(
            deployment,
            base_url=address,
            languages=settings.languages,
            folder=deployments.locations_of(settings).export_folder(),
            export_days=int(settings.export_days),
            limits=limits_of(settings),
            trusted_proxies=settings.trusted_proxies,
        )
        put(*([as_json(addresses)] if json else addresses.values()))
        sys.stdout.flush()
        with deployment.signing_beside():
            run(app, listening, settings.log_level)


def sign_in(
    ctx: typer.Context,
    as_: str = typer.Option(OPERATOR, "--as", metavar=ITEM, help="Who is signed in."),
    no_access: bool = typer.Option(
        False, "--no-access", help="Without access to the log, to see the refusal."
    ),
    role: list[str] | None = typer.Option(
        None, "--role", metavar="ROLE", help="Only with this role, by its id; repeat for several."
    ),
    member: bool = typer.Option(False, "--member", help="With the roles that they have as a member."),
    base_url: str | None = BASE_URL,
    json: bool = JSON,
) -> None:
    """Print a link that signs somebody in once.

    It works once, within the hour, and gives full access to the activity log of one organisation, unless told
    otherwise.
    """
    settings = settings_of(ctx, base_url=base_url)
    who = _person(as_)
    with open_deployment(settings) as deployment:
        address = (
            settings.base_url
            or served_at(deployments.locations_of(settings).lock_file())
            or f"http://{settings.listen}"
        )
        org = settings.org or only_org(deployment)
        deployment.log(org)  # a link into a log that is not there would be refused too late
        brings: Brings = tuple(role) if role else None if member else "none" if no_access else "full"
        text = link(deployment, org, who, brings=brings, address=address)
    put(as_json({"link": text, "as": f"{who.type}/{who.id}"}) if json else text)


def served(settings: Settings, listening: socket.socket) -> AbstractContextManager[str]:
    """Hold the log as its only server; gives the address. Raises: ConfigurationError when another serves it."""
    lock = deployments.locations_of(settings).lock_file()
    return alone(lock, settings.base_url or address_of(listening))


def run(app: Any, listening: socket.socket, log_level: str) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first."""
    uvicorn = importlib.import_module("uvicorn")
    limits = app.state.limits
    config = uvicorn.Config(
        app,
        log_level=log_level,
        access_log=False,
        proxy_headers=False,  # what proxies say is read by the application, and of trusted ones only
        server_header=False,
        ws="none",
        http=web.waiting(app),
        timeout_keep_alive=limits.idle_seconds,
    )
    server = uvicorn.Server(config)

    def end(*_: object) -> None:
        # Before uvicorn listens for it nobody else would hear it, and the server would go on for ever. Once it has
        # drained uvicorn raises it again: a SIGTERM that was obeyed is a good end.
        if not server.started:
            raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    app.state.streams.stopping = lambda: (
        server.should_exit
    )  # a stream would hold up the end for as long as it is read
    _give_back()
    gc.collect()
    gc.freeze()  # what is there now stays: looking through all of it held every answer up for a tenth of a second
    server.run(sockets=[listening])


def _give_back() -> None:
    """Let memory for large bodies go back to the system once they are answered, where the C library can be told so."""
    # Else it keeps, for each thread, as much as the largest bodies took together.
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


def settle(deployment: "Deployment", settings: Settings) -> None:
    """Give a deployment the life that is set for sessions that nobody uses."""
    deployment.credentials.lives = access.Lifetimes(idle=timedelta(minutes=int(settings.session_minutes)))


def limits_of(settings: Settings) -> "Limits":
    """The limits that are set, as the web application takes them."""
    rates, seconds = ("reading", "tiles", "recording", "failures"), ("header", "request", "idle")
    names = (*rates, *(f"{name}_seconds" for name in seconds))
    return web.Limits(**{name: int(getattr(settings, f"limits_{name}")) for name in names})


@contextmanager
def bound(listen: str) -> Iterator[socket.socket]:
    """A socket that listens at HOST:PORT. Raises: ConfigurationError where it cannot."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, int(port)))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "another program listens there" if taken else error.strerror
            raise ConfigurationError(f"listen: {listen}: {why}; choose another with --listen") from None
        listening.listen(128)
        yield listening


def address_of(listening: socket.socket) -> str:
    """The address a browser on this machine uses for a socket."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def link(deployment: "Deployment", org: str, who: Item, *, brings: Brings, address: str) -> str:
    """A link at an address that signs somebody in once, into the log of an organisation."""
    return f"{address}/sign-in?link={deployment.credentials.new_link(org, who, brings)}"


def _person(text: str) -> Item:
    return sound(Item(**(parse_item("as", text) or {})), "as")
