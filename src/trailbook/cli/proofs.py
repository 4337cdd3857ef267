"""Proofs and keeping: signing keys, checkpoints, proof files, backup, restore, erasure.

Owns what an operator does beside recording and reading. Refuses to restore in silence: a log that lost entries
goes on only as a declared restart.
"""

import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
import typer

from trailbook import administration, deployment as deployments, export, proofs, tree
from trailbook.cli.context import JSON, open_deployment, open_log, settings_of
from trailbook.cli.items import ITEM, parse_item
from trailbook.cli.output import as_json, note, progress, put
from trailbook.cli.safety import placed
from trailbook.cli.server_lock import served_at
from trailbook.deployment import Settings
from trailbook.errors import ConfigurationError, InvalidError
from trailbook.model import Item

if TYPE_CHECKING:
    from trailbook.administration import ErasedPerson
    from trailbook.deployment import Deployment, Restarted

keys = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Make, rotate and list the signing keys."
)
checkpoint = typer.Typer(add_completion=False, rich_markup_mode=None, help="Show or publish the signed head.")
_UNKNOWN = (
    "without it nobody can tell what a backup lost; name the right file, or go on with --without-outside-file"
)
_NOTHING_LOST = "Restored. It reaches the last signed head that was kept outside: nothing signed was lost."
_SERVER_SECONDS = 60.0  # that a running server has to take new keys
_LOOK_SECONDS = 0.1  # between two looks whether it has


@keys.command("new")
def keys_new(ctx: typer.Context, json: bool = JSON) -> None:
    """Make the first signing keys of a log that has none."""
    folder = deployments.locations_of(settings_of(ctx)).signing_folder()
    proofs.new_keys(folder, secrets.token_bytes)
    put(
        as_json({"folder": str(folder)})
        if json
        else f"The signing keys are in {folder}; keep them from others."
    )


@keys.command("rotate")
def keys_rotate(ctx: typer.Context, json: bool = JSON) -> None:
    """Make new signing keys beside the old ones, and record it in every log.

    Where a server serves the log, it records and signs; the command waits until it has.
    """
    settings = settings_of(ctx)
    folder = deployments.locations_of(settings).signing_folder()
    with open_deployment(settings) as deployment:
        proofs.new_keys(folder, secrets.token_bytes, rotate=True)
        _take_keys(deployment, placed(deployments.locations_of(settings).lock_file))
        orgs = deployment.orgs()
    put(as_json({"rotated": orgs}) if json else f"New keys sign from now on; recorded in: {', '.join(orgs)}.")


@keys.command("list")
def keys_list(ctx: typer.Context, json: bool = JSON) -> None:
    """List the public keys that verify a log's checkpoints, oldest first."""
    with open_log(ctx) as opened:
        lines = verifier_lines(opened.deployment, opened.log.org)
    _lines(as_json(lines) if json else "\n".join(lines))


@keys.command("replace")
def keys_replace(
    ctx: typer.Context,
    declare: bool = typer.Option(False, "--declare-restart", help="Begin a new origin, visibly for ever."),
    json: bool = JSON,
) -> None:
    """Make new keys in place of lost ones.

    The old origin cannot be signed any more, so every log begins a new one; its first entry cites the last head.
    """
    settings = settings_of(ctx)
    if not declare:
        raise ConfigurationError(
            "signing_key: lost keys begin a new origin; declare it with --declare-restart"
        )
    _new_keys_in_place(settings)
    with open_deployment(settings) as deployment:
        restarts = deployment.restart(_outside(settings), always=True)
        signer = deployment.signer()
        for org in deployment.orgs():
            signer.sign(org)
    _lines(as_json(restarts) if json else "\n".join(_sentence(restarted) for restarted in restarts))


@checkpoint.command("show")
def checkpoint_show(ctx: typer.Context, json: bool = JSON) -> None:
    """Print the last signed head, as it is kept."""
    with open_log(ctx) as opened:
        text = opened.log.checkpoint(viewer=opened.viewer).decode()
    _lines(as_json({"note": text}) if json else text)


@checkpoint.command("publish")
def checkpoint_publish(ctx: typer.Context, json: bool = JSON) -> None:
    """Sign what is new, now, and copy it outside; refused when the log does not extend what was signed."""
    with open_log(ctx) as opened:
        signed = opened.deployment.signer().sign(opened.log.org)
    answer = {"size": None if signed is None else signed.size, "new": signed is not None}
    put(as_json(answer) if json else f"Signed at size {signed.size}." if signed else "Nothing new to sign.")


