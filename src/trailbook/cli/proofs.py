"""Proofs and keeping: signing keys, checkpoints, proof files, backup, restore, erasure.

Owns what an operator does beside recording and reading. Refuses to restore in silence: a log that lost entries
goes on only as a declared restart.
"""

import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import typer

from trailbook import deployment as deployments
from trailbook import proofs, tree
from trailbook.cli.context import JSON, open_log, opened, settings_of
from trailbook.cli.items import ITEM, parse_item
from trailbook.cli.output import as_json, note, progress, put
from trailbook.deployment import Settings
from trailbook.errors import ConfigurationError, InvalidError
from trailbook.model import Actor, Item, Origin

if TYPE_CHECKING:
    from trailbook.deployment import Deployment

keys = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Make, rotate and list the signing keys."
)
checkpoint = typer.Typer(add_completion=False, rich_markup_mode=None, help="Show or publish the signed head.")
_UNTOLD = (
    "without it nobody can tell what a backup lost; name the right file, or go on with --without-outside-file"
)
_NOTHING_LOST = "Restored. It reaches the last signed head that was kept outside: nothing signed was lost."
OPERATOR = Actor(kind="system", type="system", id="operator", name="Operator")


@keys.command("new")
def keys_new(ctx: typer.Context, json: bool = JSON) -> None:
    """Make the first signing keys of a log that has none."""
    folder = folder_of(settings_of(ctx))
    proofs.new_keys(folder, secrets.token_bytes)
    put(
        as_json({"folder": str(folder)})
        if json
        else f"The signing keys are in {folder}; keep them from others."
    )


@keys.command("rotate")
def keys_rotate(ctx: typer.Context, json: bool = JSON) -> None:
    """Make new signing keys beside the old ones, and record it in every log."""
    found = settings_of(ctx)
    with opened(found) as deployment:
        deployment.rotate_keys(folder_of(found))
        logs = deployment.orgs()
    put(as_json({"rotated": logs}) if json else f"New keys sign from now on; recorded in: {', '.join(logs)}.")


@keys.command("list")
def keys_list(ctx: typer.Context, json: bool = JSON) -> None:
    """List the public keys that verify a log's checkpoints, oldest first."""
    with open_log(ctx) as found:
        lines = verifier_lines(found.deployment, found.log.org)
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
    found = settings_of(ctx)
    if not declare:
        raise ConfigurationError(
            "signing_key: lost keys begin a new origin; declare it with --declare-restart"
        )
    _new_keys_in_place(found)
    with opened(found) as deployment:
        done = deployment.restart(_outside(found), always=True)
        signer = deployment.signer()
        for org in deployment.orgs():
            signer.sign(org)
    told = [_told(one) for one in done]
    _lines(as_json(told) if json else "\n".join(_said(one) for one in told))


@checkpoint.command("show")
def checkpoint_show(ctx: typer.Context, json: bool = JSON) -> None:
    """Print the last signed head, as it is kept."""
    with open_log(ctx) as found:
        text = found.log.checkpoint(viewer=found.viewer).decode()
    _lines(as_json({"note": text}) if json else text)


@checkpoint.command("publish")
def checkpoint_publish(ctx: typer.Context, json: bool = JSON) -> None:
    """Sign what is new, now, and copy it outside; refused when the log does not extend what was signed."""
    with open_log(ctx) as found:
        signed = found.deployment.signer().sign(found.log.org)
    told = {"size": None if signed is None else signed.size, "new": signed is not None}
    put(as_json(told) if json else f"Signed at size {signed.size}." if signed else "Nothing new to sign.")


def prove(
    ctx: typer.Context,
    id_: str = typer.Argument(metavar="ID", help="The entry's id."),
    output: Path | None = typer.Option(None, metavar="FILE", help="Where to write it; else it is printed."),
    json: bool = JSON,
) -> None:
    """Write the proof that an entry is in the signed tree."""
    with open_log(ctx) as found:
        proof = found.log.proof(_id(id_), viewer=found.viewer)
        leaf = found.log.leaf(_id(id_), viewer=found.viewer)
    told = as_json({"proof": proof.decode()}) if json else proof.decode()
    if output is not None:
        output.write_bytes(proof)
        output.with_name(f"{output.name}.leaf").write_bytes(leaf)
        said = f"The proof is in {output}, the bytes it is about in {output.name}.leaf; `trailbook verify` checks it."
        told = told if json else said
    _lines(told)


