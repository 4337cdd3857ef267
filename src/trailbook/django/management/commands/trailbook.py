"""`manage.py trailbook drain`, `verify` and `check`: what the command line does, upon the project's own settings.

Owns how a project's settings become what the command line is told. Refuses to do any of it in another way: outcomes and
exit codes are those of `trailbook`.
"""

import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core import checks
from django.core.management.base import BaseCommand
from django.db import connections

from trailbook import capture, cli
from trailbook.capture.django import DjangoDatabase, the_host
from trailbook.cli import drain, exits, output
from trailbook.deployment import Deployment
from trailbook.django.host import SETTINGS_FILE, host_log, log_url
from trailbook.errors import ConfigurationError, TrailbookError

NO_OUTBOX, OUTBOX = "trailbook.W011", "trailbook_outbox"


class Command(BaseCommand):  # type: ignore[misc]  # Django ships no types
    """The commands that have to do with this project's log."""

    help = "Move what waits into the log, verify the log, or check what is covered."
    requires_system_checks = ()  # `check` runs its own, and says what they find

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Each of the three with its options."""
        commands = parser.add_subparsers(dest="command", required=True)
        moving = commands.add_parser(
            "drain", help="Move what waits in the outbox into the log, and sign the log."
        )
        moving.add_argument("--follow", action="store_true", help="Go on until interrupted.")
        moving.add_argument("--batch", type=int, default=500, help="Rows of the outbox in one pass.")
        verifying = commands.add_parser("verify", help="Check that nothing in the log was changed.")
        checking = commands.add_parser(
            "check", help="Say what is not covered, and what waits or was refused."
        )
        for each in (moving, checking):
            each.add_argument("--database", default="default", help="The alias of the database.")
        verifying.add_argument("--org", help="The organisation; without it that of the settings.")
        for each in (moving, verifying, checking):
            each.add_argument("--json", action="store_true", help="Answer in JSON.")
            for django in ("--settings", "--pythonpath"):  # which Django has read by now, wherever they stand
                each.add_argument(django, default=SUPPRESS, help=SUPPRESS)

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Run one of them, and end with its exit code."""
        code = _DO[options["command"]](options)
        if code:
            sys.exit(code)


def _drain(options: dict[str, Any]) -> int:
    def move() -> int:
        ways = drain.ways_of(options["batch"], "capture")
        deployment, database = host_log(), _with_outbox(_database(options["database"]))
        with _signing(deployment):
            return drain.moved(database, deployment, ways, follow=options["follow"], json=options["json"])

    return exits.outcome(move, wants_json=options["json"])


def _database(alias: str) -> DjangoDatabase:
    """A database of the project. Raises: ConfigurationError for an alias that there is not."""
    if alias not in connections:
        raise ConfigurationError(
            f"database: DATABASES has no {alias!r}; it has {', '.join(map(repr, connections))}"
        )
    return DjangoDatabase(alias)


def _with_outbox(database: DjangoDatabase) -> DjangoDatabase:
    """The same database. Raises: ConfigurationError where it has no outbox yet."""
    alias = database.alias
    if OUTBOX not in connections[alias].introspection.table_names():
        raise ConfigurationError(f"database: {alias} has no outbox; run manage.py migrate --database {alias}")
    return database


@contextmanager
def _signing(deployment: Deployment) -> Iterator[None]:
    """Sign what comes in meanwhile, and at the end, where this host has the signing keys; else somebody else does."""
    if not deployment.can_sign:
        yield
        return
    with deployment.signing_beside():
        yield
    signer = deployment.signer()
    for org in deployment.orgs():
        signer.sign(org)


def _verify(options: dict[str, Any]) -> int:
    def verify() -> int:
        url, org = log_url(), options["org"] or the_host().settings.org
        where = ["--config" if url.endswith(SETTINGS_FILE) else "--store", url]
        whose = [] if callable(org) else ["--org", org]
        return cli.main([*where, *whose, "verify", *(["--json"] if options["json"] else [])])

    return exits.outcome(verify, wants_json=options["json"])


def _check(options: dict[str, Any]) -> int:
    return exits.outcome(
        lambda: _checked(options["database"], json=options["json"]), wants_json=options["json"]
    )


def _checked(alias: str, *, json: bool) -> int:
    spots = [*_spots(_database(alias)), *_of_the_log()]
    if json:
        output.put(
            output.as_json([dict(zip(("where", "code", "what"), spot, strict=True)) for spot in spots])
        )
    elif spots:
        output.table([("where", "code", "what"), *spots])
    return exits.FINDINGS if spots else exits.DONE


def _spots(database: DjangoDatabase) -> Iterator[tuple[str, str, str]]:
    """What the checks of the project find, and what is the matter with its outbox."""
    tags = ["trailbook", checks.Tags.database]
    messages = checks.run_checks(tags=tags, databases=[database.alias])
    yield from (_spot(message) for message in messages if not message.is_silenced())
    if any(message.id == NO_OUTBOX for message in messages):
        return
    health = capture.outbox_health(_with_outbox(database))
    output.note(f"{health.pending} wait in the outbox")
    if health.quarantined:
        yield "outbox", "quarantined", f"{health.quarantined} entries were refused by the log"


def _of_the_log() -> Iterator[tuple[str, str, str]]:
    """What is the matter with the log; that it is not given the project's checks say."""
    settings = the_host().settings
    if settings.log is None:
        return
    try:
        orgs = host_log().orgs()
    except TrailbookError as error:
        yield "log", error.code, error.detail
        return
    if not callable(settings.org) and settings.org not in orgs:
        yield "log", "not-found", f"the log has no organisation {settings.org}"


def _spot(message: checks.CheckMessage) -> tuple[str, str, str]:
    where = getattr(getattr(message.obj, "_meta", None), "label", None) or str(message.obj or "settings")
    return where, str(message.id), f"{message.msg} {message.hint or ''}".strip()


_DO = {"drain": _drain, "verify": _verify, "check": _check}