def prove(
    ctx: typer.Context,
    id_: str = typer.Argument(metavar="ID", help="The entry's id."),
    output: Path | None = typer.Option(None, metavar="FILE", help="Where to write it; else it is printed."),
    json: bool = JSON,
) -> None:
    """Write the proof that an entry is in the signed tree."""
    with open_log(ctx) as opened:
        proof = opened.log.proof(_id(id_), viewer=opened.viewer)
        leaf = opened.log.leaf(_id(id_), viewer=opened.viewer)
    text = proof.decode()
    if output is not None:
        output.write_bytes(proof)
        output.with_name(f"{output.name}.leaf").write_bytes(leaf)
        text = f"The proof is in {output}, the bytes it is about in {output.name}.leaf; `trailbook verify` checks it."
    _lines(as_json({"proof": proof.decode()}) if json else text)


def backup(
    ctx: typer.Context,
    file: Path = typer.Argument(metavar="FILE", help="A file that does not exist."),
    json: bool = JSON,
) -> None:
    """Copy the store while recording goes on."""
    settings = settings_of(ctx)
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file}: its folder does not exist")
    with open_deployment(settings) as deployment, progress("Copying") as advance:
        deployment.backup(file, advance)
    put(
        as_json({"file": str(file)})
        if json
        else f"{file} is a whole copy. The secrets and keys are not in it."
    )
    if settings.outside_file is None:
        note("No outside_file is set: without one nobody can tell, after a restore, what was lost since.")


def restore(
    ctx: typer.Context,
    file: Path = typer.Argument(metavar="FILE", help="A backup."),
    declare: bool = typer.Option(
        False, "--declare-restart", help="Go on although entries are lost, visibly for ever."
    ),
    blind: bool = typer.Option(
        False,
        "--without-outside-file",
        help="Go on although nobody can tell what is lost: a declared restart in any case.",
    ),
    json: bool = JSON,
) -> None:
    """Put a backup in place of a log that is gone.

    The outside file tells what the backup lost. Refused when it lost entries, unless the restart is declared; then
    it stays visible for ever.
    """
    settings = settings_of(ctx)
    place = deployments.store_file(settings.store)
    if place is None:
        raise ConfigurationError("store: only a store in one file is restored this way")
    if place.exists():
        raise ConfigurationError(f"store: {place.name} is there; move it away first, nothing is overwritten")
    if not deployments.is_log_file(file):
        raise ConfigurationError(f"{file.name}: is not there, or is no backup of a log")
    if settings.outside_file is None and not blind:
        raise ConfigurationError(f"outside_file: {_UNKNOWN}")
    part = place.with_name(place.name + ".part")
    os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))  # names stand in it
    shutil.copyfile(file, part)
    os.replace(part, place)
    try:
        restarts = _restart(settings, declared=declare, blind=blind)
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            place.with_name(place.name + suffix).unlink(missing_ok=True)
        raise
    sentences = "\n".join(_sentence(restarted) for restarted in restarts)
    _lines(as_json(restarts) if json else sentences or _NOTHING_LOST)
    if blind:
        note("Whoever was erased after the backup was taken is in the log again: erase them again.")


