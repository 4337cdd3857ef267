"""`demo`: Nordlys AS, built once into a folder, then served: its activity log and its HR system, in one process.

Owns that the folder stands under its name only when it is whole. Refuses to write into a folder that holds
anything else, and to give the demo secrets that anybody could know.
"""

import os
import random
import shutil
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from msgspec import structs

from trailbook import administration, demo as nordlys, deployment as deployments, web
from trailbook.access import operator
from trailbook.cli.context import JSON, open_deployment, settings_of
from trailbook.cli.output import as_json, note, progress, put
from trailbook.cli.serve import BASE_URL, LISTEN, Brings, bound, limits_of, link, run, served, settle
from trailbook.clock import Clock
from trailbook.deployment import Settings
from trailbook.errors import ConfigurationError, UnauthenticatedError
from trailbook.model import Item
from trailbook.query import WorkingHours

if TYPE_CHECKING:
    from trailbook.demo import Summary
    from trailbook.deployment import Deployment
    from trailbook.log import Log

# What is set of another log in the same folder: the demo's own lies beside it, and nobody else's is used for it.
_ITS_OWN = ("secret_key", "organisation_key", "origin", "secrets_directory", "signing_key", "lock_file")
LOG_FILE, OUTSIDE_FILE, ZONE, SEED = "log.db", "outside.txt", "Europe/Oslo", 7


def demo(
    ctx: typer.Context,
    folder: Path = typer.Option(
        Path("nordlys-demo"), "--dir", metavar="DIR", help="Where the company is kept."
    ),
    serves: bool = typer.Option(True, "--serve/--no-serve", help="Serve it, or only build it."),
    listen: str | None = LISTEN,
    base_url: str | None = BASE_URL,
    opens: bool = typer.Option(False, "--open/--no-open", help="Open the log in a browser."),
    json: bool = JSON,
) -> None:
    """Open the log of the demo company, Nordlys AS.

    The first time it is built: two years of a small company, lived through by its HR system. Later it is served as
    it was left.
    """
    settings = settings_of(ctx, listen=listen, base_url=base_url)
    settings = structs.replace(
        settings,
        store=f"sqlite:///{folder / LOG_FILE}",
        org=nordlys.ORG,
        outside_file=str(folder / OUTSIDE_FILE),
        catalogue=(str(nordlys.CATALOGUE), *settings.catalogue),
        **dict.fromkeys(_ITS_OWN),
    )
    # Before two years are lived through: whoever has to choose another port should learn that now.
    with bound(settings.listen) if serves else nullcontext() as listening:
        if not (folder / LOG_FILE).exists():
            summary = build(folder)
            note(f"{summary.entries} entries about {summary.people} people are in {folder}")
        if listening is not None:
            _serve(folder, settings, listening, opens=opens, json=json)
    if serves:
        return
    if json:
        put(as_json({"dir": str(folder), "org": nordlys.ORG, "store": settings.store}))
    else:
        put(f"The company is in {folder}; TRAILBOOK_STORE={settings.store} reads its log.")


def build(folder: Path) -> "Summary":
    """Build the company into a folder that does not exist or is empty; it has its name once it is whole.

    Raises: ConfigurationError when something else is there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"dir: {folder} holds something else; name another with --dir")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        summary = _live(part)
        os.rename(part, folder)
    except BaseException:
        shutil.rmtree(part)
        raise
    return summary


def _live(folder: Path) -> "Summary":
    url = f"sqlite:///{folder / LOG_FILE}"
    # Everything about the company comes from the seed; the secrets and keys of its log never do.
    signs = deployments.Signs(origin=nordlys.ORIGIN)
    deployments.open_deployment(url, create=True, signs=signs).close()
    closes: list[Callable[[], None]] = []

    def open_log(clock: Clock, source: Item) -> "Log":
        entropy = random.Random(f"log/{SEED}").randbytes
        deployment = deployments.open_deployment(
            url, folders=[nordlys.CATALOGUE], clock=clock, entropy=entropy, signs=signs
        )
        closes.append(deployment.close)
        log = deployment.create(nordlys.ORG)
        log.recorder.source = source
        # On the company's first day, so that what is newest is somebody's everyday work.
        _let_in(deployment)
        return log

    try:
        with progress("Living through two years") as advance:
            summary = nordlys.build(
                folder, until=datetime.now(UTC), seed=SEED, progress=advance, open_log=open_log
            )
    finally:
        for close in closes:
            close()
    # Or `verify` would say that nobody signed it, until it is served.
    signs = structs.replace(signs, outside=folder / OUTSIDE_FILE)
    with closing(deployments.open_deployment(url, folders=[nordlys.CATALOGUE], signs=signs)) as deployment:
        deployment.signer().sign(nordlys.ORG)
    return summary


def _serve(folder: Path, settings: Settings, listening: socket.socket, *, opens: bool, json: bool) -> None:
    with (
        open_deployment(settings) as deployment,
        served(settings, listening) as address,
    ):
        log = deployment.log(nordlys.ORG)
        log.recorder.source = nordlys.SOURCE
        hr = nordlys.HRSystem(folder / nordlys.HR_FILE, log, deployment.clock)
        _let_in(deployment)

        members = [nordlys.item_of(each) for each in nordlys.FOUR]

        def signs_in(item: Item) -> str:
            brings: Brings = None if item in members else "none"
            return link(deployment, nordlys.ORG, item, brings=brings, address=address)

        links = {each.part: signs_in(nordlys.item_of(each)) for each in nordlys.FOUR}
        addresses = {"address": address, "hr_system": f"{address}/hr", **links}
        extra = [*nordlys.page_routes(hr), *nordlys.entry_routes(hr, signs_in, _reads(deployment))]
        settle(deployment, settings)
        app = web.create_app(
            deployment,
            base_url=address,
            languages=settings.languages,
            export_days=int(settings.export_days),
            extra=extra,
            limits=limits_of(settings),
            trusted_proxies=settings.trusted_proxies,
        )
        put(*([as_json(addresses)] if json else _welcome(addresses).splitlines()))
        sys.stdout.flush()
        if opens:
            webbrowser.open(addresses["hr"])
        with deployment.signing_beside(), hr.draining(deployment.beside("draining").tell):
            run(app, listening, settings.log_level)
        hr.close()


def _reads(deployment: "Deployment") -> Callable[[Mapping[str, str]], Item | None]:
    """As whom the log is open in the browser that sent these headers."""

    def reads(headers: Mapping[str, str]) -> Item | None:
        text = web.session(headers)
        try:
            return None if text is None else deployment.credentials.viewer(text).item
        except UnauthenticatedError:
            return None

    return reads


def _let_in(deployment: "Deployment") -> None:
    """Give the four of the demo their roles in the log, and the company its hours, where that is not done yet."""
    by = administration.By(deployment, operator(nordlys.ORG))
    if not deployment.access.organisation(nordlys.ORG).working_hours:
        administration.set_working_hours(by, WorkingHours(tz=ZONE))
    members = administration.access_of(by).members
    for each in nordlys.FOUR:
        item = nordlys.item_of(each)
        if (item.type, item.id) not in members:
            administration.put_member(by, item, [each.role])


def _welcome(addresses: dict[str, str]) -> str:
    return f"""\
The activity log of Nordlys AS, for its HR lead (the link works once):
  {addresses["hr"]}
The same for a manager and for an employee, whose roles have no access to it:
  {addresses["manager"]}
  {addresses["employee"]}
And for the system administrator, who cares for roles, members and keys:
  {addresses["administrator"]}
The HR system that records into it; edit something there and look again:
  {addresses["hr_system"]}
Stop with Ctrl-C."""