def backup(
    ctx: typer.Context,
    file: Path = typer.Argument(metavar="FILE", help="A file that does not exist."),
    json: bool = JSON,
) -> None:
    """Copy the store while recording goes on."""
    found = settings_of(ctx)
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file}: its folder does not exist")
    with opened(found) as deployment, progress("Copying") as reach:
        deployment.backup(file, reach)
    put(
        as_json({"file": str(file)})
        if json
        else f"{file} is a whole copy. The secrets and keys are not in it."
    )
    if found.outside_file is None:
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
    found = settings_of(ctx)
    place = deployments.sqlite_path(found.store)
    if place.exists():
        raise ConfigurationError(f"store: {place.name} is there; move it away first, nothing is overwritten")
    if not deployments.is_log_file(file):
        raise ConfigurationError(f"{file.name}: is not there, or is no backup of a log")
    if found.outside_file is None and not blind:
        raise ConfigurationError(f"outside_file: {_UNTOLD}")
    part = place.with_name(place.name + ".part")
    os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))  # names stand in it
    shutil.copyfile(file, part)
    os.replace(part, place)
    try:
        told = _restart(found, declare, blind)
    except BaseException:
        for suffix in ("", "-wal", "-shm"):
            place.with_name(place.name + suffix).unlink(missing_ok=True)
        raise
    _lines(as_json(told) if json else "\n".join(_said(one) for one in told) or _NOTHING_LOST)
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

    What names them is gone from the log for good; what remains is a pattern of events under a pseudonym.
    """
    with open_log(ctx) as found:
        whom = msgspec.convert(parse_item("item", item), Item)
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Erase {item} for good? It cannot be undone", abort=True)
        receipt = found.log.erase(whom, actor=OPERATOR, purpose=purpose, origin=Origin(interface="cli"))
    put(as_json(receipt) if json else f"Erased, recorded as entry {receipt.seq}.")
    note(
        "Copies that others hold, and backups taken before, still name them. A backup that is restored with the"
    )
    note("outside file erases them again; one that is only kept does not: remove the old ones.")


def folder_of(found: Settings) -> Path:
    """Where the signing keys of these settings lie. Raises: ConfigurationError."""
    if found.signing_key is not None:
        return Path(found.signing_key)
    folder: Path = deployments.signing_folder(found.store)
    return folder


def verifier_lines(deployment: "Deployment", org: str) -> list[str]:
    """The public keys of a log as text lines. Source: C2SP signed-note."""
    return [tree.format_vkey(key) for key in deployment.verifier_keys(org)]


def _restart(found: Settings, declare: bool, blind: bool) -> list[dict[str, Any]]:
    outside = None if blind else _outside(found)
    with opened(found) as deployment:
        if not deployment.orgs():
            raise ConfigurationError("the backup holds no log of any organisation")
        if outside is not None:
            unknown = deployment.unwitnessed(outside)
            if unknown:
                named = f"{outside.name} holds no signed head of {', '.join(unknown)}"
                raise ConfigurationError(f"outside_file: {named}; {_UNTOLD}")
            behind = deployment.behind(outside)
            if behind and not declare:
                lost = "; ".join(f"{org}: up to seq {one.size - 1} was signed" for org, one in behind.items())
                raise ConfigurationError(
                    f"the backup lost entries ({lost}); declare it with --declare-restart"
                )
        done = deployment.restart(outside, always=blind)
        signer = deployment.signer()
        for org in deployment.orgs():
            signer.sign(org)
    return [_told(one) for one in done]


def _told(one: Any) -> dict[str, Any]:
    return {"org": one.org, "lost": list(one.lost), "origin": one.origin, "erased_again": one.erased_again}


def _outside(found: Settings) -> Path | None:
    return None if found.outside_file is None else Path(found.outside_file)


def _new_keys_in_place(found: Settings) -> None:
    """New keys in the folder, whose old files must be gone; the origin stays. Raises: ConfigurationError."""
    folder = folder_of(found)
    kept = proofs.origin_in(folder) or found.origin
    if kept is None:
        raise ConfigurationError("origin: name the one that the lost keys signed for")
    proofs.new_keys(folder, secrets.token_bytes)
    proofs.keep_origin(folder, kept)


def _said(one: dict[str, Any]) -> str:
    first, after = one["lost"]
    lost = "nothing that was signed is known to be lost"
    if after > first:
        seqs = f"seq {first} is" if after == first + 1 else f"seq {first} to {after - 1} are"
        lost = f"{seqs} lost and may be sent again by id"
    persons = "1 person was" if one["erased_again"] == 1 else f"{one['erased_again']} persons were"
    return f"{one['org']}: {lost}; goes on as {one['origin']}; {persons} erased again."


def _lines(text: str) -> None:
    """Print every line as one of its own: a printed line never holds a break."""
    for line in text.splitlines():
        put(line)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError(f"id: {text[:60]!r} is not an entry's id") from None
