"""`doctor`: what is wrong or unsafe with a log and its setup, in sentences, and what to do.

Owns the order of looking, and repairing the one thing that can be made anew from the entries: the index. Refuses to
touch an entry, a key or a file's mode, and to bring an older file up to date while it only looks.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from trailbook import capture, proofs
from trailbook import deployment as deployments
from trailbook.cli.context import JSON, open_log, opened, settings_of
from trailbook.cli.drain import host_url
from trailbook.cli.exits import DONE, FOUND
from trailbook.cli.output import Reach, as_json, counted, progress, put
from trailbook.cli.safety import Risk, unsafe
from trailbook.deployment import Settings
from trailbook.errors import NotFoundError, StoreError, TrailbookError

if TYPE_CHECKING:
    from trailbook.deployment import Deployment

_MOST_TOLD = 20  # of the faults of one log; `verify` has them all
_OUTBOX_SECONDS = 60
INTACT = "; entries intact"
FROM = typer.Option(
    [],
    "--from",
    metavar="URL",
    help="Also the outbox of this host's database; env:NAME takes it from a variable. Repeat for several.",
)


def doctor(
    ctx: typer.Context,
    repair: bool = typer.Option(False, "--repair", help="Build a damaged index anew; no entry is touched."),
    url: list[str] = FROM,
    json: bool = JSON,
) -> int:
    """Say what is wrong or unsafe, and what to do; exit 1 when anything is.

    It looks at settings, files, disk, clock, signing and index, and hashes every entry anew as `verify` does.
    """
    found = settings_of(ctx)
    findings = [*unsafe(found, ctx.obj["config"])]
    with progress("Looking") as reach:
        findings += _log(found, reach, repair=repair)
    findings += [one for each in url for one in _outbox(each)]
    left = [one for one in findings if not one.repaired]
    if json:
        put(as_json({"ok": not left, "findings": findings}))
    else:
        _say(findings)
    return FOUND if left else DONE


def _say(findings: list[Risk]) -> None:
    for one in findings:
        put(f"{'repaired' if one.repaired else one.part}: {one.says}", f"    {one.do}")
    left = sum(not one.repaired for one in findings)
    put(counted(left, "finding") if left else "All is well.")


def _log(found: Settings, reach: Reach, *, repair: bool) -> Iterator[Risk]:
    try:
        if older := _older(found.store):
            yield older
            return
        with opened(found) as deployment:
            ailing = deployment.ailments()
            yield from (Risk(part=a.part, says=a.says, do=a.do, org=a.org) for a in ailing)
            for org in deployment.orgs():
                yield from _index(deployment, org, repair=repair)
                yield from _entries(deployment, org, found, reach)
    except StoreError as error:
        one = deployments.refused_ailment(error)
        yield Risk(part=one.part, says=one.says, do=one.do)
    except TrailbookError as error:
        if isinstance(error, NotFoundError) and not _is_there(found.store):
            raise
        says = f"The log does not open: {error.detail}."
        yield Risk(part="store", says=says, do="Mend what it says, then ask again.")


def _is_there(store: str) -> bool:
    return Path(store.removeprefix("sqlite:///")).exists()


def _older(store: str) -> Risk | None:
    """An older file: opening it would change it, and whoever only looks must not."""
    schema = deployments.schema_of(store)
    if schema is None or schema[0] >= schema[1]:
        return None
    return Risk(
        part="migrations",
        says=f"The file has schema {schema[0]}, this Trailbook knows {schema[1]}; the log was not looked into.",
        do="Copy the file, then run any other command: it brings the file up to date at once.",
    )


def _index(deployment: "Deployment", org: str, *, repair: bool) -> Iterator[Risk]:
    """A damaged index: the entries behind it are another question, and it is made anew from them."""
    log = deployment.kept_log(org)
    faults = log.check_index()
    if not faults:
        return
    if repair:
        log.reindex()
        left = log.check_index()
        faults, repair = left or faults, not left
    yield Risk(
        part="index",
        says=f"The index of {org} is damaged: {'; '.join(faults[:3])}. What finds entries is; entries are not.",
        do="It was built anew from the entries."
        if repair
        else "`trailbook doctor --repair` builds it anew from the entries.",
        org=org,
        repaired=repair,
    )


def _entries(deployment: "Deployment", org: str, found: Settings, reach: Reach) -> Iterator[Risk]:
    """What `verify` finds, but for the index and for signing that is late, which have been told."""
    try:
        report = deployment.verify(org, outside=_heads(deployment, org, found), progress=reach)
    except TrailbookError as error:
        says = f"The entries of {org} cannot be verified: {error.detail}."
        yield Risk(part="entries", says=says, do="Mend what it says, then ask again.", org=org)
        return
    faults = [f for f in report.findings if f.verdict != "unsigned" and f.place != "index"]
    yield from (_fault(org, one) for one in faults[:_MOST_TOLD])
    if len(faults) > _MOST_TOLD:
        says = f"{len(faults) - _MOST_TOLD} more faults are in {org}."
        yield Risk(part="entries", says=says, do="`trailbook verify --json` names them all.", org=org)


def _fault(org: str, one: Any) -> Risk:
    if one.verdict == "index":
        says = f"In {org}, {one.place}: {one.what.removesuffix(INTACT)}. Entries are intact; what leads to them is not."
        do = "Copy the file aside and restore a backup (docs/operate.md, drill 1); rebuilding the index does not help."
        return Risk(part="directory", says=says, do=do, org=org)
    says = f"In {org}, {one.place} is {one.verdict}: {one.what}."
    do = "Nothing repairs an entry. Copy the file aside and follow drill 3 of docs/operate.md."
    return Risk(part="entries", says=says, do=do, org=org)


def _heads(deployment: "Deployment", org: str, found: Settings) -> list[bytes]:
    if found.outside_file is None:
        return []
    known = proofs.read_outside(Path(found.outside_file))
    own = f"{deployment.signing.origin}/{org}"
    return [raw for head, raw in known.notes if head.origin == own or head.origin.startswith(f"{own}/")]


def _outbox(url: str) -> Iterator[Risk]:
    """A host whose changes wait for the log, or of whom something was refused."""
    with capture.open_host(host_url(url)) as engine:
        health = capture.outbox_health(engine)
    pending = counted(health.pending, "entry", "entries")
    waited = 0 if health.oldest is None else int((datetime.now(UTC) - health.oldest).total_seconds())
    if waited >= _OUTBOX_SECONDS:
        yield Risk(
            part="outbox",
            says=f"{pending} of a host wait for the log, the oldest for {waited} s.",
            do="Run `trailbook drain --from URL --follow` beside the host.",
        )
    if health.quarantined:
        yield Risk(
            part="outbox",
            says=f"The log refused {counted(health.quarantined, 'entry', 'entries')} of a host.",
            do="`trailbook quarantine list --from URL` says which and why; the host has them still.",
        )


def reindex(ctx: typer.Context, json: bool = JSON) -> None:
    """Build the index of a log anew from its entries; nothing but the index is written."""
    with open_log(ctx) as opened, progress("Indexing") as reach:
        faults = opened.log.check_index()
        opened.log.reindex(reach)
        size = opened.log.size(viewer=opened.viewer)
    told = {"org": opened.log.org, "size": size, "faults_before": faults}
    before = f" {counted(len(faults), 'fault')} found before: {'; '.join(faults[:3])}." if faults else ""
    put(as_json(told) if json else f"The index of {counted(size, 'entry', 'entries')} is built anew.{before}")