def erase(
    ctx: typer.Context,
    item: str = typer.Argument(metavar=ITEM, help="The person, type/id."),
    purpose: str | None = typer.Option(None, metavar="SLUG", help="Why, from the declared list."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask; a terminal is asked otherwise."),
    json: bool = JSON,
) -> None:
    """Erase a person; no proof breaks.

    What names them is gone from the log for good, and so are their membership, account, sessions, links and views,
    and the files of exports that were ordered before. What remains is a pattern of events under a pseudonym. The last
    administrator is refused. Killed on the way, the same command ends it.
    """
    with open_log(ctx) as opened:
        whom = msgspec.convert(parse_item("item", item), Item)
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Erase {item} for good? It cannot be undone", abort=True)
        erased = administration.erase_person(opened.by, whom, purpose=purpose)
        # A server would let go of them at its next look; there may be none for long.
        exports = deployments.locations_of(opened.settings).export_folder()
        export.Runner(opened.deployment, exports).sweep(opened.log.org)
    put(as_json(_erased(erased)) if json else _what_went(erased))
    for remaining in erased.remains:
        note(f"What remains: {remaining.what}; {remaining.why}.")


def _erased(erased: "ErasedPerson") -> dict[str, object]:
    receipt: dict[str, object] = msgspec.to_builtins(erased.receipt)
    return {**receipt, "went": erased.went, "remains": erased.remains}


def _what_went(erased: "ErasedPerson") -> str:
    """What an erasure took, in a sentence; what there was none of is left out."""
    went = erased.went
    counts = (
        (went.membership, "their membership"),
        (went.account, "their account"),
        (went.sessions, f"sessions and links: {went.sessions}"),
        (went.views, f"views of theirs: {went.views}"),
        (went.exports, f"exports of this log, whoever ordered them: {went.exports}"),
    )
    also = "; ".join(text for count, text in counts if count)
    return f"Erased, recorded as entry {erased.receipt.seq}. Gone: what named them in the log" + (
        f"; {also}." if also else "."
    )


def _take_keys(deployment: "Deployment", lock: Path | None) -> None:
    """Have every log signed with the newest keys, by the server where there is one.

    Raises: ConfigurationError when the server has not; TrailbookError for a log that cannot be signed.
    """
    until = time.monotonic() + _SERVER_SECONDS
    while lock is not None and (address := served_at(lock)) is not None:
        behind = deployment.behind_keys()
        if not behind:
            return
        if time.monotonic() > until:
            raise ConfigurationError(
                f"signing_key: the new keys are there, but the server at {address} has not signed with them yet:"
                f" {', '.join(behind)}; `trailbook doctor` says why, and it goes on by itself"
            )
        time.sleep(_LOOK_SECONDS)
    deployment.take_keys()


def verifier_lines(deployment: "Deployment", org: str) -> list[str]:
    """The public keys of a log as text lines, with the sizes that each signs. Source: C2SP signed-note."""
    return [tree.format_key(range_) for range_ in deployment.key_ranges(org)]


def _restart(settings: Settings, *, declared: bool, blind: bool) -> "list[Restarted]":
    outside = None if blind else _outside(settings)
    with open_deployment(settings) as deployment:
        if not deployment.orgs():
            raise ConfigurationError("the backup holds no log of any organisation")
        if outside is not None:
            unknown = deployment.unwitnessed(outside)
            if unknown:
                named = f"{outside.name} holds no signed head of {', '.join(unknown)}"
                raise ConfigurationError(f"outside_file: {named}; {_UNKNOWN}")
            behind = deployment.behind(outside)
            if behind and not declared:
                lost = "; ".join(
                    f"{org}: up to seq {head.size - 1} was signed" for org, head in behind.items()
                )
                raise ConfigurationError(
                    f"the backup lost entries ({lost}); declare it with --declare-restart"
                )
        restarts = deployment.restart(outside, always=blind)
        signer = deployment.signer()
        for org in deployment.orgs():
            signer.sign(org)
    return restarts


def _outside(settings: Settings) -> Path | None:
    return None if settings.outside_file is None else Path(settings.outside_file)


def _new_keys_in_place(settings: Settings) -> None:
    """New keys in the folder, whose old files must be gone; the origin stays. Raises: ConfigurationError."""
    folder = deployments.locations_of(settings).signing_folder()
    origin = proofs.origin_in(folder) or settings.origin
    if origin is None:
        raise ConfigurationError("origin: name the one that the lost keys signed for")
    proofs.new_keys(folder, secrets.token_bytes)
    proofs.keep_origin(folder, origin)


def _sentence(restarted: "Restarted") -> str:
    first, after = restarted.lost
    lost = "nothing that was signed is known to be lost"
    if after > first:
        seqs = f"seq {first} is" if after == first + 1 else f"seq {first} to {after - 1} are"
        lost = f"{seqs} lost and may be sent again by id"
    again = restarted.erased_again
    persons = "1 person was" if again == 1 else f"{again} persons were"
    return f"{restarted.org}: {lost}; goes on as {restarted.origin}; {persons} erased again."


def _lines(text: str) -> None:
    """Print every line as one of its own: a printed line never holds a break."""
    for line in text.splitlines():
        put(line)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError(f"id: {text[:60]!r} is not an entry's id") from None
