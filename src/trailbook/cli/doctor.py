"""`doctor`: what is wrong or unsafe with a log and its setup, in sentences, and what to do.

Owns the order of looking, and repairing the one thing that can be made anew from the entries: the index. Refuses to
touch an entry, a key or a file's mode, and to bring an older file up to date while it only looks.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
import typer
from msgspec import Struct

from trailbook import capture, deployment as deployments
from trailbook.cli.context import JSON, open_deployment, open_log, settings_of
from trailbook.cli.drain import opened_host
from trailbook.cli.exits import DONE, FINDINGS
from trailbook.cli.output import as_json, counted, progress, put
from trailbook.cli.safety import Risk, placed, unsafe
from trailbook.cli.server_lock import served_at
from trailbook.deployment import Settings
from trailbook.errors import NotFoundError, StoreError, TrailbookError
from trailbook.model import Progress

if TYPE_CHECKING:
    from trailbook.deployment import Deployment
    from trailbook.proofs import Sighting
    from trailbook.verify import Finding

_MOST_SHOWN = 20  # of the faults of one log; `verify` has them all
_OUTBOX_SECONDS = 60
_SERVER_SECONDS = 3
_MOST_SAID = 3  # of the faults of an index
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
    settings = settings_of(ctx)
    risks = [*unsafe(settings, ctx.obj["config"])]
    seen: dict[str, tuple[Sighting, ...]] = {}
    with progress("Looking") as advance:
        risks += _log(settings, advance, seen, repair=repair)
    risks += [*_server(settings), *(risk for host in url for risk in _outbox(host))]
    left = [risk for risk in risks if not risk.repaired]
    if json:
        put(as_json({"ok": not left, "findings": risks, "witnesses": seen}))
    else:
        put(*(_sentence(org, sighting) for org, sightings in seen.items() for sighting in sightings))
        _say(risks)
    return FINDINGS if left else DONE


def _server(settings: Settings) -> Iterator[Risk]:
    """What the running server says of the loops beside it, which no other process can see."""
    lock = placed(deployments.locations_of(settings).lock_file)
    address = None if lock is None else served_at(lock)
    if address is None:
        return
    do = "Its log says whose work it is and why; it is tried again by itself."
    try:
        with urlopen(f"{address}/readyz", timeout=_SERVER_SECONDS) as answer:
            health = msgspec.json.decode(answer.read())
    except HTTPError as refused:
        health = msgspec.json.decode(refused.read())
    except (OSError, ValueError) as error:
        yield Risk(
            part="server", says=f"The server at {address} does not answer ({type(error).__name__}).", do=do
        )
        return
    for name in (*health.get("failing", ()), *health.get("warning", ())):
        if name in deployments.LOOPS:
            yield Risk(
                part=name, says=f"The running server says that {name} does not go on for somebody.", do=do
            )


def _say(risks: list[Risk]) -> None:
    for risk in risks:
        put(f"{'repaired' if risk.repaired else risk.part}: {risk.says}", f"    {risk.do}")
    left = sum(not risk.repaired for risk in risks)
    put(counted(left, "finding") if left else "All is well.")


def _log(
    settings: Settings, advance: Progress, seen: dict[str, tuple["Sighting", ...]], *, repair: bool
) -> Iterator[Risk]:
    """What is wrong with the log; puts what its witnesses have seen into `seen`, by organisation."""
    try:
        if older := _older(settings.store):
            yield older
            return
        with open_deployment(settings) as deployment:
            ailments = deployment.ailments()
            yield from (Risk(part=a.part, says=a.says, do=a.do, org=a.org) for a in ailments)
            for org in deployment.orgs():
                if witnesses := deployment.trust(org).witnesses:
                    seen[org] = witnesses
                    yield from _unseen(org, witnesses, deployment.clock())
                yield from _one_log(deployment, org, advance, repair=repair)
    except StoreError as error:
        ailment = deployments.refused_ailment(error)
        yield Risk(part=ailment.part, says=ailment.says, do=ailment.do)
    except TrailbookError as error:
        if isinstance(error, NotFoundError) and not _is_there(settings.store):
            raise
        says = f"The log does not open: {error.detail}."
        yield Risk(part="store", says=says, do="Mend what it says, then ask again.")


def _unseen(org: str, witnesses: tuple["Sighting", ...], now: datetime) -> Iterator[Risk]:
    """A witness that has not seen what was signed for hours; a server asks it within minutes."""
    for seen in witnesses:
        if seen.is_late(now):
            yield Risk(
                part="witnesses",
                says=_sentence(org, seen),
                do="A running server asks it, and says on stderr what it answers (docs/how-to/witnesses.md).",
                org=org,
            )


def _sentence(org: str, seen: "Sighting") -> str:
    if seen.size is None or seen.at is None:
        return f"{seen.name} has not seen any head of {org}."
    at = seen.at.isoformat(timespec="seconds")
    newest = ", the newest" if seen.newest else ""
    return (
        f"{seen.name} saw the head of {org} over {counted(seen.size, 'entry', 'entries')}{newest}, at {at}."
    )


def _is_there(store: str) -> bool:
    file = deployments.store_file(store)
    return file is None or file.exists()


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


class _Looked(Struct, frozen=True):
    """What is wrong with a log: with its index, in words, and with anything else."""

    index: list[str]
    risks: list[Risk]


def _one_log(deployment: "Deployment", org: str, advance: Progress, *, repair: bool) -> Iterator[Risk]:
    """What is wrong with a log; a damaged index is made anew where that is asked, and everything looked at again."""
    looked = _look(deployment, org, advance)
    faults, left = looked.index, looked.index
    if repair and faults:
        deployment.kept_log(org).upkeep.reindex()
        looked = _look(deployment, org, advance)
        left = looked.index
    if faults:
        yield _index(org, left or faults, repaired=repair and not left)
    yield from looked.risks


def _look(deployment: "Deployment", org: str, advance: Progress) -> _Looked:
    """What `verify` finds, but for signing that is late, which has been told."""
    try:
        outside = deployment.heads_outside(org)
        report = deployment.verify(org, outside=outside, progress=advance)
    except TrailbookError as error:
        says = f"The entries of {org} cannot be verified: {error.detail}."
        unread = Risk(part="entries", says=says, do="Mend what it says, then ask again.", org=org)
        return _Looked(deployment.kept_log(org).upkeep.check(), [unread])
    faults = [f for f in report.findings if f.verdict != "unsigned" and not deployments.is_of_index(f)]
    risks = [_fault(org, fault) for fault in faults[:_MOST_SHOWN]]
    if len(faults) > _MOST_SHOWN:
        says = f"{len(faults) - _MOST_SHOWN} more faults are in {org}."
        do = "`trailbook verify --json` names them all."
        risks.append(Risk(part="entries", says=says, do=do, org=org))
    return _Looked([_words(f) for f in report.findings if deployments.is_of_index(f)], risks)


def _index(org: str, faults: list[str], *, repaired: bool) -> Risk:
    """A damaged index: the entries behind it are another question, and it is made anew from them."""
    more = f"; and {len(faults) - _MOST_SAID} more" if len(faults) > _MOST_SAID else ""
    first = "; ".join(faults[:_MOST_SAID])
    return Risk(
        part="index",
        says=f"The index of {org} is damaged: {first}{more}. What finds entries is; entries are not.",
        do="It was built anew from the entries."
        if repaired
        else "`trailbook doctor --repair` builds it anew from the entries.",
        org=org,
        repaired=repaired,
    )


def _words(fault: "Finding") -> str:
    what = fault.what.removesuffix(INTACT)
    return what if fault.seq is None else f"{fault.place}: {what}"


def _fault(org: str, fault: "Finding") -> Risk:
    if fault.verdict == "index":
        what = fault.what.removesuffix(INTACT)
        says = f"In {org}, {fault.place}: {what}. Entries are intact; what leads to them is not."
        do = "Copy the file aside and restore a backup (docs/operate.md, drill 1); rebuilding the index does not help."
        return Risk(part="directory", says=says, do=do, org=org)
    says = f"In {org}, {fault.place} is {fault.verdict}: {fault.what}."
    do = "Nothing repairs an entry. Copy the file aside and follow drill 3 of docs/operate.md."
    return Risk(part="entries", says=says, do=do, org=org)


def _outbox(url: str) -> Iterator[Risk]:
    """A host whose changes wait for the log, or of whom something was refused."""
    with opened_host(url) as engine:
        health, waits = capture.outbox_health(engine), capture.outbox_waits(engine)
    for wait in waits:
        waited = int((datetime.now(UTC) - wait.oldest).total_seconds())
        if waited >= _OUTBOX_SECONDS:
            pending = counted(wait.pending, "entry", "entries")
            yield Risk(
                part="outbox",
                says=f"{pending} of {wait.org} wait in a host for the log, the oldest for {waited} s.",
                do="Run `trailbook drain --from URL --follow` beside the host; where it runs, stderr says why.",
                org=wait.org,
            )
    if health.quarantined:
        yield Risk(
            part="outbox",
            says=f"The log refused {counted(health.quarantined, 'entry', 'entries')} of a host.",
            do="`trailbook quarantine list --from URL` says which and why; the host has them still.",
        )


def reindex(ctx: typer.Context, json: bool = JSON) -> None:
    """Build the index of a log anew from its entries, and give personal items to whom the entries say.

    No entry is touched, and nothing that was signed.
    """
    with open_log(ctx) as opened, progress("Indexing") as advance:
        faults = opened.log.upkeep.check()
        mended = opened.log.recorder.mend_owners()
        opened.log.upkeep.reindex(advance)
        size = opened.log.size(viewer=opened.viewer)
    answer = {"org": opened.log.org, "size": size, "faults_before": faults, "owners_mended": mended}
    before = f" {counted(len(faults), 'fault')} found before: {'; '.join(faults[:3])}." if faults else ""
    before += f" {counted(mended, 'item')} belonged to somebody else than entries say." if mended else ""
    put(
        as_json(answer)
        if json
        else f"The index of {counted(size, 'entry', 'entries')} is built anew.{before}"
    )
